using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Hubrelay.SignalR;
using Hubrelay.Testing;

namespace Hubrelay.Tests
{
    /// <summary>
    /// What ASP.NET Core asks of a backplane, between servers on one relay: its specification tests are the model
    /// (https://github.com/dotnet/aspnetcore/tree/main/src/SignalR/server/Specification.Tests/src).
    /// </summary>
    public sealed class HubBackplaneTests
    {
        private static readonly object[] Hi = { "hi" };

        [Test]
        public Task AllConnectionsOfAllServersGetIt()
        {
            return HubFixture.WithTwo(async (hub, one, two) =>
            {
                FakeConnection a = await HubFixture.ConnectAsync(one, "a"), b = await HubFixture.ConnectAsync(two, "b");
                FakeConnection gone = await HubFixture.ConnectAsync(two, "gone");
                await two.OnDisconnectedAsync("gone");
                await Check.Soon(one.SendAllAsync("Send", Hi));
                Check.Equal("{\"type\":1,\"target\":\"Send\",\"arguments\":[\"hi\"]}", await a.NextAsync());
                Check.Equal("Send hi", await b.NextCallAsync());
                await Check.Soon(one.SendAllExceptAsync("Send", new object[] { 1 }, new[] { "a", "nobody" }));
                await Check.Soon(two.SendAllExceptAsync("Send", new object[] { 2 }, new string[0]));
                Check.Equal("Send 2", await a.NextCallAsync());
                Check.Equal("Send 1", await b.NextCallAsync());
                Check.Equal("Send 2", await b.NextCallAsync());
                Check.Equal(0, gone.Waiting, "messages for who is gone");
                Check.Equal(1, two.ConnectionCount, "connections");
            });
        }

        [Test]
        public Task ANameThatIsTooLongCostsTheOthersNothing()
        {
            return HubFixture.WithTwo(async (hub, one, two) =>
            {
                FakeConnection a = await HubFixture.ConnectAsync(one, "a"), b = await HubFixture.ConnectAsync(two, "b");
                Task sent = one.SendConnectionsAsync(new[] { "a", new string('x', 513), "b" }, "Send", Hi);
                Check.Equal("Send hi", await a.NextCallAsync());
                Check.Equal("Send hi", await b.NextCallAsync());
                await Check.FailsAsync<InvalidRequestException>(sent);
            });
        }

        [Test]
        public Task OneConnectionGetsItWhereverItIs()
        {
            return HubFixture.WithTwo(async (hub, one, two) =>
            {
                FakeConnection a = await HubFixture.ConnectAsync(one, "a"), b = await HubFixture.ConnectAsync(two, "b");
                await Check.Soon(one.SendConnectionAsync("b", "Send", Hi));
                Check.Equal("Send hi", await b.NextCallAsync());
                int published = hub.Relay.Published.Count;
                await Check.Soon(one.SendConnectionAsync("a", "Send", Hi));
                Check.Equal("Send hi", await a.NextCallAsync());
                Check.Equal(published, hub.Relay.Published.Count, "publishes for one's own connection");
                await Check.Soon(one.SendConnectionAsync("nobody", "Send", Hi));
                await Check.Soon(one.SendConnectionsAsync(new[] { "a", "", null, "b" }, "Both", new object[0]));
                Check.Equal("Both", await a.NextCallAsync());
                Check.Equal("Both", await b.NextCallAsync());
                Check.Fails<ArgumentNullException>(() => one.SendConnectionAsync(null, "Send", Hi));
                Check.Fails<ArgumentNullException>(() => one.SendConnectionsAsync(null, "Send", Hi));
            });
        }

        [Test]
        public Task AUserHasSeveralConnections()
        {
            return HubFixture.WithTwo(async (hub, one, two) =>
            {
                FakeConnection a = await HubFixture.ConnectAsync(one, "a", "ann"), b = await HubFixture.ConnectAsync(one, "b", "ann");
                FakeConnection c = await HubFixture.ConnectAsync(two, "c", "ann"), d = await HubFixture.ConnectAsync(two, "d", "dan");
                await Check.Soon(two.SendUserAsync("ann", "Send", Hi));
                foreach (FakeConnection each in new[] { a, b, c })
                {
                    Check.Equal("Send hi", await each.NextCallAsync());
                }
                await one.OnDisconnectedAsync("a");
                await Check.Soon(two.SendUsersAsync(new[] { "ann", "", null, "dan" }, "Both", new object[0]));
                foreach (FakeConnection each in new[] { b, c, d })
                {
                    Check.Equal("Both", await each.NextCallAsync());
                }
                Check.Equal(0, a.Waiting, "messages for who is gone");
                Check.Equal(2, await hub.ListenersAsync("Chat.Hub:user:ann"), "servers with ann");
                await one.OnDisconnectedAsync("b");
                Check.Equal(1, await hub.ListenersAsync("Chat.Hub:user:ann"), "servers with ann, without one's last");
            });
        }

        [Test]
        public Task AGroupIsSubscribedForItsFirstMemberAndLeftByItsLast()
        {
            return HubFixture.WithTwo(async (hub, one, two) =>
            {
                FakeConnection a = await HubFixture.ConnectAsync(one, "a"), b = await HubFixture.ConnectAsync(one, "b");
                Check.Equal(0, await hub.ListenersAsync("Chat.Hub:group:room"), "servers in the room");
                await Check.Soon(one.AddToGroupAsync("a", "room"));
                await Check.Soon(one.AddToGroupAsync("a", "room"));
                await Check.Soon(one.AddToGroupAsync("b", "room"));
                await Check.Soon(two.SendGroupAsync("room", "Send", Hi));
                Check.Equal("Send hi", await a.NextCallAsync());
                Check.Equal("Send hi", await b.NextCallAsync());
                await Check.Soon(two.SendGroupExceptAsync("room", "Send", new object[] { 1 }, new[] { "b" }));
                Check.Equal("Send 1", await a.NextCallAsync());
                await Check.Soon(one.RemoveFromGroupAsync("a", "room"));
                await Check.Soon(one.RemoveFromGroupAsync("a", "other"));
                Check.Equal(1, await hub.ListenersAsync("Chat.Hub:group:room"), "servers in the room");
                await Check.Soon(two.SendGroupsAsync(new[] { "room", "", null, "Room" }, "Send", new object[] { 2 }));
                Check.Equal("Send 2", await b.NextCallAsync());
                Check.That(hub.Relay.Published.All(m => !m.Channel.EndsWith(":")), "a group without a name");
                await one.OnDisconnectedAsync("b");
                await one.OnDisconnectedAsync("b");
                Check.Equal(0, await hub.ListenersAsync("Chat.Hub:group:room"), "servers in the room");
                Check.Equal(0, await hub.ListenersAsync("Chat.Hub:connection:b"), "servers with b");
                Check.Equal(0, a.Waiting, "messages for who has left");
            });
        }

        [Test]
        public Task AnotherServersConnectionIsAddedAndRemovedWhenTheTaskHasEnded()
        {
            return HubFixture.WithTwo(async (hub, one, two) =>
            {
                FakeConnection b = await HubFixture.ConnectAsync(two, "b");
                await Check.Soon(one.AddToGroupAsync("b", "room"));
                await Check.Soon(one.AddToGroupAsync("b", "room"));
                Check.Equal(1, await hub.ListenersAsync("Chat.Hub:group:room"), "servers in the room");
                await Check.Soon(one.SendGroupAsync("room", "Send", Hi));
                Check.Equal("Send hi", await b.NextCallAsync());
                await Check.Soon(one.RemoveFromGroupAsync("b", "room"));
                await Check.Soon(one.RemoveFromGroupAsync("b", "room"));
                Check.Equal(0, await hub.ListenersAsync("Chat.Hub:group:room"), "servers in the room");
                PublishedMessage command = hub.Relay.Published.First(m => m.Channel == "Chat.Hub:internal:groups");
                Check.Equal("9501a36f6e6501a4726f6f6da162", BackplaneProtocolTests.Hex(command.Payload.ToArray()), "the command");
                PublishedMessage ack = hub.Relay.Published.First(m => m.Channel == "Chat.Hub:internal:ack:one");
                Check.Equal("9101", BackplaneProtocolTests.Hex(ack.Payload.ToArray()), "the acknowledgement");
            });
        }

        [Test]
        public async Task AConnectionThatNobodyHasIsToldAfterTheTimeout()
        {
            using (var hub = new HubFixture())
            {
                HubBackplane<FakeMessage> one = await hub.ServerAsync("one", ackTimeout: TimeSpan.FromMilliseconds(20));
                var e = await Check.FailsAsync<OperationCanceledException>(one.AddToGroupAsync("nobody", "room"));
                Check.That(e.Message.Contains("nobody") && e.Message.Contains("0.02 s"), e.Message);
                HubBackplane<FakeMessage> two = await hub.ServerAsync("two");
                using (var cancelled = new CancellationTokenSource())
                {
                    Task waiting = two.RemoveFromGroupAsync("nobody", "room", cancelled.Token);
                    await hub.Relay.WaitForPublishedAsync(2, Program.Patience);
                    cancelled.Cancel();
                    await Check.FailsAsync<OperationCanceledException>(waiting);
                }
            }
        }

        [Test]
        public Task ManyGroupCommandsTakeEffectInTheirOrder()
        {
            return HubFixture.WithTwo(async (hub, one, two) =>
            {
                await HubFixture.ConnectAsync(two, "b");
                await Check.Soon(one.AddToGroupAsync("b", "room")); // what is asked before the server has begun has no order
                var all = new List<Task>();
                for (int i = 0; i < 500; i++)
                {
                    all.Add(one.AddToGroupAsync("b", "room " + i % 7));
                    all.Add(one.RemoveFromGroupAsync("b", "room " + i % 7));
                }
                all.Add(one.AddToGroupAsync("b", "room 3"));
                await Check.Soon(Task.WhenAll(all));
                Check.Equal(1, await hub.ListenersAsync("Chat.Hub:group:room 3"), "servers in the last room");
                Check.Equal(0, await hub.ListenersAsync("Chat.Hub:group:room 2"), "servers in another room");
            });
        }

        [Test]
        public Task JoiningAndLeavingAtOnceLeavesNothingBehind()
        {
            return HubFixture.WithTwo(async (hub, one, two) =>
            {
                await Task.WhenAll(Enumerable.Range(0, 8).Select(number => Task.Run(async () =>
                {
                    for (int i = 0; i < 40; i++)
                    {
                        string id = $"{number}.{i}";
                        await HubFixture.ConnectAsync(one, id, "ann");
                        Task joins = Task.WhenAll(one.AddToGroupAsync(id, "room"), one.AddToGroupAsync(id, "room " + i % 3));
                        if (i % 2 == 0)
                        {
                            await Check.Soon(joins);
                        }
                        await one.OnDisconnectedAsync(id);
                        await Check.Soon(joins);
                    }
                })));
                foreach (string channel in new[] { "group:room", "group:room 0", "user:ann", "connection:0.0" })
                {
                    Check.Equal(0, await hub.ListenersAsync("Chat.Hub:" + channel), channel);
                }
                Check.Equal(0, one.ConnectionCount, "connections");
            });
        }

        [Test]
        public Task AConnectionGetsTheMessageInItsOwnProtocol()
        {
            return With("json", async (hub, one) =>
            {
                HubBackplane<FakeMessage> two = await hub.ServerAsync("two", framework: new FakeFramework());
                FakeConnection json = await HubFixture.ConnectAsync(two, "a"), pack =
                    await HubFixture.ConnectAsync(two, "b", null, "messagepack");
                await Check.Soon(two.SendAllAsync("Send", Hi));
                Check.Equal("Send hi", await json.NextCallAsync());
                Check.Equal("0e960180c0a453656e6491a2686990", await pack.NextAsync());
                await Check.Soon(one.SendAllAsync("Send", Hi)); // of a server that has less protocols
                Check.Equal("Send hi", await json.NextCallAsync());
            });
        }

        [Test]
        public async Task AConnectionThatFailsIsNoConcernOfTheOthers()
        {
            using (var hub = new HubFixture())
            {
                var hooks = new RecordingHooks { Throws = true };
                HubBackplane<FakeMessage> one = await hub.ServerAsync("one", hooks);
                FakeConnection broken = await HubFixture.ConnectAsync(one, "a"), whole = await HubFixture.ConnectAsync(one, "b");
                broken.OnWrite = () => throw new IOException("broken");
                for (int i = 0; i < 2; i++)
                {
                    await Check.Soon(one.SendAllAsync("Send", Hi));
                    Check.Equal("Send hi", await whole.NextCallAsync());
                    Check.Equal("failure: a write to a connection: broken", await hooks.NextAsync("failure"));
                }
                await Check.Soon(one.SendLocalAsync("Local", new object[0]));
                Check.Equal("Local", await whole.NextCallAsync());
            }
        }

        [Test]
        public async Task WhatIsNoMessageIsToldAndEndsNothing()
        {
            using (var hub = new HubFixture())
            {
                var hooks = new RecordingHooks();
                var log = new List<string>();
                HubBackplane<FakeMessage> one = await hub.ServerAsync("one", hooks, log.Add);
                FakeConnection a = await HubFixture.ConnectAsync(one, "a", "ann");
                await Check.Soon(one.AddToGroupAsync("a", "room"));
                foreach (string channel in new[] { "all", "connection:a", "user:ann", "group:room", "internal:groups",
                    "internal:ack:one", "internal:return:one" })
                {
                    hub.Relay.Publish("Chat.Hub:" + channel, new byte[] { 0xc1 });
                    string told = await hooks.NextAsync("failure");
                    Check.That(told.Contains("Chat.Hub:" + channel) && told.Contains("0xc1"), told);
                }
                hub.Relay.Publish("Chat.Hub:internal:groups", BackplaneProtocolTests.Bytes("9501a17303a4726f6f6da161"));
                Check.That((await hooks.NextAsync("failure")).Contains("action 3"), "an action that is not known");
                await Check.Soon(one.SendUserAsync("ann", "Send", Hi));
                Check.Equal("Send hi", await a.NextCallAsync());
                Check.Equal(1, log.Count, "lines of the log");
            }
        }

        [Test]
        public async Task TwoHubsOfAProcessDoNotMix()
        {
            using (var hub = new HubFixture())
            {
                HubrelayClient client = await hub.Relay.ConnectAsync();
                var backplane = new Backplane(client);
                RecordingHooks ofChat = new RecordingHooks(), ofNews = new RecordingHooks();
                HubBackplane<FakeMessage> chat = backplane.AddHub("Chat", new FakeFramework("json"),
                    new HubBackplaneOptions { Hooks = ofChat });
                HubBackplane<FakeMessage> news = backplane.AddHub("News", new FakeFramework("json"),
                    new HubBackplaneOptions { Hooks = ofNews });
                Check.That(chat.ServerName != news.ServerName && chat.ServerName.StartsWith(Environment.MachineName + "_"), "names");
                FakeConnection a = await HubFixture.ConnectAsync(chat, "a"), b = await HubFixture.ConnectAsync(news, "a");
                await Check.Soon(chat.SendAllAsync("Chat", new object[0]));
                await Check.Soon(news.SendAllAsync("News", new object[0]));
                Check.Equal("Chat", await a.NextCallAsync());
                Check.Equal("News", await b.NextCallAsync());
                Task added = chat.AddToGroupAsync("nobody", "room");
                await hub.Relay.WaitForPublishedAsync(3, Program.Patience);
                chat.Dispose();
                chat.Dispose();
                await Check.FailsAsync<ObjectDisposedException>(added);
                await Check.FailsAsync<ObjectDisposedException>(chat.SendAllAsync("Chat", Hi));
                await Check.FailsAsync<ObjectDisposedException>(chat.OnConnectedAsync(new FakeConnection("c")));
                Check.Equal(0, await Check.Soon(client.PublishAsync("Chat:connection:a", new byte[1])), "who listens to what is disposed");
                await Check.Soon(news.SendAllAsync("News", Hi));
                Check.Equal("News hi", await b.NextCallAsync());
                hub.Relay.GoDown();
                await ofNews.NextAsync("status Down");
                Check.That(!ofChat.HasBeenTold("status Down"), "a hub that is disposed is told nothing");
                client.Dispose();
            }
        }

        [Test]
        public Task WhatIsWrongIsToldAtOnce()
        {
            return With("json", async (hub, one) =>
            {
                await HubFixture.ConnectAsync(one, "a");
                await Check.FailsAsync<InvalidOperationException>(one.OnConnectedAsync(new FakeConnection("a")));
                string tooLong = new string('x', 500);
                Check.Fails<InvalidRequestException>(() => one.SendGroupAsync(tooLong, "Send", Hi));
                Check.Fails<InvalidRequestException>(() => one.AddToGroupAsync("a", tooLong));
                await Check.FailsAsync<InvalidRequestException>(one.OnConnectedAsync(new FakeConnection("b", tooLong)));
                await Check.FailsAsync<InvalidRequestException>(one.SendAllAsync("Send", new object[] { new string('x', 1 << 20) }));
                await Check.FailsAsync<InvalidRequestException>(one.AddToGroupAsync("a", "\ud800"));
                Check.Equal(1, one.ConnectionCount, "connections");
                Check.Fails<ArgumentNullException>(() => one.AddToGroupAsync("a", null));
                Check.Fails<ArgumentNullException>(() => one.AddToGroupAsync(null, "room"));
                Check.Fails<ArgumentNullException>(() => one.SendUserAsync(null, "Send", Hi));
                var backplane = new Backplane(await hub.Relay.ConnectAsync());
                Check.Fails<ArgumentException>(() => backplane.AddHub("", new FakeFramework()));
                Check.Fails<ArgumentException>(() => backplane.AddHub("H", new FakeFramework(),
                    new HubBackplaneOptions { ServerName = "" }));
                Check.Fails<ArgumentOutOfRangeException>(() => backplane.AddHub("H", new FakeFramework(),
                    new HubBackplaneOptions { AckTimeout = TimeSpan.Zero }));
                var ofOneHub = new HubBackplaneOptions { Hooks = new RecordingHooks() };
                backplane.AddHub("H", new FakeFramework(), ofOneHub);
                Check.Fails<InvalidOperationException>(() => backplane.AddHub("I", new FakeFramework(), ofOneHub));
            });
        }

        /// <summary>
        /// The members of ASP.NET Core's HubLifetimeManager, of which a class for it calls the one of the same name.
        /// </summary>
        [Test]
        public void ThereIsAMethodForEachOfHubLifetimeManager()
        {
            var own = new HashSet<string>(typeof(HubBackplane<FakeMessage>).GetMethods().Select(SignatureOf));
            const string list = "IReadOnlyList`1, ", call = "String, Object[], ", end = "CancellationToken)";
            foreach (string wanted in new[]
            {
                "OnConnectedAsync(IHubConnection`1)", "OnDisconnectedAsync(String)", // HubConnectionContext
                $"SendAllAsync({call}{end}", $"SendAllExceptAsync({call}{list}{end}",
                $"SendConnectionAsync(String, {call}{end}", $"SendConnectionsAsync({list}{call}{end}",
                $"SendGroupAsync(String, {call}{end}", $"SendGroupsAsync({list}{call}{end}",
                $"SendGroupExceptAsync(String, {call}{list}{end}",
                $"SendUserAsync(String, {call}{end}", $"SendUsersAsync({list}{call}{end}",
                $"AddToGroupAsync(String, String, {end}", $"RemoveFromGroupAsync(String, String, {end}",
                $"InvokeConnectionAsync(String, {call}{end}",
                "SetConnectionResultAsync(String, Completion)", // CompletionMessage
                "TryGetReturnType(String, Type&)",
            })
            {
                Check.That(own.Contains(wanted), wanted + " is missing");
            }
        }

        private static string SignatureOf(System.Reflection.MethodInfo method)
        {
            return $"{method.Name}({string.Join(", ", method.GetParameters().Select(p => p.ParameterType.Name))})";
        }

        private static async Task With(string protocol, Func<HubFixture, HubBackplane<FakeMessage>, Task> test)
        {
            using (var hub = new HubFixture())
            {
                await test(hub, await hub.ServerAsync("one", framework: new FakeFramework(protocol)));
            }
        }
    }
}
