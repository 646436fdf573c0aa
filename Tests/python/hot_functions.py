"""Which functions of a program callgrind has seen at work, and which of them belong on a list of those that a linker puts
side by side."""
import collections
import re

# Of the program's instructions in a run. Less is next to nothing for each message, or something that runs now and then.
LEAST_SHARE = 0.0005
# What has no symbol is named by its address, or its source.
SYMBOL = re.compile(r"(?!0x)[\w.$]+")


def instructions_by_function(text, program):
    """The instructions of each function of one program, those of its callees left out, of a file of callgrind's (its
    manual, "Callgrind Format Specification")."""
    counts = collections.Counter()
    names, objects, function, is_ours, is_call = {}, {}, "", False, False
    for line in text.splitlines():
        # A name stands at its first mention, and is a number from then on.
        if match := re.match(r"(c?(?:fn|ob))=\((\d+)\)(?: (.*))?", line):
            kind, number, name = match.groups()
            name = (objects if kind.endswith("ob") else names).setdefault(number, name)
            if kind == "ob":
                is_ours = name.endswith("/" + program)
            elif kind == "fn":
                function = re.sub(r"'\d+$", "", name)  # which counts the levels of a recursion
        elif line.startswith("calls="):
            is_call = True  # the next line has the callee's instructions
        elif re.match(r"[+*\-\d]", line):
            if is_ours and not is_call:
                counts[function] += int(line.split()[-1])
            is_call = False
    return counts


def hottest(runs):
    """The functions that take a share of a run's instructions: the first run's by their shares, then what each further
    run adds to them. So what works together lies together, and what all runs have in common lies in front.

    runs -- the instructions by function, for each run.
    """
    hot = {}  # for its order alone
    for run in runs:
        least = LEAST_SHARE * sum(run.values())
        by_share = sorted(run, key=lambda function: (-run[function], function))
        hot.update((function, None) for function in by_share if run[function] >= least and SYMBOL.fullmatch(function))
    return list(hot)
