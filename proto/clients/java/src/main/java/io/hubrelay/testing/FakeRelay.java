package io.hubrelay.testing;

import io.hubrelay.Cause;
import io.hubrelay.ClientBuilder;
import io.hubrelay.HubrelayClient;
import io.hubrelay.wire.Protocol;
import io.hubrelay.wire.RelayFrame;
import io.hubrelay.wire.RelayFrame.StatusFields;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;

/**
 * A relay with a simulated Redis behind it, in the memory of this process, for the tests of applications. Real clients
 * connect to it by a socket in a temporary folder, and a test can cause the events that happen in production.
 *
 * <pre>{@code
 * try (FakeRelay relay = FakeRelay.start(); HubrelayClient client = relay.client("worker-1")) {
 *     ...
 *     relay.publish("room.7", "hello".getBytes());  // as another host does
 *     relay.lose(3);                                // three messages were dropped
 *     relay.cut();                                  // the relay was killed, and is back
 * }
 * }</pre>
 *
 * <p>Threads may share it.
 */
public final class FakeRelay implements AutoCloseable {
    /**
     * A publish that has reached the relay. The array must not be changed.
     *
     * @param channel where it was published
     * @param payload what was published
     */
    public record Published(String channel, byte[] payload) {
    }

    static final int MAX_FRAME_BYTES = (1 << 20) + 4096;

    final ReentrantLock lock = new ReentrantLock();
    private final Condition hasPublished = lock.newCondition();
    private final Path folder;
    private final Path path;
    private final Set<FakeSession> sessions = new TreeSet<>();
    private final List<Published> published = new ArrayList<>();
    final Set<String> refused = new TreeSet<>();
    final Set<String> features = new TreeSet<>(List.of(Protocol.FEATURE_PATTERNS, Protocol.FEATURE_SETTLED,
            Protocol.FEATURE_FENCE));
    private final StatusFields status = new StatusFields();
    private ServerSocketChannel server;
    /** How often the relay was started. */
    private int life = 1;
    private int connections;
    boolean stalled;

    private FakeRelay() throws IOException {
        folder = Files.createTempDirectory("hubrelay-fake");
        path = folder.resolve("relay.sock");
        set(status, 1, true, 0);
    }

    /**
     * Starts a relay that is UP.
     *
     * @return the relay; close it at the end of the test
     */
    public static FakeRelay start() {
        try {
            FakeRelay relay = new FakeRelay();
            relay.listen();
            return relay;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * The path of the socket, for clients that the application makes itself.
     *
     * @return its path
     */
    public String path() {
        return path.toString();
    }

    /**
     * Makes a client that is connected. Its Gaps come without the random delay of production, and a move does not cause
     * a Gap when the machine is busy.
     *
     * @param name the client's name
     * @return the client; close it at the end of the test
     */
    public HubrelayClient client(String name) {
        return client(name, builder -> { });
    }

    /**
     * Makes a client that is connected, with other settings.
     *
     * @param name the client's name
     * @param settings changes the builder that it gets
     * @return the client; close it at the end of the test
     * @throws io.hubrelay.NotConnectedException if there is no connection within 30 s
     * @throws IllegalStateException if the thread is interrupted; it stays interrupted
     */
    public HubrelayClient client(String name, Consumer<ClientBuilder> settings) {
        ClientBuilder builder = HubrelayClient.builder(path()).name(name).gapDelay(Duration.ofMillis(1))
                .backoffMax(Duration.ofMillis(20)).drain(Duration.ofSeconds(1)).successor(Duration.ofSeconds(10));
        settings.accept(builder);
        HubrelayClient client = builder.open();
        try {
            client.ready(Duration.ofSeconds(30));
            return client;
        } catch (InterruptedException e) {
            client.close();
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted before the client was connected", e);
        } catch (RuntimeException e) {
            client.close();
            throw e;
        }
    }

    /**
     * Publishes as somebody else would: another process, another host, any client of the same Redis.
     *
     * @param channel where to publish
     * @param payload what to publish
     */
    public void publish(String channel, byte[] payload) {
        locked(() -> deliver(channel, payload));
    }

    /**
     * The messages that clients have published, in the order in which they came.
     *
     * @return a copy
     */
    public List<Published> published() {
        lock.lock();
        try {
            return List.copyOf(published);
        } finally {
            lock.unlock();
        }
    }

    /**
     * Waits until clients have published a number of messages.
     *
     * @param count how many messages, at least
     * @param timeout how long to wait
     * @return all that they have published
     * @throws TimeoutException at the timeout
     * @throws InterruptedException if the thread is interrupted while it waits
     */
    public List<Published> awaitPublished(int count, Duration timeout) throws TimeoutException, InterruptedException {
        long left = timeout.toNanos();
        lock.lock();
        try {
            while (published.size() < count) {
                if (left <= 0) {
                    throw new TimeoutException(published.size() + " of " + count + " messages were published");
                }
                left = hasPublished.awaitNanos(left);
            }
            return List.copyOf(published);
        } finally {
            lock.unlock();
        }
    }

    /**
     * Reports to all clients that the relay has dropped messages for them.
     *
     * @param messages how many
     */
    public void lose(long messages) {
        RelayFrame frame = new RelayFrame();
        frame.kind = RelayFrame.LOSS;
        frame.loss.messages = messages;
        frame.loss.reason = "slow reader";
        frame.loss.cause = Cause.SLOW_READER.number();
        sendAll(frame);
    }

    /** Redis goes away: publishes fail as not connected, and nothing is received. */
    public void down() {
        locked(() -> {
            set(status, 3, false, Cause.CLOSED.number());
            status.outages++;
            status.gaps++;
        });
        sendAll(statusFrame(status));
    }

    /** Redis comes back: all subscriptions are in force again. */
    public void up() {
        locked(() -> set(status, 1, true, 0));
        sendAll(statusFrame(status));
    }

    /**
     * Redis refuses names from now on. Clients that hold them get a Revoked.
     *
     * @param names channels and patterns
     */
    public void refuse(String... names) {
        locked(() -> {
            refused.addAll(List.of(names));
            sessions.forEach(session -> session.revoke(List.of(names)));
        });
    }

    /** Redis hangs: publishes get no answer until {@link #resume}. */
    public void stall() {
        locked(() -> stalled = true);
    }

    /** Ends {@link #stall}. */
    public void resume() {
        locked(() -> {
            stalled = false;
            List.copyOf(sessions).forEach(FakeSession::sendOwed);
        });
    }

    /** The relay is killed: all connections end. Another one is there at once. */
    public void cut() {
        locked(() -> {
            life++;
            List.copyOf(sessions).forEach(FakeSession::end);
        });
    }

    /** The relay is killed, and there is none until {@link #comeBack}. */
    public void leave() {
        locked(this::stopListening);
        cut();
    }

    /** Ends {@link #leave}. */
    public void comeBack() {
        locked(() -> {
            try {
                listen();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
    }

    /** The relay is replaced in an orderly way: clients get STOPPING, and find another relay on the same Redis. */
    public void restart() {
        StatusFields stopping = new StatusFields();
        set(stopping, 4, true, Cause.STOPPING.number());
        locked(() -> {
            life++;
            stopping.gaps = status.gaps;
        });
        sendAll(statusFrame(stopping));
    }

    /**
     * Removes features: "patterns", "settled", "fence". This applies to connections that are made from now on.
     *
     * @param names the features
     */
    public void without(String... names) {
        locked(() -> features.removeAll(List.of(names)));
    }

    /** Ends the relay and all connections, and removes the socket. */
    @Override
    public void close() {
        leave();
        try {
            Files.deleteIfExists(folder);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void locked(Runnable task) {
        lock.lock();
        try {
            task.run();
        } finally {
            lock.unlock();
        }
    }

    private static void set(StatusFields status, int state, boolean works, int cause) {
        status.state = state;
        status.publishing = works;
        status.receiving = works;
        status.cause = cause;
    }

    private static RelayFrame statusFrame(StatusFields status) {
        RelayFrame frame = new RelayFrame();
        frame.kind = RelayFrame.STATUS;
        frame.status = status;
        return frame;
    }

    private void sendAll(RelayFrame frame) {
        locked(() -> sessions.forEach(session -> session.send(frame)));
    }

    private void listen() throws IOException {
        ServerSocketChannel channel = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        channel.bind(UnixDomainSocketAddress.of(path));
        server = channel;
        daemon("accept", () -> accept(channel));
    }

    private void stopListening() {
        try {
            server.close();
            Files.deleteIfExists(path);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void accept(ServerSocketChannel channel) {
        while (channel.isOpen()) {
            try {
                SocketChannel socket = channel.accept();
                locked(() -> {
                    FakeSession session = new FakeSession(this, socket, connections++, life);
                    sessions.add(session);
                    session.start();
                });
            } catch (IOException e) {
                return; // closed
            }
        }
    }

    static void daemon(String name, Runnable task) {
        Thread thread = new Thread(task, "fake-relay-" + name);
        thread.setDaemon(true);
        thread.start();
    }

    /** The status that a Welcome has. With the lock. */
    StatusFields status() {
        return status;
    }

    /** Takes a publish of a client, in order. With the lock. */
    long published(String channel, byte[] payload) {
        if (!channel.startsWith(Protocol.FENCE_PREFIX)) {
            published.add(new Published(channel, payload));
            hasPublished.signalAll();
        }
        return deliver(channel, payload);
    }

    /** Delivers to all sessions, and returns the number of subscriptions that match. With the lock. */
    private long deliver(String channel, byte[] payload) {
        return status.receiving ? sessions.stream().mapToLong(session -> session.deliver(channel, payload)).sum() : 0;
    }

    /** With the lock. */
    void remove(FakeSession session) {
        sessions.remove(session);
    }
}
