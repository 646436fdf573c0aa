using System;
using Hubrelay.Wire;

namespace Hubrelay
{
    /// <summary>What the client reports to the application.</summary>
    public sealed partial class HubrelayClient
    {
        internal GapTracker Gap { get; }

        /// <summary>Adds an event of the whole client to Events.</summary>
        private void Tell(RelayEvent one)
        {
            if (!Events.Queue.Push(one, completions))
            {
                Counters.LostMessages++;
            }
        }

        /// <summary>Delivers a message, unless a move means that the other relay delivers it.</summary>
        internal void OnMessage(Connection k, ref MessageFrame m)
        {
            if (isClosing)
            {
                return; // the application wants no more messages; the client only waits for what is owed
            }
            if (move != null && (k == conn || k == next))
            {
                if (move.IsFence(m))
                {
                    OnFence(k);
                    return;
                }
                if (k == next)
                {
                    KeepOfNext(m);
                    return;
                }
                if (move.IsOldSeen)
                {
                    return; // it is after the old relay's fence: the new one has it
                }
            }
            if (k == conn)
            {
                Deliver(ref m);
            }
        }

        /// <summary>Delivers a message to all listeners.</summary>
        private void Deliver(ref MessageFrame m)
        {
            bool isOfPattern = m.Pattern.Length > 0;
            Entry e = isOfPattern ? Patterns.Find(m.Data, m.Pattern) : Channels.Find(m.Data, m.Channel);
            if (e == null)
            {
                return; // it was just unsubscribed
            }
            string channel = isOfPattern ? Utf8.Read(m.Data, m.Channel.Start, m.Channel.Length) : e.Text;
            var payload = new byte[m.Payload.Length];
            Buffer.BlockCopy(m.Data, m.Payload.Start, payload, 0, payload.Length);
            var message = new Message(channel, payload, isOfPattern ? e.Text : "");
            Deliveries += e.Listeners.Count;
            foreach (Listener l in e.Listeners)
            {
                if (!l.Subscription.Queue.Push(message, completions))
                {
                    Counters.LostMessages++;
                }
            }
            if (e.IsPlain)
            {
                Tell(message);
            }
        }

        internal void OnStatusOfNewest(Connection k, ref StatusFrame s, bool hasGrown, long now)
        {
            Gap.Begin(s.Receiving, Barrier(k, s.Receiving), now);
            if (hasGrown)
            {
                Gap.Grew(now);
            }
            Gap.IsDegraded = s.State == (int)RelayState.Degraded;
            TellStatus(k, k.Status);
        }

        /// <summary>How many Subscribes a Gap has to wait for, at this change of receiving.</summary>
        private int Barrier(Connection k, bool receiving)
        {
            return !receiving || Gap.IsReceiving ? Gap.Barrier : k.MarkBarrier();
        }

        /// <summary>Reports a Status of the newest connection, once that connection has restored what it has to hold.</summary>
        private void TellStatus(Connection k, Status told)
        {
            if (!k.HoldBack(told))
            {
                status = told;
                Tell(told);
            }
        }

        /// <summary>The last Reply to a restore has come.</summary>
        internal void OnRestored(Connection k)
        {
            if (k == Newest)
            {
                foreach (Status told in k.HeldBack)
                {
                    status = told;
                    Tell(told);
                }
            }
            k.HeldBack.Clear();
            Proceed(Time.Now);
        }

        /// <summary>
        /// Reports a Loss to the client's events. If it is of messages, it also goes to every subscription, followed by a Gap.
        /// </summary>
        internal void TellLoss(Loss loss)
        {
            Counters.LostMessages += loss.Messages;
            Counters.LostPublishes += loss.Publishes;
            Counters.LostPublishesUnknown += loss.PublishesUnknown;
            Tell(loss);
            if (loss.Messages == 0)
            {
                return;
            }
            foreach (Subscription s in subscriptions)
            {
                s.Queue.Push(loss, completions);
            }
            if (IsAnythingWanted)
            {
                TellGap(new Gap(new[] { GapTracker.Loss }, false));
            }
        }

        /// <summary>Delivers a Gap to all listeners.</summary>
        private void TellGap(Gap gap)
        {
            Counters.Gaps++;
            Tell(gap);
            foreach (Subscription s in subscriptions)
            {
                s.Queue.Push(gap, completions);
            }
        }

        /// <summary>Remembers that messages may have been missed, if there are subscriptions.</summary>
        internal void NoteGap(string reason)
        {
            if (IsAnythingWanted)
            {
                Gap.Note(reason, Time.Now);
                KickClock();
            }
        }

        /// <summary>
        /// A subscription that was PENDING causes a Gap once it is in force. At the end of a connection the next connection
        /// causes the Gap, unless there is a next one already.
        /// </summary>
        internal void NotePending(Connection k, Request r)
        {
            bool isNewest = !k.HasEnded && k == Newest;
            bool hasNext = k.HasEnded && r.Operation != null && conn != null && conn != k;
            if (isNewest || hasNext)
            {
                NoteGap(GapTracker.Pending);
            }
        }

        /// <summary>Reports that there is no connection, once for each kind of reason.</summary>
        private void TellNoRelay(string kind, string reason)
        {
            if (isClosing)
            {
                status = new Status(reason); // no events report it any more, only the property Status
                return;
            }
            if (toldGone == kind || (toldGone != null && kind == Absent))
            {
                return;
            }
            toldGone = kind;
            status = new Status(reason);
            Tell(status);
            log.Write("no relay: " + reason);
        }

        private const string Absent = "absent";
        private const string Hopeless = "hopeless";
        private const string HasGone = "ended";

        /// <summary>Whether no subscription listens to this connection, and there is no move.</summary>
        internal bool HasNobodyListening(Connection k)
        {
            return subscriptions.Count == 0 && k == conn && next == null && !isClosing;
        }

        /// <summary>There is room for events again.</summary>
        private void ResumeReading()
        {
            Enter();
            conn?.Resume();
            Exit();
        }
    }
}
