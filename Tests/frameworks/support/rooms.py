"""Tests of a framework whose workers have rooms: a websocket each, and POST to speak (Litestar, broadcaster).

A worker is `worker.py BACKEND SOCKET` beside the tests: BACKEND is hubrelay:///path/of/a/relay, or redis://... for the
framework's own. `GET /rooms/ROOM` is a websocket that hears the room, accepted once the subscription is there. `POST
/rooms/ROOM` says the body: 200 or 201, or 503 with the error's name. With a relay a guest also hears STATE and the
state, and GAP, when the worker's application is told.
"""
import asyncio
import itertools
import json
import os
import signal
import unittest
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import websockets

from harness import PATIENCE
from servers import Fleet

NOTICES = ("STATE", "GAP")

_numbers = itertools.count()


class Server:
    """A worker with a socket of its own."""

    websockets = "rooms"  # the path above its websockets

    def __init__(self, fleet, program, backend):
        self.path = os.path.join(os.path.dirname(fleet.redis.path), f"worker-{next(_numbers)}.sock")
        self.worker = fleet.worker(*self.arguments(program, backend), ready="Uvicorn running")

    def arguments(self, program, backend):
        """Of the Python that runs the worker."""
        return program, backend, self.path

    async def say(self, room, text, **parameters):
        """What the worker answers: "published", or the name of an error."""
        said = text.encode()
        reader, writer = await asyncio.open_unix_connection(self.path)
        try:
            writer.write(f"POST /rooms/{room}?{urlencode(parameters)} HTTP/1.1\r\nHost: worker\r\n"
                         f"Connection: close\r\nContent-Length: {len(said)}\r\n\r\n".encode() + said)
            head, _, body = (await asyncio.wait_for(reader.read(), PATIENCE)).decode().partition("\r\n\r\n")
        finally:
            writer.close()
        if head.split(" ", 2)[1:2] not in (["200"], ["201"], ["503"]):
            raise AssertionError(f"{head}\n{body}\n{self.worker.output}")
        return body

    async def guest(self, room):
        """Somebody who hears this room from now on. Raises for a room that the worker does not open."""
        url = f"ws://worker/{self.websockets}/{room}"
        return Guest(await websockets.unix_connect(self.path, url, open_timeout=PATIENCE))


class Guest:
    """A websocket, and what it has heard."""

    def __init__(self, connection):
        self._connection, self.heard = connection, []

    async def hears(self, *texts):
        """Waits for these, in any order. What comes before them is in `heard`, too."""
        missing = set(texts)
        while missing:
            try:
                self.heard.append(await asyncio.wait_for(self.recv(), PATIENCE))
            except TimeoutError:
                raise AssertionError(f"waited {PATIENCE} s for {missing}, and heard {self.heard}") from None
            missing.discard(self.heard[-1])

    @property
    def messages(self):
        """What people have said."""
        return [text for text in self.heard if text.split()[0] not in NOTICES]

    async def recv(self):
        """The next text."""
        return await self._connection.recv()

    async def leave(self):
        """Ends the websocket."""
        await self._connection.close()


class RoomsTest(unittest.IsolatedAsyncioTestCase):
    """A test with workers that all tests of a class share: two on each of two relays."""

    program: str  # the path of worker.py
    options = {}  # of the relays
    fleet: Fleet
    servers: list[Server]

    @classmethod
    def backends(cls):
        """Those of the workers."""
        return [cls.fleet.url(number) for number in (0, 0, 1, 1)]

    @classmethod
    def setUpClass(cls):
        cls.fleet = Fleet(options=cls.options)
        cls.addClassCleanup(cls.fleet.close)
        cls.servers = [Server(cls.fleet, cls.program, backend) for backend in cls.backends()]

    async def guests(self, room):
        """One at each worker."""
        guests = [await server.guest(room) for server in self.servers]
        for guest in guests:
            self.addAsyncCleanup(guest.leave)
        return guests

    async def all_hear(self, guests, *texts):
        await asyncio.gather(*(guest.hears(*texts) for guest in guests))

    async def ends(self, server):
        """SIGTERM ends the worker."""
        server.worker.signal(signal.SIGTERM)
        self.assertIn(await self.in_thread(server.worker.wait), (0, -signal.SIGTERM))

    async def start_redis(self):
        """And waits until all workers publish, so that the next test begins with all of them UP."""
        await self.in_thread(self.fleet.redis.start)
        for server in self.servers:
            while await server.say("i", "up?") != "published":
                pass

    async def in_thread(self, function):
        """For what waits, while this loop goes on."""
        return await asyncio.get_running_loop().run_in_executor(None, function)

    async def subscriptions(self, room, count):
        """Waits until so many connections to Redis are subscribed to the room's channel."""
        async def ask():
            script = "return redis.call('PUBSUB', 'NUMSUB', ARGV[1])[2]"
            while await self.in_thread(lambda: self.fleet.redis.command("EVAL", script, 0, room)) != count:
                await asyncio.sleep(0.01)
        await asyncio.wait_for(ask(), PATIENCE)


if TYPE_CHECKING:
    Mixin = RoomsTest
else:
    Mixin = object


class Conversations(Mixin):
    """What holds for each framework. A mixin for RoomsTest."""

    async def test_everybody_in_a_room_hears_what_is_said_on_any_worker_once_and_in_order(self):
        guests, elsewhere = await self.guests("a"), await self.guests("b")
        said = [f"{number} by {place}" for number in range(5) for place in range(4)]
        for text in said:
            self.assertEqual(await self.servers[int(text[-1])].say("a", text), "published")
        await self.servers[0].say("a", "end")
        await self.servers[0].say("b", "end")
        await self.all_hear(guests + elsewhere, "end")
        for guest in guests:
            self.assertEqual(guest.messages, [*said, "end"])
        for guest in elsewhere:
            self.assertEqual(guest.messages, ["end"])

    async def test_a_room_is_left_with_its_last_guest_and_can_be_entered_again(self):
        one, other = await self.servers[0].guest("c"), await self.servers[0].guest("c")
        await self.subscriptions("c", 1)
        await one.leave()
        self.assertEqual(await self.servers[2].say("c", "still here?"), "published")
        await other.hears("still here?")
        await other.leave()
        await self.subscriptions("c", 0)
        again = await self.servers[0].guest("c")
        self.addAsyncCleanup(again.leave)
        await self.servers[2].say("c", "again")
        await again.hears("again")
        self.assertEqual(again.messages, ["again"])

    async def test_redis_is_killed(self):
        guests = await self.guests("d")
        await self.servers[0].say("d", "before")
        await self.all_hear(guests, "before")
        await self.in_thread(self.fleet.redis.stop)
        await self.all_hear(guests, "STATE DOWN")
        for number in range(3):
            self.assertEqual(await self.servers[number].say("d", "refused"), "NotConnected")
        await self.in_thread(self.fleet.redis.start)
        await self.all_hear(guests, "STATE UP", "GAP")
        for server in self.servers:
            self.assertEqual(await server.say("d", f"after {server.path}"), "published")
        await self.all_hear(guests, f"after {self.servers[-1].path}")
        for guest in guests:
            self.assertEqual(guest.messages, ["before", *(f"after {server.path}" for server in self.servers)])

    async def test_redis_hangs(self):
        guests = await self.guests("e")
        self.fleet.redis.freeze()
        try:
            self.assertEqual(await self.servers[0].say("e", "perhaps"), "Interrupted")
            await self.all_hear(guests, "STATE DOWN")
        finally:
            self.fleet.redis.thaw()
        await self.all_hear(guests, "STATE UP", "GAP")
        self.assertEqual(await self.servers[3].say("e", "after"), "published")
        await self.all_hear(guests, "after")

    async def test_a_relay_is_killed_and_restarted(self):
        guests = await self.guests("f")
        relay = self.fleet.relays[1]
        for end in (relay.kill, lambda: (relay.terminate(), relay.wait())):
            await self.in_thread(end)
            await self.all_hear(guests[2:], "STATE DOWN")
            self.assertEqual(await self.servers[2].say("f", "refused"), "NotConnected")
            self.assertEqual(await self.servers[1].say("f", "here"), "published")
            await self.all_hear(guests[:2], "here")
            await self.in_thread(relay.start)
            await self.all_hear(guests[2:], "STATE UP", "GAP")
            self.assertEqual(await self.servers[2].say("f", "after"), "published")
            await self.all_hear(guests, "after")
        self.assertEqual([guest.messages for guest in guests[2:]], [["after", "after"]] * 2)
        self.assertEqual([guest.heard for guest in guests[:2]], [["here", "after"] * 2] * 2)


class MixedFleet(Mixin):
    """A worker with the framework's own Redis backend beside one with a relay. A mixin for RoomsTest."""

    @classmethod
    def backends(cls):
        return [cls.fleet.url(), cls.fleet.redis.tcp_url]

    async def test_workers_with_the_own_backend_of_the_framework_hear_and_are_heard(self):
        guests = await self.guests("a")
        await self.subscriptions("a", 2)  # the own backends do not wait for it
        self.assertEqual(await self.servers[0].say("a", "from hubrelay: ä"), "published")
        await self.all_hear(guests, "from hubrelay: ä")
        self.assertEqual(await self.servers[1].say("a", "from Redis: ö"), "published")
        await self.all_hear(guests, "from Redis: ö")


class Page(Server):
    """The app of a page of documentation, as uvicorn runs it: the page's first block of Python, with another relay."""

    websockets = "ws"

    def arguments(self, program, backend):
        with open(program, encoding="utf-8") as page:
            code = page.read().partition("```python\n")[2].partition("```")[0]
        path = backend[len("hubrelay://"):]
        if "/run/hubrelay/hubrelay.sock" not in code:
            raise AssertionError(f"{program} has no app with a relay in its first block of Python")
        folder = self.path + ".d"
        os.mkdir(folder)
        with open(os.path.join(folder, "app.py"), "w", encoding="utf-8") as app:
            app.write(code.replace("/run/hubrelay/hubrelay.sock", path))
        return "-m", "uvicorn", "--app-dir", folder, "--uds", self.path, "app:app"

    async def guest(self, room):
        guest = await super().guest(room)
        receive = guest.recv

        async def recv():
            return json.dumps(json.loads(await receive()))  # as `json` of the standard library writes it
        guest.recv = recv
        return guest


class PageTest(unittest.IsolatedAsyncioTestCase):
    """The app of a page of documentation does what the page says."""

    page: str  # its path

    async def test_the_app_of_the_page_tells_its_pages_what_it_says(self):
        def told(kind, **values):
            return json.dumps({"type": kind, **values})

        with Fleet() as fleet:
            one, other = (Page(fleet, self.page, fleet.url(number)) for number in range(2))
            guests = [await server.guest("a") for server in (one, other)]
            while True:  # a handler may accept its socket before it subscribes
                await one.say("a", "ä")
                heard = asyncio.gather(*(guest.hears(told("said", text="ä")) for guest in guests))
                try:
                    await asyncio.wait_for(heard, 1)
                    break
                except TimeoutError:
                    pass
            fleet.redis.stop()
            await asyncio.gather(*(guest.hears(told("state", up=False)) for guest in guests))
            self.assertIn("not sent: ", await one.say("a", "refused"))
            fleet.redis.start()
            await asyncio.gather(*(guest.hears(told("state", up=True), told("read again")) for guest in guests))
            await one.say("a", "after")
            await asyncio.gather(*(guest.hears(told("said", text="after")) for guest in guests))
            for guest in guests:
                await guest.leave()
