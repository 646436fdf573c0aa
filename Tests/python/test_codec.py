"""The client's codec against every vector."""
import unittest

import vectors
import wire
from hubrelay.errors import error_of


def decoded(body, kinds):
    """The frame's JSON form, None for no known kind, or the error's name."""
    try:
        frame = wire.decode(bytes.fromhex(body), kinds)
    except wire.ProtocolError as error:
        return f"CODE_{error.code.name}"
    return frame and vectors.as_json(frame)


def without_empty_status(frame):
    """A Welcome whose status says nothing is as one without."""
    if isinstance(frame, dict) and "welcome" in frame and not frame["welcome"].get("status"):
        return {"welcome": {name: value for name, value in frame["welcome"].items() if name != "status"}}
    return frame


class FrameVectors(unittest.TestCase):
    def test_relay_frames_decode_to_their_meaning(self):
        for vector in vectors.load("relay-frames.json")["vectors"]:
            with self.subTest(vector["name"]):
                expected = [vector["error"] if "error" in vector else vector["frame"]]
                expected += [vector["also"]] if "also" in vector else []
                self.assertIn(decoded(vector["body"], wire.RELAY_FRAME), map(without_empty_status, expected))

    def test_client_frames_decode_to_their_meaning(self):
        for vector in vectors.load("client-frames.json")["vectors"]:
            with self.subTest(vector["name"]):
                found = decoded(vector["body"], wire.CLIENT_FRAME)
                # To a relay, a frame of no known kind is malformed.
                self.assertEqual(found or "CODE_MALFORMED", vector.get("error") or vector["frame"])

    def test_client_frames_encode_to_canonical_bytes(self):
        canonical = [v for v in vectors.load("client-frames.json")["vectors"] if v.get("canonical")]
        self.assertGreater(len(canonical), 40)
        for vector in canonical:
            with self.subTest(vector["name"]):
                frame = vectors.from_json(vector["frame"], wire.CLIENT_FRAME)
                body = bytes.fromhex(vector["body"])
                self.assertEqual(wire.encode(frame), len(body).to_bytes(4, "big") + body)

    def test_bodies_cut_short_are_malformed_or_mean_less(self):
        """No prefix of a vector makes the decoder fail in another way than it says."""
        for name, kinds in (("client-frames.json", wire.CLIENT_FRAME), ("relay-frames.json", wire.RELAY_FRAME)):
            for vector in vectors.load(name)["vectors"]:
                body = bytes.fromhex(vector["body"])
                for end in range(min(len(body), 300)):
                    try:
                        wire.decode(body[:end], kinds)
                    except wire.ProtocolError as error:
                        self.assertEqual(error.code, wire.Code.MALFORMED)


class Values(unittest.TestCase):
    def test_values_of_newer_relays_equal_none_that_is_known(self):
        outcome = wire.Outcome(99)
        self.assertEqual(outcome, 99)
        self.assertNotIn(outcome, list(wire.Outcome))
        self.assertEqual(error_of(wire.Reply(1, outcome)).outcome, 99)

    def test_texts_and_bytes_may_be_given_for_a_payload(self):
        for given, payload in (("é", "é".encode()), (bytearray(b"x"), b"x")):
            frame = wire.Publish("a", given, 1)  # type: ignore[arg-type]  # Frames made by the client have bytes.
            self.assertEqual(wire.encode(frame), wire.encode(wire.Publish("a", payload, 1)))

    def test_a_channel_that_has_no_utf_8_is_not_sent(self):
        with self.assertRaises(UnicodeEncodeError):
            wire.encode(wire.Publish("\ud800", b"x", 1))


if __name__ == "__main__":
    unittest.main()
