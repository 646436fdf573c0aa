package io.hubrelay;

import io.hubrelay.wire.ClientEncoder;
import io.hubrelay.wire.Protocol;
import io.hubrelay.wire.RelayFrame.Welcome;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.channels.SocketChannel;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * One connection to a relay: what the relay owes to it and holds for it. Guarded by the client's lock, except for
 * {@link #channel}, which does not block.
 */
final class Connection {
    /** A larger frame does not fit into an array. */
    private static final int MAX_FRAME_BYTES = Integer.MAX_VALUE - 64;

    final Core core;
    final SocketChannel channel;
    final Turn turn;
    final Output output;
    final Reader reader;
    final Liveness liveness;
    final Settler settler;

    /** Null before the Welcome has come. */
    Welcome welcome;
    int maxFrame = Protocol.MAX_WELCOME_BYTES;
    /** The time when the Welcome came. */
    long began;
    /** Publishes without Reply. */
    final Map<Long, Publication> publications = new HashMap<>();
    /** Other requests without Reply. */
    final Map<Long, Request> requests = new HashMap<>();
    final Map<Entry, Entry.Hold> holds = new HashMap<>();
    /** The number of Subscribes of the restore without Reply. */
    int restoring;
    /** Statuses that are reported once the restore is over. */
    final Deque<Status> heldBack = new ArrayDeque<>();
    /** The last Status. */
    Status status;
    /** The gaps of the last Status. */
    long gaps;
    /** Whether the relay was receiving in the last Status. */
    boolean receiving;

    /** The relay is shutting down, since {@link #stoppedAt}. */
    boolean stopping;
    long stoppedAt;
    /** An attempt to find the next relay has been made. */
    boolean sought;
    /** The client has left it: only Replies and Losses of publishes count, and only until {@link #drainDue}. */
    boolean left;
    long drainDue;

    /** The text of the relay's Error; null if it has sent none. */
    String lastWords;
    /** The relay will not let this client in. */
    boolean hopeless;
    /** The reason why it has ended; null while it lasts. Also read without the lock. */
    volatile IOException ended;
    long endedAt;
    /** The relay has read all that was written, and closed the connection when it did not owe anything any more. */
    boolean endedInOrder;

    private long lastId;

    Connection(Core core, SocketChannel channel) throws IOException {
        this.core = core;
        this.channel = channel;
        Options options = core.options;
        liveness = new Liveness(options.pingOwed, options.pingIdle, options.pingTimeout, core.now());
        settler = new Settler(options.settle);
        turn = new Turn(this);
        output = new Output(this);
        reader = new Reader(this);
    }

    /** Sends Hello, and begins to read. */
    void begin() {
        ClientEncoder.hello(output.buffer(), core.nameBytes);
        output.added(false);
        ClientThread thread = new ClientThread(core, "reader", reader);
        turn.begin(thread);
        core.threads.removeIf(t -> !t.isAlive());
        core.threads.add(thread);
        thread.start();
    }

    boolean has(String feature) {
        return welcome.has(feature);
    }

    void welcomed(Welcome w, long now) {
        welcome = w;
        began = now;
        maxFrame = (int) Math.min(w.maxFrameBytes, MAX_FRAME_BYTES);
        settler.asks(w.has(Protocol.FEATURE_SETTLED));
        status = Status.of(w.status);
        gaps = w.status.gaps;
        receiving = w.status.receiving;
    }

    /** Whether the relay owes a Reply. */
    boolean owes() {
        return !publications.isEmpty() || !requests.isEmpty();
    }

    /** Whether some publishes without Reply may not have reached the relay yet. */
    boolean isUnsettled() {
        return settler.unknown(0) > 0;
    }

    /** Whether to detect a relay that hangs. Once the writing side is shut, no Ping can be sent. */
    boolean isWatched() {
        return ended == null && !output.isShutting();
    }

    /** Called before a request is added. */
    private void owing() {
        if (!owes()) {
            long now = core.now();
            liveness.owed(now);
            core.clock.by(Deadlines.after(now, liveness.owedAfter()));
        }
        reader.resume();
        turn.want();
    }

    private void answered() {
        if (!owes()) {
            liveness.settled();
            if (core.closing) {
                core.announce();
            }
        }
    }

    private long nextId() {
        lastId = lastId == Protocol.MAX_ID ? 1 : lastId + 1;
        return lastId;
    }

    void publish(Publication p, byte[] name, byte[] payload) {
        p.id = nextId();
        ClientEncoder.publish(output.buffer(), name, payload, p.id); // first, since it may fail for lack of memory
        owing();
        publications.put(p.id, p);
        p.end = output.end();
        output.added(publications.size() > 1);
        core.counters.published++;
    }

    void send(byte[] name, byte[] payload) {
        ClientEncoder.publish(output.buffer(), name, payload, 0);
        output.addedSend();
        output.added(publications.size() > 1);
        if (settler.send(core.now())) {
            core.clock.by(settler.due());
        }
        reader.resume(); // a Loss may follow
        core.counters.published++;
    }

    void subscribeOrUnsubscribe(Request request, List<byte[]> channels, List<byte[]> patterns) {
        addRequest(request);
        int kind = request.kind == Request.Kind.SUBSCRIBE ? ClientEncoder.SUBSCRIBE : ClientEncoder.UNSUBSCRIBE;
        ClientEncoder.names(output.buffer(), kind, request.id, channels, patterns);
        output.added(false);
    }

    void ping(Request request, boolean settled) {
        addRequest(request);
        ClientEncoder.ping(output.buffer(), request.id, settled);
        output.added(false);
    }

    /** Sends a publish of the client's own. */
    void publishFence(Request request, byte[] fence) {
        addRequest(request);
        ClientEncoder.publish(output.buffer(), fence, new byte[0], request.id);
        output.added(false);
    }

    private void addRequest(Request request) {
        owing();
        request.id = nextId();
        requests.put(request.id, request);
    }

    /** Removes and returns the publish that a Reply is for, or null. */
    Publication takePublication(long id) {
        Publication p = publications.remove(id);
        if (p != null) {
            answered();
        }
        return p;
    }

    /** Removes a request, which has its Reply. {@link #requestDone} has to follow. */
    void takeRequest(Request request) {
        requests.remove(request.id);
    }

    void requestDone() {
        answered();
    }

    /** Whether the relay holds a name once it has answered everything. */
    boolean willHold(Entry e) {
        Entry.Hold hold = holds.get(e);
        return hold != null && hold.willHold();
    }

    Entry.Hold holdOf(Entry e) {
        return holds.computeIfAbsent(e, entry -> {
            entry.holds++;
            return new Entry.Hold();
        });
    }

    /** Drops the Hold of a name that is neither held nor asked for. */
    void forget(Entry e) {
        Entry.Hold hold = holds.get(e);
        if (hold != null && !hold.held && hold.last == null) {
            holds.remove(e);
            e.holds--;
            core.names.prune(e);
        }
    }

    /** The relay has closed the connection. Called without the client's lock. */
    void closedByRelay() {
        core.lock.lock();
        try {
            endedInOrder = ended == null && lastWords == null && !owes() && output.isShut();
            end(lastWords == null ? new IOException("the relay closed the connection") : new IOException(lastWords));
        } finally {
            core.unlock();
        }
    }

    /** Ends the connection. Called without the client's lock. */
    void endNow(IOException why) {
        core.lock.lock();
        try {
            end(lastWords == null ? why : new IOException(lastWords));
        } finally {
            core.unlock();
        }
    }

    /**
     * Ends the connection. This is the only way in which one ends. Outstanding requests are settled once nobody writes
     * any more, since only then the client knows which bytes were written.
     */
    void end(IOException why) {
        if (ended != null) {
            return;
        }
        ended = why;
        endedAt = core.now();
        try {
            channel.close();
        } catch (IOException e) {
            core.journal.log(Level.WARNING, "closing a socket has failed", e);
        } finally {
            reader.close();
            turn.want();
            core.announce();
            if (!output.isWriting()) {
                core.ending.settle(this);
            }
        }
    }
}
