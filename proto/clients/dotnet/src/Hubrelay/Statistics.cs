using System;

namespace Hubrelay
{
    /// <summary>Counters since a client was made.</summary>
    public sealed class Statistics
    {
        internal Statistics()
        {
        }

        /// <summary>Publishes passed to a connection, with or without Reply.</summary>
        public long Published { get; internal set; }

        /// <summary>Publishes that failed with <see cref="NotConnectedException"/>.</summary>
        public long NotConnected { get; internal set; }

        /// <summary>Publishes that failed with <see cref="InterruptedException"/>.</summary>
        public long Interrupted { get; internal set; }

        /// <summary>Publishes that failed with <see cref="RefusedException"/>.</summary>
        public long Refused { get; internal set; }

        /// <summary>Publishes that failed with <see cref="InvalidRequestException"/>.</summary>
        public long Invalid { get; internal set; }

        /// <summary>Publishes that failed with <see cref="CongestedException"/>.</summary>
        public long Congested { get; internal set; }

        /// <summary>Publishes that failed with <see cref="ClosedException"/>.</summary>
        public long Closed { get; internal set; }

        /// <summary>Publishes that failed with <see cref="UnknownOutcomeException"/>.</summary>
        public long Unknown { get; internal set; }

        /// <summary>Publishes that failed with <see cref="RequestCanceledException"/>.</summary>
        public long Canceled { get; internal set; }

        /// <summary>Messages that relays have sent.</summary>
        public long Received { get; internal set; }

        /// <summary>Messages reported in a Loss, and messages that queues have dropped.</summary>
        public long LostMessages { get; internal set; }

        /// <summary>Publishes reported in a Loss as certainly not delivered.</summary>
        public long LostPublishes { get; internal set; }

        /// <summary>Publishes reported in a Loss for which it is unknown whether they were delivered.</summary>
        public long LostPublishesUnknown { get; internal set; }

        /// <summary>Gaps that were reported.</summary>
        public long Gaps { get; internal set; }

        /// <summary>Connections on which a Welcome came: the first one, and each reconnect or move.</summary>
        public long Connections { get; internal set; }

        /// <summary>Bytes in the queues now, which the application has not taken.</summary>
        public long BytesQueued { get; internal set; }

        internal Statistics Copy()
        {
            return (Statistics)MemberwiseClone();
        }

        /// <summary>Counts the error of a publish.</summary>
        internal void Count(Exception error)
        {
            if (error is NotConnectedException)
            {
                NotConnected++;
            }
            else if (error is InterruptedException)
            {
                Interrupted++;
            }
            else if (error is RefusedException)
            {
                Refused++;
            }
            else if (error is InvalidRequestException)
            {
                Invalid++;
            }
            else if (error is CongestedException)
            {
                Congested++;
            }
            else if (error is ClosedException)
            {
                Closed++;
            }
            else if (error is RequestCanceledException)
            {
                Canceled++;
            }
            else
            {
                Unknown++;
            }
        }
    }
}
