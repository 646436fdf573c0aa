package io.hubrelay;

import io.hubrelay.wire.Protocol;
import io.hubrelay.wire.RelayFrame.Reply;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Restores all wanted subscriptions on a new connection. With the client's lock. */
final class Restoring {
    private final Core core;

    Restoring(Core core) {
        this.core = core;
    }

    /** Asks for everything that is wanted, and only for that. */
    void restore(Connection k) {
        List<Entry> wanted = new ArrayList<>();
        List<Entry> impossible = new ArrayList<>();
        for (Entry e : core.names.all()) {
            if (e.isWanted()) {
                (e.pattern && !k.has(Protocol.FEATURE_PATTERNS) ? impossible : wanted).add(e);
            }
        }
        revoke(impossible, "the relay has no patterns");
        Request like = new Request(Request.Kind.SUBSCRIBE);
        like.restore = true;
        core.requests.ask(k, like, wanted.stream().filter(Entry::isWanted).toList());
    }

    /** Called when the last Reply has come. */
    void restored(Connection k) {
        for (Status status : k.heldBack) {
            if (k == core.newest()) {
                core.status = status;
                core.tell(status);
            }
        }
        k.heldBack.clear();
        core.handover.proceed();
    }

    /**
     * Handles a Subscribe of the client's own that was not granted: one bad name must not cost the others. Names that
     * Redis refuses by name are revoked. Near a limit it asks for one half, and for the rest once that half was
     * granted. Otherwise it asks for both halves separately, until only the bad names are left.
     */
    void askAgain(Connection k, Request r, Reply reply) {
        List<Entry> left = new ArrayList<>();
        List<Entry> refused = new ArrayList<>();
        Set<String> channels = new HashSet<>(reply.channels);
        Set<String> patterns = new HashSet<>(reply.patterns);
        for (Entry e : r.entries) {
            Entry.Hold hold = k.holds.get(e);
            if (!e.isWanted() || hold != null && (hold.willHold() || hold.last != null)) {
                continue; // nobody wants it, or there is a newer request
            }
            boolean named = (e.pattern ? patterns : channels).contains(e.text);
            (reply.outcome == Protocol.OUTCOME_REFUSED && named ? refused : left).add(e);
        }
        boolean limit = reply.outcome == Protocol.OUTCOME_LIMIT;
        List<Entry> rest = r.wantedRest();
        List<Entry> firstHalf = left.subList(0, left.size() / 2);
        List<Entry> secondHalf = left.subList(left.size() / 2, left.size());
        if (left.isEmpty() || left.size() < r.entries.size() && !limit) {
            askBefore(k, r, left, rest); // the names that are not asked for again may have been the wrong ones
            revoke(refused, reply.detail);
        } else if (limit && r.entries.size() == 1) {
            revoke(joined(left, rest), reply.detail);
        } else if (limit && left.size() == 1) {
            askBefore(k, r, left, rest);
        } else if (limit) {
            askBefore(k, r, firstHalf, joined(secondHalf, rest));
        } else if (left.size() > 1) {
            core.requests.askCounted(k, r.again(), firstHalf);
            askBefore(k, r, secondHalf, rest);
        } else {
            revoke(left, reply.detail);
            core.requests.askCounted(k, r.again(), rest);
        }
    }

    /**
     * Asks for entries in place of a request, and for the rest once those were granted, or at once if there are none.
     */
    private void askBefore(Connection k, Request r, List<Entry> entries, List<Entry> rest) {
        Request again = r.again();
        again.rest = entries.isEmpty() ? List.of() : rest;
        core.requests.askCounted(k, again, entries.isEmpty() ? rest : entries);
    }

    private static List<Entry> joined(List<Entry> one, List<Entry> other) {
        List<Entry> both = new ArrayList<>(one);
        both.addAll(other);
        return both;
    }

    /** Ends subscriptions that no relay grants. Reports that to those Subscriptions, and to the client's events. */
    void revoke(List<Entry> entries, String detail) {
        List<Entry> all = new ArrayList<>();
        Map<Subscription, List<Entry>> bySubscription = new LinkedHashMap<>();
        for (Entry e : entries) {
            if (e.plain || !e.listeners.isEmpty()) {
                all.add(e);
            }
            e.plain = false;
            for (Entry.Listener listener : e.listeners) {
                bySubscription.computeIfAbsent(listener.subscription(), s -> new ArrayList<>()).add(e);
            }
        }
        if (!all.isEmpty()) {
            core.tell(revoked(all, detail));
        }
        bySubscription.forEach((s, lost) -> {
            s.queue.push(revoked(lost, detail));
            s.queue.close();
            core.names.detach(s);
        });
        core.names.release(entries);
    }

    private static Revoked revoked(List<Entry> entries, String detail) {
        return new Revoked(entries.stream().filter(e -> !e.pattern).map(e -> e.text).toList(),
                entries.stream().filter(e -> e.pattern).map(e -> e.text).toList(), detail);
    }
}
