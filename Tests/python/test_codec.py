"""The client's codec against every vector."""
import unittest

import vectors
from vectors import hubrelay


def decoded(body, kinds):
    """The frame's JSON form, None for no known kind, or the error's name."""
    try:
        frame = hubrelay.decode(bytes.fromhex(body), kinds)
    except hubrelay.ProtocolError as error:
        return f"CODE_{error.args[0].name}"
    return frame and vectors.as_json(frame)


class FrameVectors(unittest.TestCase):
    def test_relay_frames_decode_to_their_meaning(self):
        for vector in vectors.load("relay-frames.json")["vectors"]:
            with self.subTest(vector["name"]):
                expected = vector["error"] if "error" in vector else vector["frame"]
                if expected and "welcome" in expected and not expected["welcome"].get("status"):
                    expected = {"welcome": {k: v for k, v in expected["welcome"].items() if k != "status"}}
                self.assertEqual(decoded(vector["body"], hubrelay.RELAY_FRAME), expected)

    def test_client_frames_decode_to_their_meaning(self):
        for vector in vectors.load("client-frames.json")["vectors"]:
            with self.subTest(vector["name"]):
                found = decoded(vector["body"], hubrelay.CLIENT_FRAME)
                # To a relay, a frame of no known kind is malformed.
                self.assertEqual(found or "CODE_MALFORMED", vector.get("error") or vector["frame"])

    def test_client_frames_encode_to_canonical_bytes(self):
        canonical = [v for v in vectors.load("client-frames.json")["vectors"] if v.get("canonical")]
        self.assertGreater(len(canonical), 40)
        for vector in canonical:
            with self.subTest(vector["name"]):
                frame = vectors.from_json(vector["frame"], hubrelay.CLIENT_FRAME)
                body = bytes.fromhex(vector["body"])
                self.assertEqual(hubrelay.encode(frame), len(body).to_bytes(4, "big") + body)

    def test_bodies_cut_short_are_malformed_or_mean_less(self):
        """No prefix of a vector makes the decoder fail in another way than it says."""
        for name, kinds in (("client-frames.json", hubrelay.CLIENT_FRAME), ("relay-frames.json", hubrelay.RELAY_FRAME)):
            for vector in vectors.load(name)["vectors"]:
                body = bytes.fromhex(vector["body"])
                for end in range(min(len(body), 300)):
                    try:
                        hubrelay.decode(body[:end], kinds)
                    except hubrelay.ProtocolError as error:
                        self.assertEqual(error.args[0], hubrelay.Code.MALFORMED)


class Values(unittest.TestCase):
    def test_values_of_newer_relays_equal_none_that_is_known(self):
        outcome = hubrelay.Outcome(99)
        self.assertEqual(outcome, 99)
        self.assertNotIn(outcome, list(hubrelay.Outcome))
        self.assertIn("99", str(hubrelay.RequestError(outcome, "why")))

    def test_texts_and_bytes_may_be_given_for_a_payload(self):
        self.assertEqual(hubrelay.encode(hubrelay.Publish("a", "é", 1)),
                         hubrelay.encode(hubrelay.Publish("a", "é".encode(), 1)))
        self.assertEqual(hubrelay.encode(hubrelay.Publish("a", bytearray(b"x"), 1)),
                         hubrelay.encode(hubrelay.Publish("a", b"x", 1)))

    def test_a_channel_that_has_no_utf_8_is_not_sent(self):
        with self.assertRaises(UnicodeEncodeError):
            hubrelay.encode(hubrelay.Publish("\ud800", b"x", 1))


if __name__ == "__main__":
    unittest.main()
