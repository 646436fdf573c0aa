package bench;

import io.hubrelay.Event;
import io.hubrelay.HubrelayClient;
import io.hubrelay.Message;
import io.hubrelay.Subscription;
import java.time.Duration;

/** The benchmark of hubrelay's Java client. With FUTURES in the environment publishes give futures. */
final class Hubrelay {
    private final HubrelayClient client;
    private final Measure measure;

    private Hubrelay(Measure measure) {
        this.measure = measure;
        client = HubrelayClient.open(measure.address, "bench");
    }

    public static void main(String[] arguments) throws Exception {
        new Hubrelay(new Measure("hubrelay 0.1.0", arguments)).run();
    }

    private void run() throws Exception {
        client.ready(Duration.ofSeconds(10));
        if (measure.isDelivery()) {
            deliver();
        } else if (System.getenv("FUTURES") != null) {
            measure.publishFutures(() -> client.publishAsync(Measure.CHANNEL, measure.payload));
        } else {
            measure.publish(() -> client.publish(Measure.CHANNEL, measure.payload));
        }
    }

    private void deliver() throws Exception {
        Subscription subscription = client.listen(Measure.CHANNEL);
        measure.beginDelivery();
        for (Event event : subscription) {
            if (!(event instanceof Message message)) {
                throw new IllegalStateException("instead of a message: " + event);
            }
            measure.take(message.payload());
        }
    }
}
