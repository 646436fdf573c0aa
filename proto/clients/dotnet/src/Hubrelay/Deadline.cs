using System;
using System.Threading;
using System.Threading.Tasks;

namespace Hubrelay
{
    /// <summary>Ends a wait for a change if a time passes first, or a token is cancelled.</summary>
    internal sealed class Deadline : IDisposable
    {
        private readonly CancellationToken token;
        private readonly CancellationTokenSource stop;
        private readonly CancellationTokenRegistration registration;

        // The thread that cancels the token must not run the code after the wait.
        private readonly TaskCompletionSource<bool> over =
            new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);

        public Deadline(TimeSpan timeout, CancellationToken token)
        {
            this.token = token;
            stop = CancellationTokenSource.CreateLinkedTokenSource(token);
            registration = stop.Token.Register(() => over.TrySetResult(true));
            stop.CancelAfter(timeout);
        }

        /// <summary>Waits for a change. False: the time has passed.</summary>
        /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
        public async Task<bool> WaitAsync(Task change)
        {
            if (await Task.WhenAny(change, over.Task).ConfigureAwait(false) == change)
            {
                return true;
            }
            token.ThrowIfCancellationRequested();
            return false;
        }

        public void Dispose()
        {
            registration.Dispose();
            stop.Dispose();
        }
    }
}
