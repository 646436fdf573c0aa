package io.hubrelay;

import java.util.ArrayList;
import java.util.List;

/** What a full queue remembers, in bounded space. */
final class Overflow {
    private long dropped;
    private Loss loss;
    private Revoked revoked;
    private Gap gap;
    private Status status;

    boolean isEmpty() {
        return dropped == 0 && loss == null && revoked == null && gap == null && status == null;
    }

    void clear() {
        dropped = 0;
        loss = null;
        revoked = null;
        gap = null;
        status = null;
    }

    /** Returns false when it is a message, which is dropped. */
    boolean add(Event event) {
        if (event instanceof Message) {
            dropped++;
            return false;
        }
        if (event instanceof Loss l) {
            loss = loss == null ? l : l.plus(loss);
        } else if (event instanceof Revoked r) {
            revoked = revoked == null ? r
                    : new Revoked(joined(revoked.channels(), r.channels()), joined(revoked.patterns(), r.patterns()),
                            r.detail());
        } else if (event instanceof Gap g) {
            gap = g;
        } else if (event instanceof Status s) {
            status = s;
        }
        return true;
    }

    private static List<String> joined(List<String> one, List<String> other) {
        List<String> both = new ArrayList<>(one);
        both.addAll(other);
        return both;
    }

    /**
     * Gives what was remembered, the Loss first: it is told in its place. A Gap follows it if wanted. Revoked is the
     * last one, as it is the last event of a Subscription.
     */
    List<Event> take(boolean tellsGap) {
        List<Event> events = new ArrayList<>();
        if (dropped > 0) {
            events.add(Loss.local(0, 0, dropped, Cause.SLOW_READER, "the application does not read fast enough"));
            if (tellsGap && gap == null) {
                gap = new Gap(List.of(GapTracker.LOSS), false);
            }
        }
        for (Event event : new Event[] {loss, status, gap, revoked}) {
            if (event != null) {
                events.add(event);
            }
        }
        clear();
        return events;
    }
}
