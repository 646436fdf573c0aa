"""The code of docs/channels.md, as an app would have it."""
import asyncio
import inspect
import os
import pathlib
import re
import tempfile
import threading
import time
import types
import unittest
from unittest import mock

from channels.layers import channel_layers, get_channel_layer
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.db import connection, transaction
from django.test import RequestFactory
from harness import PATIENCE

import app_settings  # noqa: F401
import hubrelay.channels
import hubrelay.testing

PAGE = pathlib.Path(hubrelay.__file__).parents[1] / "docs" / "channels.md"


def blocks(language):
    """The page's code in this language."""
    return re.findall(f"^```{language}\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)


#: What one block of the page may take from another. Else each has to import what it uses.
SHARED = ("Room", "Message")

#: The names of all blocks.
APP = {}


def setUpModule():
    for block in blocks("python"):
        names = {"__name__": "page.models", **{name: APP[name] for name in SHARED if name in APP}}
        exec(block, names)
        APP.update(names)
    with connection.schema_editor() as editor:
        for name in SHARED:
            editor.create_model(APP[name])
    connection.close()


class PageTest(unittest.IsolatedAsyncioTestCase):
    """The page's app, with a relay in memory."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="hubrelay-")
        self.addCleanup(directory.cleanup)
        path = os.path.join(directory.name, "relay.sock")
        self.relay = hubrelay.testing.FakeRelay(path)
        self.addCleanup(self.relay.close)
        diff, = blocks("diff")
        code = "\n".join(line[1:] for line in diff.splitlines() if not line.startswith("-"))
        self.app = dict(APP)
        exec(code.replace("/run/hubrelay/hubrelay.sock", path), self.app)
        self.app["CHANNEL_LAYERS"]["default"]["CONFIG"]["hubrelay_options"] = {"gap_jitter": 0, "first_use": PATIENCE}
        configured = mock.patch.object(settings, "CHANNEL_LAYERS", self.app["CHANNEL_LAYERS"])
        configured.start()
        self.addCleanup(configured.stop)
        self.addCleanup(channel_layers.backends.clear)
        channel_layers.backends.clear()


class Page(PageTest):
    async def test_the_consumer_and_the_view(self):
        with mock.patch("builtins.print") as printed:
            page = WebsocketCommunicator(self.app["ChatConsumer"].as_asgi(), "/")
            self.assertTrue((await page.connect(PATIENCE))[0])
            await page.send_json_to({"text": "hello"})
            self.assertEqual(await page.receive_json_from(PATIENCE), {"type": "said", "text": "hello"})
            request = RequestFactory().post("/", {"text": "from a view"})
            self.assertEqual((await self.view("announce", request)).status_code, 200)
            self.assertEqual(await page.receive_json_from(PATIENCE), {"type": "said", "text": "from a view"})
            self.relay.outage("Redis is away")
            self.assertEqual(await page.receive_json_from(PATIENCE), {"type": "away"})
            self.assertEqual((await self.view("announce", request)).status_code, 503)
            await page.send_json_to({"text": "refused"})
            self.assertEqual((await page.receive_json_from(PATIENCE))["type"], "not sent")
            self.relay.recover()
            self.assertEqual(await page.receive_json_from(PATIENCE), {"type": "back"})
            self.assertEqual(await page.receive_json_from(PATIENCE), {"type": "read again"})
            await page.disconnect(timeout=PATIENCE)
            await asyncio.wait_for(self.printed(printed, "Gap"), PATIENCE)

    async def view(self, name, *arguments):
        """What a synchronous view answers."""
        return await asyncio.to_thread(self.app[name], *arguments)

    async def printed(self, printed, text):
        """Until the receiver of the signal has printed it."""
        while text not in [call.args[0] for call in printed.call_args_list]:
            await asyncio.sleep(0.001)

    async def test_the_format(self):
        layer = hubrelay.channels.HubrelayChannelLayer(self.relay.path, serializer_format="compressed")
        channel = await layer.new_channel()
        await layer.send(channel, {"type": "test.message", "text": "long " * 1000})
        self.assertEqual((await layer.receive(channel))["text"], "long " * 1000)
        self.assertLess(len(self.relay.published[0].payload), 1000)

    def test_every_option_is_on_the_page(self):
        named = set(inspect.signature(hubrelay.channels.HubrelayChannelLayer).parameters) - {"unknown"}
        page = PAGE.read_text()
        options = page[page.index("## Options"):page.index("## What your app is told")]
        self.assertEqual({name for name in re.findall(r"`(\w+)`", options) if name in named}, named)


class Stored(PageTest):
    """What must not be missed: the relay's publish link alone breaks, so there is no Gap."""

    PUBLISHING = hubrelay.Status(hubrelay.State.UP, publishing=True, receiving=True)
    RECEIVING_ONLY = hubrelay.Status(hubrelay.State.DEGRADED, receiving=True)

    def setUp(self):
        super().setUp()
        self.app["Room"].objects.all().delete()
        self.app["Room"].objects.create(name="seven")
        self.addCleanup(connection.close)

    def tell(self, status):
        """The relay has another Status."""
        with self.relay._lock:
            self.relay._tell_all(status)

    def say(self, text):
        return self.app["say"](RequestFactory().post("/", {"text": text}), "seven")

    def stored(self):
        return list(self.app["Message"].objects.order_by("number").values_list("number", "text"))

    def sent(self):
        layer = hubrelay.channels.HubrelayChannelLayer(self.relay.path)
        found = [layer.deserialize(each.payload) for each in self.relay.published]
        return [(each["number"], each["text"]) for each in found]

    def until(self, condition):
        deadline = time.monotonic() + PATIENCE
        while not condition():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.001)

    def test_what_cannot_be_sent_is_not_stored(self):
        self.assertEqual(self.say("one").status_code, 200)
        self.tell(self.RECEIVING_ONLY)
        self.until(lambda: not get_channel_layer().status.publishing)
        self.assertEqual(self.say("refused").status_code, 503)
        self.tell(self.PUBLISHING)
        self.until(lambda: get_channel_layer().status.publishing)
        self.assertEqual(self.say("two").status_code, 200)
        self.assertEqual([self.stored(), self.sent()], [[(1, "one"), (2, "two")]] * 2)

    def test_what_was_stored_and_not_sent_is_sent_again_until_it_is_taken(self):
        pauses, may_go_on = [], threading.Semaphore(0)

        def pause(seconds):
            pauses.append(seconds)
            may_go_on.acquire(timeout=PATIENCE)

        with mock.patch.dict(self.app["send_until_taken"].__globals__, time=types.SimpleNamespace(sleep=pause)):
            self.relay._status = self.RECEIVING_ONLY
            for text in ("one", "two"):
                self.assertEqual(self.app["store_and_send"]("seven", text), len(self.stored()))
            for count in range(1, 4):
                self.until(lambda: len(pauses) >= count)
                self.assertEqual([self.sent(), self.app["unheard"]], [[], {"seven"}])
                if count == 3:
                    self.relay._status = self.PUBLISHING
                may_go_on.release()
            self.until(lambda: not [each for each in threading.enumerate() if "send_until_taken" in each.name])
        self.assertEqual(self.stored(), [(1, "one"), (2, "two")])
        self.assertEqual([self.sent(), self.app["unheard"]], [[(2, "two")], set()])

    def test_it_is_sent_after_the_commit(self):
        """As with ATOMIC_REQUESTS."""
        with transaction.atomic():
            self.assertEqual(self.say("one").status_code, 200)
            self.assertEqual(self.sent(), [])
        self.assertEqual(self.sent(), [(1, "one")])
        with self.assertRaises(ZeroDivisionError), transaction.atomic():
            self.say("taken back")
            raise ZeroDivisionError
        self.say("two")
        self.assertEqual([self.stored(), self.sent()], [[(1, "one"), (2, "two")]] * 2)

    def test_numbers_have_no_holes_whoever_speaks(self):
        def speak():
            for _ in range(10):
                self.say("x")
            connection.close()
        threads = [threading.Thread(target=speak) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual([number for number, _ in self.stored()], list(range(1, 41)))


if __name__ == "__main__":
    unittest.main()
