using System;
using System.Threading;

namespace Hubrelay
{
    /// <summary>
    /// The thread that connects and keeps all deadlines. It is not a thread of the thread pool, so it also keeps them when the
    /// pool is busy.
    /// </summary>
    public sealed partial class HubrelayClient
    {
        /// <summary>
        /// If the clock is later than this, the process did not run: it was stopped, or the machine slept. Then no peer's silence
        /// before that counts.
        /// </summary>
        private const long LateMs = 1000;

        /// <summary>How often turns on the reading thread are checked while there are any.</summary>
        private const long TurnMs = 10;

        /// <summary>How long the clock pauses after an error in its own code.</summary>
        private const int BrokenMs = 100;

        private readonly Backoff backoff;
        private Connection lastGood; // the last connection with a Welcome, until it has ended
        private long attemptDue = Time.Never;
        private long clockDue; // when the clock checks again
        private bool isKicked;
        private bool watchesTurns;
        private long turnsDue;

        /// <summary>Makes the clock check its deadlines again.</summary>
        internal void KickClock()
        {
            isKicked = true;
            Monitor.PulseAll(gate);
        }

        /// <summary>Makes the clock check its deadlines at this time, or before.</summary>
        internal void ClockBy(long due)
        {
            if (due < clockDue)
            {
                KickClock();
            }
        }

        /// <summary>A turn has begun: the clock makes sure that it ends.</summary>
        private void WatchTurns()
        {
            hadTurns = true;
            if (!watchesTurns)
            {
                watchesTurns = true;
                KickClock();
            }
        }

        private void StartClock()
        {
            Exception wrong = null;
            Enter();
            StartThread("hubrelay clock", RunClock, e => wrong = e);
            Exit();
            if (wrong != null)
            {
                ForgetProcessExit();
                throw wrong;
            }
        }

        /// <summary>An error in this library ends the connections, but not the clock.</summary>
        private void RunClock()
        {
            while (!finished.Task.IsCompleted)
            {
                try
                {
                    KeepTime();
                }
                catch (Exception e)
                {
                    OnBroken("hubrelay clock", e, EndAll);
                    Thread.Sleep(BrokenMs);
                }
            }
        }

        private void EndAll(Exception why)
        {
            foreach (Connection k in new[] { attempt, next, conn, old })
            {
                k?.Abort(why);
            }
            FinishIfClosed();
        }

        private void KeepTime()
        {
            Enter();
            while (!finished.Task.IsCompleted)
            {
                long now = Time.Now;
                RestartIfLate(now);
                isKicked = false;
                MeetDeadlines(now);
                bool connects = PlanAttempt(now);
                clockDue = NextDeadline(now);
                Exit();
                if (connects)
                {
                    Connect();
                }
                Enter();
                while (!isKicked && !finished.Task.IsCompleted)
                {
                    long wait = clockDue - Time.Now;
                    if (wait <= 0 || (!Monitor.Wait(gate, (int)Math.Min(wait, 3600000)) && clockDue <= Time.Now))
                    {
                        break;
                    }
                }
            }
            Exit();
        }

        /// <summary>The clock checks again. If it is late, this process did not run, and waiting begins again.</summary>
        internal void RestartIfLate(long now)
        {
            if (clockDue != 0 && clockDue != Time.Never && now - clockDue > LateMs)
            {
                conn?.RestartWaiting(now);
                next?.RestartWaiting(now);
                attempt?.RestartWaiting(now);
            }
        }

        private long NextDeadline(long now)
        {
            long due = Math.Min(Gap.Due, Math.Min(holdPublishesUntil, attemptDue));
            due = Math.Min(due, conn == null ? Time.Never : conn.NextDeadline(now));
            due = Math.Min(due, next == null ? Time.Never : next.NextDeadline(now));
            due = Math.Min(due, old == null ? Time.Never : old.DrainDue);
            due = Math.Min(due, attempt == null ? Time.Never : attempt.AttemptedAt + Ms(options.Handshake));
            due = Math.Min(due, IsWithoutNext ? conn.StoppedAt + Ms(options.Successor) : Time.Never);
            due = Math.Min(due, isStarting ? startDue : Time.Never);
            due = Math.Min(due, move == null ? Time.Never : move.Due);
            due = Math.Min(due, poolUntil == 0 ? Time.Never : poolUntil);
            return Math.Min(due, watchesTurns ? now + TurnMs : Time.Never);
        }

        private void MeetDeadlines(long now)
        {
            CheckTurns(now);
            if (now >= startDue)
            {
                EndStart();
            }
            conn?.Watch(now);
            next?.Watch(now);
            if (old != null && now >= old.DrainDue)
            {
                old.End(WasLeft, now);
            }
            if (attempt != null && now >= attempt.AttemptedAt + Ms(options.Handshake))
            {
                attempt.End("the relay accepts, but says no Welcome", now);
            }
            if (IsWithoutNext && now >= conn.StoppedAt + Ms(options.Successor))
            {
                LeaveAlone(now);
            }
            if (move != null && now >= move.Due)
            {
                EndMove(now, true);
            }
            if (now >= holdPublishesUntil)
            {
                holdPublishesUntil = Time.Never;
                AdmitWaiters();
            }
            Gap due = Gap.Fire(now);
            if (due != null && IsAnythingWanted)
            {
                TellGap(due);
            }
        }

        /// <summary>Whether the relay is stopping, and no next one has sent Welcome.</summary>
        private bool IsWithoutNext => conn != null && conn.IsStopping && next == null && !conn.HasEnded && !isClosing;

        /// <summary>Decides when to try to connect. True: now.</summary>
        private bool PlanAttempt(long now)
        {
            if (lastGood != null && lastGood.HasEnded)
            {
                if (lastGood.EndedAt - lastGood.BeganAt >= Ms(options.GoodConnection))
                {
                    backoff.Good();
                }
                lastGood = null;
            }
            bool isNeeded = !isClosing && next == null && attempt == null && (conn == null || conn.IsStopping);
            if (!isNeeded)
            {
                attemptDue = Time.Never;
                return false;
            }
            if (conn != null && !conn.IsSuccessorSought)
            {
                conn.IsSuccessorSought = true;
                backoff.Reset();
                lastGood = null;
                attemptDue = now;
            }
            else if (attemptDue == Time.Never)
            {
                attemptDue = backoff.Attempts == 0 ? now : now + backoff.Delay();
            }
            if (now < attemptDue)
            {
                return false;
            }
            attemptDue = Time.Never;
            return true;
        }

        /// <summary>Makes one attempt to connect, without the lock.</summary>
        private void Connect()
        {
            UnixSocket socket = null;
            string wrong = null;
            try
            {
                socket = UnixSocket.Connect(path);
            }
            catch (Exception e) // whatever has failed, there will be another attempt
            {
                wrong = e.Message;
            }
            Enter();
            if (socket == null)
            {
                OnFailedAttempt(wrong, false);
            }
            else if (isClosing)
            {
                socket.Close();
            }
            else
            {
                attempt = new Connection(this, socket, options, Time.Now);
                attempt.Hello(name);
                attempt.StartReading();
            }
            KickClock();
            Exit();
        }

        private void OnFailedAttempt(string why, bool isHopeless)
        {
            backoff.Failed(isHopeless);
            if (conn == null) // otherwise the relay that is stopping serves
            {
                problem = why;
                TellNoRelay(isHopeless ? Hopeless : Absent, why);
            }
            EndStart();
        }
    }
}
