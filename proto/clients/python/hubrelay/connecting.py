"""Attempts to connect, how long to wait between them, and the connections that there are."""
import random
from typing import Optional

from .frames import Code, Error
from .options import Options

_RANDOM = random.SystemRandom()  # no two processes get the same numbers, however they were started


class Backoff:
    """The random delay before the next attempt: full jitter, up to a bound that doubles."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._bound = options.backoff_min
        self._hopeless_bound = 1.0

    def next(self, is_hopeless: bool = False) -> float:
        """Seconds. `is_hopeless`: the last answer will not change by itself, so the bound is a long one, and half of it
        the least."""
        if is_hopeless:
            bound = min(self._hopeless_bound, self._options.backoff_hopeless)
            self._hopeless_bound = 2 * bound
            return _RANDOM.uniform(bound / 2, bound)
        self._hopeless_bound = 1.0
        bound, self._bound = self._bound, min(2 * self._bound, self._options.backoff_max)
        return _RANDOM.uniform(0, bound)

    def ended(self, seconds: float) -> None:
        """A connection has ended that lasted so long."""
        if seconds >= self._options.good_connection:
            self._bound = self._options.backoff_min


def is_hopeless(error: Error) -> bool:
    """Whether the next attempt will meet the same answer."""
    return error.code in (Code.VERSION, Code.NOT_ALLOWED)


class Watch:
    """Finds a relay that hangs: it is silent while something is owed, or for long, and then does not answer a Ping."""

    def __init__(self, options: Options) -> None:
        self._options = options

    def due(self, last_read: float, owed_since: Optional[float], ping_at: Optional[float]) -> float:
        """When the next step is due: the Ping, or once that is unanswered, the end."""
        if ping_at is not None:
            return ping_at + self._options.ping_timeout
        due = last_read + self._options.ping_idle
        if owed_since is not None:
            due = min(due, max(last_read, owed_since) + self._options.ping_owed)
        return due

    @property
    def period(self) -> float:
        """How often to look, at least: what becomes owed meanwhile is not due before the next look."""
        return min(self._options.ping_owed, self._options.ping_idle)
