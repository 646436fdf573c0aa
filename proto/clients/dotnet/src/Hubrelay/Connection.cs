using System;
using System.Collections.Generic;
using System.Net.Sockets;
using Hubrelay.Wire;

namespace Hubrelay
{
    /// <summary>
    /// One connection to a relay: its socket, what it has to write, and what it is owed. Everything is guarded by the client's
    /// lock, except members that are marked as the reader's or the writer's.
    /// </summary>
    internal sealed partial class Connection
    {
        private readonly HubrelayClient client;
        private readonly UnixSocket socket;
        private readonly Liveness liveness;
        private ulong lastId;

        public Connection(HubrelayClient client, UnixSocket socket, HubrelayOptions options, long now)
        {
            this.client = client;
            this.socket = socket;
            AttemptedAt = now;
            liveness = new Liveness(HubrelayClient.Ms(options.PingOwed), HubrelayClient.Ms(options.PingIdle),
                HubrelayClient.Ms(options.PingTimeout), now);
            Settler = new Settler(HubrelayClient.Ms(options.Settle));
        }

        public Settler Settler { get; }

        /// <summary>The Welcome; null before it has come.</summary>
        public WelcomeFrame Welcome { get; private set; }

        public long AttemptedAt { get; private set; }

        /// <summary>When the Welcome came.</summary>
        public long BeganAt { get; private set; }

        public long EndedAt { get; private set; }

        /// <summary>Why the connection has ended; null while it lasts.</summary>
        public string Ended { get; private set; }

        public bool HasEnded => Ended != null;

        /// <summary>True if the relay's Error means that it is useless to try again soon.</summary>
        public bool IsHopeless { get; private set; }

        public Dictionary<ulong, Publication> Publishes { get; } = new Dictionary<ulong, Publication>();

        public Dictionary<ulong, Request> Requests { get; } = new Dictionary<ulong, Request>();

        /// <summary>What the connection knows about names.</summary>
        public Dictionary<Entry, Hold> Holds { get; } = new Dictionary<Entry, Hold>();

        /// <summary>How many Subscribes of the restore have no Reply.</summary>
        public int Restoring { get; private set; }

        /// <summary>The Statuses to report once the restore is over.</summary>
        public List<Status> HeldBack { get; } = new List<Status>();

        /// <summary>The last Status.</summary>
        public Status Status { get; private set; }

        /// <summary>The value in the last Status.</summary>
        public ulong Gaps { get; private set; }

        /// <summary>The value in the last Status.</summary>
        public bool IsReceiving { get; private set; }

        /// <summary>True if the relay is shutting down.</summary>
        public bool IsStopping { get; set; }

        /// <summary>When the relay began to shut down.</summary>
        public long StoppedAt { get; set; }

        /// <summary>True if an attempt to find the next relay has been made.</summary>
        public bool IsSuccessorSought { get; set; }

        /// <summary>True if only Replies, and Losses of publishes, still count.</summary>
        public bool IsLeft { get; private set; }

        /// <summary>When the client stops waiting for them.</summary>
        public long DrainDue { get; private set; } = Time.Never;

        /// <summary>Whether the relay owes a Reply.</summary>
        public bool Owes => Publishes.Count + Requests.Count > 0;

        /// <summary>Whether some publishes without Reply may not be taken yet.</summary>
        public bool IsUnsettled => Settler.Unknown(0) > 0;

        /// <summary>Whether Pings are sent. They are not sent on a connection whose writing side is shut.</summary>
        public bool IsWatched => !HasEnded && !isShutting;

        public int MaxFrame => Welcome == null
            ? Limits.MaxWelcomeBytes
            : (int)Math.Min(Welcome.MaxFrameBytes, Limits.MaxArrayBytes - Limits.HeaderBytes);

        private int NamesBudget => MaxFrame - Limits.SubscribeMinimum;

        /// <summary>
        /// Ends the connection. A connection ends only by this method. SettleEnd settles everything that it owes, once no thread
        /// writes any more, since only then it is known what was written. The last thread that uses the socket, reader or writer,
        /// closes it.
        /// </summary>
        /// <remarks><code>
        /// when End is called                       who calls SettleEnd
        /// no thread writes                         End itself
        /// the write is left to the end of a turn   End itself, which takes the write from the turn: no thread has begun it
        /// it is in the client's list to write      the thread that releases the lock, in Write: it writes no more, and stops
        /// a thread is in Write or WriteWaiting     that thread, when its system call returns: it writes no more, and stops
        /// a thread has failed, and calls Abort     Abort itself: then it is unknown what was written
        /// </code></remarks>
        public void End(string why, long now)
        {
            if (HasEnded)
            {
                return;
            }
            Ended = why;
            EndedAt = now;
            socket.Shutdown(SocketShutdown.Both);
            client.WakeAll();
            if (corkedBy != null)
            {
                Uncork(); // no thread writes: the write was left to the end of the turn
                isWriting = false;
            }
            if (!isWriting)
            {
                SettleEnd(now);
            }
        }

        /// <summary>
        /// Ends the connection after an error of this library on one of its threads. Then it is unknown whether a thread writes,
        /// and what was written. So the outcome of everything that is owed is unknown.
        /// </summary>
        public void Abort(Exception why)
        {
            End("a fault of the client: " + why.Message, Time.Now);
            written = queued;
            sendEnds.Clear();
            isWriting = false;
            SettleEnd(Time.Now);
            CloseIfUnused();
        }

        /// <summary>The relay has sent Welcome, and the client accepts this relay.</summary>
        public void Begin(WelcomeFrame welcome, long now)
        {
            Welcome = welcome;
            BeganAt = now;
            Settler.Asks = welcome.Has(Limits.FeatureSettled);
            Status = new Status(welcome.Status);
            Gaps = welcome.Status.Gaps;
            IsReceiving = welcome.Status.Receiving;
        }

        /// <summary>
        /// Leaves the relay: the writing side is shut after the queued bytes, and the connection is read to its end.
        /// </summary>
        public void Leave(long drainDue)
        {
            AskSettled();
            IsLeft = true;
            DrainDue = drainDue;
            ShutAfterOutput();
        }

        /// <summary>The next deadline of a connection that serves, or will serve soon.</summary>
        public long NextDeadline(long now)
        {
            if (!IsWatched)
            {
                return Time.Never;
            }
            // This is not later than the deadline of a request made right now, so that such a request need not wake the clock.
            long alive = IsPaused ? Time.Never : Math.Min(liveness.Due, now + liveness.OwedAfter);
            return Math.Min(Settler.Due, alive);
        }

        /// <summary>Detects a relay that hangs, and settles publishes without Reply.</summary>
        public void Watch(long now)
        {
            if (!IsWatched)
            {
                return;
            }
            if (now >= Settler.Due)
            {
                AskSettled();
            }
            if (IsPaused)
            {
                return;
            }
            switch (liveness.Check(now))
            {
                case LivenessAction.Ping:
                    Ping(false, null);
                    break;
                case LivenessAction.GiveUp:
                    if (socket.CanRead())
                    {
                        liveness.Read(now); // the relay is alive, but this process did not read
                    }
                    else
                    {
                        End("the relay does not answer", now);
                    }
                    break;
            }
        }

        /// <summary>Restarts all waiting for the relay, also for its Welcome, since this process did not run.</summary>
        public void RestartWaiting(long now)
        {
            AttemptedAt = now;
            liveness.Read(now);
        }

        /// <summary>Is called before a request is added.</summary>
        private void Owing()
        {
            if (!Owes)
            {
                long now = Time.Now;
                liveness.Owed(now);
                client.ClockBy(now + liveness.OwedAfter);
            }
            Resume();
        }

        /// <summary>Is called after a request was removed.</summary>
        private void AnsweredOne()
        {
            if (!Owes)
            {
                liveness.NothingOwed();
                if (client.IsClosing)
                {
                    client.Announce();
                }
            }
        }

        private ulong NextId()
        {
            lastId = lastId == Limits.MaxId ? 1 : lastId + 1;
            return lastId;
        }
    }
}
