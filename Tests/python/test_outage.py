"""Redis goes away and comes back: what the client is told, and what becomes of its requests."""
import asyncio
import unittest

from harness import RelayTest, hubrelay
from hubrelay import Cause, Loss, Outcome, State, Status


class Outages(RelayTest):
    async def test_redis_stops_and_comes_back(self):
        async with self.client() as client:
            await self.up(client)
            before = client.status
            await self.soon(client.subscribe("a"))
            await self.soon(client.subscribe(patterns=["p*"]))

            self.redis.stop()
            down = await self.event(client, Status, state=State.DOWN)
            self.assertFalse(down.publishing or down.receiving)
            self.assertEqual(down.outages, before.outages + 1)
            self.assertEqual(await self.outcome(client.publish("a", b"too late")), Outcome.NOT_CONNECTED)
            self.assertEqual(await self.soon(client.subscribe("b")), Outcome.PENDING)
            self.assertEqual(await self.soon(client.unsubscribe("p*")), Outcome.OK)
            await self.soon(client.ping())

            self.redis.start()
            up = await self.event(client, Status, state=State.UP)
            self.assertGreater(up.gaps, before.gaps)
            self.assertGreater(up.down_ms, 0)
            for channel in ("a", "b", "p1"):
                self.assertEqual(await self.soon(client.publish(channel, b"x")), 1)
            self.assertEqual([m[0] for m in await self.messages(client, 3)], ["a", "b", "p1"])

    async def test_publishes_without_reply_are_counted_while_down(self):
        async with self.client() as client:
            await self.up(client)
            self.redis.stop()
            await self.event(client, Status, state=State.DOWN)
            for _ in range(50):
                client.send("a", b"x")
            lost = 0
            while lost < 50:
                loss = await self.event(client, Loss)
                self.assertEqual((loss.publishes_unknown, loss.cause), (0, Cause.NOT_CONNECTED))
                lost += loss.publishes
            self.assertEqual(lost, 50)

    async def test_a_publish_in_flight_when_the_link_fails_is_interrupted(self):
        async with self.client() as client:
            await self.up(client)
            self.redis.freeze()
            publish = asyncio.ensure_future(client.publish("a", b"x"))
            # A Ping that comes back says that the relay has read the publish before it, and a turn of its loop later
            # the publish has left for Redis. So two of them.
            await self.soon(client.ping())
            await self.soon(client.ping())
            self.assertFalse(publish.done())
            self.redis.stop()
            self.assertEqual(await self.outcome(publish), Outcome.INTERRUPTED)
            await self.event(client, Status, state=State.DOWN)

    async def test_a_relay_that_starts_without_redis_says_so(self):
        self.redis.stop()
        self.relay.kill()
        self.relay.start()
        async with self.client() as client:
            await self.soon(client.ready())
            self.assertNotEqual(client.status.state, State.UP)
            self.assertEqual(await self.outcome(client.publish("a", b"x")), Outcome.NOT_CONNECTED)
            self.assertEqual(await self.soon(client.subscribe("a")), Outcome.PENDING)
            self.redis.start()
            await self.event(client, Status, state=State.UP)
            self.assertEqual(await self.soon(client.publish("a", b"x")), 1)
            self.assertEqual(await self.messages(client, 1), [("a", b"x", "")])

    async def test_permission_withdrawn_revokes_and_the_rest_carries_on(self):
        async with self.client() as client:
            await self.up(client)
            await self.soon(client.subscribe("good", "bad"))
            await self.soon(client.subscribe(patterns=["bad*"]))
            self.redis.stop()
            await self.event(client, Status, state=State.DOWN)
            self.redis.start()
            # From here on Redis refuses, also what the relay has restored by now: it cuts that connection off.
            self.redis.command("ACL", "SETUSER", "default", "resetchannels", "&t:__hubrelay:*", "&t:good")
            channels, patterns = set(), set()
            while (channels, patterns) != ({"bad"}, {"bad*"}):
                revoked = await self.event(client, hubrelay.Revoked)
                channels |= set(revoked.channels)
                patterns |= set(revoked.patterns)
            await self.up(client)
            await self.soon(client.publish("good", b"x"))
            self.assertEqual(await self.messages(client, 1), [("good", b"x", "")])


if __name__ == "__main__":
    unittest.main()
