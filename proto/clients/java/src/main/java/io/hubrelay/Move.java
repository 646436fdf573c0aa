package io.hubrelay;

import java.util.ArrayList;
import java.util.List;

/** The state of a move from a relay that is stopping ({@link Core#current}) to the next one ({@link Core#next}). */
final class Move {
    /** A message of the new relay, behind the fence. */
    record Held(String channel, String pattern, byte[] payload) {
    }

    /** The fence's channel; null: there is none. */
    String fence;
    byte[] fenceBytes;
    /** One of the two relays does not give it. */
    boolean refused;
    /** The old relay holds it. */
    boolean oldReady;
    boolean newReady;
    boolean published;
    /** When the fence is given up; never: not published yet. */
    long due = Deadlines.NEVER;
    /** The old relay has brought it: what follows there is discarded. */
    boolean oldSeen;
    /** The new one has: what follows there is held until the old one has. */
    boolean newSeen;
    final List<Held> held = new ArrayList<>();
    long heldBytes;
    /** The new relay has lost messages that were its to deliver. */
    boolean incomplete;
}
