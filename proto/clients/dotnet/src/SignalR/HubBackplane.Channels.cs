using System;
using System.Collections.Generic;
using System.Threading.Tasks;

namespace Hubrelay.SignalR
{
    /// <summary>The channels that this server listens to: its own, and those of its connections.</summary>
    public sealed partial class HubBackplane<TMessage>
    {
        private const int MaxAtOnce = 1000; // group commands that are carried out at the same time

        /// <summary>Listens to the channels of every server, once. After a failure the next call tries again.</summary>
        private Task EnsureStartedAsync()
        {
            TaskCompletionSource<bool> mine;
            lock (gate)
            {
                if (isDisposed)
                {
                    return Task.FromException(IsDisposed());
                }
                if (starting != null)
                {
                    return starting.Task;
                }
                mine = starting = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
            }
            _ = StartAsync(mine);
            return mine.Task;
        }

        private async Task StartAsync(TaskCompletionSource<bool> mine)
        {
            var begun = new List<Subscription>();
            try
            {
                // Each channel has its own queue, so that connections that read slowly hold up neither commands nor answers.
                foreach (string channel in new[] { channels.OwnAck, channels.ReturnResults, channels.All, channels.GroupManagement })
                {
                    begun.Add(await client.ListenAsync(channel).ConfigureAwait(false));
                }
            }
            catch (Exception e)
            {
                begun.ForEach(subscription => subscription.Dispose());
                lock (gate)
                {
                    starting = null;
                }
                mine.SetException(e);
                return;
            }
            bool isLate;
            lock (gate)
            {
                isLate = isDisposed;
                own = isLate ? null : begun;
            }
            if (isLate)
            {
                begun.ForEach(subscription => subscription.Dispose());
                mine.SetException(IsDisposed());
                return;
            }
            mine.SetResult(true);
            _ = ReadAsync(begun[0], channels.OwnAck, OnAckAsync, 1);
            _ = ReadAsync(begun[1], channels.ReturnResults, OnReturnedAsync, 1);
            _ = ReadAsync(begun[2], channels.All, message => DeliverAsync(members, message, true), 1);
            _ = ReadAsync(begun[3], channels.GroupManagement, OnGroupCommandAsync, MaxAtOnce);
        }

        /// <summary>
        /// Adds a connection to a channel. The first connection subscribes to the channel, and all connections wait for that.
        /// </summary>
        private Task JoinAsync(Member<TMessage> member, string name)
        {
            MemberChannel<TMessage> channel;
            bool isFirst;
            lock (gate)
            {
                if (isDisposed)
                {
                    return Task.FromException(IsDisposed());
                }
                if (member.IsGone)
                {
                    return Task.CompletedTask;
                }
                isFirst = !joined.TryGetValue(name, out channel);
                if (isFirst)
                {
                    joined.Add(name, channel = new MemberChannel<TMessage>(name));
                }
                channel.Members.Add(member);
                member.Channels.Add(name);
            }
            if (isFirst)
            {
                _ = BeginAsync(channel);
            }
            return channel.Started.Task;
        }

        private async Task BeginAsync(MemberChannel<TMessage> channel)
        {
            Subscription begun;
            try
            {
                begun = await client.ListenAsync(channel.Name).ConfigureAwait(false);
            }
            catch (Exception e)
            {
                End(channel);
                channel.Started.SetException(e);
                _ = channel.Started.Task.Exception; // marks the exception as observed, since the channel's only connection may be gone
                return;
            }
            bool isLate;
            lock (gate)
            {
                channel.Subscription = begun;
                isLate = channel.HasEnded;
            }
            if (isLate)
            {
                begun.Dispose();
            }
            channel.Started.SetResult(true);
            _ = ReadAsync(begun, channel.Name, HandlerOf(channel), 1);
        }

        /// <summary>Removes a connection from a channel. The last connection unsubscribes from the channel.</summary>
        private void Leave(Member<TMessage> member, string name)
        {
            Subscription ended = null;
            lock (gate)
            {
                if (!member.Channels.Remove(name) || !joined.TryGetValue(name, out MemberChannel<TMessage> channel))
                {
                    return;
                }
                channel.Members.Remove(member);
                if (channel.Members.Count == 0)
                {
                    joined.Remove(name);
                    channel.HasEnded = true;
                    ended = channel.Subscription;
                }
            }
            ended?.Dispose();
        }

        /// <summary>
        /// Removes all connections from a channel that could not be subscribed, or that Redis refuses from now on.
        /// </summary>
        private void End(MemberChannel<TMessage> channel)
        {
            lock (gate)
            {
                channel.HasEnded = true;
                if (joined.TryGetValue(channel.Name, out MemberChannel<TMessage> current) && current == channel)
                {
                    joined.Remove(channel.Name);
                    foreach (Member<TMessage> member in channel.Members.ToArray())
                    {
                        member.Channels.Remove(channel.Name);
                    }
                }
            }
        }

        /// <summary>
        /// Reads a channel to its end. At most this many messages are handled at the same time. They are begun in their order.
        /// </summary>
        private async Task ReadAsync(Subscription subscription, string channel, Func<Message, Task> handle, int atOnce)
        {
            var begun = new List<Task>();
            while (await subscription.WaitToReadAsync().ConfigureAwait(false))
            {
                while (begun.Count < atOnce && subscription.TryRead(out RelayEvent one))
                {
                    if (one is Message message)
                    {
                        Task work = HandleAsync(channel, message, handle);
                        if (!work.IsCompleted)
                        {
                            begun.Add(work);
                        }
                    }
                    else if (one is Loss loss && loss.IsLocal)
                    {
                        OnLocalLoss(channel, loss);
                    }
                    else if (one is Revoked)
                    {
                        OnRevoked(channel);
                    }
                }
                if (begun.Count > 0)
                {
                    await Task.WhenAll(begun).ConfigureAwait(false);
                    begun.Clear();
                }
            }
        }

        /// <summary>Handles a message. One that is not valid, or cannot be carried out, does not end the reading.</summary>
        private async Task HandleAsync(string channel, Message message, Func<Message, Task> handle)
        {
            try
            {
                await handle(message).ConfigureAwait(false);
            }
            catch (Exception e)
            {
                Failed($"a message on {channel}", e);
            }
        }

        private void OnRevoked(string name)
        {
            MemberChannel<TMessage> channel;
            List<Subscription> ended = null;
            lock (gate)
            {
                if (!joined.TryGetValue(name, out channel) && channels.IsOfEveryServer(name))
                {
                    ended = own; // the next connection tries all of them again
                    own = null;
                    starting = null;
                }
            }
            if (channel != null)
            {
                End(channel);
            }
            ended?.ForEach(subscription => subscription.Dispose());
        }
    }
}
