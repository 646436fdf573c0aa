package io.hubrelay;

/** What an {@link EventStream} yields. Events are immutable, and shared between their readers. */
public sealed interface Event permits Message, Status, Loss, Gap, Revoked {
}
