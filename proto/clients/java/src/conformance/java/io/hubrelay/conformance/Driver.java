package io.hubrelay.conformance;

import io.hubrelay.ClientBuilder;
import io.hubrelay.Event;
import io.hubrelay.EventStream;
import io.hubrelay.HubrelayClient;
import io.hubrelay.HubrelayException;
import io.hubrelay.Subscription;
import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Phaser;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * The driver with which proto/conformance checks this client: lines on the standard input become calls, and results and
 * events become lines on the standard output. With the argument {@code blocking} publishes are blocking calls, each in
 * a thread of its own; else all calls give futures.
 */
public final class Driver {
    private static final int PAGE_BYTES = 4096;

    private final boolean blocking;
    private final OutputStream output = new FileOutputStream(FileDescriptor.out);
    private final Map<String, Runnable> cancels = new ConcurrentHashMap<>();
    private final Map<String, Subscription> subscriptions = new ConcurrentHashMap<>();
    /** Calls whose result is not printed yet. */
    private final Phaser calls = new Phaser(1);
    private final Gate gate = new Gate();
    private HubrelayClient client;

    private Driver(boolean blocking) {
        this.blocking = blocking;
    }

    /**
     * Runs the driver.
     *
     * @param arguments none, or {@code blocking}
     * @throws IOException if the standard input cannot be read
     */
    public static void main(String[] arguments) throws IOException {
        new Driver(Arrays.asList(arguments).contains("blocking")).run();
    }

    private void run() throws IOException {
        print("driver 1 java " + (blocking ? "hubrelay-blocking" : "hubrelay")
                + " cancel jitter inflight-bound unsent-bound events-bound no-byte-strings subscription-end");
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8), 1 << 16);
        for (String line = input.readLine(); line != null && !line.equals("quit"); line = input.readLine()) {
            List<String> words = List.of(line.split(" ", -1));
            command(words.get(0), words.get(1), words.subList(2, words.size()));
        }
        Runtime.getRuntime().halt(0);
    }

    private void command(String command, String tag, List<String> rest) {
        switch (command) {
            case "open" -> open(Words.unquote(tag), Words.unquote(rest.get(0)), rest.subList(1, rest.size()));
            case "publish", "publish-now" -> publish(command, tag, Words.unquote(rest.get(0)),
                    Words.payload(rest.get(1)));
            case "tell" -> done(tag, send(Words.unquote(rest.get(0)), Words.payload(rest.get(1))));
            case "subscribe" -> start(tag, client.subscribeAsync(Words.names(rest)), Driver::confirmed);
            case "unsubscribe" -> start(tag, client.unsubscribeAsync(Words.names(rest)), nothing -> "OK");
            case "listen" -> listen(tag, rest.get(0), rest.subList(1, rest.size()));
            case "unlisten" -> {
                subscriptions.get(rest.get(0)).close();
                done(tag, "OK");
            }
            case "cancel" -> cancels.getOrDefault(tag, () -> { }).run();
            case "hold", "release" -> {
                gate.hold(command.equals("hold"));
                done(tag, "OK");
            }
            case "memory" -> done(tag, "OK rss=" + residentBytes());
            case "close" -> daemon(() -> {
                client.close();
                done(tag, "OK");
            });
            default -> done(tag, "OK"); // ping, which this client does not offer
        }
    }

    private void open(String path, String name, List<String> settings) {
        Map<String, Integer> values = new HashMap<>();
        for (String setting : settings) {
            String[] parts = setting.split("=", 2);
            if (!parts[0].equals("profile")) {
                values.put(parts[0], Integer.parseInt(parts[1]));
            }
        }
        try {
            ClientBuilder builder = HubrelayClient.builder(path).name(name).logger(new DriverLogger(this::log));
            Map.<String, BiConsumer<ClientBuilder, Duration>>ofEntries(
                    Map.entry("jitter_ms", ClientBuilder::gapDelay),
                    Map.entry("partial_ms", ClientBuilder::partialGap),
                    Map.entry("backoff_min_ms", ClientBuilder::backoffMin),
                    Map.entry("backoff_max_ms", ClientBuilder::backoffMax),
                    Map.entry("backoff_hopeless_ms", ClientBuilder::backoffHopeless),
                    Map.entry("handshake_ms", ClientBuilder::handshake),
                    Map.entry("drain_ms", ClientBuilder::drain),
                    Map.entry("successor_ms", ClientBuilder::successor),
                    Map.entry("ping_owed_ms", ClientBuilder::pingOwed),
                    Map.entry("ping_idle_ms", ClientBuilder::pingIdle),
                    Map.entry("ping_timeout_ms", ClientBuilder::pingTimeout)).forEach((key, setter) -> {
                        if (values.containsKey(key)) {
                            setter.accept(builder, Duration.ofMillis(values.get(key)));
                        }
                    });
            Map.<String, BiConsumer<ClientBuilder, Integer>>of(
                    "inflight", ClientBuilder::inFlight,
                    "unsent", (b, bytes) -> b.unsent(bytes).unsentSend(bytes),
                    "events", ClientBuilder::queue).forEach((key, setter) -> {
                        if (values.containsKey(key)) {
                            setter.accept(builder, values.get(key));
                        }
                    });
            client = builder.open();
        } catch (IllegalArgumentException e) {
            print("fatal " + Words.quote(e.getMessage()));
            return;
        }
        daemon(() -> report(client.events(), ""));
    }

    private void publish(String command, String tag, String channel, byte[] payload) {
        boolean now = command.equals("publish-now");
        Function<Long, String> result = receivers -> "OK receivers=" + receivers;
        if (!blocking) {
            start(tag, now ? client.tryPublishAsync(channel, payload) : client.publishAsync(channel, payload), result);
            return;
        }
        CompletableFuture<Long> future = new CompletableFuture<>();
        long begun = begun();
        Thread thread = daemon(() -> {
            try {
                future.complete(now ? client.tryPublish(channel, payload) : client.publish(channel, payload));
            } catch (HubrelayException | InterruptedException e) {
                future.completeExceptionally(e);
            }
        });
        start(tag, future, result);
        cancels.computeIfPresent(tag, (key, cancel) -> thread::interrupt);
        while (begun() == begun && !future.isDone()) {
            Thread.onSpinWait(); // the next line may be read once this call is on its way
        }
    }

    /** How many publishes have been handed to a connection, wait for room, or have failed. */
    private long begun() {
        var stats = client.stats();
        return stats.published() + stats.waiting();
    }

    private String send(String channel, byte[] payload) {
        try {
            client.send(channel, payload);
            return "SENT";
        } catch (HubrelayException e) {
            return Words.failure(e);
        }
    }

    private void listen(String tag, String handle, List<String> names) {
        start(tag, client.listenAsync(Words.names(names)), subscription -> {
            subscriptions.put(handle, subscription);
            return confirmed(subscription.isPending());
        }, subscription -> daemon(() -> report(subscription, " sub=" + handle)));
    }

    private <T> void start(String tag, CompletableFuture<T> call, Function<T, String> result) {
        start(tag, call, result, value -> { });
    }

    private <T> void start(String tag, CompletableFuture<T> call, Function<T, String> result, Consumer<T> then) {
        calls.register();
        cancels.put(tag, () -> call.cancel(false));
        call.whenComplete((value, e) -> {
            cancels.remove(tag);
            Throwable cause = e != null && e.getCause() instanceof HubrelayException ? e.getCause() : e;
            done(tag, cause == null ? result.apply(value) : Words.failure(cause));
            calls.arriveAndDeregister();
            if (cause == null) {
                then.accept(value);
            }
        });
    }

    /** Prints the events of the client, or of one subscription, until its end. */
    private void report(EventStream events, String suffix) {
        gate.pass();
        for (Event event : events) {
            print("event " + Words.describe(event) + suffix);
            gate.pass();
        }
        if (suffix.isEmpty()) {
            calls.arriveAndAwaitAdvance(); // they have their results, and are about to print them
        }
        print("event end" + suffix);
    }

    private void log(String text) {
        print("log " + Words.quote(text));
    }

    private void done(String tag, String word) {
        print("done " + tag + " " + word);
    }

    private synchronized void print(String line) {
        try {
            output.write((line + "\n").getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Thread daemon(Runnable task) {
        Thread thread = new Thread(task);
        thread.setDaemon(true);
        thread.start();
        return thread;
    }

    private static String confirmed(boolean pending) {
        return pending ? "PENDING" : "OK";
    }

    private static long residentBytes() {
        try {
            return Long.parseLong(Files.readString(Path.of("/proc/self/statm")).split(" ")[1]) * PAGE_BYTES;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
