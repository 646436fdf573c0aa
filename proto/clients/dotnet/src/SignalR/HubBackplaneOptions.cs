using System;
using System.Threading;
using System.Threading.Tasks;

namespace Hubrelay.SignalR
{
    /// <summary>Options of a <see cref="HubBackplane{TMessage}"/>, which takes a copy. Nothing has to be set.</summary>
    public sealed class HubBackplaneOptions
    {
        /// <summary>
        /// The name of this server among all servers, which must be another one in each process. Default: the machine's name and
        /// a random number, as ASP.NET Core makes it.
        /// </summary>
        public string ServerName { get; set; } = $"{Environment.MachineName}_{Guid.NewGuid():N}";

        /// <summary>
        /// How long AddToGroupAsync and RemoveFromGroupAsync wait for the server that has the connection. From 1 ms to 24 days;
        /// default: 30 s, as ASP.NET Core has it.
        /// </summary>
        public TimeSpan AckTimeout { get; set; } = TimeSpan.FromSeconds(30);

        /// <summary>Is told what happens. Default: null, nobody is.</summary>
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
    /// Is told what a hub's backplane cannot tell by its own methods. Each hub has an instance of its own. The methods are called by
    /// the client's threads or the thread pool: OnStatus, OnGap and OnRevoked one at a time and in order, so that one that waits
    /// holds up the next ones. What they throw is logged, and has no other effect.
    /// </summary>
    public abstract class HubBackplaneHooks
    {
        private Func<string, object[], Task> sendLocal;

        /// <summary>The path to Redis has changed its state. While it is not publishing, sends fail at once.</summary>
        public virtual void OnStatus(Status status)
        {
        }

        /// <summary>
        /// Messages of other servers may have been missed, and come again: this server's clients should read again what they must
        /// not miss. <see cref="SendLocalAsync"/> tells them. Every server is told, each at its own time
        /// within two seconds, so that not all clients read at once.
        /// </summary>
        public virtual void OnGap(Gap gap)
        {
        }

        /// <summary>
        /// Messages were dropped: for one channel because its connections did not read fast enough, or, without a channel, for
        /// any of them by the relay, in which case OnGap follows.
        /// </summary>
        /// <param name="channel">Such as "Chat.Hub:group:room.7"; empty: not known.</param>
        /// <param name="loss">How many.</param>
        public virtual void OnLoss(string channel, Loss loss)
        {
        }

        /// <summary>
        /// Redis refuses a channel of this hub from now on. Its connections, or its group's members, get nothing from other servers
        /// until they join again.
        /// </summary>
        public virtual void OnRevoked(Revoked revoked)
        {
        }

        /// <summary>
        /// Something failed for which no caller waits: a message that another server sent is none, a write to a connection failed,
        /// an acknowledgement or a client's result could not be passed on.
        /// </summary>
        /// <param name="what">For people. It holds names, but no payloads.</param>
        /// <param name="error">Why.</param>
        public virtual void OnFailure(string what, Exception error)
        {
        }

        /// <summary>Sends to all connections of the hub on this server: <see cref="HubBackplane{TMessage}.SendLocalAsync"/>.</summary>
        /// <param name="methodName">The clients' method.</param>
        /// <param name="args">Its arguments.</param>
        /// <exception cref="InvalidOperationException">The hooks are not a hub's.</exception>
        protected Task SendLocalAsync(string methodName, params object[] args)
        {
            return (sendLocal ?? throw new InvalidOperationException("these hooks are not a hub's yet"))(methodName, args);
        }

        internal void BelongTo(Func<string, object[], Task> hub)
        {
            if (Interlocked.CompareExchange(ref sendLocal, hub, null) != null)
            {
                throw new InvalidOperationException("these hooks are another hub's already: each hub needs an instance of its own");
            }
        }
    }
}
