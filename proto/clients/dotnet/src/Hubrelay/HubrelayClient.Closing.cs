using System;
using System.Threading;
using System.Threading.Tasks;

namespace Hubrelay
{
    /// <summary>The end of a client.</summary>
    public sealed partial class HubrelayClient
    {
        /// <summary>
        /// Ends the client in the orderly way: no request is taken and no message delivered any more. Replies that are owed are
        /// waited for, and that the relay has taken what was sent without Reply, until <see cref="HubrelayOptions.Drain"/> has
        /// passed. Then the connection and all subscriptions end. Requests without an answer by then are interrupted. Closing
        /// again waits for the same end.
        /// </summary>
        /// <param name="cancellationToken">Cuts the wait short: the client ends at once, and the task is canceled.</param>
        /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
        public async Task CloseAsync(CancellationToken cancellationToken = default(CancellationToken))
        {
            BeginClose();
            try
            {
                await WaitUntilSettled(cancellationToken).ConfigureAwait(false);
            }
            finally
            {
                Stop();
            }
            await finished.Task.ConfigureAwait(false);
        }

        /// <summary><see cref="CloseAsync"/>, without a token.</summary>
        public ValueTask DisposeAsync()
        {
            return new ValueTask(CloseAsync());
        }

        /// <summary>Ends the client at once, without waiting for Replies: what is owed one is interrupted.</summary>
        public void Dispose()
        {
            BeginClose();
            Stop();
        }

        private void BeginClose()
        {
            Enter();
            try
            {
                if (!isClosing)
                {
                    isClosing = true;
                    EndStart();
                    FailWaiters(IsClosed);
                    Announce();
                    WakeAll();
                    Serving?.AskSettled();
                }
            }
            finally
            {
                Exit();
            }
        }

        private static ClosedException IsClosed()
        {
            return new ClosedException("the client is closed");
        }

        /// <summary>Waits until no connection owes a Reply, or may leave publishes without Reply behind.</summary>
        private async Task WaitUntilSettled(CancellationToken cancellationToken)
        {
            using (var deadline = new Deadline(options.Drain, cancellationToken))
            {
                while (IsOwed(out Task change) && await deadline.WaitAsync(change).ConfigureAwait(false))
                {
                }
            }
        }

        private bool IsOwed(out Task change)
        {
            Enter();
            try
            {
                change = changed.Task;
                Connection current = Serving;
                bool isOwed = (current != null && current.Owes) || (old != null && old.Owes);
                if (!isOwed && current != null && current.IsUnsettled && current.IsWatched)
                {
                    current.ShutAfterOutput(); // the relay reads all that was sent before it closes, too
                }
                return isOwed || (current != null && current.IsUnsettled) || (old != null && old.IsUnsettled);
            }
            finally
            {
                Exit();
            }
        }

        /// <summary>Ends all connections.</summary>
        private void Stop()
        {
            Enter();
            try
            {
                isStopped = true;
                long now = Time.Now;
                foreach (Connection k in new[] { attempt, next, conn, old })
                {
                    k?.End("the client was closed", now);
                }
                FinishIfClosed();
            }
            finally
            {
                Exit();
            }
        }

        /// <summary>Ends all queues, once every connection has ended and told what it had to.</summary>
        private void FinishIfClosed()
        {
            if (!isStopped || finished.Task.IsCompleted || attempt != null || next != null || conn != null || old != null)
            {
                return;
            }
            foreach (Subscription s in subscriptions)
            {
                s.Queue.Close(completions);
            }
            subscriptions.Clear();
            Events.Queue.Close(completions);
            finished.TrySetResult(true);
            ForgetProcessExit();
            WakeAll();
        }
    }
}
