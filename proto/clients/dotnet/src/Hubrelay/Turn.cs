using System;
using System.Collections.Generic;
using System.Threading;

namespace Hubrelay
{
    /// <summary>
    /// The application's code that goes on because of one read: callers that have their Reply, readers that have messages.
    /// It runs on the reading thread, which costs no change of threads, and what it publishes is one write at the end. When it
    /// keeps the thread too long the clock calls Spill, and another thread reads on.
    /// </summary>
    internal sealed class Turn
    {
        /// <summary>Publishes of one turn that are worth a write before its end.</summary>
        public const int GatherBytes = 32 * 1024;

        [ThreadStatic]
        private static Turn current;

        private readonly HubrelayClient client;
        private List<ICompletion> completions;
        private int next;
        private bool isSpilled;

        public Turn(HubrelayClient client, Connection connection)
        {
            this.client = client;
            Connection = connection;
        }

        /// <summary>The turn that this thread is in, or null.</summary>
        public static Turn Current => current;

        public HubrelayClient Client => client;

        /// <summary>Whose reading thread it is.</summary>
        public Connection Connection { get; }

        /// <summary>The clock has seen it under way.</summary>
        public bool IsSeen { get; set; }

        /// <summary>Whose output is written at the end. Guarded by the client's lock.</summary>
        public Connection Corked { get; set; }

        /// <summary>Writes may be left to its end.</summary>
        public bool MayCork => !isSpilled;

        /// <summary>Begins one, with the lock.</summary>
        public void Begin(List<ICompletion> list)
        {
            completions = list;
            next = 0;
            isSpilled = false;
            IsSeen = false;
            current = this;
        }

        /// <summary>Runs all, without the lock, but for what Spill takes away.</summary>
        public void Run()
        {
            List<ICompletion> list = completions;
            for (int i = Interlocked.Increment(ref next) - 1; i < list.Count; i = Interlocked.Increment(ref next) - 1)
            {
                list[i].Complete();
            }
        }

        /// <summary>Ends it, with the lock. Gives the list, unless others still read it.</summary>
        public List<ICompletion> End()
        {
            current = null;
            return isSpilled ? null : completions;
        }

        /// <summary>Has the thread pool run what is left, with the lock.</summary>
        public void Spill()
        {
            isSpilled = true;
            List<ICompletion> list = completions;
            for (int i = Interlocked.Increment(ref next) - 1; i < list.Count; i = Interlocked.Increment(ref next) - 1)
            {
                Pool.Run(list[i]);
            }
        }
    }

    /// <summary>The thread pool.</summary>
    internal static class Pool
    {
        private static readonly WaitCallback CompleteOne = completion => ((ICompletion)completion).Complete();

        private static readonly WaitCallback RunOne = action => ((Action)action)();

        public static void Run(ICompletion completion)
        {
            ThreadPool.UnsafeQueueUserWorkItem(CompleteOne, completion);
        }

        /// <summary>What runs there knows nothing of the caller's execution context.</summary>
        public static void Run(Action action)
        {
            ThreadPool.UnsafeQueueUserWorkItem(RunOne, action);
        }
    }
}
