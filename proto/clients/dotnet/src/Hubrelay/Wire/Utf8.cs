using System.Text;

namespace Hubrelay.Wire
{
    /// <summary>Strict UTF-8: no surrogates, no overlong forms, nothing above U+10FFFF.</summary>
    internal static class Utf8
    {
        private static readonly UTF8Encoding Strict = new UTF8Encoding(false, true);

        /// <summary>How many bytes the text takes, or -1 if it has a surrogate without its other half.</summary>
        public static int Size(string text)
        {
            int size = text.Length;
            for (int i = 0; i < text.Length; i++)
            {
                char c = text[i];
                if (c < 0x80)
                {
                    continue;
                }
                if (c < 0x800)
                {
                    size++;
                }
                else if (!char.IsSurrogate(c))
                {
                    size += 2;
                }
                else if (char.IsHighSurrogate(c) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]))
                {
                    size += 2; // four bytes for two chars
                    i++;
                }
                else
                {
                    return -1;
                }
            }
            return size;
        }

        /// <summary>Writes a text whose Size is known, and returns where it ends.</summary>
        public static int Write(string text, int size, byte[] to, int at)
        {
            if (size == text.Length)
            {
                for (int i = 0; i < text.Length; i++)
                {
                    to[at + i] = (byte)text[i];
                }
            }
            else
            {
                Strict.GetBytes(text, 0, text.Length, to, at);
            }
            return at + size;
        }

        /// <summary>The text in bytes for which Valid has returned true.</summary>
        public static string Read(byte[] data, int at, int length)
        {
            return length == 0 ? "" : Strict.GetString(data, at, length);
        }

        /// <summary>Whether the bytes are UTF-8.</summary>
        public static bool Valid(byte[] data, int at, int length)
        {
            int end = at + length;
            while (at < end)
            {
                int first = data[at];
                if (first < 0x80)
                {
                    at++;
                    continue;
                }
                int more = first < 0xc2 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : first < 0xf5 ? 3 : 0;
                if (more == 0 || at + more >= end || !IsSecond(first, data[at + 1]))
                {
                    return false;
                }
                for (int i = 2; i <= more; i++)
                {
                    if ((data[at + i] & 0xc0) != 0x80)
                    {
                        return false;
                    }
                }
                at += more + 1;
            }
            return true;
        }

        /// <summary>Checks the second byte: it excludes overlong forms, surrogates, and values that are too large.</summary>
        private static bool IsSecond(int first, int second)
        {
            switch (first)
            {
                case 0xe0: return second >= 0xa0 && second < 0xc0;
                case 0xed: return second >= 0x80 && second < 0xa0;
                case 0xf0: return second >= 0x90 && second < 0xc0;
                case 0xf4: return second >= 0x80 && second < 0x90;
                default: return (second & 0xc0) == 0x80;
            }
        }
    }
}
