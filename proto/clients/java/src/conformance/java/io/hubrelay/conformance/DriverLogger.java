package io.hubrelay.conformance;

import java.text.MessageFormat;
import java.util.ResourceBundle;
import java.util.function.Consumer;

/** Gives the client's log to the driver. */
record DriverLogger(Consumer<String> log) implements System.Logger {
    @Override
    public String getName() {
        return "driver";
    }

    @Override
    public boolean isLoggable(Level level) {
        return level.compareTo(Level.INFO) >= 0;
    }

    @Override
    public void log(Level level, ResourceBundle bundle, String text, Throwable thrown) {
        log.accept(text + (thrown == null ? "" : ": " + thrown));
    }

    @Override
    public void log(Level level, ResourceBundle bundle, String format, Object... arguments) {
        log.accept(MessageFormat.format(format, arguments));
    }
}
