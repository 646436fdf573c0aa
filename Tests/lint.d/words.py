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


def rules():
    """(expression, what is written instead) of each line of do-nots.txt."""
    for line in (HERE / "do-nots.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            pattern, instead = line.split("\t")
            yield re.compile(rf"(?<![\w-])({pattern})(?![\w-])".replace(" ", r"\s+"), re.I), instead


def words_of(line):
    """The comment on a line of Swift, or else its string literals."""
    comment = re.match(r"\s*///? ?(.*)", line)
    return comment[1] if comment else " ".join(re.findall(r'"((?:[^"\\]|\\.)*)"', line))


def texts_of(text):
    """A Swift file with nothing but its comments and string literals, on the lines on which they are."""
    return "\n".join(["", *map(words_of, text.split("\n"))])


def findings(text):
    """(line, what is there, what is written instead) in a text whose first line is number 0."""
    for pattern, instead in rules():
        for match in pattern.finditer(text):
            yield text.count("\n", 0, match.start()), " ".join(match[0].split()), instead


def main():
    texts = {name: page_of(name).text() for name in pages()}
    texts.update({name: texts_of((ROOT / name).read_text()) for name in files()
                  if name.startswith(SOURCES) and name.endswith(".swift")})
    found = [f"{name}:{line}: \"{words}\". Better: {instead}"
             for name, text in texts.items() for line, words, instead in findings(text)]
    return report(sorted(found), f"words: {len(texts)} files have none of the do-nots")


if __name__ == "__main__":
    sys.exit(main())
