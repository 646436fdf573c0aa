"""What lies between the relay and Redis: a proxy that breaks the bytes into pieces, delays, stalls and cuts them. And
the fuzzer's own connections to Redis, past that proxy."""
import asyncio
import os
import random

#: Before every channel; the relay's prefix.
PREFIX = b"s:"


class Proxy:
    """A Unix socket that leads to Redis. What each new link suffers is decided by the seed."""

    def __init__(self, directory, target, seed):
        self.path, self._target = os.path.join(directory, "proxy.sock"), target
        self._random = random.Random(f"{seed}/proxy")
        self._pairs = set()         # tasks, one for each link
        self._flows = {"up": asyncio.Event(), "down": asyncio.Event()}
        self.fuse = None            # bytes until the link that carries the last of them is cut
        self.release()

    @property
    def url(self):
        return f"unix://{self.path}"

    async def start(self):
        self._server = await asyncio.start_unix_server(self._accept, self.path)

    async def _accept(self, reader, writer):
        task = asyncio.current_task()
        self._pairs.add(task)
        rng = random.Random(self._random.random())
        writers = [writer]
        try:
            await self._flows["up"].wait()
            far_reader, far_writer = await asyncio.open_unix_connection(self._target)
            writers.append(far_writer)
            style = rng.choice(("whole", "whole", "pieces", "late"))
            pumps = [asyncio.ensure_future(self._pump(reader, far_writer, rng, style, "up")),
                     asyncio.ensure_future(self._pump(far_reader, writer, rng, style, "down"))]
            try:
                await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for pump in pumps:
                    pump.cancel()
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._pairs.discard(task)
            for each in writers:
                each.transport.abort()

    async def _pump(self, reader, writer, rng, style, way):
        try:
            while data := await reader.read(65536):
                for whole in self._pieces(data, rng) if style != "whole" else (data,):
                    piece = whole
                    await self._flows[way].wait()
                    if self.fuse is not None:
                        self.fuse -= len(piece)
                        if self.fuse < 0:
                            piece = piece[:max(0, len(piece) + self.fuse)]
                    writer.write(piece)
                    await writer.drain()
                    if self.fuse is not None and self.fuse < 0:
                        self.fuse = None
                        return
                    if style == "late" and rng.random() < 0.2:
                        await asyncio.sleep(rng.choice((0, 0.001, 0.005)))
        except OSError:
            pass

    @staticmethod
    def _pieces(data, rng):
        """Up to thirty pieces, and the rest."""
        place = 0
        for _ in range(rng.randrange(31)):
            size = rng.choice((1, 1, 2, 3, 7, 30, 200, 3000))
            if place < len(data):
                yield data[place:place + size]
            place += size
        if place < len(data):
            yield data[place:]

    def hold(self, *ways):
        """Nothing passes, up to Redis, down from it, or both; and nobody is told."""
        for way in ways or ("up", "down"):
            self._flows[way].clear()

    def release(self):
        for flow in self._flows.values():
            flow.set()

    def cut(self, count=None):
        """Closes every link, or so many; what was held back never arrives."""
        for task in list(self._pairs)[:count]:
            task.cancel()

    def close(self):
        self._server.close()
        self.cut()


class Subscriber(asyncio.Protocol):
    """Subscribed to everything at Redis. It tells the records what Redis takes, in Redis's order."""

    def __init__(self, records):
        self._records, self._buffer = records, bytearray()
        self.ready, self.over, self.changed = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.barriers = set()

    @classmethod
    async def open(cls, path, records):
        _, subscriber = await asyncio.get_running_loop().create_unix_connection(lambda: cls(records), path)
        await subscriber.ready.wait()
        return subscriber

    def connection_made(self, transport):
        self.transport = transport
        transport.write(b"*2\r\n$10\r\nPSUBSCRIBE\r\n$%d\r\n%s*\r\n" % (len(PREFIX) + 1, PREFIX))

    def connection_lost(self, error):
        self._records.went_blind()
        self.over.set()

    def data_received(self, data):
        self._buffer += data
        place = 0
        while (found := self._push(place)) is not None:
            words, place = found
            self._take(words)
        del self._buffer[:place]

    def _push(self, place):
        """The words of one push and where it ends, or None. All pushes here are arrays of strings and numbers."""
        end = self._buffer.find(b"\r\n", place)
        if end < 0:
            return None
        count, words, place = int(self._buffer[place + 1:end]), [], end + 2
        for _ in range(count):
            end = self._buffer.find(b"\r\n", place)
            if end < 0:
                return None
            number, is_string, place = int(self._buffer[place + 1:end]), self._buffer[place:place + 1] == b"$", end + 2
            if is_string:
                if len(self._buffer) < place + number + 2:
                    return None
                words.append(bytes(self._buffer[place:place + number]))
                place += number + 2
        return words, place

    def _take(self, words):
        if words[0] == b"psubscribe":
            return self.ready.set()
        channel = words[2][len(PREFIX):]
        if channel.startswith((b"__hubrelay:probe:", b"__hubrelay:fleet:")):
            return
        self._records.redis_took(channel, words[3])
        if channel.startswith(b"sync."):
            self.barriers.add(channel.decode())
            self.changed.set()


class Outside:
    """A plain Redis client, which publishes on the relay's channels."""

    def __init__(self, path, model, tokens, rng):
        self._path, self._model, self._tokens, self._random = path, model, tokens, rng
        self._streams = None
        self.is_away = False     # it would not know which server is the master

    async def publish(self, channel, payload, *, is_barrier=False):
        record = self._model.records.enter(channel, payload, None, True)
        record.is_barrier = is_barrier
        record.is_deliverable = len(payload) <= self._model.limits.max_payload
        if self._streams is None:
            self._streams = await asyncio.open_unix_connection(self._path)
        reader, writer = self._streams
        words = [b"PUBLISH", PREFIX + channel, payload]
        try:
            writer.write(b"*3\r\n" + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words))
            await writer.drain()
            if not (await reader.readline()).startswith(b":"):
                raise EOFError
        except (OSError, EOFError, asyncio.CancelledError):
            self.close()
            raise

    async def publish_something(self):
        """A message as an app's, or one that no app can send: too large, or on a channel that is not UTF-8."""
        if self.is_away:
            raise OSError("another server may become the master")
        rng, limits = self._random, self._model.limits
        head = b"%d:" % next(self._tokens)
        chance = rng.random()
        if chance < 0.05:
            await self.publish(b"c.1", head + bytes(limits.max_frame + 10))
        elif chance < 0.1:
            await self.publish(rng.choice((b"c.\xff", b"\xc3", b"u.\xed\xa0\x80")), head)
        else:
            await self.publish(b"c.%d" % rng.randrange(8), head + rng.randbytes(rng.randrange(200)))

    def close(self):
        if self._streams:
            self._streams[1].close()
        self._streams = None
