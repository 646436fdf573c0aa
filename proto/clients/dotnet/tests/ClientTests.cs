using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Hubrelay.Testing;

namespace Hubrelay.Tests
{
    /// <summary>A whole client with a fake relay. What it writes to the socket is for proto/conformance to check.</summary>
    public sealed class ClientTests
    {
        private static readonly byte[] Hello = Encoding.UTF8.GetBytes("hello");

        [Test]
        public Task WhatIsPublishedComesToWhoListens()
        {
            return With(async (relay, client) =>
            {
                using (Subscription room = await client.ListenAsync("room.7"))
                using (Subscription same = await client.ListenAsync("room.7"))
                using (Subscription all = await client.ListenPatternAsync("room.*"))
                using (Subscription several = await client.ListenAsync("room.7", "room.8"))
                {
                    Check.Equal(2, several.Names.Channels.Count, "channels");
                    Check.Equal(2, await client.PublishAsync("room.7", Hello), "receivers");
                    Check.Equal("hello", TextOf(await Check.NextAsync<Message>(room)));
                    Check.Equal("hello", TextOf(await Check.NextAsync<Message>(same)));
                    Message message = await Check.NextAsync<Message>(all);
                    Check.Equal("room.7 room.*", message.Channel + " " + message.Pattern);
                }
                Check.Equal(0, await client.PublishAsync("room.7", Hello), "receivers when all are closed");
                using (Subscription room = await client.ListenAsync("room.7"))
                {
                    var large = new byte[1 << 20]; // it comes in several reads
                    new Random(1).NextBytes(large);
                    await client.PublishAsync("room.7", large);
                    await client.PublishAsync("room.7", Hello);
                    Check.That((await Check.NextAsync<Message>(room)).Payload.ToArray().SequenceEqual(large), "a large payload");
                    Check.Equal("hello", TextOf(await Check.NextAsync<Message>(room)));
                }
            });
        }

        [Test]
        public Task EachOutcomeHasItsException()
        {
            return With(async (relay, client) =>
            {
                relay.Refuse("secret");
                RefusedException refused = await Check.FailsAsync<RefusedException>(client.ListenAsync("secret"));
                Check.Equal("secret", refused.Channels.Single(), "the name");
                await Check.FailsAsync<InvalidRequestException>(client.PublishAsync("", Hello));
                await Check.FailsAsync<InvalidRequestException>(client.PublishAsync("\ud800", Hello));
                await Check.FailsAsync<InvalidRequestException>(client.PublishAsync("room", new byte[(1 << 20) + 1]));
                await Check.FailsAsync<InvalidRequestException>(client.ListenAsync(new Names(null)));
                await Check.FailsAsync<ArgumentNullException>(client.ListenAsync((Names)null));
                Check.Fails<ArgumentNullException>(() => client.ListenAsync((string)null));
                Check.Fails<ArgumentNullException>(() => client.PublishAsync(null, Hello));
                Check.Fails<ArgumentNullException>(() => client.PublishAsync("room", null));
                Check.Fails<ArgumentNullException>(() => client.PublishNowAsync("room", null));
                Check.Fails<ArgumentNullException>(() => client.Send("room", null));
                Check.Fails<InvalidRequestException>(() => client.Send(new string('x', 513), Hello));
                relay.GoDown();
                await Check.FailsAsync<NotConnectedException>(client.PublishAsync("room", Hello));
                Check.Equal(4, client.GetStatistics().Invalid, "publishes counted as invalid");
            });
        }

        [Test]
        public Task ACutIsAGapAndARestartIsNone()
        {
            var moved = new TaskCompletionSource<bool>();
            Action<string> log = line => _ = line.Contains("moved to relay life-2") && moved.TrySetResult(true);
            HubrelayOptions options = FakeRelay.TestOptions();
            options.Log = log;
            return With(async (relay, client) =>
            {
                using (Subscription room = await client.ListenAsync("room"))
                {
                    relay.Restart();
                    await Check.Soon(moved.Task);
                    relay.Publish("room", Hello);
                    Check.That(await Check.Soon(room.ReadAsync().AsTask()) is Message, "no Gap comes before the message");
                    relay.Cut();
                    Gap gap = await Check.NextAsync<Gap>(room);
                    Check.Equal("new connection", gap.Reasons.Single(), "the reason");
                    Check.Equal(3, client.GetStatistics().Connections, "connections");
                }
            }, options);
        }

        [Test]
        public Task WithoutFencesARestartIsAGap()
        {
            return With(async (relay, _) =>
            {
                relay.Without("fence");
                HubrelayClient client = await relay.ConnectAsync();
                using (Subscription room = await client.ListenAsync("room"))
                {
                    relay.Restart();
                    await Check.NextAsync<Gap>(room);
                }
                await client.CloseAsync();
            });
        }

        [Test]
        public Task ALossIsToldWithItsGap()
        {
            return With(async (relay, client) =>
            {
                using (Subscription room = await client.ListenAsync("room"))
                {
                    relay.Lose(3);
                    Check.Equal(3, (await Check.NextAsync<Loss>(room)).Messages, "messages");
                    await Check.NextAsync<Gap>(room);
                }
            });
        }

        [Test]
        public Task RevokedIsTheLastEvent()
        {
            return With(async (relay, client) =>
            {
                Subscription room = await client.ListenAsync(Names.OfChannels("room", "other"));
                relay.Refuse("room");
                Check.Equal("room", (await Check.NextAsync<Revoked>(room)).Channels.Single(), "the name");
                Check.Equal("room", (await Check.NextAsync<Revoked>(client.Events)).Channels.Single(), "the name in Events");
                await Check.FailsAsync<ClosedException>(room.ReadAsync().AsTask());
                Check.That(!await Check.Soon(room.WaitToReadAsync().AsTask()), "it is the end");
            });
        }

        [Test]
        public Task ASecondListenerIsPendingWhileTheRelayIsNotReceiving()
        {
            return With(async (relay, client) =>
            {
                await client.ListenAsync("room");
                relay.GoDown();
                await Told(client, s => s.State == RelayState.Down);
                Check.That((await client.ListenAsync("room")).IsPending, "it is pending");
            });
        }

        [Test]
        public Task WhenASuccessorEndsTheStatusOfTheOldRelayIsToldAgain()
        {
            return With(async (relay, client) =>
            {
                await client.SubscribeAsync(Names.OfChannels("room"));
                relay.GoDown();
                await Told(client, s => s.State == RelayState.Down);
                relay.Restart(); // the move does not end, since nothing is in force
                await Told(client, s => s.State == RelayState.Stopping);
                await Told(client, s => s.State == RelayState.Down); // the successor's
                client.Enter();
                Connection old = client.Serving;
                long ended = Time.Now;
                client.Next.End("killed", ended);
                client.Exit();
                Check.Equal(RelayState.Stopping, (await Check.NextAsync<Status>(client.Events)).State, "the state");
                Check.That(client.Serving == old && old.StoppedAt >= ended, "the time for a successor begins anew");
            }, new HubrelayOptions { Successor = TimeSpan.FromMinutes(1) });
        }

        [Test]
        public Task AfterAnEndInOrderNothingIsUnknown()
        {
            return With(async (relay, _) =>
            {
                relay.Without("settled");
                HubrelayClient client = await relay.ConnectAsync();
                client.Send("room", Hello);
                await Check.Soon(client.CloseAsync());
                Check.Equal(0, client.GetStatistics().LostPublishesUnknown, "unknown after an end in order");
                client = await relay.ConnectAsync();
                client.Send("room", Hello);
                await relay.WaitForPublishedAsync(2, Program.Patience);
                relay.Cut();
                Check.Equal(1, (await Check.NextAsync<Loss>(client.Events)).PublishesUnknown, "unknown after a cut");
                client.Dispose();
            });
        }

        [Test]
        public Task WithoutARelayASubscriptionIsPending()
        {
            return With(async (relay, client) =>
            {
                relay.Leave();
                await Told(client, s => !s.IsConnected);
                NotConnectedException e = await Check.FailsAsync<NotConnectedException>(client.PublishAsync("room", Hello));
                Check.That(e.Message.Contains(relay.SocketPath), e.Message);
                Check.Fails<NotConnectedException>(() => client.Send("room", Hello));
                using (Subscription room = await client.ListenAsync("room"))
                {
                    Check.That(room.IsPending, "it is pending");
                    relay.Return();
                    await Check.NextAsync<Gap>(room);
                    Check.Equal(1, await client.PublishAsync("room", Hello), "receivers");
                }
            });
        }

        [Test]
        public Task PlainSubscribesComeInEvents()
        {
            return With(async (relay, client) =>
            {
                SubscribeResult result = await client.SubscribeAsync(new Names(new[] { "room" }, new[] { "user.*" }));
                Check.That(!result.IsPending, "they are in force");
                relay.Publish("user.7", Hello);
                Check.Equal("user.*", (await Check.NextAsync<Message>(client.Events)).Pattern);
                await client.UnsubscribeAsync(Names.OfPatterns("user.*"));
                relay.Publish("user.7", Hello);
                relay.Publish("room", Hello);
                Check.Equal("room", (await Check.NextAsync<Message>(client.Events)).Channel);
            });
        }

        [Test]
        public Task ACallerThatGivesUpIsToldWhatItKnows()
        {
            return With(async (relay, client) =>
            {
                relay.Stall();
                using (var stop = new CancellationTokenSource())
                {
                    Task<long> sent = client.PublishAsync("room", Hello, stop.Token);
                    Task<long> waiting = client.PublishAsync("room", Hello, stop.Token); // MaxInFlight is 1
                    await Check.FailsAsync<CongestedException>(client.PublishNowAsync("room", Hello));
                    stop.Cancel();
                    Check.That((await Check.FailsAsync<RequestCanceledException>(sent)).MayBeDone, "it was sent");
                    Check.That(!(await Check.FailsAsync<RequestCanceledException>(waiting)).MayBeDone, "it was not sent");
                    Check.That(sent.IsCanceled, "its task is canceled");
                    Task<long> late = client.PublishAsync("room", Hello, stop.Token);
                    Check.That(!(await Check.FailsAsync<RequestCanceledException>(late)).MayBeDone, "nor was this");
                }
                Task<long> next = client.PublishAsync("room", Hello);
                relay.Resume();
                await Check.Soon(next);
            }, new HubrelayOptions { MaxInFlight = 1 });
        }

        [Test]
        public Task ClosingWaitsForOwedReplies()
        {
            return With(async (relay, client) =>
            {
                relay.Stall();
                Subscription room = await client.ListenAsync("room");
                Task<long> owed = client.PublishAsync("other", Hello);
                client.Send("other", Hello);
                Task closing = client.CloseAsync();
                Check.Fails<ClosedException>(() => client.Send("room", Hello));
                await Check.FailsAsync<ClosedException>(client.PublishAsync("room", Hello));
                Check.That(!closing.IsCompleted, "it waits");
                relay.Resume();
                await Check.Soon(owed);
                await Check.Soon(closing);
                await Check.FailsAsync<ClosedException>(room.ReadAsync().AsTask());
                await Check.FailsAsync<ClosedException>(client.ReadyAsync(TimeSpan.FromSeconds(1)));
                Check.Equal(2, relay.Published.Count, "published");
            }, new HubrelayOptions { Drain = Program.Patience });
        }

        [Test]
        public Task DisposingInterruptsWhatIsOwed()
        {
            return With(async (relay, client) =>
            {
                relay.Stall();
                Task<long> owed = client.PublishAsync("room", Hello);
                await relay.WaitForPublishedAsync(1, Program.Patience); // what has not been sent would not be owed
                client.Dispose();
                await Check.FailsAsync<InterruptedException>(owed);
                await Check.Soon(client.DisposeAsync().AsTask());
            });
        }

        [Test]
        public async Task ReadySaysWhatIsWrong()
        {
            string path = Path.Combine(Path.GetTempPath(), "hubrelay-no-such", "relay.sock");
            var client = new HubrelayClient(path);
            await Check.NextAsync<Status>(client.Events); // the first attempt has ended
            NotConnectedException e = await Check.FailsAsync<NotConnectedException>(client.ReadyAsync(TimeSpan.FromMilliseconds(1)));
            Check.That(e.Message.Contains($"connect {path}: no such file or directory"), e.Message);
            await Check.Soon(client.CloseAsync());
            Check.Fails<ArgumentException>(() => new HubrelayClient(path, new string('x', 65)));
            Check.Fails<ArgumentException>(() => new HubrelayClient(new string('x', 200)));
            Check.Fails<ArgumentOutOfRangeException>(() => new HubrelayClient(path, "", new HubrelayOptions { MaxInFlight = 0 }));
            Check.Fails<ArgumentOutOfRangeException>(() => new HubrelayClient(path, "",
                new HubrelayOptions { Drain = TimeSpan.FromSeconds(-1) }));
        }

        [Test]
        public void WhoIsDeniedIsNamed()
        {
            string text = Libc.WhoIsDenied(Path.GetTempPath());
            Check.That(text.StartsWith("this process has uid ", StringComparison.Ordinal) && text.Contains(" and groups "), text);
            Check.That(text.Contains("; the socket has uid ") && text.Contains(" and mode "), text);
        }

        [Test]
        public Task HooksAndLogAreCalled()
        {
            var hooks = new RecordingHooks();
            var lines = new List<string>();
            return With(async (relay, client) =>
            {
                using (Subscription room = await client.ListenAsync("room"))
                {
                    await client.PublishAsync("room", Hello);
                    client.Send("room", Hello);
                    await Check.FailsAsync<InvalidRequestException>(client.PublishAsync("", Hello));
                    await Check.NextAsync<Message>(room);
                    await Check.NextAsync<Message>(room);
                }
                Check.Equal("before room, after room state 1, before room, after room state 0, before , after  state failed, "
                    + "delivery room, delivered room, delivery room, delivered room", hooks.Seen, "the hooks' calls");
                IAsyncEnumerator<RelayEvent> events = (await client.ListenAsync("room")).GetAsyncEnumerator();
                await client.PublishAsync("room", Hello);
                Check.That(await Check.Soon(events.MoveNextAsync().AsTask()), "there is a message");
                await events.DisposeAsync();
                Check.That(hooks.Seen.EndsWith("delivery room, delivered room", StringComparison.Ordinal), "it is delivered");
                await client.CloseAsync();
                Check.That(lines[0].StartsWith("hubrelay: connected to relay life-1", StringComparison.Ordinal), lines[0]);
            }, new HubrelayOptions { Hooks = hooks, Log = lines.Add });
        }

        [Test]
        public Task EventsCanBeEnumerated()
        {
            return With(async (relay, client) =>
            {
                Subscription room = await client.ListenAsync("room");
                IAsyncEnumerator<RelayEvent> events = room.GetAsyncEnumerator();
                Task<bool> moved = events.MoveNextAsync().AsTask();
                relay.Publish("room", Hello);
                Check.That(await Check.Soon(moved) && events.Current is Message, "a message");
                moved = events.MoveNextAsync().AsTask();
                room.Dispose();
                Check.That(!await Check.Soon(moved), "the end");
            });
        }

        [Test]
        public async Task NothingIsLeftBehind()
        {
            using (var relay = new FakeRelay())
            {
                HubrelayClient first = await relay.ConnectAsync();
                await first.CloseAsync();
                int before = Directory.GetFiles("/proc/self/fd").Length;
                for (int i = 0; i < 20; i++)
                {
                    HubrelayClient client = await relay.ConnectAsync();
                    using (Subscription room = await client.ListenAsync("room"))
                    {
                        relay.Cut();
                        await Check.NextAsync<Gap>(room);
                    }
                    await Check.Soon(client.CloseAsync());
                    await Becomes(() => client.Threads == 0, "threads are left");
                }
                await Becomes(() => Directory.GetFiles("/proc/self/fd").Length <= before + 1, "descriptors are left");
            }
        }

        /// <summary>What nothing tells of is looked at again and again.</summary>
        internal static async Task Becomes(Func<bool> isSo, string otherwise)
        {
            var watch = System.Diagnostics.Stopwatch.StartNew();
            while (!isSo())
            {
                Check.That(watch.Elapsed < Program.Patience, otherwise);
                await Task.Delay(1);
            }
        }

        internal static async Task With(Func<FakeRelay, HubrelayClient, Task> test, HubrelayOptions options = null)
        {
            using (var relay = new FakeRelay())
            {
                HubrelayOptions quick = FakeRelay.TestOptions();
                if (options != null)
                {
                    options.GapDelay = quick.GapDelay;
                    options.BackoffMax = quick.BackoffMax;
                }
                HubrelayClient client = await relay.ConnectAsync("test", options ?? quick);
                try
                {
                    await test(relay, client);
                }
                finally
                {
                    client.Dispose();
                }
            }
        }

        internal static async Task Told(HubrelayClient client, Func<Status, bool> isIt)
        {
            while (!isIt(await Check.NextAsync<Status>(client.Events)))
            {
            }
        }

        private static string TextOf(Message message)
        {
            return Encoding.UTF8.GetString(message.Payload.ToArray());
        }

        private sealed class RecordingHooks : HubrelayHooks
        {
            private readonly List<string> seen = new List<string>();

            public string Seen
            {
                get
                {
                    lock (seen)
                    {
                        return string.Join(", ", seen);
                    }
                }
            }

            public override object BeforePublish(string channel, ReadOnlyMemory<byte> payload)
            {
                Add("before " + channel);
                return "state";
            }

            public override void AfterPublish(object state, string channel, long receivers, Exception error)
            {
                Add($"after {channel} {state} {(error == null ? receivers.ToString() : "failed")}");
                throw new InvalidOperationException("a hook's own failure does no harm");
            }

            public override void BeforeDelivery(Message message)
            {
                Add("delivery " + message.Channel);
            }

            public override void AfterDelivery(Message message)
            {
                Add("delivered " + message.Channel);
            }

            private void Add(string what)
            {
                lock (seen)
                {
                    seen.Add(what);
                }
            }
        }
    }
}
