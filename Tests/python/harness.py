"""Real servers for the tests: redis-server and `hubrelay serve`, each on Unix sockets in a directory of the test's own.

Nothing here sleeps to synchronise: a server is up when it says so in its log, everything else is an event of the
client, waited for with a deadline.
"""
import asyncio
import logging
import os
import pathlib
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "proto" / "clients" / "python"))

import hubrelay  # noqa: E402  (it is found through the line above)

# unittest runs asyncio in its debug mode, which warns of every callback that a busy machine makes slow.
logging.getLogger("asyncio").setLevel(logging.ERROR)

#: Seconds after which a test gives up; generous, because sanitizer builds on busy machines are slow.
PATIENCE = 60
#: For a program that is compiled when it is started, seconds.
COMPILER_PATIENCE = 600

#: Short, and yet so long that a busy machine does not make a link look dead. The stop timeout is beyond any test's
#: patience: a relay that is stopped ends because its clients leave.
TIMINGS = {
    "--heartbeat-interval": "200ms", "--link-timeout": "5s", "--probe": "500ms", "--backoff-min": "10ms",
    "--backoff-max": "50ms", "--backoff-max-refused": "100ms", "--stop-timeout": "5m",
}


def binary():
    """The relay's binary: TESTED_HUBRELAY, or what a plain `swift build` leaves behind."""
    return os.environ.get("TESTED_HUBRELAY", str(ROOT / ".build" / "debug" / "hubrelay"))


def _ports():
    """Ports below those that Linux gives to outgoing connections, by the hundred. A process claims a hundred by a
    socket with an abstract name, which the kernel takes away when it ends. `Tests/Support/SocketAddresses.swift` does
    the same by the same names."""
    for number in random.sample(range(102, 322), 220):
        claim = socket.socket(socket.AF_UNIX)
        try:
            claim.bind(f"\0hubrelay-test-ports-{number}".ljust(108, "\0"))
        except OSError:
            claim.close()
            continue
        _claims.append(claim)
        for port in range(number * 100, (number + 1) * 100):
            with socket.socket() as probe:
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError:
                    continue
            yield port
    raise RuntimeError("no free port between 10200 and 32199")


_claims = []
_free_ports = _ports()
_ports_lock = threading.Lock()


def free_port():
    """A port of the loopback for a server of a test. It is free, no outgoing connection gets it by chance, and nobody
    else who asks here is given it: no other call, by whatever thread, and no other process of tests."""
    with _ports_lock:
        return next(_free_ports)


class Process:
    """A server whose output is read, line by line, as it comes."""

    def __init__(self, *arguments, ready, stdin=subprocess.DEVNULL, patience=PATIENCE, pass_fds=()):
        self._lines, self._changed, self._program = [], threading.Condition(), arguments[0]
        self._process = subprocess.Popen(arguments, stdin=stdin, stdout=subprocess.PIPE,
                                         stderr=subprocess.STDOUT, text=True, errors="replace", pass_fds=pass_fds)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        try:
            self._wait_for_line(ready, patience)
        except AssertionError:
            self.kill()
            raise

    def _read(self):
        for line in self._process.stdout:
            with self._changed:
                self._lines.append(line)
                self._changed.notify_all()
        with self._changed:
            self._lines.append(None)
            self._changed.notify_all()

    def _wait_for_line(self, text, patience=PATIENCE):
        with self._changed:
            self._changed.wait_for(lambda: any(line is None or text in line for line in self._lines), patience)
            if not any(line and text in line for line in self._lines):
                raise AssertionError(f"{self._program} does not say {text!r} within {patience} s:\n{self.output}")

    @property
    def output(self):
        return "".join(line for line in self._lines if line)

    @property
    def pid(self):
        return self._process.pid

    def signal(self, number):
        self._process.send_signal(number)

    def wait(self):
        """Waits for its end. Returns the exit code, negative for a signal."""
        code = self._process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        self._process.stdout.close()
        return code

    @property
    def is_over(self):
        return self._process.poll() is not None

    def kill(self):
        if self._process.poll() is None:
            self._process.kill()
        return self.wait()


# The program of every server that the tests start.
SERVER_PROGRAM = os.environ.get("TESTED_REDIS_SERVER", "redis-server")


class Redis:
    """A redis-server of the test's own. After `stop`, `start` starts another one at the same address."""

    def __init__(self, directory):
        self.path = os.path.join(directory, "redis.sock")
        self.url = f"unix://{self.path}"
        self._process = None
        self.start()

    def start(self):
        self._process = Process(SERVER_PROGRAM, "--port", "0", "--unixsocket", self.path, "--save", "",
                                "--appendonly", "no", "--daemonize", "no", "--logfile", "",
                                "--client-output-buffer-limit", "pubsub 0 0 0", ready="eady to accept connections")

    def stop(self):
        if self._process:
            self._process.kill()
            self._process = None

    def freeze(self):
        """It stays connected and answers nothing."""
        self._process.signal(signal.SIGSTOP)

    def thaw(self):
        self._process.signal(signal.SIGCONT)

    def command(self, *words):
        """What Redis answers to one command whose answer is one line: an int, a str; AssertionError for an error."""
        parts = [word if isinstance(word, bytes) else str(word).encode() for word in words]
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(PATIENCE)
            connection.connect(self.path)
            connection.sendall(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in parts))
            line = connection.makefile("rb").readline().decode()
        if line.startswith("-"):
            raise AssertionError(line)
        return int(line[1:]) if line.startswith(":") else line[1:].strip()


class Relay:
    """`hubrelay serve` on a socket in `directory`. After `stop` or `kill`, `start` starts another one there."""

    def __init__(self, redis, directory, options):
        self.path = os.path.join(directory, "relay.sock")
        settings = {"--socket": self.path, "--prefix": "t:", "--redis": redis.url, "--http": "off",
                    **TIMINGS, **options}
        self._arguments = [word for setting in settings.items() for word in setting]
        self._process = None
        self.start()

    def start(self):
        self._process = Process(binary(), "serve", *self._arguments, ready="listening")

    def terminate(self):
        """Asks it to stop, as a service manager does."""
        self._process.signal(signal.SIGTERM)

    def wait(self):
        """Waits for its end, which must be a good one."""
        process, self._process = self._process, None
        code = process.wait()
        if code != 0:
            raise AssertionError(f"the relay ended with {code}:\n{process.output}")

    def kill(self):
        """Ends it without a word to anyone."""
        if self._process:
            self._process.kill()
            self._process = None

    @property
    def running(self):
        return self._process is not None

    @property
    def is_over(self):
        return self._process is None or self._process.is_over

    @property
    def output(self):
        return self._process.output if self._process else ""


class RelayTest(unittest.IsolatedAsyncioTestCase):
    """A test with a Redis and a relay, both up. `options` are flags of the relay and their values."""

    options = {}

    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="hubrelay-")
        self.addCleanup(directory.cleanup)
        self.redis = Redis(directory.name)
        self.addCleanup(self.redis.stop)
        self.relay = Relay(self.redis, directory.name, self.options)
        self.addCleanup(self.relay.kill)

    def tearDown(self):
        if self.relay.running:
            self.relay.terminate()
            self.relay.wait()  # exit code 0: nothing leaked, nothing left behind

    def client(self, **settings):
        return hubrelay.AsyncClient(self.relay.path, name=self.id()[-64:], **settings)

    async def event(self, client, kind, **wanted):
        """The next event of this kind with these values; skips every other one."""
        async def search():
            async for event in client.events:
                if isinstance(event, kind) and all(getattr(event, name) == value for name, value in wanted.items()):
                    return event
            self.fail(f"the client ended without a {kind.__name__} {wanted}")
        return await self.soon(search(), f"a {kind.__name__} with {wanted}")

    def waiting(self, client, kind=object):
        """The events of this kind that the client has and nobody has taken; the others are forgotten."""
        return [event for event in iter(client.events.get_nowait, None) if isinstance(event, kind)]

    async def up(self, client):
        """Reads events until the relay is UP."""
        if client.status.state != hubrelay.State.UP:
            await self.event(client, hubrelay.Status, state=hubrelay.State.UP)

    def cut(self, client):
        """Ends the client's connection, as if the relay had done so."""
        for connected in client._sockets.values():
            connected.shutdown(socket.SHUT_RDWR)

    async def messages(self, client, count):
        """The next `count` messages, as (channel, payload, pattern)."""
        found = [await self.event(client, hubrelay.Message) for _ in range(count)]
        return [(message.channel, message.payload, message.pattern) for message in found]

    async def soon(self, awaitable, what="an answer"):
        """The result of `awaitable`, which must come before the test's patience ends."""
        try:
            return await asyncio.wait_for(awaitable, PATIENCE)
        except TimeoutError:
            self.fail(f"waited {PATIENCE} s for {what}\n{self.relay.output}")

    async def outcome(self, request):
        """The outcome with which a request fails."""
        with self.assertRaises(hubrelay.HubrelayError) as failure:
            await self.soon(request)
        return failure.exception.outcome
