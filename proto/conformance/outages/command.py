"""The command line: arguments, what is printed, and the exit code."""
import argparse
import dataclasses
import os
import shutil
import signal
import sys
import time

from runner.client import Client, NoDriver
from runner.command import Parser

from . import playing, table
from .faults import all_faults

_USAGE, _UNAVAILABLE = 64, 69  # EX_USAGE and EX_UNAVAILABLE of sysexits.h
_RATE, _SLOW_RATES = 1000, (1000, 5000)


@dataclasses.dataclass
class Programs:
    relay: str
    redis: str


class Missing(Exception):
    """A program that is needed is not there. The text says which, and what to do."""


def programs(relay):
    """The programs that are needed, the relay by its path or the environment. Raises Missing."""
    relay = relay or os.environ.get("TESTED_HUBRELAY")
    if not relay:
        raise Missing("no relay: name the hubrelay program by --relay PATH or TESTED_HUBRELAY")
    if not shutil.which(relay):
        raise Missing(f"no relay: {relay} is no program")
    redis = os.environ.get("TESTED_REDIS_SERVER", "redis-server")
    if not shutil.which(redis):
        raise Missing(f"no {redis}: install a Redis, or name its program in TESTED_REDIS_SERVER")
    return Programs(os.path.abspath(shutil.which(relay)), redis)


def _arguments(words):
    parser = Parser(prog="faults", formatter_class=argparse.RawDescriptionHelpFormatter, description=(
        "Runs client libraries on a real relay and Redis under real faults, with a ledger of every message.\n"
        "Exit code 0: the ledger balanced; 1: it did not; 69: a program that is needed is missing."))
    parser.add_argument("clients", nargs="*", metavar="CLIENT",
                        help="a client's folder, with an executable `conformance` in it, or a driver")
    parser.add_argument("--relay", metavar="PATH", help="the hubrelay program (else TESTED_HUBRELAY)")
    parser.add_argument("--only", metavar="ID,...", help="these faults")
    parser.add_argument("--list", action="store_true", help="print the faults, and play none")
    parser.add_argument("--slow", action="store_true", help="each fault several times, replacements up to 100 times, "
                        "at 1,000 and 5,000 messages a second: 15 minutes a client")
    parser.add_argument("--table", action="store_true", help="print the results as a Markdown table at the end")
    parser.add_argument("-v", "--verbose", action="store_true", help="print each line of drivers and servers")
    arguments = parser.parse_args(words)
    if not arguments.list and not arguments.clients:
        parser.error("no client")
    known = {fault.id for fault in all_faults()}
    arguments.only = arguments.only.split(",") if arguments.only else None
    for word in arguments.only or ():
        if word not in known:
            parser.error(f"no fault {word}: see --list")
    return arguments


def plan(only=None, is_slow=False):
    """What is played: (fault, rate, times). A fault that is named is played at least once."""
    found = []
    for rate in _SLOW_RATES if is_slow else (_RATE,):
        for fault in all_faults():
            times = fault.slow_times if is_slow else fault.times
            if only:
                times = max(1, times) if fault.id in only else 0
            found += [(fault, rate, times)] if times else []
    return found


def main(words):
    arguments = _arguments(words)
    if arguments.list:
        for fault in all_faults():
            print(f"{fault.id:16} {fault.text}")
        return 0
    try:
        found = programs(arguments.relay)
        clients = [Client(path) for path in arguments.clients]
    except Missing as error:
        print(f"faults: {error}", file=sys.stderr)
        return _UNAVAILABLE
    except NoDriver as error:
        print(f"faults: {error}", file=sys.stderr)
        return _USAGE
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the servers are ended, too
    began = time.monotonic()
    watch = (lambda line: print(line, flush=True)) if arguments.verbose else None
    played, rows = plan(arguments.only, arguments.slow), []
    for client in clients:
        if client.profile:
            print(f"{client.title}: left out, since it hears nothing")
            continue
        rows += playing.play_all(client, found, played, lambda row: _show(row, arguments.verbose), watch)
    if arguments.table:
        print("\n" + table.markdown(rows))
    for client in clients:
        own = [row for row in rows if row.client is client]
        failed = [f"{row.fault.id} ({row.rate}/s)" for row in own if not row.is_ok]
        names = ": " + ", ".join(failed) if failed else ""
        print(f"{client.title}: {len(own) - len(failed)} ok, {len(failed)} FAILED{names}")
    print(f"{time.monotonic() - began:.0f} s")
    return int(any(not row.is_ok for row in rows))


def _show(row, is_verbose):
    verdict = "ok" if row.is_ok else "FAILED"
    counts = [f"{row.total(name)} {name}" for name in ("published", "missing", "untold", "doubled", "gaps")]
    counts += [f"{row.results(word)} {word}" for word in ("INTERRUPTED", "NOT_CONNECTED")]
    counts += [f"sends: {row.total('lost_sends')} lost, {row.total('unknown_sends')} unknown",
               f"silence {row.most('silence'):.2f} s", f"healed in {row.most('healed'):.2f} s"]
    print(f"{row.client.title:12} {row.fault.id:16} {verdict:7} {row.seconds:5.1f} s  "
          f"{row.rate}/s, {len(row.accounts)} times: {', '.join(counts)}")
    for text, lines in row.failures[:3]:
        print(f"  {text}")
        if not is_verbose:
            print("  the last lines (-v prints all):")
            print("".join(f"    {line}\n" for line in lines), end="")
    sys.stdout.flush()
