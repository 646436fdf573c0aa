using System;
using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using System.Threading;

namespace Hubrelay
{
    /// <summary>Random numbers. Each client has a seed of its own: workers that start together must not come in step.</summary>
    internal static class Randomness
    {
        private static int taken;

        public static Random New()
        {
            return new Random(BitConverter.ToInt32(Bytes(4), 0));
        }

        public static string Hex(int bytes)
        {
            return BitConverter.ToString(Bytes(bytes)).Replace("-", "").ToLowerInvariant();
        }

        public static byte[] Bytes(int count)
        {
            var bytes = new byte[count];
            try
            {
                using (RandomNumberGenerator generator = RandomNumberGenerator.Create())
                {
                    generator.GetBytes(bytes);
                }
                return bytes;
            }
            catch (Exception)
            {
                // Mono opens a file for this, which fails when the process has no descriptor left.
                return Substitute(count);
            }
        }

        /// <summary>At most 32 bytes that no other call gives, here or in another process: good enough for what they are for.</summary>
        internal static byte[] Substitute(int count)
        {
            using (Process self = Process.GetCurrentProcess())
            using (var hash = new SHA256Managed())
            {
                string here = $"{Environment.MachineName} {self.Id} {Stopwatch.GetTimestamp()} {Interlocked.Increment(ref taken)}";
                byte[] bytes = hash.ComputeHash(Encoding.UTF8.GetBytes(here));
                Array.Resize(ref bytes, count);
                return bytes;
            }
        }
    }
}
