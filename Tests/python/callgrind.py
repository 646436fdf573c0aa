"""The files that callgrind writes (its manual, "Callgrind Format Specification")."""
import re


def lines(text):
    """The lines of a file: (kind, name) for one that names a function or an object, caller ("fn", "ob") or callee
    ("cfn", "cob"), with the name in full; ("", line) for any other."""
    names, objects = {}, {}
    for line in text.splitlines():
        # A name stands at its first mention, and is a number from then on.
        if match := re.match(r"(c?(?:fn|ob))=\((\d+)\)(?: (.*))?", line):
            kind, number, name = match.groups()
            yield kind, (objects if kind.endswith("ob") else names).setdefault(number, name)
        else:
            yield "", line
