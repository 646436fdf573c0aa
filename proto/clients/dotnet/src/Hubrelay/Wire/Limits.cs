namespace Hubrelay.Wire
{
    /// <summary>Sizes in bytes, and texts, that both sides know without sending them.</summary>
    internal static class Limits
    {
        public const int HeaderBytes = 4;
        public const int MaxHelloBytes = 4096;
        public const int MaxWelcomeBytes = 64 * 1024;
        public const int MaxClientName = 64;
        public const int MaxNameBytes = 512;

        /// <summary>The maximum size of an array. A frame is in one array.</summary>
        public const int MaxArrayBytes = 0x7fffffc7;

        public const ulong MaxId = (1UL << 53) - 1;
        public const uint ProtocolVersion = 1;
        public const string FencePrefix = "__hubrelay:fence:";
        public const string FeaturePatterns = "patterns";
        public const string FeatureSettled = "settled";
        public const string FeatureFence = "fence";

        /// <summary>The maximum size of the tags, lengths and id around a channel and a payload.</summary>
        public const int PublishOverhead = 32;

        /// <summary>The same for a Subscribe without names.</summary>
        public const int SubscribeMinimum = 32;
    }

    /// <summary>The outcomes of a Reply. Others count as a failure.</summary>
    internal static class Outcome
    {
        public const int Ok = 1;
        public const int Pending = 2;
        public const int NotConnected = 3;
        public const int Interrupted = 4;
        public const int Refused = 5;
        public const int Invalid = 6;
        public const int Limit = 7;
    }

    /// <summary>The codes of an Error after which it is useless to try again soon.</summary>
    internal static class Code
    {
        public const int Version = 4;
        public const int NotAllowed = 5;
    }
}
