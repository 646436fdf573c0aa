using System;
using System.Collections.Generic;
using System.IO;
using System.Text;

namespace Hubrelay.Conformance
{
    /// <summary>Words of the driver protocol: percent-encoded text, base64, names.</summary>
    internal static class Words
    {
        private const string Plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

        public static string Quote(string text)
        {
            var word = new StringBuilder(text.Length);
            foreach (byte b in Encoding.UTF8.GetBytes(text))
            {
                if (Plain.IndexOf((char)b) >= 0)
                {
                    word.Append((char)b);
                }
                else
                {
                    word.Append('%').Append(b.ToString("X2"));
                }
            }
            return word.ToString();
        }

        /// <summary>The text. What is not UTF-8 becomes half a surrogate pair, which no client can send.</summary>
        public static string Unquote(string word)
        {
            var bytes = new List<byte>(word.Length);
            for (int i = 0; i < word.Length; i++)
            {
                if (word[i] == '%')
                {
                    bytes.Add(Convert.ToByte(word.Substring(i + 1, 2), 16));
                    i += 2;
                }
                else
                {
                    bytes.Add((byte)word[i]);
                }
            }
            try
            {
                return new UTF8Encoding(false, true).GetString(bytes.ToArray());
            }
            catch (ArgumentException)
            {
                return "\ud800";
            }
        }

        public static byte[] Payload(string word)
        {
            return word == "-" ? new byte[0] : Convert.FromBase64String(word);
        }

        public static string Base64(ReadOnlyMemory<byte> payload)
        {
            return payload.Length == 0 ? "-" : Convert.ToBase64String(payload.ToArray());
        }

        public static Names NamesIn(IEnumerable<string> words)
        {
            var channels = new List<string>();
            var patterns = new List<string>();
            foreach (string word in words)
            {
                (word[0] == 'p' ? patterns : channels).Add(Unquote(word.Substring(2)));
            }
            return new Names(channels, patterns);
        }

        public static string Confirmed(bool isPending)
        {
            return isPending ? "PENDING" : "OK";
        }

        public static string Failure(Exception e)
        {
            string word = e is NotConnectedException ? "NOT_CONNECTED"
                : e is InterruptedException ? "INTERRUPTED"
                : e is RefusedException ? "REFUSED"
                : e is InvalidRequestException ? "INVALID"
                : e is CongestedException ? "CONGESTED"
                : e is LimitException ? "LIMIT"
                : e is ClosedException ? "CLOSED"
                : e is OperationCanceledException ? "CANCELLED" : "ERROR";
            if (e is RefusedException refused)
            {
                foreach (string name in refused.Channels)
                {
                    word += " name=" + Quote(name);
                }
                foreach (string name in refused.Patterns)
                {
                    word += " name=" + Quote(name);
                }
            }
            return word + " detail=" + Quote(e.Message);
        }

        public static string Describe(RelayEvent one)
        {
            if (one is Message m)
            {
                return $"message {Quote(m.Channel)} {Base64(m.Payload)}" + (m.Pattern.Length > 0 ? " pattern=" + Quote(m.Pattern) : "");
            }
            if (one is Status s)
            {
                return $"status state={(int)s.State} publishing={Bit(s.IsPublishing)} receiving={Bit(s.IsReceiving)} "
                    + $"connected={Bit(s.IsConnected)} gaps={s.Gaps} cause={(int)s.Cause}";
            }
            if (one is Loss l)
            {
                return $"loss publishes={l.Publishes} messages={l.Messages} unknown={l.PublishesUnknown} cause={(int)l.Cause} "
                    + $"local={Bit(l.IsLocal)}";
            }
            if (one is Gap g)
            {
                return $"gap reasons={Quote(string.Join(",", g.Reasons))} partial={Bit(g.IsPartial)}";
            }
            var text = new StringBuilder("revoked");
            foreach (string name in ((Revoked)one).Channels)
            {
                text.Append(" c:").Append(Quote(name));
            }
            foreach (string name in ((Revoked)one).Patterns)
            {
                text.Append(" p:").Append(Quote(name));
            }
            return text.ToString();
        }

        /// <summary>This process's resident size.</summary>
        public static long ResidentBytes()
        {
            return long.Parse(File.ReadAllText("/proc/self/statm").Split(' ')[1]) * Environment.SystemPageSize;
        }

        private static int Bit(bool value)
        {
            return value ? 1 : 0;
        }
    }
}
