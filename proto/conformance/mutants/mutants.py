"""Reads the list of mutants."""
import dataclasses


@dataclasses.dataclass(frozen=True)
class Mutant:
    """`old` is replaced by `new`, wherever it stands in the client; each of the scenarios must fail then."""
    name: str
    scenarios: tuple
    breaks: str
    old: str
    new: str


def read(path):
    """The mutants of a file, in its form (see its first lines). Raises ValueError for a block that has another one."""
    with open(path, encoding="utf-8") as file:
        blocks = file.read().strip("\n").split("\n\n")
    return [_mutant(block.split("\n")) for block in blocks if not block.startswith("#")]


def _mutant(lines):
    title, *text = lines
    name, scenarios, breaks = title.split("  ")
    if not text or any(line[:1] not in "-+" for line in text):
        raise ValueError(f"{name}: a line of old text begins with -, one of new text with +")
    old, new = ("\n".join(line[1:] for line in text if line[:1] == sign) for sign in "-+")
    return Mutant(name, tuple(scenarios.split(",")), breaks, old, new)
