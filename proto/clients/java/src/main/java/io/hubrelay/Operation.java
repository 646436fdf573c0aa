package io.hubrelay;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** One call of the application about names, and the requests that it waits for. Guarded by the client's lock. */
final class Operation implements Completion {
    final String name;
    final List<Entry> entries;
    /** The Subscription of a listen, else null. */
    final Subscription subscription;
    /** The entries that a plain subscribe has turned on. */
    final List<Entry> granted = new ArrayList<>(0);
    /** The number of requests without Reply. */
    int left;
    boolean pending;
    Failure failure;
    boolean finished;
    /** Gets whether the names are pending. */
    final CompletableFuture<Boolean> result = new CompletableFuture<>();

    Operation(String name, List<Entry> entries, Subscription subscription) {
        this.name = name;
        this.entries = entries;
        this.subscription = subscription;
    }

    @Override
    public void complete() {
        if (failure == null) {
            result.complete(pending);
        } else {
            result.completeExceptionally(failure.toException());
        }
    }
}
