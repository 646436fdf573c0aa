using System;
using System.Security.Cryptography;

namespace Hubrelay
{
    /// <summary>Random numbers. Each client has a seed of its own: workers that start together must not come in step.</summary>
    internal static class Randomness
    {
        public static Random New()
        {
            return new Random(BitConverter.ToInt32(Bytes(4), 0));
        }

        public static string Hex(int bytes)
        {
            return BitConverter.ToString(Bytes(bytes)).Replace("-", "").ToLowerInvariant();
        }

        private static byte[] Bytes(int count)
        {
            var bytes = new byte[count];
            using (RandomNumberGenerator generator = RandomNumberGenerator.Create())
            {
                generator.GetBytes(bytes);
            }
            return bytes;
        }
    }
}
