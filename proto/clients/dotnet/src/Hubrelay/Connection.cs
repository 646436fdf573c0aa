using System;
using System.Collections.Generic;
using System.Net.Sockets;
using Hubrelay.Wire;

namespace Hubrelay
{
    /// <summary>
    /// One connection to a relay: its socket, what it is to write, and what it is owed. All is guarded by the client's lock,
    /// but for what says that it is the reader's or the writer's.
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

        /// <summary>Null before it has come.</summary>
        public WelcomeFrame Welcome { get; private set; }

        public long AttemptedAt { get; private set; }

        /// <summary>When Welcome came.</summary>
        public long BeganAt { get; private set; }

        public long EndedAt { get; private set; }

        /// <summary>Why it has ended; null while it lasts.</summary>
        public string Ended { get; private set; }

        public bool HasEnded => Ended != null;

        /// <summary>The relay's Error says that trying again soon is of no use.</summary>
        public bool IsHopeless { get; private set; }

        public Dictionary<ulong, Publication> Publishes { get; } = new Dictionary<ulong, Publication>();

        public Dictionary<ulong, Request> Requests { get; } = new Dictionary<ulong, Request>();

        /// <summary>What it knows of names.</summary>
        public Dictionary<Entry, Hold> Holds { get; } = new Dictionary<Entry, Hold>();

        /// <summary>Subscribes of the restore without Reply.</summary>
        public int Restoring { get; private set; }

        /// <summary>What is told once the restore is over.</summary>
        public List<Status> HeldBack { get; } = new List<Status>();

        /// <summary>The last one.</summary>
        public Status Status { get; private set; }

        /// <summary>Of the last Status.</summary>
        public ulong Gaps { get; private set; }

        /// <summary>Of the last Status.</summary>
        public bool IsReceiving { get; private set; }

        /// <summary>The relay shuts down.</summary>
        public bool IsStopping { get; set; }

        /// <summary>Since when.</summary>
        public long StoppedAt { get; set; }

        /// <summary>An attempt to find the next relay has been made.</summary>
        public bool IsSuccessorSought { get; set; }

        /// <summary>Only Replies, and Losses of publishes, count.</summary>
        public bool IsLeft { get; private set; }

        /// <summary>Until when they are waited for.</summary>
        public long DrainDue { get; private set; } = Time.Never;

        /// <summary>The relay owes a Reply.</summary>
        public bool Owes => Publishes.Count + Requests.Count > 0;

        /// <summary>The relay may not have taken publishes without Reply yet.</summary>
        public bool IsUnsettled => Settler.Unknown(0) > 0;

        /// <summary>Pings are sent: not on a connection whose writing side is shut.</summary>
        public bool IsWatched => !HasEnded && !isShutting;

        public int MaxFrame => Welcome == null
            ? Limits.MaxWelcomeBytes
            : (int)Math.Min(Welcome.MaxFrameBytes, Limits.MaxArrayBytes - Limits.HeaderBytes);

        private int NamesBudget => MaxFrame - Limits.SubscribeMinimum;

        /// <summary>
        /// Ends the connection: the only way in which one ends. What becomes of what it owes is settled by SettleEnd, once nobody
        /// writes any more, since only then it is known what was written. Whoever is the last one to use the socket, reader or
        /// writer, closes it.
        /// </summary>
        /// <remarks><code>
        /// when End is called                       who calls SettleEnd
        /// nobody writes                            End itself
        /// the write is left to the end of a turn   End itself, which takes it from the turn: nobody has begun it
        /// in the client's list of those to write   whoever releases the lock, in Write: it writes no more, and stops
        /// a thread is in Write or WriteWaiting     that thread, when its system call returns: it writes no more, and stops
        /// a thread has failed, and calls Abort     Abort itself: what was written is unknown then
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
                Uncork(); // nobody writes: the end of the turn was to
                isWriting = false;
            }
            if (!isWriting)
            {
                SettleEnd(now);
            }
        }

        /// <summary>
        /// Ends the connection after a fault of this library on one of its threads. Whether somebody writes, and what was written,
        /// is unknown then, so that all that is owed is unknown.
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

        /// <summary>The relay says Welcome, and is one that the client wants.</summary>
        public void Begin(WelcomeFrame welcome, long now)
        {
            Welcome = welcome;
            BeganAt = now;
            Settler.Asks = welcome.Has(Limits.FeatureSettled);
            Status = new Status(welcome.Status);
            Gaps = welcome.Status.Gaps;
            IsReceiving = welcome.Status.Receiving;
        }

        /// <summary>Leaves it: the writing side is shut behind what is queued, and it is read to its end.</summary>
        public void Leave(long drainDue)
        {
            AskSettled();
            IsLeft = true;
            DrainDue = drainDue;
            ShutAfterOutput();
        }

        /// <summary>The next deadline of a connection that serves, or is about to.</summary>
        public long NextDeadline(long now)
        {
            if (!IsWatched)
            {
                return Time.Never;
            }
            // No later than what a request that is made right now will need, so that it need not wake the clock.
            long alive = IsPaused ? Time.Never : Math.Min(liveness.Due, now + liveness.OwedAfter);
            return Math.Min(Settler.Due, alive);
        }

        /// <summary>Finds a relay that hangs, and settles publishes without Reply.</summary>
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
                        liveness.Read(now); // the relay lives, and this process did not read
                    }
                    else
                    {
                        End("the relay does not answer", now);
                    }
                    break;
            }
        }

        /// <summary>All waiting for the relay begins anew, for its Welcome, too: this process did not run.</summary>
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
