package io.hubrelay;

/** Publishes that wait for room, the oldest first. */
final class WaitingList {
    private Publication first;
    private Publication last;
    private int size;
    private long bytes;

    Publication first() {
        return first;
    }

    boolean isEmpty() {
        return first == null;
    }

    int size() {
        return size;
    }

    /** The bytes of all payloads and channels. */
    long bytes() {
        return bytes;
    }

    void add(Publication p, byte[] channel, byte[] payload) {
        p.channel = channel;
        p.payload = payload;
        p.waiting = true;
        p.previous = last;
        if (last == null) {
            first = p;
        } else {
            last.next = p;
        }
        last = p;
        size++;
        bytes += channel.length + payload.length;
    }

    void remove(Publication p) {
        if (p.previous == null) {
            first = p.next;
        } else {
            p.previous.next = p.next;
        }
        if (p.next == null) {
            last = p.previous;
        } else {
            p.next.previous = p.previous;
        }
        p.waiting = false;
        p.previous = null;
        p.next = null;
        size--;
        bytes -= p.channel.length + p.payload.length;
    }

    /** Removes publishes that nobody waits for any more. */
    void removeAbandoned() {
        for (Publication p = first; p != null;) {
            Publication next = p.next;
            if (p.isAbandoned()) {
                remove(p);
            }
            p = next;
        }
    }
}
