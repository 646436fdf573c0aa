using System.Collections.Generic;
using System;
using System.Text;
using Hubrelay.Wire;

namespace Hubrelay
{
    /// <summary>The change from a relay that is stopping to the next one.</summary>
    /// <remarks>
    /// Where both have fences the client subscribes to one on both, and publishes there once, when everything is in force on
    /// the new one. One Redis sends its messages to all its subscribers in one order: what the old relay brings before the
    /// fence and what the new one brings behind it is everything, once. Without a fence the new relay's messages count from
    /// its last Reply on, and a Gap is told.
    /// </remarks>
    internal sealed class Move
    {
        private byte[] fenceBytes = Array.Empty<byte>();

        /// <summary>The fence's channel; null: there is none.</summary>
        public string Fence { get; private set; }

        /// <summary>One of the two relays does not give it.</summary>
        public bool IsRefused { get; set; }

        public bool IsOldReady { get; set; }

        public bool IsNewReady { get; set; }

        public bool IsPublished { get; set; }

        /// <summary>When the fence is given up; Never: it is not asked for yet.</summary>
        public long Due { get; set; } = Time.Never;

        /// <summary>The old relay has brought it: what follows there is discarded.</summary>
        public bool IsOldSeen { get; set; }

        /// <summary>The new one has: what follows there is held until the old one has, too.</summary>
        public bool IsNewSeen { get; set; }

        /// <summary>The new relay has lost messages that were its to deliver.</summary>
        public bool IsIncomplete { get; set; }

        /// <summary>Until when the new relay's messages may wait for what the old one has sent.</summary>
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
