using System;
using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using System.Threading;

namespace Hubrelay
{
    /// <summary>
    /// Random numbers. Each client has its own seed: workers that start together must not act at the same times.
    /// </summary>
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

        /// <summary>
        /// At most 32 bytes. No other call returns the same bytes, here or in another process. That is good enough for their
        /// uses.
        /// </summary>
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
