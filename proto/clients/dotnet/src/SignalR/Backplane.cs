using System;
using System.Collections.Generic;
using System.Threading.Tasks;

namespace Hubrelay.SignalR
{
    /// <summary>
    /// Connects all hubs of a process over one connection to the relay. It reads the client's
    /// <see cref="HubrelayClient.Events"/>, so the application must not read them. It never closes the client. It is safe for use
    /// by many threads.
    /// </summary>
    public sealed class Backplane
    {
        private readonly object gate = new object();
        private readonly List<IBackplaneHub> hubs = new List<IBackplaneHub>();
        private readonly Action<string> log;
        private bool isUp = true; // as last logged: a start without trouble needs no line

        /// <summary>Begins to read the client's events.</summary>
        /// <param name="client">A client that only this backplane uses.</param>
        /// <param name="log">Gets one line when an outage begins, one when it ends, and lines for failures. May be null.</param>
        public Backplane(HubrelayClient client, Action<string> log = null)
        {
            Client = client ?? throw new ArgumentNullException(nameof(client));
            this.log = log;
            _ = WatchAsync();
        }

        /// <summary>The connection to the relay.</summary>
        public HubrelayClient Client { get; }

        /// <summary>Makes the backplane of one hub. It begins to listen when the hub's first connection begins.</summary>
        /// <param name="hub">
        /// The full name of the hub's type, such as "Chat.Hub". All servers of the hub must use the same name.
        /// </param>
        /// <param name="framework">The hub protocols, and what else belongs to ASP.NET Core.</param>
        /// <param name="options">Null: the defaults.</param>
        /// <exception cref="ArgumentException">An option is out of its range.</exception>
        /// <exception cref="InvalidOperationException">The hooks belong to another hub.</exception>
        public HubBackplane<TMessage> AddHub<TMessage>(string hub, IHubFramework<TMessage> framework, HubBackplaneOptions options = null)
        {
            if (string.IsNullOrEmpty(hub))
            {
                throw new ArgumentException("it has to be the full name of the hub's type", nameof(hub));
            }
            var added = new HubBackplane<TMessage>(this, hub, framework ?? throw new ArgumentNullException(nameof(framework)),
                (options ?? new HubBackplaneOptions()).CheckedCopy());
            lock (gate)
            {
                hubs.Add(added);
            }
            return added;
        }

        internal void Remove(IBackplaneHub hub)
        {
            lock (gate)
            {
                hubs.Remove(hub);
            }
        }

        internal void Log(string line)
        {
            try
            {
                log?.Invoke(line);
            }
            catch (Exception)
            {
                // There is no other place to report this.
            }
        }

        private async Task WatchAsync()
        {
            while (await Client.Events.WaitToReadAsync().ConfigureAwait(false))
            {
                while (Client.Events.TryRead(out RelayEvent one))
                {
                    if (one is Status status)
                    {
                        LogState(status);
                    }
                    foreach (IBackplaneHub hub in Hubs())
                    {
                        hub.OnEvent(one);
                    }
                }
            }
        }

        private void LogState(Status status)
        {
            bool works = status.IsPublishing && status.IsReceiving;
            if (works != isUp)
            {
                isUp = works;
                Log(works ? "the backplane works again" : $"the backplane does not work: {status}");
            }
        }

        private IBackplaneHub[] Hubs()
        {
            lock (gate)
            {
                return hubs.ToArray();
            }
        }
    }

    /// <summary>A hub, as the backplane sees it.</summary>
    internal interface IBackplaneHub
    {
        /// <summary>Handles an event of the whole client. It throws nothing.</summary>
        void OnEvent(RelayEvent one);
    }
}
