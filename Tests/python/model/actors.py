"""Who is connected to the relay: apps that write whatever the protocol allows or forbids, one that floods and never
reads, and the fuzzer's own."""
import asyncio
import random

import wire
from wire import Code, State

from .frames import Frames
from .peer import Gone, Peer


class Actor:
    """Connects again and again. At the gate it stands still between two frames, while the fuzzer looks around."""

    def __init__(self, fuzz, name):
        self.fuzz, self.name = fuzz, name
        self.random = random.Random(f"{fuzz.seed}/{name}")
        self.peer, self.is_waiting, self._count = None, False, 0

    async def run(self):
        while True:
            await self.gate()
            self._count += 1
            self.peer = Peer(self.fuzz, f"{self.name}#{self._count}", self.random)
            try:
                await self.peer.connect()
                await self.live()
            except Gone:
                pass
            except OSError:
                if self.fuzz.relay.is_ending:
                    return
                raise
            finally:
                self.peer.close()
            await asyncio.sleep(self.random.choice((0, 0.01, 0.1)))

    async def gate(self):
        if self.fuzz.is_paused:
            self.is_waiting = True
            self.fuzz.arrived.set()
            await self.fuzz.goes_on.wait()
            self.is_waiting = False

    async def live(self):
        raise NotImplementedError

    @property
    def is_stopping(self):
        status = self.peer.account.status
        return status is not None and status.state == State.STOPPING

    async def leave(self):
        """All that is owed comes, and then the end."""
        self.peer.shut()
        await self.peer.over.wait()


class App(Actor):
    """Any frames in any pieces, and then any end."""

    async def live(self):
        self.frames = Frames(self.random, self.peer.account, self.fuzz.tokens)
        if not await self._greet():
            return
        for _ in range(self.random.choice((1, 5, 20, 60))):
            await self.gate()
            if self.is_stopping:
                return await self.leave()
            await self._burst()
            await self._rest()
        await self.gate()
        await self._end()

    async def _greet(self):
        """Returns whether it goes on."""
        code, data = self.frames.greeting()
        if self.random.random() < 0.01 and not code:
            return await self._leave_half(data)
        if code:
            self.peer.account.wrote_illegal(code)
            data += wire.encode(wire.Ping(7)) * self.random.randrange(3)
        else:
            self.peer.account.wrote_hello()
        await self.peer.send(data)
        if code:
            await self.peer.over.wait()
        elif self.random.random() < 0.5 or not self.fuzz.model.features:
            await self.peer.until(lambda: self.peer.account.is_welcome)
        return not code

    async def _leave_half(self, data):
        """A part of a frame, and then nothing: Error TIMEOUT."""
        self.peer.account.expected = Code.TIMEOUT
        await self.peer.send(data[:self.random.randrange(1, len(data))])
        await self.peer.over.wait()
        return False

    async def _burst(self):
        """Some frames at once."""
        data = bytearray()
        for _ in range(self.random.choice((1, 1, 2, 5, 20, 60))):
            frame, bytes_ = self.frames.legal()
            self.peer.account.wrote(frame)
            data += bytes_
            if len(data) > 200_000:
                break
        await self.peer.send(bytes(data))

    async def _rest(self):
        chance = self.random.random()
        if chance < 0.05:
            self.peer.pause()
            await asyncio.sleep(self.random.choice((0.05, 0.2, 0.5)))
            self.peer.resume()
        elif chance < 0.3:
            await self.peer.until(lambda: not self.peer.account.owed or self.fuzz.is_paused)
        elif chance < 0.7:
            await asyncio.sleep(self.random.choice((0, 0.001, 0.01, 0.1)))
        await self.peer.until(lambda: self.peer.account.owed < 2000 or self.fuzz.is_paused)

    async def _end(self):
        rng, peer = self.random, self.peer
        kind, = rng.choices(("shut", "half, shut", "illegal", "close", "half, close", "half"), (5, 2, 6, 4, 2, 0.3))
        peer.account.model.counts[f"ends: {kind}"] += 1
        if kind == "illegal":
            return await self._end_illegally()
        if kind == "half":
            return await self._leave_half(wire.encode(wire.Publish("c.1", bytes(300), 5)))
        if kind.startswith("half"):
            data = wire.encode(wire.Publish("c.1", rng.randbytes(100), self.frames.next_id()))
            await peer.send(data[:rng.randrange(1, len(data))])
        if kind.endswith("shut"):
            await self.leave()

    async def _end_illegally(self):
        """Legal frames before the illegal one are carried out, those behind it are not."""
        rng, account = self.random, self.peer.account
        data = bytearray()
        for _ in range(rng.choice((0, 1, 5))):
            frame, bytes_ = self.frames.legal()
            account.wrote(frame)
            data += bytes_
        code, bytes_ = self.frames.illegal()
        account.wrote_illegal(code)
        data += bytes_
        for _ in range(rng.choice((0, 0, 1, 5))):
            frame, bytes_ = self.frames.legal()
            account.wrote(frame)
            data += bytes_
        try:
            await self.peer.send(bytes(data))
        except Gone:
            pass  # the relay need not read what is behind the frame
        await self.peer.over.wait()


class Flooder(Actor):
    """Writes Pings and never reads, until it is thrown out or has enough."""

    async def run(self):
        flood = wire.encode(wire.Ping(1)) * 2000
        while True:
            await self.gate()
            try:
                await self._flood(flood)
            except OSError:
                self.fuzz.model.counts["floods that were reset"] += 1
            await asyncio.sleep(self.random.choice((0.1, 0.5)))

    async def _flood(self, flood):
        reader, writer = await asyncio.open_unix_connection(self.fuzz.relay.path, limit=1024)
        try:
            writer.write(wire.encode(wire.Hello(1, "flood")))
            for _ in range(self.random.choice((10, 200))):
                writer.write(flood)
                try:
                    await asyncio.wait_for(writer.drain(), 1)
                except TimeoutError:
                    break
                if self.fuzz.is_paused:
                    break
            self.fuzz.model.counts["floods"] += 1
        finally:
            writer.transport.abort()


class Clerk(Actor):
    """The fuzzer's own connection: it asks one Ping after the other, and at the gate publishes behind all others."""

    async def live(self):
        peer, number = self.peer, 0
        peer.account.wrote_hello()
        await peer.send(wire.encode(wire.Hello(1, "clerk")))
        await peer.until(lambda: peer.account.is_welcome)
        self.fuzz.clerk = peer
        while not self.is_stopping:
            await self.gate()
            number += 1
            await peer.ask(wire.Ping(number))
            await asyncio.sleep(0.02)
        await self.leave()


class Neighbour(Actor):
    """A plain Redis client that publishes on the relay's channels."""

    async def run(self):
        while True:
            await self.gate()
            try:
                await self.fuzz.outside.publish_something()
            except (OSError, EOFError):
                await asyncio.sleep(0.05)  # Redis is away
            await asyncio.sleep(self.random.choice((0.001, 0.01, 0.05)))
