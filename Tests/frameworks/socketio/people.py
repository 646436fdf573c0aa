"""Clients of the chat in chat.py: what a person in front of a browser does and sees."""
import asyncio
import itertools
import pathlib

import socketio

from servers import PATIENCE, free_port

CHAT = pathlib.Path(__file__).with_name("chat.py")


def worker(fleet, queue, mode="asgi", **options):
    """A worker of the chat; `options` are flags of chat.py. It has a `port`."""
    port = free_port()
    flags = [word for name, value in options.items()
             for word in ([f"--{name.replace('_', '-')}"] if value is True else [f"--{name.replace('_', '-')}", value])]
    started = fleet.worker(CHAT, "--mode", mode, "--queue", queue, "--port", port, *flags)
    started.port = port
    return started


class Person:
    """One client, connected to one worker. Everything that comes is kept in `seen`, as (event, arguments)."""

    def __init__(self, worker):
        self.port = worker.port
        self.seen = []
        self.is_connected = False
        self._changed = asyncio.Condition()
        self._client = socketio.AsyncClient(reconnection=False)
        self._client.on("*", self._saw)
        self._client.on("question", self._question)
        self._client.on("disconnect", self._gone)

    async def connect(self):
        await self._client.connect(f"http://127.0.0.1:{self.port}", transports=["websocket"], wait_timeout=PATIENCE)
        self.is_connected = True
        return self

    @property
    def sid(self):
        return self._client.get_sid()

    async def _saw(self, event, *arguments):
        async with self._changed:
            self.seen.append((event, arguments))
            self._changed.notify_all()

    async def _question(self, question):
        return f"{question} - yes", self.port

    async def _gone(self, *_):
        async with self._changed:
            self.is_connected = False
            self._changed.notify_all()

    async def do(self, event, *arguments):
        """Asks the worker for something, and waits until it has done so. Returns what it answers."""
        return await self._client.call(event, arguments, timeout=PATIENCE)

    async def until(self, condition):
        async with self._changed:
            await asyncio.wait_for(self._changed.wait_for(condition), PATIENCE)

    async def sees(self, event, *arguments):
        """Waits until this has come. Returns how often it has."""
        try:
            await self.until(lambda: (event, arguments) in self.seen)
        except TimeoutError:
            raise AssertionError(f"{event} {arguments} does not come; what came: {self.seen[-20:]}") from None
        return self.seen.count((event, arguments))

    async def told(self, what, **wanted):
        """Waits until a hook of its worker was told this."""
        def found():
            return [said for event, (*_, said) in self.seen if event == "told" and said["what"] == what and all(
                said.get(name) == value for name, value in wanted.items())]
        try:
            await self.until(found)
        except TimeoutError:
            raise AssertionError(f"{what} {wanted} is not told; what came: {self.seen[-20:]}") from None
        return found()

    async def is_gone(self):
        """Waits until it is disconnected."""
        await self.until(lambda: not self.is_connected)

    def saw(self, event, *arguments):
        return (event, arguments) in self.seen

    async def leave(self):
        await self._client.disconnect()
        await self._client.shutdown()


async def hear_each_other(people):
    """Waits until what is published at the first one's worker reaches all: subscriptions take a moment."""
    attempt, number = f"warm up {next(_attempts)}", 0
    while not all(any(event == "said" and said[0] == attempt for event, said in person.seen) for person in people):
        number += 1
        await people[0].do("publish", None, attempt, number)
        await asyncio.sleep(0.02)
    for person in people:  # messages keep their order, so nothing of it comes later
        await person.sees("said", attempt, number)


_attempts = itertools.count()
