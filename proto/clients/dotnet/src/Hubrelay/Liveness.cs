using System;

namespace Hubrelay
{
    internal enum LivenessAction
    {
        Wait,
        Ping,
        GiveUp,
    }

    /// <summary>Detects a relay that hangs. It has no clock and no socket; times are those of Time.</summary>
    internal sealed class Liveness
    {
        private readonly long owedAfter;
        private readonly long idleAfter;
        private readonly long timeout;
        private long lastRead;
        private long owedSince = Time.Never;
        private long pinged = Time.Never;

        /// <param name="owedAfter">How long the relay may be silent while something is owed, before a Ping.</param>
        /// <param name="idleAfter">How long the relay may be silent in any case, before a Ping.</param>
        /// <param name="timeout">How long the relay may be silent after a Ping, before the connection is given up.</param>
        /// <param name="now">The present time.</param>
        public Liveness(long owedAfter, long idleAfter, long timeout, long now)
        {
            this.owedAfter = owedAfter;
            this.idleAfter = idleAfter;
            this.timeout = timeout;
            lastRead = now;
        }

        public long OwedAfter => owedAfter;

        /// <summary>When Check will have something to do.</summary>
        public long Due
        {
            get
            {
                if (pinged != Time.Never)
                {
                    return pinged + timeout;
                }
                long idle = lastRead + idleAfter;
                return owedSince == Time.Never ? idle : Math.Min(idle, Math.Max(lastRead, owedSince) + owedAfter);
            }
        }

        /// <summary>
        /// Bytes have come. It is also called to restart the waiting, since this process did not run, or did not read on purpose.
        /// </summary>
        public void Read(long now)
        {
            lastRead = now;
            pinged = Time.Never;
        }

        /// <summary>A request was written while nothing else was owed.</summary>
        public void Owed(long now)
        {
            owedSince = now;
        }

        /// <summary>Nothing is owed any more.</summary>
        public void NothingOwed()
        {
            owedSince = Time.Never;
        }

        /// <summary>What has to be done now.</summary>
        public LivenessAction Check(long now)
        {
            if (now < Due)
            {
                return LivenessAction.Wait;
            }
            if (pinged != Time.Never)
            {
                return LivenessAction.GiveUp;
            }
            pinged = now;
            return LivenessAction.Ping;
        }
    }
}
