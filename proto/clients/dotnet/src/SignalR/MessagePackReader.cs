using System;
using System.IO;
using System.Runtime.InteropServices;
using System.Text;

namespace Hubrelay.SignalR
{
    /// <summary>
    /// Reads those parts of MessagePack that SignalR's envelopes have, in every form that the format allows, not only in the
    /// shortest. Each method throws an InvalidDataException if the bytes are something else, or end too early. A length that goes
    /// beyond the end is rejected.
    /// </summary>
    internal struct MessagePackReader
    {
        private readonly ReadOnlyMemory<byte> data;
        private int at;

        public MessagePackReader(ReadOnlyMemory<byte> data)
        {
            this.data = data;
            at = 0;
        }

        private int Left => data.Length - at;

        /// <summary>How many items the array has.</summary>
        public int ReadArrayHeader()
        {
            byte code = Take();
            switch (code)
            {
                case 0xdc: return Count(TakeBigEndian(2), 1, "array");
                case 0xdd: return Count(TakeBigEndian(4), 1, "array");
                default:
                    if ((code & 0xf0) != 0x90)
                    {
                        throw Wrong(code, "an array");
                    }
                    return Count(code & 0x0f, 1, "array");
            }
        }

        /// <summary>How many pairs the map has.</summary>
        public int ReadMapHeader()
        {
            byte code = Take();
            switch (code)
            {
                case 0xde: return Count(TakeBigEndian(2), 2, "map");
                case 0xdf: return Count(TakeBigEndian(4), 2, "map");
                default:
                    if ((code & 0xf0) != 0x80)
                    {
                        throw Wrong(code, "a map");
                    }
                    return Count(code & 0x0f, 2, "map");
            }
        }

        /// <summary>An integer of 32 bits.</summary>
        public int ReadInt()
        {
            byte code = Take();
            long value;
            switch (code)
            {
                case 0xcc: value = TakeBigEndian(1); break;
                case 0xcd: value = TakeBigEndian(2); break;
                case 0xce: value = TakeBigEndian(4); break;
                case 0xcf: value = TakeBigEndian(8); break; // from 2^63 on it looks negative, which is rejected below, too
                case 0xd0: value = (sbyte)TakeBigEndian(1); break;
                case 0xd1: value = (short)TakeBigEndian(2); break;
                case 0xd2: value = (int)TakeBigEndian(4); break;
                case 0xd3: value = TakeBigEndian(8); break;
                default:
                    if (code > 0x7f && code < 0xe0)
                    {
                        throw Wrong(code, "an integer");
                    }
                    value = (sbyte)code;
                    break;
            }
            if (value < int.MinValue || value > int.MaxValue || (code == 0xcf && value < 0))
            {
                throw new InvalidDataException($"the integer {value} has more than 32 bits");
            }
            return (int)value;
        }

        /// <summary>A string, or null for nil. Bytes that are not UTF-8 become U+FFFD.</summary>
        public string ReadString()
        {
            byte code = Take();
            long length;
            switch (code)
            {
                case 0xc0: return null;
                case 0xd9: length = TakeBigEndian(1); break;
                case 0xda: length = TakeBigEndian(2); break;
                case 0xdb: length = TakeBigEndian(4); break;
                default:
                    if ((code & 0xe0) != 0xa0)
                    {
                        throw Wrong(code, "a string");
                    }
                    length = code & 0x1f;
                    break;
            }
            ReadOnlyMemory<byte> text = TakeBytes(length);
            MemoryMarshal.TryGetArray(text, out ArraySegment<byte> segment);
            return segment.Count == 0 ? "" : Encoding.UTF8.GetString(segment.Array, segment.Offset, segment.Count);
        }

        /// <summary>
        /// Bytes. They are a part of the input, not a copy; nil gives no bytes. Old writers encode bytes as a string.
        /// </summary>
        public ReadOnlyMemory<byte> ReadBinary()
        {
            byte code = Take();
            switch (code)
            {
                case 0xc0: return ReadOnlyMemory<byte>.Empty;
                case 0xc4:
                case 0xd9: return TakeBytes(TakeBigEndian(1));
                case 0xc5:
                case 0xda: return TakeBytes(TakeBigEndian(2));
                case 0xc6:
                case 0xdb: return TakeBytes(TakeBigEndian(4));
                default:
                    if ((code & 0xe0) != 0xa0)
                    {
                        throw Wrong(code, "bytes");
                    }
                    return TakeBytes(code & 0x1f);
            }
        }

        private int Count(long count, int bytesEach, string what)
        {
            if (count * bytesEach > Left)
            {
                throw new InvalidDataException($"the {what} of {count} ends after {Left} bytes");
            }
            return (int)count;
        }

        private byte Take()
        {
            return TakeBytes(1).Span[0];
        }

        private long TakeBigEndian(int width)
        {
            long value = 0;
            foreach (byte one in TakeBytes(width).Span)
            {
                value = (value << 8) | one;
            }
            return value;
        }

        private ReadOnlyMemory<byte> TakeBytes(long count)
        {
            if (count > Left)
            {
                throw new InvalidDataException($"{count} bytes are missing at byte {at} of {data.Length}");
            }
            ReadOnlyMemory<byte> taken = data.Slice(at, (int)count);
            at += (int)count;
            return taken;
        }

        private InvalidDataException Wrong(byte code, string wanted)
        {
            return new InvalidDataException($"0x{code:x2} at byte {at - 1} is not {wanted}");
        }
    }
}
