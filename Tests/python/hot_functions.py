"""Which functions of a program callgrind has seen at work, and which of them belong on a list of those that a linker
puts side by side."""
import collections
import re

import callgrind

# Of the program's instructions in a run. Less is next to nothing for each message, or something that runs now and then.
LEAST_SHARE = 0.0005
# What has no symbol is named by its address, or its source.
SYMBOL = re.compile(r"(?!0x)[\w.$]+")


def instructions_by_function(text, program):
    """The instructions of each function of one program, those of its callees left out, of a file of callgrind's."""
    counts = collections.Counter()
    function, is_ours, is_call = "", False, False
    for kind, rest in callgrind.lines(text):
        if kind == "ob":
            is_ours = rest.endswith("/" + program)
        elif kind == "fn":
            function = re.sub(r"'\d+$", "", rest)  # which counts the levels of a recursion
        elif rest.startswith("calls="):
            is_call = True  # the next line has the callee's instructions
        elif not kind and re.match(r"[+*\-\d]", rest):
            if is_ours and not is_call:
                counts[function] += int(rest.split()[-1])
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
