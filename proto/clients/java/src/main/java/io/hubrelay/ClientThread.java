package io.hubrelay;

/** A thread of the client's own. It ends with the client, and does not keep the JVM from ending. */
final class ClientThread extends Thread {
    final Core core;
    /**
     * Whether it is completing calls. What they publish meanwhile goes into one write after that. Only this thread uses
     * it.
     */
    boolean completing;

    ClientThread(Core core, String name, Runnable task) {
        super(null, task, "hubrelay-" + (core.name.isEmpty() ? "" : core.name + "-") + name, 0, false);
        this.core = core;
        setDaemon(true);
        setContextClassLoader(null); // the maker's class loader may be unloaded before the client is closed
    }
}
