"""What callgrind has counted, what is on record, and whether the one is worse than the other."""
import collections
import re

import callgrind

# Repeated runs differ by 0.02 %, so this is for changes that shift a few instructions and mean nothing. What is on
# record does not move with them: many such changes together are found.
TOLERANCE = 0.02
# With another compiler or another library the same source is other code.
TOLERANCE_OTHER_TOOLS = 0.15
# So many instructions do not count, in cases of a few dozen of them.
SLACK = 2
# What is on record is rounded: less than one allocation in all rounds together.
ROUNDING = 0.00001

ALLOCATORS = ("malloc", "calloc", "realloc", "reallocarray", "memalign", "posix_memalign", "aligned_alloc")

Figures = collections.namedtuple("Figures", "instructions allocations frees")


class Failure(Exception):
    """What is wrong, for people."""


def counts_in(text):
    """The instructions, and the calls of each function of the allocator, of a file of callgrind's. Calls that the C
    library makes itself do not count: posix_memalign calls malloc."""
    counts = collections.Counter(instructions=int(re.search(r"^totals: (\d+)", text, re.MULTILINE)[1]))
    caller, callee = "", ""
    for kind, rest in callgrind.lines(text):
        if kind == "ob":
            caller = rest
        elif kind == "cfn":
            callee = re.sub(r"^__libc_|@.*|'\d+$", "", rest)
        elif rest.startswith("calls=") and not re.search(r"/libc[.-]", caller):
            counts[callee] += int(rest[6:].split()[0])
    return counts


def read_record(file):
    """The tools and the figures on record; both empty where there are none."""
    made_with, record = {}, {}
    for line in file.read_text().splitlines() if file.exists() else []:
        fields = line.split("\t")
        if line.startswith("# "):
            made_with[fields[0][2:]] = fields[1] if len(fields) > 1 else ""
        elif fields[0] != "case":
            try:
                record[fields[0]] = Figures(*map(float, fields[1:]))
            except (ValueError, TypeError):
                raise Failure(f"{file}: not a case with three numbers: {line!r}") from None
    return made_with, record


def write_record(file, made_with, record):
    file.parent.mkdir(exist_ok=True)
    lines = [f"# {tool}\t{version}" for tool, version in made_with.items()]
    lines += ["\t".join(("case",) + Figures._fields)]
    lines += ["\t".join([case, *fields(figures)]) for case, figures in record.items()]
    file.write_text("\n".join(lines) + "\n")


def fields(figures):
    """To the tenth of an instruction, and to the last allocation."""
    numbers = f"{figures.instructions:.1f}", f"{figures.allocations:.5f}", f"{figures.frees:.5f}"
    return [re.sub(r"\.?0*$", "", number) for number in numbers]


def tolerance(made_with, here):
    """How much more a case may take, given the tools that made the record and those that are here."""
    return TOLERANCE if made_with == here else TOLERANCE_OTHER_TOOLS


def verdict(now, before, allowed):
    """What is to be said of a case, and whether it has become worse."""
    if before is None:
        return "not on record", False
    for kind in ("allocations", "frees"):
        if getattr(now, kind) > getattr(before, kind) + ROUNDING:
            return f"WORSE: more {kind} than the {getattr(before, kind):g} on record", True
    difference, room = now.instructions - before.instructions, max(SLACK, allowed * before.instructions)
    if difference > room:
        return f"WORSE: over {allowed:.0%}", True
    if -difference > room or now.allocations < before.allocations - ROUNDING:
        return "better: lower the record", False
    return "", False


def compare(counted, record, allowed):
    """Prints the table; returns the cases that have become worse."""
    worse = []
    print(f"{'per operation':24}{'instructions':>13}{'on record':>11}{'change':>8}{'allocations':>13}{'frees':>9}")
    for case, now in counted.items():
        before = record.get(case)
        change = f"{now.instructions / before.instructions - 1:+.1%}" if before else ""
        change = re.sub(r"^[+-](0\.0%)$", r"\1", change)
        remark, is_worse = verdict(now, before, allowed)
        worse += [case] * is_worse
        instructions, allocations, frees = fields(now)
        print(f"{case:24}{instructions:>13}{fields(before)[0] if before else '':>11}{change:>8}{allocations:>13}"
              f"{frees:>9}  {remark}".rstrip())
    return worse
