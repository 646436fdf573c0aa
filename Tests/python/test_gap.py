"""After a gap the application is told to read again what it must not miss: once, with jitter, and never for nothing."""
import asyncio
import unittest
import unittest.mock

from harness import RelayTest
from hubrelay import Gap, Message, Outcome, State, Status


class Gaps(RelayTest):
    async def subscribed(self, client, *channels):
        await self.up(client)
        self.assertEqual(await self.soon(client.subscribe(*channels)), Outcome.OK)

    async def restarted(self, client):
        """Redis goes and comes back; the client has seen the former."""
        self.redis.stop()
        await self.event(client, Status, state=State.DOWN)
        self.redis.start()

    async def events_until_message(self, client, channel):
        """What comes before a message that is published now."""
        events = []
        self.assertEqual(self.redis.command("PUBLISH", f"t:{channel}", b"fence"), 1)
        while True:
            event = await self.soon(client.events.__anext__(), "the message")
            if isinstance(event, Message) and event.payload == b"fence":
                return events
            events.append(event)

    def gaps(self, events):
        return [event for event in events if isinstance(event, Gap)]

    async def test_redis_goes_and_comes_back(self):
        async with self.client(gap_jitter=0) as client:
            await self.subscribed(client, "a")
            await self.restarted(client)
            gap = await self.event(client, Gap)
            self.assertTrue(client.status.receiving)  # not before: reading would leave a hole
            self.assertIn("redis.sock", gap.reasons[0])
            self.assertEqual(self.gaps(await self.events_until_message(client, "a")), [])

    async def test_gaps_that_come_before_the_delay_is_over_are_told_as_one(self):
        with unittest.mock.patch("hubrelay.gaps._RANDOM") as delay:
            delay.uniform.return_value = 1e9
            await self.gaps_before_the_delay_is_over(delay)

    async def gaps_before_the_delay_is_over(self, delay):
        async with self.client() as client:
            await self.subscribed(client, "a")
            for _ in range(2):
                await self.restarted(client)
                await self.event(client, Status, state=State.UP)
                self.assertEqual(self.gaps(await self.events_until_message(client, "a")), [])
            delay.uniform.return_value = 0
            await self.restarted(client)
            await self.event(client, Gap)
            self.assertEqual(self.gaps(await self.events_until_message(client, "a")), [])

    async def test_the_delay_is_random_up_to_two_seconds(self):
        with unittest.mock.patch("hubrelay.gaps._RANDOM.uniform", return_value=0) as uniform:
            async with self.client() as client:
                await self.subscribed(client, "a")
                await self.restarted(client)
                await self.event(client, Gap)
                self.assertEqual(uniform.call_args_list, [unittest.mock.call(0, 2)])

    async def test_a_relay_that_was_replaced(self):
        async with self.client(gap_jitter=0) as client:
            await self.subscribed(client, *(f"room.{number}" for number in range(5000)))
            self.relay.kill()
            await self.event(client, Status, state=State.DOWN)
            self.relay.start()
            gap = await self.event(client, Gap)
            self.assertIn("connection to the relay", gap.reasons[0])
            for number in range(0, 5000, 499):  # only now may the application read: all of them are in force
                self.assertEqual(self.redis.command("PUBLISH", f"t:room.{number}", b"x"), 1)
            await self.messages(client, 11)
            self.assertEqual(self.gaps(await self.events_until_message(client, "room.0")), [])

    async def test_a_lost_connection_to_a_relay_that_missed_nothing(self):
        async with self.client(gap_jitter=0) as client:
            await self.subscribed(client, "a")
            self.cut(client)
            await self.event(client, Gap)
            self.assertEqual(client.status.gaps, 0)
            self.assertEqual(self.gaps(await self.events_until_message(client, "a")), [])

    async def test_a_subscription_that_had_to_wait(self):
        self.redis.stop()
        self.relay.kill()
        self.relay.start()
        async with self.client(gap_jitter=0) as client:
            self.assertEqual(await self.soon(client.subscribe("a")), Outcome.PENDING)
            self.redis.start()
            await self.event(client, Gap)
            self.assertEqual(client.status.gaps, 0)  # the relay has missed nothing that it held

    async def test_no_false_alarm_when_only_publishing_fails(self):
        async with self.client(gap_jitter=0) as client:
            await self.subscribed(client, "a")
            self.redis.command("CLIENT", "KILL", "TYPE", "normal")
            await self.event(client, Status, state=State.DEGRADED, receiving=True)
            await self.event(client, Status, state=State.UP)
            self.assertEqual(self.gaps(await self.events_until_message(client, "a")), [])

    async def test_no_false_alarm_without_subscriptions(self):
        async with self.client(gap_jitter=0) as client:
            await self.subscribed(client, "a")
            await self.soon(client.unsubscribe("a"))
            await self.restarted(client)
            await self.event(client, Status, state=State.UP)
            self.relay.kill()
            await self.event(client, Status, state=State.DOWN)
            self.relay.start()
            await self.event(client, Status, state=State.UP)
            await self.soon(client.subscribe("a"))
            self.assertEqual(self.gaps(await self.events_until_message(client, "a")), [])


class Held(RelayTest):
    async def test_what_is_unsubscribed_right_behind_its_subscribe_stays_so_after_a_reconnect(self):
        async with self.client(gap_jitter=0) as client:
            await self.up(client)
            await self.soon(asyncio.gather(client.subscribe("a", "b"), client.unsubscribe("a")))
            self.relay.kill()
            await self.event(client, Status, state=State.DOWN)
            self.relay.start()
            await self.event(client, Status, state=State.UP)
            self.assertEqual(await self.soon(client.publish("a", b"x")), 0)
            self.assertEqual(await self.soon(client.publish("b", b"x")), 1)


if __name__ == "__main__":
    unittest.main()
