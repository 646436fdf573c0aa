"""One scenario under way: the loop that drives sockets and drivers, and waiting for what must come."""
import os
import selectors
import shutil
import tempfile
import time

from .driver import Driver
from .failure import Failure
from .relay import Relay

PATIENCE = 60  # seconds for what must come: long, so that a busy machine fails nobody (--patience)

# Settings that make a client quick; those that it does not have, it ignores.
QUICK = {"jitter_ms": 50, "backoff_min_ms": 5, "backoff_max_ms": 50, "backoff_hopeless_ms": 100}


class Session:
    """`log` is told each line of both sides: who, and what. `seconds` is how long the scenario may take in all."""

    is_interrupted = False  # of all sessions: somebody has pressed Ctrl-C

    def __init__(self, client, log, seconds=None):
        self.client = client
        self._selector = selectors.DefaultSelector()
        self._folder = tempfile.mkdtemp(prefix="conformance-")
        self._log = log
        self._began = time.monotonic()
        self._limit = self._began + seconds if seconds else None
        self._relays = []
        self.drivers = []
        self.path = os.path.join(self._folder, "relay.sock")

    # The two sides

    def relay(self, path=None, **settings):
        """A relay named by a letter: A is the first one of the scenario. See Relay for the settings."""
        relay = Relay(self, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[len(self._relays)], path or self.path, **settings)
        self._relays.append(relay)
        return relay

    def driver(self):
        """Starts a driver, and waits for its first line."""
        driver = Driver(self, self.client.command, len(self.drivers) + 1)
        self.drivers.append(driver)
        driver.wait_until_started()
        return driver

    def open(self, name="conformance", path=None, **settings):
        """Starts a driver whose client is to connect to the relay at the path."""
        driver = self.driver()
        driver.open(path or self.path, name, QUICK | settings)
        return driver

    def is_publisher(self):
        return self.client.profile == "publisher"

    # Time

    def watch(self, source, mask, former, callback):
        """Calls back with the ready mask; 0 ends it. `former` is the mask up to now."""
        if not former:
            self._selector.register(source, mask, callback)
        elif not mask:
            self._selector.unregister(source)
        else:
            self._selector.modify(source, mask, callback)

    def pump(self, seconds):
        """Lets both sides go on, until something has happened or the time is over."""
        if Session.is_interrupted:
            raise Failure("interrupted")
        for key, mask in self._selector.select(seconds):
            if key.fileobj in self._selector.get_map():  # a callback before may have ended it
                key.data(mask)

    def wait(self, condition, what, within=None, nudge=False, poll=0.02):
        """Until the condition holds; returns what it returned. Raises Failure when the time is over. `what` is a text,
        or a function that makes it then. With `nudge` a client that connects only to publish is made to. `poll` is how
        often to look while nothing comes."""
        within = within or PATIENCE
        deadline = time.monotonic() + within
        next_nudge = time.monotonic() + 0.2
        while not (value := condition()):
            now = time.monotonic()
            if now > deadline:
                raise Failure(f"waited {within:g} s for {_text(what)}")
            if self._limit and now > self._limit:
                raise Failure(f"all is slow: the scenario is over its time, and waits for {_text(what)}")
            if nudge and self.is_publisher() and now > next_nudge:
                next_nudge = now + 0.2
                for driver in self.drivers:
                    driver.nudge()
            self.pump(min(poll, deadline - now))
        return value

    def settle(self, seconds):
        """A window in which nothing may come; the caller looks afterwards. Keep them short and few."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self.pump(min(0.05, left))

    @property
    def seconds(self):
        """Since the scenario began, as in the log."""
        return time.monotonic() - self._began

    def log(self, who, what):
        self._log(self.seconds, who, what)

    # The end

    def finish(self):
        """Ends the drivers, in order; Failure if one of them has broken a rule on its way."""
        for driver in self.drivers:
            driver.finish()

    def close(self):
        """Ends everything, whatever its state."""
        for driver in self.drivers:
            driver.kill()
        for relay in self._relays:
            relay.close()
        self._selector.close()
        shutil.rmtree(self._folder, ignore_errors=True)


def _text(what):
    return what() if callable(what) else what
