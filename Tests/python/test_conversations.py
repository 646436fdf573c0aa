"""The conversations of the test vectors, byte for byte, with a real relay."""
import asyncio
import unittest

import vectors
import wire
from harness import PATIENCE, RelayTest


class Conversations(RelayTest):
    async def test_every_conversation(self):
        async with self.client() as client:
            await self.up(client)
            features = set(client.features)
        for vector in vectors.load("streams.json")["conversations"]:
            with self.subTest(vector["name"]):
                self.assertLessEqual(set(vector.get("needs", ())), features)
                await asyncio.wait_for(self.converse(vector), PATIENCE)

    async def converse(self, vector):
        reader, writer = await asyncio.open_unix_connection(self.relay.path)
        try:
            writer.write(bytes.fromhex(vector["writes"]))
            for expected in vector["answers"]:
                answer = await self.answer(reader)
                (kind, values), = expected.items()
                self.assertIn(kind, answer)
                self.assertEqual({name: answer[kind].get(name) for name in values}, values)
            if not vector["closes"]:
                writer.write_eof()  # nothing more is owed, so the relay closes
            self.assertEqual(await reader.read(), b"")
        finally:
            writer.close()

    async def answer(self, reader):
        """The next frame that is no Status."""
        while True:
            frame = wire.decode(await wire.read_body(reader, 1 << 21))
            if not isinstance(frame, wire.Status):
                return vectors.as_json(frame)


if __name__ == "__main__":
    unittest.main()
