using System;
using System.Collections.Generic;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text;
using System.Threading.Tasks;
using Hubrelay.Testing;

namespace Hubrelay.Tests
{
    /// <summary>What goes wrong in this process. It ends a connection at most, never the process.</summary>
    public sealed class FaultTests
    {
        private static readonly byte[] Payload = { 1 };

        [Test]
        public async Task WithoutDescriptorsAnAttemptFailsAndAnotherOneFollows()
        {
            using (var full = new FewDescriptors())
            using (var relay = new FakeRelay())
            {
                HubrelayClient client = await relay.ConnectAsync();
                string random = null;
                using (full.Begin())
                {
                    relay.Cut();
                    await ClientTests.Becomes(() => WhyNotReady(client).Contains("too many open files"), "no attempt has failed");
                    random = Randomness.Hex(12);
                }
                Check.Equal(24, random.Length, "digits of a random number");
                relay.Leave(); // the relay has been without descriptors, too
                relay.Return();
                await Check.Soon(client.ReadyAsync(Program.Patience));
                await Check.Soon(client.PublishAsync("room", Payload));
                client.Dispose();
            }
        }

        [Test]
        public void TheSubstituteForRandomNumbersIsNeverTheSame()
        {
            var seen = new HashSet<string>();
            for (int i = 0; i < 1000; i++)
            {
                Check.That(seen.Add(BitConverter.ToString(Randomness.Substitute(12))), "it is new");
            }
        }

        [Test]
        public void APathWithAZeroIsImpossible()
        {
            Check.Fails<ArgumentException>(() => new HubrelayClient("/tmp/a\0b"));
        }

        [Test]
        public Task AFaultOfTheReaderEndsTheConnection()
        {
            var log = new Log();
            return ClientTests.With(async (relay, client) =>
            {
                relay.Stall();
                Task<long> owed = client.PublishAsync("room", Payload);
                await relay.WaitForPublishedAsync(1, Program.Patience);
                client.Enter();
                client.Serving.Ping(false, _ => throw new InvalidOperationException("a test's fault"));
                client.Exit();
                InterruptedException e = await Check.FailsAsync<InterruptedException>(owed);
                Check.That(e.Message.Contains("a test's fault"), e.Message);
                Check.That(log.Text.Contains("a fault in the thread \"hubrelay reader\""), log.Text);
                relay.Resume();
                await Check.Soon(client.ReadyAsync(Program.Patience));
                await Check.Soon(client.PublishAsync("room", Payload));
                await Check.Soon(client.CloseAsync());
                await ClientTests.Becomes(() => client.Threads == 0, "threads are left");
            }, new HubrelayOptions { Log = log.Add });
        }

        [Test]
        public Task AFaultOfTheClockEndsTheConnectionAndTheClockGoesOn()
        {
            var log = new Log();
            return ClientTests.With(async (relay, client) =>
            {
                FieldInfo field = typeof(HubrelayClient).GetField("backoff", BindingFlags.NonPublic | BindingFlags.Instance);
                object backoff = field.GetValue(client);
                field.SetValue(client, null);
                relay.Cut();
                await ClientTests.Becomes(() => log.Text.Contains("a fault in the thread \"hubrelay clock\""), "it is not logged");
                field.SetValue(client, backoff);
                await Check.Soon(client.ReadyAsync(Program.Patience));
                await Check.Soon(client.PublishAsync("room", Payload));
            }, new HubrelayOptions { Log = log.Add });
        }

        [Test]
        public Task AFaultOfAThreadIsToldToItsOwner()
        {
            return ClientTests.With(async (relay, client) =>
            {
                var failed = new TaskCompletionSource<Exception>();
                client.Enter();
                client.StartThread("hubrelay test", () => throw new InvalidOperationException("a test's fault"), e => failed.SetResult(e));
                client.Exit();
                Check.Equal("a test's fault", (await Check.Soon(failed.Task)).Message, "what it is told");
            });
        }

        [Test]
        public Task DisposingInATurnDuringAMoveWithAFenceEnds()
        {
            return ClientTests.With(async (relay, client) =>
            {
                await client.SubscribeAsync(Names.OfChannels("room"));
                relay.GoDown();
                await ClientTests.Told(client, s => s.State == RelayState.Down);
                relay.Restart(); // the move does not end, since nothing is in force
                await ClientTests.Told(client, s => s.State == RelayState.Stopping);
                await ClientTests.Told(client, s => s.State == RelayState.Down); // the successor's
                await Check.Soon(Task.Run(() => DisposeInATurn(client)));
                await Check.Soon(client.CloseAsync());
                await ClientTests.Becomes(() => client.Threads == 0, "threads are left");
            }, new HubrelayOptions { Successor = TimeSpan.FromMinutes(1) });
        }

        private static async Task DisposeInATurn(HubrelayClient client)
        {
            do
            {
                try
                {
                    await client.PublishAsync("room", Payload).ConfigureAwait(false);
                }
                catch (NotConnectedException)
                {
                    // Redis is away.
                }
            }
            while (Turn.Current == null); // the Reply had come before it was waited for
            client.Dispose();
        }

        private static string WhyNotReady(HubrelayClient client)
        {
            try
            {
                client.ReadyAsync(TimeSpan.Zero).Wait(Program.Patience);
                return "it is ready";
            }
            catch (AggregateException e)
            {
                return e.InnerException.Message;
            }
        }

        /// <summary>
        /// Takes the right to open descriptors away from this process. Those of small numbers are all in use, so that the limit
        /// need not be below what the runtime waits for in one call.
        /// </summary>
        private sealed class FewDescriptors : IDisposable
        {
            private const int Files = 7;
            private const int Few = 64;

            private readonly List<int> taken = new List<int>();
            private readonly Limit before;

            public FewDescriptors()
            {
                getrlimit(Files, out before);
                do
                {
                    taken.Add(open("/dev/null", 0));
                }
                while (taken[taken.Count - 1] < Few);
            }

            public IDisposable Begin()
            {
                var few = new Limit { Soft = new UIntPtr(Few), Hard = before.Hard };
                Check.Equal(0, setrlimit(Files, ref few), "setrlimit");
                return new Undo(End);
            }

            public void Dispose()
            {
                taken.ForEach(descriptor => close(descriptor));
            }

            private void End()
            {
                Limit all = before;
                setrlimit(Files, ref all);
            }
        }

        private sealed class Undo : IDisposable
        {
            private readonly Action action;

            public Undo(Action action)
            {
                this.action = action;
            }

            public void Dispose()
            {
                action();
            }
        }

        private sealed class Log
        {
            private readonly StringBuilder lines = new StringBuilder();

            public string Text
            {
                get
                {
                    lock (lines)
                    {
                        return lines.ToString();
                    }
                }
            }

            public void Add(string line)
            {
                lock (lines)
                {
                    lines.AppendLine(line);
                }
            }
        }

        [StructLayout(LayoutKind.Sequential)]
        private struct Limit
        {
            public UIntPtr Soft;
            public UIntPtr Hard;
        }

        [DllImport("libc", SetLastError = true)]
        private static extern int open(string path, int flags);

        [DllImport("libc", SetLastError = true)]
        private static extern int close(int descriptor);

        [DllImport("libc", SetLastError = true)]
        private static extern int getrlimit(int resource, out Limit limit);

        [DllImport("libc", SetLastError = true)]
        private static extern int setrlimit(int resource, ref Limit limit);
    }
}
