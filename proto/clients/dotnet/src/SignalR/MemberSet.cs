using System.Collections.Generic;
using System.Threading.Tasks;

namespace Hubrelay.SignalR
{
    /// <summary>A connection of this server. All but the connection is guarded by the hub's lock.</summary>
    internal sealed class Member<TMessage>
    {
        public Member(IHubConnection<TMessage> connection)
        {
            Connection = connection;
            Id = connection.ConnectionId;
        }

        public IHubConnection<TMessage> Connection { get; }

        public string Id { get; }

        /// <summary>What it gets messages from: its own channel, its user's, its groups'.</summary>
        public HashSet<string> Channels { get; } = new HashSet<string>();

        /// <summary>It has ended, and joins nothing any more.</summary>
        public bool IsGone { get; set; }
    }

    /// <summary>Connections of this server. It has a lock of its own, and gives a list that does not change.</summary>
    internal sealed class MemberSet<TMessage>
    {
        private readonly Dictionary<string, Member<TMessage>> byId = new Dictionary<string, Member<TMessage>>();
        private Member<TMessage>[] all; // null: it has changed since the last message

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

        /// <summary>Gives null when there is none of this id.</summary>
        public Member<TMessage> Find(string id)
        {
            lock (byId)
            {
                byId.TryGetValue(id, out Member<TMessage> member);
                return member;
            }
        }

        /// <summary>False: there is one of the same id.</summary>
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

        /// <summary>Those of now.</summary>
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

        /// <summary>Whose channel it is. The last one that leaves ends it.</summary>
        public MemberSet<TMessage> Members { get; } = new MemberSet<TMessage>();

        /// <summary>Has the result of the first one's ListenAsync.</summary>
        public TaskCompletionSource<bool> Started { get; } =
            new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>Null until it has started. Guarded by the hub's lock, as is the next one.</summary>
        public Subscription Subscription { get; set; }

        /// <summary>Nobody is in it any more.</summary>
        public bool HasEnded { get; set; }
    }
}
