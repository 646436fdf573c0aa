"""The channel layer by itself: what the specification says, and what an application is told. The relay is in memory."""
import asyncio
import gc
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading
import time
import types
import unittest
import weakref
from unittest import mock

import msgpack
from asgiref.sync import async_to_sync, sync_to_async
from channels.consumer import AsyncConsumer
from channels.exceptions import InvalidChannelLayerError, MessageTooLarge, StopConsumer
from channels.testing import ApplicationCommunicator
from channels_redis.serializers import registry as redis_registry
from cryptography.fernet import InvalidToken
from harness import PATIENCE

import app_settings  # noqa: F401
import hubrelay
import hubrelay.testing
from hubrelay.channels import HubrelayChannelLayer, channel_layer_event, registry
from hubrelay.channels.queues import MAX_BYTES, ChannelQueue

NOTICES = {"on_gap": "hubrelay.gap", "on_disconnect": "hubrelay.disconnect", "on_reconnect": "hubrelay.reconnect"}


def message(number):
    return {"type": "test.message", "number": number}


class LayerTest(unittest.IsolatedAsyncioTestCase):
    """A test with a relay in memory."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="hubrelay-")
        self.addCleanup(directory.cleanup)
        self.relay = hubrelay.testing.FakeRelay(os.path.join(directory.name, "relay.sock"))
        self.addCleanup(self.relay.close)

    def layer(self, **config):
        options = {"gap_jitter": 0, "first_use": PATIENCE, "handshake": PATIENCE, **config.pop("hubrelay_options", {})}
        return HubrelayChannelLayer(self.relay.path, hubrelay_options=options, **config)

    async def soon(self, awaitable):
        return await asyncio.wait_for(awaitable, PATIENCE)

    async def received(self, layer, channel, count=1):
        """The next `count` messages: their numbers, or what else they are."""
        found = [await self.soon(layer.receive(channel)) for _ in range(count)]
        return [each.get("number", each) for each in found]

    async def until(self, condition):
        """Waits for what happens in another thread or task."""
        deadline = asyncio.get_running_loop().time() + PATIENCE
        while not condition():
            self.assertLess(asyncio.get_running_loop().time(), deadline)
            await asyncio.sleep(0.001)

    async def in_group(self, layer, group="g", prefix="specific."):
        channel = await layer.new_channel(prefix)
        await self.soon(layer.group_add(group, channel))
        return channel

    def listeners(self, channel):
        """How many connections hear this channel of the relay."""
        return self.relay.publish(channel, b"")

    def events(self, *kinds):
        """The events of these kinds that the signal tells, as they come, and the threads in which it does."""
        found = []

        def receive(sender, channel_layer, event, **kwargs):
            if sender is HubrelayChannelLayer and isinstance(event, kinds):
                found.append((event, threading.current_thread()))
        channel_layer_event.connect(receive)
        self.addCleanup(channel_layer_event.disconnect, receive)
        return found


class Groups(LayerTest):
    async def test_a_group_is_subscribed_to_while_somebody_of_this_loop_is_in_it(self):
        layer = self.layer()
        first, second = [await self.in_group(layer) for _ in range(2)]
        self.assertEqual(self.listeners("asgi__group__g"), 1)
        await layer.group_discard("g", first)
        await layer.group_discard("g", first)
        await layer.group_send("g", message(1))
        self.assertEqual(await self.received(layer, second), [1])
        await layer.send(first, message(2))
        self.assertEqual(await self.received(layer, first), [2], "the message of the group did not come before")
        await layer.group_discard("g", second)
        await self.until(lambda: not self.listeners("asgi__group__g"))

    async def test_leaving_and_coming_again_at_once(self):
        layer = self.layer()
        channel = await self.in_group(layer)
        for number in range(50):
            await layer.group_discard("g", channel)
            await layer.group_add("g", channel)
            await layer.group_send("g", message(number))
            self.assertEqual(await self.received(layer, channel), [number])

    async def test_many_who_come_at_once_share_one_subscription(self):
        layer, asked = self.layer(), []
        subscribe = hubrelay.AsyncClient.subscribe

        async def count(client, *channels):
            asked.extend(channels)
            return await subscribe(client, *channels)
        with mock.patch.object(hubrelay.AsyncClient, "subscribe", count):
            channels = await self.soon(asyncio.gather(*[self.in_group(layer) for _ in range(50)]))
        self.assertEqual(asked, [layer.subscription_of(channels[0]), "asgi__group__g"])
        await layer.group_send("g", message(1))
        for channel in channels:
            self.assertEqual(await self.received(layer, channel), [1])

    async def test_one_who_gives_up_coming_leaves_the_others_alone(self):
        layer = self.layer()
        first, second = [await layer.new_channel() for _ in range(2)]
        coming = [asyncio.ensure_future(layer.group_add("g", channel)) for channel in (first, second)]
        await asyncio.sleep(0)
        coming[0].cancel()
        await self.soon(coming[1])
        await layer.group_send("g", message(1))
        self.assertEqual(await self.received(layer, second), [1])

    async def test_only_channels_of_this_loop_can_be_added(self):
        with self.assertRaisesRegex(RuntimeError, "not a channel of this event loop"):
            await self.layer().group_add("g", "specific.somebody!else")

    async def test_a_group_that_redis_refuses(self):
        layer = self.layer()
        channel = await layer.new_channel()
        self.relay.refuse("asgi__group__secret")
        for _ in range(2):
            with self.assertRaises(hubrelay.Refused):
                await self.soon(layer.group_add("secret", channel))
        with self.assertRaises(hubrelay.Refused):
            await self.soon(layer.group_send("secret", message(1)))

    async def test_membership_ends_after_group_expiry_and_the_consumer_is_told(self):
        layer = self.layer(group_expiry=0.05, **NOTICES)
        channel = await self.in_group(layer)
        notice, = await self.received(layer, channel)
        self.assertEqual(notice["type"], "hubrelay.gap")
        self.assertIn("group_expiry", notice["reasons"][0])
        await self.until(lambda: not self.listeners("asgi__group__g"))

    async def test_adding_again_prolongs_membership(self):
        clock = types.SimpleNamespace(now=0)
        clock.monotonic = lambda: clock.now
        with mock.patch("hubrelay.channels.loops.time", clock):
            layer, for_ever = self.layer(), self.layer(group_expiry=None)
            channel = await self.in_group(layer)
            await self.in_group(for_ever, "for ever")
            clock.now = 50_000
            await layer.group_add("g", channel)
            clock.now = 136_399
            layer._get_layer()._sweep()
            await layer.group_send("g", message(1))
            self.assertEqual(await self.received(layer, channel), [1])
            clock.now = 136_401
            for each in (layer, for_ever):
                each._get_layer()._sweep()
            await self.until(lambda: not self.listeners("asgi__group__g"))
            self.assertEqual(self.listeners("asgi__group__for ever"), 1)


class Channels(LayerTest):
    async def test_process_specific_channels_of_a_loop_share_one_subscription(self):
        layer = self.layer()
        names = [await layer.new_channel(prefix) for prefix in ("specific.", "other-", "")]
        self.assertEqual({layer.subscription_of(name) for name in names}, {layer.subscription_of(names[0])})
        for number, name in enumerate(names):
            self.assertLess(len(name), 100)
            await layer.send(name, message(number))
            self.assertEqual(await self.received(layer, name), [number])

    async def test_a_receive_that_is_given_up_loses_nothing(self):
        """As in a view that sends something by itself whenever nothing comes for a while."""
        layer = self.layer()
        channel = await self.in_group(layer)
        for number in range(5):
            with self.assertRaises(asyncio.TimeoutError):
                await asyncio.wait_for(layer.receive(channel), 0.001)
            await layer.group_send("g", message(number))
            self.assertEqual(await self.received(layer, channel), [number])

    async def test_how_long_a_channel_lives(self):
        queue = ChannelQueue("c", "c", 100, 0)
        self.assertTrue(queue.is_abandoned(61, 60), "nobody has used it since it was made")
        self.assertFalse(queue.is_abandoned(60, 60), "not yet")
        queue.has_owner = True
        self.assertFalse(queue.is_abandoned(600, 60))
        self.assertTrue(queue.is_abandoned(601, 60), "one of many of a task that lives on")
        queue.groups["g"] = 0
        self.assertFalse(queue.is_abandoned(100_000, 60), "its owner may be busy for long")
        queue.has_owner = False
        self.assertFalse(queue.is_abandoned(100_000, 60), "in a group where nothing comes")
        queue.put(b"1", 1)
        queue.expire(1)
        self.assertTrue(queue.is_abandoned(61, 60))
        receiving = asyncio.ensure_future(queue.get())
        await asyncio.sleep(0)
        self.assertFalse(queue.is_abandoned(100_000, 60))
        queue.put(b"2", 2)
        await receiving
        self.assertFalse(queue.is_abandoned(100_000, 60), "a message was received since others expired")

    async def test_who_disconnects_without_leaving_is_forgotten(self):
        layer = self.layer()
        task = asyncio.ensure_future(self.consumer(layer))
        await self.until(lambda: self.listeners("asgi__group__g"))
        task.cancel()
        await self.until(lambda: not self.listeners("asgi__group__g"))

    async def consumer(self, layer):
        channel = await layer.new_channel()
        await layer.group_add("g", channel)  # no wait_for: before Python 3.12 it may overlook that it is cancelled
        while True:
            await asyncio.ensure_future(layer.receive(channel))

    async def test_a_consumer_that_fails_at_a_message_is_forgotten(self):
        class Failing(AsyncConsumer):
            async def test_start(self, event):
                await self.channel_layer.group_add("g", self.channel_name)

            async def test_message(self, event):
                raise StopConsumer

        layer = self.layer()
        with mock.patch("channels.consumer.get_channel_layer", lambda alias: layer):
            consumer = ApplicationCommunicator(Failing.as_asgi(), {"type": "test"})
            await consumer.send_input({"type": "test.start"})
            await self.until(lambda: self.listeners("asgi__group__g"))
            await layer.group_send("g", message(1))
            await self.until(consumer.future.done)
            await self.until(lambda: not self.listeners("asgi__group__g"))

    async def test_a_channel_that_was_made_for_others_is_forgotten_when_nobody_uses_it(self):
        """Not before messages have expired in it, if it is in a group."""
        layer = self.layer(expiry=0.05)
        channel = await asyncio.create_task(self.in_group(layer))
        await asyncio.sleep(0.2)  # several times what is looked at for expiry
        self.assertEqual(self.listeners("asgi__group__g"), 1)
        await self.until(lambda: not self.listeners("asgi__group__g"))
        with self.assertRaises(RuntimeError):
            await layer.group_add("g", channel)

    async def test_a_normal_channel_that_nobody_receives_from_any_more_is_left(self):
        layer = self.layer(expiry=0.05)
        receiving = asyncio.ensure_future(layer.receive("thumbnails"))
        await self.until(lambda: self.listeners("asgithumbnails"))
        receiving.cancel()
        await self.until(lambda: not self.listeners("asgithumbnails"))
        receiving = asyncio.ensure_future(layer.receive("thumbnails"))
        await self.until(lambda: self.listeners("asgithumbnails"))
        while not receiving.done():  # on a busy machine one may expire before it is taken
            await layer.send("thumbnails", message(1))
            await asyncio.sleep(0.01)
        self.assertEqual((await self.soon(receiving))["number"], 1)

    async def test_a_message_goes_to_one_of_those_that_wait_and_to_the_next_if_that_gives_up(self):
        layer = self.layer()
        channel = await layer.new_channel()
        first, second = [asyncio.ensure_future(layer.receive(channel)) for _ in range(2)]
        await asyncio.sleep(0)
        queue = layer._get_layer()._channels[channel]
        queue.put(layer.serialize(message(1)), float("inf"))
        first.cancel()  # it was woken
        self.assertEqual((await self.soon(second))["number"], 1)

    async def test_a_channel_of_another_loop_can_be_received_from(self):
        layer = self.layer()

        async def make():
            return await layer.new_channel()
        channel = await asyncio.to_thread(asyncio.run, make())
        await self.until(lambda: not self.relay._connections)  # that of the loop that has ended
        receiving = asyncio.ensure_future(layer.receive(channel))
        await self.until(lambda: self.listeners(layer.subscription_of(channel)))
        await layer.send(channel, message(1))
        self.assertEqual((await self.soon(receiving))["number"], 1)

    async def test_names(self):
        layer = self.layer()
        for name in ("room 7", "räume", "a" * 480, "user:7@example.com"):
            channel = await self.in_group(layer, name)
            await layer.group_send(name, message(1))
            self.assertEqual(await self.received(layer, channel), [1])
        for wrong in ("", None, b"bytes", 7, "a" * 520, "\ud800"):
            for request in (layer.send(wrong, message(1)), layer.receive(wrong), layer.group_add(wrong, channel),
                            layer.group_discard(wrong, channel), layer.group_send(wrong, message(1))):
                with self.assertRaisesRegex(TypeError, "name"):
                    await request
            with self.assertRaises(TypeError):
                await asyncio.to_thread(layer.group_send_sync, wrong, message(1))

    async def test_a_message_that_is_too_large_says_what_to_do(self):
        layer = self.layer()
        large = {"type": "test.message", "data": b"x" * hubrelay.testing.MAX_PAYLOAD_BYTES}
        for send, name in ((layer.send, "thumbnails"), (layer.group_send, "g")):
            with self.assertRaisesRegex(MessageTooLarge, "--max-payload"):
                await send(name, large)
        for send, name in ((layer.send_sync, "thumbnails"), (layer.group_send_sync, "g")):
            with self.assertRaisesRegex(MessageTooLarge, "--max-payload"):
                await asyncio.to_thread(send, name, large)

    async def test_flush(self):
        layer = self.layer()
        channel = await self.in_group(layer)
        waiting = asyncio.ensure_future(layer.receive("thumbnails"))
        await self.until(lambda: self.listeners("asgithumbnails"))
        await layer.group_send("g", message(1))
        await self.until(lambda: layer._get_layer()._channels[channel]._messages)
        await self.soon(layer.flush())
        await self.until(lambda: not self.listeners("asgi__group__g"))
        await self.until(lambda: self.listeners("asgithumbnails"))
        await layer.send("thumbnails", message(2))
        self.assertEqual((await self.soon(waiting))["number"], 2, "who waited goes on waiting")
        waiting = asyncio.ensure_future(layer.receive(channel))
        await self.until(lambda: self.listeners(layer.subscription_of(channel)))
        await layer.send(channel, message(3))
        self.assertEqual((await self.soon(waiting))["number"], 3, "message 1 was forgotten")
        await self.soon(layer.flush())
        await self.until(lambda: not self.relay._connections)


class Bounds(LayerTest):
    async def test_a_channel_at_capacity_takes_no_more_and_its_consumer_is_told_where(self):
        layer = self.layer(capacity=3, channel_capacity={"small-*": 2}, on_gap="hubrelay.gap")
        events = self.events(hubrelay.Loss)
        small, large = await self.in_group(layer, prefix="small-"), await self.in_group(layer)
        with self.assertLogs("hubrelay.channels", "WARNING") as logged:
            for number in range(3):
                await layer.group_send("g", message(number))
            self.assertEqual(await self.received(layer, large, 3), [0, 1, 2])
            await self.until(lambda: events)
        *numbers, notice = await self.received(layer, small, 3)
        self.assertEqual(numbers, [0, 1])
        self.assertEqual(notice, {"type": "hubrelay.gap", "partial": False,
                                  "reasons": ["messages were dropped: the channel is over capacity"]})
        self.assertEqual([event for event, _ in events], [hubrelay.Loss(
            messages=1, reason="the channel is over capacity", cause=hubrelay.Cause.SLOW_READER, local=True)])
        self.assertEqual(len(logged.output), 1)
        await layer.group_send("g", message(3))
        self.assertEqual(await self.received(layer, small), [3])

    async def test_many_drops_are_one_line_of_the_log(self):
        layer, events = self.layer(capacity=1), self.events(hubrelay.Loss)
        full, reading = [await self.in_group(layer) for _ in range(2)]
        with self.assertLogs("hubrelay.channels", "WARNING") as logged, \
                mock.patch("hubrelay.channels.telling.REPORT_PERIOD", 10 * PATIENCE):
            for number in range(50):
                await layer.group_send("g", message(number))
                self.assertEqual(await self.received(layer, reading), [number])
            await layer.flush()
            await layer._get_layer()._teller.close()
        self.assertEqual(len(logged.output), 2, "at once, and at the end")
        await self.until(lambda: sum(event.messages for event, _ in events) == 49)

    async def test_what_is_not_received_in_time_expires(self):
        layer, events = self.layer(expiry=0.02, on_gap="hubrelay.gap"), self.events(hubrelay.Loss)
        channel = await self.in_group(layer)
        await layer.group_send("g", message(1))
        await self.until(lambda: events)
        notice, = await self.received(layer, channel)
        self.assertEqual(notice["reasons"], ["messages were dropped: not received within 0.02 s"])
        await layer.group_send("g", message(2))
        while (await self.received(layer, channel))[0] != 2:  # on a busy machine it may expire, too, which is told
            await layer.group_send("g", message(2))

    async def test_a_channel_has_a_bound_in_bytes_too(self):
        queue = ChannelQueue("c", "c", 100, 0)
        self.assertTrue(queue.put(b"x" * (MAX_BYTES + 1), 1), "one always fits")
        self.assertFalse(queue.put(b"x", 1))
        await queue.get()
        self.assertTrue(queue.put(b"x" * MAX_BYTES, 1))
        self.assertFalse(queue.put(b"x", 1))

    async def test_notices_between_messages(self):
        queue = ChannelQueue("c", "c", 100, 0)
        gap = {"type": "gap", "reasons": ["a"], "partial": True}
        queue.put(b"1", 5)
        queue.put_gap(gap)
        queue.put_gap({"type": "gap", "reasons": ["b", "a"], "partial": False})
        queue.put(b"2", 10)
        queue.put_state("down", ("down", "up"))
        queue.put_state("up", ("down", "up"))
        self.assertEqual(queue.expire(5), 1)
        queue.put_gap({"type": "gap", "reasons": ["c"], "partial": False}, first=True)
        found = [await queue.get() for _ in range(3)]
        self.assertEqual(found, [{"type": "gap", "reasons": ["a", "b", "c"], "partial": False}, b"2", {"type": "up"}])
        self.assertEqual(queue.expire(100), 0)


class Told(LayerTest):
    async def outage(self, layer):
        """One, of which the layer knows, and its end."""
        self.relay.outage()
        await self.until(lambda: layer._get_layer()._is_receiving is False)
        gaps = layer._get_layer().client.counters.gaps
        self.relay.recover()
        await self.until(lambda: layer._get_layer()._is_receiving and layer._get_layer().client.counters.gaps > gaps)

    async def test_consumers_that_are_in_a_group_are_told_in_their_order(self):
        layer = self.layer(**NOTICES)
        channel, alone = await self.in_group(layer), await layer.new_channel()
        await layer.group_send("g", message(1))
        self.assertEqual(await self.received(layer, channel), [1])
        self.relay.outage("Redis is away")
        self.assertEqual(await self.received(layer, channel), [{"type": "hubrelay.disconnect"}])
        with self.assertRaisesRegex(hubrelay.NotConnected, ""):
            await layer.group_send("g", message(2))
        self.relay.recover()
        reconnect, gap = await self.received(layer, channel, 2)
        self.assertEqual(reconnect, {"type": "hubrelay.reconnect"})
        self.assertEqual(gap, {"type": "hubrelay.gap", "reasons": ["Redis is away"], "partial": False})
        await layer.send(alone, message(3))
        self.assertEqual(await self.received(layer, alone), [3], "it is in no group, and was told nothing")

    async def test_nothing_is_told_to_consumers_unless_it_is_asked_for(self):
        layer = self.layer()
        channel = await self.in_group(layer)
        await self.outage(layer)
        await layer.group_send("g", message(1))
        self.assertEqual(await self.received(layer, channel), [1])

    async def test_a_busy_consumer_is_told_of_many_outages_once(self):
        layer = self.layer(**NOTICES)
        channel = await self.in_group(layer)
        for _ in range(5):
            await self.outage(layer)
        await layer.group_send("g", message(1))
        found = await self.received(layer, channel, 3)
        self.assertEqual(sorted(each["type"] for each in found[:2]), ["hubrelay.gap", "hubrelay.reconnect"])
        self.assertEqual(found[2], 1)

    async def test_who_comes_in_an_outage_is_told(self):
        layer = self.layer(**NOTICES)
        await self.in_group(layer)
        self.relay.outage()
        await self.until(lambda: layer._get_layer()._is_receiving is False)
        channel = await self.in_group(layer, "other")
        self.assertEqual(await self.received(layer, channel), [{"type": "hubrelay.disconnect"}])

    async def test_without_a_relay_channels_and_groups_begin_when_there_is_one(self):
        self.relay.leave()
        layer = self.layer(**NOTICES)
        channel = await self.in_group(layer)
        with self.assertRaises(hubrelay.NotConnected):
            await layer.group_send("g", message(1))
        with self.assertRaises(hubrelay.NotConnected):
            await asyncio.to_thread(layer.group_send_sync, "g", message(1))
        self.relay.come_back()
        notices = []
        while "hubrelay.gap" not in notices:
            notices += [each["type"] for each in await self.received(layer, channel)]
        await layer.group_send("g", message(2))
        self.assertEqual(await self.received(layer, channel), [2])

    async def test_lost_messages_are_a_gap(self):
        layer, events = self.layer(on_gap="hubrelay.gap"), self.events(hubrelay.Loss)
        channel = await self.in_group(layer)
        self.relay.lose(3)
        self.assertEqual(await self.received(layer, channel), [
            {"type": "hubrelay.gap", "reasons": ["slow reader"], "partial": False}])
        await self.until(lambda: [event.messages for event, _ in events] == [3])

    async def test_a_group_that_is_revoked_is_told_and_asked_for_again(self):
        layer, events = self.layer(on_gap="hubrelay.gap"), self.events(hubrelay.Revoked)
        channel = await self.in_group(layer)
        with self.assertLogs("hubrelay.channels", "ERROR"):
            self.relay.revoke("asgi__group__g")
            self.assertEqual((await self.received(layer, channel))[0]["type"], "hubrelay.gap")
        await self.until(lambda: events)
        await self.in_group(layer)
        await layer.group_send("g", message(1))
        found = await self.received(layer, channel, 2)
        self.assertEqual(found[0]["reasons"], ["it was revoked before, and is received again"])
        self.assertEqual(found[1:], [1], "it is heard by all who were in it")

    async def test_a_task_that_makes_many_channels_keeps_those_alone_that_are_in_use(self):
        layer, kept = self.layer(expiry=0.001), []
        of_loop = layer._get_layer()
        make = of_loop._make

        def kept_weakly(name):
            channel = make(name)
            kept.append(weakref.ref(channel))
            return channel

        with mock.patch.object(of_loop, "_make", kept_weakly):
            for end in (lambda: self.until(lambda: not of_loop._channels), layer.flush):
                for _ in range(20):
                    await layer.new_channel()
                await end()
                self.assertTrue(kept)
                await self.until(lambda: gc.collect() is not None and not any(each() for each in kept))
                kept.clear()

    async def test_what_is_revoked_is_asked_for_again_while_somebody_waits(self):
        with mock.patch("hubrelay.channels.loops.RETRY", 0.01):
            layer, events = self.layer(on_gap="hubrelay.gap"), self.events(hubrelay.Revoked)
            channel = await self.in_group(layer)
            worker = asyncio.ensure_future(layer.receive("worker"))
            await self.until(lambda: getattr(layer._get_layer()._channels.get("worker"), "is_awaited", False))
            for count, subscription in enumerate(("asgiworker", layer.subscription_of(channel), "asgi__group__g"), 1):
                with self.subTest(subscription):
                    self.relay.revoke(subscription)
                    await self.until(lambda: len(events) == count)
                    await self.until(lambda: not layer._get_layer()._revoked)
                    if subscription != "asgiworker":
                        self.assertEqual((await self.received(layer, channel))[0]["type"], "hubrelay.gap")
            await self.until(lambda: layer._get_layer()._asking is None)
            for send in (layer.send("worker", message(1)), layer.send(channel, message(2)),
                         layer.group_send("g", message(3))):
                await self.soon(send)
            self.assertEqual((await self.soon(worker))["number"], 1)
            self.assertEqual(await self.received(layer, channel, 2), [2, 3])

    async def test_what_is_revoked_and_not_needed_any_more_is_not_asked_for_again(self):
        with mock.patch("hubrelay.channels.loops.RETRY", 0.01):
            layer = self.layer()
            channel = await self.in_group(layer)
            self.relay.refuse("asgi__group__g")
            self.relay.revoke("asgi__group__g")
            await self.until(lambda: layer._get_layer()._revoked)
            await layer.group_discard("g", channel)
            await self.until(lambda: layer._get_layer()._asking is None)
            self.assertFalse(layer._get_layer()._subscribing.keys() - {layer.subscription_of(channel)})
            self.relay.revoke(layer.subscription_of(channel))
            await self.until(lambda: layer._get_layer()._revoked)
            await layer.flush()
            await self.until(lambda: layer._get_layer()._asking is None)

    async def test_the_signal_is_sent_in_a_thread_and_its_receivers_may_fail(self):
        def fail(**kwargs):
            raise ValueError("a receiver of the application's")
        channel_layer_event.connect(fail)
        self.addCleanup(channel_layer_event.disconnect, fail)
        layer, events = self.layer(), self.events(hubrelay.Status, hubrelay.Gap)
        channel = await self.in_group(layer)
        self.relay.outage("Redis is away")
        self.relay.recover()
        await self.until(lambda: any(isinstance(event, hubrelay.Gap) for event, _ in events))
        self.assertIn("Redis is away", [event.reason for event, _ in events if isinstance(event, hubrelay.Status)])
        self.assertNotIn(threading.current_thread(), [thread for _, thread in events])
        await layer.group_send("g", message(1))
        self.assertEqual(await self.received(layer, channel), [1])

    async def test_an_outage_is_one_line_of_the_log_at_its_begin(self):
        layer = self.layer()
        await self.in_group(layer)
        with self.assertLogs("hubrelay.channels", "WARNING") as logged:
            await self.outage(layer)
            await self.until(lambda: len(logged.output) == 3)
        self.assertIn("no messages are received: Redis is away", logged.output[0])
        self.assertIn("received again", logged.output[1])
        self.assertIn("may have been missed", logged.output[2])

    async def test_what_cannot_be_decoded_harms_nobody(self):
        layer, events = self.layer(on_gap="hubrelay.gap"), self.events(hubrelay.Loss)
        channel = await self.in_group(layer)
        self.relay.publish("asgi__group__g", b"\xc1")
        await layer.group_send("g", message(1))
        notice, number = await self.received(layer, channel, 2)
        self.assertIn("not in this layer's format", notice["reasons"][0])
        self.assertEqual(number, 1)
        await self.until(lambda: events)
        self.assertEqual(events[0][0].cause, hubrelay.Cause.INVALID)


class Formats(LayerTest):
    MESSAGE = {"type": "test.message", "text": "ä", "list": [1, -2 ** 62, 1.5, None, True, {"a": "b"}]}

    async def test_the_bytes_are_those_of_channels_redis(self):
        for format in ("msgpack", "json"):
            for keys in (None, ["new", "old"]):
                ours = registry.get_serializer(format, symmetric_encryption_keys=keys)
                theirs = redis_registry.get_serializer(format, symmetric_encryption_keys=keys)
                self.assertEqual(theirs.deserialize(ours.serialize(self.MESSAGE)), self.MESSAGE)
                self.assertEqual(ours.deserialize(theirs.serialize(self.MESSAGE)), self.MESSAGE)

    async def test_keys_can_be_changed_while_a_fleet_runs(self):
        old = registry.get_serializer("json", symmetric_encryption_keys=["old"])
        both = registry.get_serializer("json", symmetric_encryption_keys=["new", "old"])
        self.assertEqual(both.deserialize(old.serialize(self.MESSAGE)), self.MESSAGE)
        with self.assertRaises(InvalidToken):
            old.deserialize(both.serialize(self.MESSAGE))

    async def test_encrypted_messages(self):
        layer = self.layer(symmetric_encryption_keys=["secret"])
        channel = await self.in_group(layer)
        await layer.group_send("g", message(1))
        self.assertEqual(await self.received(layer, channel), [1])
        self.assertNotIn(b"test.message", self.relay.published[0].payload)

    async def test_a_format_of_the_applications(self):
        class Reversed:
            def __init__(self, symmetric_encryption_keys=None):
                pass

            def serialize(self, message):
                return msgpack.packb(message)[::-1]

            def deserialize(self, data):
                return msgpack.unpackb(data[::-1])
        registry.register_serializer("reversed", Reversed)
        layer = self.layer(serializer_format="reversed")
        channel = await self.in_group(layer)
        await layer.group_send("g", message(1))
        self.assertEqual(await self.received(layer, channel), [1])
        with self.assertRaisesRegex(TypeError, "no method serialize"):
            registry.register_serializer("none", object)

    async def test_settings_that_are_wrong(self):
        for wrong, words in (({"hosts": ["redis://localhost"]}, "'path' is the relay's socket"),
                             ({"capcity": 1}, "'capcity' is not an option"),
                             ({"hubrelay_options": {"jitter": 1}}, "'jitter' in hubrelay_options"),
                             ({"capacity": 0}, "capacity must be"), ({"expiry": None}, "expiry must be"),
                             ({"group_expiry": True}, "group_expiry must be"),
                             ({"channel_capacity": {"small-*": -1}}, "channel_capacity of .*small"),
                             ({"name": "n" * 65}, "name has 65 bytes"), ({"on_gap": print}, "on_gap must be a str"),
                             ({"prefix": None}, "prefix must be a str"),
                             ({"path": "hubrelay://host/run/relay.sock"}, "names a host"),
                             ({"serializer_format": "xml"}, "'xml' is not known; there are .*json, msgpack"),
                             ({"symmetric_encryption_keys": "secret"}, "must be a list")):
            with self.assertRaisesRegex(InvalidChannelLayerError, words):
                HubrelayChannelLayer(**wrong)


class Loops(LayerTest):
    def connections(self):
        return len(self.relay._connections)

    async def test_the_connection_of_a_loop_ends_with_it(self):
        layer = self.layer()

        async def use():
            channel = await self.in_group(layer)
            await layer.group_send("g", message(1))
            self.assertEqual(await self.received(layer, channel), [1])

        def run_and_close():
            loop = asyncio.new_event_loop()
            loop.run_until_complete(use())
            loop.close()

        def run_sync():
            async_to_sync(use)()  # it looks for a running loop when it is made
        for run in (lambda: asyncio.run(use()), run_and_close, run_sync):
            await asyncio.to_thread(run)
            await self.until(lambda: not self.connections())
            self.assertEqual(layer._layers, {})

    async def test_a_loop_can_be_closed_where_another_one_runs(self):
        layer, loop = self.layer(), asyncio.new_event_loop()
        await asyncio.to_thread(loop.run_until_complete, self.in_group(layer))
        self.assertEqual(self.connections(), 1)
        loop.close()
        await self.until(lambda: not self.connections())

    async def test_the_path_may_be_a_url(self):
        layer = HubrelayChannelLayer(f"hubrelay://{self.relay.path}")
        await asyncio.to_thread(layer.group_send_sync, "g", message(1))
        await layer.group_send("g", message(2))
        self.assertEqual(len(self.relay.published), 2)

    async def test_publishing_from_synchronous_code_takes_one_connection(self):
        accept, accepted = self.relay._accept, []

        def counting(listener):
            accepted.append(listener)
            accept(listener)
        self.relay._accept = counting
        layer = self.layer()
        receiving = asyncio.ensure_future(layer.receive("thumbnails"))
        await self.until(lambda: self.listeners("asgithumbnails"))

        def view():
            for number in range(10):
                async_to_sync(layer.send)("thumbnails", message(number))
                layer.send_sync("thumbnails", message(number), timeout=PATIENCE)
                layer.group_send_sync("g", message(number))
        threads = [threading.Thread(target=view) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            await asyncio.to_thread(thread.join)
        self.assertEqual(len(accepted), 2, "that of this loop, and that of all threads")
        self.assertEqual(len(self.relay.published), 120)
        await self.soon(receiving)

    async def test_a_failure_is_that_of_the_caller_in_synchronous_code_too(self):
        layer = self.layer()
        self.relay.refuse("asgi__group__secret")

        def view():
            with self.assertRaises(hubrelay.Refused):
                async_to_sync(layer.group_send)("secret", message(1))
            with self.assertRaises(hubrelay.Refused):
                layer.group_send_sync("secret", message(1))
        await asyncio.to_thread(view)

    async def test_after_a_fork(self):
        """As with gunicorn and preload, where the master has published already."""
        layer = self.layer()

        def publish():
            async_to_sync(layer.group_send)("g", message(1))
            layer.group_send_sync("g", message(2))

        def in_thread():
            publish()
            child = os.fork()
            if child == 0:
                signal.alarm(PATIENCE)
                code = 1
                try:
                    publish()
                    code = 0
                finally:
                    os._exit(code)
            self.assertEqual(os.waitpid(child, 0)[1], 0)
            publish()
        await self.soon(asyncio.to_thread(in_thread))
        self.assertEqual([msgpack.unpackb(each.payload)["number"] for each in self.relay.published], [1, 2] * 3)


    async def test_synchronous_methods_are_refused_where_a_loop_runs(self):
        """They would hold it up, for seconds if Redis hangs."""
        layer = self.layer()
        for name, send in (("group_send", layer.group_send_sync), ("send", layer.send_sync)):
            with self.assertRaisesRegex(RuntimeError, f"await {name}"):
                send("g", message(1))
        self.assertEqual(self.relay.published, [])

        async def call():
            layer.group_send_sync("g", message(1))

        async def by_a_thread():
            await sync_to_async(layer.group_send_sync)("g", message(2))

        def view():
            with self.assertRaises(RuntimeError):
                async_to_sync(call)()
            async_to_sync(by_a_thread)()
            async_to_sync(layer.group_send)("g", message(3))
        await self.soon(asyncio.to_thread(view))
        self.assertEqual([msgpack.unpackb(each.payload)["number"] for each in self.relay.published], [2, 3])

    async def test_under_gevent_the_loop_of_another_greenlet_does_not_count(self):
        program = """if True:
            import gevent.monkey
            gevent.monkey.patch_all()
            import asyncio, sys, gevent
            import app_settings
            from hubrelay.channels import HubrelayChannelLayer

            layer = HubrelayChannelLayer(sys.argv[1], hubrelay_options={"first_use": 30})
            loop = gevent.spawn(asyncio.run, asyncio.sleep(300))
            gevent.sleep(0.1)
            asyncio.get_running_loop()  # so it seems to be this greenlet's
            layer.group_send_sync("g", {"type": "test.message", "number": 1})
            layer.send_sync("c", {"type": "test.message", "number": 2})
            assert layer.status.publishing
        """
        ended = await asyncio.to_thread(subprocess.run, [sys.executable, "-c", program, self.relay.path],
                                        timeout=PATIENCE, capture_output=True, text=True, check=False)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertEqual(len(self.relay.published), 2)


class States(LayerTest):
    """`status`, for who asks before he stores."""

    RECEIVING_ONLY = hubrelay.Status(hubrelay.State.DEGRADED, "publish link", receiving=True)

    async def test_of_the_loop_and_of_synchronous_code(self):
        layer = self.layer()
        self.assertIsNone(layer.status, "nobody has used it yet")
        self.assertIsNone(await asyncio.to_thread(lambda: layer.status))
        await layer.group_send("g", message(1))
        self.assertEqual(layer.status.state, hubrelay.State.UP)
        self.assertIsNone(await asyncio.to_thread(lambda: layer.status), "each has its connection")

        async def here():
            return layer.status

        def view():
            layer.group_send_sync("g", message(2))
            return layer.status, async_to_sync(here)()
        for status in await asyncio.to_thread(view):
            self.assertTrue(status.publishing and status.receiving)

    async def test_it_follows_the_relay_while_nothing_is_sent(self):
        """Who asks before he sends would never send again if it did not."""
        layer = self.layer()
        channel = await self.in_group(layer)
        await asyncio.to_thread(layer.group_send_sync, "g", message(1))
        self.assertEqual(await self.received(layer, channel), [1])
        self.tell(self.RECEIVING_ONLY)
        await self.until(lambda: not layer.status.publishing)
        self.assertTrue(layer.status.receiving)
        await self.soon(asyncio.to_thread(self.wait_until, lambda: layer.status.reason == "publish link"))
        self.relay.recover()
        await self.until(lambda: layer.status.publishing)
        await self.soon(asyncio.to_thread(self.wait_until, lambda: layer.status.publishing))
        self.relay.leave()
        await self.until(lambda: not layer.status.connected)
        await self.soon(asyncio.to_thread(self.wait_until, lambda: not layer.status.connected))

    def tell(self, status):
        """The relay has another Status."""
        with self.relay._lock:
            self.relay._tell_all(status)

    def wait_until(self, condition):
        """In a thread."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.001)

    async def test_without_a_relay_it_is_known_after_the_first_attempt(self):
        self.relay.leave()
        layer = self.layer()
        with self.assertRaises(hubrelay.NotConnected):
            await layer.group_send("g", message(1))
        self.assertFalse(layer.status.connected)
        await layer.flush()
        self.assertIsNone(layer.status, "the connection is a new one")

    async def test_a_process_that_was_forked_past_python_does_not_take_the_parents(self):
        """As by uWSGI."""
        layer = self.layer()
        await asyncio.to_thread(layer.group_send_sync, "g", message(1))
        with mock.patch.object(layer._client, "_notice_fork") as notice:
            await asyncio.to_thread(lambda: layer.status)
        notice.assert_called_once_with()


class Missing(unittest.TestCase):
    def test_without_channels_the_error_says_what_to_install(self):
        program = "import sys; sys.modules['channels'] = None; import hubrelay.channels"
        ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
        self.assertIn("pip install 'channels>=4' msgpack", ended.stderr)
        folder = pathlib.Path(hubrelay.__file__).parent
        self.assertNotIn("channels", (folder / "__init__.py").read_text(), "the client alone imports no framework")


if __name__ == "__main__":
    unittest.main()
