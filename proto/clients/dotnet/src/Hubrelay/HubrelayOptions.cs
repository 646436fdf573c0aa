using System;

namespace Hubrelay
{
    /// <summary>
    /// Delays, deadlines and bounds of a <see cref="HubrelayClient"/>, with defaults that need not be changed. Times are from 0
    /// to 24 days, and are rounded up to whole milliseconds. Those of Backoff, Handshake and Ping are at least 1 ms. The client
    /// takes a copy when it is made. An instance is not safe for use by threads while one of them changes it.
    /// </summary>
    public sealed class HubrelayOptions
    {
        /// <summary>The bound of a Gap's random delay. Default: 2 s.</summary>
        public TimeSpan GapDelay { get; set; } = TimeSpan.FromSeconds(2);

        /// <summary>
        /// How long after a break a part of the channels may be without messages before a partial Gap is reported. Default: 5 s.
        /// </summary>
        public TimeSpan PartialGap { get; set; } = TimeSpan.FromSeconds(5);

        /// <summary>The first bound of the random delay between attempts to connect. Default: 20 ms.</summary>
        public TimeSpan BackoffMin { get; set; } = TimeSpan.FromMilliseconds(20);

        /// <summary>The last bound of the random delay between attempts to connect. Default: 500 ms.</summary>
        public TimeSpan BackoffMax { get; set; } = TimeSpan.FromMilliseconds(500);

        /// <summary>
        /// The last bound after a relay has answered that it does not speak this version, or does not admit this process.
        /// Default: 30 s.
        /// </summary>
        public TimeSpan BackoffHopeless { get; set; } = TimeSpan.FromSeconds(30);

        /// <summary>How long a connection must last before the backoff begins at its first bound again. Default: 5 s.</summary>
        public TimeSpan GoodConnection { get; set; } = TimeSpan.FromSeconds(5);

        /// <summary>How long a relay may take to send its Welcome. Default: 5 s.</summary>
        public TimeSpan Handshake { get; set; } = TimeSpan.FromSeconds(5);

        /// <summary>
        /// How long calls wait that come before the first attempt to connect has ended: PublishAsync, and all calls that
        /// subscribe and unsubscribe. 0: they do not wait. Default: 1 s.
        /// </summary>
        public TimeSpan FirstUse { get; set; } = TimeSpan.FromSeconds(1);

        /// <summary>
        /// How long the client waits for owed Replies, when it closes and when a relay shuts down. Default: 8 s.
        /// </summary>
        public TimeSpan Drain { get; set; } = TimeSpan.FromSeconds(8);

        /// <summary>
        /// How long the client waits for the next relay when one shuts down, how long it waits for a fence, and how long the move
        /// holds publishes back. Default: 250 ms.
        /// </summary>
        public TimeSpan Successor { get; set; } = TimeSpan.FromMilliseconds(250);

        /// <summary>
        /// How long publishes without Reply stay unsettled before the client asks the relay for their outcome. Default: 1 s.
        /// </summary>
        public TimeSpan Settle { get; set; } = TimeSpan.FromSeconds(1);

        /// <summary>The silence after which the client sends a Ping while an answer is owed. Default: 5 s.</summary>
        public TimeSpan PingOwed { get; set; } = TimeSpan.FromSeconds(5);

        /// <summary>The silence after which the client sends a Ping while no answer is owed. Default: 15 s.</summary>
        public TimeSpan PingIdle { get; set; } = TimeSpan.FromSeconds(15);

        /// <summary>The silence after a Ping that ends the connection. Default: 5 s.</summary>
        public TimeSpan PingTimeout { get; set; } = TimeSpan.FromSeconds(5);

        /// <summary>How many publishes may wait for their Reply. Default: 10,000.</summary>
        public int MaxInFlight { get; set; } = 10000;

        /// <summary>How many bytes of publishes may wait until the relay reads them. Default: 16 MiB.</summary>
        public int MaxUnsentBytes { get; set; } = 16 * 1024 * 1024;

        /// <summary>The same for <see cref="HubrelayClient.Send(string, ReadOnlyMemory{byte})"/>. Default: 1 MiB.</summary>
        public int MaxUnsentBytesOfSend { get; set; } = 1024 * 1024;

        /// <summary>How many bytes each subscription, and the client's events, may hold. Default: 4 MiB.</summary>
        public int MaxQueueBytes { get; set; } = 4 * 1024 * 1024;

        /// <summary>
        /// How many bytes all of these queues may hold together. A message that several queues hold counts once. Default: 64 MiB.
        /// </summary>
        public int MaxAllQueuesBytes { get; set; } = 64 * 1024 * 1024;

        /// <summary>
        /// False, the default: code after an <c>await</c> of this client's methods continues at once, on the client's reading
        /// thread, which is cheap. If that code keeps the thread for over 10 ms, the thread is left to it, another thread reads,
        /// and the thread pool runs such code for a second. True: it always continues in the thread pool.
        /// </summary>
        public bool RunContinuationsAsynchronously { get; set; }

        /// <summary>
        /// Gets a line when a connection begins or ends, and for moves between relays. It gets no lines for messages, and one
        /// line for each outage. It is called from the thread pool, in order, one line at a time; the last one may come a moment
        /// after CloseAsync. Default: null, no log.
        /// </summary>
        public Action<string> Log { get; set; }

        /// <summary>Hooks that are called around publishes and deliveries. Default: null, none.</summary>
        public HubrelayHooks Hooks { get; set; }

        /// <summary>Makes a copy whose values have been checked.</summary>
        /// <exception cref="ArgumentOutOfRangeException">A time or bound is out of its range. The message names it.</exception>
        internal HubrelayOptions CheckedCopy()
        {
            Check(nameof(GapDelay), GapDelay, 0);
            Check(nameof(PartialGap), PartialGap, 0);
            Check(nameof(BackoffMin), BackoffMin, 1);
            Check(nameof(BackoffMax), BackoffMax, 1);
            Check(nameof(BackoffHopeless), BackoffHopeless, 1);
            Check(nameof(GoodConnection), GoodConnection, 0);
            Check(nameof(Handshake), Handshake, 1);
            Check(nameof(FirstUse), FirstUse, 0);
            Check(nameof(Drain), Drain, 0);
            Check(nameof(Successor), Successor, 0);
            Check(nameof(Settle), Settle, 0);
            Check(nameof(PingOwed), PingOwed, 1);
            Check(nameof(PingIdle), PingIdle, 1);
            Check(nameof(PingTimeout), PingTimeout, 1);
            Check(nameof(MaxInFlight), MaxInFlight);
            Check(nameof(MaxUnsentBytes), MaxUnsentBytes);
            Check(nameof(MaxUnsentBytesOfSend), MaxUnsentBytesOfSend);
            Check(nameof(MaxQueueBytes), MaxQueueBytes);
            Check(nameof(MaxAllQueuesBytes), MaxAllQueuesBytes);
            return (HubrelayOptions)MemberwiseClone();
        }

        private static void Check(string name, TimeSpan time, int leastMs)
        {
            if (time < TimeSpan.FromMilliseconds(leastMs) || time > TimeSpan.FromDays(24))
            {
                string least = leastMs == 0 ? "0" : $"{leastMs} ms";
                throw new ArgumentOutOfRangeException("options", time, $"{name} has to be between {least} and 24 days");
            }
        }

        private static void Check(string name, int bound)
        {
            if (bound <= 0)
            {
                throw new ArgumentOutOfRangeException("options", bound, $"{name} has to be above 0");
            }
        }
    }

    /// <summary>
    /// Its methods are called around each publish and each delivery, for tracing and measuring. Payloads are opaque to the
    /// client: the context of a trace travels in the application's own envelope. Many threads may call the methods at a time.
    /// Exceptions from them are logged, and have no other effect.
    /// </summary>
    public abstract class HubrelayHooks
    {
        /// <summary>Is called before a publish or send, on the caller's thread.</summary>
        /// <returns>A state that is passed to <see cref="AfterPublish"/>, such as an Activity. May be null.</returns>
        public virtual object BeforePublish(string channel, ReadOnlyMemory<byte> payload)
        {
            return null;
        }

        /// <summary>Is called when the result is known. A send has no number of receivers.</summary>
        public virtual void AfterPublish(object state, string channel, long receivers, Exception error)
        {
        }

        /// <summary>Is called when a message is handed to the application.</summary>
        public virtual void BeforeDelivery(Message message)
        {
        }

        /// <summary>
        /// Is called when the application asks for the next event or closes: then it has finished with the message. This assumes
        /// one reader at a time for each subscription and for the client's events.
        /// </summary>
        public virtual void AfterDelivery(Message message)
        {
        }
    }
}
