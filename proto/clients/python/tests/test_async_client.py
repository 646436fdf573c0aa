"""The asyncio client, with a relay in memory."""
import asyncio
import os
import pathlib
import unittest

import hubrelay
from hubrelay import Gap, Loss, Message, Outcome, Revoked, State
from hubrelay.testing import FakeRelay

PATIENCE = 60


class AsyncClientTest(unittest.IsolatedAsyncioTestCase):
    def setUp(self):
        self.relay = FakeRelay()
        self.addCleanup(self.relay.close)

    async def soon(self, awaitable):
        return await asyncio.wait_for(awaitable, PATIENCE)

    async def next(self, stream, kind=object):
        """The next event of this kind."""
        while True:
            event = await self.soon(stream.__anext__())
            if isinstance(event, kind):
                return event

    async def test_it_starts_by_its_first_use(self):
        client = self.relay.async_client()
        self.assertFalse(client.status.connected)
        self.assertEqual(await self.soon(client.publish("a", b"x")), 0)
        self.assertTrue(client.status.connected)
        await self.soon(client.close())
        with self.assertRaises(hubrelay.Closed):
            await client.publish("a", b"x")

    async def test_to_wait_for_events_is_a_use(self):
        client = self.relay.async_client()
        status = await self.next(client.events)
        self.assertEqual(status.state, State.UP)
        await self.soon(client.close())
        lonely = hubrelay.AsyncClient("/no/such/relay.sock")
        status = await self.next(lonely.events)
        self.assertEqual(status.cause, hubrelay.Cause.NO_RELAY)
        await self.soon(lonely.close())

    async def test_several_listen_to_one_channel_and_the_relay_is_asked_once(self):
        async with self.relay.async_client() as client:
            async with client.listen("a") as one, client.listen("a", "b") as other:
                self.assertEqual((one.outcome, other.outcome), (Outcome.OK, Outcome.OK))
                self.assertEqual(await self.soon(client.publish("a", b"1")), 1)
                self.assertEqual(await self.next(one), Message("a", b"1"))
                self.assertEqual(await self.next(other), Message("a", b"1"))
                await one.close()
                self.assertEqual([event async for event in one], [])
                await self.soon(client.publish("a", b"2"))
                self.assertEqual(await self.next(other), Message("a", b"2"))
            self.assertEqual(await self.soon(client.publish("a", b"3")), 0)

    async def test_a_revoked_subscription_ends(self):
        async with self.relay.async_client() as client, client.listen("a", patterns=["b*"]) as subscription:
            self.relay.revoke("a")
            self.assertEqual([event async for event in subscription], [Revoked(("a",), (), "NOPERM")])
            self.assertEqual(await self.soon(client.publish("b1", b"x")), 0)

    async def test_what_is_refused_is_not_listened_to(self):
        self.relay.refuse("bad")
        async with self.relay.async_client() as client:
            with self.assertRaises(hubrelay.Refused) as failure:
                await self.soon(client.listen("good", "bad")._open())
            self.assertEqual(failure.exception.channels, ("bad",))
            self.assertEqual(await self.soon(client.publish("good", b"x")), 0)

    async def test_an_outage_is_a_status_and_a_gap(self):
        async with self.relay.async_client(gap_jitter=0) as client, client.listen("a") as subscription:
            self.relay.outage("it is broken")
            status = await self.next(client.events, hubrelay.Status)
            while status.state != State.DOWN:
                status = await self.next(client.events, hubrelay.Status)
            with self.assertRaises(hubrelay.NotConnected):
                await client.publish("a", b"x")
            self.relay.recover()
            self.assertEqual((await self.next(subscription)).reasons, ("it is broken",))
            self.assertIsInstance(await self.next(client.events, Gap), Gap)
            self.assertEqual(client.counters.gaps, 1)
            self.assertEqual(client.counters.failed, {"NotConnected": 1})

    async def test_a_loss_of_messages_is_told_to_each_subscription_with_a_gap(self):
        async with self.relay.async_client() as client, client.listen("a") as one, client.listen("b") as other:
            self.relay.lose(7)
            for stream in (one, other):
                self.assertEqual((await self.next(stream)).messages, 7)
                self.assertIsInstance(await self.next(stream), Gap)
            self.assertEqual((await self.next(client.events, Loss)).messages, 7)

    async def test_after_unsubscribe_no_message_of_that_name_comes(self):
        async with self.relay.async_client() as client:
            await self.soon(client.subscribe("a", "b"))
            for channel in ("a", "b", "a"):
                await self.soon(client.publish(channel, b"x"))
            await self.soon(client.unsubscribe("a"))
            self.assertEqual((await self.next(client.events, Message)).channel, "b")
            self.assertIsNone(client.events.get_nowait())

    async def test_a_cancelled_publish_frees_its_place(self):
        async with self.relay.async_client(unanswered=1) as client:
            await self.soon(client.ready())
            with self.relay._lock:  # the relay answers nothing
                publish = asyncio.ensure_future(client.publish("a", b"1"))
                await asyncio.sleep(0)
                publish.cancel()
                with self.assertRaises(asyncio.CancelledError):
                    await publish
                with self.assertRaises(hubrelay.Congested):
                    await client.publish("a", b"2", wait=False)
                waiting = asyncio.ensure_future(client.publish("a", b"3"))
                await asyncio.sleep(0)
            self.assertEqual(await self.soon(waiting), 0)
            self.assertEqual([message.payload for message in self.relay.published], [b"1", b"3"])

    async def test_publishes_that_wait_keep_their_order(self):
        async with self.relay.async_client(unanswered=3) as client:
            numbers = [b"%d" % number for number in range(100)]
            await self.soon(asyncio.gather(*(client.publish("a", number) for number in numbers)))
            self.assertEqual([message.payload for message in self.relay.published], numbers)

    async def test_without_a_relay_it_says_what_is_wrong(self):
        self.relay.leave()
        async with self.relay.async_client() as client:
            with self.assertRaises(hubrelay.NotConnected) as failure:
                await client.ready(0.01)
            self.assertIn("away", str(failure.exception))
            subscription = await self.soon(client.listen("a")._open())
            self.assertEqual(subscription.outcome, Outcome.PENDING)
            self.relay.come_back()
            await self.soon(client.ready())
            self.assertEqual(await self.soon(client.publish("a", b"x")), 1)

    async def test_a_subscription_that_is_closed_before_it_is_open_stays_closed(self):
        async with self.relay.async_client() as client:
            subscription = client.listen("a")
            await subscription.close()
            with self.assertRaises(hubrelay.Closed):
                await self.soon(subscription._open())
            opening = asyncio.ensure_future(client.listen("a")._open())
            await asyncio.sleep(0)
            opening.cancel()
            await asyncio.wait({opening})
            await self.soon(client.ping())
            self.assertEqual(await self.soon(client.publish("a", b"x")), 0)
            self.assertEqual(client._core.listeners, 0)

    async def test_hooks_are_called_around_publishes_and_deliveries(self):
        calls: list[tuple[object, ...]] = []

        class Hooks(hubrelay.Hooks):
            def before_publish(self, channel, payload):
                calls.append(("publish", channel))
                return "context"

            def after_publish(self, context, receivers, error):
                calls.append((context, receivers, type(error)))

            def before_delivery(self, message):
                calls.append(("before", message.payload))

            def after_delivery(self, message):
                calls.append(("after", message.payload))

        async with self.relay.async_client(hooks=Hooks()) as client, client.listen("a") as subscription:
            await self.soon(client.publish("a", b"1"))
            await self.next(subscription)
            with self.assertRaises(hubrelay.Invalid):
                client.send("", b"2")
        self.assertEqual(calls, [("publish", "a"), ("context", 1, type(None)), ("before", b"1"), ("publish", ""),
                                 ("context", None, hubrelay.Invalid), ("after", b"1")])

    async def test_wrong_arguments_are_invalid(self):
        async with self.relay.async_client() as client:
            await self.soon(client.ready())
            for channel, payload in (("", b""), ("x" * 513, b""), ("\ud800", b""), (7, b""), ("a", 7),
                                     ("a", bytes((1 << 20) + 1))):
                with self.assertRaises(hubrelay.Invalid):
                    await client.publish(channel, payload)  # type: ignore[arg-type]  # on purpose
            self.assertEqual(await self.soon(client.publish("a", memoryview(b"x"))), 0)

    async def test_who_is_cancelled_while_waiting_is_forgotten(self):
        async with self.relay.async_client() as client, client.listen("a") as subscription:
            for _ in range(3):
                task = asyncio.ensure_future(subscription.__anext__())
                await asyncio.sleep(0)
                task.cancel()
                await asyncio.wait({task})
            self.assertEqual(len(subscription.queue.waiters), 0)

    async def test_what_woke_a_task_that_is_cancelled_wakes_another(self):
        async with self.relay.async_client() as client, client.listen("a") as subscription:
            first, second = (asyncio.ensure_future(subscription.__anext__()) for _ in range(2))
            await asyncio.sleep(0)
            subscription.queue.put(Gap(()))
            first.cancel()
            self.assertEqual(await self.soon(second), Gap(()))

    async def test_who_gives_up_waiting_for_a_relay_is_forgotten(self):
        async with hubrelay.AsyncClient("/nowhere/relay.sock") as client:
            with self.assertRaises(hubrelay.NotConnected):
                await client.ready(0.001)
            task = asyncio.ensure_future(client.ready())
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait({task})
            self.assertEqual(client._core._ready_waiters, [])

    async def test_a_subscription_is_opened_once(self):
        async with self.relay.async_client() as client:
            async with await client.listen("a"):
                self.assertEqual(client._core.listeners, 1)
            self.assertEqual(client._core.listeners, 0)

    async def test_iterating_opens_a_subscription(self):
        async with self.relay.async_client() as client:
            subscription = client.listen("a")
            task = asyncio.ensure_future(subscription.__anext__())
            while not subscription.outcome:
                await self.soon(client.ping())
            await self.soon(client.publish("a", b"x"))
            self.assertEqual(await self.soon(task), Message("a", b"x"))

    async def test_one_str_is_not_several_patterns(self):
        async with self.relay.async_client() as client:
            with self.assertRaises(hubrelay.Invalid):
                client.listen(patterns="room.*")
            with self.assertRaises(hubrelay.Invalid):
                await client.subscribe(patterns="room.*")

    async def test_whatever_a_connector_raises_is_a_failed_attempt(self):
        def connector(path):
            raise ValueError("no such relay")
        async with hubrelay.AsyncClient(pathlib.Path("/nowhere/relay.sock"), connector=connector) as client:
            with self.assertRaises(hubrelay.NotConnected) as failure:
                await self.soon(client.publish("a", b"x"))
            self.assertIn("no such relay", str(failure.exception))


class Forks(unittest.TestCase):
    def test_a_child_is_a_new_client_and_the_parent_notices_nothing(self):
        with FakeRelay() as relay:
            loop = asyncio.new_event_loop()
            self.addCleanup(loop.close)
            client = relay.async_client()
            subscription = loop.run_until_complete(client.listen("a")._open())
            pid = os.fork()
            if pid == 0:  # the fake relay's thread is not here, so only what needs no relay is looked at
                os._exit(0 if client._sockets == {} and subscription._queue.is_ended and
                         not client.status.connected else 1)
            self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0)
            self.assertEqual(loop.run_until_complete(client.publish("a", b"x")), 1)
            loop.run_until_complete(client.close())


if __name__ == "__main__":
    unittest.main()
