"""The relay goes away and comes back: the client reconnects to its socket and subscribes again."""
import asyncio
import unittest

from harness import RelayTest, hubrelay
from hubrelay import Cause, Outcome, State, Status


class Reconnecting(RelayTest):
    async def test_a_restarted_relay_is_found_and_subscribed_to_again(self):
        async with self.client() as client:
            await self.up(client)
            await self.soon(client.subscribe("a", "b", "c"))
            await self.soon(client.subscribe(patterns=["p*"]))
            await self.soon(client.unsubscribe("c"))

            self.relay.kill()
            gone = await self.event(client, Status, state=State.DOWN)
            self.assertEqual(gone.cause, Cause.NO_RELAY)
            self.assertFalse(client.status.connected)
            self.assertEqual(await self.outcome(client.publish("a", b"x")), Outcome.NOT_CONNECTED)
            with self.assertRaises(hubrelay.NotConnected):
                client.send("a", b"x")
            self.assertEqual(await self.soon(client.subscribe("d")), Outcome.PENDING)
            self.assertEqual(await self.soon(client.unsubscribe("b")), Outcome.OK)

            self.relay.start()
            await self.event(client, Status, state=State.UP)
            for channel in ("a", "b", "c", "d", "p1"):
                await self.soon(client.publish(channel, b"x"))
            self.assertEqual([m[0] for m in await self.messages(client, 3)], ["a", "d", "p1"])

    async def test_requests_without_a_reply_when_the_relay_dies_are_interrupted(self):
        async with self.client() as client:
            await self.up(client)
            self.redis.freeze()
            requests = [asyncio.ensure_future(request) for request in
                        (client.publish("a", b"x"), client.publish("b", b"x"))]
            subscribe = asyncio.ensure_future(client.subscribe("a"))
            await self.soon(client.ping())
            self.relay.kill()
            for request in requests:
                self.assertEqual(await self.outcome(request), Outcome.INTERRUPTED)
            self.assertEqual(await self.soon(subscribe), Outcome.PENDING)  # it is kept, and asked for
            self.redis.thaw()

    async def test_a_status_after_a_reconnect_comes_once_the_subscriptions_are_in_force(self):
        async with self.client() as client:
            await self.up(client)
            await self.soon(client.subscribe(*(f"room.{number}" for number in range(5000))))
            self.relay.kill()
            await self.event(client, Status, state=State.DOWN)
            self.relay.start()
            await self.event(client, Status, state=State.UP)
            # Whatever is published from here on arrives: nothing was still on its way.
            for number in range(0, 5000, 499):
                self.assertEqual(self.redis.command("PUBLISH", f"t:room.{number}", b"x"), 1)
            self.assertEqual(len(await self.messages(client, 11)), 11)

    async def test_a_lost_connection_to_a_relay_that_is_up_is_told_as_up_only_with_its_subscriptions(self):
        async with self.client() as client:
            await self.up(client)
            await self.soon(client.subscribe(*(f"room.{number}" for number in range(5000))))
            self.cut(client)
            await self.event(client, Status, state=State.DOWN, cause=Cause.NO_RELAY)
            await self.event(client, Status, state=State.UP)
            for number in range(0, 5000, 499):
                self.assertEqual(self.redis.command("PUBLISH", f"t:room.{number}", b"x"), 1)
            self.assertEqual(len(await self.messages(client, 11)), 11)

    async def test_a_relay_that_stops_is_left_for_the_next(self):
        async with self.client() as client:
            await self.up(client)
            await self.soon(client.subscribe("a"))
            self.relay.terminate()
            stopping = await self.event(client, Status, state=State.STOPPING)
            self.assertEqual(stopping.cause, Cause.STOPPING)
            self.assertEqual(await self.soon(client.publish("a", b"last")), 1)  # it is served to the end
            self.assertEqual(await self.messages(client, 1), [("a", b"last", "")])
            # The client leaves, so the relay need not wait for its stop timeout.
            await self.soon(asyncio.get_running_loop().run_in_executor(None, self.relay.wait))
            self.relay.start()
            await self.event(client, Status, state=State.UP)
            self.assertEqual(await self.soon(client.publish("a", b"first")), 1)

    async def test_without_a_relay_it_starts_all_the_same_and_says_what_is_wrong(self):
        self.relay.kill()
        async with self.client() as client:
            with self.assertRaises(hubrelay.NotConnected) as failure:
                await client.ready(0.05)
            self.assertIn(self.relay.path, str(failure.exception))
            with self.assertRaises(hubrelay.NotConnected) as failure:
                await client.publish("a", b"x")
            self.assertIn(self.relay.path, str(failure.exception))
            self.assertEqual((client.status.connected, client.status.cause), (False, Cause.NO_RELAY))
            self.relay.start()
            await self.soon(client.ready())

    async def test_an_application_that_does_not_iterate_gets_its_connection_back_all_the_same(self):
        async with self.client(events_bytes=1000) as client:
            await self.up(client)
            await self.soon(client.subscribe("a"))
            while client._core.link.is_reading:  # until its socket is left unread
                self.redis.command("PUBLISH", "t:a", b"x" * 100)
                await asyncio.sleep(0)
            self.relay.kill()
            await self.soon(self.disconnected(client))
            self.relay.start()
            await self.soon(client.ready())

    async def disconnected(self, client):
        """Nothing looks at the events, so there is none to wait for."""
        while client.status.connected:
            await asyncio.sleep(0.01)

    async def test_closing_ends_the_iteration_and_the_requests(self):
        async with self.client() as client:
            await self.up(client)
            self.redis.freeze()
            publish = asyncio.ensure_future(client.publish("a", b"x"))
            waiting = asyncio.ensure_future(self.rest(client))
            await self.soon(client.ping())
            await self.soon(client.close(drain=0.1))
        self.assertEqual(await self.outcome(publish), Outcome.INTERRUPTED)
        self.assertIsInstance(await self.soon(waiting), list)
        self.assertFalse(client.status.connected)
        with self.assertRaises(hubrelay.Closed):
            await client.publish("a", b"x")
        self.redis.thaw()

    async def test_closing_in_the_middle_of_a_reconnect_leaves_no_connection_behind(self):
        client = self.client()
        await self.soon(client.ready())
        self.cut(client)
        while client._core.opening is None:
            await asyncio.sleep(0)
        await self.soon(client.close())  # there is a connection, and its Welcome has not been read
        self.assertEqual(client._sockets, {})

    async def rest(self, client):
        return [event async for event in client.events]


class Unwelcome(RelayTest):
    options = {"--allow-uid": "4242424242"}

    async def test_a_relay_that_does_not_want_this_peer_says_so(self):
        async with self.client() as client:
            told = await self.event(client, Status)
            self.assertEqual((told.connected, told.cause), (False, Cause.NO_RELAY))
            self.assertIn("NOT_ALLOWED", told.reason)
            with self.assertRaises(hubrelay.NotConnected) as failure:
                await client.publish("a", b"x")
            self.assertIn("NOT_ALLOWED", str(failure.exception))


class Restoring(RelayTest):
    options = {"--max-payload": "1KiB"}

    async def test_more_names_than_fit_one_frame_are_restored(self):
        async with self.client() as client:
            await self.up(client)
            names = [f"{number:0500}" for number in range(60)]
            for name in names:
                await self.soon(client.subscribe(name))
            self.relay.kill()
            await self.event(client, Status, state=State.DOWN)
            self.relay.start()
            await self.event(client, Status, state=State.UP)
            for name in names:
                self.assertEqual(await self.soon(client.publish(name, b"x")), 1)
            self.assertEqual([m[0] for m in await self.messages(client, 60)], names)

    async def test_what_is_refused_on_the_way_back_is_revoked_and_the_rest_restored(self):
        async with self.client() as client:
            await self.up(client)
            await self.soon(client.subscribe("bad", *(f"good.{number}" for number in range(20))))
            await self.soon(client.subscribe(patterns=["bad*"]))
            self.relay.kill()
            await self.event(client, Status, state=State.DOWN)
            self.redis.command("ACL", "SETUSER", "default", "resetchannels", "&t:__hubrelay:*", "&t:good.*")
            self.relay.start()
            channels, patterns = set(), set()
            while (channels, patterns) != ({"bad"}, {"bad*"}):
                revoked = await self.event(client, hubrelay.Revoked)
                channels |= set(revoked.channels)
                patterns |= set(revoked.patterns)
            await self.event(client, Status, state=State.UP)
            for number in range(20):
                self.assertEqual(await self.soon(client.publish(f"good.{number}", b"x")), 1)
            self.assertEqual(len(await self.messages(client, 20)), 20)


if __name__ == "__main__":
    unittest.main()
