using System;
using System.Collections.Generic;
using System.Net.Sockets;
using Hubrelay.Wire;

namespace Hubrelay
{
    /// <summary>
    /// Writing. The thread that adds the first frame writes, and frames that other threads add meanwhile go with the next write.
    /// Everything that the application adds in a turn on the reading thread is one write at the end of the turn.
    /// </summary>
    internal sealed partial class Connection
    {
        /// <summary>A buffer that is larger than this is not kept.</summary>
        private const int KeptBytes = 256 * 1024;

        private readonly Queue<long> sendEnds = new Queue<long>(); // the ends of unwritten publishes without Reply
        private FrameBuffer output = new FrameBuffer();
        private FrameBuffer spare = new FrameBuffer();
        private long queued; // where the output ends in the stream of bytes
        private long written; // how much of the stream is written
        private bool isWriting; // a thread writes the output, or will write it
        private bool isBroken; // writing has failed; the reader finds out why
        private bool isShutting; // the writing side has to be shut after the queued bytes
        private Turn corkedBy; // the turn that writes at its end

        /// <summary>How many bytes are not written to the socket yet.</summary>
        public long Unwritten => queued - written;

        /// <summary>How many bytes wait for a write.</summary>
        public int OutputBytes => output.Count;

        /// <summary>Leaves the write to the end of a turn.</summary>
        public void Cork(Turn turn)
        {
            corkedBy = turn;
            turn.Corked = this;
        }

        /// <summary>The write is no longer left to the end of a turn: the caller has to make sure that it happens.</summary>
        public void Uncork()
        {
            if (corkedBy != null)
            {
                corkedBy.Corked = null;
                corkedBy = null;
            }
        }

        public void Hello(string name)
        {
            int before = output.Count;
            output.Hello(name);
            Added(before);
        }

        public void AddPublish(Publication p, string channel, ReadOnlySpan<byte> payload)
        {
            Owing();
            p.Id = NextId();
            Publishes.Add(p.Id, p);
            int before = output.Count;
            output.Publish(channel, payload, p.Id);
            Added(before);
            p.End = queued;
        }

        public void AddSend(string channel, ReadOnlySpan<byte> payload)
        {
            int before = output.Count;
            output.Publish(channel, payload, 0);
            if (Settler.IsIdle)
            {
                Settler.WaitSince(Time.Now);
                client.ClockBy(Settler.Due);
            }
            Settler.Send();
            Added(before);
            sendEnds.Enqueue(queued);
            Resume(); // the send may cause a Loss
        }

        /// <summary>Writes what is queued. Called without the lock, by the thread for which isWriting was set.</summary>
        public void Write()
        {
            client.Enter();
            while (HasOutput)
            {
                FrameBuffer chunk = TakeOutput();
                client.Exit();
                int sent = socket.Send(chunk.Bytes, 0, chunk.Count);
                client.Enter();
                Wrote(sent);
                if (sent >= 0 && sent < chunk.Count)
                {
                    client.StartThread("hubrelay writer", () => WriteWaiting(chunk, sent), Abort);
                    client.Exit();
                    return;
                }
                GiveBack(chunk);
            }
            StopWriting();
            client.Exit();
        }

        /// <summary>Shuts the writing side after the queued bytes.</summary>
        public void ShutAfterOutput()
        {
            isShutting = true;
            if (!isWriting)
            {
                socket.Shutdown(SocketShutdown.Send);
            }
        }

        /// <summary>Whether the writing side was shut after all queued bytes.</summary>
        private bool IsShut => isShutting && !isBroken && written == queued;

        private bool HasOutput => output.Count > 0 && !isBroken && !HasEnded;

        /// <summary>
        /// Is called after frames were added to the output, which had this many bytes before. The frames have to be written.
        /// </summary>
        private void Added(int before)
        {
            queued += output.Count - before;
            if (isWriting && (corkedBy == null || (corkedBy == Turn.Current && output.Count < Turn.GatherBytes)))
            {
                return;
            }
            Uncork(); // no thread writes yet; or a turn should, but there is much to write, or it is another thread's turn
            isWriting = true;
            client.WriteSoon(this);
        }

        /// <summary>Writes while the socket is full, and until all is written.</summary>
        private void WriteWaiting(FrameBuffer chunk, int from)
        {
            for (;;)
            {
                while (from >= 0 && from < chunk.Count)
                {
                    socket.WaitToWrite();
                    int sent = socket.Send(chunk.Bytes, from, chunk.Count - from);
                    client.Enter();
                    Wrote(sent);
                    from = sent < 0 || HasEnded ? -1 : from + sent;
                    client.Exit();
                }
                client.Enter();
                GiveBack(chunk);
                if (!HasOutput)
                {
                    StopWriting();
                    client.Exit();
                    return;
                }
                chunk = TakeOutput();
                from = 0;
                client.Exit();
            }
        }

        private FrameBuffer TakeOutput()
        {
            FrameBuffer chunk = output;
            output = spare ?? new FrameBuffer();
            spare = null;
            return chunk;
        }

        private void GiveBack(FrameBuffer chunk)
        {
            if (chunk.Bytes.Length <= KeptBytes)
            {
                chunk.Count = 0;
                spare = chunk;
            }
        }

        /// <summary>Counts what was written, and admits publishes that wait for room. Below 0: writing has failed.</summary>
        private void Wrote(int sent)
        {
            written += Math.Max(0, sent);
            while (sendEnds.Count > 0 && sendEnds.Peek() <= written)
            {
                sendEnds.Dequeue();
            }
            if (sent < 0)
            {
                isBroken = true;
                Resume();
            }
            client.AdmitWaiters();
            if (client.IsClosing)
            {
                client.Announce(); // CloseAsync may wait for these bytes
            }
        }

        /// <summary>The writing thread is done.</summary>
        private void StopWriting()
        {
            isWriting = false;
            if (HasEnded)
            {
                SettleEnd(Time.Now);
                CloseIfUnused();
            }
            else if (isShutting && output.Count == 0)
            {
                socket.Shutdown(SocketShutdown.Send);
            }
        }
    }
}
