"""Plays faults with one client, and adds up what has come of them."""
import dataclasses
import time
import typing

from runner.failure import Failure
from runner.playing import Log

from . import faults
from .world import World

_SETTINGS = {"plain": faults.PLAIN, "patient": faults.PATIENT}


@dataclasses.dataclass
class Row:
    """All phases of one fault at one rate, with one client."""
    client: typing.Any
    fault: faults.Fault
    rate: int
    accounts: list = dataclasses.field(default_factory=list)
    failures: list = dataclasses.field(default_factory=list)  # texts, with the lines before
    seconds: float = 0.0

    @property
    def is_ok(self):
        return not self.failures

    def total(self, name):
        return sum(getattr(account, name) for account in self.accounts)

    def most(self, name):
        return max((getattr(account, name) for account in self.accounts), default=0.0)

    def results(self, word):
        return sum(account.results[word] for account in self.accounts)


def play_all(client, programs, plan, show, watch=None):
    """Plays a plan, which is a list of (fault, rate, times), and returns its Rows. `show` is called with each."""
    rows, stage = [], Stage(client, programs, watch)
    try:
        for fault, rate, times in plan:
            row, began = Row(client, fault, rate), time.monotonic()
            for _ in range(times):
                stage.play(fault, row)
            row.seconds = time.monotonic() - began
            rows.append(row)
            show(row)
    finally:
        stage.clear()
    return rows


class Stage:
    """Keeps a world as long as faults want the same settings and rate, and it has not come to a standstill."""

    def __init__(self, client, programs, watch):
        self._client, self._programs, self._watch = client, programs, watch
        self._world = self._kind = self._log = None

    def clear(self):
        if self._world:
            self._world.close()
        self._world = None

    def play(self, fault, row):
        """Plays a fault once, and notes what has come of it."""
        try:
            account = self._world_for(fault, row.rate).play(fault)
        except (Failure, RuntimeError) as failure:
            errors = "".join(driver.errors() for driver in self._world.drivers)
            row.failures.append((f"{failure}{errors}", self._log.last()))
            self.clear()
            return
        row.accounts.append(account)
        if account.violations:
            row.failures.append(("\n  ".join(_first(account.violations)), self._log.last()))

    def _world_for(self, fault, rate):
        if self._world is None or self._kind != (fault.settings, rate):
            self.clear()
            self._kind = fault.settings, rate
            self._log = Log(f"{self._client.title} {rate}/s", self._watch)
            self._world = World(self._client, self._log, self._programs, rate, _SETTINGS[fault.settings])
            self._world.build()
        return self._world


def _first(violations, most=8):
    return violations[:most] + ([f"and {len(violations) - most} more"] if len(violations) > most else [])
