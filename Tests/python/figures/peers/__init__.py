"""The same faults against subscribers on hubrelay and on the clients and backends that people use otherwise.

All subscribers of a fault are there at once, at the same server, so that it is the same fault. See deploy/outages.md.
"""
import contextlib
import dataclasses
import json
import random
import re
import statistics
import sys
import tempfile
import textwrap
import time

from ..stage import Relay, table
from .faults import FAULTS
from .ledger import Ledger, Verdict
from .publisher import Publisher
from .subjects import FORMATS, SUBJECTS, Subscriber, python, versions

#: Seconds after the last publish within which what is still under way arrives.
SETTLING = 3

#: Seconds before the fault from which on messages count.
BEFORE = 1


def measure(fault, subjects, interpreter):
    """One fault: a verdict for each subject."""
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="hubrelay-figures-"))
        scene = stack.enter_context(fault.scene())
        relay = Relay(scene.relay_url, directory, scene.namespace)
        stack.callback(relay.kill)
        publisher = Publisher(scene.publish_to, {name: FORMATS[name] for name in {each.channel for each in subjects}})
        stack.callback(publisher.stop)
        subscribers = []
        for subject in subjects:
            subscribers.append(Subscriber(subject, interpreter, scene, relay.path))
            stack.callback(subscribers[-1].close)
        for subscriber in subscribers:
            subscriber.wait_for_message()
        time.sleep(BEFORE + random.uniform(1, 6))  # anywhere between two heartbeats and two probes
        began, ended = scene.run(publisher)
        time.sleep(fault.watched)
        publisher.stop()
        time.sleep(SETTLING)
        return {each.subject: account(publisher, each, began, ended) for each in subscribers}


def account(publisher, subscriber, began, ended):
    """The verdict on one subscriber. Raises ValueError if it missed something before the fault."""
    ledger = Ledger()
    for number, written in list(publisher.taken[subscriber.subject.channel].items()):
        if written >= began - BEFORE:
            ledger.published(number, written)
    for number, taken in list(subscriber.arrived.items()):
        ledger.arrived(number, taken)
    for report in list(subscriber.reports):
        ledger.told(*report)
    try:
        return ledger.verdict(began, ended)
    except ValueError as error:
        raise ValueError(f"{subscriber.subject.row}: {error}") from None


# MARK: Tables

def seconds(value):
    return "never" if value is None else f"{value:.1f}"


def median(values):
    """The median of seconds of which None stands for never; where there are two in the middle, the worse."""
    return sorted(values, key=lambda value: float("inf") if value is None else value)[len(values) // 2]


def typical(verdicts):
    """One verdict for several rounds: the median of each figure; how it was told is that of the median."""
    told = [each.told_after for each in verdicts]
    by = next((each.told_by for each in verdicts if each.told_after == median(told)), None)
    return Verdict(median(told), by, statistics.median(each.untold for each in verdicts),
                   round(statistics.median(each.missed_told for each in verdicts)),
                   round(statistics.median(each.missed_untold for each in verdicts)),
                   median([each.whole_after for each in verdicts]),
                   statistics.median(each.latest for each in verdicts),
                   statistics.median(each.observed for each in verdicts))


def cells(verdicts):
    """What a table of one fault has in the row of one subscriber."""
    one = typical(verdicts)
    worst = max(verdicts, key=lambda each: float("inf") if each.whole_after is None else each.whole_after)
    way, text = one.told_by or ("", "")
    return (seconds(one.told_after), f"{way}: {shortened(text)}" if way else "", f"{one.untold:.1f}", one.missed_untold,
            one.missed_told, seconds(one.whole_after), seconds(worst.whole_after), f"{one.latest:.1f}")


COLUMNS = ("subscriber", "told after, s", "by", "unreported for, s", "missed, not reported", "missed, reported",
           "whole after, s", "worst", "longest way, s")


def shortened(text, most=90):
    """What somebody else's program has said, for a cell: without addresses, which differ each time."""
    text = re.sub(r"\b\d{1,3}(\.\d{1,3}){3}:\d+|\b\d{1,3}(\.\d{1,3}){3}\b|\(ttl=\d+\)", "...", text.replace("|", "/"))
    return text if len(text) <= most else text[:most - 3] + "..."


def wrapped(text):
    return textwrap.fill(text, 120, break_on_hyphens=False)


def summary(verdicts):
    """A cell of the table of all faults."""
    one = typical(verdicts)
    missed = one.missed_told + one.missed_untold
    late = f", but {one.latest:.0f} s late" if one.latest > 1.5 else ""
    if not missed:
        return f"none missed{late}"
    told = f"told after {one.told_after:.1f} s ({one.told_by[0]})" if one.told_by else "never told"
    if one.missed_untold and one.told_by:
        told += f", not of {one.missed_untold}"
    whole = "never whole" if one.whole_after is None else f"whole after {one.whole_after:.1f} s"
    return f"{told}, {missed} missed, {whole}"


def figures(options):
    names = [name for name in options.faults.split(",") if name] or [fault.name for fault in FAULTS]
    if unknown := set(names) - {fault.name for fault in FAULTS}:
        raise SystemExit(f"Tests/figures peers: unknown faults: {', '.join(sorted(unknown))}; there are "
                         f"{', '.join(fault.name for fault in FAULTS)}")
    faults = [fault for fault in FAULTS if fault.name in names]
    subjects = [subject for subject in SUBJECTS if subject.is_there and re.search(options.subjects, subject.row)]
    if not subjects:
        raise SystemExit(f"Tests/figures peers: no row matches {options.subjects!r}; there are\n"
                         + "\n".join(subject.row for subject in SUBJECTS if subject.is_there))
    about, interpreter, results = versions(), python(), Results(options.results)
    for number in range(options.rounds):
        for fault in faults:
            print(f"round {number + 1}: {fault.column}", file=sys.stderr, flush=True)
            for subject, verdict in measure(fault, subjects, interpreter).items():
                results.add(fault, subject, verdict)
    return f"{wrapped(about)}\n\n{results.tables()}"


class Results:
    """Verdicts by fault and subject. With a path they are kept there, a line each, and what is there already counts."""

    def __init__(self, path=None):
        self._path, self._verdicts = path, {}
        if path:
            with contextlib.suppress(FileNotFoundError), open(path) as file:
                for line in file:
                    fault, row, fields = json.loads(line)
                    fields["told_by"] = fields["told_by"] and tuple(fields["told_by"])
                    self._verdicts.setdefault((fault, row), []).append(Verdict(**fields))

    def add(self, fault, subject, verdict):
        self._verdicts.setdefault((fault.name, subject.row), []).append(verdict)
        if self._path:
            with open(self._path, "a") as file:
                file.write(json.dumps((fault.name, subject.row, dataclasses.asdict(verdict))) + "\n")

    def tables(self):
        found = self._verdicts
        faults = [fault for fault in FAULTS if any(name == fault.name for name, _ in found)]
        short = [subject for subject in SUBJECTS if subject.short and any(row == subject.row for _, row in found)]
        parts = [table(("", *(fault.column for fault in faults)),
                       [(each.short, *(summary(found[fault.name, each.row]) if (fault.name, each.row) in found else ""
                                       for fault in faults)) for each in short])]
        for fault in faults:
            rows = [(each.row, *cells(found[fault.name, each.row])) for each in SUBJECTS
                    if (fault.name, each.row) in found]
            rounds = max(len(verdicts) for (name, _), verdicts in found.items() if name == fault.name)
            text = f"{fault.text} Watched for {fault.watched} s after it ended; medians of {rounds}."
            parts.append(f"#### {fault.column}\n\n{wrapped(text)}\n\n{table(COLUMNS, rows)}")
        return "\n\n".join(parts)
