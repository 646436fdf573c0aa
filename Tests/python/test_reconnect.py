"""The relay goes away and comes back: the client reconnects to its socket and subscribes again."""
import asyncio
import contextlib
import unittest
import unittest.mock

from harness import RelayTest, hubrelay
from hubrelay import Cause, Outcome, State, Status


class Reconnecting(RelayTest):
    async def test_a_restarted_relay_is_found_and_subscribed_to_again(self):
        async with self.client() as client:
            await self.up(client)
            await self.soon(client.subscribe("a", "b", "c"))
            await self.soon(client.psubscribe("p*"))
            await self.soon(client.unsubscribe("c"))

            self.relay.kill()
            gone = await self.event(client, Status, state=State.DOWN)
            self.assertEqual(gone.cause, Cause.NO_RELAY)
            self.assertIsNone(client.status)
            self.assertEqual(await self.outcome(client.publish("a", b"x")), Outcome.NOT_CONNECTED)
            with self.assertRaises(hubrelay.RequestError):
                client.publish_nowait("a", b"x")
            self.assertEqual(await self.outcome(client.subscribe("d")), Outcome.NOT_CONNECTED)
            self.assertEqual(await self.outcome(client.unsubscribe("b")), Outcome.NOT_CONNECTED)

            self.relay.start()
            await self.event(client, Status, state=State.UP)
            for channel in ("a", "b", "c", "d", "p1"):
                await self.soon(client.publish(channel, b"x"))
            self.assertEqual([m[0] for m in await self.messages(client, 2)], ["a", "p1"])

    async def test_requests_without_a_reply_when_the_relay_dies_are_interrupted(self):
        async with self.client() as client:
            await self.up(client)
            self.redis.freeze()
            requests = [asyncio.ensure_future(request) for request in
                        (client.publish("a", b"x"), client.subscribe("a"), client.publish("b", b"x"))]
            await self.soon(client.ping())
            self.relay.kill()
            for request in requests:
                self.assertEqual(await self.outcome(request), Outcome.INTERRUPTED)
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
            client._connection.writer.transport.abort()
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

    async def test_without_a_relay_connecting_fails(self):
        self.relay.kill()
        with self.assertRaises(OSError):
            async with self.client():
                self.fail("connected to nothing")

    async def test_an_application_that_does_not_iterate_gets_its_connection_back_all_the_same(self):
        async with self.client(backlog=5) as client:
            await self.up(client)
            await self.soon(client.subscribe("a"))
            while len(client._events) <= 5:  # more than its backlog: from here on its socket is left unread
                await self.soon(client.publish("a", b"x"))
            self.relay.kill()
            await self.soon(self.writing_fails(client))
            self.relay.start()
            await self.soon(self.accepted(client))

    async def writing_fails(self, client):
        """Publishes until that is found to be impossible; until then the end of the connection has not been read."""
        with contextlib.suppress(hubrelay.RequestError):
            while True:
                client.publish_nowait("b", b"x")
                await asyncio.sleep(0)

    async def accepted(self, client):
        """Publishes until that is possible; nothing looks at the events, so there is none to wait for."""
        while True:
            with contextlib.suppress(hubrelay.RequestError):
                return await client.publish("b", b"x")
            await asyncio.sleep(0.01)

    async def test_closing_ends_the_iteration_and_the_requests(self):
        async with self.client() as client:
            await self.up(client)
            self.redis.freeze()
            publish = asyncio.ensure_future(client.publish("a", b"x"))
            waiting = asyncio.ensure_future(self.rest(client))
            await self.soon(client.ping())
        self.assertEqual(await self.outcome(publish), Outcome.INTERRUPTED)
        self.assertIsInstance(await self.soon(waiting), list)
        self.assertIsNone(client.status)
        self.assertEqual(await self.outcome(client.publish("a", b"x")), Outcome.NOT_CONNECTED)
        self.redis.thaw()

    async def test_closing_in_the_middle_of_a_reconnect_leaves_no_connection_behind(self):
        client, read_body, closing = self.client(), hubrelay.read_body, asyncio.get_running_loop().create_future()

        async def read(reader, limit):
            body = await read_body(reader, limit)
            if not client.status and not closing.done():  # this is the Welcome, and nobody has seen it yet
                closing.set_result(asyncio.ensure_future(client.__aexit__()))
            return body

        await client.__aenter__()
        await self.up(client)
        with unittest.mock.patch.object(hubrelay, "read_body", read):
            client._connection.writer.transport.abort()
            await self.soon(await self.soon(closing))
        self.assertTrue(client._task.done())

    async def rest(self, client):
        return [event async for event in client]


class Unwelcome(RelayTest):
    options = {"--allow-uid": "4242424242"}

    async def test_a_relay_that_does_not_want_this_peer_says_so(self):
        with self.assertRaises(ConnectionError) as failure:
            async with self.client():
                self.fail("let in")
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
            await self.soon(client.psubscribe("bad*"))
            self.relay.kill()
            await self.event(client, Status, state=State.DOWN)
            self.redis.command("ACL", "SETUSER", "default", "resetchannels", "&t:__hubrelay:*", "&t:good.*")
            self.relay.start()
            revoked = [await self.event(client, hubrelay.Revoked) for _ in range(2)]
            self.assertEqual({revocation.channels + revocation.patterns for revocation in revoked}, {("bad",), ("bad*",)})
            await self.event(client, Status, state=State.UP)
            for number in range(20):
                self.assertEqual(await self.soon(client.publish(f"good.{number}", b"x")), 1)
            self.assertEqual(len(await self.messages(client, 20)), 20)


if __name__ == "__main__":
    unittest.main()
