"""The conformance driver of the asyncio client."""
import asyncio
import os
import sys
import threading

import hubrelay
from drivers import lines
from hubrelay import Outcome


class Driver:
    def __init__(self):
        self.client, self.subscriptions, self.tasks, self.takers = None, {}, {}, set()
        self.may_take = asyncio.Event()
        self.may_take.set()

    async def run(self):
        lines.say("driver 1 python hubrelay-asyncio cancel jitter inflight-bound unsent-bound events-bound fork",
                  "hang-up subscription-end")
        threading.Thread(target=self.read, args=(asyncio.get_running_loop(),), daemon=True).start()
        await asyncio.Event().wait()

    def read(self, loop):
        """Reads commands. A thread has long lines sooner than an event loop."""
        for line in open(sys.stdin.fileno(), "rb", buffering=1 << 20):
            words = line.decode().rstrip("\n").split(" ")
            if words == ["quit"]:
                break
            if words[0]:
                loop.call_soon_threadsafe(self.take, words[0].replace("-", "_"), words[1:])
        os._exit(0)

    def take(self, command, words):
        """Starts a command; none of them is waited for."""
        if command == "open":
            self.open(words)
        elif command == "cancel":
            if words[0] in self.tasks:
                self.tasks[words[0]].cancel()
        else:
            self.tasks[words[0]] = asyncio.ensure_future(self.perform(command, *words))

    async def perform(self, command, tag, *words):
        try:
            await getattr(self, command)(tag, *words)
        except hubrelay.HubrelayError as error:
            lines.failed(tag, error)
        except asyncio.CancelledError:
            lines.done(tag, "CANCELLED")
        finally:
            self.tasks.pop(tag, None)

    def open(self, words):
        try:
            path, name = map(lines.name, words[:2])
            self.client = hubrelay.AsyncClient(path, name, **lines.options(words[2:]))
        except hubrelay.Invalid as error:
            lines.say("fatal", lines.quoted(str(error)))
            return
        self.client.connect()
        self.take_in_background(self.client.events, None)

    def take_in_background(self, stream, handle):
        task = asyncio.ensure_future(self.take_events(stream, handle))
        self.takers.add(task)  # the loop itself keeps no task alive
        task.add_done_callback(self.takers.discard)

    async def take_events(self, stream, handle):
        while True:
            await self.may_take.wait()
            try:
                event = await stream.__anext__()
            except StopAsyncIteration:
                break
            await self.may_take.wait()
            lines.report(event, handle)
        lines.say("event end", *([f"sub={handle}"] if handle else []))

    async def publish(self, tag, channel, payload):
        lines.done(tag, "OK", receivers=await self.client.publish(lines.name(channel), lines.payload(payload)))

    async def publish_now(self, tag, channel, payload):
        receivers = await self.client.publish(lines.name(channel), lines.payload(payload), wait=False)
        lines.done(tag, "OK", receivers=receivers)

    async def tell(self, tag, channel, payload):
        self.client.send(lines.name(channel), lines.payload(payload))
        lines.done(tag, "SENT")

    async def subscribe(self, tag, *words):
        channels, patterns = lines.names(words)
        lines.done(tag, (await self.client.subscribe(*channels, patterns=patterns)).name)

    async def unsubscribe(self, tag, *words):
        channels, patterns = lines.names(words)
        lines.done(tag, (await self.client.unsubscribe(*channels, patterns=patterns)).name)

    async def listen(self, tag, handle, *words):
        channels, patterns = lines.names(words)
        subscription = await self.client.listen(*channels, patterns=patterns)
        lines.done(tag, (subscription.outcome or Outcome.OK).name)
        self.subscriptions[handle] = subscription
        self.take_in_background(subscription, handle)

    async def unlisten(self, tag, handle):
        await self.subscriptions.pop(handle).close()
        lines.done(tag, "OK")

    async def fork(self, tag):
        if os.fork() == 0:
            # The parent's loop is not the child's; asyncio wants to be told.
            asyncio.events._set_running_loop(None)
            asyncio.set_event_loop(None)
            asyncio.new_event_loop().run_until_complete(self.in_child())
            os._exit(0)
        lines.done(tag, "OK")

    async def in_child(self):
        try:
            await self.client.publish("forked", b"from the child")
        except hubrelay.HubrelayError as error:
            lines.say("log", lines.quoted(f"the child's publish failed: {error}"))

    async def ping(self, tag):
        await self.client.ping()
        lines.done(tag, "OK")

    async def hold(self, tag):
        self.may_take.clear()
        lines.done(tag, "OK")

    async def release(self, tag):
        self.may_take.set()
        lines.done(tag, "OK")

    async def memory(self, tag):
        lines.done(tag, "OK", rss=lines.memory())

    async def close(self, tag):
        await self.client.close()
        lines.done(tag, "OK")


asyncio.run(Driver().run())
