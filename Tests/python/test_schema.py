"""The schema, the protocol text and the client say the same."""
import re
import unittest

import vectors
import wire
from harness import ROOT

SCHEMA = (ROOT / "proto" / "hubrelay" / "v1" / "hubrelay.proto").read_text()
TEXT = (ROOT / "proto" / "PROTOCOL.md").read_text()
def blocks(kind):
    """(name, body) of every message or enum of the schema."""
    return re.findall(rf"^{kind} (\w+) {{\n(.*?)^}}", SCHEMA, re.MULTILINE | re.DOTALL)


def fields(body):
    """(type, name, number) of every field."""
    found = re.findall(r"^\s*((?:repeated )?\w+) (\w+) = (\d+);", body, re.MULTILINE)
    return [(type_, name, int(number)) for type_, name, number in found]


def rows(section):
    """The first two cells of the rows of a section's tables that begin with a number."""
    body = re.search(rf"^## \d+\. {section}\n(.*?)(?=^## )", TEXT, re.MULTILINE | re.DOTALL).group(1)
    return {name: int(number) for number, name in re.findall(r"^\| (\d+) \| (\w+) \|", body, re.MULTILINE)}


class Schema(unittest.TestCase):
    def test_the_clients_frames_are_the_schemas_messages(self):
        checked = 0
        for name, body in blocks("message"):
            if name in ("ClientFrame", "RelayFrame"):
                continue
            columns = wire.FIELDS[getattr(wire, name)]
            expected = [(name, getattr(wire, type_, type_)) for type_, name, _ in fields(body)]
            self.assertEqual(list(columns), expected)
            self.assertEqual([number for _, _, number in fields(body)], list(range(1, len(columns) + 1)))
            checked += 1
        self.assertEqual(checked, 12)

    def test_the_clients_kinds_are_the_schemas(self):
        messages = dict(blocks("message"))
        for name, kinds in (("ClientFrame", wire.CLIENT_FRAME), ("RelayFrame", wire.RELAY_FRAME)):
            expected = [(type_, number) for type_, _, number in fields(messages[name])]
            self.assertEqual([(kind.__name__, number) for number, kind in enumerate(kinds, 1)], expected)

    def test_the_clients_enums_are_the_schemas(self):
        enums = blocks("enum")
        self.assertEqual({name for name, _ in enums}, {"Outcome", "State", "Code", "Cause"})
        for name, body in enums:
            values = re.findall(r"^\s*(\w+) = (\d+);", body, re.MULTILINE)
            expected = {value[len(name) + 1:]: int(number) for value, number in values}
            self.assertEqual({member.name: int(member) for member in getattr(wire, name)}, expected)


    def test_the_vectors_enums_are_the_schemas(self):
        listed = vectors.load("relay-frames.json")["enums"]
        values = re.compile(r"^\s*(\w+) = (\d+);", re.MULTILINE)
        expected = {name: {value: int(number) for value, number in values.findall(body)}
                    for name, body in blocks("enum")}
        self.assertEqual(listed, expected)


class ProtocolText(unittest.TestCase):
    def test_it_names_every_field_with_its_number(self):
        for name, body in blocks("message"):
            if name in ("ClientFrame", "RelayFrame", "Unsubscribe"):  # which has the fields of Subscribe
                continue
            section = re.search(rf"^### {name}\n(.*?)(?=^###? )", TEXT, re.MULTILINE | re.DOTALL).group(1)
            listed = re.findall(r"^\| `(\w+)` \[(\d+)\] \| ([\w ]+) \|", section, re.MULTILINE)
            self.assertEqual([(type_, field, int(number)) for field, number, type_ in listed], fields(body), name)

    def test_its_codes_and_causes_are_the_schemas(self):
        for section, enum in (("Error codes", wire.Code), ("Causes", wire.Cause)):
            self.assertEqual(rows(section), {member.name: int(member) for member in enum if member})

    def test_its_example_bytes_are_frames(self):
        examples = re.findall(r"^### (\w+)$(?:(?!^### ).)*?^```hex\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
        self.assertEqual(len(examples), 12)
        for name, block in examples:
            frame = bytes.fromhex("".join(re.match(r"\s*((?:[0-9a-f]{2} ?)+)", line).group(1)
                                          for line in block.splitlines()))
            self.assertEqual(int.from_bytes(frame[:4], "big"), len(frame) - 4, name)
            kind = getattr(wire, name)
            kinds = wire.CLIENT_FRAME if kind in wire.CLIENT_FRAME else wire.RELAY_FRAME
            decoded = wire.decode(frame[4:], kinds)
            self.assertIsInstance(decoded, kind)
            if kinds is wire.CLIENT_FRAME:
                self.assertEqual(wire.encode(decoded), frame)
            # Beside the bytes stands what they mean.
            for field, value in re.findall(r"  (\w+) = (\w+)$", block, re.MULTILINE):
                owner = decoded.status if hasattr(decoded, "status") and hasattr(decoded.status, field) else decoded
                found = getattr(owner, field)
                text = str(found).lower() if isinstance(found, bool) else \
                    f"{type(found).__name__.upper()}_{found.name}" if hasattr(found, "name") else str(found)
                self.assertEqual(text, value, (name, field))


if __name__ == "__main__":
    unittest.main()
