using System;
using System.Collections.Generic;
using System.IO;

namespace Hubrelay.SignalR
{
    /// <summary>
    /// The messages that ASP.NET Core SignalR's servers send each other through Redis, byte for byte. They are MessagePack, and
    /// the channel determines their kind. Items after the known ones are skipped. The format is that of ASP.NET Core 7 and later:
    /// https://github.com/dotnet/aspnetcore/blob/main/src/SignalR/server/StackExchangeRedis/src/Internal/RedisProtocol.cs
    /// </summary>
    internal static class BackplaneProtocol
    {
        private const int HeaderBytes = 64; // more than the envelope of one message adds, without the names

        /// <summary>
        /// Writes an invocation: the excluded connections, and the message in each hub protocol. With a return channel, it also
        /// has the id under which the client's result is awaited there.
        /// </summary>
        public static byte[] WriteInvocation(IReadOnlyList<SerializedMessage> messages, IReadOnlyList<string> excludedConnectionIds,
            string invocationId = null, string returnChannel = null)
        {
            bool wantsResult = !string.IsNullOrEmpty(returnChannel);
            int bytes = HeaderBytes;
            foreach (SerializedMessage message in messages)
            {
                bytes += message.ProtocolName.Length + message.Serialized.Length + HeaderBytes;
            }
            var writer = new MessagePackWriter(bytes);
            writer.WriteArrayHeader(wantsResult ? 4 : 2);
            writer.WriteArrayHeader(excludedConnectionIds?.Count ?? 0);
            foreach (string id in excludedConnectionIds ?? Array.Empty<string>())
            {
                writer.WriteString(id);
            }
            writer.WriteMapHeader(messages.Count);
            foreach (SerializedMessage message in messages)
            {
                writer.WriteString(message.ProtocolName);
                writer.WriteBinary(message.Serialized.Span);
            }
            if (wantsResult)
            {
                writer.WriteString(invocationId);
                writer.WriteString(returnChannel);
            }
            return writer.ToArray();
        }

        /// <exception cref="InvalidDataException">The bytes are not an invocation.</exception>
        public static BackplaneInvocation ReadInvocation(ReadOnlyMemory<byte> data)
        {
            var reader = new MessagePackReader(data);
            int items = ReadItems(ref reader, 2, "invocation");
            var excluded = new string[reader.ReadArrayHeader()];
            for (int i = 0; i < excluded.Length; i++)
            {
                excluded[i] = reader.ReadString();
            }
            var messages = new SerializedMessage[reader.ReadMapHeader()];
            for (int i = 0; i < messages.Length; i++)
            {
                string protocol = reader.ReadString() ?? throw new InvalidDataException("an invocation has a protocol without a name");
                messages[i] = new SerializedMessage(protocol, reader.ReadBinary());
            }
            bool wantsResult = items >= 4;
            string invocationId = wantsResult ? reader.ReadString() : null;
            return new BackplaneInvocation(messages, excluded, invocationId, wantsResult ? reader.ReadString() : null);
        }

        /// <summary>Writes a command to add a connection to a group, or to remove it, whichever server it is on.</summary>
        public static byte[] WriteGroupCommand(GroupCommand command)
        {
            var writer = new MessagePackWriter();
            writer.WriteArrayHeader(5);
            writer.WriteInt(command.Id);
            writer.WriteString(command.ServerName);
            writer.WriteInt((byte)command.Action);
            writer.WriteString(command.GroupName);
            writer.WriteString(command.ConnectionId);
            return writer.ToArray();
        }

        /// <exception cref="InvalidDataException">The bytes are not a group command.</exception>
        public static GroupCommand ReadGroupCommand(ReadOnlyMemory<byte> data)
        {
            var reader = new MessagePackReader(data);
            ReadItems(ref reader, 5, "group command");
            int id = reader.ReadInt();
            string serverName = reader.ReadString();
            int action = reader.ReadInt();
            string groupName = reader.ReadString();
            string connectionId = reader.ReadString();
            if (action < byte.MinValue || action > byte.MaxValue || serverName == null || groupName == null || connectionId == null)
            {
                throw new InvalidDataException($"a group command lacks a name, or its action {action} is not valid");
            }
            return new GroupCommand(id, serverName, (GroupAction)action, groupName, connectionId);
        }

        /// <summary>Writes that the group command with this id has been carried out.</summary>
        public static byte[] WriteAck(int id)
        {
            var writer = new MessagePackWriter();
            writer.WriteArrayHeader(1);
            writer.WriteInt(id);
            return writer.ToArray();
        }

        /// <exception cref="InvalidDataException">The bytes are not an acknowledgement.</exception>
        public static int ReadAck(ReadOnlyMemory<byte> data)
        {
            var reader = new MessagePackReader(data);
            ReadItems(ref reader, 1, "acknowledgement");
            return reader.ReadInt();
        }

        /// <summary>Writes a client's result in its hub protocol.</summary>
        public static byte[] WriteCompletion(SerializedMessage completion)
        {
            var writer = new MessagePackWriter(completion.ProtocolName.Length + completion.Serialized.Length + HeaderBytes);
            writer.WriteArrayHeader(2);
            writer.WriteString(completion.ProtocolName);
            writer.WriteBinary(completion.Serialized.Span);
            return writer.ToArray();
        }

        /// <exception cref="InvalidDataException">The bytes are not a completion.</exception>
        public static SerializedMessage ReadCompletion(ReadOnlyMemory<byte> data)
        {
            var reader = new MessagePackReader(data);
            ReadItems(ref reader, 2, "completion");
            string protocol = reader.ReadString() ?? throw new InvalidDataException("a completion has no protocol");
            return new SerializedMessage(protocol, reader.ReadBinary());
        }

        private static int ReadItems(ref MessagePackReader reader, int least, string what)
        {
            int items = reader.ReadArrayHeader();
            return items >= least ? items : throw new InvalidDataException($"the {what} has {items} items, and {least} are needed");
        }
    }

    /// <summary>What a group command requests. The numbers are those on the wire.</summary>
    internal enum GroupAction : byte
    {
        /// <summary>The connection joins the group.</summary>
        Add = 1,

        /// <summary>The connection leaves the group.</summary>
        Remove = 2,
    }

    /// <summary>An invocation that came from a server.</summary>
    internal sealed class BackplaneInvocation
    {
        public BackplaneInvocation(IReadOnlyList<SerializedMessage> messages, IReadOnlyList<string> excludedConnectionIds,
            string invocationId, string returnChannel)
        {
            Messages = messages;
            ExcludedConnectionIds = excludedConnectionIds;
            InvocationId = invocationId;
            ReturnChannel = returnChannel;
        }

        /// <summary>The message in each hub protocol.</summary>
        public IReadOnlyList<SerializedMessage> Messages { get; }

        /// <summary>The ids of connections that do not get it; mostly empty.</summary>
        public IReadOnlyList<string> ExcludedConnectionIds { get; }

        /// <summary>Null or empty: no result is awaited.</summary>
        public string InvocationId { get; }

        /// <summary>The channel where the result is awaited.</summary>
        public string ReturnChannel { get; }
    }

    /// <summary>A command on the channel of all servers.</summary>
    internal sealed class GroupCommand
    {
        public GroupCommand(int id, string serverName, GroupAction action, string groupName, string connectionId)
        {
            Id = id;
            ServerName = serverName;
            Action = action;
            GroupName = groupName;
            ConnectionId = connectionId;
        }

        /// <summary>The id that the acknowledgement repeats.</summary>
        public int Id { get; }

        /// <summary>The server that asks, and awaits the acknowledgement.</summary>
        public string ServerName { get; }

        /// <summary>What to do.</summary>
        public GroupAction Action { get; }

        /// <summary>The group.</summary>
        public string GroupName { get; }

        /// <summary>The connection.</summary>
        public string ConnectionId { get; }
    }
}
