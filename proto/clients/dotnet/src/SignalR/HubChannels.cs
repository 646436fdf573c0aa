using System;
using System.Text;

namespace Hubrelay.SignalR
{
    /// <summary>
    /// The names of the channels that SignalR's servers use for one hub, without the prefix, which the relay adds. They are those
    /// of ASP.NET Core:
    /// https://github.com/dotnet/aspnetcore/blob/main/src/SignalR/server/StackExchangeRedis/src/Internal/RedisChannels.cs
    /// </summary>
    internal sealed class HubChannels
    {
        private const int MaxBytes = 512; // the relay's limit for a channel

        private readonly string hub;

        /// <param name="hub">The full name of the hub's type.</param>
        /// <param name="serverName">This server's own name.</param>
        public HubChannels(string hub, string serverName)
        {
            this.hub = hub;
            All = hub + ":all";
            GroupManagement = hub + ":internal:groups";
            ReturnResults = hub + ":internal:return:" + serverName;
            OwnAck = Ack(serverName);
        }

        /// <summary>Invocations for all connections.</summary>
        public string All { get; }

        /// <summary>Group commands, for all servers.</summary>
        public string GroupManagement { get; }

        /// <summary>Results of clients, for this server.</summary>
        public string ReturnResults { get; }

        /// <summary>Acknowledgements of group commands, for this server.</summary>
        public string OwnAck { get; }

        /// <summary>Whether every server listens to a channel of this kind, whatever connections it has.</summary>
        public bool IsOfEveryServer(string channel)
        {
            return channel == All || channel == GroupManagement || channel == ReturnResults || channel == OwnAck;
        }

        /// <summary>Invocations for one connection.</summary>
        /// <exception cref="InvalidRequestException">
        /// The channel's name would be too long for the relay. The same is true for the others.
        /// </exception>
        public string Connection(string connectionId)
        {
            return Checked(hub + ":connection:" + (connectionId ?? throw new ArgumentNullException(nameof(connectionId))), "connection");
        }

        /// <summary>Invocations for a group.</summary>
        public string Group(string groupName)
        {
            return Checked(hub + ":group:" + (groupName ?? throw new ArgumentNullException(nameof(groupName))), "group");
        }

        /// <summary>Invocations for all connections of a user.</summary>
        public string User(string userId)
        {
            return Checked(hub + ":user:" + (userId ?? throw new ArgumentNullException(nameof(userId))), "user");
        }

        /// <summary>Acknowledgements of group commands, for a server.</summary>
        public string Ack(string serverName)
        {
            return hub + ":internal:ack:" + serverName;
        }

        /// <summary>Whether it is a channel of this hub, judged by its name.</summary>
        public bool Has(string channel)
        {
            return channel.StartsWith(hub + ":", StringComparison.Ordinal);
        }

        private static string Checked(string channel, string kind)
        {
            if (channel.Length > MaxBytes / 3 && Encoding.UTF8.GetByteCount(channel) > MaxBytes)
            {
                throw new InvalidRequestException($"the channel \"{channel.Substring(0, 100)}\"... of a {kind} has "
                    + $"{Encoding.UTF8.GetByteCount(channel)} bytes, and the relay takes {MaxBytes}: the {kind}'s name has to be shorter");
            }
            return channel;
        }
    }
}
