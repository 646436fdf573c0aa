using System;
using System.Threading;

namespace Hubrelay
{
    /// <summary>The client's own threads.</summary>
    public sealed partial class HubrelayClient
    {
        /// <summary>How long the client delays the end of the process, in milliseconds.</summary>
        private const int ProcessExitMs = 1000;

        private int threads;

        /// <summary>How many threads the client has.</summary>
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
        /// Starts a background thread. Called with the lock held. An exception from the thread would end the process, so it is
        /// logged, and passed to the caller's <paramref name="failed"/>; so is a failure to start the thread.
        /// </summary>
        /// <param name="threadName">A name for debuggers.</param>
        /// <param name="body">The work of the thread.</param>
        /// <param name="failed">Is called with the lock held if the thread fails.</param>
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

        /// <summary>
        /// Handles an error of this library on one of its own threads: it must not end the application, nor keep the lock.
        /// </summary>
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

        /// <summary>The client's threads must not inherit the execution context of the code that makes a client.</summary>
        private static IDisposable SuppressFlow()
        {
            return ExecutionContext.IsFlowSuppressed() ? null : (IDisposable)ExecutionContext.SuppressFlow();
        }

        /// <summary>
        /// Under Mono a process does not end when a background thread waits for a lock whose owner has been suspended. So the
        /// client's threads have to end before that.
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
                int own = Turn.Current?.Client == this ? 1 : 0; // the application may end the process from within a turn
                for (long left = ProcessExitMs; threads > own && left > 0; left = due - Time.Now)
                {
                    Monitor.Wait(gate, (int)left);
                }
            }
        }
    }
}
