package io.hubrelay;

import io.hubrelay.wire.FrameBuffer;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * The bytes that one connection has to write. The thread that adds the first bytes writes them, without waiting. Bytes
 * that others add during that write go into the next one. While the socket is full, the connection's reader waits for
 * it.
 *
 * <p>All of it is guarded by the client's lock, which is released during a write.
 */
final class Output {
    /** The most bytes that the socket gets at once: the JDK copies them to memory of the thread. */
    private static final int WRITE_BYTES = 64 << 10;
    /** A larger buffer is not kept. */
    private static final int KEEP_BYTES = 256 << 10;
    /** That many bytes are worth a write of their own, even if others publish. */
    private static final int GATHER_BYTES = 32 << 10;

    private final Connection connection;
    private final Core core;
    private FrameBuffer next = new FrameBuffer();
    private FrameBuffer spare = new FrameBuffer();
    /** The bytes that are being written, and how many of them are written; null if there are none. */
    private FrameBuffer chunk;
    private int chunkAt;
    /** How many bytes of the connection's stream were taken for a write, and how many are written. */
    private long taken;
    private long written;
    /** A thread writes, and will also write what is added. */
    private boolean writing;
    /** The socket is full. */
    private boolean blocked;
    /** Other threads publish, too: let them add their bytes before the write. */
    private boolean gathers;
    private boolean broken;
    /** The writing side has to be shut after the bytes that are queued. */
    private boolean shutting;
    /** The positions where the publishes without Reply end that are not written yet. */
    private final Deque<Long> sendEnds = new ArrayDeque<>();

    Output(Connection connection) {
        this.connection = connection;
        core = connection.core;
    }

    /** The buffer that frames are added to. {@link #added} has to follow. */
    FrameBuffer buffer() {
        return next;
    }

    /** Frames were added: they are written when the client's lock is released. */
    void added(boolean othersPublish) {
        if (!writing && !blocked) {
            writing = true;
            gathers = othersPublish;
            core.writeLater(connection);
        }
    }

    /** A publish without Reply was added. */
    void addedSend() {
        sendEnds.add(end());
    }

    /** Whether there is enough for a write of its own. */
    boolean isWorthWriting() {
        return next.length() >= GATHER_BYTES;
    }

    /** The position where the added bytes end in the connection's stream of bytes. */
    long end() {
        return taken + next.length();
    }

    long written() {
        return written;
    }

    /** How many bytes the socket has not taken yet. */
    long unwritten() {
        return end() - written;
    }

    /** How many publishes without Reply are not written completely. */
    int unwrittenSends() {
        return sendEnds.size();
    }

    boolean isWriting() {
        return writing;
    }

    boolean isBlocked() {
        return blocked;
    }

    /** Writing has failed. The reader finds out why. */
    boolean isBroken() {
        return broken;
    }

    boolean isShutting() {
        return shutting;
    }

    /** Whether the writing side is shut, and all that was added is written. */
    boolean isShut() {
        return shutting && unwritten() == 0 && !broken;
    }

    /** Writes what is queued. Called without the client's lock, by the thread that has added it. */
    void write() {
        core.lock.lock();
        try {
            try {
                gather();
                while (takeChunk() && writePart()) {
                    continue;
                }
            } catch (Throwable e) {
                connection.end(Core.failed(e));
            }
            stopWriting();
        } catch (Throwable e) {
            core.journal.log(Level.ERROR, "writing has failed", e);
        } finally {
            core.unlock();
        }
    }

    /**
     * Writes a part of the chunk. Returns false if the socket is full. The client's lock is released during the write.
     */
    private boolean writePart() {
        int length = Math.min(chunk.length() - chunkAt, WRITE_BYTES);
        int n = length; // assume that it is written, unless the socket reports otherwise
        boolean failed = false;
        core.lock.unlock();
        try {
            n = connection.channel.write(ByteBuffer.wrap(chunk.array(), chunkAt, length));
        } catch (IOException e) {
            n = 0;
            failed = true;
        } finally {
            core.lock.lock();
            countWritten(n);
        }
        wrote(failed);
        blocked = n == 0 && !failed && connection.ended == null;
        return n > 0 || failed;
    }

    /** Publishers that were woken together come here one by one: one write serves all of them. */
    private void gather() {
        if (Thread.currentThread() instanceof ClientThread) {
            return; // others wait for this thread; it must not wait for them
        }
        for (int before = -1; gathers && next.length() > before && next.length() < GATHER_BYTES;) {
            before = next.length();
            core.lock.unlock();
            Thread.yield();
            core.lock.lock();
        }
    }

    /** Returns false when there is nothing to write. */
    private boolean takeChunk() {
        if (broken || connection.ended != null) {
            return false;
        }
        if (chunk == null && next.length() > 0) {
            chunk = next;
            chunkAt = 0;
            taken += chunk.length();
            next = spare == null ? new FrameBuffer() : spare;
            spare = null;
        }
        return chunk != null;
    }

    private void countWritten(int n) {
        written += n;
        chunkAt += n;
        if (chunkAt == chunk.length()) {
            if (chunk.array().length <= KEEP_BYTES) {
                chunk.clear();
                spare = chunk;
            }
            chunk = null;
        }
        while (!sendEnds.isEmpty() && sendEnds.getFirst() <= written) {
            sendEnds.removeFirst();
        }
    }

    /** Continues the publishes that wait for room. */
    private void wrote(boolean failed) {
        if (failed) {
            broken = true;
            connection.reader.resume();
        }
        core.publishing.admitWaiting();
        if (core.closing) {
            core.announce(); // close may wait for what is written
        }
    }

    private void stopWriting() {
        writing = false;
        if (connection.ended != null) {
            core.ending.settle(connection);
        } else if (blocked) {
            connection.reader.waitForRoom();
        } else if (shutting) {
            shut();
        }
    }

    /** The socket takes bytes again. Called by the reader, without the client's lock. */
    void onWritable() {
        core.lock.lock();
        try {
            if (!blocked || connection.ended != null) {
                return;
            }
            connection.reader.stopWaitingForRoom();
            blocked = false;
            writing = true;
            gathers = false;
        } finally {
            core.lock.unlock();
        }
        write();
    }

    /** Shuts the writing side once what is queued is written. */
    void shutAfterOutput() {
        shutting = true;
        if (!writing && !blocked) {
            shut();
        }
    }

    private void shut() {
        try {
            connection.channel.shutdownOutput();
        } catch (IOException e) {
            broken = true; // the relay has closed: the reader finds that out
        }
    }
}
