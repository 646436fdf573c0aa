using System;
using System.Net.Sockets;
using Hubrelay.Wire;

namespace Hubrelay
{
    /// <summary>
    /// What is read, by a thread of the connection's own: it works also when the thread pool is busy, and is cheaper than the
    /// asynchronous reads of older runtimes.
    /// </summary>
    internal sealed partial class Connection
    {
        /// <summary>The size of the buffer that is read into. A larger frame has a larger one for as long as it takes.</summary>
        private const int ReadBytes = 64 * 1024;

        /// <summary>After how many deliveries the lock is given away in the midst of a read.</summary>
        private const int ManyDeliveries = 256;

        private readonly RelayFrame frame = new RelayFrame(); // the reader's, as what follows
        private byte[] buffer = new byte[ReadBytes];
        private int used; // bytes of the buffer that are no whole frame yet

        private Turn reader; // of the thread that reads; null: it has ended
        private string lastWords; // of the relay's Error
        private bool hasResumed;
        private bool hasHungUp;

        /// <summary>Nobody takes events: the socket is left unread on purpose.</summary>
        public bool IsPaused { get; private set; }

        /// <summary>Begins to read, with the lock.</summary>
        public void StartReading()
        {
            reader = new Turn(client, this);
            Turn mine = reader;
            client.StartThread("hubrelay reader", () => ReadAll(mine), e => OnBrokenReader(mine, e));
        }

        private void OnBrokenReader(Turn mine, Exception e)
        {
            client.TakeOver(mine);
            Abort(e);
            StopReading(mine);
        }

        /// <summary>Something lies in the socket, or its end does.</summary>
        public bool HasInput => !HasEnded && reader != null && socket.CanRead();

        /// <summary>Ends a pause, with the lock.</summary>
        public void Resume()
        {
            if (IsPaused)
            {
                hasResumed = true;
                client.WakeAll();
            }
        }

        /// <summary>
        /// The application's code keeps a reading thread: the thread is left to it, and another one reads, unless this connection
        /// has ended.
        /// </summary>
        public void ReplaceReader(Turn stuck)
        {
            if (reader == stuck && !HasEnded)
            {
                StartReading();
            }
        }

        private void ReadAll(Turn mine)
        {
            while (ReadOnce(mine))
            {
            }
            client.Enter();
            StopReading(mine);
            client.Exit();
        }

        private void StopReading(Turn mine)
        {
            if (reader == mine)
            {
                reader = null;
                CloseIfUnused();
            }
        }

        private void CloseIfUnused()
        {
            if (HasEnded && reader == null && !isWriting)
            {
                socket.Close();
            }
        }

        /// <summary>Reads once, and handles what came. False: it is the end, or another thread reads on.</summary>
        private bool ReadOnce(Turn mine)
        {
            string wrong;
            bool isEnd = false;
            try
            {
                socket.WaitToRead();
                int count = socket.Receive(buffer, used, buffer.Length - used);
                if (count > 0)
                {
                    used += count;
                    return Consume(mine);
                }
                isEnd = count == 0;
                wrong = count < 0 ? null : "the relay closed the connection";
            }
            catch (SocketException e)
            {
                wrong = e.Message;
            }
            client.Enter();
            if (wrong != null)
            {
                hasEndedInOrder = !HasEnded && isEnd && lastWords == null && !Owes && IsShut;
                End(lastWords ?? wrong, Time.Now);
            }
            return EndRead(mine);
        }

        /// <summary>Releases the lock, and lets the application's code go on that has waited for what came.</summary>
        private bool EndRead(Turn mine)
        {
            if (client.TryBeginTurn(mine))
            {
                client.Exit();
                mine.Run();
                client.Enter();
                client.EndTurn(mine);
            }
            bool goesOn = !HasEnded && reader == mine;
            client.Exit();
            return goesOn;
        }

        /// <summary>
        /// Handles the whole frames in the buffer. It holds the lock for all of them, or until many deliveries were made; then
        /// the application's code goes on that has waited for them.
        /// </summary>
        private bool Consume(Turn mine)
        {
            client.Enter();
            int at = 0;
            string wrong = ConsumeFrames(ref at);
            if (wrong != null)
            {
                End(lastWords ?? wrong, Time.Now);
            }
            if (!HasEnded)
            {
                Keep(at);
            }
            return EndRead(mine);
        }

        private string ConsumeFrames(ref int at)
        {
            long now = Time.Now;
            liveness.Read(now);
            while (!HasEnded)
            {
                Cut cut = Splitter.Look(buffer, at, used, MaxFrame, out int length);
                if (cut == Cut.BadLength)
                {
                    return "what answers does not speak hubrelay's protocol: a frame of an impossible length";
                }
                if (cut == Cut.NeedMore)
                {
                    return null;
                }
                if (MustPause(length))
                {
                    Pause();
                    now = Time.Now;
                    continue;
                }
                if (client.Deliveries >= ManyDeliveries)
                {
                    client.LetOthers();
                    now = Time.Now;
                    continue;
                }
                int body = at + Limits.HeaderBytes;
                at = body + length;
                if (!frame.Decode(buffer, body, length))
                {
                    return "what answers does not speak hubrelay's protocol: a malformed frame";
                }
                string wrong = Handle(now);
                if (wrong != null)
                {
                    return wrong;
                }
            }
            return null;
        }

        /// <summary>Moves what is left to the beginning of a buffer that has room for the rest of the frame.</summary>
        private void Keep(int from)
        {
            int left = used - from;
            Splitter.Look(buffer, from, used, MaxFrame, out int length);
            int size = BufferSize(buffer.Length, left, Limits.HeaderBytes + length);
            byte[] to = buffer.Length == size ? buffer : new byte[size];
            if (from > 0 || to != buffer)
            {
                Buffer.BlockCopy(buffer, from, to, 0, left);
            }
            buffer = to;
            used = left;
        }

        /// <summary>
        /// The size of the buffer for the next read. It doubles when it is full: a length that a frame only claims to have costs
        /// no memory.
        /// </summary>
        /// <param name="size">What it has.</param>
        /// <param name="left">How much of that is used.</param>
        /// <param name="frame">What the frame at its beginning will take: more than is used.</param>
        internal static int BufferSize(int size, int left, int frame)
        {
            int most = Math.Max(frame, ReadBytes);
            if (size >= most)
            {
                return most;
            }
            return left < size ? size : (int)Math.Min(most, 2L * size);
        }

        /// <summary>
        /// Nobody takes events, nobody listens and nothing is owed. Then the socket is left unread, so that the relay counts what
        /// is lost. When writing has failed it is read, to find out why.
        /// </summary>
        private bool MustPause(int size)
        {
            return client.HasNobodyListening(this) && !Owes && !isBroken && !hasHungUp
                && client.Events.Queue.IsFull(size + RelayEvent.OwnBytes);
        }

        /// <summary>Waits, without the lock, until there is a reason to read on. The end of the connection is one.</summary>
        private void Pause()
        {
            IsPaused = true;
            hasResumed = false;
            client.Exit();
            client.Enter();
            while (!hasResumed && !HasEnded && !hasHungUp && !client.IsClosing)
            {
                if (!client.Wait(1000))
                {
                    hasHungUp = socket.HasHungUp();
                }
            }
            IsPaused = false;
            liveness.Read(Time.Now);
            client.KickClock(); // it did not look at this connection meanwhile
        }
    }
}
