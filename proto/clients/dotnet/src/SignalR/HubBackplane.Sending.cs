using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;

namespace Hubrelay.SignalR
{
    /// <summary>Sending.</summary>
    public sealed partial class HubBackplane<TMessage>
    {
        /// <summary>Sends to all connections of all servers.</summary>
        /// <param name="methodName">The name of the clients' method.</param>
        /// <param name="args">Its arguments.</param>
        /// <param name="cancellationToken">Ends the wait for Redis's answer.</param>
        /// <exception cref="HubrelayException">As for HubrelayClient.PublishAsync. The same is true for all sends.</exception>
        public Task SendAllAsync(string methodName, object[] args, CancellationToken cancellationToken = default(CancellationToken))
        {
            return SendAllExceptAsync(methodName, args, null, cancellationToken);
        }

        /// <summary>Sends to all connections except some.</summary>
        /// <returns>As for SendAllAsync. The same is true for all sends.</returns>
        public Task SendAllExceptAsync(string methodName, object[] args, IReadOnlyList<string> excludedConnectionIds,
            CancellationToken cancellationToken = default(CancellationToken))
        {
            return PublishAsync(channels.All, Invocation(methodName, args, excludedConnectionIds), cancellationToken);
        }

        /// <summary>
        /// Sends to one connection. If it is on this server, nothing goes through Redis, so this works without Redis.
        /// </summary>
        public Task SendConnectionAsync(string connectionId, string methodName, object[] args,
            CancellationToken cancellationToken = default(CancellationToken))
        {
            string channel = channels.Connection(connectionId);
            Member<TMessage> member = members.Find(connectionId);
            return member != null
                ? member.Connection.WriteAsync(framework.CreateMessage(null, methodName, args), cancellationToken)
                : PublishAsync(channel, Invocation(methodName, args, null), cancellationToken);
        }

        /// <summary>Sends to several connections. All of them are tried; the task has the first failure.</summary>
        public Task SendConnectionsAsync(IReadOnlyList<string> connectionIds, string methodName, object[] args,
            CancellationToken cancellationToken = default(CancellationToken))
        {
            return PublishToEachAsync(connectionIds ?? throw new ArgumentNullException(nameof(connectionIds)), channels.Connection,
                methodName, args, cancellationToken);
        }

        /// <summary>Sends to a group.</summary>
        public Task SendGroupAsync(string groupName, string methodName, object[] args,
            CancellationToken cancellationToken = default(CancellationToken))
        {
            return SendGroupExceptAsync(groupName, methodName, args, null, cancellationToken);
        }

        /// <summary>Sends to a group except some connections.</summary>
        public Task SendGroupExceptAsync(string groupName, string methodName, object[] args, IReadOnlyList<string> excludedConnectionIds,
            CancellationToken cancellationToken = default(CancellationToken))
        {
            string channel = channels.Group(groupName);
            return PublishAsync(channel, Invocation(methodName, args, excludedConnectionIds), cancellationToken);
        }

        /// <summary>
        /// Sends to several groups. A connection that is in two of them gets the message twice. All groups are tried; the task
        /// has the first failure.
        /// </summary>
        public Task SendGroupsAsync(IReadOnlyList<string> groupNames, string methodName, object[] args,
            CancellationToken cancellationToken = default(CancellationToken))
        {
            return PublishToEachAsync(groupNames ?? throw new ArgumentNullException(nameof(groupNames)), channels.Group,
                methodName, args, cancellationToken);
        }

        /// <summary>Sends to all connections of a user.</summary>
        public Task SendUserAsync(string userId, string methodName, object[] args,
            CancellationToken cancellationToken = default(CancellationToken))
        {
            string channel = channels.User(userId);
            return PublishAsync(channel, Invocation(methodName, args, null), cancellationToken);
        }

        /// <summary>Sends to all connections of several users. All users are tried; the task has the first failure.</summary>
        public Task SendUsersAsync(IReadOnlyList<string> userIds, string methodName, object[] args,
            CancellationToken cancellationToken = default(CancellationToken))
        {
            return PublishToEachAsync(userIds ?? throw new ArgumentNullException(nameof(userIds)), channels.User,
                methodName, args, cancellationToken);
        }

        /// <summary>
        /// Sends only to the connections of this server, without Redis: for example, that messages may have been missed, or that
        /// Redis is away. Connections that fail are reported to OnFailure. It has no counterpart in ASP.NET Core.
        /// </summary>
        public Task SendLocalAsync(string methodName, object[] args)
        {
            return WriteAsync(members.ToArray(), null, framework.CreateMessage(null, methodName, args));
        }

        private Task PublishToEachAsync(IReadOnlyList<string> names, Func<string, string> channelOf, string methodName, object[] args,
            CancellationToken cancellationToken)
        {
            byte[] payload = null;
            var publishes = new List<Task>(names.Count);
            foreach (string name in names)
            {
                if (!string.IsNullOrEmpty(name))
                {
                    payload = payload ?? Invocation(methodName, args, null);
                    publishes.Add(PublishToAsync(name, channelOf, payload, cancellationToken));
                }
            }
            return Task.WhenAll(publishes);
        }

        /// <summary>If a name is too long, only its own task fails. The other names are still sent to.</summary>
        private async Task PublishToAsync(string name, Func<string, string> channelOf, byte[] payload, CancellationToken cancellationToken)
        {
            await PublishAsync(channelOf(name), payload, cancellationToken).ConfigureAwait(false);
        }

        private byte[] Invocation(string methodName, object[] args, IReadOnlyList<string> excludedConnectionIds)
        {
            return BackplaneProtocol.WriteInvocation(framework.Serialize(null, methodName, args), excludedConnectionIds);
        }

        private Task<long> PublishAsync(string channel, byte[] payload, CancellationToken cancellationToken)
        {
            lock (gate)
            {
                if (isDisposed)
                {
                    return Task.FromException<long>(IsDisposed());
                }
            }
            return client.PublishAsync(channel, payload, cancellationToken);
        }
    }
}
