// Stands in for those types of ASP.NET Core 8 that src/SignalR.AspNetCore uses, with their names and signatures:
// https://learn.microsoft.com/dotnet/api/microsoft.aspnetcore.signalr. Mono cannot run ASP.NET Core. What they do is only what
// a test needs, so that a test with them says nothing about ASP.NET Core itself.
using System;
using System.Buffers;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.AspNetCore.SignalR.Protocol;
using Microsoft.Extensions.DependencyInjection;

namespace Microsoft.AspNetCore.SignalR
{
    public abstract class Hub
    {
    }

    public class HubException : Exception
    {
        public HubException(string message) : base(message)
        {
        }
    }

    public class HubOptions
    {
        public IList<string> SupportedProtocols { get; set; }
    }

    public class HubOptions<THub> : HubOptions where THub : Hub
    {
    }

    public interface ISignalRBuilder
    {
        IServiceCollection Services { get; }
    }

    public interface ISignalRServerBuilder : ISignalRBuilder
    {
    }

    public interface IInvocationBinder
    {
        Type GetReturnType(string invocationId);

        IReadOnlyList<Type> GetParameterTypes(string methodName);

        Type GetStreamItemType(string streamId);
    }

    public interface IHubProtocolResolver
    {
        IReadOnlyList<IHubProtocol> AllProtocols { get; }

        IHubProtocol GetProtocol(string protocolName, IReadOnlyList<string> supportedProtocols);
    }

    public readonly struct SerializedMessage
    {
        public SerializedMessage(string protocolName, ReadOnlyMemory<byte> serialized)
        {
            ProtocolName = protocolName;
            Serialized = serialized;
        }

        public string ProtocolName { get; }

        public ReadOnlyMemory<byte> Serialized { get; }
    }

    public class SerializedHubMessage
    {
        private readonly IReadOnlyList<SerializedMessage> messages = new SerializedMessage[0];

        public SerializedHubMessage(IReadOnlyList<SerializedMessage> messages)
        {
            this.messages = messages;
        }

        public SerializedHubMessage(HubMessage message)
        {
            Message = message;
        }

        public HubMessage Message { get; }

        public ReadOnlyMemory<byte> GetSerializedMessage(IHubProtocol protocol)
        {
            return Message != null ? protocol.GetMessageBytes(Message) : messages.Single(m => m.ProtocolName == protocol.Name).Serialized;
        }
    }

    public abstract class HubConnectionContext
    {
        public abstract string ConnectionId { get; }

        public abstract CancellationToken ConnectionAborted { get; }

        public string UserIdentifier { get; set; }

        public virtual IHubProtocol Protocol { get; set; }

        public abstract ValueTask WriteAsync(SerializedHubMessage message, CancellationToken cancellationToken = default);
    }

    public abstract class HubLifetimeManager<THub> where THub : Hub
    {
        public abstract Task OnConnectedAsync(HubConnectionContext connection);

        public abstract Task OnDisconnectedAsync(HubConnectionContext connection);

        public abstract Task SendAllAsync(string methodName, object[] args, CancellationToken cancellationToken = default);

        public abstract Task SendAllExceptAsync(string methodName, object[] args, IReadOnlyList<string> excludedConnectionIds,
            CancellationToken cancellationToken = default);

        public abstract Task SendConnectionAsync(string connectionId, string methodName, object[] args,
            CancellationToken cancellationToken = default);

        public abstract Task SendConnectionsAsync(IReadOnlyList<string> connectionIds, string methodName, object[] args,
            CancellationToken cancellationToken = default);

        public abstract Task SendGroupAsync(string groupName, string methodName, object[] args,
            CancellationToken cancellationToken = default);

        public abstract Task SendGroupsAsync(IReadOnlyList<string> groupNames, string methodName, object[] args,
            CancellationToken cancellationToken = default);

        public abstract Task SendGroupExceptAsync(string groupName, string methodName, object[] args,
            IReadOnlyList<string> excludedConnectionIds, CancellationToken cancellationToken = default);

        public abstract Task SendUserAsync(string userId, string methodName, object[] args,
            CancellationToken cancellationToken = default);

        public abstract Task SendUsersAsync(IReadOnlyList<string> userIds, string methodName, object[] args,
            CancellationToken cancellationToken = default);

        public abstract Task AddToGroupAsync(string connectionId, string groupName, CancellationToken cancellationToken = default);

        public abstract Task RemoveFromGroupAsync(string connectionId, string groupName,
            CancellationToken cancellationToken = default);

        public virtual Task<T> InvokeConnectionAsync<T>(string connectionId, string methodName, object[] args,
            CancellationToken cancellationToken)
        {
            throw new NotImplementedException();
        }

        public virtual Task SetConnectionResultAsync(string connectionId, CompletionMessage result)
        {
            throw new NotImplementedException();
        }

        public virtual bool TryGetReturnType(string invocationId, out Type type)
        {
            type = null;
            return false;
        }
    }
}

namespace Microsoft.AspNetCore.SignalR.Protocol
{
    public abstract class HubMessage
    {
    }

    public class InvocationMessage : HubMessage
    {
        public InvocationMessage(string invocationId, string target, object[] arguments)
        {
            InvocationId = invocationId;
            Target = target;
            Arguments = arguments;
        }

        public string InvocationId { get; }

        public string Target { get; }

        public object[] Arguments { get; }
    }

    public class CompletionMessage : HubMessage
    {
        public CompletionMessage(string invocationId, string error, object result, bool hasResult)
        {
            InvocationId = invocationId;
            Error = error;
            Result = result;
            HasResult = hasResult;
        }

        public string InvocationId { get; }

        public string Error { get; }

        public object Result { get; }

        public bool HasResult { get; }
    }

    public sealed class RawResult
    {
        public RawResult(ReadOnlySequence<byte> rawBytes)
        {
            RawSerializedData = rawBytes;
        }

        public ReadOnlySequence<byte> RawSerializedData { get; }
    }

    public interface IHubProtocol
    {
        string Name { get; }

        bool TryParseMessage(ref ReadOnlySequence<byte> input, IInvocationBinder binder, out HubMessage message);

        ReadOnlyMemory<byte> GetMessageBytes(HubMessage message);
    }
}

namespace Microsoft.Extensions.Options
{
    public interface IOptions<out TOptions> where TOptions : class
    {
        TOptions Value { get; }
    }
}

namespace Microsoft.Extensions.Logging
{
    public interface ILogger
    {
    }

    public interface ILogger<out TCategoryName> : ILogger
    {
    }

    public static class LoggerExtensions
    {
        public static void LogInformation(this ILogger logger, string message, params object[] args)
        {
        }

        public static void LogWarning(this ILogger logger, string message, params object[] args)
        {
        }
    }
}

namespace Microsoft.Extensions.DependencyInjection
{
    public interface IServiceCollection
    {
        void Add(Type service, Type implementation);

        void Configure(Delegate configure);
    }

    public static class ServiceCollectionServiceExtensions
    {
        public static IServiceCollection AddSingleton<TService>(this IServiceCollection services) where TService : class
        {
            services.Add(typeof(TService), typeof(TService));
            return services;
        }

        public static IServiceCollection AddSingleton(this IServiceCollection services, Type serviceType, Type implementationType)
        {
            services.Add(serviceType, implementationType);
            return services;
        }
    }

    public static class OptionsServiceCollectionExtensions
    {
        public static IServiceCollection Configure<TOptions>(this IServiceCollection services, Action<TOptions> configureOptions)
            where TOptions : class
        {
            services.Configure(configureOptions);
            return services;
        }
    }
}
