package io.hubrelay;

import io.hubrelay.wire.Utf8;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** All channels and patterns, and the subscriptions that want them. With the client's lock. */
final class NameTable {
    private final Core core;
    private final Map<String, Entry> channels = new LinkedHashMap<>();
    private final Map<String, Entry> patterns = new LinkedHashMap<>();
    private final Set<Subscription> subscriptions = new LinkedHashSet<>();

    NameTable(Core core) {
        this.core = core;
    }

    /** The entry of a channel, or null. */
    Entry channel(String text) {
        return channels.get(text);
    }

    /** The entry of a pattern, or null. */
    Entry pattern(String text) {
        return patterns.get(text);
    }

    /** All channels and patterns. */
    List<Entry> all() {
        List<Entry> all = new ArrayList<>(channels.values());
        all.addAll(patterns.values());
        return all;
    }

    /** The open subscriptions. The collection must not change while the caller iterates over it. */
    Collection<Subscription> subscriptions() {
        return subscriptions;
    }

    boolean hasNoSubscriptions() {
        return subscriptions.isEmpty();
    }

    boolean isAnythingWanted() {
        return !subscriptions.isEmpty() || channels.values().stream().anyMatch(Entry::isWanted)
                || patterns.values().stream().anyMatch(Entry::isWanted);
    }

    /** The entries of names, each once. The caller has checked the names. */
    List<Entry> entriesOf(Names names) {
        Set<Entry> entries = new LinkedHashSet<>();
        for (String name : names.channels()) {
            entries.add(channels.computeIfAbsent(name, text -> new Entry(text, Utf8.encode(text), false)));
        }
        for (String name : names.patterns()) {
            entries.add(patterns.computeIfAbsent(name, text -> new Entry(text, Utf8.encode(text), true)));
        }
        return List.copyOf(entries);
    }

    /** Adds a Subscription to the listeners of its names. */
    void attach(Subscription s, List<Entry> entries) {
        s.entries = entries;
        s.places = new int[entries.size()];
        for (int i = 0; i < s.places.length; i++) {
            List<Entry.Listener> listeners = entries.get(i).listeners;
            s.places[i] = listeners.size();
            listeners.add(new Entry.Listener(s, i));
        }
        subscriptions.add(s);
    }

    /** Removes a Subscription again. The time for that does not depend on how many others listen. */
    void detach(Subscription s) {
        List<Entry> entries = s.entries;
        s.entries = List.of();
        subscriptions.remove(s);
        for (int i = 0; i < entries.size(); i++) {
            List<Entry.Listener> listeners = entries.get(i).listeners;
            Entry.Listener last = listeners.remove(listeners.size() - 1);
            if (last.subscription() != s) {
                listeners.set(s.places[i], last);
                last.subscription().places[last.index()] = s.places[i];
            }
        }
        release(entries);
    }

    /** Unsubscribes from those entries that nobody wants any more. */
    void release(List<Entry> entries) {
        for (Connection k : core.servingAndNext()) {
            List<Entry> unwanted = entries.stream().filter(e -> !e.isWanted() && k.willHold(e)).toList();
            core.requests.ask(k, new Request(Request.Kind.UNSUBSCRIBE), unwanted);
        }
        entries.forEach(this::prune);
        if (!isAnythingWanted()) {
            core.gaps.forget();
        }
    }

    /** Removes an entry that nobody wants and no connection knows. */
    void prune(Entry e) {
        if (!e.isWanted() && e.asked == null && e.holds == 0) {
            (e.pattern ? patterns : channels).remove(e.text, e);
        }
    }

    /** Closes all Subscriptions. Readers still get the events that they hold. */
    void closeSubscriptions() {
        subscriptions.forEach(s -> s.queue.close());
        subscriptions.clear();
    }
}
