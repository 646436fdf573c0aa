using System;

namespace Hubrelay
{
    /// <summary>The random delay between attempts to connect: from 0 to a bound that doubles.</summary>
    internal sealed class Backoff
    {
        private const long HopelessFirst = 1000;

        private readonly long first;
        private readonly long last;
        private readonly long hopelessLast;
        private readonly Random random;
        private bool hopeless;

        public Backoff(long first, long last, long hopelessLast, Random random)
        {
            this.first = first;
            this.last = last;
            this.hopelessLast = hopelessLast;
            this.random = random;
        }

        /// <summary>Attempts since the last good connection.</summary>
        public int Attempts { get; private set; }

        /// <summary>The delay before the next attempt.</summary>
        public long Delay()
        {
            if (hopeless)
            {
                // An answer that will not change soon is not worth many attempts: the delay is at least half of the bound.
                long bound = Bound(Math.Min(HopelessFirst, hopelessLast), hopelessLast);
                return bound / 2 + (long)(random.NextDouble() * (bound - bound / 2 + 1));
            }
            return (long)(random.NextDouble() * (Bound(first, last) + 1));
        }

        /// <summary>An attempt gave no good connection. Hopeless: the relay does not accept this client.</summary>
        public void Failed(bool isHopeless)
        {
            if (isHopeless != hopeless)
            {
                Attempts = 0;
            }
            hopeless = isHopeless;
            Attempts = Math.Min(Attempts + 1, 62);
        }

        /// <summary>A connection has lasted long enough: the next delay has the first bound again.</summary>
        public void Good()
        {
            Attempts = 1;
            hopeless = false;
        }

        /// <summary>The next attempt is made at once.</summary>
        public void Reset()
        {
            Attempts = 0;
            hopeless = false;
        }

        private long Bound(long bound, long most)
        {
            for (int i = 1; i < Attempts && bound < most; i++)
            {
                bound *= 2;
            }
            return Math.Min(bound, most);
        }
    }
}
