using System;
using System.Collections.Generic;
using System.IO;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Hubrelay.Wire;

namespace Hubrelay.Testing
{
    /// <summary>A publish that has reached a <see cref="FakeRelay"/>.</summary>
    public sealed class PublishedMessage
    {
        internal PublishedMessage(string channel, byte[] payload)
        {
            Channel = channel;
            Payload = payload;
        }

        /// <summary>The channel on which it was published.</summary>
        public string Channel { get; }

        /// <summary>The published bytes.</summary>
        public ReadOnlyMemory<byte> Payload { get; }
    }

    /// <summary>
    /// A relay together with its Redis, for the tests of applications. It keeps everything in memory. Real clients connect to its
    /// <see cref="SocketPath"/>, a socket in the folder for temporary files, and a test causes the events that happen in
    /// production. It is safe for use by many threads.
    /// </summary>
    /// <example><code>
    /// using (var relay = new FakeRelay())
    /// {
    ///     HubrelayClient client = await relay.ConnectAsync("worker-1");
    ///     relay.Publish("room.7", Encoding.UTF8.GetBytes("hello")); // as another host does
    ///     relay.Cut(); // the relay was killed, and is back
    /// }
    /// </code></example>
    public sealed class FakeRelay : IDisposable
    {
        internal const uint MaxFrameBytes = (1 << 20) + 4096;

        private readonly List<PublishedMessage> published = new List<PublishedMessage>();
        private readonly HashSet<string> refused = new HashSet<string>();
        private readonly string folder;
        private TaskCompletionSource<bool> changed = NewSignal();
        private Socket listener;
        private StatusFrame status = new StatusFrame { State = (int)RelayState.Up, Reason = "", Publishing = true, Receiving = true };

        /// <summary>Starts a relay that is up.</summary>
        /// <exception cref="IOException">The folder for temporary files cannot be written.</exception>
        /// <exception cref="SocketException">No socket can be made there.</exception>
        public FakeRelay()
        {
            folder = Path.Combine(Path.GetTempPath(), "hubrelay-" + Randomness.Hex(6));
            Directory.CreateDirectory(folder);
            SocketPath = Path.Combine(folder, "relay.sock");
            Listen();
        }

        /// <summary>The path for clients.</summary>
        public string SocketPath { get; }

        /// <summary>The messages that clients have published until now, in the order in which they came.</summary>
        public IReadOnlyList<PublishedMessage> Published
        {
            get
            {
                lock (Gate)
                {
                    return published.ToArray();
                }
            }
        }

        internal object Gate { get; } = new object();

        internal HashSet<FakeSession> Sessions { get; } = new HashSet<FakeSession>();

        internal HashSet<string> Features { get; } =
            new HashSet<string> { Limits.FeaturePatterns, Limits.FeatureSettled, Limits.FeatureFence };

        internal StatusFrame Status => status;

        internal int Life { get; private set; } = 1;

        internal bool IsStalled { get; private set; }

        /// <summary>
        /// Options for tests: Gaps come without the random delay of production, attempts to connect follow each other quickly,
        /// closing does not wait long, and a move does not become a Gap when the machine is busy.
        /// </summary>
        public static HubrelayOptions TestOptions()
        {
            return new HubrelayOptions
            {
                GapDelay = TimeSpan.FromMilliseconds(1),
                BackoffMax = TimeSpan.FromMilliseconds(20),
                Drain = TimeSpan.FromSeconds(1),
                Successor = TimeSpan.FromSeconds(10),
            };
        }

        /// <summary>Makes a client, and waits for up to 30 s until it is connected. The caller has to close it.</summary>
        /// <param name="name">The client's name.</param>
        /// <param name="options">Null: <see cref="TestOptions"/>.</param>
        /// <exception cref="NotConnectedException">It was not connected in time.</exception>
        public async Task<HubrelayClient> ConnectAsync(string name = "test", HubrelayOptions options = null)
        {
            var client = new HubrelayClient(SocketPath, name, options ?? TestOptions());
            try
            {
                await client.ReadyAsync(TimeSpan.FromSeconds(30)).ConfigureAwait(false);
                return client;
            }
            catch (Exception)
            {
                client.Dispose();
                throw;
            }
        }

        /// <summary>
        /// Publishes a message as if it came from another worker, another host, or any client of the same Redis.
        /// </summary>
        public void Publish(string channel, ReadOnlyMemory<byte> payload)
        {
            lock (Gate)
            {
                FanOut(channel, payload.ToArray());
            }
        }

        /// <summary>Waits until clients have published this many messages, and returns all of them.</summary>
        /// <exception cref="TimeoutException">There were fewer messages in time.</exception>
        public async Task<IReadOnlyList<PublishedMessage>> WaitForPublishedAsync(int count, TimeSpan timeout)
        {
            Task over = Task.Delay(timeout);
            for (;;)
            {
                Task change;
                lock (Gate)
                {
                    if (published.Count >= count)
                    {
                        return published.ToArray();
                    }
                    change = changed.Task;
                }
                if (await Task.WhenAny(change, over).ConfigureAwait(false) == over)
                {
                    throw new TimeoutException($"fewer than {count} messages were published");
                }
            }
        }

        /// <summary>Reports to all clients that the relay has dropped this many of their messages.</summary>
        public void Lose(long messages)
        {
            lock (Gate)
            {
                foreach (FakeSession s in Sessions)
                {
                    s.SendLoss(0, (ulong)messages, RelayCause.SlowReader);
                }
            }
        }

        /// <summary>Begins an outage of Redis: publishes are not delivered, nothing is received.</summary>
        public void GoDown()
        {
            lock (Gate)
            {
                status.Outages++;
                status.Gaps++;
                SetStatus(RelayState.Down, RelayCause.Closed, false);
            }
        }

        /// <summary>Ends an outage of Redis: all subscriptions are in force again.</summary>
        public void ComeUp()
        {
            lock (Gate)
            {
                SetStatus(RelayState.Up, RelayCause.Unspecified, true);
            }
        }

        /// <summary>Makes Redis refuse channels and patterns from now on. Clients that hold them get Revoked.</summary>
        public void Refuse(params string[] names)
        {
            lock (Gate)
            {
                foreach (string name in names)
                {
                    refused.Add(name);
                    foreach (FakeSession s in Sessions)
                    {
                        s.Revoke(name);
                    }
                }
            }
        }

        /// <summary>Makes publishes wait for their Reply until Resume, as if Redis hung.</summary>
        public void Stall()
        {
            lock (Gate)
            {
                IsStalled = true;
            }
        }

        /// <summary>Ends Stall.</summary>
        public void Resume()
        {
            lock (Gate)
            {
                IsStalled = false;
                foreach (FakeSession s in new List<FakeSession>(Sessions))
                {
                    s.SendOwed();
                }
            }
        }

        /// <summary>Ends all connections, as if the relay was killed. Clients can reconnect at once.</summary>
        public void Cut()
        {
            lock (Gate)
            {
                Life++;
                foreach (FakeSession s in new List<FakeSession>(Sessions))
                {
                    s.End();
                }
            }
        }

        /// <summary>Ends all connections. New ones are not possible until Return.</summary>
        public void Leave()
        {
            lock (Gate)
            {
                File.Delete(SocketPath);
                listener?.Dispose();
                listener = null;
                Cut();
            }
        }

        /// <summary>Ends Leave.</summary>
        public void Return()
        {
            lock (Gate)
            {
                if (listener == null)
                {
                    Listen();
                }
            }
        }

        /// <summary>Restarts gracefully: clients get STOPPING, and find another relay on the same Redis.</summary>
        public void Restart()
        {
            lock (Gate)
            {
                Life++;
                StatusFrame stopping = status;
                stopping.State = (int)RelayState.Stopping;
                stopping.Cause = (int)RelayCause.Stopping;
                foreach (FakeSession s in Sessions)
                {
                    s.SendStatus(stopping);
                }
            }
        }

        /// <summary>Removes features, for connections made from now on: "patterns", "settled", "fence".</summary>
        public void Without(params string[] features)
        {
            lock (Gate)
            {
                Features.ExceptWith(features);
            }
        }

        /// <summary>Ends all connections, and removes the socket.</summary>
        public void Dispose()
        {
            Leave();
            lock (Gate)
            {
                if (Directory.Exists(folder))
                {
                    Directory.Delete(folder, true);
                }
            }
        }

        /// <summary>Redis refuses the name. This method and the next three are called with the lock held.</summary>
        internal bool IsRefused(string name)
        {
            return refused.Contains(name);
        }

        internal void Record(string channel, byte[] payload)
        {
            published.Add(new PublishedMessage(channel, payload));
            changed.TrySetResult(true);
            changed = NewSignal();
        }

        /// <summary>Delivers to all connections, and returns the number of subscriptions that match.</summary>
        internal ulong FanOut(string channel, byte[] payload)
        {
            ulong receivers = 0;
            foreach (FakeSession s in Sessions)
            {
                receivers += status.Receiving ? s.Deliver(channel, payload) : 0;
            }
            return receivers;
        }

        private void SetStatus(RelayState state, RelayCause cause, bool works)
        {
            status.State = (int)state;
            status.Cause = (int)cause;
            status.Publishing = works;
            status.Receiving = works;
            foreach (FakeSession s in Sessions)
            {
                s.SendStatus(status);
            }
        }

        private void Listen()
        {
            listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            listener.Bind(new UnixDomainSocketEndPoint(SocketPath));
            listener.Listen(128);
            Socket mine = listener;
            new Thread(() => Accept(mine)) { IsBackground = true, Name = "fake relay" }.Start();
        }

        private void Accept(Socket mine)
        {
            try
            {
                for (;;)
                {
                    Socket socket = mine.Accept();
                    lock (Gate)
                    {
                        if (listener != mine)
                        {
                            socket.Dispose();
                            return;
                        }
                        var session = new FakeSession(this, socket, Life);
                        Sessions.Add(session);
                        session.Start();
                    }
                }
            }
            catch (SocketException)
            {
                // The listener is closed.
            }
            catch (ObjectDisposedException)
            {
                // The listener is closed.
            }
        }

        private static TaskCompletionSource<bool> NewSignal()
        {
            return new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }
}
