using System.IO;
using System.Text;

namespace Hubrelay.Testing
{
    /// <summary>Writes a protobuf message. Fields that have their default are left out.</summary>
    internal sealed class ProtoWriter
    {
        private readonly MemoryStream output = new MemoryStream();

        public ProtoWriter Number(int field, ulong value)
        {
            if (value != 0)
            {
                Varint((ulong)field << 3);
                Varint(value);
            }
            return this;
        }

        public ProtoWriter Text(int field, string text)
        {
            return Bytes(field, Encoding.UTF8.GetBytes(text));
        }

        public ProtoWriter Bytes(int field, byte[] bytes)
        {
            return bytes.Length == 0 ? this : Content(field, bytes);
        }

        public ProtoWriter Message(int field, ProtoWriter inner)
        {
            return Content(field, inner.ToArray());
        }

        public byte[] ToArray()
        {
            return output.ToArray();
        }

        private ProtoWriter Content(int field, byte[] bytes)
        {
            Varint((ulong)field << 3 | 2);
            Varint((ulong)bytes.Length);
            output.Write(bytes, 0, bytes.Length);
            return this;
        }

        private void Varint(ulong value)
        {
            for (; value >= 0x80; value >>= 7)
            {
                output.WriteByte((byte)(value | 0x80));
            }
            output.WriteByte((byte)value);
        }
    }
}
