package io.hubrelay;

import io.hubrelay.wire.RelayFrame.Reply;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** A Subscribe, Unsubscribe or Ping without its Reply. Guarded by the client's lock. */
final class Request {
    /** The kind of request. */
    enum Kind { SUBSCRIBE, UNSUBSCRIBE, PING }

    final Kind kind;
    long id;
    List<Entry> entries = List.of();
    /** It belongs to a plain subscribe or unsubscribe. */
    boolean plain;
    /** The call that waits for it; null if the client sent it for itself. */
    Operation operation;
    /** Other calls that also wait for it, since they want names in it. */
    final List<Operation> followers = new ArrayList<>(0);
    /** It restores names that this connection has to hold before it serves. */
    boolean restore;
    /** A Gap waits for it. */
    boolean barrier;
    /** The entries to ask for once this request is granted, since the relay's limit is near. */
    List<Entry> rest = List.of();
    /** Gets the Reply; null if nothing does. */
    Consumer<Reply> onReply;

    Request(Kind kind) {
        this.kind = kind;
    }

    /** A request of the same kind and purpose, for other names. */
    Request copy() {
        Request r = new Request(kind);
        r.plain = plain;
        r.operation = operation;
        r.restore = restore;
        r.barrier = barrier;
        return r;
    }

    /** A Subscribe of the client's own in place of this one. */
    Request again() {
        Request r = new Request(Kind.SUBSCRIBE);
        r.restore = restore;
        r.barrier = barrier;
        return r;
    }

    boolean isNamesRequest() {
        return kind != Kind.PING;
    }

    List<Entry> wantedRest() {
        return rest.stream().filter(Entry::isWanted).toList();
    }
}
