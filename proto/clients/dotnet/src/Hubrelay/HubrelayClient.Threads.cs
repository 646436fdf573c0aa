using System;
using System.Threading;

namespace Hubrelay
{
    /// <summary>The client's own threads.</summary>
    public sealed partial class HubrelayClient
    {
        /// <summary>How long the end of the process is held up, in milliseconds.</summary>
        private const int ProcessExitMs = 1000;

        private int threads;

        /// <summary>How many threads it has.</summary>
        internal int Threads
        {
            get
            {
                lock (gate)
                {
                    return threads;
                }
            }
        }

        /// <summary>Starts a background thread, with the lock.</summary>
        internal void StartThread(string threadName, Action body)
        {
            threads++;
            var thread = new Thread(() =>
            {
                body();
                lock (gate)
                {
                    threads--;
                    Monitor.PulseAll(gate);
                }
            });
            thread.IsBackground = true;
            thread.Name = threadName;
            thread.Start();
        }

        /// <summary>
        /// Under Mono a process does not end when a background thread waits for a lock whose owner has been suspended: so the
        /// client's threads have to end before.
        /// </summary>
        private void WatchProcessExit()
        {
            if (Libc.IsMono)
            {
                AppDomain.CurrentDomain.ProcessExit += OnProcessExit;
            }
        }

        private void ForgetProcessExit()
        {
            if (Libc.IsMono)
            {
                AppDomain.CurrentDomain.ProcessExit -= OnProcessExit;
            }
        }

        private void OnProcessExit(object sender, EventArgs arguments)
        {
            Dispose();
            long due = Time.Now + ProcessExitMs;
            lock (gate)
            {
                int own = Turn.Current?.Client == this ? 1 : 0; // the application ends the process in a turn
                for (long left = ProcessExitMs; threads > own && left > 0; left = due - Time.Now)
                {
                    Monitor.Wait(gate, (int)left);
                }
            }
        }
    }
}
