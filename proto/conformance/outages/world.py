"""A private Redis, a relay, and two workers of one client on it, under load."""
import itertools
import os
import signal
import socket
import time
import typing

from runner import session

from . import audit, servers
from .books import Books, mark_key
from .load import Load
from .plain import PREFIX, PlainPublisher, Witness
from .worker import CHANNELS, Worker

_MARK_SECONDS = 0.1    # between two marks, while it is unknown whether any comes through
_BEFORE_SECONDS = 0.3  # of load before a fault
_AFTER_SECONDS = 0.2   # of load after all is well again


class World(session.Session):
    """`programs` has the paths of `relay` and `redis`. Clients connect to `path`, which is a link to the socket of the
    present relay, so that the next one can be there before the former one is told to stop."""

    def __init__(self, client, log, programs, rate, settings):
        super().__init__(client, log)
        self._programs, self._rate, self._settings = programs, rate, settings
        self._folder_of_sockets = os.path.dirname(self.path)
        self.redis_path = os.path.join(self._folder_of_sockets, "redis.sock")
        self._servers, self._numbers, self._marks = [], itertools.count(1), itertools.count(1)
        self.redis = self.relay = self.witness = self.plain = self.load = None
        self.books = Books(())
        self._former_allowed_losses = False
        self._listening = None  # the socket of a service manager, which outlives relays
        self.callers = Callers(self.path)

    def build(self):
        """Starts everything, and waits until it works."""
        self.start_redis()
        self.start_relay(self.new_relay_path()).wait_ready()
        for number in (1, 2):
            worker = Worker(self, self.client.command, number, listens=number == 2)
            self.drivers.append(worker)
        for worker in self.drivers:
            worker.wait_until_started()
            worker.open(self.path, worker.name, self._settings)
        self.books = Books(worker.name for worker in self.drivers)
        for worker in self.drivers:
            self.wait(worker.is_up, f"{worker.name} to be UP")
            worker.hear()
        self.load = Load(self, self.drivers, self._rate)
        # The first phase begins when all hear, and whatever Gap a client told of its start has come.
        self._settle(audit.Allows(gap="may"))
        self.books = Books(self.books.listeners, self.books)

    # Servers

    def start_redis(self):
        """Starts a Redis. The witness hears it before any relay can find it."""
        number = next(self._numbers)
        path = os.path.join(self._folder_of_sockets, f"redis.{number}.sock")
        self.redis = self._keep(servers.redis(self, self._programs.redis, path, number))
        self.redis.wait_ready()
        for each in (self.witness, self.plain):
            if each:
                each.close()
        self.witness = Witness(self, path, self)
        self.wait(lambda: self.witness.is_listening, "Redis to confirm the subscription of the witness")
        self.plain = PlainPublisher(self, path)
        os.rename(path, self.redis_path)

    def new_relay_path(self):
        """A path for a relay besides the present one. `lead_to` makes it the one to which clients connect."""
        path = os.path.join(self._folder_of_sockets, f"relay.{next(self._numbers)}.sock")
        if self.relay is None:
            self.lead_to(path)
        return path

    def lead_to(self, path):
        os.symlink(path, path + ".link")
        os.rename(path + ".link", self.path)
        self.relay_path = path

    def start_relay(self, path, *options):
        """Starts a relay at this path, and does not wait for it."""
        self.relay = self._keep(servers.relay(
            self, self._programs.relay, path, self.redis_path, PREFIX.decode(), next(self._numbers), options,
            self._listening))
        return self.relay

    def activate(self):
        """From here on the socket is made by a service manager, and passed to each relay; clients are led to it."""
        path = self.new_relay_path()
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(path)
        self._listening.listen(4096)
        former: typing.Any = self.relay
        self.start_relay(path).wait_line("state=up")
        self.lead_to(path)
        former.signal(signal.SIGTERM)
        former.wait_end()

    @property
    def is_activated(self):
        return self._listening is not None

    def _keep(self, server):
        self._servers = [each for each in self._servers if not each.is_over] + [server]
        return server

    # Load

    def issue(self, key, channel, kind, writer, is_ordered):
        return self.books.issued(key, channel, kind, writer, time.monotonic(), is_ordered)

    def pump(self, seconds):
        if self.load and self.load.is_on:
            self.load.tick(time.monotonic())
            seconds = min(seconds, 0.003)
        self.callers.call()
        super().pump(seconds)

    # One phase

    def play(self, fault):
        """Plays a fault under load, waits until all is well, and returns the account."""
        self.log("phase", fault.id)
        began = time.monotonic()
        self.load.start(began)
        self.settle(_BEFORE_SECONDS)
        self.books.time_silence(time.monotonic())
        self.callers.start()
        fault.play(self)
        ended = time.monotonic()
        self._heal(ended)
        healed = time.monotonic() - ended
        self.settle(_AFTER_SECONDS)
        self.load.stop()
        self.books.end_silence()
        self.callers.stop()
        self._settle(fault.allows)
        account = audit.audit(self.books, fault.allows, self._former_allowed_losses)
        account.healed = healed
        account.calls, account.calls_refused = self.callers.made, self.callers.refused
        self._former_allowed_losses = fault.allows.losses != "none"
        self.books = Books(self.books.listeners, self.books)
        return account

    def _heal(self, since):
        """Until every worker is UP, and has published and heard anew."""
        first = self._mark()
        next_mark = time.monotonic() + _MARK_SECONDS

        def is_healed():
            nonlocal first, next_mark
            if time.monotonic() > next_mark:
                marks = self._mark()
                first, next_mark = first or marks, time.monotonic() + _MARK_SECONDS
            return first and all(worker.is_up() and worker.last_ok > since and self._has_heard(worker, first)
                                 for worker in self.drivers)
        self.wait(is_healed, "both workers to be UP, to publish and to hear again after the fault")

    def _mark(self):
        """A message on each channel, by the plain client: behind it everything is newer. None if Redis is away."""
        if not self.plain.may_publish():
            return None
        number = next(self._marks)
        for channel in CHANNELS:
            self.plain.publish(self.issue(mark_key(channel, number), channel, "plain", "redis", True))
        return number

    def _has_heard(self, worker, number):
        """Whether a mark of this number, or a later one, has come on each channel."""
        marks = self.books.marks[worker.name]
        return all(marks.get(channel, 0) >= number for channel in CHANNELS)

    def _settle(self, allows):
        """Waits until each publish has its result, and everything that was missed is told; then cuts the books."""
        self.wait(lambda: self.plain.is_settled() and not any(worker.unanswered for worker in self.drivers),
                  "the results of all publishes")
        mark = self._mark()
        marks = {channel: mark_key(channel, mark) for channel in CHANNELS}
        self.wait(lambda: self.plain.is_settled() and all(self.books.find(key).seen for key in marks.values())
                  and all(self._has_heard(worker, mark) for worker in self.drivers), "the last mark to be heard")
        questions = lambda: audit.open_questions(self.books, allows)
        deadline = time.monotonic() + session.PATIENCE
        while questions() and time.monotonic() < deadline:
            self.settle(0.02)
        if allows.gap != "none":
            self.settle(3 * self._settings["jitter_ms"] / 1000)
            for worker in self.drivers:
                worker.call("ping").result()
        self.books.cut(marks)

    def close(self):
        for each in (self.witness, self.plain):
            if each:
                each.close()
        for server in self._servers:
            server.kill()
        if self._listening:
            self._listening.close()
        super().close()


class Callers:
    """Connects to the path again and again, as workers do that start, and counts those that find no relay."""

    def __init__(self, path):
        self._path, self._is_on = path, False
        self.made = self.refused = 0

    def start(self):
        self.made, self.refused, self._is_on = 0, 0, True

    def stop(self):
        self._is_on = False

    def call(self):
        if not self._is_on:
            return
        with socket.socket(socket.AF_UNIX) as caller:
            caller.setblocking(False)
            self.made += 1
            try:
                caller.connect(self._path)
            except (FileNotFoundError, ConnectionRefusedError):
                self.refused += 1
            except BlockingIOError:
                pass  # the queue of those who wait is full
