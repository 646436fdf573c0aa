using System.Collections.Generic;

namespace Hubrelay
{
    /// <summary>
    /// Counts one connection's publishes without Reply. At the end of the connection it reports as unknown exactly those that may
    /// have been lost without a report. The relay may delay a Loss. Only the Reply to a Ping with settled confirms that all
    /// publishes before it are taken by Redis or in a Loss.
    /// </summary>
    internal sealed class Settler
    {
        private readonly long every;
        private readonly Queue<ulong> asked = new Queue<ulong>(); // for each Ping on its way, how many publishes were sent before it
        private ulong lastAsked;
        private ulong sent;
        private ulong settled;
        private ulong lost; // how many of the unsettled ones are in a Loss
        private long since = Time.Never; // the time since which something is unsettled

        public Settler(long every)
        {
            this.every = every;
        }

        /// <summary>True if the relay supports Pings with settled.</summary>
        public bool Asks { get; set; }

        /// <summary>When a Ping is due.</summary>
        public long Due => !Asks || since == Time.Never || asked.Count > 0 ? Time.Never : since + every;

        /// <summary>True if another Ping would settle something.</summary>
        public bool HasUnasked => sent > (asked.Count > 0 ? lastAsked : settled);

        /// <summary>True if nothing is unsettled, so that the next Send begins a new wait.</summary>
        public bool IsIdle => since == Time.Never;

        public void Send()
        {
            sent++;
        }

        public void WaitSince(long now)
        {
            since = now;
        }

        /// <summary>A Loss of publishes has come; the number includes the unknown ones.</summary>
        public void Loss(ulong publishes)
        {
            lost += publishes;
        }

        /// <summary>A Ping with settled is being sent.</summary>
        public void Ask()
        {
            lastAsked = sent;
            asked.Enqueue(sent);
        }

        /// <summary>
        /// The Reply to the oldest Ping has come. The publishes that a Loss has reported until now were sent before the Ping. A
        /// Reply that is not OK settles nothing.
        /// </summary>
        public void Answered(bool ok, long now)
        {
            ulong before = asked.Dequeue();
            if (ok)
            {
                settled = before;
                lost = 0;
            }
            since = sent > settled ? now : Time.Never;
        }

        /// <summary>How many of the written publishes are unknown at the end, if the last ones were not written.</summary>
        public ulong Unknown(ulong unwritten)
        {
            ulong known = settled + lost + unwritten;
            return sent > known ? sent - known : 0;
        }
    }
}
