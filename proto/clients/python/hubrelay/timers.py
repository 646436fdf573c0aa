"""The timers of a client: named, at most one of each name, and one deadline for all of them."""
import time
from collections.abc import Iterator
from typing import Optional


class Timers:
    """When each timer is due, by time.monotonic(). `has_changed` is set for the caller that waits for `deadline`."""

    def __init__(self) -> None:
        self.has_changed = False
        self._due: dict[str, float] = {}
        self._deadline: Optional[float] = None

    def set(self, name: str, seconds: Optional[float]) -> None:
        """Sets a timer to `seconds` from now; None removes it."""
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
        """When the first timer is due; None if there is none."""
        return self._deadline

    def take_due(self, now: float) -> Iterator[tuple[str, float]]:
        """Removes the timers that are due, and yields the name and time of each. If the caller changes a later one
        meanwhile, that counts."""
        for name in [name for name, at in self._due.items() if at <= now]:
            at = self._due.get(name)
            if at is not None and at <= now:
                self.set(name, None)
                yield name, at

    def clear(self) -> None:
        """Removes all timers."""
        for name in list(self._due):
            self.set(name, None)
