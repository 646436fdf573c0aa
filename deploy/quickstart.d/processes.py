"""The daemons of the demo: a private redis-server and the relays. Each is ended by the pid it was started with."""

import asyncio
import http.client
import os
import random
import signal
import socket
import subprocess
import time


class Stuck(Exception):
    """Something that should have happened did not, or a process ended that should not have."""


class Daemon:
    """A process with a log file, in a session of its own, so that it can outlive the demo."""

    def __init__(self, name, directory):
        self.name = name
        self.log = directory / f"{name.replace(' ', '-')}.log"
        self.process = None

    def spawn(self, *argv, **environment):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [str(word) for word in argv], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, env={**os.environ, **environment})

    @property
    def pid(self):
        return self.process.pid

    def running(self):
        return self.process is not None and self.process.poll() is None

    async def stop(self, patience=30):
        """SIGTERM, and SIGKILL after `patience` seconds. Returns the exit code; negative: the signal."""
        if self.running():
            self.process.send_signal(signal.SIGTERM)
            try:
                await asyncio.to_thread(self.process.wait, patience)
            except subprocess.TimeoutExpired:
                self.process.kill()
        return self.process.wait() if self.process else 0


class Redis(Daemon):
    """A redis-server that nobody else uses: a free port of the loopback interface, nothing kept on disk."""

    def __init__(self, directory):
        super().__init__("redis-server", directory)
        self.directory = directory
        self.port = free_port()

    async def start(self):
        self.spawn("redis-server", "--port", self.port, "--bind", "127.0.0.1", "--dir", self.directory,
                   "--save", "", "--appendonly", "no", "--daemonize", "no")
        deadline = time.monotonic() + 10
        while self.running() and time.monotonic() < deadline:
            try:
                if self.command("PING") == "PONG":
                    return
            except OSError:
                await asyncio.sleep(0.005)  # it has no way to say "ready" that every build of it knows
        raise Stuck("redis-server does not answer")

    def command(self, line):
        """One command as plain text, the way any Redis client could send it, and its reply."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
            connection.sendall(line.encode() + b"\r\n")
            return read_reply(connection.makefile("rb"))


def read_reply(stream):
    line = stream.readline().decode().rstrip("\r\n")
    kind, rest = line[:1], line[1:]
    if kind == "*":
        return [read_reply(stream) for _ in range(int(rest))]
    if kind == "$":
        return stream.read(int(rest) + 2)[:-2].decode()
    return int(rest) if kind == ":" else rest


def free_port():
    """A port outside the range that the kernel hands out by itself: while Redis is away, nobody takes it, and
    a relay that connects to it can never be given it as its own port and end up connected to itself."""
    for port in random.sample(range(20000, 32000), 100):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise Stuck("no free port between 20000 and 32000")


class Relay(Daemon):
    """One relay, as it would run beside the app servers of one host."""

    def __init__(self, binary, host, redis, directory, prefix="demo:"):
        super().__init__(f"relay {host}", directory)
        self.binary, self.redis, self.directory, self.prefix = binary, redis, directory / host.lower(), prefix
        self.directory.mkdir()
        self.socket = self.directory / "hubrelay.sock"
        self.http = self.directory / "http.sock"

    async def start(self):
        """Starts it and waits until it says READY, the way systemd would. Returns how long that took, in ms."""
        path = self.directory / "notify.sock"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.bind(str(path))
            begin = time.monotonic()
            self.spawn(self.binary, "serve", "--prefix", self.prefix, "--socket", self.socket,
                       "--http", f"unix:{self.http}", "--redis", f"redis://127.0.0.1:{self.redis.port}",
                       NOTIFY_SOCKET=str(path))
            await asyncio.to_thread(self.wait_for_ready, notify, begin + 10)
            took = (time.monotonic() - begin) * 1000
        path.unlink()
        return took

    def wait_for_ready(self, notify, deadline):
        notify.settimeout(0.1)  # how often to look whether it is still alive
        while self.running() and time.monotonic() < deadline:
            try:
                if b"READY=1" in notify.recv(4096).splitlines():
                    return
            except socket.timeout:
                continue
        raise Stuck(f"{self.name} did not get ready")

    def get(self, path):
        """HTTP GET over the relay's Unix socket: status code and body."""
        connection = http.client.HTTPConnection("localhost", timeout=2)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(str(self.http))
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()
