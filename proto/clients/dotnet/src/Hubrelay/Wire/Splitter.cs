namespace Hubrelay.Wire
{
    /// <summary>What Splitter has found at a place in a stream.</summary>
    internal enum Cut
    {
        /// <summary>A whole frame.</summary>
        Frame,

        /// <summary>More bytes are needed.</summary>
        NeedMore,

        /// <summary>A length that is not allowed. This is known before the body comes.</summary>
        BadLength,
    }

    /// <summary>Cuts a stream of bytes into bodies.</summary>
    internal static class Splitter
    {
        /// <summary>Checks the frame that begins at a place. The length is that of its body, if its header is complete.</summary>
        public static Cut Look(byte[] data, int at, int end, int maxFrame, out int length)
        {
            length = 0;
            if (end - at < Limits.HeaderBytes)
            {
                return Cut.NeedMore;
            }
            uint size = (uint)(data[at] << 24 | data[at + 1] << 16 | data[at + 2] << 8 | data[at + 3]);
            if (size == 0 || size > (uint)maxFrame)
            {
                return Cut.BadLength;
            }
            length = (int)size;
            return end - at - Limits.HeaderBytes < length ? Cut.NeedMore : Cut.Frame;
        }
    }
}
