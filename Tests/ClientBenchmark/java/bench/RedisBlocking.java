package bench;

import java.util.concurrent.ConcurrentLinkedDeque;

/**
 * The benchmark of Redis without a library, in the style of Jedis: a pool of connections, of which each call takes one.
 * With PIPELINED in the environment one caller puts all publishes into one pipeline.
 */
final class RedisBlocking {
    private static final byte[] PUBLISH = Resp.bytes("PUBLISH");
    private static final byte[] CHANNEL = Resp.bytes(Measure.CHANNEL);

    private RedisBlocking() {
    }

    public static void main(String[] arguments) throws Exception {
        Measure measure = new Measure("RESP by a plain socket", arguments);
        if (measure.isDelivery()) {
            deliver(measure);
        } else if (measure.pipelined) {
            Resp connection = new Resp(measure.address);
            measure.measure(messages -> {
                for (int i = 0; i < messages; i += measure.underWay()) {
                    pipeline(connection, measure);
                }
            });
        } else {
            ConcurrentLinkedDeque<Resp> pool = new ConcurrentLinkedDeque<>();
            measure.publish(() -> {
                Resp connection = pool.pollFirst();
                if (connection == null) {
                    connection = new Resp(measure.address);
                }
                connection.command(PUBLISH, CHANNEL, measure.payload);
                connection.flush();
                long receivers = (Long) connection.read();
                pool.addFirst(connection);
                return receivers;
            });
        }
    }

    private static void pipeline(Resp connection, Measure measure) throws Exception {
        for (int i = 0; i < measure.underWay(); i++) {
            connection.command(PUBLISH, CHANNEL, measure.payload);
        }
        connection.flush();
        for (int i = 0; i < measure.underWay(); i++) {
            Measure.check((Long) connection.read());
        }
    }

    private static void deliver(Measure measure) throws Exception {
        Resp connection = new Resp(measure.address);
        connection.command(Resp.bytes("SUBSCRIBE"), CHANNEL);
        connection.flush();
        connection.read();
        measure.beginDelivery();
        while (true) {
            measure.take((byte[]) ((Object[]) connection.read())[2]);
        }
    }
}
