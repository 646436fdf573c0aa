using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;

namespace Hubrelay
{
    /// <summary>
    /// A bounded stream of events. It is read like a <c>ChannelReader</c>, or by <c>await foreach</c>. It is safe for use by many
    /// threads; each event goes to one of them.
    /// </summary>
    public abstract class EventReader : IAsyncEnumerable<RelayEvent>
    {
        private readonly Hooked hooks;
        private Message delivered;

        internal EventReader(EventQueue queue, Hooked hooks)
        {
            Queue = queue;
            this.hooks = hooks;
        }

        internal EventQueue Queue { get; }

        /// <summary>Takes the next event, if there is one.</summary>
        /// <param name="next">The event, or null.</param>
        /// <returns>False if there is no event now, or there are no more events.</returns>
        public bool TryRead(out RelayEvent next)
        {
            if (hooks == null)
            {
                return Queue.TryTake(out next);
            }
            FinishDelivery();
            if (!Queue.TryTake(out next))
            {
                return false;
            }
            if (next is Message message)
            {
                hooks.BeforeDelivery(message);
                Volatile.Write(ref delivered, message);
            }
            return true;
        }

        /// <summary>Waits until there is an event to read.</summary>
        /// <returns>False at the end: there are no more events. True may come without an event if several readers wait.</returns>
        /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
        public ValueTask<bool> WaitToReadAsync(CancellationToken cancellationToken = default(CancellationToken))
        {
            FinishDelivery();
            return Queue.WaitAsync(cancellationToken);
        }

        /// <summary>Waits for the next event, and takes it.</summary>
        /// <exception cref="ClosedException">The end is reached: there are no more events.</exception>
        /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
        public async ValueTask<RelayEvent> ReadAsync(CancellationToken cancellationToken = default(CancellationToken))
        {
            RelayEvent next;
            while (!TryRead(out next))
            {
                if (!await WaitToReadAsync(cancellationToken).ConfigureAwait(false))
                {
                    throw new ClosedException("there are no more events");
                }
            }
            return next;
        }

        /// <summary>Reads all events to the end, for <c>await foreach</c>.</summary>
        public IAsyncEnumerator<RelayEvent> GetAsyncEnumerator(CancellationToken cancellationToken = default(CancellationToken))
        {
            return new Enumerator(this, cancellationToken);
        }

        /// <summary>The application has finished with the last message.</summary>
        internal void FinishDelivery()
        {
            Message last = hooks == null ? null : Interlocked.Exchange(ref delivered, null);
            if (last != null)
            {
                hooks.AfterDelivery(last);
            }
        }

        private sealed class Enumerator : IAsyncEnumerator<RelayEvent>
        {
            private readonly EventReader reader;
            private readonly CancellationToken cancellationToken;
            private RelayEvent current;

            public Enumerator(EventReader reader, CancellationToken cancellationToken)
            {
                this.reader = reader;
                this.cancellationToken = cancellationToken;
            }

            public RelayEvent Current => current;

            public async ValueTask<bool> MoveNextAsync()
            {
                while (!reader.TryRead(out current))
                {
                    if (!await reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false))
                    {
                        return false;
                    }
                }
                return true;
            }

            public ValueTask DisposeAsync()
            {
                reader.FinishDelivery();
                return default(ValueTask);
            }
        }
    }

    /// <summary>The events of a whole client: Status, Gap, Loss, Revoked, and the Messages of SubscribeAsync.</summary>
    public sealed class ClientEvents : EventReader
    {
        internal ClientEvents(EventQueue queue, Hooked hooks) : base(queue, hooks)
        {
        }
    }
}
