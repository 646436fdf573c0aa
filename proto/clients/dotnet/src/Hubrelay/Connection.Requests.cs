using System;
using System.Collections.Generic;
using Hubrelay.Wire;

namespace Hubrelay
{
    /// <summary>Requests, and the effects of their Replies.</summary>
    internal sealed partial class Connection
    {
        /// <summary>
        /// Sends a Subscribe or Unsubscribe for entries, in as many frames as it takes. Each frame is its own Request, copied
        /// from the given one. A connection that has ended, or was left, sends nothing.
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
                // Entries that wait for all of these requests wait for the last one.
                SendNames(like.Like(entries.GetRange(from, to - from), to == entries.Count ? like.Rest : null));
                from = to;
            }
        }

        /// <summary>
        /// Like Ask. If a Gap waits for the Replies (IsBarrier), it also counts the requests that the Gap waits for.
        /// </summary>
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

        /// <summary>Publishes a fence. Its Reply does not go to the application.</summary>
        public void PublishFence(string fence, Action<ReplyFrame> onReply)
        {
            var r = new Request { Kind = RequestKind.Other, OnReply = onReply };
            Register(r);
            int before = output.Count;
            output.Publish(fence, ReadOnlySpan<byte>.Empty, r.Id);
            Added(before);
        }

        /// <summary>
        /// Asks for the outcome of publishes without Reply, if the relay supports that and something is unsettled.
        /// </summary>
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
        /// Handles the Reply to a request that is not a publish. At the end of a connection it is called for requests without
        /// Reply, with a Reply that has the right effect for them.
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
        /// Handles the Reply to a request for the name. If the request was a plain one, the Reply decides whether the application
        /// holds the name. It does not decide if that was decided later without a relay (Entry.Decide), or if another connection
        /// has been asked since.
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
        /// Handles a Subscribe of the client's own that was not granted: one bad name must not affect the others. Names that
        /// Redis refuses are revoked. Near a limit it asks for half of the names, and for the rest once that half was granted. In
        /// other cases it asks for the halves separately, until the bad names are alone.
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
                AskBefore(again, left, rest); // the error may have been only in the others
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
                    continue; // nobody wants it, or a newer request is on its way
                }
                bool isNamed = isRefused && (e.IsPattern ? patterns : channels).Contains(e.Text);
                (isNamed ? refused : left).Add(e);
            }
        }

        /// <summary>
        /// Asks for entries, and for the rest once those were granted. If there are no entries it asks for the rest at once.
        /// </summary>
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

        /// <summary>What the connection knows about a name, which may be nothing yet.</summary>
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

        /// <summary>Drops what the connection knows about a name, if it neither holds the name nor asks for it.</summary>
        private void Forget(Entry e)
        {
            if (Holds.TryGetValue(e, out Hold h) && !h.IsHeld && h.Last == null)
            {
                Holds.Remove(e);
                e.Holds--;
                client.Prune(e);
            }
        }

        /// <summary>Whether everything that the application wants is in force on this connection.</summary>
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
