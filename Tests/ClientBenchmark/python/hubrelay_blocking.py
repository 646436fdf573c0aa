"""hubrelay's client for threads."""
import hubrelay
from callers import call
from measure import ADDRESS, CHANNEL, COUNT, PAYLOAD, WARMUP, WORKLOAD, Clock, Delivery, check_receivers

LIBRARY = f"hubrelay {hubrelay.__version__}"


def deliver(client):
    with client.listen(CHANNEL) as subscription:
        delivery = Delivery()
        for event in subscription:
            if not isinstance(event, hubrelay.Message):
                raise RuntimeError(f"instead of a message: {event}")
            if delivery.take(event.payload, LIBRARY):
                return


def main():
    with hubrelay.Client(ADDRESS, "bench") as client:
        client.ready(10)
        if WORKLOAD == "delivery":
            deliver(client)
        else:
            call(lambda: check_receivers(client.publish(CHANNEL, PAYLOAD)), WARMUP)
            clock = Clock()
            call(lambda: check_receivers(client.publish(CHANNEL, PAYLOAD)), COUNT)
            clock.report(LIBRARY)

main()
