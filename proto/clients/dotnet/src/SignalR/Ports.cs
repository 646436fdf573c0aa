using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;

namespace Hubrelay.SignalR
{
    /// <summary>A hub message in one hub protocol: ASP.NET Core's type of the same name.</summary>
    public readonly struct SerializedMessage
    {
        /// <summary>Makes an instance.</summary>
        /// <param name="protocolName">The hub protocol's name: "json", "messagepack".</param>
        /// <param name="serialized">The message as it goes to the client, with the protocol's own framing.</param>
        public SerializedMessage(string protocolName, ReadOnlyMemory<byte> serialized)
        {
            ProtocolName = protocolName ?? throw new ArgumentNullException(nameof(protocolName));
            Serialized = serialized;
        }

        /// <summary>The hub protocol's name.</summary>
        public string ProtocolName { get; }

        /// <summary>The message as it goes to the client. It must not be changed.</summary>
        public ReadOnlyMemory<byte> Serialized { get; }
    }

    /// <summary>What a client returned, or why it returned nothing: ASP.NET Core's CompletionMessage.</summary>
    public sealed class Completion
    {
        /// <summary>Makes an instance.</summary>
        /// <param name="invocationId">The id of the invocation.</param>
        /// <param name="error">The error; null unless the invocation failed.</param>
        /// <param name="result">The result, which may be null.</param>
        /// <param name="hasResult">Whether there is a result.</param>
        public Completion(string invocationId, string error, object result, bool hasResult)
        {
            InvocationId = invocationId ?? throw new ArgumentNullException(nameof(invocationId));
            Error = error;
            Result = result;
            HasResult = hasResult;
        }

        /// <summary>The id of the invocation.</summary>
        public string InvocationId { get; }

        /// <summary>Why the invocation failed, or null.</summary>
        public string Error { get; }

        /// <summary>The result.</summary>
        public object Result { get; }

        /// <summary>Whether there is a result.</summary>
        public bool HasResult { get; }

        internal static Completion WithError(string invocationId, string error)
        {
            return new Completion(invocationId, error, null, false);
        }
    }

    /// <summary>
    /// One client's connection to this server, with what a backplane needs: ASP.NET Core's HubConnectionContext. Several threads
    /// call it.
    /// </summary>
    /// <typeparam name="TMessage">What the framework writes to connections: ASP.NET Core's SerializedHubMessage.</typeparam>
    public interface IHubConnection<TMessage>
    {
        /// <summary>Unique among all servers.</summary>
        string ConnectionId { get; }

        /// <summary>
        /// The user of the connection; null or empty if it has no user. It is read once, when the connection begins.
        /// </summary>
        string UserIdentifier { get; }

        /// <summary>Is cancelled when the connection ends.</summary>
        CancellationToken ConnectionAborted { get; }

        /// <summary>Sends a message to the client. It waits while the client does not read fast enough.</summary>
        Task WriteAsync(TMessage message, CancellationToken cancellationToken);

        /// <summary>Serializes a completion in the connection's hub protocol.</summary>
        SerializedMessage Serialize(Completion completion);
    }

    /// <summary>
    /// What a backplane needs from the framework: ASP.NET Core's hub protocols, and its types. Several threads call it.
    /// </summary>
    /// <typeparam name="TMessage">What the framework writes to connections: ASP.NET Core's SerializedHubMessage.</typeparam>
    public interface IHubFramework<TMessage>
    {
        /// <summary>
        /// The type of a result that is only passed on. Hub protocols do not decode it: ASP.NET Core's RawResult.
        /// </summary>
        Type RawResult { get; }

        /// <summary>
        /// Serializes an invocation in each hub protocol that the hub supports, in the order of the hub's options.
        /// </summary>
        /// <param name="invocationId">Null, unless a result is awaited.</param>
        /// <param name="methodName">The client's method.</param>
        /// <param name="args">Its arguments.</param>
        IReadOnlyList<SerializedMessage> Serialize(string invocationId, string methodName, object[] args);

        /// <summary>Makes an invocation for connections of this server.</summary>
        TMessage CreateMessage(string invocationId, string methodName, object[] args);

        /// <summary>Makes a message for connections of this server from one that came from another server.</summary>
        TMessage CreateMessage(IReadOnlyList<SerializedMessage> messages);

        /// <summary>Whether there is a hub protocol of this name.</summary>
        bool HasProtocol(string protocolName);

        /// <summary>
        /// Reads a completion: IHubProtocol.TryParseMessage. If it cannot, it returns false or throws any exception.
        /// </summary>
        /// <param name="message">The message in its hub protocol.</param>
        /// <param name="returnTypeOf">
        /// Returns the type of the result of an invocation. It throws an InvalidOperationException if no such result is awaited
        /// any more.
        /// </param>
        /// <param name="completion">What was read.</param>
        bool TryParse(SerializedMessage message, Func<string, Type> returnTypeOf, out Completion completion);

        /// <summary>Makes the exception for the caller when the client reports an error: ASP.NET Core's HubException.</summary>
        Exception CreateException(string error);
    }
}
