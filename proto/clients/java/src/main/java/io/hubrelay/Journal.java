package io.hubrelay;

import java.lang.System.Logger.Level;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Gives the logger its lines in order. A thread does that, which lives while there are lines: they are made under the
 * client's lock, and no logger may be called with that. If a logger blocks, lines are lost, but nothing waits for it.
 * Logging does not throw.
 */
final class Journal {
    private static final int MAX_LINES = 64;

    /** A line for the logger. */
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
            return; // no thread could be started, or there is no memory: the next line tries again
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
                // The logger belongs to the application, and there is nowhere else to report it.
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

    /** Waits until all lines are written, or until that many nanoseconds have passed. */
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
