package io.hubrelay;

import io.hubrelay.wire.Protocol;
import io.hubrelay.wire.Utf8;
import java.time.Duration;
import java.util.Objects;

/**
 * Settings of a {@link HubrelayClient}. All have defaults that seldom need a change. Times must be longer than zero,
 * and bounds above zero; otherwise {@link IllegalArgumentException} is thrown. Each bound may be exceeded by one event
 * or frame at most: an empty queue takes an event of any size.
 *
 * <p>One thread at a time may use it.
 */
public final class ClientBuilder {
    private final String path;
    private String name = "";
    private final Options options = new Options();

    ClientBuilder(String path) {
        this.path = Objects.requireNonNull(path, "path");
    }

    /**
     * Sets the name for the relay's logs and listings.
     *
     * @param clientName at most 64 bytes in UTF-8. Default: empty
     * @return this
     */
    public ClientBuilder name(String clientName) {
        byte[] bytes = Utf8.encode(clientName);
        if (bytes == null || bytes.length > Protocol.MAX_CLIENT_NAME_BYTES) {
            throw new IllegalArgumentException("the client's name has at most " + Protocol.MAX_CLIENT_NAME_BYTES
                    + " bytes in UTF-8: \"" + clientName + '"');
        }
        name = clientName;
        return this;
    }

    /**
     * Sets the bound of a Gap's random delay.
     *
     * @param duration the time. Default: 2 s
     * @return this
     */
    public ClientBuilder gapDelay(Duration duration) {
        options.gapDelay = positive(duration);
        return this;
    }

    /**
     * Sets how long a part of a cluster's channels may stay unavailable after a break before a partial Gap is reported.
     *
     * @param duration the time. Default: 5 s
     * @return this
     */
    public ClientBuilder partialGap(Duration duration) {
        options.partialGap = positive(duration);
        return this;
    }

    /**
     * Sets the first bound of the random delay between attempts to connect.
     *
     * @param duration the time. Default: 20 ms
     * @return this
     */
    public ClientBuilder backoffMin(Duration duration) {
        options.backoffMin = positive(duration);
        return this;
    }

    /**
     * Sets the last bound of the random delay between attempts to connect.
     *
     * @param duration the time. Default: 500 ms
     * @return this
     */
    public ClientBuilder backoffMax(Duration duration) {
        options.backoffMax = positive(duration);
        return this;
    }

    /**
     * Sets the last bound of the same delay after a relay has reported that it does not speak this version of the
     * protocol, or that it does not let this process in.
     *
     * @param duration the time. Default: 30 s
     * @return this
     */
    public ClientBuilder backoffHopeless(Duration duration) {
        options.backoffHopeless = positive(duration);
        return this;
    }

    /**
     * Sets how long a connection has to last before the backoff starts from its beginning again.
     *
     * @param duration the time. Default: 5 s
     * @return this
     */
    public ClientBuilder goodConnection(Duration duration) {
        options.goodConnection = positive(duration);
        return this;
    }

    /**
     * Sets how long a relay may take to send its Welcome.
     *
     * @param duration the time. Default: 5 s
     * @return this
     */
    public ClientBuilder handshake(Duration duration) {
        options.handshake = positive(duration);
        return this;
    }

    /**
     * Sets how long the client waits for outstanding answers, on close and when a relay shuts down.
     *
     * @param duration the time. Default: 8 s
     * @return this
     */
    public ClientBuilder drain(Duration duration) {
        options.drain = positive(duration);
        return this;
    }

    /**
     * Sets how long the client waits for the next relay when one shuts down, how long a fence may take, and how long
     * the move holds publishes back.
     *
     * @param duration the time. Default: 250 ms
     * @return this
     */
    public ClientBuilder successor(Duration duration) {
        options.successor = positive(duration);
        return this;
    }

    /**
     * Sets how long sends stay unsettled before the client asks the relay for their outcome.
     *
     * @param duration the time. Default: 1 s
     * @return this
     */
    public ClientBuilder settle(Duration duration) {
        options.settle = positive(duration);
        return this;
    }

    /**
     * Sets the silence after which the client sends a Ping while an answer is outstanding.
     *
     * @param duration the time. Default: 5 s
     * @return this
     */
    public ClientBuilder pingOwed(Duration duration) {
        options.pingOwed = positive(duration);
        return this;
    }

    /**
     * Sets the silence after which the client sends a Ping, whether an answer is outstanding or not.
     *
     * @param duration the time. Default: 15 s
     * @return this
     */
    public ClientBuilder pingIdle(Duration duration) {
        options.pingIdle = positive(duration);
        return this;
    }

    /**
     * Sets the silence after a Ping after which the client ends the connection.
     *
     * @param duration the time. Default: 5 s
     * @return this
     */
    public ClientBuilder pingTimeout(Duration duration) {
        options.pingTimeout = positive(duration);
        return this;
    }

    /**
     * Sets how many publishes may wait for their answer.
     *
     * @param bound the bound. Default: 10,000
     * @return this
     */
    public ClientBuilder inFlight(int bound) {
        options.inFlight = positive(bound);
        return this;
    }

    /**
     * Sets how many bytes of publishes may be unread by the relay.
     *
     * @param bound the bound. Default: 16 MiB
     * @return this
     */
    public ClientBuilder unsent(int bound) {
        options.unsent = positive(bound);
        return this;
    }

    /**
     * Sets the same bound for sends: a send is accepted only while no more bytes than that would be unread.
     *
     * @param bound the bound. Default: 1 MiB
     * @return this
     */
    public ClientBuilder unsentSend(int bound) {
        options.unsentSend = positive(bound);
        return this;
    }

    /**
     * Sets how many bytes the queue of each subscription, and that of the events, may hold.
     *
     * @param bound the bound. Default: 4 MiB
     * @return this
     */
    public ClientBuilder queue(int bound) {
        options.queue = positive(bound);
        return this;
    }

    /**
     * Sets how many bytes all these queues together may hold. A message that is in several queues counts once.
     *
     * @param bound the bound. Default: 64 MiB
     * @return this
     */
    public ClientBuilder allQueues(long bound) {
        options.allQueues = positive(bound);
        return this;
    }

    /**
     * Sets the logger. It gets the beginning and the end of connections, and moves between relays: never single
     * messages, and an outage only once. It is called by one thread at a time, in order.
     *
     * @param logger the logger. Default: {@code System.getLogger("io.hubrelay")}
     * @return this
     */
    public ClientBuilder logger(System.Logger logger) {
        options.logger = Objects.requireNonNull(logger);
        return this;
    }

    /**
     * Sets the hooks, which are called around each publish and each delivery.
     *
     * @param hooks the hooks. Default: none
     * @return this
     */
    public ClientBuilder hooks(Hooks hooks) {
        options.hooks = Objects.requireNonNull(hooks);
        return this;
    }

    /**
     * Makes the client, which begins to connect. It does not wait.
     *
     * @return the client
     * @throws IllegalArgumentException if no socket can have the path, or the JVM's locale cannot express it
     */
    public HubrelayClient open() {
        byte[] bytes = Utf8.encode(path);
        if (bytes == null || bytes.length == 0 || bytes.length > RelaySocket.MAX_PATH_BYTES || path.indexOf(0) >= 0) {
            throw new IllegalArgumentException("the path of a socket has 1 to " + RelaySocket.MAX_PATH_BYTES
                    + " bytes: \"" + path + '"');
        }
        Options copy = options.copy();
        if (copy.logger == null) {
            copy.logger = System.getLogger("io.hubrelay");
        }
        return new HubrelayClient(path, name, copy).start();
    }

    private static long positive(Duration duration) {
        long nanos = Durations.toNanos(duration);
        if (nanos <= 0) {
            throw new IllegalArgumentException("a time has to be longer than zero: " + duration);
        }
        return nanos;
    }

    private static int positive(int bound) {
        return (int) positive((long) bound);
    }

    private static long positive(long bound) {
        if (bound <= 0) {
            throw new IllegalArgumentException("a bound has to be above zero: " + bound);
        }
        return bound;
    }
}
