"""`run outages` for the frameworks of rooms.py: the adapter and the framework's own backend, side by side."""
import asyncio
import contextlib
import os

import websockets

import outages
from rooms import Server
from servers import DEFAULT_TIMINGS, Fleet

#: Workers with a relay tell Gaps as late as they do by default.
os.environ["GAP_JITTER"] = "2"


class Stage:
    """A Redis, a worker that publishes and one that hears; with `on_relays` each has a relay of its own."""

    def __init__(self, program, on_relays):
        self.fleet = Fleet(2 if on_relays else 0, DEFAULT_TIMINGS)
        backends = [self.fleet.url(0), self.fleet.url(1)] if on_relays else [self.fleet.redis.tcp_url] * 2
        try:
            self.speaker, self.hearer = (Server(self.fleet, program, backend) for backend in backends)
        except BaseException:
            self.fleet.close()
            raise

    async def row(self, title, seconds, **parameters):
        """A row of the table. The parameters go with each POST."""
        ledger, guest = outages.Ledger(), await self.hearer.guest("a")

        async def publish(number):
            answer = await self.speaker.say("a", str(number), **parameters)
            if answer not in ("published", "taken"):
                ledger.refuse(number, answer)

        async def hear():
            try:
                while True:
                    text = await guest.recv()
                    if text == "GAP":
                        ledger.gap()
                    elif text.startswith("STATE"):
                        ledger.see(text.title())
                    else:
                        ledger.receive(int(text))
            except websockets.ConnectionClosed:
                ledger.see("its websockets were closed")

        async def read_hooks():
            while True:
                for line in self.speaker.worker.said("not published", count=0):
                    ledger.refuse(int(line["text"]), line["error"])
                await asyncio.sleep(0.5)

        tasks = [asyncio.ensure_future(hear()), asyncio.ensure_future(read_hooks())]
        try:
            return await outages.measure(title, self.fleet.redis, seconds, publish, ledger)
        finally:
            for task in tasks:
                task.cancel()
            await guest.leave()


def print_rows(program, adapter, own, **parameters):
    """Prints the table: outages of 2 and of 8 s, each with Redis servers of its own, all at once."""
    async def rows(stages):
        return await asyncio.gather(*(stage.row(title, seconds, **parameters) for stage, title, seconds in stages))

    with contextlib.ExitStack() as stack:
        stages = []
        for seconds in (2, 8):
            for title in (adapter, own):
                stage = Stage(program, title == adapter)
                stack.callback(stage.fleet.close)
                stages.append((stage, title, seconds))
        print("\n".join([outages.HEADER, *asyncio.run(rows(stages))]))
