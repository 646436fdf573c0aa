using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Hubrelay.SignalR;
using Hubrelay.Testing;

namespace Hubrelay.Tests
{
    /// <summary>What a hub is told, and what its calls do, while Redis or the relay is away, and when messages are lost.</summary>
    public sealed class HubOutageTests
    {
        private static readonly object[] Hi = { "hi" };

        [Test]
        public async Task WithoutRedisSendsFailAtOnceAndItsOwnConnectionsAreReached()
        {
            using (var hub = new HubFixture())
            {
                var hooks = new RecordingHooks();
                var log = new List<string>();
                HubBackplane<FakeMessage> one = await hub.ServerAsync("one", hooks, log.Add);
                FakeConnection a = await HubFixture.ConnectAsync(one, "a", "ann");
                await Check.Soon(one.AddToGroupAsync("a", "room"));
                hub.Relay.GoDown();
                await hooks.NextAsync("status Down");
                await Check.FailsAsync<NotConnectedException>(one.SendAllAsync("Send", Hi));
                await Check.FailsAsync<NotConnectedException>(one.SendGroupAsync("room", "Send", Hi));
                await Check.FailsAsync<NotConnectedException>(one.AddToGroupAsync("elsewhere", "room"));
                await Check.FailsAsync<NotConnectedException>(InvokeAsync(one, "elsewhere"));
                await Check.Soon(one.SendConnectionAsync("a", "Send", Hi));
                Check.Equal("Send hi", await a.NextCallAsync());
                await Check.Soon(one.SendLocalAsync("Redis is away", new object[0]));
                Check.Equal("Redis is away", await a.NextCallAsync());
                FakeConnection late = await HubFixture.ConnectAsync(one, "b"); // begins without Redis
                await Check.Soon(one.AddToGroupAsync("b", "room"));
                hub.Relay.ComeUp();
                await hooks.NextAsync("gap");
                hub.Relay.Publish("Chat.Hub:group:room", Envelope("Group"));
                hub.Relay.Publish("Chat.Hub:connection:b", Envelope("Own"));
                Check.Equal("Group", await a.NextCallAsync());
                var both = new SortedSet<string> { await late.NextCallAsync(), await late.NextCallAsync() };
                Check.Equal("Group Own", string.Join(" ", both));
                await ClientTests.Becomes(() => log.Count == 2, "the log does not have two lines: " + string.Join("; ", log));
                Check.That(log[0].StartsWith("the backplane does not work: Down") && log[1] == "the backplane works again", log[0]);
            }
        }

        [Test]
        public async Task WhatWaitsForAnAnswerIsToldOfTheOutage()
        {
            using (var hub = new HubFixture())
            {
                var hooks = new RecordingHooks();
                HubBackplane<FakeMessage> one = await hub.ServerAsync("one", hooks), two = await hub.ServerAsync("two");
                FakeConnection a = await HubFixture.ConnectAsync(one, "a"), b = await HubFixture.ConnectAsync(two, "b");
                Task<int> here = InvokeAsync(one, "a");
                string id = await a.NextInvocationAsync();
                Task<int> there = InvokeAsync(one, "b");
                Task added = one.AddToGroupAsync("nobody", "room");
                await hub.Relay.WaitForPublishedAsync(2, Program.Patience);
                hub.Relay.GoDown();
                InterruptedException e = await Check.FailsAsync<InterruptedException>(added);
                Check.That(e.Message.Contains("unknown") && e.Message.Contains("Down"), e.Message);
                await Check.FailsAsync<InterruptedException>(there);
                await Check.Soon(one.SetConnectionResultAsync("a", new Completion(id, null, 3, true)));
                Check.Equal(3, await Check.Soon(here), "the result of a connection of its own");
                hub.Relay.ComeUp();
                await hooks.NextAsync("gap");
                Task<int> again = InvokeAsync(one, "b");
                await b.NextAsync();
                await Check.Soon(two.SetConnectionResultAsync("b",
                    new Completion(await b.NextInvocationAsync(), null, new FakeRawResult("4"), true)));
                Check.Equal(4, await Check.Soon(again), "the result after the outage");
            }
        }

        [Test]
        public async Task ALossFailsWhatWaitsForAnAnswer()
        {
            using (var hub = new HubFixture())
            {
                var hooks = new RecordingHooks();
                HubBackplane<FakeMessage> one = await hub.ServerAsync("one", hooks);
                Task added = one.AddToGroupAsync("nobody", "room");
                await hub.Relay.WaitForPublishedAsync(1, Program.Patience);
                hub.Relay.Lose(3);
                await Check.FailsAsync<InterruptedException>(added);
                Check.Equal("loss of 3 on \"\"", await hooks.NextAsync("loss"));
                await hooks.NextAsync("gap");
            }
        }

        [Test]
        public async Task AMoveThatMayHaveCostTheAnswerFailsWhatWaitsForIt()
        {
            using (var hub = new HubFixture())
            {
                hub.Relay.Without("fence");
                HubBackplane<FakeMessage> one = await hub.ServerAsync("one"), two = await hub.ServerAsync("two");
                FakeConnection b = await HubFixture.ConnectAsync(two, "b");
                Task<int> result = InvokeAsync(one, "b");
                await b.NextAsync();
                Task added = one.AddToGroupAsync("nobody", "room");
                await hub.Relay.WaitForPublishedAsync(2, Program.Patience);
                hub.Relay.Restart();
                await Check.FailsAsync<InterruptedException>(added);
                await Check.FailsAsync<InterruptedException>(result);
            }
        }

        [Test]
        public void AGapFailsWhatBeganBeforeItsCause()
        {
            var table = new PendingTable<string, Pending>();
            var before = new PendingAck();
            var after = new PendingAck();
            var here = new AwaitedResult<int>("c", false, error => new FakeHubException(error));
            table.Add("here", here);
            table.Add("before", before);
            table.Mark();
            table.Add("after", after);
            Check.That(!table.Add("after", before), "a key that is in use");
            table.FailMarked(() => new InterruptedException("a test's"));
            Check.That(before.Task.IsFaulted && !after.Task.IsCompleted && !here.Task.IsCompleted, "only what began before");
            table.FailRemote(() => new InterruptedException("a test's"));
            Check.That(after.Task.IsFaulted && !here.Task.IsCompleted, "only what comes through Redis");
            table.FailAll(() => new InterruptedException("a test's"));
            Check.That(here.Task.IsFaulted && table.Count == 0, "all");
        }

        [Test]
        public async Task ARelayThatIsKilledIsAGapAndOneThatIsRestartedIsNone()
        {
            using (var hub = new HubFixture())
            {
                var hooks = new RecordingHooks();
                var moved = new TaskCompletionSource<bool>();
                HubrelayOptions options = FakeRelay.TestOptions();
                options.Log = line => _ = line.Contains("moved to relay") && moved.TrySetResult(true);
                HubBackplane<FakeMessage> one = await hub.ServerAsync("one", hooks, options: options);
                FakeConnection a = await HubFixture.ConnectAsync(one, "a");
                hub.Relay.Restart();
                await Check.Soon(moved.Task);
                await Check.Soon(one.SendAllAsync("Send", Hi));
                Check.Equal("Send hi", await a.NextCallAsync());
                Check.Equal(0, hooks.Gaps, "Gaps of a restart");
                hub.Relay.Cut();
                await hooks.NextAsync("gap");
                await Check.Soon(one.SendAllAsync("Send", Hi));
                Check.Equal("Send hi", await a.NextCallAsync());
            }
        }

        [Test]
        public async Task ConnectionsThatDoNotReadCostTheirChannelAlone()
        {
            using (var hub = new HubFixture())
            {
                var hooks = new RecordingHooks();
                HubrelayOptions options = FakeRelay.TestOptions();
                options.MaxQueueBytes = 10000;
                HubBackplane<FakeMessage> one = await hub.ServerAsync("one", hooks, options: options);
                FakeConnection slow = await HubFixture.ConnectAsync(one, "slow"), other = await HubFixture.ConnectAsync(one, "other");
                await Check.Soon(Task.WhenAll(one.AddToGroupAsync("slow", "a"), one.AddToGroupAsync("other", "b")));
                var reads = new TaskCompletionSource<bool>();
                slow.OnWrite = () => reads.Task;
                for (int i = 0; i < 100; i++)
                {
                    hub.Relay.Publish("Chat.Hub:group:a", Envelope(new string('x', 1000)));
                }
                hub.Relay.Publish("Chat.Hub:group:b", Envelope("Send"));
                Check.Equal("Send", await other.NextCallAsync());
                await Check.Soon(one.SendAllExceptAsync("All", new object[0], new[] { "slow" }));
                Check.Equal("All", await other.NextCallAsync());
                reads.SetResult(true);
                string told = await hooks.NextAsync("loss");
                Check.That(told.EndsWith("on \"Chat.Hub:group:a\""), told);
                await slow.NextAsync();
            }
        }

        [Test]
        public async Task AGroupThatRedisRefusesIsToldAndMayBeJoinedAgain()
        {
            using (var hub = new HubFixture())
            {
                var hooks = new RecordingHooks();
                HubBackplane<FakeMessage> one = await hub.ServerAsync("one", hooks);
                FakeConnection a = await HubFixture.ConnectAsync(one, "a");
                await Check.Soon(one.AddToGroupAsync("a", "room"));
                hub.Relay.Refuse("Chat.Hub:group:room", "Chat.Hub:group:secret");
                Check.Equal("revoked Chat.Hub:group:room", await hooks.NextAsync("revoked"));
                await Check.FailsAsync<RefusedException>(one.AddToGroupAsync("a", "secret"));
                await ClientTests.Becomes(() => Fails<RefusedException>(one.AddToGroupAsync("a", "room")), "it is not asked for again");
                hub.Relay.Publish("Chat.Hub:connection:a", Envelope("Send"));
                Check.Equal("Send", await a.NextCallAsync());
            }
        }

        [Test]
        public async Task AConnectionThatRedisRefusesIsNotKnown()
        {
            using (var hub = new HubFixture())
            {
                HubBackplane<FakeMessage> one = await hub.ServerAsync("one");
                hub.Relay.Refuse("Chat.Hub:user:ann");
                await Check.FailsAsync<RefusedException>(one.OnConnectedAsync(new FakeConnection("a", "ann")));
                Check.Equal(0, one.ConnectionCount, "connections");
                Check.Equal(0, await hub.ListenersAsync("Chat.Hub:connection:a"), "servers with it");
                await HubFixture.ConnectAsync(one, "a");
            }
        }

        [Test]
        public async Task AHubWhoseOwnChannelsAreRefusedTakesNoConnections()
        {
            using (var hub = new HubFixture())
            {
                hub.Relay.Refuse("Chat.Hub:internal:groups");
                HubBackplane<FakeMessage> one = await hub.ServerAsync("one");
                await Check.FailsAsync<RefusedException>(one.OnConnectedAsync(new FakeConnection("a")));
                await Check.FailsAsync<RefusedException>(one.AddToGroupAsync("elsewhere", "room"));
                Check.Equal(0, await hub.ListenersAsync("Chat.Hub:all"), "servers");
            }
        }

        [Test]
        public async Task AHubWhoseOwnChannelIsTakenAwayAsksForAllAgain()
        {
            using (var hub = new HubFixture())
            {
                var hooks = new RecordingHooks();
                HubBackplane<FakeMessage> one = await hub.ServerAsync("one", hooks);
                await HubFixture.ConnectAsync(one, "a");
                hub.Relay.Refuse("Chat.Hub:internal:groups");
                Check.Equal("revoked Chat.Hub:internal:groups", await hooks.NextAsync("revoked"));
                int number = 0;
                await ClientTests.Becomes(() => Fails<RefusedException>(one.OnConnectedAsync(new FakeConnection($"{number++}"))),
                    "a connection is still taken");
            }
        }

        [Test]
        public async Task WithoutARelayConnectionsBeginAndHearFromTheGapOn()
        {
            using (var hub = new HubFixture())
            {
                hub.Relay.Leave();
                HubrelayOptions options = FakeRelay.TestOptions();
                using (var client = new HubrelayClient(hub.Relay.SocketPath, "one", options))
                {
                    var hooks = new RecordingHooks { Throws = true };
                    HubBackplane<FakeMessage> one = new Backplane(client).AddHub("Chat.Hub", new FakeFramework("json"),
                        new HubBackplaneOptions { Hooks = hooks });
                    FakeConnection a = await HubFixture.ConnectAsync(one, "a");
                    await Check.FailsAsync<NotConnectedException>(one.SendAllAsync("Send", Hi));
                    hub.Relay.Return();
                    await hooks.NextAsync("gap");
                    await Check.Soon(one.SendAllAsync("Send", Hi));
                    Check.Equal("Send hi", await a.NextCallAsync());
                }
            }
        }

        private static Task<int> InvokeAsync(HubBackplane<FakeMessage> server, string connectionId)
        {
            return server.InvokeConnectionAsync<int>(connectionId, "Add", Hi, CancellationToken.None);
        }

        private static byte[] Envelope(string method)
        {
            return BackplaneProtocol.WriteInvocation(new FakeFramework("json").Serialize(null, method, new object[0]), null);
        }

        private static bool Fails<T>(Task call)
        {
            try
            {
                Check.That(call.Wait(Program.Patience), "it does not end");
                return false;
            }
            catch (AggregateException e)
            {
                return e.InnerException is T;
            }
        }
    }
}
