"""Redis, relays and workers of a framework, as real processes, for the tests of Tests/frameworks."""
import json
import os
import signal
import sys
import tempfile
import time

import harness
from harness import PATIENCE, free_port

#: What relays do where nothing else is said. `harness.TIMINGS` are for tests; these are for measurements.
DEFAULT_TIMINGS = {"--heartbeat-interval": "1s", "--link-timeout": "5s", "--probe": "5s", "--backoff-min": "50ms",
                   "--backoff-max": "500ms", "--backoff-max-refused": "5s", "--stop-timeout": "10s"}


class Redis(harness.Redis):
    """A redis-server of the test's own, by a Unix socket (`url`) and by TCP (`tcp_url`)."""

    def __init__(self, directory):
        self.port = free_port()
        self.tcp_url = f"redis://127.0.0.1:{self.port}/0"
        super().__init__(directory)

    def start(self):
        self._process = harness.Process(
            harness.SERVER_PROGRAM, "--port", str(self.port), "--bind", "127.0.0.1", "--unixsocket", self.path,
            "--save", "", "--appendonly", "no", "--daemonize", "no", "--logfile", "",
            "--client-output-buffer-limit", "pubsub 0 0 0", ready="eady to accept connections")


class Worker(harness.Process):
    """A process of the framework. It says "the worker is ready" when it can be used, and whatever else the
    test wants to know by `say`."""

    def __init__(self, *arguments, ready="the worker is ready"):
        super().__init__(sys.executable, "-u", *map(str, arguments), ready=ready)

    def said(self, what, count=1, **wanted):
        """What the worker has said by `say(what, ...)` with these values: waits until there are `count`, and returns
        all that there are."""
        def found():
            lines = [json.loads(line[4:]) for line in self._lines if line and line.startswith("say ")]
            return [line for line in lines if line["what"] == what and all(
                line.get(name) == value for name, value in wanted.items())]
        with self._changed:
            self._changed.wait_for(lambda: len(found()) >= count or None in self._lines, PATIENCE)
            if len(found()) < count:
                raise AssertionError(f"the worker does not say {what} {wanted} {count} times:\n{self.output}")
            return found()

    def end(self):
        """Ends it, as an operator does. It is killed if it takes too long."""
        if not self.is_over:
            self.signal(signal.SIGTERM)
            try:
                return self.wait()
            except Exception:
                pass
        return self.kill()


def say(what, **values):
    """In a worker: tells the test."""
    line = "say " + json.dumps({"what": what, "time": time.time(), **values}) + "\n"
    os.write(1, line.encode())  # one write, so that the lines of several threads do not mix


class Fleet:
    """A Redis, and relays in directories of their own. Use `with`, or `close`."""

    def __init__(self, relays=2, options=None):
        self._directory = tempfile.TemporaryDirectory(prefix="hubrelay-")
        self.redis = None
        self.relays, self.workers = [], []
        try:
            self.redis = Redis(self._directory.name)
            for number in range(relays):
                directory = os.path.join(self._directory.name, str(number))
                os.mkdir(directory)
                self.relays.append(harness.Relay(self.redis, directory, {"--prefix": "", **(options or {})}))
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def url(self, number=0):
        """The relay's address for an adapter."""
        return "hubrelay://" + self.relays[number].path

    def worker(self, *arguments, **options):
        """A Worker that ends with the fleet."""
        worker = Worker(*arguments, **options)
        self.workers.append(worker)
        return worker

    def close(self):
        for worker in self.workers:
            worker.end()
        for relay in self.relays:
            relay.kill()
        if self.redis:
            self.redis.stop()
        self._directory.cleanup()
