using System;
using System.Collections.Generic;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Hubrelay.Wire;

namespace Hubrelay
{
    /// <summary>
    /// A connection to the relay that reconnects by itself. It is safe for use by many threads. It has two background threads:
    /// one connects and keeps deadlines, one reads. A third one writes while the relay reads more slowly than the client writes.
    /// These threads keep the client and its connection alive until it is closed or disposed.
    /// </summary>
    /// <example><code>
    /// var client = new HubrelayClient("/run/hubrelay/hubrelay.sock", "worker-1");
    /// Subscription room = await client.ListenAsync("room.7");
    /// long receivers = await client.PublishAsync("room.7", Encoding.UTF8.GetBytes("hello"));
    /// </code></example>
    public sealed partial class HubrelayClient : IAsyncDisposable, IDisposable
    {
        private readonly HubrelayOptions options;
        private readonly QueueTotal total;
        private readonly LogQueue log;
        private readonly Hooked hooks; // null if there are no hooks
        private readonly string path;
        private readonly string name;

        // Everything below is guarded by gate.
        private readonly object gate = new object();
        private readonly HashSet<Subscription> subscriptions = new HashSet<Subscription>();
        private readonly LinkedList<Publication> waiters = new LinkedList<Publication>(); // publishes that wait for room
        private Connection conn; // serves requests; null if there is no connection
        private Connection next; // has sent Welcome while conn is stopping, and will take its place soon
        private Connection old; // was left, and is read to its end
        private Connection attempt; // has not sent Welcome yet
        private Move move;
        private Status status = new Status("not connected yet");
        private string toldGone; // the kind of reason for the last Status without a relay; null while there is a relay
        private string problem; // why there is no connection; null until an attempt has ended
        private bool everBegan;
        private bool isClosing;
        private bool isStopped; // no new connections are made
        private TaskCompletionSource<bool> changed = NewSignal(); // set when something changes that ReadyAsync or CloseAsync wait for
        private readonly TaskCompletionSource<bool> finished = NewSignal();

        /// <summary>Makes a client, which begins to connect. It does not wait for the relay: ReadyAsync does.</summary>
        /// <param name="path">The relay's socket.</param>
        /// <param name="name">
        /// A name for people, in the relay's logs and listings: at most 64 bytes of UTF-8. May be empty.
        /// </param>
        /// <param name="options">Null: the defaults.</param>
        /// <exception cref="ArgumentException">
        /// The name is too long or not Unicode, or a socket cannot have this path.
        /// </exception>
        /// <exception cref="ArgumentOutOfRangeException">A time or bound among the options is out of its range.</exception>
        public HubrelayClient(string path, string name = "", HubrelayOptions options = null)
        {
            this.path = path ?? throw new ArgumentNullException(nameof(path));
            this.name = name ?? throw new ArgumentNullException(nameof(name));
            if (path.Length == 0 || Encoding.UTF8.GetByteCount(path) > MaxPathBytes || path.IndexOf('\0') >= 0)
            {
                throw new ArgumentException($"a socket's path has 1 to {MaxPathBytes} bytes, none of them 0: {path}", nameof(path));
            }
            int size = Utf8.Size(name);
            if (size < 0 || size > Limits.MaxClientName)
            {
                throw new ArgumentException($"the name has to be at most {Limits.MaxClientName} bytes of UTF-8: {name}", nameof(name));
            }
            this.options = (options ?? new HubrelayOptions()).CheckedCopy();
            total = new QueueTotal(this.options.MaxAllQueuesBytes);
            log = new LogQueue(this.options.Log);
            hooks = this.options.Hooks == null ? null : new Hooked(this.options.Hooks, log);
            Events = new ClientEvents(new EventQueue(this.options.MaxQueueBytes, total, true) { OnRoom = ResumeReading }, hooks);
            Random random = Randomness.New();
            backoff = new Backoff(Ms(this.options.BackoffMin), Ms(this.options.BackoffMax), Ms(this.options.BackoffHopeless), random);
            Gap = new GapTracker(Ms(this.options.GapDelay), Ms(this.options.PartialGap), random.NextDouble);
            BeginStart();
            WatchProcessExit();
            StartClock();
        }

        /// <summary>
        /// The events of the whole client: Status, Gap, Loss, Revoked, and the Messages of SubscribeAsync. The application need
        /// not read them: the queue is bounded.
        /// </summary>
        public ClientEvents Events { get; }

        /// <summary>The last Status that was reported.</summary>
        public Status Status
        {
            get
            {
                lock (gate)
                {
                    return status;
                }
            }
        }

        /// <summary>Gives the counters as they are now.</summary>
        public Statistics GetStatistics()
        {
            lock (gate)
            {
                Statistics copy = Counters.Copy();
                copy.BytesQueued = total.Bytes;
                return copy;
            }
        }

        /// <summary>
        /// Waits until there is a connection to a relay. Whether Redis can be reached is in <see cref="Status"/>, not here.
        /// </summary>
        /// <param name="timeout">How long; Timeout.InfiniteTimeSpan: for ever.</param>
        /// <param name="cancellationToken">Ends the wait.</param>
        /// <exception cref="NotConnectedException">There was no connection in time. The message says what is wrong.</exception>
        /// <exception cref="ClosedException">The client is closed.</exception>
        /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
        public async Task ReadyAsync(TimeSpan timeout, CancellationToken cancellationToken = default(CancellationToken))
        {
            using (var deadline = new Deadline(timeout, cancellationToken))
            {
                while (!IsReady(out Task change))
                {
                    if (!await deadline.WaitAsync(change).ConfigureAwait(false))
                    {
                        lock (gate)
                        {
                            throw NotConnected();
                        }
                    }
                }
            }
        }

        private bool IsReady(out Task change)
        {
            lock (gate)
            {
                if (isClosing)
                {
                    throw IsClosed();
                }
                change = changed.Task;
                return Serving != null;
            }
        }

        /// <summary>How many bytes fit into sun_path besides the byte that ends it: 107 on Linux, 103 elsewhere.</summary>
        private static int MaxPathBytes =>
            System.Runtime.InteropServices.RuntimeInformation.IsOSPlatform(System.Runtime.InteropServices.OSPlatform.Linux) ? 107 : 103;

        /// <summary>The counters, guarded by the lock.</summary>
        internal Statistics Counters { get; } = new Statistics();

        internal bool IsClosing => isClosing;

        /// <summary>The connection that takes requests, or null. A connection that has ended takes none.</summary>
        internal Connection Serving => conn == null || conn.HasEnded ? null : conn;

        /// <summary>The connection that has not sent Welcome yet, or null.</summary>
        internal Connection Attempt => attempt;

        /// <summary>The connection that a move leads to, or null.</summary>
        internal Connection Next => next;

        /// <summary>The connection whose Status counts: that of the last Welcome.</summary>
        internal Connection Newest => next ?? conn;

        /// <summary>Wakes the calls that wait for a change.</summary>
        internal void Announce()
        {
            changed.TrySetResult(true);
            changed = NewSignal();
        }

        private static TaskCompletionSource<bool> NewSignal()
        {
            return new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        internal static long Ms(TimeSpan time)
        {
            return (long)Math.Ceiling(time.TotalMilliseconds);
        }
    }
}
