"""The codec of the conformance runner, against the vectors: it judges clients, so it must make no mistakes itself."""
import json
import pathlib
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "proto" / "conformance"))
from runner import codec  # noqa: E402, the path comes first


class ClientFrames(unittest.TestCase):
    def test_every_frame_is_read_as_the_vectors_say(self):
        for vector in _vectors("client-frames.json"):
            with self.subTest(vector["name"]):
                body = bytes.fromhex(vector["body"])
                if "error" in vector:
                    self.assertRaises(codec.Malformed, codec.decode, body)
                    continue
                frame = codec.decode(body)
                (kind, fields), = vector["frame"].items()
                self.assertEqual(frame.kind, kind)
                self.assertEqual({name: value for name, value in frame.fields.items() if value}, _values(fields))
                if vector["canonical"]:
                    self.assertEqual(frame.oddities, [])

    def test_what_an_encoder_must_not_write_is_noticed(self):
        for name in ("two kinds", "a field twice: string", "unknown field in the frame: varint"):
            with self.subTest(name):
                vector, = [each for each in _vectors("client-frames.json") if each["name"] == name]
                self.assertNotEqual(codec.decode(bytes.fromhex(vector["body"])).oddities, [])


class RelayFrames(unittest.TestCase):
    def test_every_canonical_frame_is_written_as_the_vectors_say(self):
        for vector in _vectors("relay-frames.json"):
            if vector.get("canonical"):
                with self.subTest(vector["name"]):
                    (kind, fields), = vector["frame"].items()
                    self.assertEqual(codec.encode(kind, **_values(fields)).hex(), vector["body"])


def _vectors(name):
    return json.loads((ROOT / "proto" / "vectors" / name).read_text())["vectors"]


def _values(fields):
    return {name: _value(name, value) for name, value in fields.items()}


def _value(name, value):
    if name == "payload":
        return bytes.fromhex(value)
    if isinstance(value, dict):
        return _values(value)
    if name in ("outcome", "state", "cause", "code") and isinstance(value, str):
        return _number(value)
    if isinstance(value, str) and name not in ("id", "receivers", "messages", "publishes", "publishes_unknown",
                                               "since_unix_ms", "outages", "down_ms", "gaps"):
        return value
    return int(value) if isinstance(value, str) else value


def _number(name):
    """The number of an enum's value, from the schema's own text."""
    for line in (ROOT / "proto/hubrelay/v1/hubrelay.proto").read_text().splitlines():
        words = line.replace(";", " ").split()
        if words[:2] == [name, "="]:
            return int(words[2])
    raise KeyError(name)
