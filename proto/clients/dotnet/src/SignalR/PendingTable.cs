using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;

namespace Hubrelay.SignalR
{
    /// <summary>Something that waits for an answer.</summary>
    internal abstract class Pending
    {
        /// <summary>Its place in the order in which they began.</summary>
        public long Number { get; set; }

        /// <summary>True if the answer comes through Redis: then an outage may have lost it.</summary>
        public bool IsRemote { get; protected set; }

        /// <summary>There will be no answer.</summary>
        public abstract void Fail(Exception error);
    }

    /// <summary>Everything that waits for an answer, by the key of the answer. It is safe for use by many threads.</summary>
    internal sealed class PendingTable<TKey, TPending> where TPending : Pending
    {
        private readonly Dictionary<TKey, TPending> byKey = new Dictionary<TKey, TPending>();
        private long begun;
        private long mark;

        public int Count
        {
            get
            {
                lock (byKey)
                {
                    return byKey.Count;
                }
            }
        }

        /// <summary>Adds one. False: there is one with the same key.</summary>
        public bool Add(TKey key, TPending pending)
        {
            lock (byKey)
            {
                if (byKey.ContainsKey(key))
                {
                    return false;
                }
                pending.Number = ++begun;
                byKey.Add(key, pending);
                return true;
            }
        }

        /// <summary>Returns null if there is none.</summary>
        public TPending Find(TKey key)
        {
            lock (byKey)
            {
                byKey.TryGetValue(key, out TPending pending);
                return pending;
            }
        }

        /// <summary>Finds and removes it, so that only one caller gets it.</summary>
        public TPending Take(TKey key)
        {
            lock (byKey)
            {
                if (byKey.TryGetValue(key, out TPending pending))
                {
                    byKey.Remove(key);
                }
                return pending;
            }
        }

        /// <summary>The path has changed. If a Gap follows, the answers to everything that began before may be lost.</summary>
        public void Mark()
        {
            lock (byKey)
            {
                mark = begun;
            }
        }

        /// <summary>Fails all whose answer comes through Redis and that began before the last Mark.</summary>
        public void FailMarked(Func<Exception> why)
        {
            Fail(p => p.IsRemote && p.Number <= mark, why);
        }

        /// <summary>Fails all whose answer comes through Redis.</summary>
        public void FailRemote(Func<Exception> why)
        {
            Fail(p => p.IsRemote, why);
        }

        /// <summary>Fails all.</summary>
        public void FailAll(Func<Exception> why)
        {
            Fail(p => true, why);
        }

        private void Fail(Predicate<TPending> whether, Func<Exception> why)
        {
            var failed = new List<KeyValuePair<TKey, TPending>>();
            lock (byKey)
            {
                foreach (KeyValuePair<TKey, TPending> one in byKey)
                {
                    if (whether(one.Value))
                    {
                        failed.Add(one);
                    }
                }
                failed.ForEach(one => byKey.Remove(one.Key));
            }
            failed.ForEach(one => one.Value.Fail(why()));
        }
    }

    /// <summary>A group command that was sent to the other servers.</summary>
    internal sealed class PendingAck : Pending
    {
        private readonly TaskCompletionSource<bool> source =
            new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);

        public PendingAck()
        {
            IsRemote = true;
        }

        public Task Task => source.Task;

        public void Complete()
        {
            source.TrySetResult(true);
        }

        public override void Fail(Exception error)
        {
            source.TrySetException(error);
            _ = source.Task.Exception; // marks the exception as observed, since the caller may have failed before it waits
        }
    }

    /// <summary>A client's result that is awaited, here or on another server.</summary>
    internal abstract class PendingResult : Pending
    {
        protected PendingResult(string connectionId, Type type)
        {
            ConnectionId = connectionId;
            Type = type;
        }

        /// <summary>The only connection that may answer.</summary>
        public string ConnectionId { get; }

        /// <summary>The result's type.</summary>
        public Type Type { get; }

        /// <summary>The client has answered.</summary>
        public abstract void Complete(Completion completion);
    }

    /// <summary>A result that a caller in this process awaits.</summary>
    internal sealed class AwaitedResult<T> : PendingResult
    {
        private readonly TaskCompletionSource<T> source = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly Func<string, Exception> createException;

        public AwaitedResult(string connectionId, bool isRemote, Func<string, Exception> createException)
            : base(connectionId, typeof(T))
        {
            IsRemote = isRemote;
            this.createException = createException;
        }

        public Task<T> Task => source.Task;

        public override void Complete(Completion completion)
        {
            if (!completion.HasResult)
            {
                Fail(createException(completion.Error));
            }
            else if (completion.Result is T result)
            {
                source.TrySetResult(result);
            }
            else if (completion.Result == null && default(T) == null)
            {
                source.TrySetResult(default(T));
            }
            else
            {
                Fail(createException(NotOfType(typeof(T))));
            }
        }

        public override void Fail(Exception error)
        {
            source.TrySetException(error);
            _ = source.Task.Exception; // marks the exception as observed, since the caller may have failed before it waits
        }

        public static string NotOfType(Type type)
        {
            return $"Client result wasn't deserializable to {type.Name}.";
        }
    }

    /// <summary>A result that another server awaits.</summary>
    internal sealed class ForwardedResult : PendingResult
    {
        private readonly Action<Completion> forward;
        private readonly object gate = new object();
        private CancellationTokenRegistration registration;
        private bool isOver;

        public ForwardedResult(string connectionId, Type type, Action<Completion> forward) : base(connectionId, type)
        {
            this.forward = forward;
        }

        /// <summary>Runs an action if the connection ends before the answer.</summary>
        public void WhenAborted(CancellationToken aborted, Action action)
        {
            CancellationTokenRegistration made = aborted.Register(action);
            lock (gate)
            {
                if (!isOver)
                {
                    registration = made;
                    return;
                }
            }
            made.Dispose();
        }

        public override void Complete(Completion completion)
        {
            Fail(null);
            forward(completion);
        }

        /// <summary>Drops the result: nothing can be forwarded any more.</summary>
        public override void Fail(Exception error)
        {
            lock (gate)
            {
                isOver = true;
            }
            registration.Dispose();
        }
    }
}
