package io.hubrelay;

/** An element of an {@link EventStream}. Events are immutable, and shared between their readers. */
public sealed interface Event permits Message, Status, Loss, Gap, Revoked {
}
