using System;
using System.Collections.Generic;

namespace Hubrelay
{
    /// <summary>
    /// Passes lines to the application's logger, in order, on the thread pool. Lines are made under the client's lock, and no
    /// logger may be called with that lock held. A logger that blocks loses lines, but delays nothing else.
    /// </summary>
    internal sealed class LogQueue
    {
        private const int MaxLines = 64;

        private readonly Action<string> logger;
        private readonly Queue<string> lines = new Queue<string>();
        private bool isWriting;

        /// <param name="logger">Null: the lines are dropped.</param>
        public LogQueue(Action<string> logger)
        {
            this.logger = logger;
        }

        public void Write(string line)
        {
            if (logger == null)
            {
                return;
            }
            lock (lines)
            {
                if (lines.Count == MaxLines)
                {
                    return;
                }
                lines.Enqueue(line);
                if (isWriting)
                {
                    return;
                }
                isWriting = true;
            }
            Pool.Run(WriteAll);
        }

        private void WriteAll()
        {
            for (;;)
            {
                string line;
                lock (lines)
                {
                    if (lines.Count == 0)
                    {
                        isWriting = false;
                        return;
                    }
                    line = lines.Dequeue();
                }
                try
                {
                    logger("hubrelay: " + line);
                }
                catch (Exception)
                {
                    // There is no place to report that the logger has failed.
                }
            }
        }
    }
}
