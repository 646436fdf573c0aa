using System;
using System.Collections.Generic;
using System.Threading;
using Hubrelay.Wire;

namespace Hubrelay
{
    /// <summary>
    /// The outcome of a request that was not granted. Each outcome has a type of its own. If the caller's token was cancelled,
    /// that is a <see cref="RequestCanceledException"/>, which is not a HubrelayException.
    /// </summary>
    public abstract class HubrelayException : Exception
    {
        internal HubrelayException(string message, Exception inner = null) : base(message, inner)
        {
        }

        /// <summary>The exception for an outcome that is neither OK nor PENDING.</summary>
        internal static HubrelayException Of(ReplyFrame reply)
        {
            string detail = reply.Detail.Length > 0 ? ": " + reply.Detail : "";
            switch (reply.Outcome)
            {
                case Outcome.NotConnected: return new NotConnectedException("the relay has no connection to Redis" + detail);
                case Outcome.Interrupted: return new InterruptedException("the relay's link to Redis failed" + detail);
                case Outcome.Refused:
                    return new RefusedException("Redis refused it" + detail, reply.Channels.ToArray(), reply.Patterns.ToArray());
                case Outcome.Invalid: return new InvalidRequestException("the relay rejects it as invalid" + detail);
                case Outcome.Limit: return new LimitException("the relay grants no more subscriptions" + detail);
                default: return new UnknownOutcomeException($"the relay gave outcome {reply.Outcome}" + detail);
            }
        }
    }

    /// <summary>
    /// There is no connection to a relay, or the relay has no connection to Redis. A publish was certainly not delivered. The
    /// client stores nothing for later.
    /// </summary>
    public sealed class NotConnectedException : HubrelayException
    {
        /// <summary>Makes an instance, for tests of an application.</summary>
        public NotConnectedException(string message, Exception inner = null) : base("not connected: " + message, inner)
        {
        }
    }

    /// <summary>
    /// The connection, or the relay's link to Redis, ended before the answer. Whether a publish was delivered is unknown. The
    /// client never sends it again.
    /// </summary>
    public sealed class InterruptedException : HubrelayException
    {
        /// <summary>Makes an instance, for tests of an application.</summary>
        public InterruptedException(string message, Exception inner = null) : base("interrupted: " + message, inner)
        {
        }
    }

    /// <summary>Redis answered with an error.</summary>
    public sealed class RefusedException : HubrelayException
    {
        /// <summary>Makes an instance, for tests of an application.</summary>
        public RefusedException(string message, IReadOnlyList<string> channels = null, IReadOnlyList<string> patterns = null)
            : base("refused: " + message)
        {
            Channels = channels ?? Array.Empty<string>();
            Patterns = patterns ?? Array.Empty<string>();
        }

        /// <summary>The channels that Redis refused, as many as the relay could report. Empty for a publish.</summary>
        public IReadOnlyList<string> Channels { get; }

        /// <summary>The patterns that Redis refused, as many as the relay could report. Empty for a publish.</summary>
        public IReadOnlyList<string> Patterns { get; }
    }

    /// <summary>
    /// The request itself is wrong: a name that is empty, longer than 512 bytes of UTF-8 or has half a surrogate pair, a payload
    /// that is too large, or a pattern for a relay without patterns. The request had no effect.
    /// </summary>
    public sealed class InvalidRequestException : HubrelayException
    {
        /// <summary>Makes an instance, for tests of an application.</summary>
        public InvalidRequestException(string message) : base("invalid: " + message)
        {
        }
    }

    /// <summary>Too many publishes or bytes are under way already. Nothing was sent.</summary>
    public sealed class CongestedException : HubrelayException
    {
        /// <summary>Makes an instance, for tests of an application.</summary>
        public CongestedException() : base("congested: nothing was sent, since too much is under way already")
        {
        }
    }

    /// <summary>The relay grants this connection no more subscriptions.</summary>
    public sealed class LimitException : HubrelayException
    {
        /// <summary>Makes an instance, for tests of an application.</summary>
        public LimitException(string message) : base("limit: " + message)
        {
        }
    }

    /// <summary>The client, or the subscription, is closed. Nothing was sent.</summary>
    public sealed class ClosedException : HubrelayException
    {
        /// <summary>Makes an instance, for tests of an application.</summary>
        public ClosedException(string what) : base("closed: " + what)
        {
        }
    }

    /// <summary>
    /// The relay gave an outcome that this version does not know. Whether a publish was delivered is unknown.
    /// </summary>
    public sealed class UnknownOutcomeException : HubrelayException
    {
        /// <summary>Makes an instance, for tests of an application.</summary>
        public UnknownOutcomeException(string message) : base("unknown outcome: " + message)
        {
        }
    }

    /// <summary>The caller's token was cancelled before the answer.</summary>
    public sealed class RequestCanceledException : OperationCanceledException
    {
        /// <summary>Makes an instance, for tests of an application.</summary>
        public RequestCanceledException(bool mayBeDone, CancellationToken token)
            : base(mayBeDone ? "given up: whether it is done is unknown" : "given up: nothing was sent", token)
        {
            MayBeDone = mayBeDone;
        }

        /// <summary>
        /// False: nothing was sent. True: it is unknown whether a publish was delivered, or whether names are subscribed.
        /// </summary>
        public bool MayBeDone { get; }
    }
}
