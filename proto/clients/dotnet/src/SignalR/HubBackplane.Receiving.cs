using System;
using System.Collections.Generic;
using System.IO;
using System.Threading;
using System.Threading.Tasks;

namespace Hubrelay.SignalR
{
    /// <summary>Messages from other servers, and reports to the application.</summary>
    public sealed partial class HubBackplane<TMessage>
    {
        private readonly HashSet<string> logged = new HashSet<string>();

        private Func<Message, Task> HandlerOf(MemberChannel<TMessage> channel)
        {
            if (channel.Name.StartsWith(channels.Connection(""), StringComparison.Ordinal))
            {
                return message => OnConnectionMessageAsync(channel.Members, message);
            }
            bool mayExclude = channel.Name.StartsWith(channels.Group(""), StringComparison.Ordinal);
            return message => DeliverAsync(channel.Members, message, mayExclude);
        }

        /// <summary>Writes an invocation to connections, and waits until all have accepted it.</summary>
        private Task DeliverAsync(MemberSet<TMessage> to, Message message, bool mayExclude)
        {
            Member<TMessage>[] all = to.ToArray();
            if (all.Length == 0)
            {
                return Task.CompletedTask;
            }
            BackplaneInvocation invocation = BackplaneProtocol.ReadInvocation(message.Payload);
            TMessage written = framework.CreateMessage(invocation.Messages);
            HashSet<string> excluded = mayExclude && invocation.ExcludedConnectionIds.Count > 0
                ? new HashSet<string>(invocation.ExcludedConnectionIds) : null;
            return WriteAsync(all, excluded, written);
        }

        /// <summary>Writes to each connection. If one fails, the others are not affected.</summary>
        private Task WriteAsync(Member<TMessage>[] all, HashSet<string> excluded, TMessage written)
        {
            List<Task> writes = null;
            foreach (Member<TMessage> member in all)
            {
                if (excluded != null && excluded.Contains(member.Id))
                {
                    continue;
                }
                Task write = WriteAsync(member, written);
                if (!write.IsCompleted)
                {
                    writes = writes ?? new List<Task>();
                    writes.Add(write);
                }
            }
            return writes == null ? Task.CompletedTask : Task.WhenAll(writes);
        }

        private async Task WriteAsync(Member<TMessage> member, TMessage written)
        {
            try
            {
                await member.Connection.WriteAsync(written, CancellationToken.None).ConfigureAwait(false);
            }
            catch (Exception e)
            {
                Failed("a write to a connection", e);
            }
        }

        private Task OnConnectionMessageAsync(MemberSet<TMessage> to, Message message)
        {
            Member<TMessage>[] all = to.ToArray();
            if (all.Length == 0)
            {
                return Task.CompletedTask;
            }
            BackplaneInvocation invocation = BackplaneProtocol.ReadInvocation(message.Payload);
            if (!string.IsNullOrEmpty(invocation.InvocationId))
            {
                ExpectResult(all[0], invocation);
            }
            return WriteAsync(all, null, framework.CreateMessage(invocation.Messages));
        }

        private async Task OnGroupCommandAsync(Message message)
        {
            GroupCommand command = BackplaneProtocol.ReadGroupCommand(message.Payload);
            Member<TMessage> member = members.Find(command.ConnectionId);
            if (member == null)
            {
                return;
            }
            switch (command.Action)
            {
                case GroupAction.Add:
                    await JoinAsync(member, channels.Group(command.GroupName)).ConfigureAwait(false);
                    break;
                case GroupAction.Remove:
                    Leave(member, channels.Group(command.GroupName));
                    break;
                default:
                    throw new InvalidDataException($"the action {(int)command.Action} of a group command is not known here");
            }
            byte[] ack = BackplaneProtocol.WriteAck(command.Id);
            await PublishAsync(channels.Ack(command.ServerName), ack, CancellationToken.None).ConfigureAwait(false);
        }

        private Task OnAckAsync(Message message)
        {
            acks.Take(BackplaneProtocol.ReadAck(message.Payload))?.Complete();
            return Task.CompletedTask;
        }

        void IBackplaneHub.OnEvent(RelayEvent one)
        {
            HubBackplaneHooks hooks = options.Hooks;
            if (one is Status status)
            {
                OnStatus(status);
                Call(() => hooks?.OnStatus(status));
            }
            else if (one is Gap gap)
            {
                acks.FailMarked(MayBeMissed);
                results.FailMarked(MayBeMissed);
                Call(() => hooks?.OnGap(gap));
            }
            else if (one is Loss loss)
            {
                OnRelayLoss(loss);
                Call(() => hooks?.OnLoss("", loss));
            }
            else if (one is Revoked revoked)
            {
                TellRevoked(revoked);
            }
        }

        /// <summary>
        /// If the relay is not receiving, calls that wait for an answer through Redis fail at once, since the answer may not
        /// come.
        /// </summary>
        private void OnStatus(Status status)
        {
            if (!status.IsReceiving)
            {
                Func<Exception> why = () => new InterruptedException($"no answer can come, so whether it is done is unknown: {status}");
                acks.FailRemote(why);
                results.FailRemote(why);
            }
            acks.Mark();
            results.Mark();
        }

        private void OnRelayLoss(Loss loss)
        {
            if (loss.Messages > 0)
            {
                acks.FailRemote(MayBeMissed);
                results.FailRemote(MayBeMissed);
            }
        }

        /// <summary>This server's connections did not take the messages of a channel fast enough.</summary>
        private void OnLocalLoss(string channel, Loss loss)
        {
            if (channel == channels.OwnAck || channel == channels.ReturnResults)
            {
                OnRelayLoss(loss);
            }
            LogOnce("loss", $"{channel}: {loss}");
            Call(() => options.Hooks?.OnLoss(channel, loss));
        }

        private void TellRevoked(Revoked revoked)
        {
            var mine = new List<string>();
            foreach (string channel in revoked.Channels)
            {
                if (channels.Has(channel))
                {
                    mine.Add(channel);
                }
            }
            if (mine.Count > 0)
            {
                LogOnce("revoked", revoked.ToString());
                Call(() => options.Hooks?.OnRevoked(new Revoked(mine, Array.Empty<string>(), revoked.Detail)));
            }
        }

        private static Exception MayBeMissed()
        {
            return new InterruptedException("the answer may have been missed in an outage, so whether it is done is unknown");
        }

        /// <summary>Reports a failure for which no caller waits. The log gets the first one of each kind.</summary>
        private void Failed(string what, Exception error)
        {
            LogOnce(error.GetType().Name, $"{what}: {error.Message} (logged once; the hook OnFailure is called each time)");
            Call(() => options.Hooks?.OnFailure(what, error));
        }

        private void LogOnce(string kind, string line)
        {
            lock (logged)
            {
                if (!logged.Add(kind))
                {
                    return;
                }
            }
            backplane.Log(line);
        }

        private void Call(Action hook)
        {
            try
            {
                hook();
            }
            catch (Exception e)
            {
                LogOnce("hook", $"a hook of the hub's backplane has failed: {e.Message}");
            }
        }
    }
}
