"""What broadcaster expects of a backend, on a real relay: https://github.com/encode/broadcaster.

Its own tests are not in its source distribution; `run upstream` runs those of a checkout, too.
"""
import asyncio
import logging
import unittest
from unittest import mock

from broadcaster import Broadcast, Event
from broadcaster._base import Unsubscribed
from harness import PATIENCE
from servers import Fleet

import hubrelay
from hubrelay.broadcaster import HubrelayBackend

logging.disable(logging.CRITICAL)


async def soon(awaitable):
    return await asyncio.wait_for(awaitable, PATIENCE)


class Backend(unittest.IsolatedAsyncioTestCase):
    fleet: Fleet

    @classmethod
    def setUpClass(cls):
        cls.fleet = Fleet(relays=1)
        cls.addClassCleanup(cls.fleet.close)

    def broadcast(self, **options):
        """Each is on a connection of its own."""
        return Broadcast(backend=HubrelayBackend(self.fleet.url(), first_use=PATIENCE, **options))

    async def test_a_subscriber_hears_what_is_published(self):
        async with self.broadcast() as broadcast, broadcast.subscribe("a") as subscriber:
            await broadcast.publish("a", "hello ä")
            self.assertEqual(await soon(subscriber.get()), Event("a", "hello ä"))

    async def test_all_subscribers_hear_it_in_order_and_no_other_channel(self):
        async with self.broadcast() as broadcast, broadcast.subscribe("a") as one, broadcast.subscribe("a") as two, \
                broadcast.subscribe("b") as elsewhere:
            sent = [str(number) for number in range(50)]
            await asyncio.gather(*(broadcast.publish("a", text) for text in sent))
            await broadcast.publish("b", "end")
            self.assertEqual((await soon(elsewhere.get())).message, "end")
            for subscriber in (one, two):
                self.assertEqual([(await soon(subscriber.get())).message for _ in sent], sent)

    async def test_another_process_is_heard(self):
        async with self.broadcast() as one, self.broadcast() as other, one.subscribe("a") as subscriber:
            await other.publish("a", "x")
            self.assertEqual((await soon(subscriber.get())).message, "x")

    async def test_events_can_be_iterated_over(self):
        async with self.broadcast() as broadcast, broadcast.subscribe("a") as subscriber:
            await broadcast.publish("a", "x")
            async for event in subscriber:
                self.assertEqual(event, Event("a", "x"))
                break

    async def test_channels_can_be_left_and_entered_one_after_the_other(self):
        async with self.broadcast() as broadcast:
            for channel in ("a", "b", "a"):
                async with broadcast.subscribe(channel) as subscriber:
                    await broadcast.publish(channel, "x")
                    self.assertEqual(await soon(subscriber.get()), Event(channel, "x"))
                self.assertNotIn(channel, broadcast._subscribers)

    async def test_a_subscriber_that_fails_has_left(self):
        async with self.broadcast() as broadcast:
            with self.assertRaises(ZeroDivisionError):
                async with broadcast.subscribe("a"):
                    raise ZeroDivisionError
            self.assertNotIn("a", broadcast._subscribers)
            async with broadcast.subscribe("a") as subscriber:
                await broadcast.publish("a", "x")
                self.assertEqual((await soon(subscriber.get())).message, "x")

    async def test_bytes_and_numbers_come_as_text_as_with_its_redis_backend(self):
        async with self.broadcast() as broadcast, broadcast.subscribe("a") as subscriber:
            for message, text in ((b"x", "x"), (5, "5"), (2.5, "2.5"), ("", "")):
                await broadcast.publish("a", message)
                self.assertEqual((await soon(subscriber.get())).message, text)
            for wrong in ({"a": 1}, None, True):
                with self.assertRaisesRegex(hubrelay.Invalid, "must be bytes or str"):
                    await broadcast.publish("a", wrong)

    async def test_it_can_be_connected_again(self):
        broadcast = self.broadcast()
        for _ in range(3):
            async with broadcast, broadcast.subscribe("a") as subscriber:
                await broadcast.publish("a", "x")
                self.assertEqual((await soon(subscriber.get())).message, "x")

    async def test_before_connect_it_says_so(self):
        with self.assertRaisesRegex(RuntimeError, "connect"):
            await self.broadcast().publish("a", "x")

    async def test_an_error_of_a_subscribe_is_logged_since_broadcast_hides_it(self):
        logger = mock.Mock(logging.getLogger("test"))
        async with self.broadcast(logger=logger) as broadcast:
            with self.assertRaises(KeyError) as failure:
                async with broadcast.subscribe("x" * 513):
                    self.fail("it is subscribed")
            self.assertIsInstance(failure.exception.__context__, hubrelay.Invalid)
            self.assertIn("not subscribed", logger.warning.call_args[0][0])

    async def test_a_hook_that_returns_no_utf_8_is_not_called_for_what_it_has_returned(self):
        losses = []

        def tell(loss):
            losses.append(loss)
            return b"\xff" if len(losses) < 10 else "it has no end"
        async with self.broadcast(on_loss=tell) as broadcast, broadcast.subscribe("a") as subscriber:
            await broadcast._backend.client.publish("a", b"\xff")
            self.assertEqual((await soon(subscriber.get())).message, "\N{REPLACEMENT CHARACTER}")
            self.assertEqual(len(losses), 1)

    async def test_a_subscriber_may_leave_after_disconnect(self):
        async with self.broadcast() as broadcast, broadcast.subscribe("a") as subscriber:
            await broadcast.disconnect()
        with self.assertRaises(Unsubscribed):
            await soon(subscriber.get())

    async def test_after_disconnect_the_listener_waits_and_raises_nothing(self):
        backend = HubrelayBackend(self.fleet.url())
        await backend.connect()
        event = asyncio.ensure_future(backend.next_published())
        await backend.disconnect()
        await backend.disconnect()
        await asyncio.sleep(0)
        self.assertFalse(event.done())
        with self.assertRaisesRegex(RuntimeError, "not connected"):
            await backend.publish("a", "x")
        event.cancel()

    async def test_a_wrong_setting_fails_where_it_is_made(self):
        for settings, error in (({"unknown": 1}, TypeError), ({"name": "x" * 65}, hubrelay.Invalid),
                                ({"on_gap": "gap"}, TypeError)):
            with self.assertRaises(error):
                HubrelayBackend(self.fleet.url(), **settings)
        with self.assertRaisesRegex(ValueError, "three slashes"):
            HubrelayBackend("hubrelay://host/path")


if __name__ == "__main__":
    unittest.main()
