using System;
using System.IO;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Hubrelay.Testing;

namespace Hubrelay.Tests
{
    /// <summary>The first attempt to connect.</summary>
    public sealed class StartTests
    {
        private static readonly byte[] Payload = { 1 };
        private static readonly HubrelayOptions Patient = new HubrelayOptions { FirstUse = TimeSpan.FromHours(1) };

        [Test]
        public async Task TheFirstCallsWaitForTheFirstAttempt()
        {
            using (var relay = new FakeRelay())
            using (var client = new HubrelayClient(relay.SocketPath, "", Patient))
            {
                Task<Subscription> room = client.ListenAsync("room");
                Task<SubscribeResult> plain = client.SubscribeAsync(Names.OfChannels("plain"));
                Task unsubscribed = client.UnsubscribeAsync(Names.OfChannels("plain"));
                Task<long> published = client.PublishAsync("room", Payload);
                Check.That(!(await Check.Soon(room)).IsPending, "it is in force");
                Check.That(!(await Check.Soon(plain)).IsPending, "it is in force, too");
                await Check.Soon(unsubscribed);
                Check.Equal(1, await Check.Soon(published), "receivers");
                Check.Equal(0, await client.PublishAsync("plain", Payload), "receivers of what was unsubscribed last");
                await Check.NextAsync<Message>(await room);
            }
        }

        [Test]
        public async Task WhenTheFirstAttemptFailsTheyAreTold()
        {
            string path = Path.Combine(Path.GetTempPath(), "hubrelay-no-such", "relay.sock");
            using (var client = new HubrelayClient(path, "", Patient))
            {
                NotConnectedException e = await Check.FailsAsync<NotConnectedException>(client.PublishAsync("room", Payload));
                Check.That(e.Message.Contains("no such file or directory"), e.Message);
                Check.That((await Check.Soon(client.ListenAsync("room"))).IsPending, "it is pending");
            }
        }

        [Test]
        public Task NoAttemptIsWaitedForTooLong()
        {
            return WithSilentRelay(new HubrelayOptions { FirstUse = TimeSpan.FromMilliseconds(200) }, async client =>
            {
                await Check.FailsAsync<NotConnectedException>(client.PublishAsync("room", Payload));
                Check.That((await Check.Soon(client.ListenAsync("room"))).IsPending, "it is pending");
            });
        }

        [Test]
        public Task WhoGivesUpMeanwhileHasDoneNothing()
        {
            return WithSilentRelay(Patient, async client =>
            {
                using (var stop = new CancellationTokenSource())
                {
                    Task<Subscription> room = client.ListenAsync("room", stop.Token);
                    Task<SubscribeResult> plain = client.SubscribeAsync(Names.OfChannels("room"), stop.Token);
                    Task<long> published = client.PublishAsync("room", Payload, stop.Token);
                    Check.Fails<NotConnectedException>(() => client.Send("room", Payload)); // it never waits
                    await Check.FailsAsync<NotConnectedException>(client.PublishNowAsync("room", Payload));
                    Check.That(!room.IsCompleted && !plain.IsCompleted && !published.IsCompleted, "they wait");
                    stop.Cancel();
                    foreach (Task given in new Task[] { room, plain, published })
                    {
                        Check.That(!(await Check.FailsAsync<RequestCanceledException>(given)).MayBeDone, "nothing was sent");
                    }
                }
            });
        }

        [Test]
        public Task ClosingEndsThem()
        {
            return WithSilentRelay(Patient, async client =>
            {
                Task<Subscription> room = client.ListenAsync("room");
                Task<long> published = client.PublishAsync("room", Payload);
                client.Dispose();
                await Check.FailsAsync<ClosedException>(room);
                await Check.FailsAsync<ClosedException>(published);
            });
        }

        [Test]
        public Task AClockThatIsLateWaitsAnewForWelcome()
        {
            return WithSilentRelay(Patient, async client =>
            {
                await ClientTests.Becomes(() => client.Attempt != null, "there is no attempt");
                client.Enter();
                long late = Time.Now + 100 * 3600000L;
                client.RestartIfLate(late);
                long attempted = client.Attempt.AttemptedAt;
                client.Exit();
                Check.Equal(late, attempted, "the handshake's beginning");
            });
        }

        [Test]
        public async Task WhoCancelsATokenRunsNothingOfTheApplication()
        {
            await WithSilentRelay(Patient, async client =>
            {
                await NotWithinCancel(token => client.ListenAsync("room", token));
                await NotWithinCancel(token => client.SubscribeAsync(Names.OfChannels("room"), token));
                await NotWithinCancel(token => client.PublishAsync("room", Payload, token));
                await NotWithinCancel(token => client.ReadyAsync(Program.Patience, token));
                await NotWithinCancel(token => client.Events.WaitToReadAsync(token).AsTask());
                await NotWithinCancel(token => client.Events.ReadAsync(token).AsTask());
            });
            await ClientTests.With(async (relay, client) =>
            {
                relay.Stall();
                Task<long> owed = client.PublishAsync("room", Payload);
                await NotWithinCancel(token => client.PublishAsync("room", Payload, token));
                await NotWithinCancel(token => client.CloseAsync(token));
                await Check.FailsAsync<InterruptedException>(owed);
            }, new HubrelayOptions { Drain = Program.Patience });
        }

        private static async Task NotWithinCancel(Func<CancellationToken, Task> call)
        {
            using (var stop = new CancellationTokenSource())
            using (var over = new ManualResetEventSlim())
            {
                int canceller = 0;
                int runner = 0;
                Task called = call(stop.Token);
                Task behind = called.ContinueWith(_ => runner = Thread.CurrentThread.ManagedThreadId,
                    CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
                Check.That(!called.IsCompleted, "it waits");
                var thread = new Thread(() =>
                {
                    canceller = Thread.CurrentThread.ManagedThreadId;
                    stop.Cancel();
                    over.Wait(Program.Patience);
                });
                thread.Start();
                await Check.Soon(behind);
                over.Set();
                Check.That(thread.Join(Program.Patience) && runner != canceller, "its continuation runs elsewhere");
                Check.That(called.IsCanceled, "it is canceled");
            }
        }

        [Test]
        public Task ATokenThatIsCancelledAlreadySendsNothing()
        {
            return ClientTests.With(async (relay, client) =>
            {
                using (var stop = new CancellationTokenSource())
                {
                    stop.Cancel();
                    foreach (Task call in new Task[]
                    {
                        client.ListenAsync("room", stop.Token), client.SubscribeAsync(Names.OfChannels("room"), stop.Token),
                        client.UnsubscribeAsync(Names.OfChannels("room"), stop.Token),
                    })
                    {
                        Check.That(!(await Check.FailsAsync<RequestCanceledException>(call)).MayBeDone, "nothing was sent");
                    }
                }
                Check.Equal(0, await client.PublishAsync("room", Payload), "receivers");
            });
        }

        [Test]
        public async Task TheClientsThreadsHaveNothingOfWhoMadeIt()
        {
            var scope = new AsyncLocal<string> { Value = "a request" };
            var seen = new TaskCompletionSource<string>();
            new LogQueue(_ => seen.TrySetResult(scope.Value)).Write("a line");
            Check.Equal(null, await Check.Soon(seen.Task), "what the logger sees");
            var inThread = new TaskCompletionSource<string>();
            await ClientTests.With((relay, client) =>
            {
                client.Enter();
                client.StartThread("hubrelay test", () => inThread.SetResult(scope.Value), e => inThread.SetException(e));
                client.Exit();
                return Check.Soon(inThread.Task);
            });
            Check.Equal(null, await inThread.Task, "what a thread sees");
        }

        [Test]
        public Task EachFailureIsAnExceptionOfItsOwn()
        {
            return ClientTests.With(async (relay, client) =>
            {
                relay.Stall();
                _ = client.PublishAsync("room", Payload); // MaxInFlight is 1
                Task<long> first = client.PublishAsync("room", Payload);
                Task<long> second = client.PublishAsync("room", Payload);
                relay.Leave();
                Exception one = await Check.FailsAsync<NotConnectedException>(first);
                Exception other = await Check.FailsAsync<NotConnectedException>(second);
                Check.That(one != other, "they are two");
            }, new HubrelayOptions { MaxInFlight = 1 });
        }

        /// <summary>With a client of a relay that accepts, and says nothing.</summary>
        private static async Task WithSilentRelay(HubrelayOptions options, Func<HubrelayClient, Task> test)
        {
            string folder = Path.Combine(Path.GetTempPath(), "hubrelay-" + Randomness.Hex(6));
            Directory.CreateDirectory(folder);
            options.Handshake = TimeSpan.FromHours(1);
            try
            {
                using (var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
                {
                    string path = Path.Combine(folder, "relay.sock");
                    listener.Bind(new UnixDomainSocketEndPoint(path));
                    listener.Listen(8);
                    using (var client = new HubrelayClient(path, "", options))
                    {
                        await test(client);
                    }
                }
            }
            finally
            {
                Directory.Delete(folder, true);
            }
        }
    }
}
