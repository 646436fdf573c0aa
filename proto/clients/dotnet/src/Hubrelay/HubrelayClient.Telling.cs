using System;
using Hubrelay.Wire;

namespace Hubrelay
{
    /// <summary>What the application is told.</summary>
    public sealed partial class HubrelayClient
    {
        internal GapTracker Gap { get; }

        /// <summary>Gives the application an event of the whole client.</summary>
        private void Tell(RelayEvent one)
        {
            if (!Events.Queue.Push(one, completions))
            {
                Counters.LostMessages++;
            }
        }

        /// <summary>A message, unless a move between two relays says that it is the other one's to deliver.</summary>
        internal void OnMessage(Connection k, ref MessageFrame m)
        {
            if (isClosing)
            {
                return; // the application has done with them; only what is owed is waited for
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
                    return; // behind the old relay's fence: the new one has it
                }
            }
            if (k == conn)
            {
                Deliver(ref m);
            }
        }

        /// <summary>Gives a message to everybody who listens.</summary>
        private void Deliver(ref MessageFrame m)
        {
            bool isOfPattern = m.Pattern.Length > 0;
            Entry e = isOfPattern ? Patterns.Find(m.Data, m.Pattern) : Channels.Find(m.Data, m.Channel);
            if (e == null)
            {
                return; // just unsubscribed
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

        /// <summary>How many Subscribes a Gap has to wait for, now that the state of receiving is told.</summary>
        private int Barrier(Connection k, bool receiving)
        {
            return !receiving || Gap.IsReceiving ? Gap.Barrier : k.MarkBarrier();
        }

        /// <summary>Tells a state of the newest connection, once what it has to hold is restored.</summary>
        private void TellStatus(Connection k, Status told)
        {
            if (!k.HoldBack(told))
            {
                status = told;
                Tell(told);
            }
        }

        /// <summary>The last Reply to a restore.</summary>
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
        /// Tells a Loss to the client's events and, if it is of messages, to every subscription, and a Gap at once.
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

        /// <summary>Gives a Gap to everybody who listens.</summary>
        private void TellGap(Gap gap)
        {
            Counters.Gaps++;
            Tell(gap);
            foreach (Subscription s in subscriptions)
            {
                s.Queue.Push(gap, completions);
            }
        }

        /// <summary>Remembers that messages may have been missed, if anybody listens.</summary>
        internal void NoteGap(string reason)
        {
            if (IsAnythingWanted)
            {
                Gap.Note(reason, Time.Now);
                KickClock();
            }
        }

        /// <summary>
        /// A subscription that was PENDING is a Gap once it is in force. At the end of a connection the next one is the reason,
        /// unless there is a next one already.
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

        /// <summary>Tells that there is no connection, once for each kind of reason.</summary>
        private void TellNoRelay(string kind, string reason)
        {
            if (isClosing)
            {
                status = new Status(reason); // told to nobody any more, but by Status
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

        /// <summary>Nobody listens to what this connection brings, and there is no move.</summary>
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
