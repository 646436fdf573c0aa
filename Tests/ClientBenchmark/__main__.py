"""What a message costs a client's process, beside the Redis clients of its language. See README.md."""
import argparse
import json
import os
import pathlib
import re
import sys
import tempfile

from programs import BUILT, LeftOut, all_programs
from servers import Servers
from table import cost, table
from workloads import BURST, WORKLOADS, Failed, run

#: How many messages are measured in the round that tells how many the time is enough for.
TRIAL = 16 * BURST


def options():
    parser = argparse.ArgumentParser(prog="Tests/bench clients", description=(
        "Prints a table in Markdown: the processor time that a message costs the process of each client of hubrelay, "
        "and of the Redis clients of its language, for 200 bytes. The exit code is 1 when a client failed or lost a "
        "message."))
    parser.add_argument("--secs", type=float, default=0.5, help="how long each run lasts, about (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each client and workload (%(default)s)")
    parser.add_argument("--only", default="", metavar="REGEX",
                        help="clients and workloads, 'Go, redigo, delivery', that match")
    parser.add_argument("--redis-by-path", action="store_true",
                        help="Redis clients use a Unix socket, too, instead of TCP on the loopback")
    parser.add_argument("--json", metavar="FILE", help="write every run to this file")
    return parser.parse_args()


def chosen(only):
    """The programs that can be measured here, and their workloads. Says which cannot."""
    BUILT.mkdir(parents=True, exist_ok=True)
    programs, pairs = [], []
    for program in all_programs():
        workloads = [name for name in program.workloads if re.search(only, f"{program.group}, {program.name}, {name}")]
        if not workloads:
            continue
        try:
            program.command = program.prepare()
        except LeftOut as error:
            print(f"left out: {program.group}, {program.name}: {error}", file=sys.stderr)
            continue
        programs.append(program)
        pairs += [(program, workload) for workload in workloads]
    return programs, sorted(pairs, key=lambda pair: list(WORKLOADS).index(pair[1]))


def measure(pairs, servers, secs, rounds):
    """All rounds. Ratios are between runs of one round, which are neighbours; which is the first changes."""
    counts, results, failed = {}, {}, False
    for number in range(-1, rounds):
        for program, workload in pairs if number % 2 else reversed(pairs):
            key = (program.name, program.group, workload)
            # The round before the first tells how many messages the time is enough for.
            if number >= 0 and key not in counts:
                continue
            try:
                result = run(program, workload, servers, program.warmup[workload] * BURST, counts.get(key, TRIAL))
            except Failed as error:
                print(f"failed: {error}", file=sys.stderr)
                failed = True
                counts.pop(key, None)
                results.pop(key, None)
                continue
            if number < 0:
                rate = result["messages"] / result["wall_s"]
                counts[key] = max(1, int(rate * secs / BURST)) * BURST
            else:
                results.setdefault(key, []).append(result)
            print(f"{number + 1}/{rounds} {', '.join(reversed(key[:2]))}, {workload}: {cost(result) * 1e6:.1f} µs",
                  file=sys.stderr)
    return results, failed


def main():
    asked = options()
    programs, pairs = chosen(asked.only)
    if not pairs:
        sys.exit("Tests/bench clients: there is nothing to measure")
    with tempfile.TemporaryDirectory(prefix="hubrelay-bench-") as directory:
        servers = Servers(directory, os.environ["TESTED_HUBRELAY"], asked.redis_by_path)
        try:
            results, failed = measure(pairs, servers, asked.secs, asked.rounds)
        finally:
            servers.stop()
    if asked.json:
        runs = [{"client": name, "group": group, "workload": workload, "runs": runs}
                for (name, group, workload), runs in results.items()]
        pathlib.Path(asked.json).write_text(json.dumps(runs, indent=1))
    print(table(programs, results))
    sys.exit(1 if failed else 0)


main()
