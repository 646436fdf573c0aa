"""The cutting of the byte stream into frames, by the Link that both clients read with."""
import unittest
import unittest.mock

import vectors
import wire
from hubrelay.link import Link


def split(chunks, limits):
    """What comes out of `chunks`: the bodies, the name of the error or None, and the rest. `limits` has one a body."""
    link, bodies, fed = Link({}, None, None), [], b""
    link.max_frame = next(limits)

    def take(body):
        bodies.append(body)
        link.max_frame = next(limits)

    with unittest.mock.patch.multiple("hubrelay.link", decode=take, quick_message=lambda *_: None,
                                      quick_reply=lambda *_: None):
        try:
            for chunk in chunks:
                fed += chunk
                link.feed(chunk)
        except wire.ProtocolError as error:
            return bodies, f"CODE_{error.code.name}", None
    return bodies, None, fed[sum(4 + len(body) for body in bodies):]


def limits(vector):
    yield 4096 if vector["sender"] == "client" else vector["max_frame_bytes"]
    while True:
        yield vector["max_frame_bytes"]


class FramingVectors(unittest.TestCase):
    def check(self, vector, chunks):
        bodies, error, rest = split(chunks, limits(vector))
        self.assertEqual([body.hex() for body in bodies], vector["bodies"])
        self.assertEqual(error, vector.get("error"))
        if error is None:
            self.assertEqual(rest.hex(), vector["rest"])

    def test_chunks_as_given(self):
        for vector in vectors.load("streams.json")["framing"]:
            with self.subTest(vector["name"]):
                self.check(vector, [bytes.fromhex(chunk) for chunk in vector["chunks"]])

    def test_every_split_point(self):
        for vector in vectors.load("streams.json")["framing"]:
            stream = bytes.fromhex("".join(vector["chunks"]))
            # In the long ones only the edges are of interest: their middle is filler.
            points = [at for at in range(len(stream) + 1) if at < 150 or at > len(stream) - 150]
            with self.subTest(vector["name"]):
                for at in points:
                    self.check(vector, [stream[:at], stream[at:]])

    def test_byte_by_byte(self):
        for vector in vectors.load("streams.json")["framing"]:
            stream = bytes.fromhex("".join(vector["chunks"]))
            with self.subTest(vector["name"]):
                self.check(vector, [bytes((byte,)) for byte in stream])


if __name__ == "__main__":
    unittest.main()
