"""The command line: arguments, what is printed, and the exit code."""
import argparse
import sys
import time

from . import playing, session, table
from .client import Client, NoDriver
from .registry import all_scenarios

_USAGE = 64  # EX_USAGE of sysexits.h


class Parser(argparse.ArgumentParser):
    def error(self, message):
        self.print_usage(sys.stderr)
        self.exit(_USAGE, f"{self.prog}: {message}\n")


def _arguments(words):
    parser = Parser(prog="run", description="Checks client libraries by playing relay. Exit code 0: nothing failed.")
    parser.add_argument("clients", nargs="*", metavar="CLIENT",
                        help="a client's folder, with an executable `conformance` in it, or a driver; @publisher "
                             "behind it for a client that only publishes")
    parser.add_argument("--only", metavar="ID,...", help="these scenarios; a letter stands for all of its own")
    parser.add_argument("--list", action="store_true", help="print the scenarios, and play none")
    parser.add_argument("-v", "--verbose", action="store_true", help="print each line of both sides")
    parser.add_argument("--slow", action="store_true", help="play those that take long, too")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="so many at a time (2)")
    parser.add_argument("--patience", type=float, default=session.PATIENCE, metavar="SECONDS",
                        help="how long to wait for what must come (60): less, while a client is being written")
    parser.add_argument("--table", action="store_true", help="print the results as a Markdown table at the end")
    arguments = parser.parse_args(words)
    if not arguments.list and not arguments.clients:
        parser.error("no client")
    if arguments.jobs < 1:
        parser.error("--jobs is 1 or more")
    if not 0 < arguments.patience < 1e6:
        parser.error("--patience is a number of seconds above 0")
    try:
        arguments.scenarios = _chosen(arguments.only, arguments.slow)
    except KeyError as unknown:
        parser.error(f"no scenario {unknown.args[0]}: see --list")
    return arguments


def _chosen(only, slow):
    """The scenarios to be played: those named, or else all quick ones, and the slow ones with `slow`."""
    scenarios = all_scenarios()
    if only is None:
        return [each for each in scenarios if slow or not each.is_slow]
    words = only.split(",")
    for word in words:
        if not any(word in (each.id, each.id[0]) for each in scenarios):
            raise KeyError(word)
    return [each for each in scenarios if each.id in words or each.id[0] in words]


def main(words):
    arguments = _arguments(words)
    if arguments.list:
        for each in all_scenarios():
            print(f"{each.id:4} {each.level:6} {each.proves} ({each.rule})")
        return 0
    try:
        clients = [Client(path) for path in arguments.clients]
    except NoDriver as error:
        print(f"run: {error}", file=sys.stderr)
        return _USAGE
    session.PATIENCE = arguments.patience
    began = time.monotonic()
    watch = (lambda line: print(line, flush=True)) if arguments.verbose else None
    show = lambda each: _show(each, len(clients) > 1, arguments.verbose)
    played = playing.play_all(clients, arguments.scenarios, arguments.jobs, show, watch)
    if arguments.table:
        print("\n" + table.markdown(clients, arguments.scenarios, played))
    for client in clients:
        print(_summary(client, [each for each in played if each.client is client]))
    print(f"{time.monotonic() - began:.0f} s")
    return int(any(each.verdict == playing.FAILED for each in played))


def _show(played, names_client, is_verbose):
    title = f"{played.client.title:12} " if names_client else ""
    line = f"{title}{played.scenario.id:4} {played.verdict:8} {played.seconds:5.1f} s  {played.scenario.proves}"
    if played.verdict == playing.FAILED and played.scenario.level == "should":
        line += " (should)"
    if played.verdict == playing.LEFT_OUT:
        line += f" ({played.text})"
    print(line)
    if played.verdict == playing.FAILED:
        print(f"  {played.text}")
        if not is_verbose:
            print("  the last lines (< to the relay or the driver, > from it; -v prints all):")
            print("".join(f"  {each}\n" for each in played.lines), end="")
    sys.stdout.flush()


def _summary(client, played):
    counts = {verdict: sum(each.verdict == verdict for each in played)
              for verdict in (playing.OK, playing.FAILED, playing.LEFT_OUT)}
    failed = [each.scenario.id for each in played if each.verdict == playing.FAILED]
    text = ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count or verdict == playing.OK)
    return f"{client.title}: {text}" + (f": {' '.join(sorted(failed))}" if failed else "")
