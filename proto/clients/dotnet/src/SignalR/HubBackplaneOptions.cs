using System;
using System.Threading;
using System.Threading.Tasks;

namespace Hubrelay.SignalR
{
    /// <summary>Options of a <see cref="HubBackplane{TMessage}"/>, which takes a copy. All of them have defaults.</summary>
    public sealed class HubBackplaneOptions
    {
        /// <summary>
        /// The name of this server among all servers. It must be different in each process. Default: the machine's name and a
        /// random number, as ASP.NET Core makes it.
        /// </summary>
        public string ServerName { get; set; } = $"{Environment.MachineName}_{Guid.NewGuid():N}";

        /// <summary>
        /// How long AddToGroupAsync and RemoveFromGroupAsync wait for the server that has the connection. From 1 ms to 24 days;
        /// default: 30 s, as ASP.NET Core has it.
        /// </summary>
        public TimeSpan AckTimeout { get; set; } = TimeSpan.FromSeconds(30);

        /// <summary>Hooks that are called when something happens. Default: null, none.</summary>
        public HubBackplaneHooks Hooks { get; set; }

        internal HubBackplaneOptions CheckedCopy()
        {
            if (string.IsNullOrEmpty(ServerName))
            {
                throw new ArgumentException($"{nameof(ServerName)} has to be the name of this server", "options");
            }
            if (AckTimeout < TimeSpan.FromMilliseconds(1) || AckTimeout > TimeSpan.FromDays(24))
            {
                throw new ArgumentOutOfRangeException("options", AckTimeout, $"{nameof(AckTimeout)} has to be between 1 ms and 24 days");
            }
            return (HubBackplaneOptions)MemberwiseClone();
        }
    }

    /// <summary>
    /// Receives what a hub's backplane cannot report by its own methods. Each hub needs its own instance. The client's threads or
    /// the thread pool call the methods. OnStatus, OnGap and OnRevoked are called one at a time and in order, so that a method
    /// that waits holds up the next ones. Exceptions from them are logged, and have no other effect.
    /// </summary>
    public abstract class HubBackplaneHooks
    {
        private Func<string, object[], Task> sendLocal;

        /// <summary>The state of the path to Redis has changed. While it is not publishing, sends fail at once.</summary>
        public virtual void OnStatus(Status status)
        {
        }

        /// <summary>
        /// Messages of other servers may have been missed, and arrive again now. This server's clients should read again what
        /// they must not miss; <see cref="SendLocalAsync"/> can notify them. Every server gets its Gap at its own time within two
        /// seconds, so that not all clients read at once.
        /// </summary>
        public virtual void OnGap(Gap gap)
        {
        }

        /// <summary>
        /// Messages were dropped. With a channel: its connections did not read fast enough. Without a channel: the relay dropped
        /// messages of any channel, and OnGap follows.
        /// </summary>
        /// <param name="channel">The channel, such as "Chat.Hub:group:room.7"; empty if it is not known.</param>
        /// <param name="loss">How many messages were dropped.</param>
        public virtual void OnLoss(string channel, Loss loss)
        {
        }

        /// <summary>
        /// From now on Redis refuses a channel of this hub. The channel's connection, or the members of its group, get nothing
        /// from other servers until they join again.
        /// </summary>
        public virtual void OnRevoked(Revoked revoked)
        {
        }

        /// <summary>
        /// Something failed for which no caller waits: a message from another server is not valid, a write to a connection
        /// failed, or an acknowledgement or a client's result could not be passed on.
        /// </summary>
        /// <param name="what">A text for people. It has names, but no payloads.</param>
        /// <param name="error">The error.</param>
        public virtual void OnFailure(string what, Exception error)
        {
        }

        /// <summary>Sends to all connections of the hub on this server: <see cref="HubBackplane{TMessage}.SendLocalAsync"/>.</summary>
        /// <param name="methodName">The name of the clients' method.</param>
        /// <param name="args">Its arguments.</param>
        /// <exception cref="InvalidOperationException">The hooks do not belong to a hub yet.</exception>
        protected Task SendLocalAsync(string methodName, params object[] args)
        {
            return (sendLocal ?? throw new InvalidOperationException("these hooks do not belong to a hub yet"))(methodName, args);
        }

        internal void BelongTo(Func<string, object[], Task> hub)
        {
            if (Interlocked.CompareExchange(ref sendLocal, hub, null) != null)
            {
                throw new InvalidOperationException("these hooks belong to another hub already: each hub needs its own instance");
            }
        }
    }
}
