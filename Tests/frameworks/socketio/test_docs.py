"""The code of proto/clients/python/docs/socketio.md runs, and does what the page says."""
import asyncio
import pathlib
import re
import unittest

from servers import PATIENCE, Fleet

import hubrelay

PAGE = pathlib.Path(hubrelay.__file__).parents[1] / "docs" / "socketio.md"


class Page(unittest.IsolatedAsyncioTestCase):
    def setUp(self):
        self.fleet = Fleet(1)
        self.addCleanup(self.fleet.close)
        text = PAGE.read_text().replace("hubrelay:///run/hubrelay/hubrelay.sock", self.fleet.url())
        self.server, self.external = re.findall(r"^```python\n(.*?)^```", text, re.M | re.S)
        self.changes = re.findall(r"^```diff\n(.*?)^```", text, re.M | re.S)

    async def test_the_server_and_the_process_that_is_none(self):
        names = {}
        exec(self.server, names)
        manager, sio = names["manager"], names["sio"]
        sent, changed = [], asyncio.Event()

        async def send(eio_sid, packet):
            sent.append(packet.data)
            changed.set()

        async def sends(text):
            while not any(text in each for each in sent):
                changed.clear()
                await asyncio.wait_for(changed.wait(), PATIENCE)
        sio._send_eio_packet = send
        manager.basic_enter_room("client", "/", None, eio_sid="client")
        manager.initialize()
        await sends('"path",{"up":true')
        self.assertEqual(await names["say"]("sid", "hello"), {})
        await sends('["said","hello"]')
        while not any("Celery" in each for each in sent):  # the subscription takes a moment
            await asyncio.to_thread(exec, self.external, {})
        self.fleet.redis.stop()
        await sends('"path",{"up":false')
        self.assertIn("redis.sock", (await names["say"]("sid", "nobody hears this"))["refused"])
        self.assertFalse(any("nobody hears this" in each for each in sent))
        self.fleet.redis.start()
        await sends('["read again"]')
        await manager.close()

    async def test_the_lines_that_an_app_changes(self):
        import flask
        import socketio
        for change in self.changes:
            names = {"socketio": socketio, "app": flask.Flask("app")}
            exec("\n".join(line[1:] for line in change.splitlines() if line[0] in "+ "), names)
            manager = names["manager"] if "manager" in names else names["socketio"].manager
            self.assertEqual(manager.path, self.fleet.relays[0].path)
            self.assertIs(manager.server.manager, manager)

    def test_all_hooks_and_arguments_are_on_the_page(self):
        import inspect
        from hubrelay.socketio import _Telling
        text = PAGE.read_text()
        for name in list(inspect.signature(_Telling.__init__).parameters)[1:]:
            self.assertIn(f"`{name}`", text)


if __name__ == "__main__":
    unittest.main()
