using System;
using System.Collections.Generic;
using Hubrelay.Wire;

namespace Hubrelay
{
    /// <summary>New connections, and the move from a relay that is stopping to the next one.</summary>
    public sealed partial class HubrelayClient
    {
        private const string NoSuccessor = "the relay is stopping";
        private const string WasLeft = "left, since the relay is stopping";

        /// <summary>Handles a Welcome. A result that is not null is the reason to end the connection.</summary>
        internal string OnWelcome(Connection k, WelcomeFrame w, long now)
        {
            string wrong = WhyNot(w);
            if (wrong != null)
            {
                return wrong;
            }
            k.Begin(w, now);
            attempt = null;
            backoff.Failed(false);
            lastGood = k;
            Counters.Connections++;
            if (conn != null)
            {
                next = k;
                move = new Move { PatienceDue = now + Ms(options.Successor) };
            }
            else
            {
                conn = k;
                problem = null;
                NoteGap(everBegan ? GapTracker.NewConnection : GapTracker.Pending);
            }
            everBegan = true;
            toldGone = null;
            log.Write($"connected to relay {w.RelayId} ({w.RelayVersion}) at {path}");
            BeginGap(k, now);
            TellStatus(k, k.Status);
            if (move != null)
            {
                AskForFence(k);
                Proceed(now);
            }
            EndStart();
            Announce();
            KickClock();
            return null;
        }

        private string WhyNot(WelcomeFrame w)
        {
            if (isClosing)
            {
                return "the client was closed";
            }
            if (w.Status.State == (int)RelayState.Stopping || IsLeaving(w.RelayId))
            {
                return NoSuccessor;
            }
            return w.Version == Limits.ProtocolVersion ? null
                : $"the relay answers in version {w.Version} of the protocol, which this client does not speak";
        }

        private void BeginGap(Connection k, long now)
        {
            Gap.Begin(false, 0, now);
            Restore(k);
            Gap.Begin(k.IsReceiving, Barrier(k, k.IsReceiving), now);
            Gap.Grew(now);
            Gap.IsDegraded = k.Welcome.Status.State == (int)RelayState.Degraded;
        }

        /// <summary>Asks a new connection for everything that the application wants, and for nothing else.</summary>
        private void Restore(Connection k)
        {
            var wanted = new List<Entry>();
            var impossible = new List<Entry>();
            foreach (Entry e in Channels.All)
            {
                if (e.IsWanted)
                {
                    wanted.Add(e);
                }
            }
            foreach (Entry e in Patterns.All)
            {
                if (e.IsWanted)
                {
                    (k.Welcome.Has(Limits.FeaturePatterns) ? wanted : impossible).Add(e);
                }
            }
            Revoke(impossible, "the relay has no patterns");
            k.Ask(new Request { Kind = RequestKind.Subscribe, IsRestore = true }, wanted);
        }

        /// <summary>Whether this relay is the one that the client is leaving.</summary>
        private bool IsLeaving(string relayId)
        {
            return (conn != null && conn.IsStopping && conn.Welcome.RelayId == relayId)
                || (old != null && old.IsStopping && old.Welcome.RelayId == relayId);
        }

        /// <summary>A relay has reported STOPPING.</summary>
        internal void OnStopping(Connection k, long now)
        {
            k.IsStopping = true;
            k.StoppedAt = now;
            log.Write($"the relay at {path} is stopping");
            if (k == next)
            {
                k.End(NoSuccessor, now);
            }
            else if (k == conn)
            {
                old?.End(WasLeft, now); // only one connection drains at a time
            }
        }

        /// <summary>Subscribes to a fence on both relays, if both support fences and there are subscriptions.</summary>
        private void AskForFence(Connection k)
        {
            if (!IsAnythingWanted || !k.Welcome.Has(Limits.FeatureFence) || conn.HasEnded || !conn.Welcome.Has(Limits.FeatureFence))
            {
                return;
            }
            Move m = move;
            m.MakeFence();
            AskForFence(m, conn, ok => m.IsOldReady = ok);
            AskForFence(m, k, ok => m.IsNewReady = ok);
        }

        private void AskForFence(Move m, Connection on, Action<bool> ready)
        {
            var request = new Request
            {
                Kind = RequestKind.Subscribe,
                OnReply = reply =>
                {
                    bool isOk = reply.Outcome == Outcome.Ok;
                    ready(isOk);
                    m.IsRefused |= !isOk;
                    if (move == m && !on.HasEnded)
                    {
                        Proceed(Time.Now);
                    }
                },
            };
            on.SendRequest(request, new List<string> { m.Fence }, new List<string>());
        }

        /// <summary>Continues a move as far as possible.</summary>
        internal void Proceed(long now)
        {
            Move m = move;
            if (m == null || !next.IsInForce)
            {
                return;
            }
            if (m.Fence == null || m.IsRefused)
            {
                EndMove(now, IsAnythingWanted);
                return;
            }
            if (m.Due == Time.Never)
            {
                m.Due = now + Ms(options.Successor);
                KickClock();
            }
            if (m.IsOldReady && m.IsNewReady && !m.IsPublished)
            {
                m.IsPublished = true;
                Connection k = next;
                k.PublishFence(m.Fence, reply =>
                {
                    if (reply.Outcome != Outcome.Ok && move == m && !k.HasEnded)
                    {
                        EndMove(Time.Now, true);
                    }
                });
            }
        }

        /// <summary>The fence's message has come on one of the two connections.</summary>
        private void OnFence(Connection k)
        {
            if (k == next)
            {
                move.IsNewSeen = true;
            }
            else
            {
                move.IsOldSeen = true;
            }
            if (move.IsOldSeen && move.IsNewSeen)
            {
                EndMove(Time.Now, move.IsIncomplete);
            }
        }

        /// <summary>
        /// During a move, reads what the old relay has sent, and above all its end, before a message of the new one is discarded.
        /// A message that comes on the new one before the fence is discarded only because the old one delivers it.
        /// </summary>
        internal void LetOldGoFirst(Connection k)
        {
            while (k == next && !move.IsNewSeen && conn != null && conn.HasInput && Time.Now < move.PatienceDue)
            {
                Wait(1);
            }
        }

        /// <summary>
        /// Handles a message of the new relay. Before the fence the old one delivers it; after the fence the new one does.
        /// </summary>
        private void KeepOfNext(in MessageFrame m)
        {
            if (move.IsNewSeen)
            {
                move.Hold(m);
                if (move.HeldBytes > options.MaxQueueBytes)
                {
                    EndMove(Time.Now, true);
                }
            }
        }

        /// <summary>Whether the messages of a Loss on this connection are messages that it had to deliver.</summary>
        internal bool CountsMessagesOf(Connection k, ulong messages)
        {
            if (k == next && messages > 0)
            {
                move.IsIncomplete = true;
            }
            return !k.IsLeft && k != next && !(move != null && move.IsOldSeen && k == conn);
        }

        /// <summary>Makes the next relay the one that serves. The former one is left, unless it has ended.</summary>
        private void EndMove(long now, bool isGap)
        {
            Move m = move;
            Connection former = conn;
            conn = next;
            next = null;
            move = null;
            for (int i = 0; i < m.Held.Count; i++)
            {
                MessageFrame held = m.Held[i];
                Deliver(ref held);
            }
            if (m.Fence != null)
            {
                conn.SendRequest(new Request { Kind = RequestKind.Unsubscribe }, new List<string> { m.Fence }, new List<string>());
            }
            if (former != null && !former.HasEnded)
            {
                Leave(former, now);
                holdPublishesUntil = now + Ms(options.Successor);
            }
            if (isGap)
            {
                NoteGap(GapTracker.Move);
            }
            AdmitWaiters();
            Announce();
            KickClock();
            log.Write($"moved to relay {conn.Welcome.RelayId}");
        }

        /// <summary>
        /// Shuts the writing side of a connection, which is then read to its end. Everything that it owes comes before the end.
        /// </summary>
        private void Leave(Connection k, long now)
        {
            old?.End(WasLeft, now);
            old = k;
            k.Leave(now + Ms(options.Drain));
        }

        /// <summary>
        /// Leaves a relay that is stopping although there is no next one. A restart that first stops the old relay and then
        /// starts the new one must not wait for its clients.
        /// </summary>
        private void LeaveAlone(long now)
        {
            Connection k = conn;
            conn = null;
            problem = WasLeft;
            Leave(k, now);
            Gap.Begin(false, 0, now);
            Gap.IsDegraded = false;
            FailWaiters(NotConnected);
            TellNoRelay(HasGone, WasLeft);
            KickClock();
        }

        /// <summary>
        /// The next relay has ended before it served. The one that is stopping goes on, and the client tries to find another next
        /// one.
        /// </summary>
        private void BackToCurrent(Move m, long now)
        {
            Connection k = Serving;
            if (k == null || isClosing)
            {
                return;
            }
            k.StoppedAt = now;
            if (m.Fence != null)
            {
                k.SendRequest(new Request { Kind = RequestKind.Unsubscribe }, new List<string> { m.Fence }, new List<string>());
            }
            Gap.Begin(false, 0, now);
            Gap.Begin(k.IsReceiving, Barrier(k, k.IsReceiving), now);
            if (status != k.Status && k.Restoring == 0)
            {
                TellStatus(k, k.Status); // this Status counts again
            }
            if (m.IsOldSeen)
            {
                NoteGap(GapTracker.Move); // what came after the fence was left to the relay that has ended
            }
        }

        /// <summary>A connection has ended, and what it owed is settled next. True: it was the serving connection.</summary>
        internal bool BeginEnd(Connection k)
        {
            if (k != conn)
            {
                return false;
            }
            conn = null;
            problem = k.Ended;
            return true;
        }

        /// <summary>What an ended connection owed has been settled.</summary>
        internal void FinishEnd(Connection k, bool wasServing, long now)
        {
            if (wasServing && next != null)
            {
                EndMove(now, true); // the next relay is already connected
            }
            else if (wasServing)
            {
                OnLostRelay(k, now);
            }
            else if (k == next)
            {
                Move m = move;
                next = null;
                move = null;
                BackToCurrent(m, now);
            }
            else if (k == old)
            {
                old = null;
                holdPublishesUntil = Time.Never;
                AdmitWaiters();
            }
            else if (k == attempt)
            {
                attempt = null;
                OnFailedAttempt(k.Ended.Contains(path) ? k.Ended : $"{path}: {k.Ended}", k.IsHopeless);
            }
            Announce();
            FinishIfClosed();
            KickClock();
        }

        /// <summary>The serving connection has ended, and there is no other one.</summary>
        private void OnLostRelay(Connection k, long now)
        {
            Gap.Begin(false, 0, now);
            Gap.IsDegraded = false;
            FailWaiters(isClosing ? IsClosed : (Func<Exception>)NotConnected);
            TellNoRelay(HasGone, k.Ended);
        }
    }
}
