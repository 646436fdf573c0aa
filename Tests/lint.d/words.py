#!/usr/bin/env python3
"""Pages, and the texts and comments of the program's sources, have none of the turns of do-nots.txt."""
import pathlib
import re
import sys

from markdown import page_of
from sources import ROOT, files, pages, report

HERE = pathlib.Path(__file__).parent
#: Help, log lines, errors and reasons, and the comments that newcomers read.
SOURCES = "Sources/"
#: A string literal on one line, and what is between its quotes.
STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')


def rules():
    """(expression, what is written instead) of each line of do-nots.txt."""
    for line in (HERE / "do-nots.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            pattern, instead = line.split("\t")
            yield re.compile(rf"(?<![\w-])({pattern})(?![\w-])".replace(" ", r"\s+"), re.I), instead


def words_of(line):
    """What a line of Swift or C has in its string literals, and in its comment."""
    strings = STRING.findall(line)
    comment = re.search(r"(?:^|\s)(?://+|/\*+|\*)\s(.*)", STRING.sub('""', line))
    return " ".join([*strings, comment[1]] if comment else strings)


def texts_of(text):
    """A file with nothing but its comments and string literals, on the lines on which they are."""
    lines, is_text = [""], False
    for line in text.split("\n"):
        is_comment = re.match(r"\s*(//|/\*|\*)", line)
        marks = 0 if is_comment else line.count('"""')
        lines.append(line if is_text else "" if marks else words_of(line))
        is_text ^= bool(marks % 2)
    return "\n".join(lines)


def findings(text):
    """(line, what is there, what is written instead) in a text whose first line is number 0."""
    for pattern, instead in rules():
        for match in pattern.finditer(text):
            yield text.count("\n", 0, match.start()), " ".join(match[0].split()), instead


def main():
    texts = {name: page_of(name).text() for name in pages()}
    texts.update({name: texts_of((ROOT / name).read_text()) for name in files()
                  if name.startswith(SOURCES) and name.endswith((".swift", ".h"))})
    found = [f"{name}:{line}: \"{words}\". Better: {instead}"
             for name, text in texts.items() for line, words, instead in findings(text)]
    return report(sorted(found), f"words: {len(texts)} files have none of the do-nots")


if __name__ == "__main__":
    sys.exit(main())
