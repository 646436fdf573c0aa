"""What an outage of Redis costs those who use Action Cable: on relays, and on Action Cable's own Redis adapter.

Each backend has two servers of puma, with one process each: one of them broadcasts, a browser of the other one listens.
"""
import asyncio
import sys

import outages
import websockets
from cable import Browser, Server
from servers import DEFAULT_TIMINGS
from test_servers import CableFleet

ROOM = "room"


class Observer:
    """Keeps the books of `ledger` by what two browsers and the receiver's server say."""

    def __init__(self, ledger, servers, publisher, receiver):
        self.ledger, self._servers = ledger, servers
        self._publisher, self._receiver = publisher, receiver
        self._gaps = 0

    async def publish(self, number):
        try:
            await self._publisher.speak(ROOM, number)
        except websockets.ConnectionClosed:
            self.ledger.refuse(number, "the publisher's WebSocket is closed")

    async def watch(self):
        while True:
            self.look()
            await asyncio.sleep(0.01)

    def look(self):
        for number in self._receiver.texts(ROOM):
            if number not in self.ledger.received:
                self.ledger.receive(number)
        for message in self._publisher.of(ROOM):
            if "refused" in message and message["refused"] not in self.ledger.refused:
                self.ledger.refuse(message["refused"], f"the broadcast raises {message['error']}")
        gaps = len(self._servers[1].said("gap", 0))
        for _ in range(self._gaps, gaps):
            self.ledger.gap()
        self._gaps = gaps
        for server, which in zip(self._servers, ("the publisher", "the receiver")):
            if server.is_over:
                self.ledger.see(f"the process of {which} has ended")


async def row(backend, start, seconds):
    with CableFleet(2, DEFAULT_TIMINGS) as fleet:
        servers = [start(fleet, number) for number in range(2)]
        publisher, receiver = [await (await Browser.open(server)).enter(ROOM) for server in servers]
        observer = Observer(outages.Ledger(), servers, publisher, receiver)
        watching = asyncio.ensure_future(observer.watch())
        try:
            return await outages.measure(backend, fleet.redis, seconds, observer.publish, observer.ledger)
        finally:
            watching.cancel()
            for browser in (publisher, receiver):
                await browser.close()


async def main():
    print(outages.HEADER)
    for seconds in (2, 8):
        for backend, start in (("Action Cable on relays", Server.on_relay),
                               ("Action Cable's Redis adapter", lambda fleet, _: Server.on_redis(fleet))):
            print(await row(backend, start, seconds), flush=True)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
