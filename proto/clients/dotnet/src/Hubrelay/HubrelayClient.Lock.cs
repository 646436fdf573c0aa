using System.Collections.Generic;
using System.Threading;

namespace Hubrelay
{
    /// <summary>
    /// The client's only lock. It is not held during a system call that may wait, nor while code of the application runs. What
    /// has to be written, and the results for callers, are collected under the lock and handled after it is released.
    /// </summary>
    public sealed partial class HubrelayClient
    {
        /// <summary>How long the thread pool takes over when the application's code has kept the reading thread.</summary>
        private const long PoolMs = 1000;

        private readonly List<Connection> dirty = new List<Connection>(2); // these have something to write
        private List<ICompletion> completions = new List<ICompletion>();
        private List<ICompletion> spareCompletions = new List<ICompletion>();
        private readonly List<Turn> turns = new List<Turn>(); // the turns under way
        private bool hadTurns; // since the clock's last check
        private long poolUntil;

        /// <summary>How many deliveries were made since the lock was taken.</summary>
        internal int Deliveries { get; set; }

        internal void Enter()
        {
            Monitor.Enter(gate);
        }

        /// <summary>Releases the lock, writes what was added, and completes waiting calls on the thread pool.</summary>
        internal void Exit()
        {
            Deliveries = 0;
            if (dirty.Count == 0 && completions.Count == 0)
            {
                Monitor.Exit(gate);
                return;
            }
            Connection first = null;
            Connection[] others = null;
            if (dirty.Count > 0)
            {
                Cork();
                first = dirty.Count > 0 ? dirty[0] : null;
                others = dirty.Count > 1 ? dirty.GetRange(1, dirty.Count - 1).ToArray() : null;
                dirty.Clear();
            }
            ICompletion[] told = null;
            if (completions.Count > 0)
            {
                told = completions.ToArray();
                completions.Clear();
            }
            Monitor.Exit(gate);
            first?.Write();
            foreach (Connection k in others ?? System.Array.Empty<Connection>())
            {
                k.Write();
            }
            foreach (ICompletion completion in told ?? System.Array.Empty<ICompletion>())
            {
                Pool.Run(completion);
            }
        }

        /// <summary>Makes the connection write its output when the lock is released.</summary>
        internal void WriteSoon(Connection k)
        {
            dirty.Add(k);
        }

        /// <summary>Waits for WakeAll, and releases the lock meanwhile. False: the time has passed.</summary>
        internal bool Wait(int milliseconds)
        {
            return Monitor.Wait(gate, milliseconds);
        }

        internal void WakeAll()
        {
            Monitor.PulseAll(gate);
        }

        /// <summary>Gives the lock to a thread that waits for it, and takes it again.</summary>
        internal void LetOthers()
        {
            Exit();
            Thread.Yield();
            Enter();
        }

        /// <summary>
        /// Begins a turn on the reading thread, for the waiting completions. False: there are none, or the thread pool has to run
        /// them.
        /// </summary>
        internal bool TryBeginTurn(Turn turn)
        {
            if (completions.Count == 0 || options.RunContinuationsAsynchronously || poolUntil != 0)
            {
                return false;
            }
            List<ICompletion> mine = completions;
            completions = spareCompletions ?? new List<ICompletion>();
            spareCompletions = null;
            turn.Begin(mine);
            turns.Add(turn);
            WatchTurns();
            return true;
        }

        /// <summary>Ends a turn. What it has published is written when the lock is released.</summary>
        internal void EndTurn(Turn turn)
        {
            turns.Remove(turn);
            List<ICompletion> mine = turn.End();
            if (mine != null)
            {
                mine.Clear();
                spareCompletions = mine;
            }
            WriteOf(turn);
        }

        /// <summary>
        /// Writes the output that was left to the end of a turn. If that connection has ended, this settles its end.
        /// </summary>
        private void WriteOf(Turn turn)
        {
            Connection corked = turn.Corked;
            if (corked != null)
            {
                corked.Uncork();
                WriteSoon(corked);
            }
        }

        /// <summary>The application keeps the thread of a turn, or the thread has failed: other threads do the rest.</summary>
        internal void TakeOver(Turn turn)
        {
            if (turns.Remove(turn))
            {
                WriteOf(turn);
                turn.Spill();
            }
        }

        /// <summary>
        /// The clock calls this every few milliseconds. If the application's code has kept a reading thread since the last call,
        /// the thread is left to it, another one reads, and the thread pool takes over for a while.
        /// </summary>
        private void CheckTurns(long now)
        {
            if (poolUntil != 0 && now >= poolUntil)
            {
                poolUntil = 0;
            }
            if (!watchesTurns || now < turnsDue)
            {
                return;
            }
            foreach (Turn turn in turns.ToArray())
            {
                if (!turn.IsSeen)
                {
                    turn.IsSeen = true;
                    continue;
                }
                TakeOver(turn);
                turn.Connection.ReplaceReader(turn);
                poolUntil = now + PoolMs;
            }
            turnsDue = now + TurnMs;
            watchesTurns = hadTurns || turns.Count > 0;
            hadTurns = false;
        }

        /// <summary>In a turn, leaves the write to the end of the turn.</summary>
        private void Cork()
        {
            Turn turn = Turn.Current;
            if (turn == null || turn.Client != this || !turn.MayCork)
            {
                return;
            }
            for (int i = dirty.Count - 1; i >= 0; i--)
            {
                Connection k = dirty[i];
                if (turn.Corked == null && !k.HasEnded && k.OutputBytes < Turn.GatherBytes)
                {
                    k.Cork(turn);
                    dirty.RemoveAt(i);
                }
            }
        }
    }
}
