package io.hubrelay;

import io.hubrelay.Failure.Kind;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;

/**
 * A connection to the relay that reconnects by itself.
 *
 * <p>It connects in the background, so it can be made before there is a relay. Nothing is kept for later, and nothing
 * is ever sent twice. Each call reports its outcome: there is one {@link HubrelayException} for each way to fail.
 *
 * <p>Threads may share it. It has three daemon threads of its own. A thread that publishes writes to the socket by
 * itself. Dependents of futures run in one of the client's threads, in a thread that waits in {@link #publish}, or in
 * any thread of the application that is in a call of the client when the result is known. They must not block, and may
 * call the {@code Async} methods and {@link #send}. Blocking calls throw {@link IllegalStateException} in a thread that
 * the client needs.
 */
public final class HubrelayClient implements AutoCloseable {
    private final Core core;

    HubrelayClient(String path, String name, Options options) {
        core = new Core(path, name, options);
    }

    /**
     * Makes a client with all defaults, which begins to connect. It does not wait for the connection: {@link #ready}
     * does.
     *
     * @param path the relay's socket
     * @param name a name for the relay's logs and listings: at most 64 bytes in UTF-8
     * @return the client
     * @throws IllegalArgumentException if the name or the path cannot be used
     */
    public static HubrelayClient open(String path, String name) {
        return builder(path).name(name).open();
    }

    /**
     * Makes a client with other settings.
     *
     * @param path the relay's socket
     * @return a builder
     */
    public static ClientBuilder builder(String path) {
        return new ClientBuilder(path);
    }

    HubrelayClient start() {
        core.start();
        return this;
    }

    /**
     * Waits until there is a connection to a relay. {@link #status} says whether the relay can reach Redis.
     *
     * @param timeout how long to wait
     * @throws NotConnectedException at the timeout; its message says what is wrong
     * @throws ClosedException if the client is closed
     * @throws InterruptedException if the thread is interrupted while it waits
     */
    public void ready(Duration timeout) throws InterruptedException {
        core.checkMayBlock();
        Failure failure;
        core.lock.lock();
        try {
            long due = Deadlines.after(core.now(), Math.max(0, Durations.toNanos(timeout)));
            while (core.serving() == null && !core.closing && core.now() < due) {
                core.awaitChangeInterruptibly(due);
            }
            if (core.closing) {
                failure = Failure.of(Kind.CLOSED, "ready", "the client is closed");
            } else {
                failure = core.serving() == null ? core.notConnected("ready") : null;
            }
        } finally {
            core.unlock();
        }
        if (failure != null) {
            throw failure.toException();
        }
    }

    /**
     * Publishes, and waits for the answer of Redis. While too many publishes are in flight, it also waits for room.
     * Publishes of one thread to one channel reach Redis in their order.
     *
     * @param channel where to publish: 1 to 512 bytes in UTF-8
     * @param payload what to publish; it may be changed once the call has returned
     * @return how many subscriptions at Redis it matched, which is not the number of processes. Each relay counts once
     *     for the channel if a client of it listens to the channel, and once for each matching pattern that it holds
     * @throws NotConnectedException if it was certainly not delivered
     * @throws DeliveryUnknownException if it is unknown whether it was delivered
     * @throws RefusedException if Redis answered with an error
     * @throws InvalidRequestException if the channel is not valid or the payload too large
     * @throws ClosedException if the client is closed
     * @throws UnknownOutcomeException if the relay is newer, and gave an answer that this version does not know
     * @throws InterruptedException if the thread is interrupted; whether the message is delivered is unknown then
     */
    public long publish(String channel, byte[] payload) throws InterruptedException {
        return publish(channel, payload, true);
    }

    /**
     * {@link #publish(String, byte[])} for text, which is published in UTF-8.
     *
     * @param channel where to publish
     * @param text what to publish; a surrogate without its partner becomes "?"
     * @return how many subscriptions at Redis it matched
     * @throws InterruptedException if the thread is interrupted; whether the message is delivered is unknown then
     */
    public long publish(String channel, String text) throws InterruptedException {
        return publish(channel, bytes(text), true);
    }

    /**
     * {@link #publish(String, byte[])} for the bytes between a buffer's position and limit, which are copied. The
     * position does not change.
     *
     * @param channel where to publish
     * @param payload what to publish
     * @return how many subscriptions at Redis it matched
     * @throws InterruptedException if the thread is interrupted; whether the message is delivered is unknown then
     */
    public long publish(String channel, ByteBuffer payload) throws InterruptedException {
        return publish(channel, bytes(payload), true);
    }

    /**
     * {@link #publish(String, byte[])} that never waits for room.
     *
     * @param channel where to publish
     * @param payload what to publish
     * @return how many subscriptions at Redis it matched
     * @throws CongestedException if too many publishes are in flight already; nothing was sent
     * @throws InterruptedException if the thread is interrupted; whether the message is delivered is unknown then
     */
    public long tryPublish(String channel, byte[] payload) throws InterruptedException {
        return publish(channel, payload, false);
    }

    /**
     * {@link #tryPublish(String, byte[])} for text, as {@link #publish(String, String)}.
     *
     * @param channel where to publish
     * @param text what to publish
     * @return how many subscriptions at Redis it matched
     * @throws InterruptedException if the thread is interrupted; whether the message is delivered is unknown then
     */
    public long tryPublish(String channel, String text) throws InterruptedException {
        return publish(channel, bytes(text), false);
    }

    /**
     * {@link #tryPublish(String, byte[])} for a buffer, as {@link #publish(String, ByteBuffer)}.
     *
     * @param channel where to publish
     * @param payload what to publish
     * @return how many subscriptions at Redis it matched
     * @throws InterruptedException if the thread is interrupted; whether the message is delivered is unknown then
     */
    public long tryPublish(String channel, ByteBuffer payload) throws InterruptedException {
        return publish(channel, bytes(payload), false);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] bytes(ByteBuffer buffer) {
        byte[] bytes = new byte[buffer.remaining()];
        buffer.duplicate().get(bytes);
        return bytes;
    }

    private long publish(String channel, byte[] payload, boolean mayWait) throws InterruptedException {
        Objects.requireNonNull(channel, "channel");
        Objects.requireNonNull(payload, "payload");
        Hooks hooks = core.hooks;
        if (hooks == null) {
            return core.publishing.publish(channel, payload, mayWait);
        }
        Object context = hooks.beforePublish(channel, payload);
        long receivers;
        try {
            receivers = core.publishing.publish(channel, payload, mayWait);
        } catch (Throwable e) {
            hooks.afterPublish(context, channel, 0, e);
            throw e;
        }
        hooks.afterPublish(context, channel, receivers, null);
        return receivers;
    }

    /**
     * Publishes without waiting. The future gets what {@link #publish(String, byte[])} returns or throws. While too
     * many publishes are in flight, this one waits for room. What waits has limits as well: 10,000 publishes and 16
     * MiB. A caller that cancels or completes the future gives up the call: then it is unknown whether the message is
     * delivered.
     *
     * @param channel where to publish
     * @param payload what to publish; it may be changed once this call has returned
     * @return the receivers; or failed with a {@link HubrelayException}, which may be a {@link CongestedException}
     */
    public CompletableFuture<Long> publishAsync(String channel, byte[] payload) {
        return publishAsync(channel, payload, true);
    }

    /**
     * {@link #publishAsync(String, byte[])} for text, as {@link #publish(String, String)}.
     *
     * @param channel where to publish
     * @param text what to publish
     * @return the receivers; or failed with a {@link HubrelayException}, which may be a {@link CongestedException}
     */
    public CompletableFuture<Long> publishAsync(String channel, String text) {
        return publishAsync(channel, bytes(text), true);
    }

    /**
     * {@link #publishAsync(String, byte[])} for a buffer, as {@link #publish(String, ByteBuffer)}.
     *
     * @param channel where to publish
     * @param payload what to publish
     * @return the receivers; or failed with a {@link HubrelayException}, which may be a {@link CongestedException}
     */
    public CompletableFuture<Long> publishAsync(String channel, ByteBuffer payload) {
        return publishAsync(channel, bytes(payload), true);
    }

    /**
     * {@link #publishAsync(String, byte[])} that never waits for room.
     *
     * @param channel where to publish
     * @param payload what to publish; it may be changed once this call has returned
     * @return the receivers; or failed with a {@link HubrelayException}, which may be a {@link CongestedException}
     */
    public CompletableFuture<Long> tryPublishAsync(String channel, byte[] payload) {
        return publishAsync(channel, payload, false);
    }

    /**
     * {@link #tryPublishAsync(String, byte[])} for text, as {@link #publish(String, String)}.
     *
     * @param channel where to publish
     * @param text what to publish
     * @return the receivers; or failed with a {@link HubrelayException}, which may be a {@link CongestedException}
     */
    public CompletableFuture<Long> tryPublishAsync(String channel, String text) {
        return publishAsync(channel, bytes(text), false);
    }

    /**
     * {@link #tryPublishAsync(String, byte[])} for a buffer, as {@link #publish(String, ByteBuffer)}.
     *
     * @param channel where to publish
     * @param payload what to publish
     * @return the receivers; or failed with a {@link HubrelayException}, which may be a {@link CongestedException}
     */
    public CompletableFuture<Long> tryPublishAsync(String channel, ByteBuffer payload) {
        return publishAsync(channel, bytes(payload), false);
    }

    private CompletableFuture<Long> publishAsync(String channel, byte[] payload, boolean mayWait) {
        Objects.requireNonNull(channel, "channel");
        Objects.requireNonNull(payload, "payload");
        Hooks hooks = core.hooks;
        if (hooks == null) {
            return core.publishing.publishAsync(channel, payload, mayWait);
        }
        Object context = hooks.beforePublish(channel, payload);
        CompletableFuture<Long> result;
        try {
            result = core.publishing.publishAsync(channel, payload, mayWait);
        } catch (Throwable e) {
            hooks.afterPublish(context, channel, 0, e);
            throw e;
        }
        result.whenComplete((receivers, failure) ->
                hooks.afterPublish(context, channel, receivers == null ? 0 : receivers, failure));
        return result;
    }

    /**
     * Publishes without asking for an answer, and never waits. A {@link Loss} among {@link #events} counts what is not
     * delivered.
     *
     * @param channel where to publish
     * @param payload what to publish; it may be changed once the call has returned
     * @throws NotConnectedException if there is no relay
     * @throws InvalidRequestException if the channel is not valid or the payload too large
     * @throws CongestedException if too many publishes are in flight already
     * @throws ClosedException if the client is closed
     */
    public void send(String channel, byte[] payload) {
        Objects.requireNonNull(channel, "channel");
        Objects.requireNonNull(payload, "payload");
        Hooks hooks = core.hooks;
        if (hooks == null) {
            core.publishing.send(channel, payload);
            return;
        }
        Object context = hooks.beforePublish(channel, payload);
        try {
            core.publishing.send(channel, payload);
        } catch (Throwable e) {
            hooks.afterPublish(context, channel, 0, e);
            throw e;
        }
        hooks.afterPublish(context, channel, 0, null);
    }

    /**
     * {@link #send(String, byte[])} for text, as {@link #publish(String, String)}.
     *
     * @param channel where to publish
     * @param text what to publish
     */
    public void send(String channel, String text) {
        send(channel, bytes(text));
    }

    /**
     * {@link #send(String, byte[])} for a buffer, as {@link #publish(String, ByteBuffer)}.
     *
     * @param channel where to publish
     * @param payload what to publish
     */
    public void send(String channel, ByteBuffer payload) {
        send(channel, bytes(payload));
    }

    /**
     * Begins a subscription to channels, and waits until the relay has confirmed it. Messages that are published from
     * then on arrive, or are reported as missed. While there is no relay, or the relay is not receiving, the call does
     * not wait: {@link Subscription#isPending} is true then, and a {@link Gap} reports when the subscription is in
     * force.
     *
     * @param channels 1 or more, each of 1 to 512 bytes in UTF-8
     * @return the subscription; close it when it is not needed any more
     * @throws RefusedException if Redis refuses a name
     * @throws InvalidRequestException if a name is not valid
     * @throws LimitException if the relay grants no more subscriptions
     * @throws ClosedException if the client is closed
     * @throws UnknownOutcomeException if the relay is newer, and gave an answer that this version does not know
     * @throws InterruptedException if the thread is interrupted; there is no subscription then
     */
    public Subscription listen(String... channels) throws InterruptedException {
        return listen(Names.ofChannels(channels));
    }

    /**
     * {@link #listen(String...)} for patterns.
     *
     * @param patterns 1 or more, each of 1 to 512 bytes in UTF-8
     * @return the subscription
     * @throws InvalidRequestException also if the relay does not support patterns
     * @throws InterruptedException if the thread is interrupted; there is no subscription then
     */
    public Subscription listenPattern(String... patterns) throws InterruptedException {
        return listen(Names.ofPatterns(patterns));
    }

    /**
     * {@link #listen(String...)} for channels and patterns together.
     *
     * @param names 1 or more
     * @return the subscription
     * @throws InterruptedException if the thread is interrupted; there is no subscription then
     */
    public Subscription listen(Names names) throws InterruptedException {
        core.checkMayBlock();
        return core.subscribing.await(listenAsync(names));
    }

    /**
     * {@link #listen(Names)} without waiting. A caller that cancels the future gives up the call.
     *
     * @param names 1 or more
     * @return the subscription; or failed with a {@link HubrelayException}
     */
    public CompletableFuture<Subscription> listenAsync(Names names) {
        return core.subscribing.listenAsync(names);
    }

    /**
     * Subscribes to names; their messages come in {@link #events}. It is for applications that keep track of their
     * subscriptions themselves; most applications want {@link #listen}. If the call fails, none of the names is held
     * because of it.
     *
     * @param names 1 or more
     * @return true if the names are held, but not in force yet: a {@link Gap} reports when they are
     * @throws HubrelayException as {@link #listen(String...)}
     * @throws InterruptedException if the thread is interrupted; the relay may still grant the names then
     */
    public boolean subscribe(Names names) throws InterruptedException {
        core.checkMayBlock();
        return core.subscribing.await(subscribeAsync(names));
    }

    /**
     * {@link #subscribe} without waiting.
     *
     * @param names 1 or more
     * @return what {@link #subscribe} returns; or failed with a {@link HubrelayException}
     */
    public CompletableFuture<Boolean> subscribeAsync(Names names) {
        return core.subscribing.plainAsync("subscribe", Request.Kind.SUBSCRIBE, names);
    }

    /**
     * Ends what {@link #subscribe} began. It takes effect in every state, and also for names that are not held.
     *
     * @param names 1 or more
     * @throws InvalidRequestException if a name is not valid
     * @throws ClosedException if the client is closed
     * @throws InterruptedException if the thread is interrupted
     */
    public void unsubscribe(Names names) throws InterruptedException {
        core.checkMayBlock();
        core.subscribing.await(unsubscribeAsync(names));
    }

    /**
     * {@link #unsubscribe} without waiting.
     *
     * @param names 1 or more
     * @return completes when the relay has answered; or failed with a {@link HubrelayException}
     */
    public CompletableFuture<Void> unsubscribeAsync(Names names) {
        return core.subscribing.plainAsync("unsubscribe", Request.Kind.UNSUBSCRIBE, names).thenApply(pending -> null);
    }

    /**
     * The events of the whole client: {@link Status}, {@link Gap}, {@link Loss}, {@link Revoked}, and the messages of
     * {@link #subscribe}. The application need not read them. If the stream is full, and there is no
     * {@link Subscription} and no answer outstanding, the client leaves the socket unread, so that the relay counts
     * what is lost.
     *
     * @return the stream, of which the client has only one
     */
    public EventStream events() {
        return core.events;
    }

    /**
     * The last Status that was reported.
     *
     * @return the status
     */
    public Status status() {
        core.lock.lock();
        try {
            return core.status;
        } finally {
            core.unlock();
        }
    }

    /**
     * The counters as they are now.
     *
     * @return counters
     */
    public Stats stats() {
        core.lock.lock();
        try {
            Counters c = core.counters;
            return new Stats(c.published, c.failures(Kind.NOT_CONNECTED), c.failures(Kind.INTERRUPTED),
                    c.failures(Kind.REFUSED), c.failures(Kind.INVALID), c.failures(Kind.CONGESTED),
                    c.failures(Kind.CLOSED), c.failures(Kind.UNKNOWN), c.received, c.lostMessages,
                    c.lostPublishes, c.lostUnknown, c.gaps, c.connections, core.publishing.waiting(),
                    core.queued.get());
        } finally {
            core.unlock();
        }
    }

    /**
     * Closes the client in an orderly way. It accepts no more calls and delivers no more messages. It waits, for 8 s at
     * most, until all outstanding answers have come and the relay has taken all sends. Then the connection and all
     * subscriptions end. An interrupt cuts the wait short, and the thread stays interrupted. A second close waits for
     * the same end. In one of the client's own threads it does not wait.
     */
    @Override
    public void close() {
        Closing closing = new Closing(core);
        Connection k = core.current;
        if (core.isOwnThread() || k != null && k.turn.isHeldByCurrentThread()) {
            new ClientThread(core, "close", closing::close).start();
        } else {
            closing.close();
        }
    }
}
