using System.Collections.Generic;

namespace Hubrelay
{
    /// <summary>
    /// Counts one connection's publishes without Reply, so that at its end exactly those are told as unknown that may have
    /// been lost untold. The relay may hold a Loss back; only the Reply to a Ping with settled says that all before it are
    /// taken or in a Loss.
    /// </summary>
    internal sealed class Settler
    {
        private readonly long every;
        private readonly Queue<ulong> asked = new Queue<ulong>(); // Pings that are on their way: what was sent before each
        private ulong lastAsked;
        private ulong sent;
        private ulong settled;
        private ulong lost; // of those that are not settled
        private long since = Time.Never; // since when something is unsettled

        public Settler(long every)
        {
            this.every = every;
        }

        /// <summary>The relay answers Pings with settled.</summary>
        public bool Asks { get; set; }

        /// <summary>When a Ping is to be sent.</summary>
        public long Due => !Asks || since == Time.Never || asked.Count > 0 ? Time.Never : since + every;

        /// <summary>Another Ping would settle something.</summary>
        public bool HasUnasked => sent > (asked.Count > 0 ? lastAsked : settled);

        /// <summary>Nothing is unsettled, so the next Send begins a new wait.</summary>
        public bool IsIdle => since == Time.Never;

        public void Send()
        {
            sent++;
        }

        public void WaitSince(long now)
        {
            since = now;
        }

        /// <summary>A Loss of publishes, known and unknown.</summary>
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
        /// The Reply to the oldest of them. What was in a Loss until now was sent before the Ping. One that is not OK settles
        /// nothing.
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

        /// <summary>How many of those that were written are unknown at the end, when the last ones were not written.</summary>
        public ulong Unknown(ulong unwritten)
        {
            ulong known = settled + lost + unwritten;
            return sent > known ? sent - known : 0;
        }
    }
}
