using System;
using System.Buffers;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.AspNetCore.SignalR;
using Microsoft.AspNetCore.SignalR.Protocol;
using TheirSerializedMessage = Microsoft.AspNetCore.SignalR.SerializedMessage;

namespace Hubrelay.SignalR.AspNetCore
{
    /// <summary>A HubConnectionContext for the backplane.</summary>
    internal sealed class AspNetCoreConnection : IHubConnection<SerializedHubMessage>
    {
        private readonly HubConnectionContext context;

        public AspNetCoreConnection(HubConnectionContext context)
        {
            this.context = context;
        }

        public string ConnectionId => context.ConnectionId;

        public string UserIdentifier => context.UserIdentifier;

        public CancellationToken ConnectionAborted => context.ConnectionAborted;

        public Task WriteAsync(SerializedHubMessage message, CancellationToken cancellationToken)
        {
            return context.WriteAsync(message, cancellationToken).AsTask();
        }

        public SerializedMessage Serialize(Completion completion)
        {
            var message = new CompletionMessage(completion.InvocationId, completion.Error, completion.Result, completion.HasResult);
            return new SerializedMessage(context.Protocol.Name, context.Protocol.GetMessageBytes(message));
        }
    }

    /// <summary>ASP.NET Core's hub protocols for the backplane.</summary>
    internal sealed class AspNetCoreFramework : IHubFramework<SerializedHubMessage>
    {
        private readonly IReadOnlyList<IHubProtocol> all;
        private readonly IReadOnlyList<IHubProtocol> supported;

        public AspNetCoreFramework(IHubProtocolResolver protocols, IList<string> supportedProtocols)
        {
            all = protocols.AllProtocols;
            List<string> names = supportedProtocols?.ToList();
            supported = (names ?? new List<string>()).Select(name => protocols.GetProtocol(name, names))
                .Where(protocol => protocol != null).ToList();
        }

        public Type RawResult => typeof(RawResult);

        public IReadOnlyList<SerializedMessage> Serialize(string invocationId, string methodName, object[] args)
        {
            var message = new InvocationMessage(invocationId, methodName, args);
            return supported.Select(protocol => new SerializedMessage(protocol.Name, protocol.GetMessageBytes(message))).ToList();
        }

        public SerializedHubMessage CreateMessage(string invocationId, string methodName, object[] args)
        {
            return new SerializedHubMessage(new InvocationMessage(invocationId, methodName, args));
        }

        public SerializedHubMessage CreateMessage(IReadOnlyList<SerializedMessage> messages)
        {
            return new SerializedHubMessage(messages.Select(one => new TheirSerializedMessage(one.ProtocolName, one.Serialized)).ToList());
        }

        public bool HasProtocol(string protocolName)
        {
            return Find(protocolName) != null;
        }

        public bool TryParse(SerializedMessage message, Func<string, Type> returnTypeOf, out Completion completion)
        {
            var bytes = new ReadOnlySequence<byte>(message.Serialized);
            completion = null;
            if (!Find(message.ProtocolName).TryParseMessage(ref bytes, new Binder(returnTypeOf), out HubMessage parsed)
                || !(parsed is CompletionMessage result))
            {
                return false;
            }
            completion = new Completion(result.InvocationId, result.Error, result.Result, result.HasResult);
            return true;
        }

        public Exception CreateException(string error)
        {
            return new HubException(error);
        }

        private IHubProtocol Find(string protocolName)
        {
            return all.FirstOrDefault(protocol => protocol.Name == protocolName);
        }

        /// <summary>Knows only the types of results, since nothing else comes on that channel.</summary>
        private sealed class Binder : IInvocationBinder
        {
            private readonly Func<string, Type> returnTypeOf;

            public Binder(Func<string, Type> returnTypeOf)
            {
                this.returnTypeOf = returnTypeOf;
            }

            public Type GetReturnType(string invocationId)
            {
                return returnTypeOf(invocationId);
            }

            public IReadOnlyList<Type> GetParameterTypes(string methodName)
            {
                throw new InvalidOperationException("an invocation is not a result");
            }

            public Type GetStreamItemType(string streamId)
            {
                throw new InvalidOperationException("an item of a stream is not a result");
            }
        }
    }
}
