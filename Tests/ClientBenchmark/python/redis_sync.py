"""redis-py for threads. It uses hiredis where that can be imported."""
import redis
from callers import call
from measure import (ADDRESS, CHANNEL, COUNT, IS_PIPELINED, PAYLOAD, UNDER_WAY, WARMUP, WORKLOAD, Clock, Delivery,
                     check_receivers)
from redis_library import LIBRARY


def publish(client, count):
    call(lambda: check_receivers(client.publish(CHANNEL, PAYLOAD)), count)


def publish_by_pipelines(client, count):
    for _ in range(count // UNDER_WAY):
        pipeline = client.pipeline(transaction=False)
        for _ in range(UNDER_WAY):
            pipeline.publish(CHANNEL, PAYLOAD)
        for receivers in pipeline.execute():
            check_receivers(receivers)


def deliver(client):
    with client.pubsub() as subscription:
        subscription.subscribe(CHANNEL)
        delivery = None
        for event in subscription.listen():
            if event["type"] == "subscribe":
                delivery = Delivery()
            elif delivery.take(event["data"], LIBRARY):
                return


def main():
    with redis.Redis.from_url(ADDRESS) as client:
        if WORKLOAD == "delivery":
            deliver(client)
        else:
            publish_all = publish_by_pipelines if IS_PIPELINED else publish
            publish_all(client, WARMUP)
            clock = Clock()
            publish_all(client, COUNT)
            clock.report(LIBRARY)

main()
