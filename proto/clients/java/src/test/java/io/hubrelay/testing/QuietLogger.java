package io.hubrelay.testing;

import java.util.List;
import java.util.ResourceBundle;
import java.util.concurrent.CopyOnWriteArrayList;

/** Keeps what is logged. */
public final class QuietLogger implements System.Logger {
    /** The lines, with their level in front. */
    public final List<String> lines = new CopyOnWriteArrayList<>();

    /** A logger without lines. */
    public QuietLogger() {
        // There is nothing to set.
    }

    @Override
    public String getName() {
        return "quiet";
    }

    @Override
    public boolean isLoggable(Level level) {
        return true;
    }

    @Override
    public void log(Level level, ResourceBundle bundle, String text, Throwable thrown) {
        lines.add(level + " " + text);
    }

    @Override
    public void log(Level level, ResourceBundle bundle, String format, Object... arguments) {
        lines.add(level + " " + format);
    }
}
