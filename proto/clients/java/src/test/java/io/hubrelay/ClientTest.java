package io.hubrelay;

import io.hubrelay.testing.Assert;
import io.hubrelay.testing.FakeRelay;
import io.hubrelay.testing.QuietLogger;
import io.hubrelay.testing.Test;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;

/** The client on a relay in memory. */
@SuppressWarnings("try") // a test closes what it wants closed before the end
final class ClientTest {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private final QuietLogger logger = new QuietLogger();

    private HubrelayClient client(FakeRelay relay) {
        return relay.client("test", builder -> builder.logger(logger));
    }

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

    @Test
    void everySubscriptionOfAChannelGetsEveryMessage() throws Exception {
        try (FakeRelay relay = FakeRelay.start(); HubrelayClient client = client(relay);
                Subscription one = client.listen("room"); Subscription other = client.listen("room", "hall");
                Subscription pattern = client.listenPattern("ro?m")) {
            Assert.equal(2L, client.publish("room", "hällo"));
            Assert.equal("hällo", next(one, Message.class).text());
            Assert.equal("room", next(other, Message.class).channel());
            Assert.equal("ro?m", next(pattern, Message.class).pattern());
            one.close();
            Assert.throwing(ClosedException.class, one::take);
            Assert.equal(1L, client.publish("hall", ByteBuffer.wrap(bytes("_hall"), 1, 4)));
            Assert.equal("hall", next(other, Message.class).text());
        }
    }

    @Test
    void everyCallPublishesBytesBuffersAndText() throws Exception {
        try (FakeRelay relay = FakeRelay.start(); HubrelayClient client = client(relay)) {
            ByteBuffer buffer = ByteBuffer.wrap(bytes("_é"), 1, 2);
            client.publish("room", "é");
            client.publish("room", buffer);
            client.tryPublish("room", "é");
            client.tryPublish("room", buffer);
            client.publishAsync("room", "é").get();
            client.publishAsync("room", buffer).get();
            client.tryPublishAsync("room", "é").get();
            client.tryPublishAsync("room", buffer).get();
            client.send("room", "é");
            client.send("room", buffer);
            for (FakeRelay.Published published : relay.awaitPublished(10, PATIENCE)) {
                Assert.equal("é", new String(published.payload(), StandardCharsets.UTF_8));
            }
            Assert.equal(2, buffer.remaining());
        }
    }

    @Test
    void anApplicationsTestMakesMessages() {
        Assert.equal("hello", Message.of("room", bytes("hello")).text());
        Assert.equal("r*", Message.of("room", bytes("hello"), "r*").pattern());
        Assert.equal("room", Message.of("room", bytes("hello")).channel());
    }

    @Test
    void withTheLastSubscriptionTheClientUnsubscribes() throws Exception {
        try (FakeRelay relay = FakeRelay.start(); HubrelayClient client = client(relay)) {
            Subscription one = client.listen("room");
            Subscription other = client.listen("room");
            one.close();
            Assert.equal(1L, client.publish("room", "1"));
            other.close();
            Assert.equal(0L, client.publish("room", "2"));
        }
    }

    @Test
    void plainSubscribesComeInEventsAndStayHeldForASubscription() throws Exception {
        try (FakeRelay relay = FakeRelay.start(); HubrelayClient client = client(relay)) {
            Assert.that(!client.subscribe(Names.ofChannels("room")), "it is pending");
            Subscription s = client.listen("room");
            client.publish("room", "1");
            Assert.equal("1", next(client.events(), Message.class).text());
            client.unsubscribe(Names.ofChannels("room"));
            client.publish("room", "2");
            next(s, Message.class);
            Assert.equal("2", next(s, Message.class).text());
            s.close();
            Assert.equal(0L, client.publish("room", "3"));
            Assert.equal(null, client.events().poll(Duration.ZERO));
        }
    }

    @Test
    void eachOutcomeHasItsOwnException() throws Exception {
        try (FakeRelay relay = FakeRelay.start(); HubrelayClient client = client(relay)) {
            Assert.throwing(InvalidRequestException.class, () -> client.publish("", "x"));
            Assert.throwing(InvalidRequestException.class, () -> client.publish("a\ud800", "x"));
            Assert.throwing(InvalidRequestException.class, () -> client.publish("é".repeat(257), "x"));
            Assert.throwing(InvalidRequestException.class, () -> client.publish("a", new byte[(1 << 20) + 1]));
            Assert.throwing(InvalidRequestException.class, () -> client.listen());
            relay.refuse("secret");
            RefusedException refused =
                    Assert.throwing(RefusedException.class, () -> client.listen("open", "secret"));
            Assert.equal(List.of("secret"), refused.channels());
            relay.down();
            Assert.throwing(NotConnectedException.class, () -> client.publish("room", "x"));
            relay.up();
            relay.stall();
            CompletableFuture<Long> owed = client.publishAsync("room", bytes("x"));
            relay.cut();
            CompletionException e = Assert.throwing(CompletionException.class, owed::join);
            Assert.that(e.getCause() instanceof DeliveryUnknownException, String.valueOf(e.getCause()));
            client.close();
            Assert.throwing(ClosedException.class, () -> client.publish("room", "x"));
            Assert.throwing(ClosedException.class, () -> client.send("room", bytes("x")));
            Assert.throwing(ClosedException.class, () -> client.listen("room"));
            Stats stats = client.stats();
            Assert.equal(4L, stats.invalid());
            Assert.equal(1L, stats.notConnected());
            Assert.equal(1L, stats.interrupted());
            Assert.equal(2L, stats.closed());
        }
    }

    @Test
    void anExceptionHasTheStackOfItsCaller() {
        try (FakeRelay relay = FakeRelay.start(); HubrelayClient client = client(relay)) {
            relay.refuse("secret");
            assertOwnStack(Assert.throwing(RefusedException.class, () -> client.listen("secret")));
            relay.down();
            assertOwnStack(Assert.throwing(NotConnectedException.class, () -> client.publish("room", "x")));
        }
    }

    private static void assertOwnStack(HubrelayException e) {
        boolean own = Arrays.stream(e.getStackTrace()).anyMatch(frame -> frame.getMethodName().contains("Caller"));
        Assert.that(own, "it has another stack");
    }

    @Test
    void withoutARelayTheErrorSaysThePathAndWhatConnectSaid() throws Exception {
        Path folder = Files.createTempDirectory("hubrelay-test");
        String path = folder.resolve("none.sock").toString();
        try (HubrelayClient client = HubrelayClient.builder(path).logger(logger).open()) {
            NotConnectedException e =
                    Assert.throwing(NotConnectedException.class, () -> client.ready(Duration.ofMillis(300)));
            Assert.that(e.getMessage().contains(path) && e.getMessage().contains("No such file"), e.getMessage());
            Assert.throwing(NotConnectedException.class, () -> client.send("room", bytes("x")));
            Assert.that(client.listen("room").isPending(), "it is in force");
            Assert.equal(Cause.NO_RELAY, client.status().cause());
            Assert.that(!client.status().connected(), "it is connected");
        } finally {
            Files.delete(folder);
        }
    }

    @Test
    void impossibleArgumentsAreRefusedAtOnce() {
        Assert.throwing(IllegalArgumentException.class, () -> HubrelayClient.open("/tmp/x.sock", "é".repeat(33)));
        Assert.throwing(IllegalArgumentException.class, () -> HubrelayClient.open("", "test"));
        Assert.throwing(IllegalArgumentException.class, () -> HubrelayClient.open("/" + "x".repeat(107), "test"));
        ClientBuilder builder = HubrelayClient.builder("/tmp/x.sock");
        Assert.throwing(IllegalArgumentException.class, () -> builder.queue(0));
        Assert.throwing(IllegalArgumentException.class, () -> builder.drain(Duration.ZERO));
    }

    @Test
    void aLostRelayIsAGapAndWhatWasHeldIsHeldAgain() throws Exception {
        try (FakeRelay relay = FakeRelay.start(); HubrelayClient client = client(relay);
                Subscription s = client.listen("room")) {
            relay.leave();
            Assert.that(!next(client.events(), Status.class).connected() || !next(client.events(), Status.class)
                    .connected(), "it is connected");
            relay.comeBack();
            Assert.equal(List.of("new connection"), next(s, Gap.class).reasons());
            relay.publish("room", bytes("again"));
            Assert.equal("again", next(s, Message.class).text());
            Assert.that(logger.lines.stream().anyMatch(line -> line.startsWith("WARNING no relay")), "" + logger.lines);
        }
    }

    @Test
    void aGracefulRestartLosesNothingAndIsNoGap() throws Exception {
        try (FakeRelay relay = FakeRelay.start(); HubrelayClient client = client(relay);
                Subscription s = client.listen("room")) {
            for (int i = 0; i < 300; i++) {
                if (i % 100 == 50) {
                    relay.restart();
                }
                relay.publish("room", bytes("" + i));
                Assert.equal(1L, client.publish("other", "x") + 1);
            }
            for (int i = 0; i < 300; i++) {
                Event event = s.poll(PATIENCE);
                Assert.that(event instanceof Message, String.valueOf(event));
                Assert.equal("" + i, ((Message) event).text());
            }
            Assert.equal(300, relay.published().size());
            Assert.that(client.stats().connections() > 1, "there was no move");
        }
    }

    @Test
    void aLossOfTheRelayIsFollowedByAGap() throws Exception {
        try (FakeRelay relay = FakeRelay.start(); HubrelayClient client = client(relay);
                Subscription s = client.listen("room")) {
            relay.lose(3);
            Loss loss = next(s, Loss.class);
            Assert.equal(3L, loss.messages());
            Assert.that(!loss.local(), "it is the client's own");
            Assert.equal(List.of("loss"), next(s, Gap.class).reasons());
        }
    }

    @Test
    void revokedEndsASubscription() throws Exception {
        try (FakeRelay relay = FakeRelay.start(); HubrelayClient client = client(relay);
                Subscription s = client.listen("room", "hall"); Subscription other = client.listen("attic")) {
            client.subscribe(Names.ofChannels("cellar"));
            relay.refuse("room", "attic", "cellar");
            Assert.equal(List.of("room"), next(s, Revoked.class).channels());
            Assert.equal(List.of("attic"), next(other, Revoked.class).channels());
            Assert.equal(List.of("room", "attic", "cellar"), next(client.events(), Revoked.class).channels());
            Assert.throwing(ClosedException.class, s::take);
            Assert.equal(0L, client.publish("hall", "x"));
        }
    }

    @Test
    void aSecondListenerIsPendingWhileTheRelayIsNotReceiving() throws Exception {
        try (FakeRelay relay = FakeRelay.start(); HubrelayClient client = client(relay);
                Subscription first = client.listen("room")) {
            relay.down();
            while (next(client.events(), Status.class).state() != State.DOWN) {
                continue;
            }
            Assert.that(client.listen("room").isPending(), "it is not pending");
        }
    }

    @Test
    void anInterruptGivesThePublishUpAndFreesThePlaceLater() throws Exception {
        try (FakeRelay relay = FakeRelay.start();
                HubrelayClient client = relay.client("test", b -> b.logger(logger).inFlight(1))) {
            relay.stall();
            CountDownLatch interrupted = new CountDownLatch(1);
            Thread thread = new Thread(() -> {
                Assert.throwing(InterruptedException.class, () -> client.publish("room", "x"));
                interrupted.countDown();
            });
            thread.start();
            relay.awaitPublished(1, PATIENCE);
            thread.interrupt();
            interrupted.await();
            Assert.throwing(CongestedException.class, () -> client.tryPublish("room", bytes("y")));
            CompletableFuture<Long> dropped = client.publishAsync("room", bytes("never"));
            dropped.cancel(true);
            Assert.throwing(CancellationException.class, dropped::join);
            CompletableFuture<Long> waits = client.publishAsync("room", bytes("z"));
            relay.resume();
            Assert.equal(0L, waits.get());
            Assert.equal(0L, client.publish("room", "end"));
            Assert.equal(List.of("x", "z", "end"),
                    relay.published().stream().map(p -> new String(p.payload(), StandardCharsets.UTF_8)).toList());
        }
    }

    @Test
    void anInterruptedThreadSendsNothing() {
        try (FakeRelay relay = FakeRelay.start(); HubrelayClient client = client(relay)) {
            Thread.currentThread().interrupt();
            Assert.throwing(InterruptedException.class, () -> client.publish("room", "x"));
            Assert.equal(0, relay.published().size());
        }
    }

    @Test
    void whatWaitsForRoomIsBoundedForFutures() throws Exception {
        try (FakeRelay relay = FakeRelay.start();
                HubrelayClient client = relay.client("test", b -> b.logger(logger).inFlight(2))) {
            relay.stall();
            List<CompletableFuture<Long>> futures = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                futures.add(client.publishAsync("room", bytes("" + i)));
            }
            CompletionException e =
                    Assert.throwing(CompletionException.class, () -> client.publishAsync("room", bytes("5")).join());
            Assert.that(e.getCause() instanceof CongestedException, String.valueOf(e.getCause()));
            Assert.equal(2L, client.stats().waiting());
            relay.resume();
            for (CompletableFuture<Long> future : futures) {
                future.get();
            }
        }
    }

    @Test
    void aBlockingCallInADependentIsRefusedAndAnAsyncOneWorks() throws Exception {
        try (FakeRelay relay = FakeRelay.start(); HubrelayClient client = client(relay)) {
            relay.stall();
            CompletableFuture<Long> first = client.publishAsync("room", bytes("1"));
            AtomicReference<Throwable> thrown = new AtomicReference<>();
            CompletableFuture<Long> second = first.thenCompose(receivers -> {
                try {
                    client.publish("room", "blocks");
                } catch (IllegalStateException | InterruptedException e) {
                    thrown.set(e);
                }
                return client.publishAsync("room", bytes("2"));
            });
            relay.resume();
            Assert.equal(0L, second.get());
            Assert.that(thrown.get() instanceof IllegalStateException, String.valueOf(thrown.get()));
        }
    }

    @Test
    void callersThatReadForThemselvesGetEveryReplyAndPassTheTurnOn() throws Exception {
        try (FakeRelay relay = FakeRelay.start(); HubrelayClient client =
                relay.client("test", b -> b.logger(logger).pingIdle(Duration.ofHours(1)))) {
            for (int round = 0; round < 20; round++) {
                for (int i = 0; i < 50; i++) {
                    client.publish("room", "alone");
                }
                try (Subscription s = client.listen("room")) {
                    Assert.equal(1L, client.publish("room", "heard"));
                    Assert.equal("heard", next(s, Message.class).text());
                }
            }
            for (int i = 0; i < 50; i++) {
                client.publish("room", "alone");
            }
            relay.lose(1); // while nobody reads
            Assert.equal(1L, next(client.events(), Loss.class).messages());
        }
    }

    @Test
    void manyThreadsPublishInTheirOrder() throws Exception {
        try (FakeRelay relay = FakeRelay.start(); HubrelayClient client = client(relay)) {
            List<Thread> threads = new ArrayList<>();
            List<Throwable> failures = Collections.synchronizedList(new ArrayList<>());
            for (int t = 0; t < 16; t++) {
                String name = "t" + t;
                Thread thread = new Thread(() -> {
                    try {
                        for (int i = 0; i < 200; i++) {
                            client.publish(name, "" + i);
                        }
                    } catch (Exception e) {
                        failures.add(e);
                    }
                });
                thread.start();
                threads.add(thread);
            }
            for (Thread thread : threads) {
                thread.join();
            }
            Assert.equal(List.of(), failures);
            for (int t = 0; t < 16; t++) {
                String name = "t" + t;
                List<String> came = relay.published().stream().filter(p -> p.channel().equals(name))
                        .map(p -> new String(p.payload(), StandardCharsets.UTF_8)).toList();
                Assert.equal(200, came.size());
                for (int i = 0; i < 200; i++) {
                    Assert.equal("" + i, came.get(i));
                }
            }
        }
    }

    @Test
    void closeWaitsForWhatIsOwedAndForSends() throws Exception {
        try (FakeRelay relay = FakeRelay.start()) {
            HubrelayClient client = relay.client("test", b -> b.logger(logger).drain(PATIENCE));
            relay.stall();
            CompletableFuture<Long> owed = client.publishAsync("room", bytes("1"));
            client.send("room", bytes("2"));
            CompletableFuture<Void> closed = CompletableFuture.runAsync(client::close);
            relay.awaitPublished(2, PATIENCE);
            Assert.that(!closed.isDone(), "it did not wait");
            relay.resume();
            Assert.equal(0L, owed.get());
            closed.get();
            client.close();
            for (Event event : client.events()) {
                Assert.that(!(event instanceof Loss), "a send is told as lost: " + event);
            }
            Assert.eventually(() -> Thread.getAllStackTraces().keySet().stream()
                    .noneMatch(thread -> thread instanceof ClientThread t && t.core.path.equals(relay.path())),
                    "threads are left");
        }
    }

    @Test
    void closeInADependentDoesNotWaitForItself() throws Exception {
        try (FakeRelay relay = FakeRelay.start()) {
            HubrelayClient client = relay.client("test", b -> b.logger(logger).drain(Duration.ofHours(1)));
            client.publishAsync("room", bytes("1")).thenRun(client::close).get();
            for (Event event : client.events()) {
                Assert.that(event instanceof Status, event.toString());
            }
        }
    }

    @Test
    void hooksAreCalledAroundPublishesAndDeliveries() throws Exception {
        List<String> calls = Collections.synchronizedList(new ArrayList<>());
        Hooks hooks = new Hooks() {
            @Override
            public Object beforePublish(String channel, byte[] payload) {
                calls.add("before " + channel);
                return "context";
            }

            @Override
            public void afterPublish(Object context, String channel, long receivers, Throwable failure) {
                String outcome = failure == null ? "" : failure.getClass().getSimpleName();
                calls.add(context + " " + receivers + " " + outcome);
            }

            @Override
            public void beforeDelivery(Message message) {
                calls.add("delivery " + message.text());
            }

            @Override
            public void afterDelivery(Message message) {
                calls.add("delivered " + message.text());
            }
        };
        try (FakeRelay relay = FakeRelay.start();
                HubrelayClient client = relay.client("test", b -> b.logger(logger).hooks(hooks));
                Subscription s = client.listen("room")) {
            client.publish("room", "1");
            Assert.throwing(InvalidRequestException.class, () -> client.publish("", "1"));
            client.publishAsync("none", bytes("2")).get();
            s.take();
            s.close();
        }
        Assert.equal(List.of("before room", "context 1 ", "before ", "context 0 InvalidRequestException", "before none",
                "context 0 ", "delivery 1", "delivered 1"), calls);
    }
}
