using System;
using System.Collections.Generic;
using Hubrelay.Wire;

namespace Hubrelay
{
    /// <summary>
    /// What a <see cref="Subscription"/> and <see cref="HubrelayClient.Events"/> yield: <see cref="Message"/>,
    /// <see cref="Loss"/>, <see cref="Gap"/>, <see cref="Revoked"/>, and from the client also <see cref="Status"/>.
    /// Events cannot be changed, and any number of threads may read them.
    /// </summary>
    public abstract class RelayEvent
    {
        /// <summary>What an event takes besides its texts, roughly.</summary>
        internal const int OwnBytes = 96;

        internal RelayEvent()
        {
        }

        /// <summary>How many bytes the event counts for in a queue.</summary>
        internal abstract int QueuedBytes { get; }

        /// <summary>A count that the language cannot hold is its largest number.</summary>
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

        /// <summary>Makes one, for tests of an application.</summary>
        public Message(string channel, byte[] payload, string pattern = "")
        {
            Channel = channel ?? throw new ArgumentNullException(nameof(channel));
            Payload = payload ?? throw new ArgumentNullException(nameof(payload));
            Pattern = pattern ?? throw new ArgumentNullException(nameof(pattern));
            QueuedBytes = channel.Length + payload.Length + pattern.Length + OwnBytes;
        }

        /// <summary>Where it was published.</summary>
        public string Channel { get; }

        /// <summary>What was published. It is shared with other subscriptions.</summary>
        public ReadOnlyMemory<byte> Payload { get; }

        /// <summary>The pattern that matched; empty when the channel itself is subscribed.</summary>
        public string Pattern { get; }

        internal override int QueuedBytes { get; }

        /// <summary>For logs: the channel, and the size of the payload.</summary>
        public override string ToString()
        {
            return $"message on {Channel}, {Payload.Length} bytes";
        }
    }

    /// <summary>The truth about the way between this process and Redis.</summary>
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

        /// <summary>Makes one of a relay, for tests of an application.</summary>
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

        /// <summary>There is no connection to a relay. An application makes one for its tests.</summary>
        public Status(string reason)
        {
            State = RelayState.Down;
            Cause = RelayCause.NoRelay;
            Reason = reason ?? throw new ArgumentNullException(nameof(reason));
            Since = DateTimeOffset.UtcNow;
        }

        /// <summary>
        /// False while there is no connection to a relay: <see cref="Cause"/> is <see cref="RelayCause.NoRelay"/> then,
        /// and the counts say nothing.
        /// </summary>
        public bool IsConnected { get; }

        /// <summary>The state of the path.</summary>
        public RelayState State { get; }

        /// <summary>Why it is not up, for programs.</summary>
        public RelayCause Cause { get; }

        /// <summary>Why it is not up, for people.</summary>
        public string Reason { get; }

        /// <summary>Since when the state is as it is.</summary>
        public DateTimeOffset Since { get; }

        /// <summary>Departures from up since the relay started.</summary>
        public long Outages { get; }

        /// <summary>On the way to up: for how long it was not up.</summary>
        public TimeSpan Down { get; }

        /// <summary>What is published now reaches Redis, on whatever channel.</summary>
        public bool IsPublishing { get; }

        /// <summary>Messages come in, and every subscription is confirmed.</summary>
        public bool IsReceiving { get; }

        /// <summary>Breaks in receiving since the relay started. The client watches it, and tells a Gap.</summary>
        public long Gaps { get; }

        internal override int QueuedBytes => 2 * Reason.Length + OwnBytes;

        /// <summary>For logs.</summary>
        public override string ToString()
        {
            return $"{State} (publishing {IsPublishing}, receiving {IsReceiving}, cause {Cause}): {Reason}";
        }
    }

    /// <summary>Counts what was lost, at its place among the events.</summary>
    public sealed class Loss : RelayEvent
    {
        /// <summary>Makes one, for tests of an application.</summary>
        public Loss(long publishes, long publishesUnknown, long messages, RelayCause cause, string reason, bool isLocal)
        {
            Publishes = publishes;
            PublishesUnknown = publishesUnknown;
            Messages = messages;
            Cause = cause;
            Reason = reason ?? throw new ArgumentNullException(nameof(reason));
            IsLocal = isLocal;
        }

        /// <summary>What was sent without Reply and certainly not delivered.</summary>
        public long Publishes { get; }

        /// <summary>What was sent without Reply, and nobody knows whether it was delivered.</summary>
        public long PublishesUnknown { get; }

        /// <summary>Messages that were dropped: by the relay, or by the client where <see cref="IsLocal"/> is true.</summary>
        public long Messages { get; }

        /// <summary>Why, for programs.</summary>
        public RelayCause Cause { get; }

        /// <summary>Why, for people.</summary>
        public string Reason { get; }

        /// <summary>True for what this client counted, false for what the relay did.</summary>
        public bool IsLocal { get; }

        internal override int QueuedBytes => 2 * Reason.Length + OwnBytes;

        /// <summary>This one and an earlier one, of which nothing came between.</summary>
        internal Loss After(Loss earlier)
        {
            return new Loss(Publishes + earlier.Publishes, PublishesUnknown + earlier.PublishesUnknown,
                Messages + earlier.Messages, Cause, Reason, IsLocal && earlier.IsLocal);
        }

        /// <summary>For logs.</summary>
        public override string ToString()
        {
            return $"lost {Messages} messages and {Publishes} publishes, {PublishesUnknown} unknown ({Cause}): {Reason}";
        }
    }

    /// <summary>
    /// Messages may have been missed, and now is the time to read again, from where it is stored, what must not be missed.
    /// Other workers are told after other random delays, so that not all of them read at once.
    /// </summary>
    public sealed class Gap : RelayEvent
    {
        /// <summary>Makes one, for tests of an application.</summary>
        public Gap(IReadOnlyList<string> reasons, bool isPartial = false)
        {
            Reasons = reasons ?? throw new ArgumentNullException(nameof(reasons));
            IsPartial = isPartial;
        }

        /// <summary>For people: "gaps", "new connection", "loss" and the like.</summary>
        public IReadOnlyList<string> Reasons { get; }

        /// <summary>True while a part of the channels is still away: another Gap comes once all are back.</summary>
        public bool IsPartial { get; }

        internal override int QueuedBytes => OwnBytes;

        /// <summary>For logs.</summary>
        public override string ToString()
        {
            return (IsPartial ? "gap in a part of the channels: " : "gap: ") + string.Join(", ", Reasons);
        }
    }

    /// <summary>
    /// Subscriptions that ended because Redis refuses them, or because no relay grants them. The client does not ask for
    /// them again.
    /// </summary>
    public sealed class Revoked : RelayEvent
    {
        /// <summary>Makes one, for tests of an application.</summary>
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

        /// <summary>For people: what Redis said.</summary>
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

        /// <summary>For logs.</summary>
        public override string ToString()
        {
            return $"revoked: {string.Join(", ", Channels)} {string.Join(", ", Patterns)}: {Detail}";
        }
    }
}
