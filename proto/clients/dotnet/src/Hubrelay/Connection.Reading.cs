using System;
using System.Net.Sockets;
using Hubrelay.Wire;

namespace Hubrelay
{
    /// <summary>
    /// Reading, by the connection's own thread. It also works when the thread pool is busy, and is cheaper than the asynchronous
    /// reads of older runtimes.
    /// </summary>
    internal sealed partial class Connection
    {
        /// <summary>The size of the read buffer. A larger frame gets a larger buffer for as long as it needs one.</summary>
        private const int ReadBytes = 64 * 1024;

        /// <summary>After this many deliveries in one read the lock is given to others.</summary>
        private const int ManyDeliveries = 256;

        private readonly RelayFrame frame = new RelayFrame(); // the reader's, like the next two members
        private byte[] buffer = new byte[ReadBytes];
        private int used; // bytes of the buffer that do not make a whole frame yet

        private Turn reader; // the turn of the thread that reads; null once it has ended
        private string lastWords; // the text of the relay's Error
        private bool hasResumed;
        private bool hasHungUp;

        /// <summary>True if the application takes no events: the socket is left unread on purpose.</summary>
        public bool IsPaused { get; private set; }

        /// <summary>Begins to read. Called with the lock held.</summary>
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

        /// <summary>Whether the socket has bytes to read, or has reached its end.</summary>
        public bool HasInput => !HasEnded && reader != null && socket.CanRead();

        /// <summary>Ends a pause. Called with the lock held.</summary>
        public void Resume()
        {
            if (IsPaused)
            {
                hasResumed = true;
                client.WakeAll();
            }
        }

        /// <summary>
        /// The application's code keeps a reading thread. That thread is left to it, and another one reads, unless this
        /// connection has ended.
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

        /// <summary>Reads once, and handles the bytes. False: the end is reached, or another thread reads now.</summary>
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

        /// <summary>Releases the lock, and runs the application's code that has waited for what was read.</summary>
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
        /// Handles the whole frames in the buffer. It holds the lock for all of them, or until many deliveries were made. Then it
        /// runs the application's code that has waited for them.
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

        /// <summary>Moves the remaining bytes to the beginning of a buffer that has room for the rest of the frame.</summary>
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
        /// The size of the buffer for the next read. It doubles when the buffer is full, so that a frame that only claims a large
        /// length costs no memory.
        /// </summary>
        /// <param name="size">The present size.</param>
        /// <param name="left">How many bytes of it are used.</param>
        /// <param name="frame">How many bytes the frame at its beginning takes: more than are used.</param>
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
        /// True if the application takes no events, there are no subscriptions and nothing is owed. Then the socket is left
        /// unread, so that the relay counts what is lost. If writing has failed the socket is read, to find out why.
        /// </summary>
        private bool MustPause(int size)
        {
            return client.HasNobodyListening(this) && !Owes && !isBroken && !hasHungUp
                && client.Events.Queue.IsFull(size + RelayEvent.OwnBytes);
        }

        /// <summary>Waits, without the lock, until there is a reason to read again. The end of the connection is one.</summary>
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
            client.KickClock(); // it did not check this connection meanwhile
        }
    }
}
