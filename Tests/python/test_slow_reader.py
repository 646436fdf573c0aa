"""An application that does not keep up: nothing piles up in the client, and what is lost is counted."""
import unittest

from harness import RelayTest
from hubrelay import Cause, Loss, Message


class SlowReaders(RelayTest):
    options = {"--window": "64KiB"}

    async def account(self, client, last):
        """Reads on until message `last` is accounted for. Returns what was received and what was lost."""
        received = lost = 0
        while received + lost < last:
            event = await self.soon(client.events.__anext__(), f"message {received + lost}")
            if isinstance(event, Loss):
                self.assertEqual(event.cause, Cause.SLOW_READER)
                lost += event.messages
            elif isinstance(event, Message):
                # In its place in the order, so numbers and counts agree at every moment.
                self.assertEqual(int(event.payload[:8]), received + lost)
                received += 1
        return received, lost

    async def test_without_iteration_the_socket_is_left_unread_and_the_relay_counts(self):
        async with self.client(events_bytes=100_000) as reader, self.client() as writer:
            await self.up(reader)
            await self.up(writer)
            await self.soon(reader.subscribe("a"))
            for number in range(3000):
                await self.soon(writer.publish("a", b"%08d" % number + bytes(1000)))
            self.assertLess(reader.counters.queued_bytes, 400_000)  # at most one read beyond its bound
            received, lost = await self.account(reader, 3000)
            self.assertEqual(received + lost, 3000)
            self.assertGreater(lost, 0)
            await self.soon(writer.publish("a", b"%08d" % 3000))
            self.assertEqual(int((await self.messages(reader, 1))[0][1]), 3000)

    async def test_a_request_gets_its_reply_behind_any_number_of_messages(self):
        async with self.client(events_bytes=2000) as client:
            await self.up(client)
            await self.soon(client.subscribe("a"))
            for number in range(1000):
                await self.soon(client.publish("a", b"%08d" % number))
            self.assertLess(client.counters.queued_bytes, 5000)
            await self.soon(client.ping())
            received, lost = await self.account(client, 1000)
            self.assertEqual(received + lost, 1000)
            self.assertGreater(lost, 900)


if __name__ == "__main__":
    unittest.main()
