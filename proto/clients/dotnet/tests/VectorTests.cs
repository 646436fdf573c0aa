using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using Hubrelay.Wire;

namespace Hubrelay.Tests
{
    using Object = Dictionary<string, object>;

    /// <summary>The project's vectors, which are beside all clients.</summary>
    public sealed class VectorTests
    {
        private static readonly Dictionary<string, string[]> Enums = new Dictionary<string, string[]>
        {
            ["OUTCOME_"] = "UNSPECIFIED OK PENDING NOT_CONNECTED INTERRUPTED REFUSED INVALID LIMIT".Split(' '),
            ["STATE_"] = "UNSPECIFIED UP DEGRADED DOWN STOPPING".Split(' '),
            ["CODE_"] = "UNSPECIFIED MALFORMED FRAME_TOO_LARGE HELLO_EXPECTED VERSION NOT_ALLOWED TOO_MANY TIMEOUT".Split(' '),
            ["CAUSE_"] = ("UNSPECIFIED SLOW_READER TOO_LARGE BAD_NAME NOT_CONNECTED REFUSED INVALID - - - - - - - - - STARTING "
                + "STOPPING UNREACHABLE CLOSED TIMEOUT AUTH TLS BUSY DEMOTED PROBE PROTOCOL TOPOLOGY NO_RELAY").Split(' '),
        };

        [Test]
        public void RelayFramesAreReadAsTheVectorsSay()
        {
            var frame = new RelayFrame(); // for all of them: nothing of one may be left in the next
            foreach (Object v in Load("relay-frames.json", "vectors"))
            {
                byte[] body = Unhex((string)v["body"]);
                bool isRead = frame.Decode(Padded(body), 1, body.Length);
                Check.Equal(!v.ContainsKey("error"), isRead, $"{v["name"]}: well-formed");
                if (isRead)
                {
                    string expected = v["frame"] == null ? "{}" : Print(WithoutEmptyStatus(Plain((Object)v["frame"])));
                    Check.Equal(expected, Print(Describe(frame)), (string)v["name"]);
                }
            }
        }

        [Test]
        public void ClientFramesAreWrittenAsTheVectorsSay()
        {
            int written = 0;
            foreach (Object v in Load("client-frames.json", "vectors"))
            {
                if (!v.TryGetValue("canonical", out object canonical) || !(bool)canonical)
                {
                    continue;
                }
                byte[] bytes = Encode((Object)v["frame"]);
                if (bytes == null)
                {
                    continue; // a Hello of another version, which this client never writes
                }
                Check.Equal(Cut.Frame, Splitter.Look(bytes, 0, bytes.Length, 1 << 21, out int length), (string)v["name"]);
                Check.Equal(bytes.Length - 4, length, (string)v["name"]);
                Check.Equal((string)v["body"], Hex(bytes, 4, length), (string)v["name"]);
                written++;
            }
            Check.That(written >= 10, $"only {written} vectors were written");
        }

        [Test]
        public void StreamsAreCutAsTheVectorsSayHoweverTheyAreSplit()
        {
            foreach (Object v in Load("streams.json", "framing"))
            {
                byte[] whole = Unhex(string.Concat(((List<object>)v["chunks"]).Cast<string>()));
                List<string> bodies = ((List<object>)v["bodies"]).Cast<string>().ToList();
                bool isWrong = v.ContainsKey("error");
                List<Slice> unsplit = CutUp(whole, 0, v, out Cut end, out int left);
                IEnumerable<string> seen = unsplit.Select(cut => Hex(whole, cut.Start, cut.Length));
                Check.Equal(string.Join(" ", bodies), string.Join(" ", seen), (string)v["name"]);
                Check.Equal(isWrong, end == Cut.BadLength, (string)v["name"]);
                Check.That(isWrong || (string)v["rest"] == Hex(whole, left, whole.Length - left), (string)v["name"]);
                for (int split = 1; split <= whole.Length; split++)
                {
                    List<Slice> cut = CutUp(whole, split, v, out Cut last, out int rest);
                    Check.That(cut.SequenceEqual(unsplit) && last == end && rest == left, $"{v["name"]}, split at {split}");
                }
            }
        }

        private static List<Slice> CutUp(byte[] whole, int split, Object v, out Cut last, out int at)
        {
            int limit = int.Parse((string)v["max_frame_bytes"]);
            bool isClients = (string)v["sender"] == "client";
            var cut = new List<Slice>();
            at = 0;
            last = Cut.NeedMore;
            foreach (int end in new[] { split, whole.Length })
            {
                for (;;)
                {
                    last = Splitter.Look(whole, at, end, isClients && cut.Count == 0 ? Limits.MaxHelloBytes : limit, out int length);
                    if (last != Cut.Frame)
                    {
                        break;
                    }
                    cut.Add(new Slice(at + 4, length));
                    at += 4 + length;
                }
                if (last == Cut.BadLength)
                {
                    break;
                }
            }
            return cut;
        }

        private static IEnumerable<Object> Load(string file, string list)
        {
            return ((List<object>)Json.Parse(File.ReadAllText(Path.Combine(Folders.Client, "../../vectors", file)))[list]).Cast<Object>();
        }

        private static byte[] Padded(byte[] body)
        {
            var padded = new byte[body.Length + 2]; // a decoder that looks beyond the body finds something else there
            padded[0] = padded[padded.Length - 1] = 0xff;
            body.CopyTo(padded, 1);
            return padded;
        }

        private static byte[] Encode(Object frame)
        {
            KeyValuePair<string, object> kind = frame.Single();
            var f = (Object)kind.Value;
            var to = new FrameBuffer(1);
            ulong id = f.ContainsKey("id") ? ulong.Parse((string)f["id"]) : 0;
            switch (kind.Key)
            {
                case "hello":
                    if (!f.ContainsKey("version") || (string)f["version"] != "1")
                    {
                        return null;
                    }
                    to.Hello(Text(f, "client_name"));
                    break;
                case "publish": to.Publish(Text(f, "channel"), Unhex(Text(f, "payload")), id); break;
                case "subscribe": to.Subscribe(id, List(f, "channels"), List(f, "patterns")); break;
                case "unsubscribe": to.Unsubscribe(id, List(f, "channels"), List(f, "patterns")); break;
                default: to.Ping(id, f.ContainsKey("settled")); break;
            }
            return to.Bytes.Take(to.Count).ToArray();
        }

        private static string Text(Object f, string key)
        {
            return f.TryGetValue(key, out object value) ? (string)value : "";
        }

        private static List<string> List(Object f, string key)
        {
            return f.TryGetValue(key, out object value) ? ((List<object>)value).Cast<string>().ToList() : new List<string>();
        }

        /// <summary>A frame in the form of the vectors: what has not its default, and numbers as text.</summary>
        private static Object Describe(RelayFrame frame)
        {
            switch (frame.Kind)
            {
                case Kind.Welcome: return Of("welcome", Welcome(frame.Welcome));
                case Kind.Message: return Of("message", MessageOf(frame.Message));
                case Kind.Reply: return Of("reply", Reply(frame.Reply));
                case Kind.Status: return Of("status", StatusOf(frame.Status));
                case Kind.Loss:
                    LossFrame l = frame.Loss;
                    return Of("loss", Fields("publishes", l.Publishes, "messages", l.Messages, "reason", l.Reason,
                        "publishes_unknown", l.PublishesUnknown, "cause", l.Cause));
                case Kind.Error: return Of("error", Fields("code", frame.Error.Code, "detail", frame.Error.Detail));
                case Kind.Revoked:
                    return Of("revoked", Fields("channels", frame.Revoked.Channels, "patterns", frame.Revoked.Patterns,
                        "detail", frame.Revoked.Detail));
                default: return new Object();
            }
        }

        private static Object Welcome(WelcomeFrame w)
        {
            Object result = Fields("version", w.Version, "relay_version", w.RelayVersion, "relay_id", w.RelayId, "max_frame_bytes",
                w.MaxFrameBytes, "max_payload_bytes", w.MaxPayloadBytes, "features", w.Features);
            Object status = StatusOf(w.Status);
            if (status.Count > 0)
            {
                result["status"] = status;
            }
            return result;
        }

        private static Object MessageOf(MessageFrame m)
        {
            return Fields("channel", TextOf(m.Data, m.Channel), "payload", Hex(m.Data, m.Payload.Start, m.Payload.Length), "pattern",
                TextOf(m.Data, m.Pattern));
        }

        private static string TextOf(byte[] data, Slice part)
        {
            return Utf8.Read(data, part.Start, part.Length);
        }

        private static Object Reply(ReplyFrame r)
        {
            return Fields("id", r.Id, "outcome", r.Outcome, "receivers", r.Receivers, "detail", r.Detail, "channels", r.Channels,
                "patterns", r.Patterns);
        }

        private static Object StatusOf(StatusFrame s)
        {
            return Fields("state", s.State, "reason", s.Reason, "since_unix_ms", s.SinceUnixMs, "outages", s.Outages, "down_ms",
                s.DownMs, "publishing", s.Publishing, "receiving", s.Receiving, "gaps", s.Gaps, "cause", s.Cause);
        }

        private static Object Of(string kind, Object fields)
        {
            return new Object { [kind] = fields };
        }

        private static Object Fields(params object[] pairs)
        {
            var result = new Object();
            for (int i = 0; i < pairs.Length; i += 2)
            {
                object value = pairs[i + 1];
                if (value is List<string> list)
                {
                    if (list.Count > 0)
                    {
                        result[(string)pairs[i]] = list.Cast<object>().ToList();
                    }
                }
                else if (value is bool isTrue)
                {
                    if (isTrue)
                    {
                        result[(string)pairs[i]] = true;
                    }
                }
                else if (value.ToString() != "" && (value is string || value.ToString() != "0"))
                {
                    result[(string)pairs[i]] = value.ToString();
                }
            }
            return result;
        }

        /// <summary>Enums become their numbers.</summary>
        private static Object Plain(Object value)
        {
            return value.ToDictionary(pair => pair.Key, pair => PlainValue(pair.Value));
        }

        private static object PlainValue(object value)
        {
            if (value is Object inner)
            {
                return Plain(inner);
            }
            if (value is string word)
            {
                foreach (KeyValuePair<string, string[]> names in Enums.Where(names => word.StartsWith(names.Key, StringComparison.Ordinal)))
                {
                    return Array.IndexOf(names.Value, word.Substring(names.Key.Length)).ToString();
                }
            }
            return value;
        }

        private static Object WithoutEmptyStatus(Object frame)
        {
            var content = (Object)frame.Single().Value;
            if (frame.ContainsKey("welcome") && content.TryGetValue("status", out object status) && ((Object)status).Count == 0)
            {
                content.Remove("status");
            }
            return frame;
        }

        private static string Print(object value)
        {
            if (value is Object fields)
            {
                IEnumerable<string> sorted = fields.OrderBy(f => f.Key, StringComparer.Ordinal).Select(f => f.Key + ": " + Print(f.Value));
                return "{" + string.Join(", ", sorted) + "}";
            }
            return value is List<object> list ? "[" + string.Join(", ", list.Select(Print)) + "]" : $"'{value}'";
        }

        private static byte[] Unhex(string text)
        {
            var bytes = new byte[text.Length / 2];
            for (int i = 0; i < bytes.Length; i++)
            {
                bytes[i] = Convert.ToByte(text.Substring(2 * i, 2), 16);
            }
            return bytes;
        }

        private static string Hex(byte[] bytes, int start, int length)
        {
            var text = new StringBuilder(2 * length);
            for (int i = start; i < start + length; i++)
            {
                text.Append(bytes[i].ToString("x2"));
            }
            return text.ToString();
        }
    }

    /// <summary>Where the client's folder is, from the program that is built outside of it.</summary>
    internal static class Folders
    {
        public static string Client => Environment.GetEnvironmentVariable("HUBRELAY_CLIENT_FOLDER") ?? ".";
    }
}
