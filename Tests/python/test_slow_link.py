"""A network that is slower for one of the relay's two links than for the other."""
import asyncio
import os
import tempfile
import unittest

from harness import Redis, Relay, hubrelay
from hubrelay import State


class Delayed:
    """A proxy before Redis. What the subscribe link writes arrives late; everything else passes as it comes."""

    def __init__(self, redis, directory, seconds):
        self.path = os.path.join(directory, "proxy.sock")
        self.url = f"unix://{self.path}"
        self._redis, self._seconds, self._tasks = redis, seconds, set()

    async def __aenter__(self):
        self._server = await asyncio.start_unix_server(self._accept, self.path)
        return self

    async def __aexit__(self, *_):
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader, writer):
        self._tasks.add(asyncio.current_task())
        upstream_reader, upstream = await asyncio.open_unix_connection(self._redis.path)
        try:
            await asyncio.gather(self._pump(reader, upstream, True), self._pump(upstream_reader, writer, False))
        except asyncio.CancelledError:
            pass  # the proxy ends
        finally:
            writer.close()
            upstream.close()

    async def _pump(self, reader, writer, to_redis):
        is_late = False
        while data := await reader.read(65536):
            is_late = is_late or (to_redis and b"hubrelay-subscribe" in data)
            if is_late:
                await asyncio.sleep(self._seconds)  # the network that is being played, not a wait for an event
            writer.write(data)
        writer.close()


class SlowSubscribeLink(unittest.IsolatedAsyncioTestCase):
    async def test_a_relay_without_subscriptions_comes_up(self):
        """The probe is published only when its channel is subscribed: it would never be heard otherwise."""
        with tempfile.TemporaryDirectory(prefix="hubrelay-") as directory:
            redis = Redis(directory)
            self.addCleanup(redis.stop)
            async with Delayed(redis, directory, 0.1) as proxy:
                # Longer than the test is patient: a probe that is lost is not asked for again.
                timings = {"--link-timeout": "50s", "--heartbeat-interval": "20s", "--probe": "1m"}
                relay = await asyncio.to_thread(Relay, proxy, directory, timings)
                self.addCleanup(relay.kill)
                async with hubrelay.AsyncClient(relay.path) as client:
                    async def up():
                        while client.status.state != State.UP:
                            await client.events.__anext__()
                    await asyncio.wait_for(up(), 30)
                relay.terminate()
                await asyncio.to_thread(relay.wait)


if __name__ == "__main__":
    unittest.main()
