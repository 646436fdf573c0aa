using System;
using System.Collections.Generic;
using Hubrelay.Wire;

namespace Hubrelay
{
    /// <summary>
    /// An event, as a <see cref="Subscription"/> and <see cref="HubrelayClient.Events"/> yield them: <see cref="Message"/>,
    /// <see cref="Loss"/>, <see cref="Gap"/>, <see cref="Revoked"/>, and from the client also <see cref="Status"/>. Events cannot
    /// be changed, and any number of threads may read them.
    /// </summary>
    public abstract class RelayEvent
    {
        /// <summary>The approximate size of an event without its texts, in bytes.</summary>
        internal const int OwnBytes = 96;

        internal RelayEvent()
        {
        }

        /// <summary>How many bytes the event counts for in a queue.</summary>
        internal abstract int QueuedBytes { get; }

        /// <summary>Converts a count. One that is too large for the type becomes the limit.</summary>
        internal static long Saturate(ulong value, long limit = long.MaxValue)
        {
            return value > (ulong)limit ? limit : (long)value;
        }

        internal static int BytesOf(IReadOnlyList<string> names)
        {
            int bytes = 0;
            foreach (string name in names)
            {
                bytes += 2 * name.Length + 32;
            }
            return bytes;
        }
    }

    /// <summary>One message from Redis.</summary>
    public sealed class Message : RelayEvent
    {
        /// <summary>How many queues hold it now.</summary>
        internal int Queues;

        /// <summary>Makes an instance, for tests of an application.</summary>
        public Message(string channel, byte[] payload, string pattern = "")
        {
            Channel = channel ?? throw new ArgumentNullException(nameof(channel));
            Payload = payload ?? throw new ArgumentNullException(nameof(payload));
            Pattern = pattern ?? throw new ArgumentNullException(nameof(pattern));
            QueuedBytes = channel.Length + payload.Length + pattern.Length + OwnBytes;
        }

        /// <summary>The channel on which it was published.</summary>
        public string Channel { get; }

        /// <summary>The published bytes. They are shared with other subscriptions.</summary>
        public ReadOnlyMemory<byte> Payload { get; }

        /// <summary>The pattern that matched; empty if the channel itself is subscribed.</summary>
        public string Pattern { get; }

        internal override int QueuedBytes { get; }

        /// <summary>A text for logs: the channel, and the size of the payload.</summary>
        public override string ToString()
        {
            return $"message on {Channel}, {Payload.Length} bytes";
        }
    }

    /// <summary>The state of the path between this process and Redis.</summary>
    public sealed class Status : RelayEvent
    {
        private const long MaxUnixMs = 253402300799999; // the end of the year 9999, as far as DateTimeOffset goes

        internal Status(in StatusFrame frame)
        {
            IsConnected = true;
            State = (RelayState)frame.State;
            Cause = (RelayCause)frame.Cause;
            Reason = frame.Reason;
            Since = DateTimeOffset.FromUnixTimeMilliseconds(Saturate(frame.SinceUnixMs, MaxUnixMs));
            Outages = Saturate(frame.Outages);
            Down = new TimeSpan(Saturate(frame.DownMs, long.MaxValue / TimeSpan.TicksPerMillisecond) * TimeSpan.TicksPerMillisecond);
            IsPublishing = frame.Publishing;
            IsReceiving = frame.Receiving;
            Gaps = Saturate(frame.Gaps);
        }

        /// <summary>Makes a Status as a relay reports it, for tests of an application.</summary>
        public Status(RelayState state, RelayCause cause, string reason, bool isPublishing, bool isReceiving)
        {
            IsConnected = true;
            State = state;
            Cause = cause;
            Reason = reason ?? throw new ArgumentNullException(nameof(reason));
            Since = DateTimeOffset.UtcNow;
            IsPublishing = isPublishing;
            IsReceiving = isReceiving;
        }

        /// <summary>Makes a Status without a connection to a relay. An application may use it in its tests.</summary>
        public Status(string reason)
        {
            State = RelayState.Down;
            Cause = RelayCause.NoRelay;
            Reason = reason ?? throw new ArgumentNullException(nameof(reason));
            Since = DateTimeOffset.UtcNow;
        }

        /// <summary>
        /// False while there is no connection to a relay. Then <see cref="Cause"/> is <see cref="RelayCause.NoRelay"/>, and the
        /// counts have no meaning.
        /// </summary>
        public bool IsConnected { get; }

        /// <summary>The state of the path.</summary>
        public RelayState State { get; }

        /// <summary>Why the state is not up, for programs.</summary>
        public RelayCause Cause { get; }

        /// <summary>Why the state is not up, for people.</summary>
        public string Reason { get; }

        /// <summary>When the present state began.</summary>
        public DateTimeOffset Since { get; }

        /// <summary>How many times the state has left up since the relay started.</summary>
        public long Outages { get; }

        /// <summary>How long the state was not up, in the Status that reports up again.</summary>
        public TimeSpan Down { get; }

        /// <summary>True if publishes reach Redis now, on every channel.</summary>
        public bool IsPublishing { get; }

        /// <summary>True if messages arrive, and every subscription is confirmed.</summary>
        public bool IsReceiving { get; }

        /// <summary>
        /// How many times receiving has been interrupted since the relay started. The client watches this count, and reports a
        /// Gap.
        /// </summary>
        public long Gaps { get; }

        internal override int QueuedBytes => 2 * Reason.Length + OwnBytes;

        /// <summary>A text for logs.</summary>
        public override string ToString()
        {
            return $"{State} (publishing {IsPublishing}, receiving {IsReceiving}, cause {Cause}): {Reason}";
        }
    }

    /// <summary>Counts what was lost, at this place among the events.</summary>
    public sealed class Loss : RelayEvent
    {
        /// <summary>Makes an instance, for tests of an application.</summary>
        public Loss(long publishes, long publishesUnknown, long messages, RelayCause cause, string reason, bool isLocal)
        {
            Publishes = publishes;
            PublishesUnknown = publishesUnknown;
            Messages = messages;
            Cause = cause;
            Reason = reason ?? throw new ArgumentNullException(nameof(reason));
            IsLocal = isLocal;
        }

        /// <summary>How many publishes without Reply were certainly not delivered.</summary>
        public long Publishes { get; }

        /// <summary>For how many publishes without Reply it is unknown whether they were delivered.</summary>
        public long PublishesUnknown { get; }

        /// <summary>How many messages were dropped: by the relay, or by the client if <see cref="IsLocal"/> is true.</summary>
        public long Messages { get; }

        /// <summary>The cause, for programs.</summary>
        public RelayCause Cause { get; }

        /// <summary>The cause, for people.</summary>
        public string Reason { get; }

        /// <summary>True if this client counted the loss, false if the relay did.</summary>
        public bool IsLocal { get; }

        internal override int QueuedBytes => 2 * Reason.Length + OwnBytes;

        /// <summary>This Loss merged with an earlier one; no other event was between them.</summary>
        internal Loss After(Loss earlier)
        {
            return new Loss(Publishes + earlier.Publishes, PublishesUnknown + earlier.PublishesUnknown,
                Messages + earlier.Messages, Cause, Reason, IsLocal && earlier.IsLocal);
        }

        /// <summary>A text for logs.</summary>
        public override string ToString()
        {
            return $"lost {Messages} messages and {Publishes} publishes, {PublishesUnknown} unknown ({Cause}): {Reason}";
        }
    }

    /// <summary>
    /// Messages may have been missed. Now is the time to read again what the application must not miss, from where it is stored.
    /// Other workers get their Gap after other random delays, so that not all of them read at once.
    /// </summary>
    public sealed class Gap : RelayEvent
    {
        /// <summary>Makes an instance, for tests of an application.</summary>
        public Gap(IReadOnlyList<string> reasons, bool isPartial = false)
        {
            Reasons = reasons ?? throw new ArgumentNullException(nameof(reasons));
            IsPartial = isPartial;
        }

        /// <summary>Texts for people: "gaps", "new connection", "loss" and the like.</summary>
        public IReadOnlyList<string> Reasons { get; }

        /// <summary>
        /// True while a part of the channels still does not work. Another Gap comes once all of them work again.
        /// </summary>
        public bool IsPartial { get; }

        internal override int QueuedBytes => OwnBytes;

        /// <summary>A text for logs.</summary>
        public override string ToString()
        {
            return (IsPartial ? "gap in a part of the channels: " : "gap: ") + string.Join(", ", Reasons);
        }
    }

    /// <summary>
    /// Subscriptions that ended because Redis refuses them, or because the relay does not grant them. The client does not ask for
    /// them again.
    /// </summary>
    public sealed class Revoked : RelayEvent
    {
        /// <summary>Makes an instance, for tests of an application.</summary>
        public Revoked(IReadOnlyList<string> channels, IReadOnlyList<string> patterns, string detail = "")
        {
            Channels = channels ?? throw new ArgumentNullException(nameof(channels));
            Patterns = patterns ?? throw new ArgumentNullException(nameof(patterns));
            Detail = detail ?? throw new ArgumentNullException(nameof(detail));
        }

        /// <summary>The channels.</summary>
        public IReadOnlyList<string> Channels { get; }

        /// <summary>The patterns.</summary>
        public IReadOnlyList<string> Patterns { get; }

        /// <summary>A text for people: the reason, such as Redis's answer.</summary>
        public string Detail { get; }

        internal override int QueuedBytes => OwnBytes + BytesOf(Channels) + BytesOf(Patterns);

        internal Revoked After(Revoked earlier)
        {
            var channels = new List<string>(earlier.Channels);
            channels.AddRange(Channels);
            var patterns = new List<string>(earlier.Patterns);
            patterns.AddRange(Patterns);
            return new Revoked(channels, patterns, Detail);
        }

        /// <summary>A text for logs.</summary>
        public override string ToString()
        {
            return $"revoked: {string.Join(", ", Channels)} {string.Join(", ", Patterns)}: {Detail}";
        }
    }
}
