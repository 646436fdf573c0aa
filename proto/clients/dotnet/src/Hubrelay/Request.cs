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

        /// <summary>A Ping, or anything else that names nothing.</summary>
        Other,
    }

    /// <summary>A Subscribe, Unsubscribe or Ping without its Reply.</summary>
    internal sealed class Request
    {
        public RequestKind Kind;
        public ulong Id;
        public List<Entry> Entries = new List<Entry>();

        /// <summary>Of SubscribeAsync or UnsubscribeAsync.</summary>
        public bool IsPlain;

        /// <summary>The call that waits for it; null: it is the client's own.</summary>
        public Operation Operation;

        /// <summary>Calls that wait for it as well, since they want names of it.</summary>
        public List<Operation> Followers;

        /// <summary>What this connection has to hold before its Status is told.</summary>
        public bool IsRestore;

        /// <summary>A Gap waits for it.</summary>
        public bool IsBarrier;

        /// <summary>What is asked for when this one is granted: the relay's limit is near.</summary>
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

        /// <summary>What of the rest is still to be asked for.</summary>
        public List<Entry> WantedRest()
        {
            return Rest == null ? new List<Entry>() : Rest.FindAll(e => e.IsWanted);
        }
    }

    /// <summary>One call of the application, and the requests that it waits for. The result: it is pending.</summary>
    internal sealed class Operation : TaskCompletionSource<bool>, ICompletion
    {
        public readonly RequestKind Kind;
        public readonly Names Names;

        /// <summary>Of ListenAsync; null: it is a plain request.</summary>
        public readonly Subscription Subscription;

        /// <summary>Of its names, once it has begun.</summary>
        public List<Entry> Entries = new List<Entry>();

        /// <summary>It does not wait for the first attempt to connect any more.</summary>
        public bool HasBegun;

        /// <summary>Of SubscribeAsync: what it has turned on.</summary>
        public readonly List<Entry> Granted = new List<Entry>();

        /// <summary>Requests without Reply.</summary>
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

    /// <summary>A publish that waits for room, or for its Reply. The result: how many receivers.</summary>
    internal sealed class Publication : TaskCompletionSource<long>, ICompletion
    {
        public ulong Id;

        /// <summary>Where its frame ends in the connection's stream of bytes.</summary>
        public long End;

        /// <summary>The result is known, and told or about to be.</summary>
        public bool IsAnswered;

        /// <summary>What it is, and its place, while it waits for room.</summary>
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
