using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using Hubrelay.SignalR;

namespace Hubrelay.Tests
{
    /// <summary>
    /// The envelopes, byte for byte: those of ASP.NET Core's own tests
    /// (https://github.com/dotnet/aspnetcore/blob/main/src/SignalR/server/StackExchangeRedis/test/RedisProtocolTests.cs), and what
    /// its writer makes of long names and numbers. Tests/frameworks/signalr checks against another implementation.
    /// </summary>
    public sealed class BackplaneProtocolTests
    {
        private static readonly SerializedMessage[] Two =
        {
            new SerializedMessage("p1", new byte[] { 0x2a }), new SerializedMessage("p2", new byte[] { 0x2a }),
        };

        [Test]
        public void AcksAreTheseBytes()
        {
            foreach ((int, string) one in new[]
            {
                (0, "9100"), (42, "912a"), (127, "917f"), (128, "91cc80"), (180, "91ccb4"), (255, "91ccff"), (256, "91cd0100"),
                (384, "91cd0180"), (65535, "91cdffff"), (65536, "91ce00010000"), (70000, "91ce00011170"),
                (int.MaxValue, "91ce7fffffff"), (-1, "91ff"), (-32, "91e0"), (-33, "91d0df"), (-128, "91d080"), (-129, "91d1ff7f"),
                (-32768, "91d18000"), (-32769, "91d2ffff7fff"), (int.MinValue, "91d280000000"),
            })
            {
                int id = one.Item1;
                string bytes = one.Item2;
                Check.Equal(bytes, Hex(BackplaneProtocol.WriteAck(id)), $"the acknowledgement of {id}");
                Check.Equal(id, BackplaneProtocol.ReadAck(Bytes(bytes)), bytes);
            }
        }

        [Test]
        public void IntegersAreReadInEveryForm()
        {
            foreach (string bytes in new[] { "91cc07", "91cd0007", "91ce00000007", "91cf0000000000000007", "91d007", "91d10007",
                "91d200000007", "91d30000000000000007" })
            {
                Check.Equal(7, BackplaneProtocol.ReadAck(Bytes(bytes)), bytes);
            }
            foreach (string bytes in new[] { "91ce80000000", "91cfffffffffffffffff", "91d3ffffffff7fffffff", "91c0", "91a137", "90" })
            {
                Check.Fails<InvalidDataException>(() => BackplaneProtocol.ReadAck(Bytes(bytes)));
            }
        }

        [Test]
        public void GroupCommandsAreTheseBytes()
        {
            foreach ((GroupAction, string) one in new[]
            {
                (GroupAction.Add, "952aa15301a147a143"), (GroupAction.Remove, "952aa15302a147a143"),
            })
            {
                GroupAction action = one.Item1;
                string bytes = one.Item2;
                Check.Equal(bytes, Hex(BackplaneProtocol.WriteGroupCommand(new GroupCommand(42, "S", action, "G", "C"))));
                GroupCommand read = BackplaneProtocol.ReadGroupCommand(Bytes(bytes));
                Check.Equal($"42 S {action} G C",
                    $"{read.Id} {read.ServerName} {read.Action} {read.GroupName} {read.ConnectionId}");
            }
            Check.Equal((GroupAction)3, BackplaneProtocol.ReadGroupCommand(Bytes("952aa15303a147a143")).Action, "a newer action");
            Check.Fails<InvalidDataException>(() => BackplaneProtocol.ReadGroupCommand(Bytes("942aa15301a147")));
            Check.Fails<InvalidDataException>(() => BackplaneProtocol.ReadGroupCommand(Bytes("952aa153cd0100a147a143")));
            Check.Fails<InvalidDataException>(() => BackplaneProtocol.ReadGroupCommand(Bytes("952ac001a147a143")));
        }

        [Test]
        public void InvocationsAreTheseBytes()
        {
            const string messages = "82a27031c4012aa27032c4012a";
            foreach ((string, string) one in new[]
            {
                ("", "9290" + messages), ("a", "9291a161" + messages),
                ("a b c d e f", "9296a161a162a163a164a165a166" + messages),
            })
            {
                string excluded = one.Item1;
                string bytes = one.Item2;
                string[] ids = excluded.Split(new[] { ' ' }, StringSplitOptions.RemoveEmptyEntries);
                Check.Equal(bytes, Hex(BackplaneProtocol.WriteInvocation(Two, ids)), "excluded: " + excluded);
                BackplaneInvocation read = BackplaneProtocol.ReadInvocation(Bytes(bytes));
                Check.Equal(excluded, string.Join(" ", read.ExcludedConnectionIds));
                Check.Equal("p1 2a, p2 2a", Text(read.Messages));
                Check.That(read.InvocationId == null && read.ReturnChannel == null, "no result is awaited");
            }
            Check.Equal("9290" + messages, Hex(BackplaneProtocol.WriteInvocation(Two, null)), "nobody is excluded");
        }

        [Test]
        public void AnInvocationWithAResultHasItsIdAndChannelBehind()
        {
            const string bytes = "949082a27031c4012aa27032c4012aa169a163";
            Check.Equal(bytes, Hex(BackplaneProtocol.WriteInvocation(Two, null, "i", "c")));
            BackplaneInvocation read = BackplaneProtocol.ReadInvocation(Bytes(bytes));
            Check.Equal("i c", read.InvocationId + " " + read.ReturnChannel);
            Check.That(BackplaneProtocol.ReadInvocation(Bytes("949080c0c0")).InvocationId == null, "nil");
            Check.That(BackplaneProtocol.ReadInvocation(Bytes("939080a169")).InvocationId == null, "an id alone is no request");
        }

        [Test]
        public void CompletionsAreTheseBytes()
        {
            Check.Equal("92a27031c402012a", Hex(BackplaneProtocol.WriteCompletion(new SerializedMessage("p1", new byte[] { 1, 42 }))));
            SerializedMessage read = BackplaneProtocol.ReadCompletion(Bytes("92a27031c402012a"));
            Check.Equal("p1 012a", read.ProtocolName + " " + Hex(read.Serialized.ToArray()));
            Check.Equal(0, BackplaneProtocol.ReadCompletion(Bytes("92a27031c0")).Serialized.Length, "nil");
            Check.Fails<InvalidDataException>(() => BackplaneProtocol.ReadCompletion(Bytes("92c0c400")));
        }

        [Test]
        public void TheBytesOfTheDocumentedExampleAreRight()
        {
            byte[] written = BackplaneProtocol.WriteInvocation(new FakeFramework("json").Serialize(null, "Send", new object[] { "hi" }),
                null);
            string json = "{\"type\":1,\"target\":\"Send\",\"arguments\":[\"hi\"]}\u001e";
            Check.Equal("929081a4" + Hex(Encoding.ASCII.GetBytes("json")) + "c42e" + Hex(Encoding.ASCII.GetBytes(json)), Hex(written));
        }

        [Test]
        public void LengthsTakeTheShortestForm()
        {
            foreach ((int, string) one in new[]
            {
                (0, "a0"), (31, "bf"), (32, "d920"), (255, "d9ff"), (256, "da0100"), (65535, "daffff"), (65536, "db00010000"),
            })
            {
                int length = one.Item1;
                string header = one.Item2;
                string name = new string('x', length);
                byte[] bytes = BackplaneProtocol.WriteGroupCommand(new GroupCommand(1, "", GroupAction.Add, name, ""));
                Check.Equal("9501a001" + header, Hex(bytes.Take(4 + header.Length / 2).ToArray()), $"a name of {length} bytes");
                Check.Equal(name, BackplaneProtocol.ReadGroupCommand(bytes).GroupName, $"a name of {length} bytes");
            }
            foreach ((int, string) one in new[]
            {
                (0, "c400"), (255, "c4ff"), (256, "c50100"), (65535, "c5ffff"), (65536, "c600010000"),
            })
            {
                int length = one.Item1;
                string header = one.Item2;
                byte[] bytes = BackplaneProtocol.WriteCompletion(new SerializedMessage("p", new byte[length]));
                Check.Equal("92a170" + header, Hex(bytes.Take(3 + header.Length / 2).ToArray()), $"{length} bytes");
                Check.Equal(length, BackplaneProtocol.ReadCompletion(bytes).Serialized.Length, "bytes");
            }
            foreach ((int, string) one in new[] { (15, "9f"), (16, "dc0010"), (65535, "dcffff"), (65536, "dd00010000") })
            {
                int count = one.Item1;
                string header = one.Item2;
                string[] ids = Enumerable.Repeat("", count).ToArray();
                byte[] bytes = BackplaneProtocol.WriteInvocation(Two, ids);
                Check.Equal("92" + header + "a0", Hex(bytes.Take(2 + header.Length / 2).ToArray()), $"{count} ids");
                Check.Equal(count, BackplaneProtocol.ReadInvocation(bytes).ExcludedConnectionIds.Count, "ids");
            }
            SerializedMessage[] many = Enumerable.Repeat(new SerializedMessage("", new byte[0]), 16).ToArray();
            Check.Equal("9290de0010a0c400", Hex(BackplaneProtocol.WriteInvocation(many, null).Take(8).ToArray()), "16 protocols");
            Check.Equal("p1 2a", Text(BackplaneProtocol.ReadInvocation(Bytes("dd00000002dc0000df00000001db000000027031c6000000012a"))
                .Messages), "long forms");
        }

        [Test]
        public void NamesAreUtf8()
        {
            byte[] bytes = BackplaneProtocol.WriteGroupCommand(new GroupCommand(1, "s", GroupAction.Add, "Größe 😀", "c"));
            Check.That(Hex(bytes).Contains("ac" + Hex(Encoding.UTF8.GetBytes("Größe 😀"))), Hex(bytes));
            Check.Equal("Größe 😀", BackplaneProtocol.ReadGroupCommand(bytes).GroupName);
        }

        [Test]
        public void ItemsBehindTheKnownOnesAreSkipped()
        {
            Check.Equal(42, BackplaneProtocol.ReadAck(Bytes("922aa178")), "id");
            Check.Equal("G", BackplaneProtocol.ReadGroupCommand(Bytes("962aa15301a147a143c3")).GroupName);
            Check.Equal("i", BackplaneProtocol.ReadInvocation(Bytes("959080a169a163c3")).InvocationId);
            Check.Equal("p1", BackplaneProtocol.ReadCompletion(Bytes("93a27031c400c3")).ProtocolName);
        }

        [Test]
        public void WhatEndsTooEarlyIsAnError()
        {
            var whole = new Dictionary<string, Action<byte[]>>
            {
                { "91ce00011170", bytes => BackplaneProtocol.ReadAck(bytes) },
                { "952aa15301a147a143", bytes => BackplaneProtocol.ReadGroupCommand(bytes) },
                { "9491a16182a27031c4012aa27032c4012aa169a163", bytes => BackplaneProtocol.ReadInvocation(bytes) },
                { "92a27031c402012a", bytes => BackplaneProtocol.ReadCompletion(bytes) },
            };
            foreach (KeyValuePair<string, Action<byte[]>> one in whole)
            {
                byte[] bytes = Bytes(one.Key);
                one.Value(bytes);
                for (int length = 0; length < bytes.Length; length++)
                {
                    Check.Fails<InvalidDataException>(() => one.Value(bytes.Take(length).ToArray()));
                }
            }
            foreach (string liar in new[] { "92dd7fffffff", "9290df7fffffff", "9290df80000000", "92ddffffffff", "9290dfffffffff" })
            {
                Check.Fails<InvalidDataException>(() => BackplaneProtocol.ReadInvocation(Bytes(liar)));
            }
        }

        [Test]
        public void ArbitraryBytesAreReadOrRefused()
        {
            var random = new Random(1);
            byte[] like = Bytes("9491a16182a27031c4012aa27032c4012aa169a163");
            for (int i = 0; i < 20000; i++)
            {
                byte[] bytes = (byte[])like.Clone();
                for (int change = random.Next(1, 4); change > 0; change--)
                {
                    bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
                }
                foreach (Action<byte[]> read in new Action<byte[]>[] { b => BackplaneProtocol.ReadAck(b),
                    b => BackplaneProtocol.ReadGroupCommand(b), b => BackplaneProtocol.ReadInvocation(b),
                    b => BackplaneProtocol.ReadCompletion(b) })
                {
                    try
                    {
                        read(bytes);
                    }
                    catch (InvalidDataException)
                    {
                        // It says what is wrong.
                    }
                }
            }
        }

        [Test]
        public void ChannelsAreThoseOfSignalR()
        {
            var channels = new HubChannels("Chat.Hub", "S");
            Check.Equal("Chat.Hub:all Chat.Hub:internal:groups Chat.Hub:internal:return:S Chat.Hub:internal:ack:S",
                $"{channels.All} {channels.GroupManagement} {channels.ReturnResults} {channels.OwnAck}");
            Check.Equal("Chat.Hub:connection:C Chat.Hub:group:G Chat.Hub:user:U Chat.Hub:internal:ack:T",
                $"{channels.Connection("C")} {channels.Group("G")} {channels.User("U")} {channels.Ack("T")}");
            const int prefix = 15; // "Chat.Hub:group:"
            string longest = new string('ä', (512 - prefix) / 2) + "x";
            Check.Equal(512, Encoding.UTF8.GetByteCount(channels.Group(longest)), "bytes of the longest");
            InvalidRequestException e = Check.Fails<InvalidRequestException>(() => channels.Group(longest + "x"));
            Check.That(e.Message.Contains("Chat.Hub:group:ää") && e.Message.Contains("513 bytes") && e.Message.Contains("takes 512"),
                e.Message);
            Check.Fails<InvalidRequestException>(() => channels.User(longest + "xx"));
            Check.Fails<InvalidRequestException>(() => channels.Connection(longest));
        }

        internal static string Hex(byte[] bytes)
        {
            return BitConverter.ToString(bytes).Replace("-", "").ToLowerInvariant();
        }

        internal static byte[] Bytes(string hex)
        {
            return Enumerable.Range(0, hex.Length / 2).Select(i => Convert.ToByte(hex.Substring(2 * i, 2), 16)).ToArray();
        }

        private static string Text(IReadOnlyList<SerializedMessage> messages)
        {
            return string.Join(", ", messages.Select(one => one.ProtocolName + " " + Hex(one.Serialized.ToArray())));
        }
    }
}
