"""What waits for the relay, or for its Replies, is bounded: a publish too many fails at once, and was not sent."""
import asyncio
import unittest

from harness import PATIENCE, RelayTest
from hubrelay import Congested, Loss, Message, Outcome, State, Status


class Unanswered(RelayTest):
    async def test_a_publish_beyond_the_bound_fails_at_once_and_was_not_sent(self):
        async with self.client() as reader, self.client(unanswered=10) as client:
            await self.up(reader)
            await self.up(client)
            await self.soon(reader.subscribe("a"))
            self.redis.freeze()
            publishes = [asyncio.ensure_future(client.publish("a", b"%d" % number, wait=False)) for number in range(12)]
            await self.soon(asyncio.wait(publishes[10:]))  # while Redis answers nothing
            for publish in publishes[10:]:
                self.assertIsInstance(publish.exception(), Congested)
            self.assertFalse(any(publish.done() for publish in publishes[:10]))
            self.redis.thaw()
            self.assertEqual(await self.soon(asyncio.gather(*publishes[:10])), [1] * 10)
            self.assertEqual(await self.soon(client.publish("a", b"last")), 1)  # there is room again
            received = [payload for _, payload, _ in await self.messages(reader, 11)]
            self.assertEqual(received, [b"%d" % number for number in range(10)] + [b"last"])

    async def test_a_publish_that_its_caller_gave_up_counts_until_its_reply(self):
        async with self.client(unanswered=1) as client:
            await self.up(client)
            self.redis.freeze()
            publish = asyncio.ensure_future(client.publish("a", b"x"))
            await self.soon(client.ping())
            publish.cancel()
            await asyncio.wait({publish})
            with self.assertRaises(Congested):
                await client.publish("a", b"y", wait=False)
            self.redis.thaw()
            await self.soon(self.accepted(client))

    async def accepted(self, client):
        """Publishes until that is possible: nobody is told of the Reply that makes room."""
        while True:
            try:
                return await client.publish("a", b"z", wait=False)
            except Congested:
                await client.ping()

    async def test_other_requests_are_not_counted(self):
        async with self.client(unanswered=1) as client:
            await self.up(client)
            self.redis.freeze()
            subscribes = [asyncio.ensure_future(client.subscribe(f"room.{number}")) for number in range(5)]
            publish = asyncio.ensure_future(client.publish("a", b"x"))
            await self.soon(client.ping())
            self.redis.thaw()
            self.assertEqual(await self.soon(asyncio.gather(*subscribes)), [Outcome.OK] * 5)
            self.assertEqual(await self.soon(publish), 0)

    async def test_without_a_relay_it_is_not_connected_and_the_bound_is_free_again(self):
        async with self.client(unanswered=1) as client:
            await self.up(client)
            self.redis.freeze()
            publish = asyncio.ensure_future(client.publish("a", b"x"))
            await self.soon(client.ping())
            self.relay.kill()
            self.redis.thaw()
            self.assertEqual(await self.outcome(publish), Outcome.INTERRUPTED)
            await self.event(client, Status, state=State.DOWN)
            self.assertEqual(await self.outcome(client.publish("a", b"x")), Outcome.NOT_CONNECTED)
            self.relay.start()
            await self.event(client, Status, state=State.UP)
            self.assertEqual(await self.soon(client.publish("a", b"x")), 0)


class Unread(RelayTest):
    # Redis stands still while the relay is filled: that must not look like an outage.
    options = {"--link-timeout": f"{2 * PATIENCE}s"}

    async def test_publishes_without_reply_are_taken_until_the_relay_does_not_read(self):
        async with self.client() as reader, self.client() as client:
            await self.up(reader)
            await self.up(client)
            await self.soon(reader.subscribe("a"))
            self.redis.freeze()
            sent = 0
            with self.assertRaises(Congested):
                while sent < 10_000:
                    client.send("a", b"%08d" % sent + bytes(10_000))
                    sent += 1
                    await asyncio.sleep(0)
            self.assertLessEqual(client._core.link.unsent, (1 << 20) + 20_000)
            self.redis.thaw()
            # What was taken arrives, what was refused does not, and no Loss is told: nothing was lost.
            received = 0
            while received < sent:
                event = await self.soon(reader.events.__anext__(), f"message {received} of {sent}")
                self.assertNotIsInstance(event, Loss)
                if isinstance(event, Message):
                    self.assertEqual(int(event.payload[:8]), received)
                    received += 1
            self.assertEqual(await self.soon(client.publish("a", b"%08d" % sent)), 1)
            self.assertEqual(int((await self.messages(reader, 1))[0][1]), sent)

    async def test_large_publishes_are_bounded_by_their_bytes(self):
        async with self.client() as client:
            await self.up(client)
            self.redis.freeze()
            publishes = []
            while not any(publish.done() for publish in publishes):
                publishes.append(asyncio.ensure_future(client.publish("a", bytes(1 << 20), wait=False)))
                await asyncio.sleep(0)
                self.assertLess(len(publishes), 100)
            self.assertIsInstance(publishes.pop().exception(), Congested)
            self.assertLessEqual(client._core.link.unsent, (17 << 20) + 4096)
            self.redis.thaw()
            self.assertEqual(await self.soon(asyncio.gather(*publishes)), [0] * len(publishes))


if __name__ == "__main__":
    unittest.main()
