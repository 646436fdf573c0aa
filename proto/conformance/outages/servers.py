"""The servers of a test: redis-server and hubrelay, each a process of its own on private Unix sockets."""
import collections
import os
import selectors
import signal
import subprocess

_LINES_KEPT = 200

# Short enough that a fault is over soon, and long enough that a busy machine does not look like one.
RELAY_TIMINGS = ["--heartbeat-interval", "500ms", "--link-timeout", "3s", "--backoff-min", "10ms", "--backoff-max",
                 "100ms", "--backoff-max-refused", "100ms"]


class Server:
    """A process whose output is read as it comes. `ready` is a text of the line that says that it serves."""

    def __init__(self, session, title, arguments, ready, passed=()):
        self._session, self.title, self._ready = session, title, ready.encode()
        self._lines = collections.deque(maxlen=_LINES_KEPT)
        self._rest, self.is_ready = b"", False
        self._process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                         stderr=subprocess.STDOUT, start_new_session=True, bufsize=0, pass_fds=passed)
        os.set_blocking(self._process.stdout.fileno(), False)
        self._is_watched = True
        session.watch(self._process.stdout, selectors.EVENT_READ, 0, self._read)
        session.log(title, f"starts as {self._process.pid}")

    def _read(self, _):
        try:
            data = os.read(self._process.stdout.fileno(), 1 << 16)
        except BlockingIOError:
            return
        if not data:
            self._unwatch()
            return
        *whole, self._rest = (self._rest + data).split(b"\n")
        for line in whole:
            self._lines.append(line)
            self._session.log(self.title, line.decode("utf-8", "replace"))
            self.is_ready = self.is_ready or self._ready in line

    def _unwatch(self):
        if self._is_watched:
            self._is_watched = False
            self._session.watch(self._process.stdout, 0, selectors.EVENT_READ, self._read)

    def wait_line(self, text):
        """Waits for a line with this text; it may have come before."""
        self._session.wait(lambda: any(text.encode() in line for line in self._lines), f"{self.title} to say {text}")

    def wait_ready(self):
        self._session.wait(lambda: self.is_ready or not self._is_watched, f"{self.title} to start")
        if not self.is_ready:
            raise RuntimeError(f"{self.title} does not start:\n{self.last_lines()}")

    def last_lines(self):
        return b"\n".join(self._lines).decode("utf-8", "replace")

    def signal(self, number):
        self._session.log(self.title, f"gets {signal.Signals(number).name}")
        self._process.send_signal(number)

    @property
    def is_over(self):
        return self._process.poll() is not None

    def wait_end(self):
        """Waits for its end in order."""
        self._session.wait(lambda: self.is_over, f"the end of {self.title}")

    def kill(self):
        """Ends it, whatever its state."""
        if not self.is_over:
            self.signal(signal.SIGKILL)
            self._process.wait()
        self._unwatch()
        self._process.stdout.close()


def redis(session, program, path, number):
    return Server(session, f"redis {number}", [
        program, "--port", "0", "--unixsocket", path, "--save", "", "--appendonly", "no", "--daemonize", "no",
        "--logfile", "", "--client-output-buffer-limit", "pubsub 0 0 0"], "eady to accept connections")


# Passes a listening socket as a service manager does (sd_listen_fds(3)); the first argument is its descriptor.
_PASS = ["bash", "-c", 'exec 3<&"$0"; export LISTEN_PID=$$ LISTEN_FDS=1; exec "$@"']


def relay(session, program, path, redis_path, prefix, number, options=(), listening=None):
    """`listening` is the socket of a service manager, if it makes it."""
    words = [program, "serve", "--socket", path, "--prefix", prefix, "--redis", f"unix://{redis_path}", "--http", "off",
             *RELAY_TIMINGS, *options]
    passed = (listening.fileno(),) if listening else ()
    if listening:
        words = [*_PASS, str(listening.fileno()), *words]
    return Server(session, f"relay {number}", words, "listening", passed)
