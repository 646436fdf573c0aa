using System;
using System.IO;
using System.Threading;
using System.Threading.Tasks;

namespace Hubrelay.SignalR
{
    /// <summary>Results of clients, here and on other servers.</summary>
    public sealed partial class HubBackplane<TMessage>
    {
        private const string Canceled = "Invocation canceled by the server.";

        /// <summary>
        /// Invokes a method of a connection's client, whichever server it is on, and waits for the client's result.
        /// </summary>
        /// <param name="connectionId">The connection.</param>
        /// <param name="methodName">The client's method.</param>
        /// <param name="args">Its arguments.</param>
        /// <param name="cancellationToken">Ends the wait. A client may never answer, so set a limit.</param>
        /// <exception cref="IOException">
        /// There is no such connection, or it has ended. If it ends on another server, the exception is the framework's own, as
        /// with ASP.NET Core.
        /// </exception>
        /// <exception cref="NotConnectedException">The connection is on another server, and Redis is away.</exception>
        /// <exception cref="InterruptedException">
        /// An outage came before the result: it is unknown whether the client was invoked.
        /// </exception>
        /// <exception cref="Exception">The framework's own, <see cref="IHubFramework{TMessage}.CreateException"/>: the client reported
        /// an error, its result has another type, or the token was cancelled.</exception>
        public async Task<T> InvokeConnectionAsync<T>(string connectionId, string methodName, object[] args,
            CancellationToken cancellationToken)
        {
            string channel = channels.Connection(connectionId);
            Member<TMessage> member = members.Find(connectionId);
            if (member == null)
            {
                await EnsureStartedAsync().ConfigureAwait(false);
            }
            string id = Guid.NewGuid().ToString("N");
            var awaited = new AwaitedResult<T>(connectionId, member == null, framework.CreateException);
            CancellationToken aborted = member?.Connection.ConnectionAborted ?? CancellationToken.None;
            results.Add(id, awaited);
            try
            {
                using (cancellationToken.Register(() => awaited.Fail(framework.CreateException(Canceled))))
                using (aborted.Register(() => awaited.Fail(new IOException($"Connection '{connectionId}' disconnected."))))
                {
                    await InvokeAsync(member, channel, id, methodName, args, cancellationToken).ConfigureAwait(false);
                    return await awaited.Task.ConfigureAwait(false);
                }
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                throw framework.CreateException(Canceled);
            }
            finally
            {
                results.Take(id);
            }
        }

        /// <summary>
        /// A connection of this server has returned a result. It goes to the caller that awaits it, here or on another server.
        /// </summary>
        /// <exception cref="InvalidOperationException">The result is awaited from another connection.</exception>
        public Task SetConnectionResultAsync(string connectionId, Completion completion)
        {
            PendingResult pending = results.Find((completion ?? throw new ArgumentNullException(nameof(completion))).InvocationId);
            if (pending == null)
            {
                return Task.CompletedTask; // no caller waits any more
            }
            if (pending.ConnectionId != connectionId)
            {
                throw new InvalidOperationException(
                    $"the result of invocation {completion.InvocationId} must not come from connection {connectionId}");
            }
            results.Take(completion.InvocationId)?.Complete(completion);
            return Task.CompletedTask;
        }

        /// <summary>Finds the type as which a hub protocol has to read the result of an invocation.</summary>
        /// <returns>False: no such result is awaited.</returns>
        public bool TryGetReturnType(string invocationId, out Type type)
        {
            type = results.Find(invocationId ?? throw new ArgumentNullException(nameof(invocationId)))?.Type;
            return type != null;
        }

        private async Task InvokeAsync(Member<TMessage> member, string channel, string id, string methodName, object[] args,
            CancellationToken cancellationToken)
        {
            if (member != null)
            {
                TMessage message = framework.CreateMessage(id, methodName, args);
                await member.Connection.WriteAsync(message, cancellationToken).ConfigureAwait(false);
                return;
            }
            byte[] invocation = BackplaneProtocol.WriteInvocation(framework.Serialize(id, methodName, args), null, id,
                channels.ReturnResults);
            if (await PublishAsync(channel, invocation, cancellationToken).ConfigureAwait(false) < 1)
            {
                throw new IOException($"Connection '{channel.Substring(channels.Connection("").Length)}' does not exist.");
            }
        }

        /// <summary>Another server awaits the result of this connection.</summary>
        private void ExpectResult(Member<TMessage> member, BackplaneInvocation invocation)
        {
            string id = invocation.InvocationId;
            Action<Completion> forward = completion => _ = ForwardAsync(member, invocation.ReturnChannel, completion);
            var expected = new ForwardedResult(member.Id, framework.RawResult, forward);
            if (!results.Add(id, expected))
            {
                forward(Completion.WithError(id, $"The invocation ID {id} is in use."));
                return;
            }
            expected.WhenAborted(member.Connection.ConnectionAborted,
                () => results.Take(id)?.Complete(Completion.WithError(id, "Connection disconnected.")));
        }

        private async Task ForwardAsync(Member<TMessage> member, string returnChannel, Completion completion)
        {
            try
            {
                byte[] message = BackplaneProtocol.WriteCompletion(member.Connection.Serialize(completion));
                await PublishAsync(returnChannel, message, CancellationToken.None).ConfigureAwait(false);
            }
            catch (Exception e)
            {
                Failed("a client's result for another server", e);
            }
        }

        /// <summary>A result has come back to this server, which awaits it.</summary>
        private Task OnReturnedAsync(Message message)
        {
            SerializedMessage serialized = BackplaneProtocol.ReadCompletion(message.Payload);
            if (!framework.HasProtocol(serialized.ProtocolName))
            {
                throw new InvalidDataException($"a client's result is in the hub protocol {serialized.ProtocolName}, which this server "
                    + "does not have: the servers of a hub need the same protocols");
            }
            bool hasType = TryParse(serialized, TypeOf, out Completion completion);
            if (!hasType && !TryParse(serialized, id => framework.RawResult, out completion))
            {
                throw new InvalidDataException($"a client's result cannot be read by the hub protocol {serialized.ProtocolName}");
            }
            PendingResult pending = results.Take(completion.InvocationId);
            pending?.Complete(hasType ? completion
                : Completion.WithError(completion.InvocationId, AwaitedResult<TMessage>.NotOfType(pending.Type)));
            return Task.CompletedTask;
        }

        private bool TryParse(SerializedMessage serialized, Func<string, Type> typeOf, out Completion completion)
        {
            try
            {
                return framework.TryParse(serialized, typeOf, out completion);
            }
            catch (Exception)
            {
                completion = null; // the result has another type: hub protocols may throw any exception
                return false;
            }
        }

        private Type TypeOf(string invocationId)
        {
            return TryGetReturnType(invocationId, out Type type) ? type
                : throw new InvalidOperationException($"no result of invocation {invocationId} is awaited");
        }
    }
}
