package io.hubrelay;

import io.hubrelay.testing.Assert;
import io.hubrelay.testing.FakeRelay;
import io.hubrelay.testing.QuietLogger;
import io.hubrelay.testing.Test;
import io.hubrelay.wire.FrameBuffer;
import java.io.IOException;
import java.lang.reflect.Field;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.ResourceBundle;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;

/** What the application or the JVM throws somewhere in the client breaks nothing else. On a relay in memory. */
@SuppressWarnings("try") // a test closes what it wants closed before the end
final class FaultsTest {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private final QuietLogger logger = new QuietLogger();

    private HubrelayClient client(FakeRelay relay) {
        return relay.client("test", builder -> builder.logger(logger));
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /** Publishes in another thread, which needs the client's lock. */
    private static void assertWorks(HubrelayClient client) throws Exception {
        CompletableFuture.supplyAsync(() -> client.publishAsync("room", bytes("works"))).get(30, TimeUnit.SECONDS)
                .get(30, TimeUnit.SECONDS);
    }

    /** Changes the client's state in a way that is possible nowhere but in a test. */
    private static void locked(HubrelayClient client, Runnable task) {
        Core core = client.events().core;
        core.lock.lock();
        try {
            task.run();
        } finally {
            core.unlock();
        }
    }

    @Test
    void nullIsRefusedAndLeavesTheLockFree() throws Exception {
        try (FakeRelay relay = FakeRelay.start(); HubrelayClient client = client(relay)) {
            Assert.throwing(NullPointerException.class, () -> client.publish("room", (byte[]) null));
            Assert.throwing(NullPointerException.class, () -> client.publishAsync("room", (byte[]) null));
            Assert.throwing(NullPointerException.class, () -> client.send("room", (byte[]) null));
            Assert.throwing(NullPointerException.class, () -> client.listen((Names) null));
            Assert.throwing(NullPointerException.class, () -> client.subscribe(null));
            assertWorks(client);
        }
    }

    @Test
    void whatFailsUnderTheLockReleasesItAndTheTurn() throws Exception {
        try (FakeRelay relay = FakeRelay.start(); HubrelayClient client = client(relay)) {
            Core core = client.events().core;
            for (int i = 0; i < 50; i++) {
                client.publish("room", "alone"); // callers read for themselves
                Assert.throwing(NullPointerException.class, () -> core.publishing.publish("room", null, true));
            }
            Assert.throwing(NullPointerException.class, () -> core.publishing.publishAsync("room", null, true));
            Assert.throwing(NullPointerException.class, () -> core.publishing.send("room", null));
            Assert.that(!core.lock.isLocked() || !core.lock.isHeldByCurrentThread(), "the lock is held");
            Assert.that(!core.current.turn.isHeldByCurrentThread(), "the turn is held");
            assertWorks(client);
        }
    }

    @Test
    void aHandlerThatFailsInTheClientsOwnThreadDoesNotEndIt() throws Exception {
        try (FakeRelay relay = FakeRelay.start()) {
            relay.leave();
            CountDownLatch failed = new CountDownLatch(1);
            try (HubrelayClient client = HubrelayClient.builder(relay.path()).logger(logger).open()) {
                client.events().handle(Runnable::run, event -> {
                    failed.countDown();
                    throw new AssertionError("the handler fails");
                });
                failed.await();
                relay.comeBack();
                client.ready(PATIENCE);
                assertWorks(client);
            }
        }
    }

    @Test
    void anAttemptToConnectThatFailsInAnyWayIsFollowedByAnother() throws Exception {
        try (FakeRelay relay = FakeRelay.start()) {
            relay.leave();
            try (HubrelayClient client = HubrelayClient.builder(relay.path()).logger(logger).open()) {
                Core core = client.events().core;
                locked(client, () -> core.options.backoffMin = -5); // no delay is possible
                Assert.eventually(() -> logger.lines.contains("ERROR connecting has failed"), "nothing has failed");
                locked(client, () -> core.options.backoffMin = 1);
                relay.comeBack();
                client.ready(PATIENCE);
            }
        }
    }

    @Test
    void anAttemptThatFailsBehindItsConnectLeavesNothing() throws Exception {
        try (FakeRelay relay = FakeRelay.start(); HubrelayClient client = client(relay)) {
            Core core = client.events().core;
            locked(client, () -> core.threads.add(null)); // no thread can be begun
            relay.cut();
            Assert.eventually(() -> core.problem != null && core.problem.getMessage().contains("NullPointer"),
                    "nothing has failed");
            locked(client, () -> core.threads.remove(null));
            client.ready(PATIENCE);
            locked(client, () -> Assert.equal(null, core.attempt));
            assertWorks(client);
        }
    }

    @Test
    void theClockGoesOnAfterAFailure() throws Exception {
        try (FakeRelay relay = FakeRelay.start(); HubrelayClient client = client(relay);
                Subscription s = client.listen("room")) {
            Core core = client.events().core;
            Connection current = core.current;
            locked(client, () -> {
                core.move = new Move();
                core.move.held.add(null); // cannot be delivered
                core.move.due = 0;
                core.clock.kick();
            });
            Assert.eventually(() -> logger.lines.contains("ERROR meeting a deadline has failed"), "nothing has failed");
            locked(client, () -> core.current = current);
            relay.cut();
            Event event = s.poll(PATIENCE); // the clock gives it
            Assert.that(event instanceof Gap, String.valueOf(event));
        }
    }

    @Test
    void aWriteThatFailsInAnyWayEndsTheConnectionAndAnotherIsMade() throws Exception {
        try (FakeRelay relay = FakeRelay.start(); HubrelayClient client = client(relay)) {
            Core core = client.events().core;
            Field length = FrameBuffer.class.getDeclaredField("length");
            length.setAccessible(true);
            Field chunk = Output.class.getDeclaredField("chunk");
            chunk.setAccessible(true);
            FrameBuffer broken = new FrameBuffer();
            length.set(broken, 1000); // more than there are
            Connection first = core.current;
            locked(client, () -> {
                try {
                    chunk.set(core.current.output, broken);
                } catch (IllegalAccessException e) {
                    throw new AssertionError(e);
                }
            });
            CompletableFuture<Long> lost = client.publishAsync("room", bytes("x"));
            ExecutionException e = Assert.throwing(ExecutionException.class, () -> lost.get(30, TimeUnit.SECONDS));
            Assert.that(e.getCause() instanceof HubrelayException, String.valueOf(e.getCause()));
            Assert.eventually(() -> core.current != null && core.current != first, "no other connection is made");
            assertWorks(client);
        }
    }

    @Test
    void aReadThatFailsInAnyWayEndsTheConnectionAndAnotherIsMade() throws Exception {
        try (FakeRelay relay = FakeRelay.start(); HubrelayClient client = client(relay)) {
            Core core = client.events().core;
            Connection first = core.current;
            locked(client, () -> {
                Request broken = new Request(Request.Kind.PING);
                broken.onReply = reply -> {
                    throw new OutOfMemoryError("test");
                };
                first.ping(broken, false);
            });
            Assert.eventually(() -> core.current != null && core.current != first, "no other connection is made");
            assertWorks(client);
            Assert.that(logger.lines.contains("ERROR reading has failed"), "" + logger.lines);
        }
    }

    /** A logger of which everything fails. */
    private static final class BrokenLogger implements System.Logger {
        private final CountDownLatch called = new CountDownLatch(1);

        @Override
        public String getName() {
            return "broken";
        }

        @Override
        public boolean isLoggable(Level level) {
            called.countDown();
            throw new AssertionError("the logger fails");
        }

        @Override
        public void log(Level level, ResourceBundle bundle, String text, Throwable thrown) {
            throw new AssertionError("the logger fails");
        }

        @Override
        public void log(Level level, ResourceBundle bundle, String format, Object... arguments) {
            throw new AssertionError("the logger fails");
        }
    }

    @Test
    void aLoggerThatFailsBreaksNothing() throws Exception {
        BrokenLogger broken = new BrokenLogger();
        try (FakeRelay relay = FakeRelay.start();
                HubrelayClient client = HubrelayClient.builder(relay.path()).logger(broken).open()) {
            client.ready(PATIENCE);
            relay.cut();
            broken.called.await();
            client.ready(PATIENCE);
            assertWorksSoon(client);
        }
    }

    /** The connection may just be ending. */
    private static void assertWorksSoon(HubrelayClient client) {
        Assert.eventually(() -> {
            try {
                assertWorks(client);
                return true;
            } catch (Exception e) {
                return false;
            }
        }, "it works no more");
    }

    @Test
    void aBlockingCallAboutNamesInADependentHasNoEffect() throws Exception {
        try (FakeRelay relay = FakeRelay.start(); HubrelayClient client = client(relay)) {
            client.subscribe(Names.ofChannels("held"));
            List<Throwable> thrown = new ArrayList<>();
            relay.stall();
            CompletableFuture<Void> dependent = client.publishAsync("room", bytes("1")).thenRun(() -> {
                Assert.Action listen = () -> client.listen("one");
                Assert.Action subscribe = () -> client.subscribe(Names.ofChannels("two"));
                Assert.Action unsubscribe = () -> client.unsubscribe(Names.ofChannels("held"));
                for (Assert.Action call : List.of(listen, subscribe, unsubscribe)) {
                    thrown.add(Assert.throwing(IllegalStateException.class, call));
                }
            });
            relay.resume();
            dependent.get(30, TimeUnit.SECONDS);
            Assert.equal(3, thrown.size());
            Assert.equal(0L, client.publish("one", "x"));
            Assert.equal(0L, client.publish("two", "x"));
            Assert.equal(1L, client.publish("held", "x"));
        }
    }

    @Test
    void aRelayThatDoesNotAcceptIsAFailedAttempt() throws Exception {
        Path folder = Files.createTempDirectory("hubrelay-test");
        Path path = folder.resolve("full.sock");
        UnixDomainSocketAddress address = UnixDomainSocketAddress.of(path);
        List<SocketChannel> waiting = new ArrayList<>();
        try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            server.bind(address, 1);
            IOException e = Assert.throwing(IOException.class, () -> {
                while (true) {
                    waiting.add(RelaySocket.connect(address)); // as long as they find room
                }
            });
            Assert.that(e.getMessage().contains(path.toString()), e.getMessage());
            Assert.that(!waiting.isEmpty(), "none has found room");
        } finally {
            for (SocketChannel channel : waiting) {
                channel.close();
            }
            Files.delete(path);
            Files.delete(folder);
        }
    }

    @Test
    void closeTakesTheDrainOnce() throws Exception {
        try (FakeRelay relay = FakeRelay.start()) {
            long drain = TimeUnit.SECONDS.toNanos(3);
            HubrelayClient client = relay.client("test", b -> b.logger(logger).drain(Duration.ofNanos(drain)));
            CountDownLatch blocks = new CountDownLatch(1);
            CountDownLatch blocked = new CountDownLatch(1);
            relay.stall();
            client.publishAsync("room", bytes("1")).thenRun(() -> {
                blocked.countDown();
                try {
                    blocks.await(); // in the thread that reads
                } catch (InterruptedException e) {
                    throw new AssertionError(e);
                }
            });
            relay.resume();
            blocked.await();
            client.publishAsync("room", bytes("never answered"));
            long began = System.nanoTime();
            client.close();
            long took = System.nanoTime() - began;
            blocks.countDown();
            Assert.that(took >= drain, "it did not wait: " + took);
            Assert.that(took < 2 * drain, "it waited twice: " + took);
        }
    }

    /** Opens a client of which the path is not ASCII. */
    static final class OpensOther {
        private OpensOther() {
        }

        public static void main(String[] arguments) {
            try (HubrelayClient client = HubrelayClient.open("/tmp/\u00e9.sock", "test")) {
                System.out.print("opened " + client.status().state());
            } catch (IllegalArgumentException e) {
                System.out.print("refused");
            }
        }
    }

    @Test
    void aPathThatTheLocaleCannotSayIsRefusedAtOnce() throws Exception {
        ProcessBuilder builder = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp", System.getProperty("java.class.path"), OpensOther.class.getName());
        builder.environment().put("LC_ALL", "C");
        Process process = builder.redirectError(ProcessBuilder.Redirect.DISCARD).start();
        Assert.equal("refused", new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8));
        process.waitFor();
    }

    @Test
    void hooksThatFailChangeNothing() throws Exception {
        Hooks hooks = new Hooks() {
            @Override
            public Object beforePublish(String channel, byte[] payload) {
                throw new IllegalStateException("the hook fails");
            }

            @Override
            public void afterPublish(Object context, String channel, long receivers, Throwable failure) {
                throw new AssertionError("the hook fails");
            }

            @Override
            public void beforeDelivery(Message message) {
                throw new AssertionError("the hook fails");
            }

            @Override
            public void afterDelivery(Message message) {
                throw new IllegalStateException("the hook fails");
            }
        };
        try (FakeRelay relay = FakeRelay.start();
                HubrelayClient client = relay.client("test", b -> b.logger(logger).hooks(hooks));
                Subscription s = client.listen("room")) {
            Assert.equal(1L, client.publish("room", "1"));
            Assert.equal(1L, client.publishAsync("room", "2").get(30, TimeUnit.SECONDS));
            client.send("room", "3");
            Assert.equal("1", ((Message) s.take()).text());
            Assert.equal("2", ((Message) s.take()).text());
            Assert.equal("3", ((Message) s.take()).text());
            Assert.eventually(() -> logger.lines.contains("ERROR a hook has failed"), "nothing is logged");
        }
    }

    @Test
    void afterAnyEndOfAPublishTheHookIsCalled() throws Exception {
        List<Throwable> failures = Collections.synchronizedList(new ArrayList<>());
        Hooks hooks = new Hooks() {
            @Override
            public void afterPublish(Object context, String channel, long receivers, Throwable failure) {
                failures.add(failure);
            }
        };
        try (FakeRelay relay = FakeRelay.start();
                HubrelayClient client = relay.client("test", b -> b.logger(logger).hooks(hooks))) {
            AtomicReference<Throwable> thrown = new AtomicReference<>();
            relay.stall();
            CompletableFuture<Void> dependent = client.publishAsync("room", bytes("1")).thenRun(() ->
                    thrown.set(Assert.throwing(IllegalStateException.class, () -> client.publish("room", "x"))));
            relay.resume();
            dependent.get(30, TimeUnit.SECONDS);
            Assert.that(failures.contains(thrown.get()), "" + failures);
        }
    }

    @Test
    void whatALossTellsIsCountedUpToTheLargestNumber() throws Exception {
        try (FakeRelay relay = FakeRelay.start(); HubrelayClient client = client(relay);
                Subscription s = client.listen("room")) {
            for (int i = 0; i < 2; i++) {
                relay.lose(Long.MAX_VALUE);
                while (!(s.poll(PATIENCE) instanceof Loss)) {
                    continue;
                }
            }
            Assert.equal(Long.MAX_VALUE, client.stats().lostMessages());
        }
    }

    @Test
    void cancelledFuturesThatWaitMakeRoomForBytes() throws Exception {
        try (FakeRelay relay = FakeRelay.start();
                HubrelayClient client = relay.client("test", b -> b.logger(logger).inFlight(3).unsent(1000))) {
            relay.stall();
            for (int i = 0; i < 3; i++) {
                client.publishAsync("room", bytes("under way"));
            }
            client.publishAsync("room", new byte[600]).cancel(false);
            CompletableFuture<Long> waits = client.publishAsync("room", new byte[600]);
            relay.resume();
            Assert.equal(0L, waits.get(30, TimeUnit.SECONDS));
        }
    }

    @Test
    void threadsHaveTheClientsNameAndNoClassLoader() {
        try (FakeRelay relay = FakeRelay.start(); HubrelayClient client = client(relay)) {
            List<Thread> threads = client.events().core.threads;
            for (Thread thread : threads) {
                Assert.that(thread.getName().startsWith("hubrelay-test-"), thread.getName());
                Assert.equal(null, thread.getContextClassLoader());
            }
            Assert.equal(3, threads.size());
        }
    }

    @Test
    void anInterruptedTestGetsNoClient() {
        try (FakeRelay relay = FakeRelay.start()) {
            relay.leave();
            Thread.currentThread().interrupt();
            AtomicReference<ClientBuilder> builder = new AtomicReference<>();
            Assert.throwing(IllegalStateException.class, () -> relay.client("test", builder::set));
            Assert.that(Thread.interrupted(), "the interrupt is forgotten");
            Assert.eventually(() -> Thread.getAllStackTraces().keySet().stream()
                    .noneMatch(thread -> thread instanceof ClientThread t && t.core.path.equals(relay.path())),
                    "threads are left");
            relay.comeBack();
        }
    }
}
