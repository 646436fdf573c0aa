using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;

namespace Hubrelay.SignalR
{
    /// <summary>
    /// The backplane of one hub on one server. It does what ASP.NET Core's HubLifetimeManager does, with the same methods, but
    /// without its types. It also works together with servers of the same hub that use StackExchange.Redis, if they use the same
    /// Redis, and the relay's prefix as their channelPrefix. It is safe for use by many threads.
    /// </summary>
    /// <remarks>
    /// Sends throw what HubrelayClient.PublishAsync throws: while Redis is away, a NotConnectedException at once, and nothing is
    /// stored for later. The end of a send's task means that Redis has taken the message, not that a client has received it.
    /// </remarks>
    /// <typeparam name="TMessage">The type of the messages that the framework writes to connections.</typeparam>
    public sealed partial class HubBackplane<TMessage> : IDisposable, IBackplaneHub
    {
        private readonly object gate = new object();
        private readonly Backplane backplane;
        private readonly HubrelayClient client;
        private readonly IHubFramework<TMessage> framework;
        private readonly HubBackplaneOptions options;
        private readonly HubChannels channels;
        private readonly MemberSet<TMessage> members = new MemberSet<TMessage>();
        private readonly PendingTable<int, PendingAck> acks = new PendingTable<int, PendingAck>();
        private readonly PendingTable<string, PendingResult> results = new PendingTable<string, PendingResult>();

        // Guarded by gate, which is never held during a call to the client or to the framework.
        private readonly Dictionary<string, MemberChannel<TMessage>> joined = new Dictionary<string, MemberChannel<TMessage>>();
        private List<Subscription> own; // the channels that every server listens to; null until it has started
        private TaskCompletionSource<bool> starting;
        private bool isDisposed;

        private int lastAck;

        internal HubBackplane(Backplane backplane, string hub, IHubFramework<TMessage> framework, HubBackplaneOptions options)
        {
            this.backplane = backplane;
            client = backplane.Client;
            this.framework = framework;
            this.options = options;
            channels = new HubChannels(hub, options.ServerName);
            options.Hooks?.BelongTo(SendLocalAsync);
        }

        /// <summary>The name of this server among all servers.</summary>
        public string ServerName => options.ServerName;

        /// <summary>How many connections this server has.</summary>
        public int ConnectionCount => members.Count;

        /// <summary>
        /// A connection has begun. Once the task has ended, messages from other servers reach it. Without Redis the task does not
        /// wait: then messages come from the next Gap on.
        /// </summary>
        /// <exception cref="HubrelayException">
        /// As for HubrelayClient.ListenAsync. Then the connection is not registered.
        /// </exception>
        /// <exception cref="InvalidOperationException">There is a connection with this id already.</exception>
        /// <exception cref="ObjectDisposedException">The backplane is disposed.</exception>
        public async Task OnConnectedAsync(IHubConnection<TMessage> connection)
        {
            var member = new Member<TMessage>(connection ?? throw new ArgumentNullException(nameof(connection)));
            string ownChannel = channels.Connection(member.Id);
            string user = connection.UserIdentifier;
            string userChannel = string.IsNullOrEmpty(user) ? null : channels.User(user);
            await EnsureStartedAsync().ConfigureAwait(false);
            if (!members.Add(member))
            {
                throw new InvalidOperationException($"there is a connection {member.Id} on this server");
            }
            try
            {
                Task joins = JoinAsync(member, ownChannel);
                await Task.WhenAll(joins, userChannel == null ? joins : JoinAsync(member, userChannel)).ConfigureAwait(false);
            }
            catch (Exception)
            {
                Remove(member);
                throw;
            }
        }

        /// <summary>
        /// A connection has ended. It leaves its groups. Channels that no other connection of this server needs are unsubscribed.
        /// An unknown id does no harm.
        /// </summary>
        public Task OnDisconnectedAsync(string connectionId)
        {
            Member<TMessage> member = members.Find(connectionId ?? throw new ArgumentNullException(nameof(connectionId)));
            if (member != null)
            {
                Remove(member);
            }
            return Task.CompletedTask;
        }

        /// <summary>
        /// Adds a connection to a group, whichever server it is on. Once the task has ended, the connection gets what is sent to
        /// the group. If it is on this server and Redis is away, it will get that from the next Gap on.
        /// </summary>
        /// <exception cref="NotConnectedException">The connection is on another server, and Redis is away.</exception>
        /// <exception cref="InterruptedException">
        /// An outage came before the answer: it is unknown whether the connection was added.
        /// </exception>
        /// <exception cref="OperationCanceledException">
        /// No server has confirmed within <see cref="HubBackplaneOptions.AckTimeout"/> that it has the connection, or the token
        /// was cancelled.
        /// </exception>
        /// <exception cref="HubrelayException">As for HubrelayClient.ListenAsync and PublishAsync.</exception>
        public Task AddToGroupAsync(string connectionId, string groupName, CancellationToken cancellationToken = default(CancellationToken))
        {
            string channel = channels.Group(groupName);
            Member<TMessage> member = members.Find(connectionId ?? throw new ArgumentNullException(nameof(connectionId)));
            return member != null ? JoinAsync(member, channel)
                : CommandAsync(GroupAction.Add, connectionId, groupName, cancellationToken);
        }

        /// <summary>Removes a connection from a group, whichever server it is on.</summary>
        /// <exception cref="NotConnectedException">As for AddToGroupAsync, as are the others.</exception>
        public Task RemoveFromGroupAsync(string connectionId, string groupName,
            CancellationToken cancellationToken = default(CancellationToken))
        {
            string channel = channels.Group(groupName);
            Member<TMessage> member = members.Find(connectionId ?? throw new ArgumentNullException(nameof(connectionId)));
            if (member == null)
            {
                return CommandAsync(GroupAction.Remove, connectionId, groupName, cancellationToken);
            }
            Leave(member, channel);
            return Task.CompletedTask;
        }

        /// <summary>
        /// Ends the backplane: it stops listening, and what waits for an answer fails. The client stays open. Disposing twice
        /// does nothing.
        /// </summary>
        public void Dispose()
        {
            var ended = new List<Subscription>();
            lock (gate)
            {
                isDisposed = true;
                foreach (MemberChannel<TMessage> channel in joined.Values)
                {
                    channel.HasEnded = true;
                    ended.Add(channel.Subscription);
                }
                joined.Clear();
                ended.AddRange(own ?? new List<Subscription>());
                own = null;
            }
            ended.ForEach(subscription => subscription?.Dispose());
            backplane.Remove(this);
            acks.FailAll(IsDisposed);
            results.FailAll(IsDisposed);
        }

        private async Task CommandAsync(GroupAction action, string connectionId, string groupName, CancellationToken token)
        {
            await EnsureStartedAsync().ConfigureAwait(false);
            int id = Interlocked.Increment(ref lastAck);
            var ack = new PendingAck();
            acks.Add(id, ack);
            try
            {
                byte[] command = BackplaneProtocol.WriteGroupCommand(
                    new GroupCommand(id, options.ServerName, action, groupName, connectionId));
                await PublishAsync(channels.GroupManagement, command, token).ConfigureAwait(false);
                using (var timeout = new CancellationTokenSource(options.AckTimeout))
                using (timeout.Token.Register(() => ack.Fail(new OperationCanceledException(FormattableString.Invariant(
                    $"no server has said within {options.AckTimeout.TotalSeconds} s that it has the connection {connectionId}")))))
                using (token.Register(() => ack.Fail(new OperationCanceledException(token))))
                {
                    await ack.Task.ConfigureAwait(false);
                }
            }
            finally
            {
                acks.Take(id);
            }
        }

        private void Remove(Member<TMessage> member)
        {
            members.Remove(member);
            string[] its;
            lock (gate)
            {
                member.IsGone = true;
                its = new string[member.Channels.Count];
                member.Channels.CopyTo(its);
            }
            foreach (string channel in its)
            {
                Leave(member, channel);
            }
        }

        private Exception IsDisposed()
        {
            return new ObjectDisposedException(nameof(HubBackplane<TMessage>), "the hub's backplane is disposed");
        }
    }
}
