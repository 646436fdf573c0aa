package io.hubrelay.testing;

import io.hubrelay.Cause;
import io.hubrelay.wire.ClientFrame;
import io.hubrelay.wire.FrameBuffer;
import io.hubrelay.wire.FrameCutter;
import io.hubrelay.wire.MalformedFrameException;
import io.hubrelay.wire.Protocol;
import io.hubrelay.wire.RelayEncoder;
import io.hubrelay.wire.RelayFrame;
import io.hubrelay.wire.RelayFrame.Reply;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;

/** One connection to a {@link FakeRelay}. Guarded by the relay's lock, except for its socket. */
final class FakeSession implements Comparable<FakeSession> {
    private static final int READ_BYTES = 64 << 10;
    private static final ByteBuffer END = ByteBuffer.allocate(0);

    private final FakeRelay relay;
    private final SocketChannel socket;
    private final int number;
    private final int life;
    private final Set<String> channels = new TreeSet<>();
    private final Set<String> patterns = new TreeSet<>();
    /** Replies that {@link FakeRelay#stall} holds back. */
    private final List<RelayFrame> owed = new ArrayList<>();
    /** The client has shut its writing side. */
    private boolean shut;
    private final BlockingQueue<ByteBuffer> output = new LinkedBlockingQueue<>();

    FakeSession(FakeRelay relay, SocketChannel socket, int number, int life) {
        this.relay = relay;
        this.socket = socket;
        this.number = number;
        this.life = life;
    }

    @Override
    public int compareTo(FakeSession other) {
        return Integer.compare(number, other.number);
    }

    void start() {
        FakeRelay.daemon("read", this::read);
        FakeRelay.daemon("write", this::write);
    }

    void send(RelayFrame frame) {
        FrameBuffer buffer = new FrameBuffer();
        RelayEncoder.encode(buffer, frame);
        output.add(ByteBuffer.wrap(buffer.array(), 0, buffer.length()));
    }

    /** Ends the connection at once. */
    void end() {
        relay.remove(this);
        close();
        output.add(END);
    }

    private void close() {
        try {
            socket.close();
        } catch (IOException e) {
            output.add(END); // the connection cannot be used any more
        }
    }

    /** Ends a connection whose client has shut its writing side, once no Reply is outstanding. */
    private void endIfDone() {
        if (shut && owed.isEmpty()) {
            relay.remove(this);
            output.add(END);
        }
    }

    void sendOwed() {
        owed.forEach(this::send);
        owed.clear();
        endIfDone();
    }

    void revoke(List<String> names) {
        RelayFrame frame = new RelayFrame();
        frame.kind = RelayFrame.REVOKED;
        frame.revoked.detail = "NOPERM";
        for (String name : names) {
            if (channels.remove(name)) {
                frame.revoked.channels.add(name);
            }
            if (patterns.remove(name)) {
                frame.revoked.patterns.add(name);
            }
        }
        if (!frame.revoked.channels.isEmpty() || !frame.revoked.patterns.isEmpty()) {
            send(frame);
        }
    }

    /** Delivers a message, and returns the number of subscriptions that match. */
    long deliver(String channel, byte[] payload) {
        long receivers = 0;
        if (channels.contains(channel)) {
            sendMessage(channel, payload, "");
            receivers++;
        }
        for (String pattern : patterns) {
            if (Glob.matches(pattern, channel)) {
                sendMessage(channel, payload, pattern);
                receivers++;
            }
        }
        return receivers;
    }

    private void sendMessage(String channel, byte[] payload, String pattern) {
        RelayFrame frame = new RelayFrame();
        frame.kind = RelayFrame.MESSAGE;
        frame.message.channel = channel;
        frame.message.pattern = pattern;
        frame.message.payload(payload);
        send(frame);
    }

    private void write() {
        try {
            for (ByteBuffer next = output.take(); next != END; next = output.take()) {
                while (next.hasRemaining()) {
                    socket.write(next);
                }
            }
        } catch (IOException e) {
            output.clear(); // the client has gone
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        close();
    }

    private void read() {
        byte[] buffer = new byte[READ_BYTES];
        int used = 0;
        boolean orderly = false;
        try {
            for (int n = 0; n >= 0; n = socket.read(ByteBuffer.wrap(buffer, used, buffer.length - used))) {
                used += n;
                int rest = handleFrames(buffer, used);
                buffer = Arrays.copyOfRange(buffer, used - rest, used - rest + Math.max(READ_BYTES, 2 * rest));
                used = rest;
            }
            orderly = true;
        } catch (IOException | MalformedFrameException e) {
            orderly = false;
        }
        relay.lock.lock();
        try {
            if (orderly) {
                shut = true;
                endIfDone();
            } else {
                end();
            }
        } finally {
            relay.lock.unlock();
        }
    }

    /** Handles all complete frames, and returns the number of bytes after them. */
    private int handleFrames(byte[] buffer, int used) throws MalformedFrameException {
        int at = 0;
        while (true) {
            int length = FrameCutter.bodyLength(buffer, at, used, FakeRelay.MAX_FRAME_BYTES);
            if (length == FrameCutter.INCOMPLETE) {
                return used - at;
            }
            int body = at + Protocol.HEADER_BYTES;
            at = body + length;
            ClientFrame frame = ClientFrame.decode(Arrays.copyOfRange(buffer, body, at));
            relay.lock.lock();
            try {
                handle(frame);
            } finally {
                relay.lock.unlock();
            }
        }
    }

    private void handle(ClientFrame frame) {
        switch (frame.kind) {
            case ClientFrame.HELLO -> welcome();
            case ClientFrame.PUBLISH -> publish(frame);
            case ClientFrame.SUBSCRIBE -> subscribe(frame);
            case ClientFrame.UNSUBSCRIBE -> {
                channels.removeAll(frame.channels);
                patterns.removeAll(frame.patterns);
                send(reply(frame.id, Protocol.OUTCOME_OK));
            }
            default -> sendWhenSettled(reply(frame.id, Protocol.OUTCOME_OK), frame.settled);
        }
    }

    private void welcome() {
        RelayFrame frame = new RelayFrame();
        frame.kind = RelayFrame.WELCOME;
        frame.welcome.version = Protocol.VERSION;
        frame.welcome.relayVersion = "fake";
        frame.welcome.relayId = "life-" + life;
        frame.welcome.maxFrameBytes = FakeRelay.MAX_FRAME_BYTES;
        frame.welcome.maxPayloadBytes = FakeRelay.MAX_FRAME_BYTES - 4096;
        frame.welcome.status = relay.status();
        frame.welcome.features.addAll(relay.features);
        send(frame);
    }

    private void publish(ClientFrame frame) {
        if (relay.status().publishing) {
            RelayFrame reply = reply(frame.id, Protocol.OUTCOME_OK);
            reply.reply.receivers = relay.published(frame.channel, frame.payload);
            sendWhenSettled(reply, true);
        } else if (frame.id != 0) {
            send(reply(frame.id, Protocol.OUTCOME_NOT_CONNECTED));
        } else {
            RelayFrame loss = new RelayFrame();
            loss.kind = RelayFrame.LOSS;
            loss.loss.publishes = 1;
            loss.loss.cause = Cause.NOT_CONNECTED.number();
            send(loss);
        }
    }

    private void subscribe(ClientFrame frame) {
        RelayFrame reply = reply(frame.id, Protocol.OUTCOME_REFUSED);
        reply.reply.channels = frame.channels.stream().filter(relay.refused::contains).toList();
        reply.reply.patterns = frame.patterns.stream().filter(relay.refused::contains).toList();
        if (reply.reply.channels.isEmpty() && reply.reply.patterns.isEmpty()) {
            channels.addAll(frame.channels);
            patterns.addAll(frame.patterns);
            reply.reply.outcome = relay.status().receiving ? Protocol.OUTCOME_OK : Protocol.OUTCOME_PENDING;
        } else {
            reply.reply.detail = "NOPERM";
        }
        send(reply);
    }

    private static RelayFrame reply(long id, int outcome) {
        RelayFrame frame = new RelayFrame();
        frame.kind = RelayFrame.REPLY;
        Reply reply = frame.reply;
        reply.id = id;
        reply.outcome = outcome;
        return frame;
    }

    /**
     * Sends a Reply, or holds it back while Redis hangs if it depends on a publish. A request with the id 0 gets none.
     */
    private void sendWhenSettled(RelayFrame reply, boolean waits) {
        if (reply.reply.id == 0) {
            return;
        }
        if (waits && relay.stalled) {
            owed.add(reply);
        } else {
            send(reply);
        }
    }
}
