"""The list of mutants: what is written there, and what becomes of it in a source file."""
import dataclasses
import re
import zlib

FIELDS = ("name", "breaks", "tests", "file", "where")
CHANGES = ("value", "does")


class Unfit(Exception):
    """A mutant that is not written as it should be, or does not fit the sources (any more)."""


@dataclasses.dataclass(frozen=True)
class Mutant:
    name: str
    breaks: str  # the rule or the fault, for people
    tests: str  # what `swift test --filter` is given: one of these tests has to fail
    file: str
    where: str  # text of the file, with « and » around what is changed
    value: str = ""  # an expression that stands in place of the marked one
    does: str = ""  # a statement that stands in place of the marked one; "nothing": none does

    @property
    def number(self):
        """What wakes it. The same whatever else is in the list, so that files without a change are not built anew."""
        return zlib.crc32(self.name.encode())

    @property
    def module(self):
        return self.file.split("/")[1]

    def change(self, source):
        """Where the marked text begins and ends in a source file.

        Blanks and the ends of lines may be others than in the list: what matters is the code.
        """
        parts = re.split("[«»]", self.where)
        if len(parts) != 3:
            raise Unfit(f"{self.name}: `where` has no text, or more than one, between « and »")
        before, old, after = (r"\s+".join(map(re.escape, re.split(r"\s+", part))) for part in parts)
        places = list(re.finditer(f"{before}({old}){after}", source))
        if len(places) != 1:
            raise Unfit(f"{self.name}: its text is {len(places)} times in {self.file}, and has to be there once")
        if self.value:
            for text in (places[0][1], self.value):
                if not is_one_expression(text):
                    raise Unfit(f"{self.name}: {text!r} is not one expression: "
                                "it begins with an operator, or has a comma")
        return places[0].span(1)

    def switch(self, old):
        """The text that stands in place of `old`: the code does what it did, unless the mutant is awake."""
        awake = f"mutant(0x{self.number:08x})"
        if self.value:
            return f"({awake} ? ({self.value}) : ({old}))"
        if self.does == "nothing":
            return f"if !{awake} {{ {old} }}"
        return f"if {awake} {{ {self.does} }} else {{ {old} }}"


def is_one_expression(text):
    """As far as that can be seen without a compiler: in place of it stands `(awake ? (value) : (text))`."""
    if re.match(r"[-+*/%&|<>=?^!.~]+\s|\.\.[.<]|(as|is)\b", text):
        return False
    # What is in strings and brackets may have commas.
    text, before = re.sub(r'"(?:\\.|[^"\\])*"', "", text), None
    while text != before:
        text, before = re.sub(r"\([^()\[\]{}]*\)|\[[^()\[\]{}]*\]|\{[^()\[\]{}]*\}", "", text), text
    return "," not in text


def read(text):
    """The mutants of one file of the list. A blank line ends each; a line that begins with a blank goes on with the one
    before it; # begins a comment."""
    for block in re.split(r"\n\s*\n", re.sub(r"(?m)^#.*\n?", "", text)):
        fields = dict(re.findall(r"(?ms)^(\w+):[ \t]*(.*?)\s*(?=^\w|\Z)", block))
        if not fields:
            continue
        name = fields.get("name", block)
        if wrong := set(fields) - set(FIELDS) - set(CHANGES):
            raise Unfit(f"{name}: unknown fields: {', '.join(sorted(wrong))}")
        if missing := [field for field in FIELDS if not fields.get(field)]:
            raise Unfit(f"{name}: without {', '.join(missing)}")
        if sum(bool(fields.get(change)) for change in CHANGES) != 1:
            raise Unfit(f"{name}: has to have either `value` or `does`")
        # Of what is no code only the words matter.
        for field in ("breaks", "tests"):
            fields[field] = " ".join(fields[field].split())
        yield Mutant(**fields)


def planted(source, mutants):
    """A source file with all of its mutants in it, each asleep.

    Several may change the same piece of code; changes that overlap otherwise don't fit together.
    """
    spans = {}
    for mutant in mutants:
        spans.setdefault(mutant.change(source), []).append(mutant)
    end = len(source)
    for (begin, stop), group in sorted(spans.items(), reverse=True):
        if stop > end:
            raise Unfit(f"{group[0].name}: changes a part of what another mutant changes")
        text = source[begin:stop]
        for mutant in group:
            text = mutant.switch(text)
        source, end = source[:begin] + text + source[stop:], begin
    return source
