package io.hubrelay;

import java.util.ArrayList;
import java.util.List;

/** The events that a full queue remembers, in bounded space. */
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

    /** Returns false if the event is a message, which is dropped. */
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
     * Returns the remembered events, with the Loss first, since that is its place. A Gap follows it if
     * {@code tellsGap}. Revoked comes last, since it is the last event of a Subscription.
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
