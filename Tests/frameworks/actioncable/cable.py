"""Servers of puma with Action Cable, and browsers: what the tests and the measurement of this folder share."""
import asyncio
import json
import pathlib
import urllib.parse

import harness
import websockets
from harness import PATIENCE, free_port
from servers import Worker

APP = pathlib.Path(__file__).parent / "app"


class Server(Worker):
    """Puma with the app of this folder. `workers` 0 is one process, else a cluster of so many, with the app loaded
    before they are forked. `cable` is what config/cable.yml has."""

    def __init__(self, workers=0, **cable):
        self.port = free_port()
        arguments = ["puma", "--bind", f"tcp://127.0.0.1:{self.port}", "--environment", "test", "--threads", "2:2",
                     "--dir", str(APP)]
        if workers:
            arguments += ["--workers", str(workers), "--preload"]
        environment = {"CABLE": json.dumps(cable), "RUBYOPT": "-W0"}
        harness.Process.__init__(self, "env", *(f"{name}={value}" for name, value in environment.items()), *arguments,
                                 ready="Puma starting")
        self._ready = ["Use Ctrl-C to stop", *(f"Worker {number} (PID" for number in range(workers))]

    def ready(self):
        """Waits until it serves. Several start at the same time."""
        while self._ready:
            self._wait_for_line(self._ready[0])
            self._ready.pop(0)
        return self

    @classmethod
    def on_relay(cls, fleet, number=0, workers=0, **cable):
        return fleet.add(cls(workers, adapter="hubrelay", socket=fleet.relays[number].path, **cable))

    @classmethod
    def on_redis(cls, fleet, workers=0, **cable):
        return fleet.add(cls(workers, adapter="redis", url=fleet.redis.tcp_url, **cable))


class Browser:
    """A WebSocket, with Action Cable's protocol as its JavaScript speaks it."""

    def __init__(self, socket):
        self._socket = socket
        self._messages, self._changed, self.pings = [], asyncio.Event(), 0
        self.closed = False
        self._asking = []
        self._reader = asyncio.ensure_future(self._read())

    @classmethod
    async def open(cls, server, user="somebody"):
        await asyncio.to_thread(server.ready)
        query = urllib.parse.urlencode({"user": user})
        socket = await websockets.connect(
            f"ws://127.0.0.1:{server.port}/cable?{query}", proxy=None, subprotocols=["actioncable-v1-json"],
            open_timeout=PATIENCE, ping_interval=None)
        browser = cls(socket)
        await browser.told(type="welcome")
        return browser

    async def _read(self):
        try:
            async for text in self._socket:
                message = json.loads(text)
                if message.get("type") == "ping":
                    self.pings += 1
                else:
                    self._messages.append(message)
                self._changed.set()
        except websockets.ConnectionClosed:
            pass
        self.closed = True
        self._changed.set()

    async def until(self, condition, what):
        """Waits until `condition()` is true, which it is asked after each message, and returns what it gives."""
        async def wait():
            while not (found := condition()):
                if self.closed:
                    raise AssertionError(f"the WebSocket was closed before: {what}; got {self._messages}")
                self._changed.clear()
                await self._changed.wait()
            return found
        try:
            return await asyncio.wait_for(wait(), PATIENCE)
        except TimeoutError:
            raise AssertionError(f"waited {PATIENCE} s for: {what}; got {self._messages}") from None

    def of(self, room):
        """What came in this room, in the order of its coming."""
        return [message["message"] for message in self._messages
                if message.get("identifier") == identifier(room) and "message" in message]

    def texts(self, room):
        return [message["text"] for message in self.of(room) if "text" in message]

    async def told(self, **wanted):
        """The first message of the protocol with these values."""
        return await self.until(lambda: first(self._messages, wanted), wanted)

    async def heard(self, room, **wanted):
        """The first message in the room with these values."""
        return await self.until(lambda: first(self.of(room), wanted), (room, wanted))

    def is_confirmed(self, room):
        return {"identifier": identifier(room), "type": "confirm_subscription"} in self._messages

    async def ask(self, room):
        """Subscribes, and says so again each half second until it is confirmed, as Action Cable's JavaScript does: the
        server forgets what comes in the moment in which it opens the WebSocket."""
        async def insist():
            while not self.is_confirmed(room):
                await self._send(command="subscribe", identifier=identifier(room))
                await asyncio.sleep(0.5)
        self._asking.append(asyncio.ensure_future(insist()))

    async def enter(self, room):
        await self.ask(room)
        await self.told(identifier=identifier(room), type="confirm_subscription")
        return self

    async def perform(self, room, action, **data):
        await self._send(command="message", identifier=identifier(room), data=json.dumps({"action": action, **data}))

    async def speak(self, room, text):
        await self.perform(room, "speak", text=text)

    async def _send(self, **command):
        await self._socket.send(json.dumps(command))

    async def pid(self, room):
        """Of the process that serves it."""
        await self.perform(room, "who")
        message = await self.until(lambda: next((found for found in self.of(room) if "pid" in found), None), "a pid")
        return message["pid"]

    async def gone(self):
        """Waits until the server has closed it."""
        await asyncio.wait_for(asyncio.shield(self._reader), PATIENCE)

    async def close(self):
        for asking in self._asking:
            asking.cancel()
        await self._socket.close()
        await self._reader


def identifier(room):
    return json.dumps({"channel": "RoomChannel", "room": room})


def first(messages, wanted):
    """The first message that has all of these values, or None."""
    return next((message for message in messages if wanted.items() <= message.items()), None)
