package io.hubrelay;

import io.hubrelay.testing.Assert;
import io.hubrelay.testing.QuietLogger;
import io.hubrelay.testing.Test;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** Bounds, order and waiting of the queue of events, without a connection. */
final class EventQueueTest {
    private static final int LIMIT = 2000;
    private static final Status STATUS = Status.noRelay("test");
    private static final Gap GAP = new Gap(List.of("test"), false);

    private final Core core = core(LIMIT, 1 << 20);
    private final EventStream stream = core.events;

    private static Core core(int queue, long allQueues) {
        Options options = new Options();
        options.queue = queue;
        options.allQueues = allQueues;
        options.logger = new QuietLogger();
        return new Core("/nowhere", "test", options);
    }

    private static Message message(int number) {
        return new Message("room", new byte[] {(byte) number}, "");
    }

    private static String describe(Event event) {
        if (event instanceof Message m) {
            return "message " + m.payload()[0];
        }
        return event instanceof Loss l ? "loss " + l.messages() : event.getClass().getSimpleName();
    }

    private boolean push(Event event) {
        return push(stream, event);
    }

    private static boolean push(EventStream to, Event event) {
        to.core.lock.lock();
        try {
            return to.queue.push(event);
        } finally {
            to.core.unlock();
        }
    }

    private void close() {
        core.lock.lock();
        try {
            stream.queue.close();
        } finally {
            core.unlock();
        }
    }

    private List<String> takeAll() throws InterruptedException {
        List<String> taken = new ArrayList<>();
        for (Event event = stream.poll(Duration.ZERO); event != null; event = stream.poll(Duration.ZERO)) {
            taken.add(describe(event));
        }
        return taken;
    }

    @Test
    void whatFindsNoRoomIsALossInItsPlace() throws InterruptedException {
        int kept = 0;
        while (push(message(kept))) {
            kept++;
        }
        Assert.equal(LIMIT / EventSize.of(message(0)), kept);
        push(message(100));
        Assert.equal("message 0", describe(stream.take()));
        Assert.equal("message 1", describe(stream.take()));
        Assert.equal("message 2", describe(stream.take()));
        Assert.equal("message 3", describe(stream.take()));
        push(message(101));
        List<String> rest = takeAll();
        Assert.equal(List.of("loss 2", "Gap", "message 101"), rest.subList(rest.size() - 3, rest.size()));
        Assert.equal(0L, core.queued.get());
    }

    @Test
    void ofStatusAndGapTheNewestAreKeptAndRevokedAlways() throws InterruptedException {
        while (push(message(1))) {
            continue;
        }
        push(new Revoked(List.of("a"), List.of(), "first"));
        for (int i = 0; i < 100; i++) {
            push(Status.noRelay("number " + i));
            push(new Gap(List.of("number " + i), false));
        }
        push(new Revoked(List.of("b"), List.of(), "second"));
        List<Event> taken = new ArrayList<>();
        for (Event event = stream.poll(Duration.ZERO); event != null; event = stream.poll(Duration.ZERO)) {
            taken.add(event);
        }
        List<Event> end = taken.subList(taken.size() - 4, taken.size());
        Assert.equal(1L, ((Loss) end.get(0)).messages());
        Assert.equal("number 99", ((Status) end.get(1)).reason());
        Assert.equal(List.of("number 99"), ((Gap) end.get(2)).reasons());
        Assert.equal(List.of("a", "b"), ((Revoked) end.get(3)).channels());
    }

    @Test
    void anEmptyQueueTakesAnyOneEvent() throws InterruptedException {
        Assert.that(push(new Message("room", new byte[LIMIT * 2], "")), "it was dropped");
        Assert.that(!push(message(1)), "there was room for another one");
        Assert.equal(LIMIT * 2, ((Message) stream.take()).payload().length);
    }

    @Test
    void allQueuesTogetherHaveABoundAndASharedMessageCountsOnce() throws InterruptedException {
        Core small = core(LIMIT, 1500);
        List<Subscription> subscriptions = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            subscriptions.add(new Subscription(small, Names.ofChannels("room")));
        }
        Message shared = new Message("room", new byte[500], "");
        for (Subscription s : subscriptions) {
            push(s, message(0));
            Assert.that(push(s, shared), "it counts once, and has room");
        }
        Assert.that(!push(subscriptions.get(0), new Message("room", new byte[500], "")), "another one has none");
        for (Subscription s : subscriptions) {
            s.take();
            s.take();
        }
        Assert.equal("loss 1", describe(subscriptions.get(0).take()));
        subscriptions.get(1).queue.discard();
        Assert.equal(0L, small.queued.get());
    }

    @Test
    void pollWaitsNoLongerThanItsTimeout() throws InterruptedException {
        Assert.equal(null, stream.poll(Duration.ofMillis(1)));
        Assert.equal(null, stream.poll(Duration.ofSeconds(-1)));
        push(STATUS);
        Assert.equal(STATUS, stream.poll(Duration.ofDays(1_000_000)));
    }

    @Test
    void pollKeepsItsTimeoutBesideAThreadThatWaits() throws Exception {
        ExecutorService threads = Executors.newCachedThreadPool();
        try {
            var waits = threads.submit(stream::take);
            Assert.eventually(stream.queue::isWaitedFor, "nobody waits");
            Assert.equal(null, stream.poll(Duration.ofMillis(1)));
            push(GAP);
            Assert.equal(GAP, waits.get());
        } finally {
            threads.shutdownNow();
        }
    }

    @Test
    void takeIsInterruptedAndStillTakesLater() throws InterruptedException {
        Thread.currentThread().interrupt();
        Assert.throwing(InterruptedException.class, stream::take);
        Thread.currentThread().interrupt();
        Assert.that(!stream.iterator().hasNext(), "the loop goes on");
        Assert.that(Thread.interrupted(), "the interrupt is forgotten");
        push(GAP);
        Assert.equal(GAP, stream.take());
    }

    @Test
    void anInterruptIsSeenWhileThereAreEvents() throws InterruptedException {
        push(GAP);
        push(STATUS);
        Thread.currentThread().interrupt();
        Assert.throwing(InterruptedException.class, stream::take);
        Thread.currentThread().interrupt();
        Assert.throwing(InterruptedException.class, () -> stream.poll(Duration.ZERO));
        Thread.currentThread().interrupt();
        Assert.that(!stream.iterator().hasNext(), "the loop goes on");
        Assert.that(Thread.interrupted(), "the interrupt is forgotten");
        Assert.equal(List.of("Gap", "Status"), takeAll());
    }

    @Test
    void aHandlerThatInterruptsItsThreadIsGivenAllThatFollows() {
        List<String> handled = new ArrayList<>();
        push(GAP);
        push(STATUS);
        stream.handle(Runnable::run, event -> {
            handled.add(describe(event));
            Thread.currentThread().interrupt();
        });
        Assert.that(Thread.interrupted(), "the interrupt is forgotten");
        Assert.equal(List.of("Gap", "Status"), handled);
    }

    @Test
    void afterAnErrorOfAHandlerTheNextEventFollows() throws Exception {
        List<String> handled = new ArrayList<>();
        push(GAP);
        var end = stream.handle(Runnable::run, event -> {
            handled.add(describe(event));
            throw new AssertionError("the handler fails");
        });
        push(STATUS);
        Assert.equal(List.of("Gap", "Status"), handled);
        close();
        end.get(30, TimeUnit.SECONDS);
    }

    @Test
    void anExecutorThatRefusesIsAskedAgain() throws Exception {
        AtomicInteger refusals = new AtomicInteger(3);
        CountDownLatch handled = new CountDownLatch(1);
        Executor bounded = task -> {
            if (refusals.getAndDecrement() > 0) {
                throw new RejectedExecutionException("it is full");
            }
            task.run();
        };
        push(GAP);
        var end = stream.handle(bounded, event -> handled.countDown());
        Assert.that(handled.await(30, TimeUnit.SECONDS), "the event lies until the next one comes");
        close();
        end.get(30, TimeUnit.SECONDS);
    }

    @Test
    void anExecutorThatIsShutDownEndsTheHandlerAtTheEnd() {
        ExecutorService threads = Executors.newCachedThreadPool();
        threads.shutdown();
        push(GAP);
        var end = stream.handle(threads, event -> { });
        close();
        ExecutionException e =
                Assert.throwing(ExecutionException.class, () -> end.get(30, TimeUnit.SECONDS));
        Assert.that(e.getCause() instanceof RejectedExecutionException, String.valueOf(e.getCause()));
    }

    @Test
    void aTaskThatIsRefusedAndRunAllTheSameRunsOnce() throws Exception {
        AtomicInteger runs = new AtomicInteger();
        CountDownLatch last = new CountDownLatch(2);
        Executor odd = task -> {
            runs.incrementAndGet();
            task.run();
            throw new IllegalStateException("after the task");
        };
        push(GAP);
        stream.handle(odd, event -> last.countDown());
        push(GAP);
        Assert.equal(0L, last.getCount());
        Assert.equal(2, runs.get());
    }

    @Test
    void whatOneQueueOrResultThrowsKeepsNothingElseFromBeingTold() {
        List<String> told = new ArrayList<>();
        EventStream other = new Subscription(core, Names.ofChannels("room"));
        stream.handle(task -> {
            throw new IllegalStateException("the executor fails");
        }, event -> { });
        other.handle(Runnable::run, event -> told.add(describe(event)));
        core.lock.lock();
        try {
            stream.queue.push(GAP);
            other.queue.push(STATUS);
            core.completeLater(() -> {
                throw new AssertionError("a result fails");
            });
            core.completeLater(() -> told.add("result"));
        } finally {
            core.unlock();
        }
        Assert.equal(List.of("Status", "result"), told);
    }

    @Test
    void whoWaitsIsWokenByAnEventAndByTheEnd() throws Exception {
        ExecutorService threads = Executors.newCachedThreadPool();
        try {
            var first = threads.submit(stream::take);
            var second = threads.submit(stream::take);
            push(GAP);
            push(STATUS);
            Assert.that(first.get() != second.get(), "both took the same event");
            var third = threads.submit(stream::take);
            var fourth = threads.submit(stream::take);
            close();
            for (var each : List.of(third, fourth)) {
                Throwable cause = Assert.throwing(ExecutionException.class, each::get).getCause();
                Assert.that(cause instanceof ClosedException, String.valueOf(cause));
            }
        } finally {
            threads.shutdownNow();
        }
    }

    @Test
    void aHandlerIsGivenEverythingInOrderOneAtATime() throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(3);
        try {
            List<String> handled = Collections.synchronizedList(new ArrayList<>());
            CountDownLatch some = new CountDownLatch(600);
            var end = stream.handle(threads, event -> {
                handled.add(describe(event));
                some.countDown();
                if (handled.size() == 5) {
                    throw new IllegalStateException("the handler fails once");
                }
            });
            Assert.throwing(IllegalStateException.class, () -> stream.handle(threads, event -> { }));
            List<String> pushed = new ArrayList<>();
            for (int i = 0; i < 600; i++) {
                Message m = message(i);
                pushed.add(describe(m));
                Assert.eventually(() -> !stream.queue.isFull(200), "the handler takes nothing");
                Assert.that(push(m), "it was dropped");
            }
            some.await();
            Assert.equal(pushed, handled);
            close();
            end.get(30, TimeUnit.SECONDS);
        } finally {
            threads.shutdownNow();
        }
    }

    @Test
    void aHandlerIsGivenWhatCameBeforeHoweverMuchItIs() throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(2);
        try {
            EventStream large = core(10 << 20, 10 << 20).events;
            for (int i = 0; i < 5000; i++) {
                push(large, GAP);
            }
            CountDownLatch all = new CountDownLatch(5000);
            large.handle(threads, event -> all.countDown());
            Assert.that(all.await(30, TimeUnit.SECONDS), all.getCount() + " events are left");
        } finally {
            threads.shutdownNow();
        }
    }

    @Test
    void aHandlerInTheThreadThatPushesDoesNotNest() {
        EventStream large = core(10 << 20, 10 << 20).events;
        for (int i = 0; i < 20_000; i++) {
            push(large, GAP);
        }
        List<Integer> depths = new ArrayList<>();
        large.handle(Runnable::run, event -> depths.add(new Throwable().getStackTrace().length));
        Assert.equal(20_000, depths.size());
        Assert.equal(Collections.min(depths), Collections.max(depths));
        push(large, GAP);
        Assert.equal(20_001, depths.size());
    }
}
