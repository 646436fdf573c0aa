"""The stream behind the backends of Litestar and broadcaster: what is refused, and what the application is told."""
import asyncio
import logging
import os
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

import hubrelay
from hubrelay import feed
from hubrelay.testing import FakeRelay

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PATIENCE = 60


class FeedTest(unittest.IsolatedAsyncioTestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="hubrelay-")
        self.addCleanup(directory.cleanup)
        self.relay = FakeRelay(os.path.join(directory.name, "relay.sock"))
        self.addCleanup(self.relay.close)
        self.logger = mock.Mock(logging.getLogger("test"))
        self.told = []
        patch = mock.patch.object(feed, "RETRY", 0.01)
        patch.start()
        self.addCleanup(patch.stop)

    def feed(self, told=None, **options):
        found = feed.Feed("hubrelay://" + self.relay.path, told or {}, self.logger, name="test", gap_jitter=0,
                          first_use=PATIENCE, handshake=PATIENCE, **options)
        found.start()
        self.addAsyncCleanup(found.stop)
        return found

    def tell(self, event):
        self.told.append(event)
        return "told"

    async def next(self, feed):
        return tuple(await asyncio.wait_for(feed.next(), PATIENCE))[:2]

    async def until(self, condition):
        async def ask():
            while not condition():
                await asyncio.sleep(0.001)
        await asyncio.wait_for(ask(), PATIENCE)

    async def test_a_hook_that_waits_for_what_is_cancelled_does_not_end_the_stream(self):
        async def wait(event):
            task = asyncio.ensure_future(asyncio.sleep(PATIENCE))
            task.cancel()
            await task

        def fail(event):
            raise asyncio.CancelledError
        feed = self.feed({hubrelay.Gap: wait, hubrelay.Status: fail})
        await feed.subscribe(feed.client, ["a"], keep=True)
        self.relay.outage()
        self.relay.recover()
        await self.until(lambda: self.relay.publish("a", b"x"))
        self.assertEqual(await self.next(feed), ("a", b"x"))
        self.assertTrue(self.logger.exception.called)

    async def test_an_application_may_trace_and_its_errors_do_not_end_the_stream(self):
        class Tracing(hubrelay.Hooks):
            def before_delivery(self, message):
                if message.payload == b"x":
                    raise ZeroDivisionError
        feed = self.feed(hooks=Tracing())
        await feed.subscribe(feed.client, ["a"], keep=True)
        self.relay.publish("a", b"x")
        self.relay.publish("a", b"y")
        self.assertEqual(await self.next(feed), ("a", b"y"))
        self.assertTrue(self.logger.exception.called)

    async def test_who_is_cancelled_while_subscribing_leaves_no_subscription(self):
        feed = self.feed()
        await feed.client.ready(PATIENCE)
        for others in (False, True):
            caller = asyncio.ensure_future(feed.subscribe(feed.client, ["a"], keep=False))
            other = asyncio.ensure_future(feed.subscribe(feed.client, ["a"] if others else ["b"], keep=False))
            await asyncio.sleep(0)
            caller.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await caller
            await asyncio.wait_for(other, PATIENCE)
            await self.until(lambda: not feed._leaving)
            self.assertEqual(self.relay.publish("a", b"x"), int(others), "the other one hears it")
            self.assertEqual(feed._wanted, {"a", "b"} if others else {"b"})
        self.assertFalse(feed._asked)

    async def test_who_comes_when_another_is_cancelled_is_subscribed(self):
        feed = self.feed()
        await feed.client.ready(PATIENCE)
        caller = asyncio.ensure_future(feed.subscribe(feed.client, ["a"], keep=False))
        await asyncio.sleep(0)
        caller.cancel()
        await asyncio.gather(caller, feed.subscribe(feed.client, ["a"], keep=False), return_exceptions=True)
        await self.until(lambda: not feed._leaving)
        self.assertEqual(self.relay.publish("a", b"x"), 1)

    async def test_a_reader_that_is_cancelled_ends_its_hook(self):
        begun, ended = asyncio.Event(), []

        async def wait(event):
            begun.set()
            try:
                await asyncio.sleep(PATIENCE)
            except asyncio.CancelledError:
                ended.append(event)
                raise
        feed = self.feed({hubrelay.Status: wait})
        reader = asyncio.ensure_future(feed.next())
        await asyncio.wait_for(begun.wait(), PATIENCE)
        reader.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await reader
        self.assertEqual(len(ended), 1)

    async def test_what_a_hook_returns_comes_in_its_place_to_every_channel(self):
        async def tell(event):
            return self.tell(event)
        feed = self.feed({hubrelay.Gap: tell})
        await feed.subscribe(feed.client, ["a", "b"], keep=True)
        self.relay.publish("a", b"1")
        self.relay.outage()
        self.relay.recover()
        self.assertEqual([await self.next(feed) for _ in range(3)], [("a", b"1"), ("a", b"told"), ("b", b"told")])
        self.relay.publish("b", b"2")
        self.assertEqual(await self.next(feed), ("b", b"2"))
        self.assertEqual([type(event) for event in self.told], [hubrelay.Gap])

    async def test_a_hook_that_fails_or_returns_something_else_is_logged_and_harms_nothing(self):
        feed = self.feed({hubrelay.Gap: lambda gap: 1 / 0, hubrelay.Status: lambda status: 1})
        await feed.subscribe(feed.client, ["a"], keep=True)
        self.relay.outage()
        self.relay.recover()
        await self.until(lambda: self.relay.publish("a", b"x"))
        self.relay.publish("a", b"y")
        self.assertEqual([await self.next(feed) for _ in range(2)], [("a", b"x"), ("a", b"y")])
        self.relay.outage()
        self.relay.recover()
        while not self.logger.exception.called:  # the Gap may come behind the messages
            self.relay.publish("a", b"z")
            await self.next(feed)
        self.assertIn("it may return bytes, a str or None", self.logger.error.call_args[0][0])

    async def test_what_is_refused_is_raised_and_asked_for_again_where_the_framework_does_not(self):
        feed = self.feed({hubrelay.Gap: self.tell})
        self.relay.refuse("b")
        with self.assertRaises(hubrelay.Refused):
            await feed.subscribe(feed.client, ["a", "b"], keep=True)
        self.assertEqual(await self.next(feed), ("a", b"told"))  # it is granted at once, since it was not refused
        self.assertEqual(await self.next(feed), ("b", b"told"))
        self.relay._refused.clear()
        self.assertEqual([await self.next(feed) for _ in range(2)], [("a", b"told"), ("b", b"told")])
        self.assertIn("b was refused before", self.told[-1].reasons[0])
        self.assertEqual(self.relay.publish("b", b"x"), 1)
        self.assertEqual(await self.next(feed), ("b", b"x"))

    async def test_what_is_refused_is_forgotten_where_the_framework_asks_again(self):
        feed = self.feed()
        self.relay.refuse("a")
        with self.assertRaises(hubrelay.Refused):
            await feed.subscribe(feed.client, ["a"], keep=False)
        self.assertFalse(feed._refused or feed._wanted or feed._asking)

    async def test_what_will_never_be_a_channel_is_not_asked_for_again_and_keeps_no_other_away(self):
        feed = self.feed({hubrelay.Gap: self.tell})
        with self.assertRaises(hubrelay.Invalid):
            await feed.subscribe(feed.client, ["", "a"], keep=True)
        self.assertEqual(await self.next(feed), ("a", b"told"))
        await self.until(lambda: not feed._asking)
        self.assertEqual((feed._wanted, feed._refused), ({"a"}, set()))

    async def test_what_is_revoked_is_told_and_comes_back(self):
        feed = self.feed({hubrelay.Revoked: self.tell, hubrelay.Gap: lambda gap: "again"})
        await feed.subscribe(feed.client, ["a", "b"], keep=True)
        self.relay.refuse("a")
        self.relay.revoke("a")
        self.assertEqual(await self.next(feed), ("a", b"told"))
        self.relay._refused.clear()
        self.assertEqual([await self.next(feed) for _ in range(2)], [("a", b"again"), ("b", b"again")])
        self.relay.publish("a", b"x")
        self.assertEqual(await self.next(feed), ("a", b"x"))

    async def test_what_is_given_up_is_not_asked_for_any_more(self):
        feed = self.feed()
        self.relay.refuse("a")
        with self.assertRaises(hubrelay.Refused):
            await feed.subscribe(feed.client, ["a"], keep=True)
        await feed.unsubscribe(feed.client, ["a"])
        await self.until(lambda: not feed._asking)
        self.relay._refused.clear()
        self.assertEqual(self.relay.publish("a", b"x"), 0)

    async def test_one_line_for_each_change(self):
        feed = self.feed()
        await feed.subscribe(feed.client, ["a"], keep=True)
        for _ in range(2):
            self.relay.outage()
            self.relay.outage()
            self.relay.recover()
            self.relay.publish("a", b"x")
            await self.next(feed)
        lines = [call[0][2:] for call in self.logger.log.call_args_list]
        self.assertEqual(lines, [("UP", "")] + [("DOWN", ": Redis is away"), ("UP", "")] * 2)


class Missing(unittest.TestCase):
    def test_without_its_framework_a_backend_says_what_to_install(self):
        for name, package in (("litestar", "Litestar"), ("broadcaster", "broadcaster")):
            program = f"import sys; sys.modules[{name!r}] = None; import hubrelay; import hubrelay.{name}"
            ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False,
                                   env={**os.environ, "PYTHONPATH": ROOT})
            self.assertIn(f"ImportError: hubrelay.{name} needs {package}: pip install {name}", ended.stderr)


if __name__ == "__main__":
    unittest.main()
