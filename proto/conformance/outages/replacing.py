"""How long a replacement of the relay takes for each client, way by way."""
import argparse
import dataclasses
import signal
import statistics
import sys
import time

from runner.client import Client, NoDriver
from runner.command import Parser

from . import faults, playing
from .audit import Allows
from .command import Missing, programs

_RATE = 1000
_RESTART_SECONDS = 0.2  # RestartSec= of the unit
_COLUMNS = ["client", "replaced by", "times", "missing", "doubled", "INTERRUPTED", "NOT_CONNECTED", "Gaps",
            "connects refused", "silence: median, longest", "without a replacement", ""]
_PAUSE = Allows(failures=frozenset({"NOT_CONNECTED", "INTERRUPTED"}), losses="any", gap="may", reorder=True,
                told_doubles=True)


def _activated(play):
    def activated(world):
        if not world.is_activated:
            world.activate()
        play(world)
    return activated


def _restarted(world):
    world.relay.signal(signal.SIGTERM)
    world.relay.wait_end()
    world.start_relay(world.relay_path).wait_ready()


def _killed(world):
    world.relay.kill()
    world.settle(_RESTART_SECONDS)
    world.start_relay(world.relay_path).wait_ready()


_STEADY = faults.Fault("steady", "nothing", faults.steady, Allows())
WAYS = [
    faults.Fault("take-over", "`--take-over`", faults.taken_over, Allows()),
    faults.Fault("restart", "stop, then start", _restarted, _PAUSE),
    faults.Fault("restart-activated", "stop, then start, with socket activation", _activated(_restarted), _PAUSE),
    faults.Fault("kill", "`kill -9`, then start after 0.2 s", _killed, _PAUSE),
    faults.Fault("kill-activated", "`kill -9`, then start after 0.2 s, with socket activation", _activated(_killed),
                 _PAUSE),
]


@dataclasses.dataclass
class Result:
    """All replacements of one client in one way, and as many phases in which nothing was replaced."""
    row: playing.Row
    steady: playing.Row

    def problems(self):
        """What is not as it has to be."""
        found = [text for text, _ in self.row.failures + self.steady.failures]
        refused = self.row.total("calls_refused")
        if self.row.fault.id not in {"restart", "kill"} and refused:
            found.append(f"{refused} connects were refused")
        if self.row.fault.id == "take-over" and self.row.accounts:
            median, worst = _silences(self.row)
            if median > 0.010:
                found.append(f"the median of the longest silences is {median * 1000:.1f} ms, and not at most 10")
            if worst > 3 * self.steady.most("silence"):
                found.append(f"the longest silence is {worst * 1000:.0f} ms, more than 3 times that without")
        return found

    def line(self):
        row = self.row
        return [row.client.title, row.fault.text, str(len(row.accounts)), f"{row.total('missing'):,}",
                str(row.total("doubled")), str(row.results("INTERRUPTED")), str(row.results("NOT_CONNECTED")),
                str(row.total("gaps")), f"{row.total('calls_refused'):,} of {row.total('calls'):,}",
                *(f"{median * 1000:.1f}, {most * 1000:.0f} ms" for median, most in map(_silences, (row, self.steady))),
                "**failed**" if self.problems() else ""]


def _silences(row):
    """Of the longest silence in each phase: the median, and the longest, in seconds."""
    silences = [account.silence for account in row.accounts] or [0.0]
    return statistics.median(silences), max(silences)


def _arguments(words):
    parser = Parser(prog="replacements", formatter_class=argparse.RawDescriptionHelpFormatter, description=(
        "Replaces the relay again and again under 1,000 messages a second, and prints a Markdown table of what that "
        "costs each client.\nExit code 0: as it has to be; 1: not; 69: a program that is needed is missing."))
    parser.add_argument("clients", nargs="+", metavar="CLIENT", help="a client's folder, or a driver")
    parser.add_argument("--relay", metavar="PATH", help="the hubrelay program (else TESTED_HUBRELAY)")
    parser.add_argument("--times", type=int, default=100, help="how often each way (100)")
    parser.add_argument("--ways", default=",".join(way.id for way in WAYS), help="these, by commas (all: %(default)s)")
    parser.add_argument("-v", "--verbose", action="store_true", help="print each line of drivers and servers")
    arguments = parser.parse_args(words)
    arguments.ways = arguments.ways.split(",")
    if unknown := set(arguments.ways) - {way.id for way in WAYS}:
        parser.error(f"no way {', '.join(sorted(unknown))}")
    return arguments


def main(words):
    arguments = _arguments(words)
    try:
        found = programs(arguments.relay)
        clients = [Client(path) for path in arguments.clients]
    except Missing as error:
        print(f"replacements: {error}", file=sys.stderr)
        return 69
    except NoDriver as error:
        print(f"replacements: {error}", file=sys.stderr)
        return 64
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the servers are ended, too
    watch = (lambda line: print(line, flush=True)) if arguments.verbose else None
    head = [_COLUMNS, ["---"] * 2 + ["---:"] * (len(_COLUMNS) - 3) + ["---"]]
    print("".join(f"| {' | '.join(line)} |\n" for line in head), end="", flush=True)
    code = 0
    for client in (each for each in clients if not each.profile):
        for way in (each for each in WAYS if each.id in arguments.ways):
            began = time.monotonic()
            result = _play(client, found, way, arguments.times, watch)
            print(f"| {' | '.join(result.line())} |", flush=True)
            print(f"{client.title} {way.id}: {time.monotonic() - began:.0f} s", file=sys.stderr)
            for text in result.problems()[:5]:
                code = 1
                print(f"  {text}", file=sys.stderr)
    return code


def _play(client, found, way, times, watch):
    """Phases with and without a replacement take turns, so that both see the same machine."""
    result = Result(playing.Row(client, way, _RATE), playing.Row(client, _STEADY, _RATE))
    stage = playing.Stage(client, found, watch)
    try:
        for _ in range(times):
            stage.play(_STEADY, result.steady)
            stage.play(way, result.row)
    finally:
        stage.clear()
    return result
