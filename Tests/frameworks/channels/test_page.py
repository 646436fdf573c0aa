"""The code of docs/channels.md, as an app would have it."""
import asyncio
import inspect
import os
import pathlib
import re
import tempfile
import unittest
from unittest import mock

from channels.layers import channel_layers
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.test import RequestFactory
from harness import PATIENCE

import hubrelay.channels
import hubrelay.testing

if not settings.configured:
    settings.configure(CHANNEL_LAYERS={})

PAGE = pathlib.Path(hubrelay.__file__).parents[1] / "docs" / "channels.md"


def blocks(language):
    """The page's code in this language."""
    return re.findall(f"^```{language}\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)


class Page(unittest.IsolatedAsyncioTestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="hubrelay-")
        self.addCleanup(directory.cleanup)
        path = os.path.join(directory.name, "relay.sock")
        self.relay = hubrelay.testing.FakeRelay(path)
        self.addCleanup(self.relay.close)
        diff, = blocks("diff")
        code = "\n".join(line[1:] for line in diff.splitlines() if not line.startswith("-"))
        self.app = {}
        exec(code.replace("/run/hubrelay/hubrelay.sock", path), self.app)
        self.app["CHANNEL_LAYERS"]["default"]["CONFIG"]["hubrelay_options"] = {"gap_jitter": 0, "first_use": PATIENCE}
        configured = mock.patch.object(settings, "CHANNEL_LAYERS", self.app["CHANNEL_LAYERS"])
        configured.start()
        self.addCleanup(configured.stop)
        self.addCleanup(channel_layers.backends.clear)
        for block in blocks("python"):
            exec(block, self.app)

    async def test_the_consumer_and_the_view(self):
        with mock.patch("builtins.print") as printed:
            page = WebsocketCommunicator(self.app["ChatConsumer"].as_asgi(), "/")
            self.assertTrue((await page.connect(PATIENCE))[0])
            await page.send_json_to({"text": "hello"})
            self.assertEqual(await page.receive_json_from(PATIENCE), {"type": "said", "text": "hello"})
            request = RequestFactory().post("/", {"text": "from a view"})
            self.assertEqual(self.app["announce"](request).status_code, 200)
            self.assertEqual(await page.receive_json_from(PATIENCE), {"type": "said", "text": "from a view"})
            self.relay.outage("Redis is away")
            self.assertEqual(self.app["announce"](request).status_code, 503)
            await page.send_json_to({"text": "refused"})
            self.assertEqual((await page.receive_json_from(PATIENCE))["type"], "not sent")
            self.relay.recover()
            self.assertEqual(await page.receive_json_from(PATIENCE), {"type": "read again"})
            await page.disconnect(timeout=PATIENCE)
            await asyncio.wait_for(self.printed(printed, "Gap"), PATIENCE)

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


if __name__ == "__main__":
    unittest.main()
