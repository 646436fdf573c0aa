using System;
using System.Threading;
using System.Threading.Tasks;

namespace Hubrelay
{
    /// <summary>The end of a client.</summary>
    public sealed partial class HubrelayClient
    {
        /// <summary>
        /// Closes the client in an orderly way. From now on it takes no requests and delivers no messages. It waits until owed
        /// Replies have come and the relay has taken the publishes without Reply, but no longer than
        /// <see cref="HubrelayOptions.Drain"/>. Then the connection and all subscriptions end. Requests without an answer by then
        /// are interrupted. A second call waits for the same end.
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

        /// <summary>
        /// Closes the client at once, without waiting for Replies. Requests that are still owed a Reply are interrupted.
        /// </summary>
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

        /// <summary>Waits until no connection owes a Reply, and none would leave publishes without Reply unsettled.</summary>
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
                    current.ShutAfterOutput(); // then the relay also reads all that was sent before it closes
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

        /// <summary>Ends all queues, once every connection has ended and reported its losses.</summary>
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
