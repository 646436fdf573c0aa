using System.Collections.Generic;
using System;
using System.Text;
using Hubrelay.Wire;

namespace Hubrelay
{
    /// <summary>The move from a relay that is stopping to the next one.</summary>
    /// <remarks>
    /// If both relays support fences, the client subscribes to the same fence on both. When everything is in force on the new
    /// relay, it publishes there once. A single Redis sends its messages to all its subscribers in one order. So the messages
    /// before the fence from the old relay, and those after it from the new one, are all messages, each once. Without a fence the
    /// new relay's messages count from its last Reply on, and a Gap is reported.
    /// </remarks>
    internal sealed class Move
    {
        private byte[] fenceBytes = Array.Empty<byte>();

        /// <summary>The fence's channel; null if there is no fence.</summary>
        public string Fence { get; private set; }

        /// <summary>True if one of the two relays does not grant the fence.</summary>
        public bool IsRefused { get; set; }

        public bool IsOldReady { get; set; }

        public bool IsNewReady { get; set; }

        public bool IsPublished { get; set; }

        /// <summary>When the fence is given up; Never until that time is set.</summary>
        public long Due { get; set; } = Time.Never;

        /// <summary>The fence has come from the old relay: what follows there is discarded.</summary>
        public bool IsOldSeen { get; set; }

        /// <summary>
        /// The fence has come from the new relay: what follows there is held until the old one has sent it, too.
        /// </summary>
        public bool IsNewSeen { get; set; }

        /// <summary>The new relay has lost messages that it had to deliver.</summary>
        public bool IsIncomplete { get; set; }

        /// <summary>Until this time the new relay's messages may wait for what the old one has sent.</summary>
        public long PatienceDue { get; set; }

        public List<MessageFrame> Held { get; } = new List<MessageFrame>();

        public int HeldBytes { get; private set; }

        public void MakeFence()
        {
            Fence = Limits.FencePrefix + Randomness.Hex(12);
            fenceBytes = Encoding.ASCII.GetBytes(Fence);
        }

        public bool IsFence(in MessageFrame m)
        {
            return m.Channel.Length == fenceBytes.Length && Fence != null
                && new ReadOnlySpan<byte>(m.Data, m.Channel.Start, m.Channel.Length).SequenceEqual(fenceBytes);
        }

        /// <summary>Holds a copy of a message.</summary>
        public void Hold(in MessageFrame m)
        {
            int channel = m.Channel.Length;
            int payload = m.Payload.Length;
            var copy = new MessageFrame
            {
                Data = new byte[channel + payload + m.Pattern.Length],
                Channel = new Slice(0, channel),
                Payload = new Slice(channel, payload),
                Pattern = new Slice(channel + payload, m.Pattern.Length),
            };
            Buffer.BlockCopy(m.Data, m.Channel.Start, copy.Data, 0, channel);
            Buffer.BlockCopy(m.Data, m.Payload.Start, copy.Data, channel, payload);
            Buffer.BlockCopy(m.Data, m.Pattern.Start, copy.Data, channel + payload, m.Pattern.Length);
            Held.Add(copy);
            HeldBytes += copy.Data.Length + RelayEvent.OwnBytes;
        }
    }
}
