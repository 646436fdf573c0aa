namespace Hubrelay.Wire
{
    /// <summary>
    /// A decoded RelayFrame. Kind says which of the other fields counts. The object is reused for the next frame.
    /// </summary>
    internal sealed class RelayFrame
    {
        public Kind Kind;
        public WelcomeFrame Welcome;
        public MessageFrame Message;
        public readonly ReplyFrame Reply = new ReplyFrame();
        public StatusFrame Status;
        public LossFrame Loss;
        public ErrorFrame Error;
        public RevokedFrame Revoked;

        /// <summary>
        /// Reads a body. False: it is malformed. Of several kinds the last one counts. A kind that comes twice in a row is
        /// merged, as protobuf requires.
        /// </summary>
        public bool Decode(byte[] data, int start, int length)
        {
            Kind = Kind.None;
            var f = new Fields(data, start, length);
            while (f.Next())
            {
                if (f.WireType != 2 || f.Number > (ulong)Kind.Revoked)
                {
                    continue;
                }
                if ((Kind)f.Number != Kind)
                {
                    Kind = (Kind)f.Number;
                    Reset();
                }
                if (!DecodeKind(data, new Fields(data, f.Start, f.Length)))
                {
                    return false;
                }
            }
            return !f.IsBad;
        }

        /// <summary>Clears the content of this kind that an earlier frame left.</summary>
        private void Reset()
        {
            switch (Kind)
            {
                case Kind.Welcome: Welcome = new WelcomeFrame(); break;
                case Kind.Message: Message = default(MessageFrame); break;
                case Kind.Reply: Reply.Reset(); break;
                case Kind.Status: Status = new StatusFrame { Reason = "" }; break;
                case Kind.Loss: Loss = new LossFrame { Reason = "" }; break;
                case Kind.Error: Error = new ErrorFrame { Detail = "" }; break;
                case Kind.Revoked: Revoked = new RevokedFrame(); break;
            }
        }

        private bool DecodeKind(byte[] data, Fields f)
        {
            switch (Kind)
            {
                case Kind.Welcome: return DecodeWelcome(data, ref f);
                case Kind.Message: return DecodeMessage(data, ref f);
                case Kind.Reply: return DecodeReply(ref f);
                case Kind.Status: return DecodeStatus(ref f, ref Status);
                case Kind.Loss: return DecodeLoss(ref f);
                case Kind.Error: return DecodeError(ref f);
                default: return DecodeRevoked(ref f);
            }
        }

        private bool DecodeMessage(byte[] data, ref Fields f)
        {
            Message.Data = data;
            while (f.Next())
            {
                switch (f.Number)
                {
                    case 1: f.ReadText(ref Message.Channel); break;
                    case 2: f.Read(ref Message.Payload); break;
                    case 3: f.ReadText(ref Message.Pattern); break;
                }
            }
            return !f.IsBad;
        }

        private bool DecodeReply(ref Fields f)
        {
            while (f.Next())
            {
                switch (f.Number)
                {
                    case 1: f.Read(ref Reply.Id); break;
                    case 2: f.Read(ref Reply.Outcome); break;
                    case 3: f.Read(ref Reply.Receivers); break;
                    case 4: f.Read(ref Reply.Detail); break;
                    case 5: f.Read(Reply.Channels); break;
                    case 6: f.Read(Reply.Patterns); break;
                }
            }
            return !f.IsBad;
        }

        private bool DecodeWelcome(byte[] data, ref Fields f)
        {
            WelcomeFrame w = Welcome;
            w.Status.Reason = w.Status.Reason ?? "";
            while (f.Next())
            {
                switch (f.Number)
                {
                    case 1: f.Read(ref w.Version); break;
                    case 2: f.Read(ref w.RelayVersion); break;
                    case 3: f.Read(ref w.RelayId); break;
                    case 4: f.Read(ref w.MaxFrameBytes); break;
                    case 5:
                        if (f.WireType == 2)
                        {
                            var inner = new Fields(data, f.Start, f.Length);
                            f.IsBad |= !DecodeStatus(ref inner, ref w.Status);
                        }
                        break;
                    case 6: f.Read(ref w.MaxPayloadBytes); break;
                    case 7: f.Read(w.Features); break;
                }
            }
            return !f.IsBad;
        }

        private static bool DecodeStatus(ref Fields f, ref StatusFrame s)
        {
            while (f.Next())
            {
                switch (f.Number)
                {
                    case 1: f.Read(ref s.State); break;
                    case 2: f.Read(ref s.Reason); break;
                    case 3: f.Read(ref s.SinceUnixMs); break;
                    case 4: f.Read(ref s.Outages); break;
                    case 5: f.Read(ref s.DownMs); break;
                    case 6: f.Read(ref s.Publishing); break;
                    case 7: f.Read(ref s.Receiving); break;
                    case 8: f.Read(ref s.Gaps); break;
                    case 9: f.Read(ref s.Cause); break;
                }
            }
            return !f.IsBad;
        }

        private bool DecodeLoss(ref Fields f)
        {
            while (f.Next())
            {
                switch (f.Number)
                {
                    case 1: f.Read(ref Loss.Publishes); break;
                    case 2: f.Read(ref Loss.Messages); break;
                    case 3: f.Read(ref Loss.Reason); break;
                    case 4: f.Read(ref Loss.PublishesUnknown); break;
                    case 5: f.Read(ref Loss.Cause); break;
                }
            }
            return !f.IsBad;
        }

        private bool DecodeError(ref Fields f)
        {
            while (f.Next())
            {
                switch (f.Number)
                {
                    case 1: f.Read(ref Error.Code); break;
                    case 2: f.Read(ref Error.Detail); break;
                }
            }
            return !f.IsBad;
        }

        private bool DecodeRevoked(ref Fields f)
        {
            while (f.Next())
            {
                switch (f.Number)
                {
                    case 1: f.Read(Revoked.Channels); break;
                    case 2: f.Read(Revoked.Patterns); break;
                    case 3: f.Read(ref Revoked.Detail); break;
                }
            }
            return !f.IsBad;
        }
    }
}
