using System.Collections.Generic;

namespace Hubrelay.Wire
{
    /// <summary>
    /// The field number of a frame's content in RelayFrame. None: the frame is well-formed, but its kind is not known here.
    /// </summary>
    internal enum Kind
    {
        None = 0,
        Welcome = 1,
        Message = 2,
        Reply = 3,
        Status = 4,
        Loss = 5,
        Error = 6,
        Revoked = 7,
    }

    /// <summary>The relay's answer to Hello.</summary>
    internal sealed class WelcomeFrame
    {
        public uint Version;
        public string RelayVersion = "";
        public string RelayId = "";
        public uint MaxFrameBytes;
        public StatusFrame Status;
        public uint MaxPayloadBytes;
        public readonly List<string> Features = new List<string>();

        public bool Has(string feature)
        {
            return Features.Contains(feature);
        }
    }

    /// <summary>A message. Its parts are in the buffer that was decoded.</summary>
    internal struct MessageFrame
    {
        public byte[] Data;
        public Slice Channel;
        public Slice Payload;
        public Slice Pattern;
    }

    /// <summary>The answer to one request.</summary>
    internal sealed class ReplyFrame
    {
        public ulong Id;
        public int Outcome;
        public ulong Receivers;
        public string Detail = "";
        public readonly List<string> Channels = new List<string>();
        public readonly List<string> Patterns = new List<string>();

        public ReplyFrame()
        {
        }

        public ReplyFrame(int outcome)
        {
            Outcome = outcome;
        }

        public void Reset()
        {
            Id = 0;
            Outcome = 0;
            Receivers = 0;
            Detail = "";
            Channels.Clear();
            Patterns.Clear();
        }
    }

    /// <summary>The relay's report on the path between it and Redis.</summary>
    internal struct StatusFrame
    {
        public int State;
        public string Reason;
        public ulong SinceUnixMs;
        public ulong Outages;
        public ulong DownMs;
        public bool Publishing;
        public bool Receiving;
        public ulong Gaps;
        public int Cause;
    }

    /// <summary>What the connection lost.</summary>
    internal struct LossFrame
    {
        public ulong Publishes;
        public ulong Messages;
        public string Reason;
        public ulong PublishesUnknown;
        public int Cause;
    }

    /// <summary>The last frame of a connection.</summary>
    internal struct ErrorFrame
    {
        public int Code;
        public string Detail;
    }

    /// <summary>Subscriptions that the connection no longer has.</summary>
    internal sealed class RevokedFrame
    {
        public readonly List<string> Channels = new List<string>();
        public readonly List<string> Patterns = new List<string>();
        public string Detail = "";
    }
}
