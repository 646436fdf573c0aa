using System.Collections.Generic;

namespace Hubrelay.Wire
{
    /// <summary>
    /// Reads a protobuf message field by field. After Next has returned true, Number and WireType identify the field, and Value
    /// (type 0) or Start and Length (type 2) give its content.
    /// </summary>
    internal struct Fields
    {
        private const ulong MaxFieldNumber = (1UL << 29) - 1;

        private readonly byte[] data;
        private readonly int end;
        private int at;

        public ulong Number;
        public int WireType;
        public ulong Value;
        public int Start;
        public int Length;

        /// <summary>True if the message is malformed.</summary>
        public bool IsBad;

        public Fields(byte[] data, int start, int length)
        {
            this.data = data;
            at = start;
            end = start + length;
            Number = 0;
            WireType = 0;
            Value = 0;
            Start = 0;
            Length = 0;
            IsBad = false;
        }

        /// <summary>Reads the next field. False at the end of the message, or if it is malformed.</summary>
        public bool Next()
        {
            if (at >= end || IsBad)
            {
                return false;
            }
            ulong tag = Varint();
            Number = tag >> 3;
            WireType = (int)(tag & 7);
            if (IsBad || Number == 0 || Number > MaxFieldNumber)
            {
                return Fail();
            }
            switch (WireType)
            {
                case 0:
                    Value = Varint();
                    return !IsBad;
                case 1:
                    return Take(8);
                case 2:
                    ulong size = Varint();
                    return !IsBad && Take(size);
                case 5:
                    return Take(4);
                default: // groups, which proto3 does not have, and numbers that have no meaning
                    return Fail();
            }
        }

        // The methods below ignore a field that has the wrong wire type: it is skipped like an unknown field.

        public void Read(ref ulong to)
        {
            to = WireType == 0 ? Value : to;
        }

        public void Read(ref uint to)
        {
            to = WireType == 0 ? (uint)Value : to;
        }

        /// <summary>Reads an enum: its low 32 bits count, as a signed number.</summary>
        public void Read(ref int to)
        {
            to = WireType == 0 ? (int)Value : to;
        }

        public void Read(ref bool to)
        {
            to = WireType == 0 ? Value != 0 : to;
        }

        public void Read(ref string to)
        {
            if (CheckText())
            {
                to = Utf8.Read(data, Start, Length);
            }
        }

        public void Read(List<string> to)
        {
            if (CheckText())
            {
                to.Add(Utf8.Read(data, Start, Length));
            }
        }

        public void Read(ref Slice to)
        {
            if (WireType == 2)
            {
                to = new Slice(Start, Length);
            }
        }

        public void ReadText(ref Slice to)
        {
            if (CheckText())
            {
                to = new Slice(Start, Length);
            }
        }

        private bool CheckText()
        {
            if (WireType != 2)
            {
                return false;
            }
            IsBad = IsBad || !Utf8.Valid(data, Start, Length);
            return !IsBad;
        }

        private bool Fail()
        {
            IsBad = true;
            return false;
        }

        private bool Take(ulong size)
        {
            if (size > (ulong)(end - at))
            {
                return Fail();
            }
            Start = at;
            Length = (int)size;
            at += Length;
            return true;
        }

        private ulong Varint()
        {
            if (at < end && data[at] < 0x80)
            {
                return data[at++]; // most are of one byte
            }
            ulong value = 0;
            for (int i = 0; i < 10 && at < end; i++)
            {
                byte b = data[at++];
                value |= (ulong)(b & 0x7f) << (7 * i);
                if (b < 0x80)
                {
                    return value;
                }
            }
            IsBad = true;
            return 0;
        }
    }

    /// <summary>A part of a buffer.</summary>
    internal readonly struct Slice
    {
        public readonly int Start;
        public readonly int Length;

        public Slice(int start, int length)
        {
            Start = start;
            Length = length;
        }
    }
}
