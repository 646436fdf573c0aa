package io.hubrelay;

/** A thread of the client's own. It ends with the client, and keeps no JVM from ending. */
final class ClientThread extends Thread {
    final Core core;
    /** It tells callers their results: what they publish then is one write behind that. Of this thread alone. */
    boolean completing;

    ClientThread(Core core, String name, Runnable task) {
        super(null, task, "hubrelay-" + (core.name.isEmpty() ? "" : core.name + "-") + name, 0, false);
        this.core = core;
        setDaemon(true);
        setContextClassLoader(null); // that of who made the client may be unloaded before it is closed
    }
}
