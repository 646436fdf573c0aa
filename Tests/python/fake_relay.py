"""A relay of the test's own, for what a real one does only when Redis or another relay makes it: it says what the test
wants, and the test sees each frame of the client."""
import asyncio
import os

import wire
from wire import State, Status, Welcome

UP = Status(state=State.UP, publishing=True, receiving=True)


class Peer:
    """One connection of a client. `next` is its next frame, None for the end of what it writes."""

    def __init__(self, reader, writer):
        self._reader, self._writer = reader, writer

    async def next(self):
        try:
            return wire.decode(await wire.read_body(self._reader, 1 << 21), wire.CLIENT_FRAME)
        except (asyncio.IncompleteReadError, ConnectionError):
            return None

    def send(self, *frames):
        self._writer.write(b"".join(map(wire.encode, frames)))

    def close(self):
        self._writer.close()


class FakeRelay:
    """Listens at a path. Takes each connection up to its Welcome; `peer` is the next one."""

    def __init__(self, path, relay_id="fake", status=UP, features=()):
        self.path = path
        self.welcome = Welcome(version=1, relay_id=relay_id, max_frame_bytes=1 << 20, status=status,
                               max_payload_bytes=(1 << 20) - 4096, features=features)
        self._peers, self._every = asyncio.Queue(), []

    async def __aenter__(self):
        # As a relay does it: where another one listened before, this one takes its place.
        beside = self.path + ".new"
        self._server = await asyncio.start_unix_server(self._take, beside)
        os.rename(beside, self.path)
        return self

    async def __aexit__(self, *_):
        self.stop_listening()
        for peer in self._every:
            peer.close()

    def stop_listening(self):
        self._server.close()

    async def _take(self, reader, writer):
        peer = Peer(reader, writer)
        self._every.append(peer)
        await peer.next()  # Hello
        peer.send(self.welcome)
        self._peers.put_nowait(peer)

    async def peer(self):
        return await self._peers.get()
