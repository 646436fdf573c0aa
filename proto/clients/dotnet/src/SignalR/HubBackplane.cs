using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;

namespace Hubrelay.SignalR
{
    /// <summary>
    /// The backplane of one hub on one server: what ASP.NET Core's HubLifetimeManager does, with the same methods, but without its
    /// types. Servers of the same hub that use StackExchange.Redis, on the same Redis and with the relay's prefix as their
    /// channelPrefix, are on it, too. It is safe for use by many threads.
    /// </summary>
    /// <remarks>
    /// Sends throw what HubrelayClient.PublishAsync throws: while Redis is away a NotConnectedException at once, and
    /// nothing is kept for later. What the task of a send tells is that Redis took it, not that a client got it.
    /// </remarks>
    /// <typeparam name="TMessage">What the framework writes to connections.</typeparam>
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

        // Guarded by gate, which is never held over a call to the client or to the framework.
        private readonly Dictionary<string, MemberChannel<TMessage>> joined = new Dictionary<string, MemberChannel<TMessage>>();
        private List<Subscription> own; // the channels of every server; null: not begun
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
        /// A connection has begun. When the task has ended, what other servers send reaches it. Without Redis it does not wait:
        /// messages come from the next Gap on.
        /// </summary>
        /// <exception cref="HubrelayException">As of HubrelayClient.ListenAsync. The connection is not known then.</exception>
        /// <exception cref="InvalidOperationException">There is a connection of this id.</exception>
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
        /// A connection has ended. It leaves its groups, and what nobody else on this server listens to is unsubscribed. One that is
        /// not known does no harm.
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
        /// Adds a connection to a group, on whatever server it is: when the task has ended, it gets what is sent to the group, or, if
        /// it is of this server and Redis is away, will get it from the next Gap on.
        /// </summary>
        /// <exception cref="NotConnectedException">The connection is on another server, and Redis is away.</exception>
        /// <exception cref="InterruptedException">An outage came before the answer: whether it is done is unknown.</exception>
        /// <exception cref="OperationCanceledException">
        /// No server has said in <see cref="HubBackplaneOptions.AckTimeout"/> that it has the connection, or the token was cancelled.
        /// </exception>
        /// <exception cref="HubrelayException">As of HubrelayClient.ListenAsync and PublishAsync.</exception>
        public Task AddToGroupAsync(string connectionId, string groupName, CancellationToken cancellationToken = default(CancellationToken))
        {
            string channel = channels.Group(groupName);
            Member<TMessage> member = members.Find(connectionId ?? throw new ArgumentNullException(nameof(connectionId)));
            return member != null ? JoinAsync(member, channel)
                : CommandAsync(GroupAction.Add, connectionId, groupName, cancellationToken);
        }

        /// <summary>Removes a connection from a group, on whatever server it is.</summary>
        /// <exception cref="NotConnectedException">As of AddToGroupAsync, and so with the others.</exception>
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
        /// Ends it: nothing is listened to any more, and what waits for an answer fails. The client stays open. Disposing twice does
        /// nothing.
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
