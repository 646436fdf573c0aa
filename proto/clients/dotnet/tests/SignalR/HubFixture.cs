using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Hubrelay.SignalR;
using Hubrelay.Testing;

namespace Hubrelay.Tests
{
    /// <summary>Some servers of one hub on one relay that keeps all in memory.</summary>
    internal sealed class HubFixture : IDisposable
    {
        private readonly List<HubrelayClient> clients = new List<HubrelayClient>();

        public FakeRelay Relay { get; } = new FakeRelay();

        /// <summary>Runs a test with two servers.</summary>
        public static async Task WithTwo(Func<HubFixture, HubBackplane<FakeMessage>, HubBackplane<FakeMessage>, Task> test)
        {
            using (var hub = new HubFixture())
            {
                await test(hub, await hub.ServerAsync("one"), await hub.ServerAsync("two"));
            }
        }

        public async Task<HubBackplane<FakeMessage>> ServerAsync(string name, RecordingHooks hooks = null, Action<string> log = null,
            TimeSpan? ackTimeout = null, HubrelayOptions options = null, FakeFramework framework = null)
        {
            HubrelayClient client = await Relay.ConnectAsync(name, options);
            clients.Add(client);
            return new Backplane(client, log).AddHub("Chat.Hub", framework ?? new FakeFramework("json"), new HubBackplaneOptions
            {
                ServerName = name, Hooks = hooks, AckTimeout = ackTimeout ?? Program.Patience,
            });
        }

        /// <summary>Who listens to a channel, as Redis counts it.</summary>
        public async Task<long> ListenersAsync(string channel)
        {
            return await Check.Soon(clients[0].PublishAsync(channel, new byte[] { 0xc1 }));
        }

        /// <summary>A connection that has begun.</summary>
        public static async Task<FakeConnection> ConnectAsync(HubBackplane<FakeMessage> server, string id, string user = null,
            string protocol = "json")
        {
            var connection = new FakeConnection(id, user, protocol);
            await Check.Soon(server.OnConnectedAsync(connection));
            return connection;
        }

        public void Dispose()
        {
            clients.ForEach(client => client.Dispose());
            Relay.Dispose();
        }
    }

    /// <summary>Remembers what it is told.</summary>
    internal sealed class RecordingHooks : HubBackplaneHooks
    {
        private readonly Queue<string> told = new Queue<string>();
        private readonly SemaphoreSlim count = new SemaphoreSlim(0);
        private int gaps;

        /// <summary>How many Gaps were told.</summary>
        public int Gaps => Volatile.Read(ref gaps);

        /// <summary>Has it throw, too.</summary>
        public bool Throws { get; set; }

        /// <summary>Whether this is among what was told and not taken.</summary>
        public bool HasBeenTold(string what)
        {
            lock (told)
            {
                return told.Contains(what);
            }
        }

        /// <summary>The next that begins so.</summary>
        public async Task<string> NextAsync(string beginning)
        {
            for (;;)
            {
                await Check.Soon(count.WaitAsync());
                lock (told)
                {
                    string one = told.Dequeue();
                    if (one.StartsWith(beginning, StringComparison.Ordinal))
                    {
                        return one;
                    }
                }
            }
        }

        public override void OnStatus(Status status)
        {
            Add($"status {status.State}");
        }

        public override void OnGap(Gap gap)
        {
            Interlocked.Increment(ref gaps);
            Add("gap");
        }

        public override void OnLoss(string channel, Loss loss)
        {
            Add($"loss of {loss.Messages} on \"{channel}\"");
        }

        public override void OnRevoked(Revoked revoked)
        {
            Add("revoked " + string.Join(" ", revoked.Channels));
        }

        public override void OnFailure(string what, Exception error)
        {
            Add($"failure: {what}: {error.Message}");
        }

        private void Add(string what)
        {
            lock (told)
            {
                told.Enqueue(what);
            }
            count.Release();
            if (Throws)
            {
                throw new InvalidOperationException("a hook's own failure does no harm");
            }
        }
    }
}
