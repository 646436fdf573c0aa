package bench;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;

/**
 * The benchmark of Redis without a library, in the style of Lettuce: all callers share one connection, each call gives a
 * future, and a thread reads the answers. What its callers publish while it handles answers is one write.
 */
final class RedisFutures {
    private static final byte[] PUBLISH = Resp.bytes("PUBLISH");
    private static final byte[] CHANNEL = Resp.bytes(Measure.CHANNEL);

    private final Measure measure;
    private final Resp connection;
    private final Queue<CompletableFuture<Long>> owed = new ArrayDeque<>();
    private final Thread reader = new Thread(this::read);

    private RedisFutures(Measure measure) throws IOException {
        this.measure = measure;
        connection = new Resp(measure.address);
    }

    public static void main(String[] arguments) throws Exception {
        Measure measure = new Measure("RESP by a plain socket", arguments);
        RedisFutures redis = new RedisFutures(measure);
        redis.reader.setDaemon(true);
        redis.reader.start();
        measure.publishFutures(redis::publishAsync);
    }

    private synchronized CompletableFuture<Long> publishAsync() {
        CompletableFuture<Long> future = new CompletableFuture<>();
        owed.add(future);
        connection.command(PUBLISH, CHANNEL, measure.payload);
        if (Thread.currentThread() != reader) {
            flush();
        }
        return future;
    }

    private synchronized void flush() {
        try {
            connection.flush();
        } catch (IOException e) {
            Measure.fail(e);
        }
    }

    private synchronized CompletableFuture<Long> next() {
        return owed.remove();
    }

    private void read() {
        try {
            while (true) {
                long receivers = (Long) connection.read();
                next().complete(receivers);
                if (!connection.hasMore()) {
                    flush();
                }
            }
        } catch (IOException e) {
            Measure.fail(e);
        }
    }
}
