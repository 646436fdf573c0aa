package io.hubrelay;

import io.hubrelay.wire.FrameCutter;
import io.hubrelay.wire.MalformedFrameException;
import io.hubrelay.wire.Protocol;
import io.hubrelay.wire.RelayDecoder;
import io.hubrelay.wire.RelayFrame;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.ByteBuffer;
import java.nio.channels.CancelledKeyException;
import java.nio.channels.ClosedSelectorException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.util.Arrays;

/**
 * Reads one connection, and waits until its socket can be written while that is full. It runs in the thread that has
 * the {@link Turn}. Methods that other threads call say so.
 */
final class Reader implements Runnable {
    /**
     * The size of the buffer. A larger frame gets a larger buffer while it is read. One read does not take more than
     * this size either: the JDK keeps as much memory outside the heap for each thread that reads.
     */
    private static final int READ_BYTES = 64 << 10;
    /** After a read of at least that many bytes there are probably more. */
    private static final int MUCH_BYTES = 4 << 10;
    /** After that many deliveries the reader releases the client's lock for others. */
    private static final int MANY_DELIVERIES = 256;

    private final Connection connection;
    private final Core core;
    private final Selector selector;
    private final SelectionKey key;
    private final RelayDecoder decoder = new RelayDecoder();
    private byte[] buffer = new byte[READ_BYTES];
    private int used;
    private boolean expectsMore;
    /** The number of Replies to publishes that one read has brought. */
    private int replies;

    /** The application does not take events: the socket is left unread. Guarded by the client's lock. */
    private boolean paused;
    private boolean resumed;
    /** Nothing was read for too long: the socket is checked a last time. Guarded by the client's lock. */
    private boolean givingUp;

    Reader(Connection connection) throws IOException {
        this.connection = connection;
        core = connection.core;
        selector = Selector.open();
        try {
            key = connection.channel.register(selector, SelectionKey.OP_READ);
        } catch (IOException e) {
            selector.close();
            throw e;
        }
    }

    @Override
    public void run() {
        try {
            while (readOnce()) {
                Thread.interrupted(); // a selector does not wait in a thread that is interrupted
                if (connection.turn.free()) {
                    connection.turn.standBy();
                }
            }
        } catch (Throwable e) {
            connection.endNow(Core.failed(e));
        }
    }

    /** Reads once, and handles what came. It returns false at the end of the connection. */
    boolean readOnce() {
        IOException wrong = null;
        try {
            if (!expectsMore) {
                select();
            }
            int room = Math.min(buffer.length - used, READ_BYTES);
            int n = connection.channel.read(ByteBuffer.wrap(buffer, used, room));
            expectsMore = n >= MUCH_BYTES;
            if (n < 0) {
                connection.closedByRelay();
                return false;
            } else if (n > 0) {
                used += n;
                consume();
            } else {
                wrong = giveUpIfSilent();
            }
        } catch (MalformedFrameException e) {
            wrong = new IOException("what answers does not speak hubrelay's protocol: " + e.getMessage());
        } catch (ClosedSelectorException | CancelledKeyException e) {
            wrong = new IOException("closed", e);
        } catch (IOException e) {
            wrong = e;
        } catch (Throwable e) {
            core.journal.log(Level.ERROR, "reading has failed", e);
            wrong = Core.failed(e);
        }
        if (wrong != null) {
            connection.endNow(wrong);
            return false;
        }
        return connection.ended == null;
    }

    /** Waits until the socket can be read, or another thread wakes the selector. */
    private void select() throws IOException {
        selector.select();
        selector.selectedKeys().clear();
        if (key.isWritable()) {
            connection.output.onWritable();
        }
    }

    /** The socket has no bytes: returns the reason why the connection has to end, or null. */
    private IOException giveUpIfSilent() {
        core.lock.lock();
        try {
            boolean silent = givingUp && connection.liveness.isPinged(); // not pinged: bytes have come since then
            if (givingUp) {
                givingUp = false;
                core.clock.kick(); // meanwhile the clock did not check this connection
            }
            return silent ? new IOException("the relay does not answer") : null;
        } finally {
            core.lock.unlock();
        }
    }

    /** Handles the whole frames in the buffer, and moves the rest to its beginning. */
    private void consume() throws MalformedFrameException {
        int at = 0;
        replies = 0;
        core.lock.lock();
        try {
            givingUp = false;
            connection.liveness.read(core.now());
            while (connection.ended == null) {
                int length = FrameCutter.bodyLength(buffer, at, used, connection.maxFrame);
                if (length == FrameCutter.INCOMPLETE) {
                    break;
                }
                if (mustPause(length)) {
                    pause();
                } else if (core.deliveries >= MANY_DELIVERIES) {
                    letOthers();
                } else {
                    int body = at + Protocol.HEADER_BYTES;
                    at = body + length;
                    handle(decoder.decode(buffer, body, at));
                }
            }
            connection.turn.count(replies);
        } finally {
            core.unlock();
        }
        keepFrom(at);
    }

    private void handle(RelayFrame frame) {
        if (frame.kind == RelayFrame.REPLY) {
            Publication p = connection.takePublication(frame.reply.id);
            if (p != null) {
                replies++;
                core.publishing.onReply(connection, p, frame.reply);
                return;
            }
        }
        core.inbound.handle(connection, frame);
    }

    private void keepFrom(int at) {
        int rest = used - at;
        int need = READ_BYTES;
        if (rest >= Protocol.HEADER_BYTES) {
            long whole = Protocol.HEADER_BYTES + FrameCutter.announcedLength(buffer, at);
            need = (int) Math.max(need, Math.min(whole, connection.maxFrame + (long) Protocol.HEADER_BYTES));
        }
        if (buffer.length == need) {
            System.arraycopy(buffer, at, buffer, 0, rest);
        } else {
            buffer = Arrays.copyOf(Arrays.copyOfRange(buffer, at, used), need);
        }
        used = rest;
    }

    /**
     * Whether nobody takes events, nobody listens and no answer is outstanding. Then the socket is left unread, so that
     * the relay counts what is lost. If writing has failed, it is still read, to find out why.
     */
    private boolean mustPause(int length) {
        return core.names.hasNoSubscriptions() && connection == core.current && core.next == null
                && !connection.owes() && !core.closing && !connection.output.isBroken() && connection.turn.isOwn()
                && core.events.queue.isFull(length + EventSize.BASE);
    }

    /** Waits until there is a reason to read on. The client's lock is released meanwhile. */
    private void pause() {
        paused = true;
        resumed = false;
        key.interestOpsAnd(~SelectionKey.OP_READ);
        while (!resumed && connection.ended == null) {
            core.unlock();
            try {
                select();
            } catch (IOException | ClosedSelectorException | CancelledKeyException e) {
                connection.endNow(new IOException("the socket cannot be waited for", e));
            } finally {
                core.lock.lock();
            }
        }
        paused = false;
        if (connection.ended == null) {
            key.interestOpsOr(SelectionKey.OP_READ);
            connection.liveness.read(core.now());
            core.clock.kick(); // meanwhile the clock did not check this connection
        }
    }

    private void letOthers() {
        core.deliveries = 0;
        core.unlock();
        try {
            Thread.yield();
        } finally {
            core.lock.lock();
        }
    }

    /** Whether the socket is left unread on purpose. Called with the client's lock. */
    boolean isPaused() {
        return paused;
    }

    /** There is a reason to read on. Called by any thread, with the client's lock. */
    void resume() {
        if (paused && !resumed) {
            resumed = true;
            selector.wakeup();
        }
    }

    /** Whether the clock has called {@link #giveUp}, and the last check is still to come. */
    boolean isGivingUp() {
        return givingUp;
    }

    /** Nothing was read for too long. Called by the clock, with the client's lock. */
    void giveUp() {
        givingUp = true;
        selector.wakeup();
    }

    /** Called by any thread, with the client's lock. */
    void waitForRoom() {
        key.interestOpsOr(SelectionKey.OP_WRITE);
        selector.wakeup();
        connection.turn.want();
    }

    /** Called by any thread, with the client's lock. */
    void stopWaitingForRoom() {
        key.interestOpsAnd(~SelectionKey.OP_WRITE);
    }

    /** Called by any thread. */
    void wakeUp() {
        selector.wakeup();
    }

    /** Closes the selector, which ends a wait in it. Called after the channel was closed. */
    void close() {
        try {
            selector.close();
        } catch (IOException e) {
            core.journal.log(Level.WARNING, "closing a selector has failed", e);
        }
    }
}
