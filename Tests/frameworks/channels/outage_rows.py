"""Prints what outages of Redis cost the chat's users: rows of a table, on hubrelay's layer and on channels_redis'.

A browser at one server sends, another one at a server beside the other relay receives. Each row has an outage of its
own, of the same Redis.
"""
import asyncio
import json
import os

import outages
from servers import DEFAULT_TIMINGS, Fleet
from test_servers import serve
from websockets.asyncio.client import connect


async def measure(backend, redis, seconds, ports):
    """One row."""
    ledger = outages.Ledger()
    async with connect(f"ws://127.0.0.1:{ports[0]}/outage") as sending, \
            connect(f"ws://127.0.0.1:{ports[1]}/outage") as receiving:
        async def listen(browser, is_sender):
            async for text in browser:
                event = json.loads(text)
                if "refused" in event:
                    ledger.refuse(int(event["text"]), f"{event['refused']} at send")
                elif "gap" in event and not is_sender:
                    ledger.gap("hubrelay.gap")
                elif "state" in event:
                    ledger.see(f"hubrelay.{event['state']}")
                elif "text" in event and not is_sender:
                    ledger.receive(int(event["text"]))

        async def publish(number):
            await sending.send(json.dumps({"text": str(number)}))
        listening = [asyncio.ensure_future(listen(sending, True)), asyncio.ensure_future(listen(receiving, False))]
        try:
            return await outages.measure(backend, redis, seconds, publish, ledger)
        finally:
            for task in listening:
                task.cancel()


async def main():
    """Outages of two and of eight seconds."""
    os.environ["CHAT_DEFAULTS"] = "yes"
    print(outages.HEADER)
    with Fleet(2, DEFAULT_TIMINGS) as fleet:
        for backend, layers in (("Django Channels on hubrelay", [relay.path for relay in fleet.relays]),
                                ("Django Channels on channels_redis' pubsub", [fleet.redis.tcp_url] * 2)):
            ports = serve(fleet, *layers)
            for seconds in (2, 8):
                print(await measure(backend, fleet.redis, seconds, ports), flush=True)


asyncio.run(main())
