using System;
using System.Collections.Generic;

namespace Hubrelay
{
    /// <summary>
    /// Decides when the application is told that messages may have been missed. It knows no clock and no connection: times
    /// and events go in, Gaps come out.
    /// </summary>
    /// <remarks>
    /// A reason is told once receiving, when the Subscribes that were sent before that have their Replies, and after a random
    /// delay; a break in that time starts all of it anew. While receiving stays false in a part of the channels, a partial
    /// Gap comes first.
    /// </remarks>
    internal sealed class GapTracker
    {
        public const string Gaps = "gaps"; // the relay's count has grown
        public const string NewConnection = "new connection"; // messages of the time between two connections
        public const string Pending = "subscription begun"; // one that was pending is in force
        public const string Loss = "loss"; // messages were dropped
        public const string Move = "next relay"; // a move between two relays without a fence

        private readonly long delay;
        private readonly long partial;
        private readonly Func<double> random;
        private List<string> reasons = new List<string>();
        private long due = Time.Never;
        private long grown = Time.Never; // the last break that no Gap has told

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

        /// <summary>Subscribes without Reply that were sent before receiving.</summary>
        public int Barrier { get; set; }

        /// <summary>Only a part of the channels is away.</summary>
        public bool IsDegraded { get; set; }

        /// <summary>When Fire has something to do.</summary>
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

        /// <summary>A new state of receiving: so many Subscribes are on their way, which a Gap waits for.</summary>
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

        /// <summary>The Reply to one of the barrier's Subscribes.</summary>
        public void Answered(long now)
        {
            if (Barrier > 0)
            {
                Barrier--;
                Arm(now);
            }
        }

        /// <summary>A break. A partial Gap tells it unless receiving becomes true before.</summary>
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

        /// <summary>Drops what is not told yet: nothing is subscribed any more.</summary>
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
