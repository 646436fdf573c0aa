using System.Text;

namespace Hubrelay.Testing
{
    /// <summary>Redis's patterns: *, ?, [abc], [^a], [a-z], and \ before a byte that stands for itself.</summary>
    internal static class Glob
    {
        public static bool Matches(string pattern, string text)
        {
            return Matches(Encoding.UTF8.GetBytes(pattern), 0, Encoding.UTF8.GetBytes(text), 0);
        }

        private static bool Matches(byte[] pattern, int p, byte[] text, int t)
        {
            while (p < pattern.Length)
            {
                if (pattern[p] == '*')
                {
                    for (int i = t; i <= text.Length; i++)
                    {
                        if (Matches(pattern, p + 1, text, i))
                        {
                            return true;
                        }
                    }
                    return false;
                }
                if (t == text.Length || !MatchesOne(pattern, ref p, text[t]))
                {
                    return false;
                }
                t++;
            }
            return t == text.Length;
        }

        /// <summary>Whether one byte of the text matches the next element of the pattern, which is passed over.</summary>
        private static bool MatchesOne(byte[] pattern, ref int p, byte b)
        {
            if (pattern[p] == '[')
            {
                return MatchesClass(pattern, ref p, b);
            }
            if (pattern[p] == '?')
            {
                p++;
                return true;
            }
            if (pattern[p] == '\\' && p + 1 < pattern.Length)
            {
                p++;
            }
            return pattern[p++] == b;
        }

        private static bool MatchesClass(byte[] pattern, ref int p, byte b)
        {
            p++;
            bool isNegated = p < pattern.Length && pattern[p] == '^';
            p += isNegated ? 1 : 0;
            bool isIn = false;
            while (p < pattern.Length && pattern[p] != ']')
            {
                if (pattern[p] == '\\' && p + 1 < pattern.Length)
                {
                    p++;
                }
                if (p + 2 < pattern.Length && pattern[p + 1] == '-' && pattern[p + 2] != ']')
                {
                    isIn |= pattern[p] <= b && b <= pattern[p + 2];
                    p += 3;
                }
                else
                {
                    isIn |= pattern[p++] == b;
                }
            }
            p++;
            return isIn != isNegated;
        }
    }
}
