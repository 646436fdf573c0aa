"""What a subscriber missed in a fault, and whether it was told: the account of one subscriber.

Times are seconds of CLOCK_MONOTONIC, which all processes of a machine share. Nothing here has a socket or a clock.
"""
import dataclasses

#: Seconds after a subscriber receives again in which a report still belongs to what it missed: a client of hubrelay
#: waits for up to 2 s before it reports a Gap, so that not all of a fleet read again at once.
GRACE = 5

#: Seconds by which a report may be stamped before the last message that came before it: other threads stamp those.
SLACK = 0.5

#: The ways to be told, the most useful first: an event or an exception that the program can act upon, the end of the
#: process, which its supervisor sees, and a line in a log, which somebody has to read.
WAYS = ("event", "exception", "exit", "log")


@dataclasses.dataclass(frozen=True)
class Report:
    """Something that tells the app, its operator or its supervisor that all is not well. `way` is one of WAYS."""

    time: float
    way: str
    text: str


@dataclasses.dataclass(frozen=True)
class Hole:
    """Messages one after the other that did not arrive.

    `began` is when the first was published, `ended` when the next one that arrived did so: None if none did.
    `told` is the first report of it: None if there was none."""

    count: int
    began: float
    ended: "float | None"
    told: "Report | None"


@dataclasses.dataclass(frozen=True)
class Verdict:
    """The account's result. Seconds; None for "never".

    `told_after`  from the fault's beginning to the first report
    `told_by`     the best of the ways in which it was reported in the first second, and the text of that report
    `untold`      in how many seconds messages were missed while nothing had been reported
    `missed_told`, `missed_untold`  messages that Redis took and that never arrived
    `whole_after` from the fault's end to the first message from which on all arrive; 0 if that was before the end
    `latest`      the longest way of a message that did arrive
    `observed`    from the fault's beginning to the last publish"""

    told_after: "float | None"
    told_by: "tuple[str, str] | None"
    untold: float
    missed_told: int
    missed_untold: int
    whole_after: "float | None"
    latest: float
    observed: float


class Ledger:
    """Takes what was published and what the subscriber said, in any order; `verdict` is its result."""

    def __init__(self):
        self._published, self._arrived, self._reports = {}, {}, []

    def published(self, number, time):
        """Redis took this message; it was written at `time`."""
        self._published[number] = time

    def arrived(self, number, time):
        """The subscriber has this message. Of several times the first counts."""
        self._arrived[number] = min(time, self._arrived.get(number, time))

    def told(self, time, way, text):
        """The subscriber was told this."""
        if way not in WAYS:
            raise ValueError(f"{way!r} is no way to be told")
        self._reports.append(Report(time, way, text))

    def verdict(self, began, ended):
        """The account of a fault between these times. Raises ValueError if messages are missing before the fault, since
        then something else than the fault is wrong, or if there is nothing to judge by."""
        if not self._published or began > ended:
            raise ValueError("no publishes, or a fault that ended before it began")
        reports = sorted((each for each in self._reports if each.time >= began), key=lambda report: report.time)
        holes = self._holes(reports, began, max(self._published.values()))
        if holes and holes[0].began < began - SLACK:
            raise ValueError(f"{holes[0].count} messages are missing before the fault")
        last = max(self._published.values())
        untold = sum(((hole.told.time if hole.told else hole.ended or last) - hole.began for hole in holes
                      if not hole.told or hole.told.time > hole.began), 0.0)
        return Verdict(
            told_after=reports[0].time - began if reports else None,
            told_by=self._best(reports),
            untold=untold,
            missed_told=sum(hole.count for hole in holes if hole.told),
            missed_untold=sum(hole.count for hole in holes if not hole.told),
            whole_after=self._whole_after(holes, ended),
            latest=max((time - self._published[number] for number, time in self._arrived.items()
                        if number in self._published), default=0.0),
            observed=last - began)

    def _holes(self, reports, began, last):
        holes, missing, before = [], [], None

        def close(ended):
            if missing:
                first = self._published[missing[0]]
                earliest = max(began, (first if before is None else before) - SLACK)
                told = [each for each in reports if earliest <= each.time <= (ended or last) + GRACE]
                holes.append(Hole(len(missing), first, ended, told[0] if told else None))
                missing.clear()

        for number in sorted(self._published):
            if number in self._arrived:
                close(self._arrived[number])
                before = self._arrived[number]
            else:
                missing.append(number)
        close(None)
        return holes

    def _whole_after(self, holes, ended):
        if holes:
            return max(0.0, holes[-1].ended - ended) if holes[-1].ended is not None else None
        return 0.0

    @staticmethod
    def _best(reports):
        if not reports:
            return None
        soon = [each for each in reports if each.time <= reports[0].time + 1]
        best = min(soon, key=lambda report: WAYS.index(report.way))
        return best.way, best.text
