package io.hubrelay;

import java.lang.System.Logger.Level;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Gives the logger its lines in order, by a thread that lives while there are some: lines are made under the client's
 * lock, which no logger may be called with. A logger that blocks loses lines, and holds up nobody. Logging throws
 * nothing.
 */
final class Journal {
    private static final int MAX_LINES = 64;

    /** What the logger is to be given. */
    private record Line(Level level, String text, Throwable thrown) {
    }

    private final Core core;
    private final System.Logger logger;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition idle = lock.newCondition();
    private final Queue<Line> lines = new ArrayDeque<>();
    private boolean running;

    Journal(Core core, System.Logger logger) {
        this.core = core;
        this.logger = logger;
    }

    void log(Level level, String text) {
        log(level, text, null);
    }

    void log(Level level, String text, Throwable thrown) {
        lock.lock();
        try {
            if (lines.size() < MAX_LINES) {
                lines.add(new Line(level, text, thrown));
            }
            if (!running) {
                new ClientThread(core, "log", this::write).start();
                running = true;
            }
        } catch (Throwable e) {
            return; // there are no threads, or no memory: the next line tries again
        } finally {
            lock.unlock();
        }
    }

    private void write() {
        for (Line line = next(); line != null; line = next()) {
            try {
                if (logger.isLoggable(line.level)) {
                    logger.log(line.level, line.text, line.thrown);
                }
            } catch (Throwable e) {
                // The logger is the application's, and there is nobody else to tell.
                continue;
            }
        }
    }

    private Line next() {
        lock.lock();
        try {
            Line line = lines.poll();
            if (line == null) {
                running = false;
                idle.signalAll();
            }
            return line;
        } finally {
            lock.unlock();
        }
    }

    /** Waits until all lines are written, for so many nanoseconds at most. */
    void awaitIdle(long nanos) throws InterruptedException {
        lock.lock();
        try {
            long left = nanos;
            while (running && left > 0) {
                left = idle.awaitNanos(left);
            }
        } finally {
            lock.unlock();
        }
    }
}
