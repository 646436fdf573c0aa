package io.hubrelay;

import io.hubrelay.testing.Assert;
import io.hubrelay.testing.FakeRelay;
import io.hubrelay.testing.QuietLogger;
import io.hubrelay.testing.Test;
import io.hubrelay.wire.RelayFrame;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/** The end of a connection, and of the next one in a move, with a relay in memory. */
final class EndingTest {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private final QuietLogger logger = new QuietLogger();

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /** The next event of a type. Others are passed over. */
    private static <T extends Event> T next(EventStream events, Class<T> type) throws InterruptedException {
        while (true) {
            Event event = events.poll(PATIENCE);
            Assert.that(event != null, "no " + type.getSimpleName() + " has come");
            if (type.isInstance(event)) {
                return type.cast(event);
            }
        }
    }

    /** Takes events up to a Status with a state. */
    private static Status awaitState(HubrelayClient client, State state) throws InterruptedException {
        while (true) {
            Status status = next(client.events(), Status.class);
            if (status.state() == state) {
                return status;
            }
        }
    }

    /** A client in a move that does not end, since the relays are not receiving. All that was told is taken. */
    private HubrelayClient moving(FakeRelay relay) throws Exception {
        HubrelayClient client = relay.client("test", b -> b.logger(logger).successor(Duration.ofMinutes(1)));
        client.subscribe(Names.ofChannels("room"));
        relay.down();
        awaitState(client, State.DOWN);
        relay.restart();
        awaitState(client, State.STOPPING);
        awaitState(client, State.DOWN); // the successor's
        return client;
    }

    @Test
    void whenASuccessorEndsTheStatusOfTheOldRelayIsToldAgain() throws Exception {
        try (FakeRelay relay = FakeRelay.start(); HubrelayClient client = moving(relay)) {
            Core core = client.events().core;
            Connection old = core.current;
            long ended = core.now();
            locked(core, () -> core.next.end(new IOException("killed")));
            Assert.equal(State.STOPPING, next(client.events(), Status.class).state());
            locked(core, () -> Assert.that(core.current == old && old.stoppedAt >= ended,
                    "the time for a successor does not begin anew"));
        }
    }

    @Test
    void aSuccessorThatSaysStoppingIsNone() throws Exception {
        try (FakeRelay relay = FakeRelay.start(); HubrelayClient client = moving(relay)) {
            RelayFrame stopping = new RelayFrame();
            stopping.kind = RelayFrame.STATUS;
            stopping.status.state = Status.STATE_STOPPING;
            stopping.status.gaps = 99;
            Core core = client.events().core;
            locked(core, () -> {
                Connection old = core.current;
                core.inbound.handle(core.next, stopping);
                Assert.that(core.current == old && old.ended == null && !old.left, "the old relay does not go on");
            });
            Status told = next(client.events(), Status.class);
            Assert.equal(State.STOPPING, told.state());
            Assert.equal(1L, told.gaps());
        }
    }

    private static void locked(Core core, Runnable task) {
        core.lock.lock();
        try {
            task.run();
        } finally {
            core.unlock();
        }
    }

    /** Publishes without Reply that were told as unknown by the end of the client's events. */
    private static long toldAsUnknown(HubrelayClient client) {
        long unknown = 0;
        for (Event event : client.events()) {
            unknown += event instanceof Loss loss ? loss.publishesUnknown() : 0;
        }
        return unknown;
    }

    @Test
    void afterAnEndInOrderNothingIsUnknown() throws Exception {
        try (FakeRelay relay = FakeRelay.start()) {
            relay.without("settled");
            HubrelayClient inOrder = relay.client("test", b -> b.logger(logger).drain(PATIENCE));
            inOrder.send("room", bytes("1"));
            inOrder.close();
            Assert.equal(0L, toldAsUnknown(inOrder));
            HubrelayClient cut = relay.client("test", b -> b.logger(logger));
            cut.send("room", bytes("2"));
            relay.awaitPublished(2, PATIENCE);
            relay.leave();
            while (next(cut.events(), Loss.class).publishesUnknown() != 1) {
                continue;
            }
            cut.close();
        }
    }
}
