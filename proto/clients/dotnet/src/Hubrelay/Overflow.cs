using System.Collections.Generic;

namespace Hubrelay
{
    /// <summary>What a full queue remembers, in limited memory.</summary>
    internal sealed class Overflow
    {
        private long dropped;
        private Loss loss;
        private Revoked revoked;
        private Gap gap;
        private Status status;

        public bool HasAny { get; private set; }

        /// <summary>Remembers an event. False: it was a message, and is only counted and dropped.</summary>
        public bool Add(RelayEvent more)
        {
            HasAny = true;
            if (more is Message)
            {
                dropped++;
                return false;
            }
            if (more is Loss newLoss)
            {
                loss = loss == null ? newLoss : newLoss.After(loss);
            }
            else if (more is Revoked newRevoked)
            {
                revoked = revoked == null ? newRevoked : newRevoked.After(revoked);
            }
            else if (more is Gap newGap)
            {
                gap = newGap;
            }
            else
            {
                status = (Status)more;
            }
            return true;
        }

        /// <summary>
        /// Returns the remembered events, and clears them. The Loss comes first, so that it stands in its place.
        /// </summary>
        public List<RelayEvent> Take(bool tellsGap)
        {
            var kept = new List<RelayEvent>();
            if (dropped > 0)
            {
                kept.Add(new Loss(0, 0, dropped, RelayCause.SlowReader, "the application does not read fast enough", true));
                gap = gap ?? (tellsGap ? new Gap(new[] { GapTracker.Loss }, false) : null);
            }
            foreach (RelayEvent one in new RelayEvent[] { loss, revoked, status, gap })
            {
                if (one != null)
                {
                    kept.Add(one);
                }
            }
            Clear();
            return kept;
        }

        public void Clear()
        {
            dropped = 0;
            loss = null;
            revoked = null;
            gap = null;
            status = null;
            HasAny = false;
        }
    }
}
