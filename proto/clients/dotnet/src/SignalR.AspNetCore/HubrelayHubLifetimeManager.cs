using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.AspNetCore.SignalR;
using Microsoft.AspNetCore.SignalR.Protocol;
using Microsoft.Extensions.Options;

namespace Hubrelay.SignalR.AspNetCore
{
    /// <summary>ASP.NET Core's extension point for a backplane. <see cref="HubBackplane{TMessage}"/> does all the work.</summary>
    internal sealed class HubrelayHubLifetimeManager<THub> : HubLifetimeManager<THub>, IDisposable where THub : Hub
    {
        private readonly HubBackplane<SerializedHubMessage> hub;

        public HubrelayHubLifetimeManager(HubrelayConnection connection, IHubProtocolResolver protocols,
            IOptions<HubOptions> globalOptions, IOptions<HubOptions<THub>> hubOptions)
        {
            IList<string> supported = hubOptions.Value.SupportedProtocols ?? globalOptions.Value.SupportedProtocols;
            hub = connection.Backplane.AddHub(typeof(THub).FullName, new AspNetCoreFramework(protocols, supported),
                connection.OptionsOf(typeof(THub)));
        }

        public override Task OnConnectedAsync(HubConnectionContext connection)
        {
            return hub.OnConnectedAsync(new AspNetCoreConnection(connection));
        }

        public override Task OnDisconnectedAsync(HubConnectionContext connection)
        {
            return hub.OnDisconnectedAsync(connection.ConnectionId);
        }

        public override Task SendAllAsync(string methodName, object[] args, CancellationToken cancellationToken = default)
        {
            return hub.SendAllAsync(methodName, args, cancellationToken);
        }

        public override Task SendAllExceptAsync(string methodName, object[] args, IReadOnlyList<string> excludedConnectionIds,
            CancellationToken cancellationToken = default)
        {
            return hub.SendAllExceptAsync(methodName, args, excludedConnectionIds, cancellationToken);
        }

        public override Task SendConnectionAsync(string connectionId, string methodName, object[] args,
            CancellationToken cancellationToken = default)
        {
            return hub.SendConnectionAsync(connectionId, methodName, args, cancellationToken);
        }

        public override Task SendConnectionsAsync(IReadOnlyList<string> connectionIds, string methodName, object[] args,
            CancellationToken cancellationToken = default)
        {
            return hub.SendConnectionsAsync(connectionIds, methodName, args, cancellationToken);
        }

        public override Task SendGroupAsync(string groupName, string methodName, object[] args,
            CancellationToken cancellationToken = default)
        {
            return hub.SendGroupAsync(groupName, methodName, args, cancellationToken);
        }

        public override Task SendGroupsAsync(IReadOnlyList<string> groupNames, string methodName, object[] args,
            CancellationToken cancellationToken = default)
        {
            return hub.SendGroupsAsync(groupNames, methodName, args, cancellationToken);
        }

        public override Task SendGroupExceptAsync(string groupName, string methodName, object[] args,
            IReadOnlyList<string> excludedConnectionIds, CancellationToken cancellationToken = default)
        {
            return hub.SendGroupExceptAsync(groupName, methodName, args, excludedConnectionIds, cancellationToken);
        }

        public override Task SendUserAsync(string userId, string methodName, object[] args,
            CancellationToken cancellationToken = default)
        {
            return hub.SendUserAsync(userId, methodName, args, cancellationToken);
        }

        public override Task SendUsersAsync(IReadOnlyList<string> userIds, string methodName, object[] args,
            CancellationToken cancellationToken = default)
        {
            return hub.SendUsersAsync(userIds, methodName, args, cancellationToken);
        }

        public override Task AddToGroupAsync(string connectionId, string groupName, CancellationToken cancellationToken = default)
        {
            return hub.AddToGroupAsync(connectionId, groupName, cancellationToken);
        }

        public override Task RemoveFromGroupAsync(string connectionId, string groupName,
            CancellationToken cancellationToken = default)
        {
            return hub.RemoveFromGroupAsync(connectionId, groupName, cancellationToken);
        }

        public override Task<T> InvokeConnectionAsync<T>(string connectionId, string methodName, object[] args,
            CancellationToken cancellationToken)
        {
            return hub.InvokeConnectionAsync<T>(connectionId, methodName, args, cancellationToken);
        }

        public override Task SetConnectionResultAsync(string connectionId, CompletionMessage result)
        {
            return hub.SetConnectionResultAsync(connectionId,
                new Completion(result.InvocationId, result.Error, result.Result, result.HasResult));
        }

        public override bool TryGetReturnType(string invocationId, out Type type)
        {
            return hub.TryGetReturnType(invocationId, out type);
        }

        public void Dispose()
        {
            hub.Dispose();
        }
    }
}
