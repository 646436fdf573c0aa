package bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;

/**
 * What every Java program of the benchmark shares: its arguments, the callers that publish, the books of a delivery, and
 * the line that it prints.
 */
final class Measure {
    static final String CHANNEL = "bench";
    /** A delivery asks for so many messages at a time. */
    private static final int BURST = 64;
    /** So many of these bursts are under way. */
    private static final int WINDOW = 4;
    /** The kernel tells processor times in hundredths of a second. */
    private static final double TICKS = 100.0;

    /** One publish of a caller, or several by a pipeline. */
    interface Publish {
        /** Returns the number of receivers, which has to be 1. */
        long publish() throws Exception;
    }

    final String address;
    final String workload;
    final boolean pipelined = System.getenv("PIPELINED") != null;
    final byte[] payload = ("00000000" + "x".repeat(192)).getBytes(StandardCharsets.US_ASCII);
    private final int warmup;
    private final int count;
    private final String library;
    private int taken;
    private double[] began;

    Measure(String library, String[] arguments) {
        this.library = library;
        address = arguments[0];
        workload = arguments[1];
        warmup = Integer.parseInt(arguments[2]);
        count = Integer.parseInt(arguments[3]);
    }

    boolean isDelivery() {
        return workload.equals("delivery");
    }

    int underWay() {
        return workload.equals("publish-64") ? BURST : 1;
    }

    /** Publishes by {@link #underWay} threads, and reports it. */
    void publish(Publish one) throws Exception {
        measure(messages -> {
            AtomicInteger left = new AtomicInteger(messages);
            Thread[] callers = new Thread[underWay()];
            for (int i = 0; i < callers.length; i++) {
                callers[i] = new Thread(() -> {
                    while (left.getAndDecrement() > 0) {
                        call(one);
                    }
                });
                callers[i].start();
            }
            for (Thread caller : callers) {
                caller.join();
            }
        });
    }

    /** Publishes by {@link #underWay} callers that each publish again when they have their answer, and reports it. */
    void publishFutures(Supplier<CompletableFuture<Long>> one) throws Exception {
        measure(messages -> {
            AtomicInteger left = new AtomicInteger(messages - underWay());
            CountDownLatch answered = new CountDownLatch(messages);
            for (int i = 0; i < underWay(); i++) {
                publishFuture(one, left, answered);
            }
            answered.await();
        });
    }

    private static void publishFuture(Supplier<CompletableFuture<Long>> one, AtomicInteger left,
            CountDownLatch answered) {
        one.get().whenComplete((receivers, e) -> {
            if (e != null) {
                fail(e);
            }
            check(receivers);
            if (left.getAndDecrement() > 0) {
                publishFuture(one, left, answered);
            }
            answered.countDown();
        });
    }

    private static void call(Publish one) {
        try {
            check(one.publish());
        } catch (Exception e) {
            fail(e);
        }
    }

    /** Publishes a number of messages, and waits until all are answered. */
    interface PublishMany {
        void publish(int messages) throws Exception;
    }

    void measure(PublishMany many) throws Exception {
        many.publish(warmup);
        began = clock();
        many.publish(count);
        report();
    }

    static void check(long receivers) {
        if (receivers != 1) {
            fail(new IllegalStateException("a message has reached " + receivers + " receivers instead of 1"));
        }
    }

    static void fail(Throwable e) {
        System.err.println(e);
        Runtime.getRuntime().halt(1);
    }

    /** Called once the subscription is in force. */
    void beginDelivery() {
        ask(WINDOW);
    }

    /** Takes the next payload, and tells whether it was the last one. */
    boolean take(byte[] bytes) throws IOException {
        int number = 0;
        for (int i = 0; i < 8; i++) {
            number = number * 10 + bytes[i] - '0';
        }
        if (number != taken) {
            fail(new IllegalStateException("message " + taken + " is " + number));
        }
        taken++;
        if (taken % BURST != 0) {
            return false;
        }
        if (taken == warmup) {
            began = clock();
        } else if (taken == warmup + count) {
            report();
            return true;
        }
        ask(1);
        return false;
    }

    private static void ask(int bursts) {
        byte[] line = new byte[bursts];
        Arrays.fill(line, (byte) '+');
        System.out.writeBytes(line);
        System.out.flush();
    }

    /** User and system time of this process, and the clock, in seconds. */
    private static double[] clock() throws IOException {
        String stat = Files.readString(Path.of("/proc/self/stat"));
        String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
        return new double[] {Long.parseLong(fields[11]) / TICKS, Long.parseLong(fields[12]) / TICKS,
            System.nanoTime() / 1e9};
    }

    private void report() throws IOException {
        double[] now = clock();
        System.out.printf(java.util.Locale.ROOT,
                "%n{\"library\": \"%s\", \"messages\": %d, \"user_s\": %.2f, \"system_s\": %.2f, \"wall_s\": %.4f}%n",
                library, count, now[0] - began[0], now[1] - began[1], now[2] - began[2]);
        System.out.flush();
        Runtime.getRuntime().halt(0);
    }
}
