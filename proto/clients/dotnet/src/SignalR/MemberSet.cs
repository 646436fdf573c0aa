using System.Collections.Generic;
using System.Threading.Tasks;

namespace Hubrelay.SignalR
{
    /// <summary>A connection of this server. The hub's lock guards everything except the connection.</summary>
    internal sealed class Member<TMessage>
    {
        public Member(IHubConnection<TMessage> connection)
        {
            Connection = connection;
            Id = connection.ConnectionId;
        }

        public IHubConnection<TMessage> Connection { get; }

        public string Id { get; }

        /// <summary>The channels from which it gets messages: its own, its user's, its groups'.</summary>
        public HashSet<string> Channels { get; } = new HashSet<string>();

        /// <summary>True if it has ended, and joins no more channels.</summary>
        public bool IsGone { get; set; }
    }

    /// <summary>Connections of this server. The set has its own lock, and returns an array that does not change.</summary>
    internal sealed class MemberSet<TMessage>
    {
        private readonly Dictionary<string, Member<TMessage>> byId = new Dictionary<string, Member<TMessage>>();
        private Member<TMessage>[] all; // null if the set has changed since the last message

        public int Count
        {
            get
            {
                lock (byId)
                {
                    return byId.Count;
                }
            }
        }

        /// <summary>Returns null if there is none with this id.</summary>
        public Member<TMessage> Find(string id)
        {
            lock (byId)
            {
                byId.TryGetValue(id, out Member<TMessage> member);
                return member;
            }
        }

        /// <summary>Adds a connection. False: there is one with the same id.</summary>
        public bool Add(Member<TMessage> member)
        {
            lock (byId)
            {
                if (byId.ContainsKey(member.Id))
                {
                    return false;
                }
                byId.Add(member.Id, member);
                all = null;
                return true;
            }
        }

        public void Remove(Member<TMessage> member)
        {
            lock (byId)
            {
                if (byId.Remove(member.Id))
                {
                    all = null;
                }
            }
        }

        /// <summary>The present connections.</summary>
        public Member<TMessage>[] ToArray()
        {
            lock (byId)
            {
                if (all == null)
                {
                    all = new Member<TMessage>[byId.Count];
                    byId.Values.CopyTo(all, 0);
                }
                return all;
            }
        }
    }

    /// <summary>A channel that this server listens to because of its connections.</summary>
    internal sealed class MemberChannel<TMessage>
    {
        public MemberChannel(string name)
        {
            Name = name;
        }

        public string Name { get; }

        /// <summary>The connections on this channel. When the last one leaves, the channel ends.</summary>
        public MemberSet<TMessage> Members { get; } = new MemberSet<TMessage>();

        /// <summary>Has the result of the ListenAsync that the first connection began.</summary>
        public TaskCompletionSource<bool> Started { get; } =
            new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>Null until it has started. Guarded by the hub's lock, as is the next one.</summary>
        public Subscription Subscription { get; set; }

        /// <summary>True if no connection is on it any more.</summary>
        public bool HasEnded { get; set; }
    }
}
