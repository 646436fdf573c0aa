"""The cutting of the byte stream into frames, through the StreamReader that the client reads with."""
import asyncio
import unittest

import vectors
from vectors import hubrelay


async def split(chunks, limits):
    """What comes out of `chunks`: the bodies, and the name of the error or None. `limits` yields one per body."""
    reader, bodies = asyncio.StreamReader(), []

    async def feed():
        for chunk in chunks:
            if chunk:
                reader.feed_data(chunk)
            await asyncio.sleep(0)  # lets the reader have it alone
        reader.feed_eof()

    feeding = asyncio.ensure_future(feed())
    try:
        for limit in limits:
            bodies.append(await hubrelay.read_body(reader, limit))
    except hubrelay.ProtocolError as error:
        return bodies, f"CODE_{error.args[0].name}", b""
    except asyncio.IncompleteReadError as error:
        return bodies, None, error.partial
    finally:
        await feeding


def limits(vector):
    yield 4096 if vector["sender"] == "client" else vector["max_frame_bytes"]
    while True:
        yield vector["max_frame_bytes"]


class FramingVectors(unittest.IsolatedAsyncioTestCase):
    async def check(self, vector, chunks):
        bodies, error, partial = await split(chunks, limits(vector))
        self.assertEqual([body.hex() for body in bodies], vector["bodies"])
        self.assertEqual(error, vector.get("error"))
        if error is None:
            # A StreamReader gives up the length of a frame before it waits for the body.
            self.assertTrue(vector["rest"].endswith(partial.hex()))
            self.assertLessEqual(len(vector["rest"]) - len(partial.hex()), 8)

    async def test_chunks_as_given(self):
        for vector in vectors.load("streams.json")["framing"]:
            with self.subTest(vector["name"]):
                await self.check(vector, [bytes.fromhex(chunk) for chunk in vector["chunks"]])

    async def test_every_split_point(self):
        for vector in vectors.load("streams.json")["framing"]:
            stream = bytes.fromhex("".join(vector["chunks"]))
            # In the long ones only the edges are of interest: their middle is filler.
            points = [at for at in range(len(stream) + 1) if at < 150 or at > len(stream) - 150]
            with self.subTest(vector["name"]):
                for at in points:
                    await self.check(vector, [stream[:at], stream[at:]])

    async def test_byte_by_byte(self):
        for vector in vectors.load("streams.json")["framing"]:
            stream = bytes.fromhex("".join(vector["chunks"]))
            with self.subTest(vector["name"]):
                await self.check(vector, [bytes((byte,)) for byte in stream])


if __name__ == "__main__":
    unittest.main()
