"""A message on a fence is at the same place between the other messages at every connection, by whatever relay."""
import asyncio
import tempfile
import unittest

from harness import Relay, RelayTest, hubrelay
from hubrelay import Message, Outcome

FENCE = "__hubrelay:fence:"


class Fences(RelayTest):
    MESSAGES, FENCES = 1000, 200

    def setUp(self):
        super().setUp()
        directory = tempfile.TemporaryDirectory(prefix="hubrelay-")
        self.addCleanup(directory.cleanup)
        self.other = Relay(self.redis, directory.name, self.options)
        self.addCleanup(self.other.kill)

    def tearDown(self):
        self.other.terminate()
        self.other.wait()
        super().tearDown()

    async def test_two_relays_have_the_same_messages_before_and_behind_every_fence(self):
        readers = [hubrelay.AsyncClient(path) for path in (self.relay.path, self.other.path)]
        writers = [hubrelay.AsyncClient(path) for path in (self.relay.path, self.other.path) * 2]
        async with readers[0], readers[1], writers[0], writers[1], writers[2], writers[3]:
            for client in readers + writers:
                await self.up(client)
            for reader in readers:
                self.assertEqual(await self.soon(reader.subscribe("a", "b", FENCE + "x")), Outcome.OK)
            found = [asyncio.create_task(self.payloads(reader, self.MESSAGES + self.FENCES)) for reader in readers]
            await asyncio.gather(
                self.write(writers[0], "a", self.MESSAGES // 2), self.write(writers[1], "b", self.MESSAGES // 2),
                self.write(writers[2], FENCE + "x", self.FENCES // 2),
                self.write(writers[3], FENCE + "x", self.FENCES // 2))
            first, second = [await self.soon(task) for task in found]
        self.assertEqual(len([None for channel, _ in first if channel == FENCE + "x"]), self.FENCES)
        self.assertEqual(first, second)

    async def write(self, client, channel, count):
        """Publishes as fast as the replies to some of them come."""
        for number in range(count):
            if number % 5:
                client.send(channel, b"%d" % number)
            else:
                await client.publish(channel, b"%d" % number)

    async def payloads(self, client, count):
        found = []
        async for event in client.events:
            if isinstance(event, Message):
                found.append((event.channel, event.payload))
                if len(found) == count:
                    return found

    async def test_a_fence_matches_no_pattern(self):
        async with self.client() as client, self.client() as holder:
            await self.up(client)
            await self.soon(client.subscribe(patterns=["*", "?_hubrelay:fence:x", "[_]*"]))
            await self.soon(holder.subscribe(FENCE + "x"))
            await self.soon(client.publish(FENCE + "x", b"fence"))
            await self.event(holder, Message, payload=b"fence")
            await self.soon(client.publish("a", b"last"))
            self.assertEqual(await self.messages(client, 1), [("a", b"last", "*")])

    async def test_names_that_are_no_fences_are_invalid(self):
        async with self.client() as client:
            await self.up(client)
            for name in ("", "f" * 65, "é" * 33):
                for request in (client.subscribe, client.unsubscribe):
                    self.assertEqual(await self.outcome(request(FENCE + name)), Outcome.INVALID, name)
                self.assertEqual(await self.outcome(client.publish(FENCE + name, b"x")), Outcome.INVALID, name)
            for request in (client.subscribe, client.unsubscribe):
                self.assertEqual(await self.outcome(request(patterns=[FENCE + "x"])), Outcome.INVALID)
            for name in ("f", "f" * 64, "é" * 32, "*"):
                self.assertEqual(await self.soon(client.subscribe(FENCE + name)), Outcome.OK, name)
                await self.soon(client.publish(FENCE + name, b"x"))
                self.assertEqual(await self.messages(client, 1), [(FENCE + name, b"x", "")])
                self.assertEqual(await self.soon(client.unsubscribe(FENCE + name)), Outcome.OK, name)


class FenceLimits(RelayTest):
    options = {"--max-subscriptions-per-connection": "2"}

    async def test_fences_count_to_the_limits(self):
        async with self.client() as client:
            await self.up(client)
            await self.soon(client.subscribe("a", FENCE + "x"))
            self.assertEqual(await self.outcome(client.subscribe(FENCE + "y")), Outcome.LIMIT)


if __name__ == "__main__":
    unittest.main()
