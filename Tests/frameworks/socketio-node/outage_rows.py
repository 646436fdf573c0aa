"""Outages of Redis on hubrelay and on @socket.io/redis-adapter, as rows of a table: `outage_rows.py CHECKOUT`."""
import asyncio
import json
import os
import sys

from outages import HEADER, Ledger, measure
from servers import DEFAULT_TIMINGS, Fleet

FOLDER = os.path.dirname(os.path.abspath(__file__))
BACKENDS = {
    "hubrelay": "hubrelay/socket.io",
    "redis": "@socket.io/redis-adapter, node-redis",
}


class Worker:
    """outage_worker.js, whose lines are given to a function as they come."""

    def __init__(self, checkout, backend, address, take):
        self._arguments = ("node", os.path.join(FOLDER, "outage_worker.js"), backend, address)
        self._environment = {**os.environ, "UPSTREAM": checkout, "NODE_PATH": os.path.join(checkout, "node_modules")}
        self._take, self._ready, self._errors = take, asyncio.Event(), []

    async def __aenter__(self):
        pipe = asyncio.subprocess.PIPE
        self._process = await asyncio.create_subprocess_exec(
            *self._arguments, stdin=pipe, stdout=pipe, stderr=pipe, env=self._environment)
        self._tasks = [asyncio.ensure_future(self._read()), asyncio.ensure_future(self._read_errors())]
        await asyncio.wait_for(self._ready.wait(), 30)
        return self

    async def __aexit__(self, *_):
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
        await asyncio.gather(*self._tasks)

    async def _read(self):
        async for line in self._process.stdout:
            if line == b"ready\n":
                self._ready.set()
            elif line.startswith(b"say "):
                event = json.loads(line[4:])
                self._take(event.pop("what"), event)
        if self._process.returncode is None:
            await self._process.wait()
        if self._process.returncode > 0:
            last = [line for line in self._errors if "Error" in line]
            self._take("ended", {"text": f"the process ends: {last[-1].strip() if last else ''}"})

    async def _read_errors(self):
        async for line in self._process.stderr:
            self._errors.append(line.decode())

    async def emit(self, number):
        if self._process.returncode is None:
            self._process.stdin.write(b"emit %d\n" % number)


async def row(checkout, backend, seconds):
    ledger = Ledger()

    def publisher_says(what, event):
        if what == "refused" and event["number"] is not None:
            ledger.refuse(event["number"], f"errorHandler: {event['code']}")
        see(what, event)

    def receiver_says(what, event):
        if what == "heard":
            ledger.receive(event["number"])
        elif what == "gap":
            ledger.gap()
        see(what, event)

    def see(what, event):
        if what == "ended":
            ledger.see(event["text"])
        elif what == "status":
            ledger.see("status")

    with Fleet(2, DEFAULT_TIMINGS) as fleet:
        addresses = [fleet.redis.tcp_url] * 2 if backend != "hubrelay" else [relay.path for relay in fleet.relays]
        async with Worker(checkout, backend, addresses[0], publisher_says) as publisher, \
                Worker(checkout, backend, addresses[1], receiver_says):
            return await measure(BACKENDS[backend], fleet.redis, seconds, publisher.emit, ledger)


async def main():
    print(HEADER, flush=True)
    for seconds in (2, 8):
        for backend in BACKENDS:
            print(await row(sys.argv[1], backend, seconds), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
