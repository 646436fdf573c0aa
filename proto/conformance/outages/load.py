"""A steady load: half of the messages by a plain Redis client, a quarter by each of two workers."""
import functools

from .worker import CHANNELS

_MOST_UNANSWERED = 2000
_CATCH_UP_SECONDS = 0.1  # after a stall, so much of what was not published meanwhile is


class Publisher:
    """Publishes numbered messages at a rate. `waits`: for the result of each before the next, so that they have an
    order whatever the client's threads do."""

    def __init__(self, world, name, rate, worker=None, command="publish", waits=False):
        self._world, self._name, self.rate, self._worker, self._command = world, name, rate, worker, command
        self._waits, self._is_waiting, self._due, self._number = waits, False, 0.0, 0
        self.size = 0

    def tick(self, seconds):
        """Publishes what is due after so many more seconds."""
        self._due = min(self._due + seconds * self.rate, max(1.0, self.rate * _CATCH_UP_SECONDS))
        while self._due >= 1 and self._may_publish():
            self._due -= 1
            self._publish()

    def _may_publish(self):
        if self._worker is None:
            return self._world.plain.may_publish()
        return not self._is_waiting if self._waits else self._worker.unanswered < _MOST_UNANSWERED

    def _publish(self):
        self._number += 1
        kind = "plain" if self._worker is None else "send" if self._command == "tell" else "publish"
        publish = self._world.issue((self._name, self._number), CHANNELS[self._number % len(CHANNELS)], kind,
                                    self._worker.name if self._worker else "redis", self._waits or kind == "plain")
        if self._worker is None:
            self._world.plain.publish(publish, self.size)
        else:
            self._is_waiting = self._waits
            self._worker.launch(self._command, publish, functools.partial(setattr, self, "_is_waiting", False))


class Load:
    """All publishers of a world; `rate` is that of all messages together, in messages a second."""

    def __init__(self, world, workers, rate):
        self.plain = Publisher(world, "plain", rate / 2)
        self.publishers = [self.plain]
        for worker in workers:
            part = rate / 4
            self.publishers += [Publisher(world, f"{worker.name}.crowd", part / 4, worker)]
            self.publishers += [Publisher(world, f"{worker.name}.turn{number}", part / 16, worker, waits=True)
                                for number in range(4)]
            self.publishers += [Publisher(world, f"{worker.name}.tell{number}", part / 4, worker, "tell", waits=True)
                                for number in range(2)]
        self.is_on = False
        self._last = 0.0

    def start(self, now):
        self.is_on, self._last = True, now

    def stop(self):
        self.is_on = False

    def tick(self, now):
        if self.is_on and now > self._last:
            seconds, self._last = now - self._last, now
            for publisher in self.publishers:
                publisher.tick(seconds)
