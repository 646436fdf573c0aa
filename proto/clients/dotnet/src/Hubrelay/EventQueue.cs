using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;

namespace Hubrelay
{
    /// <summary>A result or event for code of the application. Complete is called without the client's lock.</summary>
    internal interface ICompletion
    {
        void Complete();
    }

    /// <summary>How many bytes all queues of one client hold.</summary>
    internal sealed class QueueTotal
    {
        private long bytes;

        public QueueTotal(long limit)
        {
            Limit = limit;
        }

        public long Limit { get; }

        public long Bytes => Interlocked.Read(ref bytes);

        public void Add(int more)
        {
            Interlocked.Add(ref bytes, more);
        }
    }

    /// <summary>
    /// A bounded list of events, with waiting readers. Messages for which there is no room are dropped, counted, and reported as
    /// a Loss in their place. Of Status and Gap the newest are kept.
    /// </summary>
    internal sealed class EventQueue
    {
        /// <summary>The size of an event in a queue if another queue holds it as well.</summary>
        private const int ReferenceBytes = 16;

        private readonly object gate = new object();
        private readonly Queue<RelayEvent> events = new Queue<RelayEvent>();
        private readonly int limit;
        private readonly QueueTotal total;
        private readonly bool tellsGap;
        private readonly Overflow overflow = new Overflow();
        private List<Waiter> waiters;
        private int bytes;
        private bool full;
        private bool closed;

        /// <param name="limit">How many bytes it holds; an empty queue accepts any one event.</param>
        /// <param name="total">The bytes of all queues.</param>
        /// <param name="tellsGap">True: a Gap follows a Loss that this queue makes. False: the Loss stands for the Gap.</param>
        public EventQueue(int limit, QueueTotal total, bool tellsGap)
        {
            this.limit = limit;
            this.total = total;
            this.tellsGap = tellsGap;
        }

        /// <summary>Is called, without the lock, when a queue that was full is half empty. May be null.</summary>
        public Action OnRoom { get; set; }

        /// <summary>Adds an event. False: it was a message, and there was no room.</summary>
        /// <param name="more">The event.</param>
        /// <param name="completions">Gets the readers that have to be woken.</param>
        public bool Push(RelayEvent more, List<ICompletion> completions)
        {
            lock (gate)
            {
                bool kept = Add(more);
                Wake(completions);
                return kept;
            }
        }

        /// <summary>Takes the first event, if there is one.</summary>
        public bool TryTake(out RelayEvent first)
        {
            bool hasRoom = false;
            lock (gate)
            {
                if (events.Count == 0 && overflow.HasAny)
                {
                    FlushOverflow();
                }
                if (events.Count == 0)
                {
                    first = null;
                    return false;
                }
                first = events.Dequeue();
                bytes -= first.QueuedBytes;
                TakeFromTotal(first);
                if (full && bytes <= limit / 2)
                {
                    full = false;
                    hasRoom = true;
                }
            }
            if (hasRoom)
            {
                OnRoom?.Invoke();
            }
            return true;
        }

        /// <summary>Waits for an event. The result is false at the end.</summary>
        public ValueTask<bool> WaitAsync(CancellationToken cancellationToken)
        {
            if (cancellationToken.IsCancellationRequested)
            {
                return new ValueTask<bool>(Task.FromCanceled<bool>(cancellationToken));
            }
            Waiter waiter;
            lock (gate)
            {
                if (events.Count > 0 || overflow.HasAny)
                {
                    return new ValueTask<bool>(true);
                }
                if (closed)
                {
                    return new ValueTask<bool>(false);
                }
                waiter = new Waiter();
                (waiters ?? (waiters = new List<Waiter>(1))).Add(waiter);
            }
            if (cancellationToken.CanBeCanceled)
            {
                waiter.Attach(cancellationToken.Register(() => Cancel(waiter, cancellationToken)));
            }
            return new ValueTask<bool>(waiter.Task);
        }

        /// <summary>
        /// Returns whether there is no room for an event of this size. If so, OnRoom is called once there is room.
        /// </summary>
        public bool IsFull(int size)
        {
            lock (gate)
            {
                bool isFull = overflow.HasAny || !HasRoom(size, size + ReferenceBytes);
                full |= isFull;
                return isFull;
            }
        }

        /// <summary>Ends the queue after the events that it holds.</summary>
        public void Close(List<ICompletion> completions)
        {
            lock (gate)
            {
                closed = true;
                Wake(completions);
            }
        }

        /// <summary>Ends the queue, and discards the events that it holds.</summary>
        public void Discard(List<ICompletion> completions)
        {
            lock (gate)
            {
                while (events.Count > 0)
                {
                    TakeFromTotal(events.Dequeue());
                }
                overflow.Clear();
                bytes = 0;
                closed = true;
                Wake(completions);
            }
        }

        private bool Add(RelayEvent more)
        {
            if (closed)
            {
                return true;
            }
            int size = more.QueuedBytes;
            int addsToTotal = ReferenceBytes + (more is Message m && Volatile.Read(ref m.Queues) > 0 ? 0 : size);
            if (overflow.HasAny && HasRoom(size, addsToTotal))
            {
                FlushOverflow();
            }
            if (overflow.HasAny || !HasRoom(size, addsToTotal))
            {
                full = true;
                return overflow.Add(more);
            }
            Append(more);
            return true;
        }

        private bool HasRoom(int size, int addsToTotal)
        {
            return events.Count == 0 || (bytes + size <= limit && total.Bytes + addsToTotal <= total.Limit);
        }

        private void Append(RelayEvent more)
        {
            events.Enqueue(more);
            int size = more.QueuedBytes;
            bytes += size;
            bool isHeldElsewhere = more is Message m && Interlocked.Increment(ref m.Queues) > 1;
            total.Add(ReferenceBytes + (isHeldElsewhere ? 0 : size));
        }

        private void TakeFromTotal(RelayEvent gone)
        {
            bool isHeldElsewhere = gone is Message m && Interlocked.Decrement(ref m.Queues) > 0;
            total.Add(-ReferenceBytes - (isHeldElsewhere ? 0 : gone.QueuedBytes));
        }

        private void FlushOverflow()
        {
            foreach (RelayEvent kept in overflow.Take(tellsGap))
            {
                Append(kept);
            }
        }

        /// <summary>Wakes all waiting readers, which check again: mostly there is one.</summary>
        private void Wake(List<ICompletion> completions)
        {
            if (waiters != null && (closed || events.Count > 0 || overflow.HasAny))
            {
                foreach (Waiter waiter in waiters)
                {
                    waiter.Result = events.Count > 0 || overflow.HasAny;
                    completions.Add(waiter);
                }
                waiters = null;
            }
        }

        private void Cancel(Waiter waiter, CancellationToken cancellationToken)
        {
            lock (gate)
            {
                if (waiters == null || !waiters.Remove(waiter))
                {
                    return;
                }
            }
            Pool.Run(() => waiter.TrySetCanceled(cancellationToken)); // it must not run within the call that cancels
        }

        /// <summary>A waiting reader.</summary>
        private sealed class Waiter : TaskCompletionSource<bool>, ICompletion
        {
            private readonly object gate = new object();
            private CancellationTokenRegistration registration;
            private bool isComplete;

            public bool Result { get; set; }

            public void Attach(CancellationTokenRegistration made)
            {
                lock (gate)
                {
                    if (!isComplete)
                    {
                        registration = made;
                        return;
                    }
                }
                made.Dispose();
            }

            public void Complete()
            {
                lock (gate)
                {
                    isComplete = true;
                }
                registration.Dispose();
                TrySetResult(Result);
            }
        }
    }
}
