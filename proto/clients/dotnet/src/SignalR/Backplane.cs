using System;
using System.Collections.Generic;
using System.Threading.Tasks;

namespace Hubrelay.SignalR
{
    /// <summary>
    /// All hubs of a process on one connection to the relay. It takes the client's <see cref="HubrelayClient.Events"/>, so nobody
    /// else can, and it never closes the client. It is safe for use by many threads.
    /// </summary>
    public sealed class Backplane
    {
        private readonly object gate = new object();
        private readonly List<IBackplaneHub> hubs = new List<IBackplaneHub>();
        private readonly Action<string> log;
        private bool isUp = true; // as told in the log: a start without trouble needs no line

        /// <summary>Begins to watch the client.</summary>
        /// <param name="client">Of this backplane alone.</param>
        /// <param name="log">Is told once when an outage begins and once when it ends, and of failures. May be null.</param>
        public Backplane(HubrelayClient client, Action<string> log = null)
        {
            Client = client ?? throw new ArgumentNullException(nameof(client));
            this.log = log;
            _ = WatchAsync();
        }

        /// <summary>The connection to the relay.</summary>
        public HubrelayClient Client { get; }

        /// <summary>Makes the backplane of one hub. It begins to listen with the hub's first connection.</summary>
        /// <param name="hub">The full name of the hub's type, such as "Chat.Hub": all servers of the hub have the same.</param>
        /// <param name="framework">The hub protocols, and what else is ASP.NET Core's.</param>
        /// <param name="options">Null: the defaults.</param>
        /// <exception cref="ArgumentException">An option is out of its range.</exception>
        /// <exception cref="InvalidOperationException">The hooks are another hub's.</exception>
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
                // There is nobody left to be told.
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

    /// <summary>A hub, for the backplane that it is on.</summary>
    internal interface IBackplaneHub
    {
        /// <summary>Takes an event of the whole client. It throws nothing.</summary>
        void OnEvent(RelayEvent one);
    }
}
