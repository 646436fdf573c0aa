using System;
using System.Text;

namespace Hubrelay.SignalR
{
    /// <summary>
    /// Writes those parts of MessagePack that SignalR's envelopes have, each in its shortest form, as MessagePack for C# does.
    /// The format: https://github.com/msgpack/msgpack/blob/master/spec.md
    /// </summary>
    internal sealed class MessagePackWriter
    {
        private const int FirstBytes = 256;

        private byte[] bytes;
        private int size;

        /// <param name="expectedBytes">The approximate size of the result, so that the buffer need not grow.</param>
        public MessagePackWriter(int expectedBytes = FirstBytes)
        {
            bytes = new byte[Math.Max(expectedBytes, FirstBytes)];
        }

        /// <summary>The bytes that have been written.</summary>
        public byte[] ToArray()
        {
            var result = new byte[size];
            Buffer.BlockCopy(bytes, 0, result, 0, size);
            return result;
        }

        /// <summary>Begins an array of this many items.</summary>
        public void WriteArrayHeader(int count)
        {
            WriteHeader(count, 0x90, 0xdc);
        }

        /// <summary>Begins a map of this many pairs.</summary>
        public void WriteMapHeader(int count)
        {
            WriteHeader(count, 0x80, 0xde);
        }

        /// <summary>Writes an integer.</summary>
        public void WriteInt(int value)
        {
            if (value >= 0)
            {
                WriteUnsigned(value);
            }
            else if (value >= -32)
            {
                Add((byte)value);
            }
            else if (value >= sbyte.MinValue)
            {
                Add(0xd0);
                Add((byte)value);
            }
            else if (value >= short.MinValue)
            {
                Add(0xd1);
                AddBigEndian(value, 2);
            }
            else
            {
                Add(0xd2);
                AddBigEndian(value, 4);
            }
        }

        /// <summary>Writes a string, or nil for null.</summary>
        public void WriteString(string value)
        {
            if (value == null)
            {
                Add(0xc0);
                return;
            }
            int length = Encoding.UTF8.GetByteCount(value);
            if (length < 32)
            {
                Add((byte)(0xa0 | length));
            }
            else
            {
                AddLength(length, 0xd9);
            }
            Reserve(length);
            size += Encoding.UTF8.GetBytes(value, 0, value.Length, bytes, size);
        }

        /// <summary>Writes bytes.</summary>
        public void WriteBinary(ReadOnlySpan<byte> value)
        {
            AddLength(value.Length, 0xc4);
            Reserve(value.Length);
            value.CopyTo(new Span<byte>(bytes, size, value.Length));
            size += value.Length;
        }

        private void WriteUnsigned(int value)
        {
            if (value < 128)
            {
                Add((byte)value);
            }
            else
            {
                AddLength(value, 0xcc);
            }
        }

        private void WriteHeader(int count, byte few, byte many)
        {
            if (count < 16)
            {
                Add((byte)(few | count));
            }
            else if (count <= ushort.MaxValue)
            {
                Add(many);
                AddBigEndian(count, 2);
            }
            else
            {
                Add((byte)(many + 1));
                AddBigEndian(count, 4);
            }
        }

        /// <summary>Writes a number of one, two or four bytes after one of three consecutive codes.</summary>
        private void AddLength(int length, byte code)
        {
            int width = length <= byte.MaxValue ? 0 : length <= ushort.MaxValue ? 1 : 2;
            Add((byte)(code + width));
            AddBigEndian(length, 1 << width);
        }

        private void AddBigEndian(int value, int width)
        {
            for (int i = width - 1; i >= 0; i--)
            {
                Add((byte)(value >> (8 * i)));
            }
        }

        private void Add(byte value)
        {
            Reserve(1);
            bytes[size++] = value;
        }

        private void Reserve(int more)
        {
            if (bytes.Length - size < more)
            {
                Array.Resize(ref bytes, Math.Max(2 * bytes.Length, size + more));
            }
        }
    }
}
