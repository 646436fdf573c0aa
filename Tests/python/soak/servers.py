"""The servers of the soak: Redis, relays, and a proxy that stands for the network between them."""
import asyncio
import json
import os
import signal

from harness import SERVER_PROGRAM, Process, binary, free_port
from sentinels import Group, RedisError

#: Deadlines so short that faults are found out within two seconds, and so long that the stalls which must go unnoticed
#: (0.7 s at most, see `harmless_stall`) leave a busy machine as much again. Hello and half a frame may take longer than
#: a relay is starved for, or this process by a busy machine.
DEADLINES = {
    "--heartbeat-interval": "200ms", "--link-timeout": "1500ms", "--probe": "500ms", "--connect-timeout": "1s",
    "--backoff-min": "20ms", "--backoff-max": "200ms", "--backoff-max-refused": "300ms",
    "--hello-timeout": "1s", "--frame-timeout": "2s", "--stop-timeout": "20s",
}
LINK_TIMEOUT = 1.5
harmless_stall = (0.1, 0.7)

#: Milliseconds after which a sentinel takes a server for dead: more than a harmless stall and what a busy machine adds,
#: and little more than the relays' own deadline, so that of the stops which these find out some end in a failover.
DOWN_AFTER = 2000

#: What undoes whatever faults may have set.
SETTINGS = (("CONFIG", "SET", "maxclients", 10000), ("CONFIG", "SET", "client-output-buffer-limit", "pubsub 0 0 0"),
            ("ACL", "SETUSER", "default", "allchannels"))


async def names_at(ask):
    """How many clients hold each channel of the relays, by one server's count, and how many patterns it has."""
    known = [name for name in await ask("PUBSUB", "CHANNELS", "s:*") if "__hubrelay:" not in name]
    numbers = await ask("PUBSUB", "NUMSUB", *known)
    return dict(zip(numbers[::2], numbers[1::2])), await ask("PUBSUB", "NUMPAT")


def is_asan():
    """Whether the relay under test is built with AddressSanitizer: it keeps freed memory for a while."""
    with open(binary(), "rb") as file:
        return b"__asan_init" in file.read()


class Control:
    """A connection to Redis that asks one thing after another."""

    def __init__(self, path):
        self._path, self._streams, self._lock = path, None, asyncio.Lock()

    async def ask(self, *words):
        async with self._lock:
            if self._streams is None:
                self._streams = await asyncio.open_unix_connection(self._path)
            reader, writer = self._streams
            try:
                parts = [str(word).encode() for word in words]
                writer.write(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in parts))
                return await self._read(reader)
            except (OSError, EOFError, asyncio.CancelledError):
                self.close()
                raise

    async def _read(self, reader):
        line = await reader.readline()
        if not line.endswith(b"\n"):
            raise EOFError
        kind, text = line[:1], line[1:-2].decode()
        if kind == b"-":
            raise RedisError(text)
        if kind == b":":
            return int(text)
        if kind == b"$":
            return None if text == "-1" else (await reader.readexactly(int(text) + 2))[:-2].decode()
        if kind == b"*":
            return [await self._read(reader) for _ in range(int(text))]
        return text

    def close(self):
        if self._streams:
            self._streams[1].close()
        self._streams = None


class SentinelGroup:
    """Servers behind sentinels. What is done to Redis is done to `current`: the master when the fault began."""

    def __init__(self, directory):
        self._group = Group(directory, DOWN_AFTER)
        self.sentinels, self.url = self._group.sentinels, self._group.url
        self._controls = {node: (Control(node.path), Control(node.path)) for node in self._group.nodes}
        self.current = self._group.mend()

    @property
    def watcher(self):
        return self._controls[self.current][1]

    def start(self):
        self.current.start()

    async def kill(self):
        await asyncio.to_thread(self.current.kill)
        for control in self._controls[self.current]:
            control.close()

    def freeze(self):
        self.current.freeze()

    def thaw(self):
        self.current.thaw()

    async def ask(self, *words):
        return await self._controls[self.current][0].ask(*words)

    ask_all = ask

    async def names(self):
        return await names_at(self.ask)

    async def fail_over(self):
        await asyncio.to_thread(self._group.replace, self.current)

    async def mend(self):
        """Brings back what is away, and finds out who is the master. What faults may have set goes on every server."""
        self.current = await asyncio.to_thread(self._group.mend)
        for pair in self._controls.values():
            for control in pair:
                control.close()
            for command in SETTINGS:
                await pair[0].ask(*command)

    async def close(self):
        await asyncio.to_thread(self._group.close)


class RedisServer:
    """A redis-server on a Unix socket. What `configure` and ACL have changed is gone after a restart."""

    def __init__(self, directory):
        self.path = os.path.join(directory, "redis.sock")
        self.process = None
        self.control, self.watcher = Control(self.path), Control(self.path)
        self.start()

    def start(self):
        self.process = Process(
            SERVER_PROGRAM, "--port", "0", "--unixsocket", self.path, "--save", "", "--appendonly", "no",
            "--logfile", "", "--client-output-buffer-limit", "pubsub 0 0 0", ready="eady to accept connections")

    async def kill(self):
        await asyncio.to_thread(self.process.kill)
        self.control.close()
        self.watcher.close()

    def freeze(self):
        self.process.signal(signal.SIGSTOP)

    def thaw(self):
        self.process.signal(signal.SIGCONT)

    async def ask(self, *words):
        return await self.control.ask(*words)

    ask_all = ask

    async def names(self):
        return await names_at(self.ask)

    async def mend(self):
        """Makes good what faults may have left."""
        self.thaw()
        if self.process.is_over:
            await asyncio.to_thread(self.start)
        for command in (("REPLICAOF", "NO", "ONE"), *SETTINGS):
            for _ in range(3):
                try:
                    await self.ask(*command)
                    break
                except (OSError, EOFError):
                    await asyncio.sleep(0.01)

    async def close(self):
        self.thaw()
        await self.kill()


class Proxy:
    """A TCP port that leads to Redis's Unix socket, and can be made to lead nowhere."""

    def __init__(self, target):
        self._target, self._pairs, self._flows = target, set(), asyncio.Event()
        self._flows.set()
        self.port = free_port()

    async def start(self):
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)

    async def _accept(self, reader, writer):
        task = asyncio.current_task()
        self._pairs.add(task)
        writers = [writer]
        try:
            await self._flows.wait()
            far_reader, far_writer = await asyncio.open_unix_connection(self._target)
            writers.append(far_writer)
            pumps = [asyncio.ensure_future(self._pump(reader, far_writer)),
                     asyncio.ensure_future(self._pump(far_reader, writer))]
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
                each.close()

    async def _pump(self, reader, writer):
        try:
            while data := await reader.read(65536):
                await self._flows.wait()
                writer.write(data)
                await writer.drain()
        except OSError:
            pass

    def hold(self):
        """Nothing passes any more, and nobody is told: packets are lost somewhere."""
        self._flows.clear()

    def release(self):
        self._flows.set()

    def cut(self):
        """Closes every connection; what was held back never arrives."""
        for task in list(self._pairs):
            task.cancel()

    def close(self):
        self._server.close()
        self.cut()


class Relay:
    """`hubrelay serve`, what it costs, and what it has told its watcher."""

    def __init__(self, letter, directory, url, **settings):
        self.letter, self.path = letter, os.path.join(directory, f"relay-{letter}.sock")
        self.http = os.path.join(directory, f"http-{letter}.sock")
        self._settings, self.process = {"--redis": url, **settings}, None
        self.connections, self.is_ending, self.was_killed = set(), False, False
        self.watch, self.log, self.changed = None, [], asyncio.Event()
        self.most_memory = 0

    def start(self):
        settings = {"--socket": self.path, "--prefix": "s:", "--http": f"unix:{self.http}", "--window": "256KiB",
                    **self._settings, **DEADLINES}
        self.is_ending = self.was_killed = False
        self.process = Process(binary(), "serve", *(word for setting in settings.items() for word in setting),
                               ready="listening")

    def signal(self, number):
        self.process.signal(number)

    def heard(self, connection, status):
        if connection is self.watch:
            self.log.append(status)
            self.changed.set()

    @property
    def status(self):
        return self.watch.account.status if self.watch and self.watch.account else None

    # MARK: What it costs

    def memory(self):
        """Resident bytes."""
        with open(f"/proc/{self.process.pid}/statm") as file:
            pages = int(file.read().split()[1])
        self.most_memory = max(self.most_memory, pages * 4096)
        return pages * 4096

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    async def health(self):
        """The status code and the JSON of /health."""
        reader, writer = await asyncio.open_unix_connection(self.http)
        writer.write(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()
        return int(head.split()[1]), json.loads(body)
