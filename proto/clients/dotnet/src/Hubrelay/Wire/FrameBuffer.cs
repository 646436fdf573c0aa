using System;
using System.Collections.Generic;

namespace Hubrelay.Wire
{
    /// <summary>
    /// Frames of the client, one after another, each with its length first. Fields are written in the order of their numbers, and
    /// defaults are left out. The caller has to check the sizes, and that texts are Unicode.
    /// </summary>
    internal sealed class FrameBuffer
    {
        public byte[] Bytes;
        public int Count;

        public FrameBuffer(int capacity = 4096)
        {
            Bytes = new byte[capacity];
        }

        /// <summary>Adds a Hello of this version.</summary>
        public void Hello(string clientName)
        {
            int text = Utf8.Size(clientName);
            Head(1, 2 + TextSize(text));
            Bytes[Count++] = 1 << 3;
            Bytes[Count++] = (byte)Limits.ProtocolVersion;
            Text(2, clientName, text);
        }

        /// <summary>Adds a Publish. With an id of 0 there will be no Reply.</summary>
        public void Publish(string channel, ReadOnlySpan<byte> payload, ulong id)
        {
            int text = Utf8.Size(channel);
            int size = TextSize(text) + NumberSize(id);
            if (payload.Length > 0)
            {
                size += 1 + VarintSize((ulong)payload.Length) + payload.Length;
            }
            Head(2, size);
            Text(1, channel, text);
            if (payload.Length > 0)
            {
                Bytes[Count++] = 2 << 3 | 2;
                Varint((ulong)payload.Length);
                payload.CopyTo(new Span<byte>(Bytes, Count, payload.Length));
                Count += payload.Length;
            }
            Number(3, id);
        }

        /// <summary>Adds a Subscribe.</summary>
        public void Subscribe(ulong id, List<string> channels, List<string> patterns)
        {
            Names(3, id, channels, patterns);
        }

        /// <summary>Adds an Unsubscribe.</summary>
        public void Unsubscribe(ulong id, List<string> channels, List<string> patterns)
        {
            Names(4, id, channels, patterns);
        }

        /// <summary>Adds a Ping. Settled asks for the Reply only once all earlier publishes are answered.</summary>
        public void Ping(ulong id, bool settled)
        {
            Head(5, NumberSize(id) + (settled ? 2 : 0));
            Number(1, id);
            if (settled)
            {
                Bytes[Count++] = 2 << 3;
                Bytes[Count++] = 1;
            }
        }

        /// <summary>How many bytes a name of this size takes in a Subscribe.</summary>
        public static int NameBytes(int size)
        {
            return 1 + VarintSize((ulong)size) + size;
        }

        private void Names(int kind, ulong id, List<string> channels, List<string> patterns)
        {
            int size = NumberSize(id);
            foreach (string name in channels)
            {
                size += NameBytes(Utf8.Size(name));
            }
            foreach (string name in patterns)
            {
                size += NameBytes(Utf8.Size(name));
            }
            Head(kind, size);
            Number(1, id);
            foreach (string name in channels)
            {
                Name(2, name, Utf8.Size(name));
            }
            foreach (string name in patterns)
            {
                Name(3, name, Utf8.Size(name));
            }
        }

        /// <summary>Adds the frame's length, and the tag and length of its kind, and makes room for its content.</summary>
        private void Head(int kind, int size)
        {
            int body = 1 + VarintSize((ulong)size) + size;
            Reserve(Limits.HeaderBytes + body);
            Bytes[Count++] = (byte)(body >> 24);
            Bytes[Count++] = (byte)(body >> 16);
            Bytes[Count++] = (byte)(body >> 8);
            Bytes[Count++] = (byte)body;
            Bytes[Count++] = (byte)(kind << 3 | 2);
            Varint((ulong)size);
        }

        private void Reserve(int more)
        {
            if (Bytes.Length - Count < more)
            {
                Array.Resize(ref Bytes, Math.Max(Count + more, (int)Math.Min(2L * Bytes.Length, int.MaxValue / 2)));
            }
        }

        private void Text(int number, string text, int size)
        {
            if (size > 0)
            {
                Name(number, text, size);
            }
        }

        /// <summary>Writes an empty text as well: an element of a repeated field has no default to leave out.</summary>
        private void Name(int number, string text, int size)
        {
            Bytes[Count++] = (byte)(number << 3 | 2);
            Varint((ulong)size);
            Count = Utf8.Write(text, size, Bytes, Count);
        }

        private void Number(int number, ulong value)
        {
            if (value != 0)
            {
                Bytes[Count++] = (byte)(number << 3);
                Varint(value);
            }
        }

        private void Varint(ulong value)
        {
            while (value >= 0x80)
            {
                Bytes[Count++] = (byte)(value | 0x80);
                value >>= 7;
            }
            Bytes[Count++] = (byte)value;
        }

        private static int TextSize(int size)
        {
            return size == 0 ? 0 : NameBytes(size);
        }

        private static int NumberSize(ulong value)
        {
            return value == 0 ? 0 : 1 + VarintSize(value);
        }

        private static int VarintSize(ulong value)
        {
            int size = 1;
            while (value >= 0x80)
            {
                value >>= 7;
                size++;
            }
            return size;
        }
    }
}
