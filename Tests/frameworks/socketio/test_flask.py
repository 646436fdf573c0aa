"""Flask-SocketIO with `message_queue="hubrelay:///..."` under threads, gevent, eventlet: two workers on two relays."""
import asyncio
import contextlib
import subprocess
import sys
import unittest
from typing import TYPE_CHECKING

from people import Person, hear_each_other, worker
from servers import Fleet

SCRIPT = """
import sys
if sys.argv[2] == "gevent":
    import gevent.monkey
    gevent.monkey.patch_all()
elif sys.argv[2] == "eventlet":
    import eventlet
    eventlet.monkey_patch()
from hubrelay.flask_socketio import SocketIO
socketio = SocketIO(message_queue=sys.argv[1], channel="socketio")
assert socketio.manager.write_only
socketio.emit("said", ("from a task", sys.argv[2]))
"""


if TYPE_CHECKING:
    Mixin = unittest.IsolatedAsyncioTestCase
else:
    Mixin = object


class Flask(Mixin):
    """The tests of one `mode`."""

    fleet: Fleet
    workers: list
    mode = ""

    @classmethod
    def setUpClass(cls):
        cls.fleet = Fleet(2)
        cls.addClassCleanup(cls.fleet.close)
        cls.workers = [worker(cls.fleet, cls.fleet.url(relay), cls.mode) for relay in (0, 1)]

    async def asyncSetUp(self):
        async with contextlib.AsyncExitStack() as people:
            self.people = []
            for each in self.workers:
                self.people.append(await Person(each).connect())
                people.push_async_callback(self.people[-1].leave)
            await hear_each_other(self.people)
            await hear_each_other(self.people[::-1])
            self.addAsyncCleanup(people.pop_all().aclose)

    async def test_rooms_answers_and_disconnects(self):
        here, there = self.people
        await here.do("enter", "room", there.sid)
        await here.do("publish", "room", "to the room", b"\0\xff")
        self.assertEqual(await there.sees("said", "to the room", b"\0\xff"), 1)
        self.assertFalse(here.saw("said", "to the room", b"\0\xff"))
        await here.do("ask", there.sid, "there?")
        await here.sees("answered", "there? - yes", there.port)
        await here.do("close", "room")
        await here.do("publish", "room", "to nobody")
        await here.do("publish", None, "to all")
        await there.sees("said", "to all")
        self.assertFalse(there.saw("said", "to nobody"))
        await here.do("part", there.sid)
        await there.is_gone()

    async def test_a_process_that_is_no_server_emits(self):
        await asyncio.to_thread(subprocess.run, [sys.executable, "-c", SCRIPT, self.fleet.url(1), self.mode],
                                check=True, timeout=60)
        for person in self.people:
            self.assertEqual(await person.sees("said", "from a task", self.mode), 1)

    async def test_many_clients_emit_at_a_time(self):
        async def speak(person, name):
            for number in range(20):
                await person.do("publish", None, name, number)
        await asyncio.gather(*(speak(person, f"speaker {number}.{twin}") for number, person in enumerate(self.people)
                               for twin in range(3)))
        for person in self.people:
            for number in range(2):
                for twin in range(3):
                    name = f"speaker {number}.{twin}"
                    await person.sees("said", name, 19)
                    self.assertEqual([said[1] for event, said in person.seen if event == "said" and said[0] == name],
                                     list(range(20)))

    async def test_redis_killed_and_back(self):
        here, there = self.people
        self.fleet.redis.stop()
        try:
            await here.told("status", publishing=False)
            await here.do("publish", None, "in the outage")
            await here.told("publish_error", method="emit")
            await here.sees("said", "in the outage")
        finally:
            self.fleet.redis.start()
        await there.told("gap")
        await here.told("status", state="UP")
        await here.do("publish", None, "after it")
        await there.sees("said", "after it")
        self.assertFalse(there.saw("said", "in the outage"))


class Threads(Flask, unittest.IsolatedAsyncioTestCase):
    mode = "threading"


class Gevent(Flask, unittest.IsolatedAsyncioTestCase):
    mode = "gevent"


class Eventlet(Flask, unittest.IsolatedAsyncioTestCase):
    mode = "eventlet"


class Chosen(unittest.TestCase):
    """Which manager `SocketIO` makes."""

    def test_the_url_may_come_to_the_constructor_or_to_init_app(self):
        import flask
        from hubrelay.flask_socketio import SocketIO
        from hubrelay.socketio import HubrelayManager

        def hook(*_):
            pass
        app = flask.Flask("app")
        late = SocketIO(message_queue=None, on_gap=hook, async_mode="threading")
        late.init_app(app, message_queue="hubrelay:///a.sock")
        early = SocketIO()
        early.server_options["message_queue"] = "hubrelay:///a.sock"
        early.init_app(app, on_gap=hook, async_mode="threading")
        whole = SocketIO(app, message_queue="hubrelay:///a.sock", on_gap=hook, async_mode="threading")
        for made in (whole, late, early):
            self.assertIsInstance(made.manager, HubrelayManager)
            self.assertEqual((made.manager.path, made.manager.channel, made.manager.write_only, made.manager.on_gap),
                             ("/a.sock", "flask-socketio", False, hook))
        named = SocketIO(app, message_queue="hubrelay:///a.sock", channel="mine", async_mode="threading")
        self.assertEqual(named.manager.channel, "mine")

    def test_everything_else_is_flask_socketios(self):
        import flask
        import socketio
        from hubrelay.flask_socketio import SocketIO
        app = flask.Flask("app")
        self.assertIsInstance(SocketIO(app, message_queue="redis://", async_mode="threading").manager,
                              socketio.RedisManager)
        without = SocketIO(app, async_mode="threading", on_gap=print, raise_errors=True)
        self.assertNotIsInstance(without.manager, socketio.PubSubManager)
        self.assertEqual(set(without.server_options), {"async_mode"})
        self.assertIsNone(SocketIO().manager)
        with self.assertRaises(ValueError):
            SocketIO(app, message_queue="hubrelay://host/a.sock", async_mode="threading")


if __name__ == "__main__":
    unittest.main()
