"""Peers that break the rules. Each must get its Error, or at least its end, while the others notice nothing."""
import asyncio
import random

import wire
from wire import Code

HELLO = wire.encode(wire.Hello(1, "hostile"))
#: What a relay may do with such a peer, in seconds: its longest timeout, a starvation, and a busy machine.
PATIENCE = 25


class Hostile:
    """Comes as one bad peer after the other, to each relay in turn."""

    def __init__(self, soak, relay):
        self.soak, self.relay = soak, relay
        self.random = random.Random(f"{soak.seed}/{soak.round}/{relay.letter}/hostile")

    async def run(self):
        kinds = [self.garbage, self.empty, self.too_large, self.silent, self.half_a_frame, self.second_hello,
                 self.early, self.floods]
        while not self.soak.is_quiet:
            kind = self.random.choice(kinds)
            writer = None
            try:
                reader, writer = await asyncio.open_unix_connection(self.relay.path)
                codes = await kind(reader, writer)
                if codes:
                    await self._expect(kind.__name__, codes, reader)
                self.soak.ledger.counts["hostile peers"] += 1
            except (OSError, EOFError):
                if not self.relay.is_ending:
                    self.soak.ledger.counts["hostile peers that were reset"] += 1
            finally:
                if writer:
                    writer.close()
            await asyncio.sleep(self.random.uniform(0.05, 0.4))

    async def _expect(self, kind, codes, reader):
        """Reads on until the Error."""
        async def search():
            while True:
                frame = wire.decode(await wire.read_body(reader, 1 << 21))
                if isinstance(frame, wire.Error):
                    return frame
        try:
            error = await asyncio.wait_for(search(), PATIENCE)
            if error.code not in codes:
                self.soak.ledger.violation(f"hostile {kind} at {self.relay.letter}: {error}")
        except TimeoutError:
            self.soak.ledger.violation(f"hostile {kind} at {self.relay.letter} is still there after {PATIENCE} s")

    async def garbage(self, reader, writer):
        writer.write(HELLO + b"\0\0\0\x20" + b"\x07" + self.random.randbytes(31))
        return [Code.MALFORMED]

    async def empty(self, reader, writer):
        writer.write(HELLO + bytes(4))
        return [Code.MALFORMED]

    async def too_large(self, reader, writer):
        writer.write(HELLO + b"\xff\xff\xff\xff")
        return [Code.FRAME_TOO_LARGE]

    async def second_hello(self, reader, writer):
        writer.write(HELLO + HELLO)
        return [Code.HELLO_EXPECTED]

    async def early(self, reader, writer):
        writer.write(wire.encode(wire.Ping(1)) + HELLO)
        return [Code.HELLO_EXPECTED]

    async def silent(self, reader, writer):
        writer.write(HELLO[:self.random.randrange(4)])
        return [Code.TIMEOUT]

    async def half_a_frame(self, reader, writer):
        writer.write(HELLO + wire.encode(wire.Publish("c.1", bytes(500), 1))[:self.random.randrange(1, 400)])
        return [Code.TIMEOUT]

    async def floods(self, reader, writer):
        """Writes Pings and never reads, for a while or until it is thrown out."""
        pings = wire.encode(wire.Ping(1 << 50)) * 1000
        writer.write(HELLO)
        for _ in range(100):
            writer.write(pings)
            try:
                await asyncio.wait_for(writer.drain(), 1)
            except TimeoutError:
                break
        return
