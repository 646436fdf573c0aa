package io.hubrelay;

import java.util.ArrayList;
import java.util.List;

/** The state of a move from a relay that is stopping ({@link Core#current}) to the next one ({@link Core#next}). */
final class Move {
    /** A message of the new relay that came after the fence. */
    record Held(String channel, String pattern, byte[] payload) {
    }

    /** The fence's channel; null if there is no fence. */
    String fence;
    byte[] fenceBytes;
    /** One of the two relays did not grant the fence. */
    boolean refused;
    /** The old relay has granted the subscription to the fence. */
    boolean oldReady;
    boolean newReady;
    boolean published;
    /** The time when the fence is given up; never until everything is in force on the new relay. */
    long due = Deadlines.NEVER;
    /** The fence's message has come from the old relay, whose later messages are discarded. */
    boolean oldSeen;
    /** The fence's message has come from the new relay, whose later messages are held until {@link #oldSeen}. */
    boolean newSeen;
    final List<Held> held = new ArrayList<>();
    long heldBytes;
    /** The new relay has lost messages that it had to deliver. */
    boolean incomplete;
}
