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

        /// <summary>
        /// Starts a background thread, with the lock. What it throws, or that it cannot be started, would end the process: it is
        /// logged, and given to whoever started it.
        /// </summary>
        /// <param name="threadName">For debuggers.</param>
        /// <param name="body">What it does.</param>
        /// <param name="failed">Is called with the lock if that fails.</param>
        internal void StartThread(string threadName, Action body, Action<Exception> failed)
        {
            threads++;
            try
            {
                var thread = new Thread(() =>
                {
                    try
                    {
                        body();
                    }
                    catch (Exception e)
                    {
                        OnBroken(threadName, e, failed);
                    }
                    EndThread();
                });
                thread.IsBackground = true;
                thread.Name = threadName;
                using (SuppressFlow())
                {
                    thread.Start();
                }
            }
            catch (Exception e)
            {
                threads--;
                log.Write($"the thread \"{threadName}\" cannot be started: {e.Message}");
                failed(e);
            }
        }

        private void EndThread()
        {
            lock (gate)
            {
                threads--;
                Monitor.PulseAll(gate);
            }
        }

        /// <summary>A fault of this library, on one of its own threads: it must not end the application, nor keep the lock.</summary>
        private void OnBroken(string threadName, Exception e, Action<Exception> failed)
        {
            while (Monitor.IsEntered(gate))
            {
                Monitor.Exit(gate);
            }
            log.Write($"a fault in the thread \"{threadName}\": {e}");
            Enter();
            try
            {
                failed(e);
            }
            catch (Exception another)
            {
                log.Write($"a fault after that: {another}");
            }
            Exit();
        }

        /// <summary>The client's threads are no part of what the application does in the place where it makes a client.</summary>
        private static IDisposable SuppressFlow()
        {
            return ExecutionContext.IsFlowSuppressed() ? null : (IDisposable)ExecutionContext.SuppressFlow();
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
