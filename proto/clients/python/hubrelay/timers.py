"""The timers of a client: named, at most one of each name, and one deadline for all of them."""
import time
from collections.abc import Iterator
from typing import Optional


class Timers:
    """When what is due, by time.monotonic(). `has_changed` is set for whoever has to wait until `deadline`."""

    def __init__(self) -> None:
        self.has_changed = False
        self._due: dict[str, float] = {}
        self._deadline: Optional[float] = None

    def set(self, name: str, seconds: Optional[float]) -> None:
        """From now on; None takes the timer away."""
        if seconds is None:
            self._due.pop(name, None)
        else:
            self._due[name] = time.monotonic() + seconds
        self._deadline = min(self._due.values(), default=None)
        self.has_changed = True

    def due_at(self, name: str) -> Optional[float]:
        """When this timer is due, by time.monotonic(); None if it is not set."""
        return self._due.get(name)

    @property
    def deadline(self) -> Optional[float]:
        """When the first is due."""
        return self._deadline

    def take_due(self, now: float) -> Iterator[tuple[str, float]]:
        """Name and time of those that are due, each taken away. What one of them changes counts for those behind it."""
        for name in [name for name, at in self._due.items() if at <= now]:
            at = self._due.get(name)
            if at is not None and at <= now:
                self.set(name, None)
                yield name, at

    def clear(self) -> None:
        """Takes all timers away."""
        for name in list(self._due):
            self.set(name, None)
