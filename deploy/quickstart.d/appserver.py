"""An app server worker as the demo sees it: a process that runs worker.py, and all that it has told so far."""

import asyncio
import json
import pathlib
import sys
import time

from processes import Stuck


class AppServer:
    def __init__(self, name, relay):
        self.name, self.relay = name, relay
        self.events = []
        self.replies = asyncio.Queue()
        self.news = asyncio.Event()
        self.mark = 0
        self.process = None

    async def start(self):
        script = pathlib.Path(__file__).with_name("worker.py")
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, str(script), str(self.relay.socket), self.name, start_new_session=True,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
        self.listening = asyncio.create_task(self.listen())

    async def listen(self):
        async for line in self.process.stdout:
            told = json.loads(line)
            if told["type"] == "reply":
                self.replies.put_nowait(told)
            else:
                self.events.append(told)
            self.news.set()

    def set_mark(self):
        """From here on, `seen` and `see` look only at what comes later."""
        self.mark = len(self.events)

    def seen(self, kind, **wanted):
        """The events since the mark that are of this kind and have these fields."""
        return [event for event in self.events[self.mark:]
                if event["type"] == kind and all(event[name] == value for name, value in wanted.items())]

    async def see(self, kind, patience=30, **wanted):
        """The first such event since the mark; waits for it if need be, at most `patience` seconds."""
        deadline = time.monotonic() + patience
        while not (found := self.seen(kind, **wanted)):
            self.news.clear()
            try:
                await asyncio.wait_for(self.news.wait(), deadline - time.monotonic())
            except asyncio.TimeoutError:
                wish = " ".join([kind, *(f"{name}={value}" for name, value in wanted.items())])
                raise Stuck(f"app server {self.name} did not see: {wish}") from None
        return found[0]

    async def ask(self, **command):
        """Has the worker do something. Returns its reply and how long that took, in ms."""
        begin = time.monotonic()
        self.process.stdin.write(json.dumps(command).encode() + b"\n")
        try:
            reply = await asyncio.wait_for(self.replies.get(), 10)
        except asyncio.TimeoutError:
            raise Stuck(f"app server {self.name} got no reply to {command['do']}") from None
        return reply, (reply["at"] - begin) * 1000

    async def subscribe(self, *channels):
        return await self.ask(do="subscribe", channels=channels)

    async def publish(self, channel, *payloads):
        return await self.ask(do="publish", channel=channel, payloads=payloads)

    async def stop(self):
        """Ends the worker by the end of its stdin, as `with` ends a client; a stuck one after two seconds."""
        if self.process is not None and self.process.returncode is None:
            self.process.stdin.close()
            try:
                await asyncio.wait_for(self.process.wait(), 2)
            except asyncio.TimeoutError:
                self.process.kill()
                await self.process.wait()
