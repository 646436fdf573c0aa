using System;
using System.Collections.Generic;
using Hubrelay.Wire;

namespace Hubrelay
{
    /// <summary>Settles everything at the end of a connection.</summary>
    internal sealed partial class Connection
    {
        private bool isSettled;
        private bool hasEndedInOrder; // the relay has read all that was written, and closed when it owed nothing any more

        /// <summary>
        /// Is called once it is known what was written. It settles everything that is owed, drops the holds, and lets the client
        /// find the next connection.
        /// </summary>
        private void SettleEnd(long now)
        {
            if (isSettled)
            {
                return;
            }
            isSettled = true;
            bool wasServing = client.BeginEnd(this);
            try
            {
                SettlePublishes();
                SettleRequests();
                SettleSends();
                ForgetHolds();
            }
            finally
            {
                client.FinishEnd(this, wasServing, now); // this runs whatever fails before: otherwise no next connection would be made
            }
        }

        private void ForgetHolds()
        {
            foreach (Entry e in Holds.Keys)
            {
                e.Holds--;
            }
            var known = new List<Entry>(Holds.Keys);
            Holds.Clear();
            foreach (Entry e in known)
            {
                client.Prune(e);
            }
        }

        /// <summary>
        /// A publish that was written, and has no Reply, may be delivered or not. If only a part of it was written, the relay
        /// discards the part: the publish is certainly not delivered.
        /// </summary>
        private void SettlePublishes()
        {
            foreach (Publication p in Publishes.Values)
            {
                client.Fail(p, p.End > written
                    ? (Exception)new NotConnectedException("not sent: " + Ended)
                    : new InterruptedException("whether it was delivered is unknown: " + Ended));
            }
            Publishes.Clear();
        }

        /// <summary>
        /// Gives requests without Reply a result. A Subscribe is pending, since the next connection is asked for the names. An
        /// Unsubscribe is done, since the next connection is not asked for them. They are settled in the order in which they were
        /// made, so that the last one for a name decides.
        /// </summary>
        private void SettleRequests()
        {
            var unanswered = new List<Request>(Requests.Values);
            unanswered.Sort((a, b) => a.Id.CompareTo(b.Id));
            foreach (Request r in unanswered)
            {
                OnReply(r, new ReplyFrame(r.Kind == RequestKind.Subscribe ? Outcome.Pending
                    : r.Kind == RequestKind.Unsubscribe ? Outcome.Ok : 0));
            }
        }

        /// <summary>Reports the publishes without Reply that may have been lost, and those that were certainly lost.</summary>
        private void SettleSends()
        {
            ulong unwritten = (ulong)sendEnds.Count;
            ulong unknown = hasEndedInOrder ? 0 : Settler.Unknown(unwritten);
            if (unwritten + unknown > 0)
            {
                client.TellLoss(new Loss((long)unwritten, RelayEvent.Saturate(unknown), 0, RelayCause.NoRelay,
                    "the connection to the relay ended", true));
            }
        }
    }
}
