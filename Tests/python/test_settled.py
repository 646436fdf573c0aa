"""The Reply to a Ping with `settled` comes behind everything that is owed for earlier publishes."""
import asyncio
import unittest

from harness import PATIENCE, RelayTest
from hubrelay import Cause, Loss, Outcome


class Settled(RelayTest):
    # Redis stands still for a moment: that must not look like an outage.
    options = {"--link-timeout": f"{2 * PATIENCE}s"}

    async def test_it_waits_for_every_earlier_publish_and_for_no_other_connection(self):
        async with self.client() as client, self.client() as other:
            await self.up(client)
            await self.up(other)
            self.assertIn("settled", client.features)
            self.redis.freeze()
            order = []
            publishes = [asyncio.ensure_future(client.publish("a", b"x")) for _ in range(10)]
            client.send("a", b"x")
            settled = asyncio.ensure_future(client.ping(settled=True))
            behind = asyncio.ensure_future(client.ping())
            for number, task in enumerate([*publishes, settled, behind]):
                task.add_done_callback(lambda _, number=number: order.append(number))
            await self.soon(other.ping(settled=True))  # it has published nothing
            self.assertEqual(order, [])
            self.redis.thaw()
            await self.soon(asyncio.gather(*publishes, settled, behind))
            self.assertEqual(order, list(range(12)))

    async def test_losses_come_before_it_however_short_ago_the_last_one_came(self):
        async with self.client() as client:
            await self.up(client)
            for number in range(1, 30):
                for _ in range(number):
                    client.send("__hubrelay:x", b"x")
                await self.soon(client.ping(settled=True))
                losses = self.waiting(client, Loss)
                self.assertEqual([(loss.publishes, loss.cause) for loss in losses], [(number, Cause.INVALID)])

    async def test_when_the_link_fails_what_is_unknown_comes_before_it(self):
        async with self.client() as client:
            await self.up(client)
            self.redis.freeze()
            publish = asyncio.ensure_future(client.publish("a", b"x"))
            client.send("a", b"x")
            settled = asyncio.ensure_future(client.ping(settled=True))
            await self.soon(self.written(client))
            self.redis.stop()
            await self.soon(settled)
            self.assertTrue(publish.done())
            self.assertEqual(await self.outcome(publish), Outcome.INTERRUPTED)
            losses = self.waiting(client, Loss)
            self.assertEqual([loss.publishes_unknown for loss in losses], [1])

    async def written(self, client):
        """Returns once the relay has sent to Redis what `client` has written: another one's publish is in its queue."""
        async with self.client() as other:
            await other.ready()
            while client._core.link.unsent:
                await asyncio.sleep(0.001)
            await other.ping()

    async def test_what_was_settled_at_the_end_was_told(self):
        async with self.client() as client:
            await self.up(client)
            for _ in range(1000):
                client.send("a", b"x")
            client.send("__hubrelay:x", b"x")
            client.send("__hubrelay:x", b"x")
        losses = [event async for event in client.events if isinstance(event, Loss)]
        self.assertEqual(sum(loss.publishes for loss in losses), 2)
        self.assertEqual(self.redis.command("PUBLISH", "t:a", b"x"), 0)


if __name__ == "__main__":
    unittest.main()
