using System.Collections.Generic;
using Hubrelay.Wire;

namespace Hubrelay
{
    /// <summary>What the relay sends.</summary>
    internal sealed partial class Connection
    {
        private const int MaxHeldBack = 16;

        /// <summary>Handles one frame. A result that is not null is the reason to end the connection.</summary>
        private string Handle(long now)
        {
            if (Welcome == null && frame.Kind != Kind.Welcome && frame.Kind != Kind.Error)
            {
                return frame.Kind == Kind.None ? null : "what answers does not speak hubrelay's protocol: no Welcome comes first";
            }
            switch (frame.Kind)
            {
                case Kind.Message:
                    client.Counters.Received++;
                    client.LetOldGoFirst(this);
                    client.OnMessage(this, ref frame.Message);
                    break;
                case Kind.Reply:
                    OnAnyReply(frame.Reply);
                    break;
                case Kind.Status:
                    OnStatus(ref frame.Status, now);
                    break;
                case Kind.Loss:
                    OnLoss(ref frame.Loss);
                    break;
                case Kind.Revoked:
                    OnRevoked(frame.Revoked);
                    break;
                case Kind.Error:
                    lastWords = $"the relay says error {frame.Error.Code}: {frame.Error.Detail}";
                    IsHopeless = frame.Error.Code == Code.Version || frame.Error.Code == Code.NotAllowed;
                    break;
                case Kind.Welcome:
                    return Welcome == null ? client.OnWelcome(this, frame.Welcome, now) : null;
            }
            return null;
        }

        private void OnAnyReply(ReplyFrame reply)
        {
            if (Publishes.TryGetValue(reply.Id, out Publication p))
            {
                Publishes.Remove(reply.Id);
                AnsweredOne();
                if (reply.Outcome == Outcome.Ok)
                {
                    client.Answer(p, RelayEvent.Saturate(reply.Receivers));
                }
                else
                {
                    client.Fail(p, HubrelayException.Of(reply));
                }
                client.AdmitWaiters();
            }
            else if (Requests.TryGetValue(reply.Id, out Request r))
            {
                OnReply(r, reply);
            }
        }

        /// <summary>Handles a change of state. The state of a relay that was left does not matter any more.</summary>
        private void OnStatus(ref StatusFrame s, long now)
        {
            if (IsLeft)
            {
                return;
            }
            bool stops = s.State == (int)RelayState.Stopping && !IsStopping;
            if (stops && this == client.Next)
            {
                client.OnStopping(this, now); // it cannot be the successor, so its Status does not count
                return;
            }
            bool hasGrown = s.Gaps > Gaps;
            Status = new Status(s);
            Gaps = s.Gaps;
            if (s.Receiving && !IsReceiving)
            {
                foreach (Hold h in Holds.Values)
                {
                    h.IsPending = false; // the pending subscriptions are in force now
                }
            }
            IsReceiving = s.Receiving;
            if (hasGrown)
            {
                client.NoteGap(GapTracker.Gaps);
            }
            if (this == client.Newest)
            {
                client.OnStatusOfNewest(this, ref s, hasGrown, now);
            }
            if (stops)
            {
                client.OnStopping(this, now);
            }
            client.Proceed(now);
            client.KickClock();
        }

        /// <summary>Marks the Subscribes that are on their way now, which a Gap has to wait for, and counts them.</summary>
        public int MarkBarrier()
        {
            int count = 0;
            foreach (Request r in Requests.Values)
            {
                if (r.Kind == RequestKind.Subscribe && r.OnReply == null)
                {
                    r.IsBarrier = true;
                    count++;
                }
            }
            return count;
        }

        /// <summary>Holds a Status back until the restore is over. False: no restore is under way.</summary>
        public bool HoldBack(Status status)
        {
            if (Restoring == 0)
            {
                return false;
            }
            if (HeldBack.Count == MaxHeldBack)
            {
                HeldBack.RemoveAt(0);
            }
            HeldBack.Add(status);
            return true;
        }

        /// <summary>Handles a Loss that the relay has counted.</summary>
        private void OnLoss(ref LossFrame l)
        {
            Settler.Loss(l.Publishes + l.PublishesUnknown);
            ulong messages = l.Messages;
            if (!client.CountsMessagesOf(this, messages))
            {
                messages = 0;
                if (l.Publishes + l.PublishesUnknown == 0)
                {
                    return;
                }
            }
            client.TellLoss(new Loss(RelayEvent.Saturate(l.Publishes), RelayEvent.Saturate(l.PublishesUnknown),
                RelayEvent.Saturate(messages), (RelayCause)l.Cause, l.Reason, false));
        }

        /// <summary>Handles the names that Redis refuses from now on.</summary>
        private void OnRevoked(RevokedFrame r)
        {
            if (IsLeft)
            {
                return;
            }
            var entries = new List<Entry>();
            Collect(r.Channels, client.Channels, entries);
            Collect(r.Patterns, client.Patterns, entries);
            client.Revoke(entries, r.Detail);
            foreach (Entry e in entries)
            {
                Forget(e);
            }
        }

        private void Collect(List<string> names, NameTable table, List<Entry> entries)
        {
            foreach (string name in names)
            {
                Entry e = table.Find(name);
                if (e == null)
                {
                    continue;
                }
                if (Holds.TryGetValue(e, out Hold h))
                {
                    h.IsHeld = false;
                }
                entries.Add(e);
            }
        }
    }
}
