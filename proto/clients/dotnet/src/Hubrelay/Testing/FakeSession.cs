using System;
using System.Collections.Generic;
using System.IO;
using System.Net.Sockets;
using System.Threading;
using Hubrelay.Wire;

namespace Hubrelay.Testing
{
    /// <summary>One connection to a FakeRelay. It is guarded by the relay's lock, except its output.</summary>
    internal sealed class FakeSession
    {
        private readonly FakeRelay relay;
        private readonly Socket socket;
        private readonly int life; // the life of the relay that it is connected to
        private readonly HashSet<string> channels = new HashSet<string>();
        private readonly HashSet<string> patterns = new HashSet<string>();
        private readonly List<ProtoWriter> owed = new List<ProtoWriter>(); // Replies held back by Stall
        private readonly MemoryStream pending = new MemoryStream(); // its own lock guards it
        private bool isClosing; // it will close after the pending bytes
        private bool isShut; // the client has shut its writing side

        public FakeSession(FakeRelay relay, Socket socket, int life)
        {
            this.relay = relay;
            this.socket = socket;
            this.life = life;
        }

        public void Start()
        {
            new Thread(Read) { IsBackground = true, Name = "fake relay reader" }.Start();
            new Thread(Write) { IsBackground = true, Name = "fake relay writer" }.Start();
        }

        /// <summary>Ends the connection at once.</summary>
        public void End()
        {
            relay.Sessions.Remove(this);
            lock (pending)
            {
                pending.SetLength(0);
            }
            Finish();
        }

        public ulong Deliver(string channel, byte[] payload)
        {
            ulong count = 0;
            if (channels.Contains(channel))
            {
                Send(Kind.Message, new ProtoWriter().Text(1, channel).Bytes(2, payload));
                count++;
            }
            foreach (string pattern in patterns)
            {
                if (!channel.StartsWith(Limits.FencePrefix, StringComparison.Ordinal) && Glob.Matches(pattern, channel))
                {
                    Send(Kind.Message, new ProtoWriter().Text(1, channel).Bytes(2, payload).Text(3, pattern));
                    count++;
                }
            }
            return count;
        }

        public void Revoke(string name)
        {
            var frame = new ProtoWriter();
            bool hadChannel = channels.Remove(name);
            bool hadPattern = patterns.Remove(name);
            if (hadChannel)
            {
                frame.Text(1, name);
            }
            if (hadPattern)
            {
                frame.Text(2, name);
            }
            if (hadChannel || hadPattern)
            {
                Send(Kind.Revoked, frame.Text(3, "NOPERM"));
            }
        }

        public void SendStatus(StatusFrame status)
        {
            Send(Kind.Status, Encode(status));
        }

        public void SendLoss(ulong publishes, ulong messages, RelayCause cause)
        {
            Send(Kind.Loss, new ProtoWriter().Number(1, publishes).Number(2, messages).Number(5, (ulong)cause));
        }

        public void SendOwed()
        {
            foreach (ProtoWriter reply in owed)
            {
                Send(Kind.Reply, reply);
            }
            owed.Clear();
            EndIfDone();
        }

        private static ProtoWriter Encode(StatusFrame s)
        {
            return new ProtoWriter().Number(1, (ulong)s.State).Text(2, s.Reason).Number(3, s.SinceUnixMs).Number(4, s.Outages)
                .Number(5, s.DownMs).Number(6, s.Publishing ? 1UL : 0).Number(7, s.Receiving ? 1UL : 0).Number(8, s.Gaps)
                .Number(9, (ulong)s.Cause);
        }

        /// <summary>Queues a frame. The queue has no bound, since tests are small.</summary>
        private void Send(Kind kind, ProtoWriter content)
        {
            byte[] body = new ProtoWriter().Message((int)kind, content).ToArray();
            lock (pending)
            {
                for (int shift = 24; shift >= 0; shift -= 8)
                {
                    pending.WriteByte((byte)(body.Length >> shift));
                }
                pending.Write(body, 0, body.Length);
                Monitor.Pulse(pending);
            }
        }

        /// <summary>Closes the connection after the queued bytes.</summary>
        private void Finish()
        {
            lock (pending)
            {
                isClosing = true;
                Monitor.Pulse(pending);
            }
        }

        /// <summary>Ends the connection once nothing is owed, if the client has shut its writing side.</summary>
        private void EndIfDone()
        {
            if (isShut && owed.Count == 0)
            {
                relay.Sessions.Remove(this);
                Finish();
            }
        }

        private void Write()
        {
            try
            {
                for (;;)
                {
                    byte[] chunk;
                    lock (pending)
                    {
                        while (pending.Length == 0 && !isClosing)
                        {
                            Monitor.Wait(pending);
                        }
                        chunk = pending.ToArray();
                        pending.SetLength(0);
                    }
                    if (chunk.Length == 0)
                    {
                        break;
                    }
                    socket.Send(chunk);
                }
                socket.Shutdown(SocketShutdown.Both);
            }
            catch (SocketException)
            {
                // The client is gone.
            }
            finally
            {
                socket.Dispose();
            }
        }

        private void Read()
        {
            var buffer = new byte[FakeRelay.MaxFrameBytes + Limits.HeaderBytes];
            int used = 0;
            bool isOrderly = false;
            try
            {
                for (;;)
                {
                    int count = socket.Receive(buffer, used, buffer.Length - used, SocketFlags.None);
                    isOrderly = count == 0;
                    if (count == 0)
                    {
                        break;
                    }
                    used = HandleFrames(buffer, used + count);
                }
            }
            catch (SocketException)
            {
                // The connection is closed, or the client speaks another protocol.
            }
            catch (ObjectDisposedException)
            {
                // The connection is closed.
            }
            Close(isOrderly);
        }

        /// <summary>Handles the whole frames, and moves the remaining bytes to the beginning. Returns how many remain.</summary>
        private int HandleFrames(byte[] buffer, int used)
        {
            int at = 0;
            for (;;)
            {
                Cut cut = Splitter.Look(buffer, at, used, (int)FakeRelay.MaxFrameBytes, out int length);
                if (cut == Cut.BadLength)
                {
                    throw new SocketException((int)SocketError.MessageSize);
                }
                if (cut == Cut.NeedMore)
                {
                    Buffer.BlockCopy(buffer, at, buffer, 0, used - at);
                    return used - at;
                }
                Handle(ClientFrame.Decode(buffer, at + Limits.HeaderBytes, length));
                at += Limits.HeaderBytes + length;
            }
        }

        private void Close(bool isOrderly)
        {
            lock (relay.Gate)
            {
                isShut = true;
                if (isOrderly)
                {
                    EndIfDone();
                }
                else
                {
                    End();
                }
            }
        }

        private void Handle(ClientFrame frame)
        {
            lock (relay.Gate)
            {
                switch (frame.Kind)
                {
                    case 1:
                        SendWelcome();
                        break;
                    case 2:
                        Publish(frame);
                        break;
                    case 3:
                        Reply(frame.Id, Subscribe(frame));
                        break;
                    case 4:
                        channels.ExceptWith(frame.Channels);
                        patterns.ExceptWith(frame.Patterns);
                        Reply(frame.Id, new ProtoWriter().Number(2, Outcome.Ok));
                        break;
                    case 5:
                        ReplyUnlessStalled(frame.Id, new ProtoWriter().Number(2, Outcome.Ok), frame.IsSettled);
                        break;
                }
            }
        }

        private void SendWelcome()
        {
            ProtoWriter welcome = new ProtoWriter().Number(1, 1).Text(2, "fake").Text(3, $"life-{life}")
                .Number(4, FakeRelay.MaxFrameBytes).Message(5, Encode(relay.Status)).Number(6, FakeRelay.MaxFrameBytes - 4096);
            foreach (string feature in relay.Features)
            {
                welcome.Text(7, feature);
            }
            Send(Kind.Welcome, welcome);
        }

        private void Publish(ClientFrame frame)
        {
            if (!relay.Status.Publishing)
            {
                Reply(frame.Id, new ProtoWriter().Number(2, Outcome.NotConnected));
                if (frame.Id == 0)
                {
                    SendLoss(1, 0, RelayCause.NotConnected);
                }
                return;
            }
            ulong receivers = relay.FanOut(frame.Channel, frame.Payload);
            if (!frame.Channel.StartsWith(Limits.FencePrefix, StringComparison.Ordinal))
            {
                relay.Record(frame.Channel, frame.Payload);
            }
            ReplyUnlessStalled(frame.Id, new ProtoWriter().Number(2, Outcome.Ok).Number(3, receivers), true);
        }

        private ProtoWriter Subscribe(ClientFrame frame)
        {
            List<string> badChannels = frame.Channels.FindAll(relay.IsRefused);
            List<string> badPatterns = frame.Patterns.FindAll(relay.IsRefused);
            if (badChannels.Count + badPatterns.Count > 0)
            {
                ProtoWriter reply = new ProtoWriter().Number(2, Outcome.Refused).Text(4, "NOPERM");
                badChannels.ForEach(name => reply.Text(5, name));
                badPatterns.ForEach(name => reply.Text(6, name));
                return reply;
            }
            channels.UnionWith(frame.Channels);
            patterns.UnionWith(frame.Patterns);
            return new ProtoWriter().Number(2, (ulong)(relay.Status.Receiving ? Outcome.Ok : Outcome.Pending));
        }

        /// <summary>
        /// Sends a Reply. While Redis hangs, it holds back the Reply to a publish, or to a request that waits for publishes.
        /// </summary>
        private void ReplyUnlessStalled(ulong id, ProtoWriter reply, bool waits)
        {
            if (waits && relay.IsStalled && id != 0)
            {
                owed.Add(reply.Number(1, id));
                return;
            }
            Reply(id, reply);
        }

        private void Reply(ulong id, ProtoWriter reply)
        {
            if (id != 0)
            {
                Send(Kind.Reply, reply.Number(1, id));
            }
        }
    }
}
