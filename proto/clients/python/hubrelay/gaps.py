"""When to report to the application that messages may have been missed."""
import random
from typing import Callable, Optional

from .frames import Gap, State, Status
from .link import Request
from .options import Options

_RANDOM = random.SystemRandom()  # no two processes get the same numbers, however they were started


class Gaps:
    """Collects reasons, and reports them in a Gap, a random time after the relay receives again.

    `set_timer` gets a name ("gap", "partial") and seconds from now, or None to cancel the timer.
    """

    def __init__(self, options: Options, set_timer: Callable[[str, Optional[float]], None],
                 tell: Callable[[Gap], None]) -> None:
        self._options, self._set_timer, self._tell = options, set_timer, tell
        self._reasons: list[str] = []
        self._is_receiving = False
        self._awaited: Optional[set[Request]] = None  # Subscribes to be answered before; None: not receiving
        self._is_delayed = False  # the random delay runs
        self._partial_again = False

    def note(self, reason: str) -> None:
        """Notes why messages may have been missed."""
        if reason not in self._reasons:
            self._reasons.append(reason)

    def forget(self) -> None:
        """There are no subscriptions any more."""
        self._reasons = []
        self._stop_delay()
        self._set_timer("partial", None)

    def is_receiving(self, receiving: bool, unanswered: set[Request]) -> None:
        """The relay reports whether it receives; `unanswered` are the Subscribes that have no Reply now."""
        if receiving and not self._is_receiving:
            self._awaited = set(unanswered)
        if not receiving:
            self._awaited = None
            self._stop_delay()
        else:
            self._set_timer("partial", None)
        self._is_receiving = receiving

    def awaits(self, unanswered: set[Request]) -> None:
        """From now on another connection counts. Its Subscribes in `unanswered` have no Reply yet."""
        if self._awaited is not None:
            self._awaited = set(unanswered)
            if unanswered:
                self._stop_delay()

    def answered(self, request: Request, instead: list[Request]) -> None:
        """A Subscribe has its Reply. If it was refused, those in `instead` ask again for the rest of its names."""
        if self._awaited and request in self._awaited:
            self._awaited.discard(request)
            self._awaited.update(instead)

    def consider(self) -> None:
        """Starts the random delay if it is time for it."""
        if not self._reasons or self._awaited is None or self._awaited or self._is_delayed:
            return
        self._is_delayed = True
        self._set_timer("gap", _RANDOM.uniform(0, self._options.gap_jitter))

    def delay_is_over(self) -> None:
        """The timer "gap" is due."""
        self._is_delayed = False
        reasons, self._reasons = self._reasons, []
        if reasons:
            self._tell(Gap(tuple(reasons)))

    def grown(self, status: Status, is_partial_due: bool) -> None:
        """The relay's number of `gaps` has grown."""
        self.note(status.reason or "the relay was not receiving")
        if not status.receiving and status.state == State.DEGRADED:
            if is_partial_due:
                self._partial_again = True
            else:
                self._set_timer("partial", self._options.partial_gap)

    def partial_is_due(self, status: Status) -> None:
        """The timer "partial" is due."""
        if status.state == State.DEGRADED and not status.receiving and self._reasons:
            self._tell(Gap(tuple(self._reasons), partial=True))
            if self._partial_again:
                self._set_timer("partial", self._options.partial_gap)
        self._partial_again = False

    def _stop_delay(self) -> None:
        if self._is_delayed:
            self._is_delayed = False
            self._set_timer("gap", None)
