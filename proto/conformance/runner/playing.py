"""Plays scenarios, several at a time, and keeps what has come of them."""
import concurrent.futures
import dataclasses
import time
import traceback

from . import session as sessions
from .failure import Failure, LeftOut

OK, FAILED, LEFT_OUT = "ok", "FAILED", "left out"
_LINES_KEPT = 40      # of the log, to show with a failure
_LINE_CHARACTERS = 180


@dataclasses.dataclass
class Played:
    """`text` says what was broken, or why the scenario was left out; `lines` are the last of both sides."""
    client: object
    scenario: object
    verdict: str
    seconds: float
    text: str = ""
    lines: tuple = ()


def play_all(clients, scenarios, jobs, show, watch=None):
    """Plays each scenario with each client, and returns all Played; `show` is called with each as it ends. `watch` is
    called with each line of both sides."""
    played = []
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        # The longest ones first would be quicker; the order of the list is easier to read.
        futures = [pool.submit(play, client, scenario, watch) for client in clients for scenario in scenarios]
        try:
            for future in concurrent.futures.as_completed(futures):
                played.append(future.result())
                show(played[-1])
        except BaseException:
            sessions.Session.is_interrupted = True
            pool.shutdown(cancel_futures=True)
            raise
    return played


def play(client, scenario, watch=None):
    """Plays one scenario with one client."""
    began = time.monotonic()
    log = Log(f"{client.title} {scenario.id}", watch)

    def played(verdict, text=""):
        return Played(client, scenario, verdict, time.monotonic() - began, text, log.last())
    try:
        scenario.check_applies(client)
    except LeftOut as reason:
        return played(LEFT_OUT, str(reason))
    session = sessions.Session(client, log, None if scenario.is_slow else 4 * sessions.PATIENCE)
    try:
        scenario.play(session)
        session.finish()
        return played(OK)
    except LeftOut as reason:
        return played(LEFT_OUT, str(reason))
    except Failure as failure:
        errors = "".join(driver.errors() for driver in session.drivers)
        return played(FAILED, f"{failure}\n  the rule: {failure.rule or scenario.rule}{errors}")
    except Exception:
        return played(FAILED, "the runner itself has failed: " + traceback.format_exc())
    finally:
        session.close()


class Log:
    """Keeps the last lines, as objects whose text is made when it is wanted."""

    def __init__(self, title, watch):
        self._title, self._watch, self._lines = title, watch, []

    def __call__(self, seconds, who, what):
        entry = (seconds, who, what)
        if self._watch:
            self._watch(f"{self._title} {_text(entry)}")
        self._lines.append(entry)
        if len(self._lines) > 2 * _LINES_KEPT:
            del self._lines[:_LINES_KEPT]

    def last(self):
        return tuple(map(_text, self._lines[-_LINES_KEPT:]))


def _text(entry):
    seconds, who, what = entry
    what = str(what)
    if len(what) > _LINE_CHARACTERS:
        what = f"{what[:_LINE_CHARACTERS]}... ({len(what)} characters)"
    return f"{seconds:8.3f} {who} {what}"
