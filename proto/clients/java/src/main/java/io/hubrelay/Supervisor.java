package io.hubrelay;

import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.channels.SocketChannel;

/** Connects, in a thread of its own, for as long as the client lives. */
final class Supervisor implements Runnable {
    private final Core core;
    private final Backoff backoff;
    /** The last connection that had a Welcome, until it has ended. */
    private Connection last;

    Supervisor(Core core) {
        this.core = core;
        backoff = new Backoff(core.options, core.random);
    }

    @Override
    public void run() {
        core.lock.lock();
        try {
            while (!core.stopped) {
                try {
                    if (waitForNeed()) {
                        attempt();
                    }
                } catch (Throwable e) {
                    core.journal.log(Level.ERROR, "connecting has failed", e);
                    core.awaitChange(Deadlines.after(core.now(), core.options.backoffMax));
                }
                core.letOthers(); // writes and reports the result
            }
        } finally {
            core.unlock();
        }
    }

    /**
     * Waits until a connection is needed, and then for the backoff's delay. The first attempt to find another relay,
     * beside one that is stopping, is made at once. It returns false if it has to be called again.
     */
    private boolean waitForNeed() {
        if (last != null && last.ended != null) {
            backoff.ended(last.endedAt - last.began);
            last = null;
        }
        Connection k = core.current;
        if (core.closing || core.next != null || k != null && !k.stopping) {
            core.awaitChange(Deadlines.NEVER);
            return false;
        }
        if (k != null && !k.sought) {
            k.sought = true;
            backoff.reset();
            last = null;
        }
        long due = Deadlines.after(core.now(), backoff.delay());
        while (!core.stopped && core.now() < due) {
            core.awaitChange(due);
        }
        return !core.stopped;
    }

    /** Makes one attempt, and waits for Welcome. */
    private void attempt() {
        IOException failure;
        Connection k = null;
        try {
            k = begin(connect());
            failure = awaitWelcome(k);
        } catch (IOException e) {
            failure = e;
        } catch (Throwable e) {
            failure = Core.failed(e);
            if (k != null) {
                k.end(failure);
            }
        }
        boolean hopeless = k != null && k.hopeless;
        backoff.attempted(hopeless);
        if (failure == null) {
            last = k;
        } else if (core.current == null) { // otherwise the relay that is stopping still serves
            core.problem = failure;
            core.ending.tellNoRelay(hopeless ? "hopeless" : "absent", failure.getMessage());
        }
    }

    private SocketChannel connect() throws IOException {
        core.unlock();
        try {
            return RelaySocket.connect(core.address);
        } finally {
            core.lock.lock();
        }
    }

    private Connection begin(SocketChannel channel) throws IOException {
        Connection k = null;
        try {
            if (core.closing) {
                throw new IOException("the client was closed");
            }
            k = new Connection(core, channel);
            core.attempt = k;
            k.begin();
            return k;
        } catch (Throwable e) {
            if (k == null) {
                channel.close();
            } else {
                k.end(Core.failed(e));
            }
            throw e;
        }
    }

    /** Returns the reason why there was no Welcome, or null. */
    private IOException awaitWelcome(Connection k) {
        core.letOthers(); // writes Hello
        long due = Deadlines.after(core.now(), core.options.handshake);
        while (k.welcome == null && k.ended == null && core.now() < due) {
            core.awaitChange(due);
        }
        if (k.welcome == null && k.ended == null) {
            k.end(new IOException("the relay accepts, but says no Welcome"));
        }
        return k.welcome == null ? new IOException(core.path + ": " + k.ended.getMessage(), k.ended) : null;
    }
}
