package io.hubrelay;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** One call of the application about names, and the requests that it waits for. Guarded by the client's lock. */
final class Operation implements Completion {
    final String name;
    final List<Entry> entries;
    /** Of listen, else null. */
    final Subscription subscription;
    /** What a plain subscribe has turned on. */
    final List<Entry> granted = new ArrayList<>(0);
    /** Requests without Reply. */
    int left;
    boolean pending;
    Failure failure;
    boolean finished;
    /** Is given whether the names are pending. */
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
