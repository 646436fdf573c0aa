"""Servers and clients for measuring: plain blocking sockets, so that little of Python is in the figures."""
import contextlib
import os
import signal
import socket
import subprocess
import tempfile
import time

import wire
from harness import SERVER_PROGRAM, Process, binary, free_port
from wire import Outcome, State

#: Nothing that is measured takes this many seconds.
PATIENCE = 60


def median(values):
    return sorted(values)[len(values) // 2]


def table(columns, rows):
    """A Markdown table."""
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    return "\n".join(lines + ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows])


class Redis:
    """A redis-server at an address, in a network namespace if one is named. It has a Unix socket besides, `path`, which
    is reached from every namespace."""

    def __init__(self, host="127.0.0.1", namespace=None):
        self.host, self.port, self._namespace = host, free_port(), namespace
        self.url = f"redis://{self.host}:{self.port}"
        self.path = f"{tempfile.gettempdir()}/hubrelay-figures-{os.getpid()}-{self.port}.sock"
        self.start()

    def start(self):
        prefix = ["ip", "netns", "exec", self._namespace] if self._namespace else []
        self._process = Process(
            *prefix, SERVER_PROGRAM, "--port", str(self.port), "--bind", self.host, "--save", "", "--appendonly", "no",
            "--protected-mode", "no", "--logfile", "", "--unixsocket", self.path,
            "--client-output-buffer-limit", "pubsub 0 0 0", ready="eady to accept connections")

    def start_at_once(self):
        """Starts it without waiting. Returns when it accepts connections, as time.monotonic()."""
        import threading
        starting = threading.Thread(target=self.start)
        starting.start()
        while True:
            with socket.socket() as probe:
                if probe.connect_ex((self.host, self.port)) == 0:
                    now = time.monotonic()
                    break
            time.sleep(0.001)
        starting.join()
        return now

    def kill(self):
        self._process.kill()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)

    def freeze(self):
        self._process.signal(signal.SIGSTOP)

    def thaw(self):
        self._process.signal(signal.SIGCONT)

    def command(self, *words):
        parts = [str(word).encode() for word in words]
        with socket.create_connection((self.host, self.port), PATIENCE) as connection:
            connection.sendall(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in parts))
            return connection.makefile("rb").readline()


class Relay:
    """`hubrelay serve` with its default settings, but for its addresses."""

    def __init__(self, url, directory, namespace=None, **settings):
        self.path = os.path.join(directory, f"relay-{free_port()}.sock")
        prefix = ["ip", "netns", "exec", namespace] if namespace else []
        arguments = {"--socket": self.path, "--prefix": "f:", "--redis": url, "--http": "off", **settings}
        self._process = Process(*prefix, binary(), "serve", *(word for pair in arguments.items() for word in pair),
                                ready="listening")

    @property
    def pid(self):
        return self._process.pid

    def memory(self):
        """Resident MiB."""
        with open(f"/proc/{self.pid}/statm") as file:
            return int(file.read().split()[1]) * 4096 / (1 << 20)

    def signal(self, number):
        self._process.signal(number)

    def kill(self):
        self._process.kill()


class Client:
    """A connection to a relay."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(path)
        self._file = self.socket.makefile("rb", 1 << 16)
        self.send(wire.Hello(1, "figures"))
        self.status = self.read().status

    def send(self, *frames):
        self.socket.sendall(b"".join(map(wire.encode, frames)))

    def read(self):
        """The next frame; EOFError at the end."""
        head = self._file.read(4)
        if len(head) < 4:
            raise EOFError
        return wire.decode(self._file.read(int.from_bytes(head, "big")))

    def until(self, kind, condition=lambda frame: True):
        while True:
            frame = self.read()
            if isinstance(frame, wire.Status):
                self.status = frame
            if isinstance(frame, kind) and condition(frame):
                return frame

    def up(self):
        if self.status.state != State.UP:
            self.until(wire.Status, lambda status: status.state == State.UP)

    def subscribe(self, names):
        for start in range(0, len(names), 10000):
            self.send(wire.Subscribe(1, tuple(names[start:start + 10000])))
            assert self.until(wire.Reply).outcome == Outcome.OK

    def close(self):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)  # wakes another thread that reads
        self._file.close()
        self.socket.close()


@contextlib.contextmanager
def stage(redis=None, url=None, namespace=None, **settings):
    """A Redis (one of its own if none is given), a relay that reaches it at `url`, and a client that is UP."""
    with tempfile.TemporaryDirectory(prefix="hubrelay-figures-") as directory, contextlib.ExitStack() as stack:
        redis = redis or Redis()
        stack.callback(redis.kill)
        stack.callback(redis.thaw)
        relay = Relay(url or redis.url, directory, namespace, **settings)
        stack.callback(relay.kill)
        client = Client(relay.path)
        stack.callback(client.close)
        client.up()
        yield redis, relay, client


def run(*words):
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
