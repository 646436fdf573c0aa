"""A web request publishes, and a socket server brings it to everybody who listens: the examples of PHP, Java and Go.

Each language's `proto/clients/*/examples/web-request` and `socket-server` are started, beside a relay each. Everybody
who listens at any socket server hears what any web server was told to say.
"""
import asyncio
import os
import pathlib
import tempfile
import unittest

from harness import COMPILER_PATIENCE, PATIENCE, ROOT, Process, Redis, Relay, free_port

WEB = sorted(pathlib.Path(ROOT).glob("proto/clients/*/examples/web-request"))
SOCKETS = sorted(pathlib.Path(ROOT).glob("proto/clients/*/examples/socket-server"))


class Server:
    """One example beside a relay, at a port of its own."""

    def __init__(self, example, path):
        self.language, self.port = example.parents[1].name, free_port()
        self.process = Process(str(example), "--relay", path, "--listen", f"127.0.0.1:{self.port}",
                               ready=f"127.0.0.1:{self.port}", patience=COMPILER_PATIENCE)

    async def request(self, head, body=b""):
        """The streams of a request, behind its answer's status."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(b"%s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" %
                     (head.encode(), len(body), body))
        status = int((await reader.readline()).split()[1])
        while (await reader.readline()).strip():
            pass
        return status, reader, writer

    async def say(self, room, text):
        """Status and text of the answer."""
        status, reader, writer = await self.request(f"POST /rooms/{room}", text.encode())
        said = await reader.read()
        writer.close()
        return status, said.decode().strip()


class Page:
    """Somebody who listens to a room at a socket server."""

    async def enter(self, server, room):
        self.status, self.reader, self._writer = await server.request(f"GET /rooms/{room}")
        return self

    async def event(self):
        """The next event: its kind, and what it says."""
        kind, said = "message", []
        while True:
            line = (await self.reader.readline()).decode()
            if not line:
                raise AssertionError("the socket server has ended the connection")
            name, _, value = line.rstrip("\r\n").partition(": ")
            if name == "event":
                kind = value
            elif name == "data":
                said.append(value)
            elif not name and said:  # a length, where the answer is in chunks, is none of these
                return kind, "\n".join(said)

    async def hears(self, kind, text=None):
        """Waits for this."""
        while True:
            found = await self.event()
            if found[0] == kind and text in (None, found[1]):
                return

    def leave(self):
        self._writer.close()


class WebRequests(unittest.IsolatedAsyncioTestCase):
    def setUp(self):
        self.assertEqual([example.parents[1].name for example in WEB], ["go", "java", "php"])
        self.assertEqual([example.parents[1].name for example in SOCKETS], ["go", "java", "php"])
        directory = tempfile.TemporaryDirectory(prefix="hubrelay-")
        self.addCleanup(directory.cleanup)
        self.redis = Redis(directory.name)
        self.addCleanup(self.redis.stop)
        relays = []
        for name in ("web", "sockets"):
            os.mkdir(os.path.join(directory.name, name))
            relays.append(Relay(self.redis, os.path.join(directory.name, name), {}))
            self.addCleanup(relays[-1].kill)
        self.web, self.sockets = [], []
        for examples, relay, servers in ((WEB, relays[0], self.web), (SOCKETS, relays[1], self.sockets)):
            for example in examples:
                servers.append(Server(example, relay.path))
                self.addCleanup(servers[-1].process.kill)

    async def soon(self, awaitable):
        return await asyncio.wait_for(awaitable, PATIENCE)

    async def test_what_a_web_request_says_reaches_everybody_who_listens(self):
        pages = [await self.soon(Page().enter(server, "lobby")) for server in self.sockets for _ in range(2)]
        elsewhere = [await self.soon(Page().enter(server, "kitchen")) for server in self.sockets]
        for page in pages + elsewhere:
            self.addCleanup(page.leave)
        for server in self.web:
            text = f"from {server.language}:\nä"
            self.assertEqual(await self.soon(server.say("lobby", text)), (200, "sent"))
            for page in pages:
                self.assertEqual(await self.soon(page.event()), ("message", text))
        self.assertEqual(await self.soon(self.web[0].say("kitchen", "end")), (200, "sent"))
        for page in elsewhere:
            self.assertEqual(await self.soon(page.event()), ("message", "end"))

        self.redis.stop()
        for server in self.web:
            while (answer := await self.soon(server.say("lobby", "lost")))[1].startswith("perhaps sent"):
                pass  # it was the one that found out
            self.assertEqual((answer[0], answer[1][:10]), (503, "not sent: "))
        self.redis.start()
        for page in pages:
            await self.soon(page.hears("gap"))
        for server in self.web:
            while (await self.soon(server.say("lobby", f"after, from {server.language}")))[0] != 200:
                pass  # the other relay may be UP already
            for page in pages:
                await self.soon(page.hears("message", f"after, from {server.language}"))

    async def test_what_is_no_message_is_refused(self):
        for server in self.web:
            self.assertEqual((await self.soon(server.say("lobby", "x" * (64 << 10)))), (200, "sent"))
            self.assertEqual((await self.soon(server.say("lobby", "x" * (65 << 10))))[0], 413)
            self.assertEqual((await self.soon(server.say("x" * 513, "x")))[0], 503)
        for server in self.sockets:
            page = await self.soon(Page().enter(server, "x" * 513))
            self.assertEqual(page.status, 503)
            page.leave()


if __name__ == "__main__":
    unittest.main()
