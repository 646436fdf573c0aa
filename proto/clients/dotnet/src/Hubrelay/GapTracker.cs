using System;
using System.Collections.Generic;

namespace Hubrelay
{
    /// <summary>
    /// Decides when to report to the application that messages may have been missed. It has no clock and no connection: times and
    /// events go in, Gaps come out.
    /// </summary>
    /// <remarks>
    /// A Gap reports the reasons when the client receives, the Subscribes sent before that have their Replies, and a random delay
    /// is over. A break in that time starts all of this again. While a part of the channels does not receive, a partial Gap comes
    /// first.
    /// </remarks>
    internal sealed class GapTracker
    {
        public const string Gaps = "gaps"; // the relay's count has grown
        public const string NewConnection = "new connection"; // messages between two connections may be missing
        public const string Pending = "subscription begun"; // a pending subscription is in force
        public const string Loss = "loss"; // messages were dropped
        public const string Move = "next relay"; // the client has moved to another relay without a fence

        private readonly long delay;
        private readonly long partial;
        private readonly Func<double> random;
        private List<string> reasons = new List<string>();
        private long due = Time.Never;
        private long grown = Time.Never; // the last break that no Gap has reported

        /// <param name="delay">The bound of the random delay.</param>
        /// <param name="partial">How long after a break a partial Gap comes.</param>
        /// <param name="random">Numbers from 0 to 1.</param>
        public GapTracker(long delay, long partial, Func<double> random)
        {
            this.delay = delay;
            this.partial = partial;
            this.random = random;
        }

        public bool IsReceiving { get; private set; }

        /// <summary>How many Subscribes sent before receiving still have no Reply.</summary>
        public int Barrier { get; set; }

        /// <summary>True if only a part of the channels does not work.</summary>
        public bool IsDegraded { get; set; }

        /// <summary>When Fire will have something to do.</summary>
        public long Due => Math.Min(due, PartialDue);

        private long PartialDue => !IsDegraded || IsReceiving || grown == Time.Never ? Time.Never : grown + partial;

        /// <summary>Adds a reason.</summary>
        public void Note(string reason, long now)
        {
            if (!reasons.Contains(reason))
            {
                reasons.Add(reason);
            }
            Arm(now);
        }

        /// <summary>The state of receiving is new. A Gap waits for this many Subscribes that are on their way.</summary>
        public void Begin(bool receiving, int barrier, long now)
        {
            if (receiving && IsReceiving && barrier == 0)
            {
                return;
            }
            IsReceiving = receiving;
            Barrier = barrier;
            due = Time.Never;
            Arm(now);
        }

        /// <summary>One of the barrier's Subscribes has its Reply.</summary>
        public void Answered(long now)
        {
            if (Barrier > 0)
            {
                Barrier--;
                Arm(now);
            }
        }

        /// <summary>Receiving was interrupted. A partial Gap reports that, unless receiving becomes true before.</summary>
        public void Grew(long now)
        {
            grown = now;
        }

        /// <summary>The Gap that is due, or null.</summary>
        public Gap Fire(long now)
        {
            if (now >= due)
            {
                var gap = new Gap(reasons, false);
                reasons = new List<string>();
                due = Time.Never;
                grown = Time.Never;
                return gap;
            }
            if (now >= PartialDue)
            {
                grown = Time.Never;
                return reasons.Count > 0 ? new Gap(new List<string>(reasons), true) : null;
            }
            return null;
        }

        /// <summary>Drops the reasons that are not reported yet, since there are no subscriptions any more.</summary>
        public void Forget()
        {
            reasons = new List<string>();
            due = Time.Never;
            grown = Time.Never;
        }

        private void Arm(long now)
        {
            if (reasons.Count > 0 && IsReceiving && Barrier == 0 && due == Time.Never)
            {
                due = now + (long)(random() * delay);
            }
        }
    }
}
