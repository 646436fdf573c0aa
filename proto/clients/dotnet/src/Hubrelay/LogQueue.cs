using System;
using System.Collections.Generic;

namespace Hubrelay
{
    /// <summary>
    /// Gives the application's logger its lines in order, by the thread pool: lines are made under the client's lock, which
    /// no logger may be called with. A logger that blocks loses lines, and holds up nobody.
    /// </summary>
    internal sealed class LogQueue
    {
        private const int MaxLines = 64;

        private readonly Action<string> logger;
        private readonly Queue<string> lines = new Queue<string>();
        private bool isWriting;

        /// <param name="logger">Null: nobody wants the lines.</param>
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
                    // A logger that fails has nowhere to tell it.
                }
            }
        }
    }
}
