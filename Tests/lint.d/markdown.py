"""What a page of Markdown consists of, as GitHub reads it."""
import dataclasses
import functools
import re

from sources import ROOT

_FENCE = re.compile(r"( *)(`{3,}|~{3,})\s*([\w.#+-]*)")
_ITEM = re.compile(r" {0,3}([-*+]|\d+[.)])\s")
_CODE = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)", re.S)
_HEADING = re.compile(r"#{1,6}\s+(.*?)\s*#*$")


@functools.cache
def page_of(name):
    return Page(name, (ROOT / name).read_text(encoding="utf-8"))


@dataclasses.dataclass
class Block:
    """Code. `language` is what its fence says; None for a block that is indented."""
    line: int
    language: str | None
    lines: list[str]

    @property
    def text(self):
        return "\n".join(self.lines) + "\n"


class Page:
    """`prose` has (number, text) of the lines that are no code; `blocks` has the code. Lines count from 1."""

    def __init__(self, name, text):
        self.name = name
        self.prose, self.blocks, self.headings = [], [], []
        self._is_item = False
        lines = text.split("\n")
        number = 0
        while number < len(lines):
            number = self._take(lines, number)

    def _take(self, lines, number):
        """Takes a line, or all of a block. Returns where it goes on."""
        line = lines[number]
        if fence := _FENCE.match(line):
            end = next((at for at in range(number + 1, len(lines)) if lines[at].strip() == fence[2]), len(lines))
            self._add(number, fence[3], lines[number + 1:end], len(fence[1]))
            return end + 1
        is_first = number == 0 or not lines[number - 1].strip()
        if line.startswith("    ") and line.strip() and is_first and not self._is_item:
            end = number
            while end < len(lines) and (lines[end].startswith("    ") or not lines[end].strip()):
                end += 1
            self._add(number, None, lines[number:end], 4)
            return end
        if line.strip():
            self._is_item = bool(_ITEM.match(line)) or (self._is_item and line.startswith(" "))
        if heading := _HEADING.match(line):
            self.headings.append(heading[1])
        self.prose.append((number + 1, line))
        return number + 1

    def _add(self, number, language, lines, indentation):
        self.blocks.append(Block(number + 1, language, [line[indentation:] for line in lines]))

    def text(self):
        """The prose as one text, each line in its place: a link or a turn may go over the end of a line. Code in a line
        is blank."""
        lines = [""] * (max((number for number, _ in self.prose), default=0) + 1)
        for number, line in self.prose:
            lines[number] = line
        return _CODE.sub(lambda code: re.sub(r"[^\n]", "`", code[0]), "\n".join(lines))

    def anchors(self):
        """What a link may have behind its #."""
        found, counts = set(), {}
        for heading in self.headings:
            text = re.sub(r"!?\[([^]]*)\]\([^)]*\)", r"\1", heading)
            slug = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
            found.add(slug if slug not in counts else f"{slug}-{counts[slug]}")
            counts[slug] = counts.get(slug, 0) + 1
        for _, line in self.prose:
            found.update(re.findall(r'<\w+[^>]* (?:id|name)="([^"]+)"', line))
        return found
