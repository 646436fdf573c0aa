using System;
using System.Collections.Generic;
using System.Threading.Tasks;
using Hubrelay.Wire;

namespace Hubrelay
{
    internal enum RequestKind
    {
        Subscribe,
        Unsubscribe,

        /// <summary>A Ping, or any other request without names.</summary>
        Other,
    }

    /// <summary>A Subscribe, Unsubscribe or Ping that has no Reply yet.</summary>
    internal sealed class Request
    {
        public RequestKind Kind;
        public ulong Id;
        public List<Entry> Entries = new List<Entry>();

        /// <summary>True if it comes from SubscribeAsync or UnsubscribeAsync.</summary>
        public bool IsPlain;

        /// <summary>The call that waits for it; null if the client itself has made it.</summary>
        public Operation Operation;

        /// <summary>Other calls that wait for it, since they want some of its names.</summary>
        public List<Operation> Followers;

        /// <summary>True if the connection has to hold these names before its Status is reported.</summary>
        public bool IsRestore;

        /// <summary>True if a Gap waits for its Reply.</summary>
        public bool IsBarrier;

        /// <summary>The entries to ask for once this request is granted: the relay's limit is near.</summary>
        public List<Entry> Rest;

        /// <summary>Is called with the Reply. May be null.</summary>
        public Action<ReplyFrame> OnReply;

        public Request Like(List<Entry> entries, List<Entry> rest)
        {
            return new Request
            {
                Kind = Kind, Entries = entries, IsPlain = IsPlain, Operation = Operation, IsRestore = IsRestore,
                IsBarrier = IsBarrier, Rest = rest, OnReply = OnReply,
            };
        }

        /// <summary>The entries of the rest that still have to be asked for.</summary>
        public List<Entry> WantedRest()
        {
            return Rest == null ? new List<Entry>() : Rest.FindAll(e => e.IsWanted);
        }
    }

    /// <summary>One call of the application, and the requests that it waits for. The result says whether it is pending.</summary>
    internal sealed class Operation : TaskCompletionSource<bool>, ICompletion
    {
        public readonly RequestKind Kind;
        public readonly Names Names;

        /// <summary>The subscription of ListenAsync; null for a plain request.</summary>
        public readonly Subscription Subscription;

        /// <summary>The entries of its names, once it has begun.</summary>
        public List<Entry> Entries = new List<Entry>();

        /// <summary>True if it no longer waits for the first attempt to connect.</summary>
        public bool HasBegun;

        /// <summary>The entries that SubscribeAsync has turned on.</summary>
        public readonly List<Entry> Granted = new List<Entry>();

        /// <summary>How many of its requests have no Reply.</summary>
        public int Left;
        public bool IsPending;
        public bool IsDone;
        public HubrelayException Error;

        public Operation(RequestKind kind, Names names, Subscription subscription)
        {
            Kind = kind;
            Names = names;
            Subscription = subscription;
        }

        public void Complete()
        {
            if (Error != null)
            {
                TrySetException(Error);
            }
            else
            {
                TrySetResult(IsPending);
            }
        }
    }

    /// <summary>A publish that waits for room, or for its Reply. The result is the number of receivers.</summary>
    internal sealed class Publication : TaskCompletionSource<long>, ICompletion
    {
        public ulong Id;

        /// <summary>Where its frame ends in the connection's stream of bytes.</summary>
        public long End;

        /// <summary>True if the result is known. The caller has it or will get it soon.</summary>
        public bool IsAnswered;

        /// <summary>These are the message, and its place among the waiters, while it waits for room.</summary>
        public string Channel;
        public ReadOnlyMemory<byte> Payload;
        public LinkedListNode<Publication> Waiting;

        private long receivers;
        private Exception error;

        public void Answer(long count, Exception failure)
        {
            IsAnswered = true;
            receivers = count;
            error = failure;
        }

        public void Complete()
        {
            if (error != null)
            {
                TrySetException(error);
            }
            else
            {
                TrySetResult(receivers);
            }
        }
    }
}
