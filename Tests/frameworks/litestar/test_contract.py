"""What Litestar's documentation and its channels plugin expect of a backend, on a real relay.

https://docs.litestar.dev/2/usage/channels.html, and the docstrings of litestar.channels.ChannelsBackend. Upstream's own
tests of this are not in its source distribution; `run upstream` runs those of a checkout, too.
"""
import asyncio
import contextlib
import logging
import time
import unittest

from harness import PATIENCE
from litestar import Litestar, get, post
from litestar.channels import ChannelsPlugin
from litestar.testing import TestClient
from servers import Fleet

import hubrelay
from hubrelay.litestar import HubrelayChannelsBackend

logging.disable(logging.CRITICAL)


@post("/say/{channel:str}")
async def say(channel: str, channels: ChannelsPlugin) -> None:
    channels.publish(["x"], channel)


async def soon(awaitable):
    return await asyncio.wait_for(awaitable, PATIENCE)


class ContractTest(unittest.IsolatedAsyncioTestCase):
    fleet: Fleet

    @classmethod
    def setUpClass(cls):
        cls.fleet = Fleet(relays=1)
        cls.addClassCleanup(cls.fleet.close)

    def backend(self, **options):
        """Each is on a connection of its own."""
        return HubrelayChannelsBackend(self.fleet.url(), first_use=PATIENCE, **options)

    @contextlib.asynccontextmanager
    async def started(self, **options):
        backend = self.backend(**options)
        await backend.on_startup()
        try:
            yield backend
        finally:
            await soon(backend.on_shutdown())


class Backend(ContractTest):
    async def test_what_is_published_to_several_channels_comes_once_from_each(self):
        async with self.started() as backend:
            await backend.subscribe({"a", "b"})
            await backend.publish(b"x", ["a", "b", "a"])
            await backend.publish(b"end", ["a"])
            events = backend.stream_events()
            found = [await soon(events.__anext__()) for _ in range(3)]
            self.assertEqual(sorted(found), [("a", b"end"), ("a", b"x"), ("b", b"x")])

    async def test_one_channel_is_in_order(self):
        async with self.started() as backend:
            await backend.subscribe(["a"])
            sent = [b"%d" % number for number in range(100)]
            await asyncio.gather(*(backend.publish(data, ["a"]) for data in sent))
            events = backend.stream_events()
            self.assertEqual([(await soon(events.__anext__()))[1] for _ in sent], sent)

    async def test_after_unsubscribe_nothing_comes_not_even_what_had_arrived(self):
        async with self.started() as backend:
            await backend.subscribe(["a", "b"])
            await backend.publish(b"x", ["a"])
            await backend.publish(b"x", ["b"])
            await backend.unsubscribe(["a"])
            await backend.publish(b"y", ["a"])
            await backend.publish(b"y", ["b"])
            events = backend.stream_events()
            self.assertEqual([await soon(events.__anext__()) for _ in range(2)], [("b", b"x"), ("b", b"y")])

    async def test_unsubscribe_from_what_was_not_subscribed_to_raises_nothing(self):
        async with self.started() as backend:
            await backend.unsubscribe(["a"])
            await backend.unsubscribe([])

    async def test_a_stream_may_begin_before_the_first_subscription_and_goes_on_without_any(self):
        async with self.started() as backend:
            event = asyncio.ensure_future(backend.stream_events().__anext__())
            await backend.subscribe(["a"])
            await backend.unsubscribe(["a"])
            await backend.subscribe(["b"])
            await backend.publish(b"x", ["b"])
            self.assertEqual(await soon(event), ("b", b"x"))

    async def test_a_publish_that_nobody_hears_holds_no_shutdown_up(self):
        async with self.started() as backend:
            await backend.publish(b"x", {"a"})

    async def test_the_stream_ends_with_the_shutdown(self):
        async with self.started() as backend:
            end = asyncio.ensure_future(backend.stream_events().__anext__())
            await asyncio.sleep(0)
        with self.assertRaises(StopAsyncIteration):
            await soon(end)

    async def test_shutdown_may_come_twice_and_without_a_startup(self):
        backend = self.backend()
        await backend.on_shutdown()
        await backend.on_startup()
        await backend.on_shutdown()
        await backend.on_shutdown()

    async def test_before_the_startup_it_says_so(self):
        backend = self.backend()
        for request in (backend.publish(b"x", ["a"]), backend.subscribe(["a"]), backend.unsubscribe(["a"]),
                        backend.stream_events().__anext__()):
            with self.assertRaisesRegex(RuntimeError, "on_startup"):
                await request

    async def test_there_is_no_history(self):
        async with self.started() as backend:
            with self.assertRaisesRegex(NotImplementedError, "stored"):
                await backend.get_history("a")

    async def test_a_wrong_setting_fails_where_it_is_made(self):
        for settings, error in (({"unknown": 1}, TypeError), ({"name": "x" * 65}, hubrelay.Invalid),
                                ({"on_gap": "gap"}, TypeError), ({"on_publish_error": 1}, TypeError)):
            with self.assertRaises(error):
                self.backend(**settings)
        with self.assertRaisesRegex(ValueError, "three slashes"):
            HubrelayChannelsBackend("hubrelay://host/path")

    async def test_an_error_is_raised_where_a_caller_can_handle_it(self):
        async with self.started() as backend:
            await backend.subscribe(["good"])
            with self.assertRaises(hubrelay.Invalid):
                await backend.publish(b"x", ["x" * 513, "good"])
            self.assertEqual(await soon(backend.stream_events().__anext__()), ("good", b"x"))
            with self.assertRaises(hubrelay.Invalid):
                await backend.subscribe([""])


class Plugin(ContractTest):
    async def heard(self, subscriber, count):
        found = []
        async with subscriber.run_in_background(lambda data: self.take(found, data), join=False):
            while len(found) < count:
                await asyncio.sleep(0.005)
        return found

    def entered(self, plugin, channel):
        """Waits for the subscription of a handler that accepts its socket before it subscribes."""
        script = "return redis.call('PUBSUB', 'NUMSUB', ARGV[1])[2]"
        while not plugin._channels.get(channel) or not self.fleet.redis.command("EVAL", script, 0, channel):
            time.sleep(0.001)

    async def take(self, found, data):
        found.append(data)

    async def test_publish_and_wait_published(self):
        async with ChannelsPlugin(self.backend(), channels=["a", "b"]) as plugin:
            subscriber = await plugin.subscribe(["a", "b"])
            await plugin.wait_published(b"x", "a")
            plugin.publish({"y": 1}, ["a", "b"])
            self.assertEqual(await soon(self.heard(subscriber, 3)), [b"x", b'{"y":1}', b'{"y":1}'])

    async def test_events_can_be_iterated_over_and_a_subscription_ends_with_its_block(self):
        async with ChannelsPlugin(self.backend(), arbitrary_channels_allowed=True) as plugin:
            async with plugin.start_subscription("a") as subscriber:
                await plugin.wait_published("x", "a")
                async for event in subscriber.iter_events():
                    self.assertEqual(event, b"x")
                    break
            await plugin.wait_published("y", "a")
            async with plugin.start_subscription("a") as subscriber:
                await plugin.wait_published("z", "a")
                self.assertEqual(await soon(self.heard(subscriber, 1)), [b"z"])

    async def test_another_process_is_heard(self):
        async with ChannelsPlugin(self.backend(), channels=["a"]) as one, \
                ChannelsPlugin(self.backend(), channels=["a"]) as other:
            subscriber = await one.subscribe("a")
            other.publish("x", "a")
            self.assertEqual(await soon(self.heard(subscriber, 1)), [b"x"])

    async def test_a_slow_subscriber_loses_by_its_own_strategy(self):
        for strategy, kept in (("backoff", [b"1", b"2"]), ("dropleft", [b"2", b"3"])):
            async with ChannelsPlugin(self.backend(), channels=["a", "b"], subscriber_max_backlog=2,
                                      subscriber_backlog_strategy=strategy) as plugin:
                slow, quick = await plugin.subscribe("a"), await plugin.subscribe("b")
                for data in (b"1", b"2", b"3"):
                    await plugin.wait_published(data, "a")
                await plugin.wait_published(b"end", "b")
                self.assertEqual(await soon(self.heard(quick, 1)), [b"end"])  # the others have come before it
                self.assertEqual(await soon(self.heard(slow, 2)), kept)

    async def test_one_backend_serves_one_application_after_the_other(self):
        plugin = ChannelsPlugin(self.backend(), channels=["a"])
        for _ in range(3):
            async with plugin, plugin.start_subscription("a") as subscriber:
                await plugin.wait_published("x", "a")
                self.assertEqual(await soon(self.heard(subscriber, 1)), [b"x"])

    async def test_nothing_that_publish_takes_ends_its_task(self):
        told = []

        async def tell(error, channel, data):
            told.append((type(error).__name__, channel, data))
            raise RuntimeError("the hook of the application is broken, too")

        async def talk():
            async with ChannelsPlugin(self.backend(on_publish_error=tell), arbitrary_channels_allowed=True) as plugin:
                subscriber = await plugin.subscribe("a")
                plugin.publish("x", ["", "a"])
                plugin.publish("y", "a")
                self.assertEqual(await self.heard(subscriber, 2), [b"x", b"y"])
        await soon(talk())  # a shutdown without the task would wait for ever
        self.assertEqual(told, [("Invalid", "", b"x")])

    async def test_a_hook_that_publishes_into_the_outage_is_called_once_for_each_publish(self):
        told, errors = [], []

        async def alarm(error, channel, data):
            told.append(channel)
            try:
                await plugin.wait_published("alarm", "")
            except hubrelay.HubrelayError as failure:
                errors.append(failure)
        plugin = ChannelsPlugin(self.backend(on_publish_error=alarm), arbitrary_channels_allowed=True)
        async with plugin:
            plugin.publish("x", "")
            await soon(plugin._pub_queue.join())
        self.assertEqual((told, len(errors)), ([""], 1))

    async def test_a_plugin_with_another_task_is_never_raised_at(self):
        worker = ChannelsPlugin._pub_worker
        self.addCleanup(setattr, ChannelsPlugin, "_pub_worker", worker)
        async with ChannelsPlugin(self.backend(), arbitrary_channels_allowed=True) as plugin:
            del ChannelsPlugin._pub_worker
            await plugin.wait_published("x", "")

    def test_generated_handlers_send_text_or_bytes_under_their_path(self):
        for mode, base in (("text", "/"), ("binary", "/ws")):
            plugin = ChannelsPlugin(self.backend(), channels=["a"], create_ws_route_handlers=True, ws_send_mode=mode,
                                    ws_handler_base_path=base)
            with TestClient(Litestar([say], plugins=[plugin])) as client, \
                    client.websocket_connect(f"{base.rstrip('/')}/a") as socket:
                self.entered(plugin, "a")
                client.post("/say/a")
                self.assertEqual(socket.receive_json(mode=mode, timeout=PATIENCE), ["x"])

    def test_generated_handlers_for_any_channel(self):
        plugin = ChannelsPlugin(self.backend(), arbitrary_channels_allowed=True, create_ws_route_handlers=True)
        with TestClient(Litestar([say], plugins=[plugin])) as client:
            for channel in ("c", "d"):
                with client.websocket_connect(f"/{channel}") as socket:
                    self.entered(plugin, channel)
                    client.post(f"/say/{channel}")
                    self.assertEqual(socket.receive_json(timeout=PATIENCE), ["x"])

    def test_handlers_get_the_plugin_by_its_name(self):
        @get("/")
        async def handler(channels: ChannelsPlugin) -> str:
            await channels.wait_published("x", "a")
            return type(channels).__name__
        plugin = ChannelsPlugin(self.backend(), channels=["a"])
        with TestClient(Litestar([handler], plugins=[plugin])) as client:
            self.assertEqual(client.get("/").text, "ChannelsPlugin")


if __name__ == "__main__":
    unittest.main()
