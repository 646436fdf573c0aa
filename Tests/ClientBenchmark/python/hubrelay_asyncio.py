"""hubrelay's client for asyncio."""
import asyncio

import hubrelay
from measure import ADDRESS, CHANNEL, COUNT, PAYLOAD, UNDER_WAY, WARMUP, WORKLOAD, Clock, Delivery, check_receivers

LIBRARY = f"hubrelay {hubrelay.__version__}"


async def publish(client, count):
    left = iter(range(count))

    async def caller():
        for _ in left:
            check_receivers(await client.publish(CHANNEL, PAYLOAD))
    await asyncio.gather(*(caller() for _ in range(UNDER_WAY)))


async def deliver(client):
    async with client.listen(CHANNEL) as subscription:
        delivery = Delivery()
        async for event in subscription:
            if not isinstance(event, hubrelay.Message):
                raise RuntimeError(f"instead of a message: {event}")
            if delivery.take(event.payload, LIBRARY):
                return


async def main():
    async with hubrelay.AsyncClient(ADDRESS, "bench") as client:
        await client.ready(10)
        if WORKLOAD == "delivery":
            await deliver(client)
        else:
            await publish(client, WARMUP)
            clock = Clock()
            await publish(client, COUNT)
            clock.report(LIBRARY)

asyncio.run(main())
