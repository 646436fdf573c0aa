package io.hubrelay;

import static io.hubrelay.Deadlines.NEVER;

import io.hubrelay.testing.Assert;
import io.hubrelay.testing.Test;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;

/** What decides about times, without a clock: gaps, liveness, settling, backoff. */
final class TimingTest {
    private static final long SECOND = TimeUnit.SECONDS.toNanos(1);

    private final GapTracker gaps = new GapTracker(2 * SECOND, 5 * SECOND, () -> 0.5);

    @Test
    void aGapWaitsForReceivingAndTheRandomDelay() {
        gaps.note(GapTracker.GAPS, 0);
        Assert.equal(NEVER, gaps.next());
        gaps.begin(true, 0, SECOND);
        Assert.equal(2 * SECOND, gaps.next());
        Assert.equal(null, gaps.fire(2 * SECOND - 1));
        Assert.equal(List.of("gaps"), gaps.fire(2 * SECOND).reasons());
        Assert.equal(NEVER, gaps.next());
    }

    @Test
    void aBreakInTheDelayBeginsAnewAndReasonsComeTogether() {
        gaps.begin(true, 0, 0);
        gaps.note(GapTracker.GAPS, 0);
        gaps.begin(false, 0, SECOND / 2);
        Assert.equal(NEVER, gaps.next());
        gaps.note(GapTracker.CONNECTION, SECOND);
        gaps.begin(true, 0, 3 * SECOND);
        Assert.equal(4 * SECOND, gaps.next());
        Assert.equal(List.of("gaps", "new connection"), gaps.fire(4 * SECOND).reasons());
    }

    @Test
    void aGapWaitsForSubscribesSentBeforeReceiving() {
        gaps.note(GapTracker.PENDING, 0);
        gaps.begin(true, 2, 0);
        gaps.answered(1);
        gaps.addToBarrier(1);
        gaps.answered(2);
        Assert.equal(NEVER, gaps.next());
        gaps.answered(3);
        Assert.equal(3 + SECOND, gaps.next());
    }

    @Test
    void aPartialGapComesWhilePartOfTheChannelsIsAway() {
        gaps.note(GapTracker.GAPS, 0);
        gaps.grew(0);
        gaps.degraded(true);
        Assert.equal(5 * SECOND, gaps.next());
        Assert.equal(new Gap(List.of("gaps"), true), gaps.fire(5 * SECOND));
        Assert.equal(NEVER, gaps.next());
        gaps.begin(true, 0, 6 * SECOND);
        Assert.equal(new Gap(List.of("gaps"), false), gaps.fire(7 * SECOND));
    }

    @Test
    void silenceIsAnsweredByAPingAndThenTheEnd() {
        Liveness liveness = new Liveness(5 * SECOND, 15 * SECOND, 5 * SECOND, 0);
        Assert.equal(15 * SECOND, liveness.due());
        liveness.owed(SECOND);
        Assert.equal(6 * SECOND, liveness.due());
        Assert.equal(Liveness.Action.WAIT, liveness.check(6 * SECOND - 1));
        Assert.equal(Liveness.Action.PING, liveness.check(6 * SECOND));
        Assert.equal(Liveness.Action.WAIT, liveness.check(11 * SECOND - 1));
        Assert.equal(Liveness.Action.GIVE_UP, liveness.check(11 * SECOND));
        liveness.read(11 * SECOND);
        Assert.equal(16 * SECOND, liveness.due());
        liveness.settled();
        Assert.equal(26 * SECOND, liveness.due());
    }

    @Test
    void whatIsUnknownAtTheEndIsExact() {
        Settler settler = new Settler(SECOND);
        Assert.equal(NEVER, settler.due());
        settler.asks(true);
        Assert.equal(0L, settler.unknown(0));
        for (int i = 0; i < 5; i++) {
            Assert.equal(i == 0, settler.send(0));
        }
        Assert.equal(SECOND, settler.due());
        settler.ask();
        Assert.equal(NEVER, settler.due());
        settler.send(0);
        settler.send(0);
        settler.loss(2);
        Assert.equal(5L, settler.unknown(0));
        settler.answered(true, SECOND);
        Assert.equal(2L, settler.unknown(0));
        Assert.equal(1L, settler.unknown(1));
        settler.loss(1);
        Assert.equal(1L, settler.unknown(0));
        Assert.equal(2 * SECOND, settler.due());
    }

    @Test
    void countsEndAtTheLargestNumber() {
        Settler settler = new Settler(SECOND);
        settler.send(0);
        settler.loss(Long.MAX_VALUE);
        settler.loss(Long.MAX_VALUE);
        Assert.equal(0L, settler.unknown(1));
        Loss loss = Loss.local(Long.MAX_VALUE, Long.MAX_VALUE, Long.MAX_VALUE, Cause.SLOW_READER, "");
        Assert.equal(loss, loss.plus(loss));
        Assert.equal(5L, Counts.plus(2, 3));
    }

    @Test
    void aRelayThatCannotSettleIsNotAsked() {
        Settler settler = new Settler(SECOND);
        settler.send(0);
        Assert.equal(NEVER, settler.due());
        Assert.that(!settler.isWorthAsking(), "there is nothing to ask");
        Assert.equal(1L, settler.unknown(0));
    }

    @Test
    void theBoundOfTheBackoffDoublesUpToTheLast() {
        Options options = new Options();
        Backoff backoff = new Backoff(options, new SplittableRandom(1));
        Assert.equal(0L, backoff.delay());
        for (long bound : new long[] {20, 40, 80, 160, 320, 500, 500}) {
            backoff.attempted(false);
            long most = most(backoff);
            Assert.that(most <= TimeUnit.MILLISECONDS.toNanos(bound), most + " ns is above " + bound + " ms");
            Assert.that(most > TimeUnit.MILLISECONDS.toNanos(bound) * 9 / 10, most + " ns is far below " + bound);
        }
        backoff.ended(options.goodConnection - 1);
        Assert.that(most(backoff) > TimeUnit.MILLISECONDS.toNanos(400), "a short connection begins nothing anew");
        backoff.ended(options.goodConnection);
        Assert.that(most(backoff) <= TimeUnit.MILLISECONDS.toNanos(20), "a good connection does");
    }

    @Test
    void hopelessAttemptsAreSlowAndNeverAtOnce() {
        Backoff backoff = new Backoff(new Options(), new SplittableRandom(1));
        backoff.attempted(false);
        for (long bound : new long[] {1, 2, 4, 8, 16, 30, 30}) {
            backoff.attempted(true);
            for (int i = 0; i < 100; i++) {
                long delay = backoff.delay();
                Assert.that(delay >= bound * SECOND / 2 && delay <= bound * SECOND, delay + " ns of " + bound + " s");
            }
        }
        backoff.attempted(false);
        Assert.that(most(backoff) <= TimeUnit.MILLISECONDS.toNanos(20), "any other end leads back");
    }

    private static long most(Backoff backoff) {
        long most = 0;
        for (int i = 0; i < 200; i++) {
            most = Math.max(most, backoff.delay());
        }
        return most;
    }
}
