using System;
using System.Collections.Generic;
using Hubrelay.Wire;

namespace Hubrelay.Testing
{
    /// <summary>A decoded ClientFrame of this library's client.</summary>
    internal sealed class ClientFrame
    {
        public int Kind;
        public ulong Id;
        public string Channel = "";
        public byte[] Payload = Array.Empty<byte>();
        public bool IsSettled;
        public readonly List<string> Channels = new List<string>();
        public readonly List<string> Patterns = new List<string>();

        public static ClientFrame Decode(byte[] data, int start, int length)
        {
            var frame = new ClientFrame();
            var f = new Fields(data, start, length);
            while (f.Next())
            {
                frame.Kind = (int)f.Number;
                frame.ReadKind(data, new Fields(data, f.Start, f.Length));
            }
            return frame;
        }

        private void ReadKind(byte[] data, Fields f)
        {
            while (f.Next())
            {
                switch (Kind)
                {
                    case 2:
                        ReadPublish(data, ref f);
                        break;
                    case 3:
                    case 4:
                        ReadNames(ref f);
                        break;
                    case 5:
                        ReadPing(ref f);
                        break;
                }
            }
        }

        private void ReadPublish(byte[] data, ref Fields f)
        {
            switch (f.Number)
            {
                case 1: f.Read(ref Channel); break;
                case 2:
                    Payload = new byte[f.Length];
                    Buffer.BlockCopy(data, f.Start, Payload, 0, f.Length);
                    break;
                case 3: f.Read(ref Id); break;
            }
        }

        private void ReadNames(ref Fields f)
        {
            switch (f.Number)
            {
                case 1: f.Read(ref Id); break;
                case 2: f.Read(Channels); break;
                case 3: f.Read(Patterns); break;
            }
        }

        private void ReadPing(ref Fields f)
        {
            switch (f.Number)
            {
                case 1: f.Read(ref Id); break;
                case 2: f.Read(ref IsSettled); break;
            }
        }
    }
}
