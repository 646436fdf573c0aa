using System;
using System.Collections.Generic;
using Hubrelay.Wire;

namespace Hubrelay
{
    /// <summary>What is asked for, and what the Replies mean.</summary>
    internal sealed partial class Connection
    {
        /// <summary>
        /// Sends a Subscribe or Unsubscribe for entries, in as many frames as it takes. Each frame is a Request of its own, copied
        /// from the one given. One that has ended, or is left, sends nothing.
        /// </summary>
        public void Ask(Request like, List<Entry> entries)
        {
            if (HasEnded || IsLeft)
            {
                return;
            }
            for (int from = 0; from < entries.Count;)
            {
                int size = 0;
                int to = from;
                while (to < entries.Count)
                {
                    int more = FrameBuffer.NameBytes(entries[to].Bytes.Length);
                    if (to > from && size + more > NamesBudget)
                    {
                        break;
                    }
                    size += more;
                    to++;
                }
                // What waits for all of these waits for the last one.
                SendNames(like.Like(entries.GetRange(from, to - from), to == entries.Count ? like.Rest : null));
                from = to;
            }
        }

        /// <summary>Asks, and if a Gap waits for the Replies (IsBarrier), counts the requests that it waits for.</summary>
        public void AskCounted(Request like, List<Entry> entries)
        {
            int before = Requests.Count;
            Ask(like, entries);
            if (like.IsBarrier && this == client.Newest)
            {
                client.Gap.Barrier += Requests.Count - before;
            }
        }

        private void SendNames(Request r)
        {
            var channels = new List<string>();
            var patterns = new List<string>();
            foreach (Entry e in r.Entries)
            {
                (e.IsPattern ? patterns : channels).Add(e.Text);
                HoldOf(e).Last = r;
                if (r.IsPlain)
                {
                    e.Asked = r;
                }
            }
            if (r.Operation != null)
            {
                r.Operation.Left++;
            }
            if (r.IsRestore)
            {
                Restoring++;
            }
            SendRequest(r, channels, patterns);
        }

        /// <summary>Writes the frame of a Subscribe or Unsubscribe, unless the connection has ended.</summary>
        public void SendRequest(Request r, List<string> channels, List<string> patterns)
        {
            if (HasEnded)
            {
                return;
            }
            Register(r);
            int before = output.Count;
            if (r.Kind == RequestKind.Subscribe)
            {
                output.Subscribe(r.Id, channels, patterns);
            }
            else
            {
                output.Unsubscribe(r.Id, channels, patterns);
            }
            Added(before);
        }

        public void Ping(bool settled, Action<ReplyFrame> onReply)
        {
            var r = new Request { Kind = RequestKind.Other, OnReply = onReply };
            Register(r);
            int before = output.Count;
            output.Ping(r.Id, settled);
            Added(before);
        }

        /// <summary>Publishes a fence, whose Reply is not the application's.</summary>
        public void PublishFence(string fence, Action<ReplyFrame> onReply)
        {
            var r = new Request { Kind = RequestKind.Other, OnReply = onReply };
            Register(r);
            int before = output.Count;
            output.Publish(fence, ReadOnlySpan<byte>.Empty, r.Id);
            Added(before);
        }

        /// <summary>Asks what has become of publishes without Reply, where that is possible and something is unsettled.</summary>
        public void AskSettled()
        {
            if (HasEnded || isShutting || !Settler.Asks || !Settler.HasUnasked)
            {
                return;
            }
            Settler.Ask();
            Ping(true, reply =>
            {
                Settler.Answered(reply.Outcome == Outcome.Ok, Time.Now);
                client.ClockBy(Settler.Due);
            });
        }

        private void Register(Request r)
        {
            Owing();
            r.Id = NextId();
            Requests.Add(r.Id, r);
        }

        /// <summary>
        /// The Reply to a request that is no publish. At the end of a connection it is called for those that have none, with what
        /// that means for them.
        /// </summary>
        private void OnReply(Request r, ReplyFrame reply)
        {
            Requests.Remove(r.Id);
            if (r.Kind != RequestKind.Other)
            {
                OnNamesReply(r, reply);
            }
            r.OnReply?.Invoke(reply);
            AnsweredOne();
        }

        private void OnNamesReply(Request r, ReplyFrame reply)
        {
            bool pending = r.Kind == RequestKind.Subscribe && reply.Outcome == Outcome.Pending;
            bool granted = pending || reply.Outcome == Outcome.Ok;
            foreach (Entry e in r.Entries)
            {
                Answered(e, r, granted, pending);
            }
            if (pending)
            {
                client.NotePending(this, r);
            }
            if (granted && r.Rest != null)
            {
                AskCounted(new Request { Kind = RequestKind.Subscribe, IsRestore = r.IsRestore, IsBarrier = r.IsBarrier }, r.WantedRest());
            }
            else if (!granted && r.Operation == null && r.Kind == RequestKind.Subscribe)
            {
                AskAgain(r, reply);
            }
            client.FinishOperations(r, reply, granted, pending);
            if (r.IsBarrier && this == client.Newest)
            {
                client.Gap.Answered(Time.Now);
                client.KickClock();
            }
            foreach (Entry e in r.Entries)
            {
                Forget(e);
            }
            if (!granted)
            {
                client.Release(r.Entries);
            }
            if (r.IsRestore && --Restoring == 0 && !HasEnded)
            {
                client.OnRestored(this);
            }
        }

        /// <summary>
        /// The Reply to a request for the name. If the request was a plain one, the Reply decides whether the application holds the
        /// name. It does not if that has been decided without a relay since (Entry.Decide), or is asked of another connection.
        /// </summary>
        private void Answered(Entry e, Request r, bool granted, bool pending)
        {
            Hold h = HoldOf(e);
            h.Last = h.Last == r ? null : h.Last;
            if (granted)
            {
                h.IsHeld = r.Kind == RequestKind.Subscribe;
                h.IsPending = pending;
            }
            if (!r.IsPlain)
            {
                return;
            }
            bool counts = e.Asked == r || (e.Asked != null && Requests.TryGetValue(e.Asked.Id, out Request asked) && asked == e.Asked);
            if (e.Asked == r)
            {
                e.Asked = null;
            }
            if (!granted || !counts)
            {
                return;
            }
            if (r.Operation != null && r.Kind == RequestKind.Subscribe && !e.IsPlain)
            {
                r.Operation.Granted.Add(e);
            }
            e.IsPlain = r.Kind == RequestKind.Subscribe;
        }

        /// <summary>
        /// Deals with a Subscribe of the client's own that was not granted: one bad name must not cost the others. What Redis
        /// refuses by name is revoked. Near a limit half is asked for, and the rest when that was granted. Else the halves
        /// are asked for apart, until only the bad ones are alone.
        /// </summary>
        private void AskAgain(Request r, ReplyFrame reply)
        {
            var left = new List<Entry>();
            var refused = new List<Entry>();
            SortOut(r, reply, left, refused);
            var again = new Request { Kind = RequestKind.Subscribe, IsRestore = r.IsRestore, IsBarrier = r.IsBarrier };
            List<Entry> rest = r.WantedRest();
            int half = left.Count / 2;
            bool isLimit = reply.Outcome == Outcome.Limit;
            if (left.Count == 0 || (left.Count < r.Entries.Count && !isLimit))
            {
                AskBefore(again, left, rest); // what was wrong may have been with the others
                client.Revoke(refused, reply.Detail);
            }
            else if (isLimit && r.Entries.Count == 1)
            {
                left.AddRange(rest);
                client.Revoke(left, reply.Detail);
            }
            else if (isLimit && left.Count == 1)
            {
                AskBefore(again, left, rest);
            }
            else if (isLimit)
            {
                List<Entry> later = left.GetRange(half, left.Count - half);
                later.AddRange(rest);
                AskBefore(again, left.GetRange(0, half), later);
            }
            else if (left.Count > 1)
            {
                AskCounted(again, left.GetRange(0, half));
                AskBefore(again, left.GetRange(half, left.Count - half), rest);
            }
            else
            {
                client.Revoke(left, reply.Detail);
                AskCounted(again, rest);
            }
        }

        private void SortOut(Request r, ReplyFrame reply, List<Entry> left, List<Entry> refused)
        {
            bool isRefused = reply.Outcome == Outcome.Refused;
            var channels = new HashSet<string>(reply.Channels);
            var patterns = new HashSet<string>(reply.Patterns);
            foreach (Entry e in r.Entries)
            {
                Hold h = HoldOf(e);
                if (!e.IsWanted || h.WillHold || h.Last != null)
                {
                    continue; // nobody wants it, or something newer is on its way
                }
                bool isNamed = isRefused && (e.IsPattern ? patterns : channels).Contains(e.Text);
                (isNamed ? refused : left).Add(e);
            }
        }

        /// <summary>Asks for entries, and for the rest when those were granted; at once if there are none.</summary>
        private void AskBefore(Request like, List<Entry> entries, List<Entry> rest)
        {
            if (entries.Count == 0)
            {
                AskCounted(like, rest);
                return;
            }
            like.Rest = rest;
            AskCounted(like, entries);
            like.Rest = null;
        }

        /// <summary>What the connection knows of a name, which may be nothing yet.</summary>
        private Hold HoldOf(Entry e)
        {
            if (!Holds.TryGetValue(e, out Hold h))
            {
                h = new Hold();
                Holds.Add(e, h);
                e.Holds++;
            }
            return h;
        }

        /// <summary>Whether the relay will hold the name once the last request for it has its Reply, if that is granted.</summary>
        public bool WillHold(Entry e)
        {
            return Holds.TryGetValue(e, out Hold h) && h.WillHold;
        }

        /// <summary>Drops what the connection knows of a name that it neither holds nor asks for.</summary>
        private void Forget(Entry e)
        {
            if (Holds.TryGetValue(e, out Hold h) && !h.IsHeld && h.Last == null)
            {
                Holds.Remove(e);
                e.Holds--;
                client.Prune(e);
            }
        }

        /// <summary>Everything that is wanted is in force on this connection.</summary>
        public bool IsInForce
        {
            get
            {
                if (Restoring > 0 || HasEnded)
                {
                    return false;
                }
                foreach (Hold h in Holds.Values)
                {
                    if (h.IsPending)
                    {
                        return false;
                    }
                }
                return true;
            }
        }
    }
}
