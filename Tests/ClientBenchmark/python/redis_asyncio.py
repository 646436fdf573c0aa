"""redis-py for asyncio. It uses hiredis where that can be imported."""
import asyncio

import redis.asyncio
from measure import (ADDRESS, CHANNEL, COUNT, IS_PIPELINED, PAYLOAD, UNDER_WAY, WARMUP, WORKLOAD, Clock, Delivery,
                     check_receivers)
from redis_library import LIBRARY


async def publish(client, count):
    left = iter(range(count))

    async def caller():
        for _ in left:
            check_receivers(await client.publish(CHANNEL, PAYLOAD))
    await asyncio.gather(*(caller() for _ in range(UNDER_WAY)))


async def publish_by_pipelines(client, count):
    for _ in range(count // UNDER_WAY):
        pipeline = client.pipeline(transaction=False)
        for _ in range(UNDER_WAY):
            pipeline.publish(CHANNEL, PAYLOAD)
        for receivers in await pipeline.execute():
            check_receivers(receivers)


async def deliver(client):
    async with client.pubsub() as subscription:
        await subscription.subscribe(CHANNEL)
        delivery = None
        async for event in subscription.listen():
            if event["type"] == "subscribe":
                delivery = Delivery()
            elif delivery.take(event["data"], LIBRARY):
                return


async def main():
    async with redis.asyncio.Redis.from_url(ADDRESS) as client:
        if WORKLOAD == "delivery":
            await deliver(client)
        else:
            publish_all = publish_by_pipelines if IS_PIPELINED else publish
            await publish_all(client, WARMUP)
            clock = Clock()
            await publish_all(client, COUNT)
            clock.report(LIBRARY)

asyncio.run(main())
