using System;
using System.Collections.Generic;
using System.Threading;

namespace Hubrelay
{
    /// <summary>
    /// A turn: the application's code that continues because of one read, such as callers that have their Reply and readers that
    /// have messages. It runs on the reading thread, which avoids a switch of threads, and everything that it publishes is one
    /// write at the end. If it keeps the thread too long the clock calls Spill, and another thread reads.
    /// </summary>
    internal sealed class Turn
    {
        /// <summary>If a turn publishes this many bytes, they are written before its end.</summary>
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

        /// <summary>The connection that the reading thread belongs to.</summary>
        public Connection Connection { get; }

        /// <summary>True if the clock has seen it under way.</summary>
        public bool IsSeen { get; set; }

        /// <summary>The connection whose output is written at the end. Guarded by the client's lock.</summary>
        public Connection Corked { get; set; }

        /// <summary>Whether writes may be left to its end.</summary>
        public bool MayCork => !isSpilled;

        /// <summary>Begins a turn. Called with the lock held.</summary>
        public void Begin(List<ICompletion> list)
        {
            completions = list;
            next = 0;
            isSpilled = false;
            IsSeen = false;
            current = this;
        }

        /// <summary>Runs all completions that Spill does not take away. Called without the lock.</summary>
        public void Run()
        {
            List<ICompletion> list = completions;
            for (int i = Interlocked.Increment(ref next) - 1; i < list.Count; i = Interlocked.Increment(ref next) - 1)
            {
                list[i].Complete();
            }
        }

        /// <summary>
        /// Ends the turn. Called with the lock held. Returns the list, or null if another thread still reads it.
        /// </summary>
        public List<ICompletion> End()
        {
            current = null;
            return isSpilled ? null : completions;
        }

        /// <summary>Makes the thread pool run the remaining completions. Called with the lock held.</summary>
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

        /// <summary>The action does not get the caller's execution context.</summary>
        public static void Run(Action action)
        {
            ThreadPool.UnsafeQueueUserWorkItem(RunOne, action);
        }
    }
}
