"""Puma with Action Cable on relays: streams across servers, a server on Redis beside them, and outages."""
import asyncio
import contextlib
import unittest

from cable import Browser, Server
from servers import Fleet


class CableFleet(Fleet):
    def add(self, server):
        self.workers.append(server)
        return server


class ServersTest(unittest.IsolatedAsyncioTestCase):
    relays, options = 1, {}

    def setUp(self):
        self.fleet = CableFleet(self.relays, self.options)
        self.addCleanup(self.fleet.close)

    async def asyncSetUp(self):
        self._browsers = contextlib.AsyncExitStack()
        self.addAsyncCleanup(self._browsers.aclose)

    async def browser(self, server, user="somebody"):
        browser = await Browser.open(server, user)
        self._browsers.push_async_callback(browser.close)
        return browser

    async def browsers_of_all_workers(self, server, count, room):
        """One browser in each process of the server."""
        found = {}
        for _ in range(200):
            browser = await (await self.browser(server)).enter(room)
            if found.setdefault(await browser.pid(room), browser) is not browser:
                await browser.close()
            if len(found) == count:
                return list(found.values())
        self.fail(f"200 connections to {count} workers came to {len(found)} of them")

    async def works(self, *browsers, room="room", text="works"):
        """What the first one says all of them hear."""
        await browsers[0].speak(room, text)
        for browser in browsers:
            await browser.heard(room, text=text)


class AcrossServersTest(ServersTest):
    relays = 2

    async def test_two_workers_on_each_of_two_relays_and_one_on_redis(self):
        first, second = Server.on_relay(self.fleet, 0, workers=2), Server.on_relay(self.fleet, 1, workers=2)
        third = Server.on_redis(self.fleet)
        browsers = [*await self.browsers_of_all_workers(first, 2, "room"),
                    *await self.browsers_of_all_workers(second, 2, "room"),
                    await (await self.browser(third)).enter("room")]
        for number in range(len(browsers)):
            await self.works(*browsers, text=f"from {number}")
        for browser in browsers:
            self.assertEqual([f"from {number}" for number in range(5)], browser.texts("room"), "each once")

        with self.subTest("a name that no relay takes is shared by relays"):
            room = "ü" * 400
            inside = [await (await self.browser(server)).enter(room) for server in (first, second)]
            outside = await (await self.browser(third)).enter(room)
            await self.works(*inside, room=room)
            await self.works(outside, room=room, text="apart")
            self.assertEqual(["works"], inside[1].texts(room))

        with self.subTest("connections are closed from other servers"):
            for server, other in ((first, second), (first, third), (third, first)):
                victim = await self.browser(server, user="victim")
                witness = await (await self.browser(other, user="witness")).enter("room")
                await self.closed_from(witness, victim)

        with self.subTest("nobody has missed anything"):
            for server in (first, second):
                self.assertEqual([], server.said("gap", 0))

    async def closed_from(self, witness, victim):
        """The server subscribes for this without telling when that is done: so it is tried until it works."""
        while not victim.closed:
            await witness.perform("room", "expel", user="victim")
            await asyncio.wait([asyncio.ensure_future(victim.gone())], timeout=0.2)

    async def test_a_prefix_keeps_applications_apart(self):
        ours, theirs = Server.on_relay(self.fleet, 0, channel_prefix="ours"), Server.on_relay(self.fleet, 0)
        on_redis = Server.on_redis(self.fleet, channel_prefix="ours")
        browsers = [await (await self.browser(server)).enter("room") for server in (ours, on_redis, theirs)]
        await self.works(*browsers[:2])
        await self.works(browsers[2], text="apart")
        self.assertEqual(["works"], browsers[0].texts("room"))
        self.assertEqual(["apart"], browsers[2].texts("room"))


class OutageTest(ServersTest):
    async def test_redis_is_killed(self):
        server = Server.on_relay(self.fleet, workers=1, events_stream="events", gap_jitter=0.1)
        browser = await (await (await self.browser(server)).enter("room")).enter("events")
        self.fleet.redis.stop()
        await browser.heard("events", event="status", state="down")
        await browser.speak("room", "lost")
        await browser.heard("room", refused="lost", error="Hubrelay::NotConnectedError")
        late = await self.browser(server)
        await late.ask("hall")
        await late.enter("events")
        self.assertFalse(late.is_confirmed("hall"), "nothing would come")
        self.fleet.redis.start()
        await late.until(lambda: late.is_confirmed("hall"), "the confirmation")
        await browser.heard("events", event="gap", partial=False)
        await browser.heard("events", event="status", state="up")
        self.assertEqual([False], [gap["partial"] for gap in server.said("gap")])
        await self.works(browser)
        self.assertEqual(["works"], browser.texts("room"))

    async def test_browsers_are_told_to_connect_again(self):
        server = Server.on_relay(self.fleet, reconnect_on_gap=True, gap_jitter=0.1)
        browser = await (await self.browser(server)).enter("room")
        self.fleet.redis.stop()
        server.said("status", state="down")
        self.fleet.redis.start()
        await browser.told(type="disconnect", reason="gap", reconnect=True)
        await browser.gone()
        await self.works(await (await self.browser(server)).enter("room"))

    async def test_the_relay_is_killed_and_another_one_comes(self):
        server = Server.on_relay(self.fleet, gap_jitter=0.1)
        browser = await (await self.browser(server)).enter("room")
        relay = self.fleet.relays[0]
        relay.kill()
        server.said("status", connected=False)
        await browser.speak("room", "lost")
        await browser.heard("room", refused="lost", error="Hubrelay::NotConnectedError")
        await browser.ask("hall")
        await browser.until(lambda pings=browser.pings: browser.pings >= pings + 5, "pings, while it is asked for")
        relay.start()
        server.said("gap")
        await self.works(browser)
        await browser.until(lambda: browser.is_confirmed("hall"), "the confirmation")
        await self.works(browser, room="hall")


class HungRedisTest(ServersTest):
    options = {"--link-timeout": "4s"}

    # Twenty browsers that ask at the same time would take all ten threads that send pings, if asking waited.
    async def test_redis_hangs(self):
        server = Server.on_relay(self.fleet, gap_jitter=0.1)
        browser = await (await self.browser(server)).enter("room")
        others = [await self.browser(server) for _ in range(20)]
        self.fleet.redis.freeze()
        self.addCleanup(self.fleet.redis.thaw)
        for number, other in enumerate(others):
            await other.ask(f"room.{number}")
        await browser.speak("room", "unknown")
        pings = browser.pings
        await browser.until(lambda: browser.pings >= pings + 10, "pings")
        self.assertEqual([], server.said("status", 0, state="down"), "that was too late: Redis does not hang any more")
        self.assertFalse(any(other.is_confirmed(f"room.{number}") for number, other in enumerate(others)))
        refused = await browser.heard("room", refused="unknown")
        self.assertIn(refused["error"], ("Hubrelay::InterruptedError", "Hubrelay::TimeoutError"))
        server.said("status", state="down")
        self.fleet.redis.thaw()
        server.said("gap")
        for number, other in enumerate(others):
            await other.until(lambda: other.is_confirmed(f"room.{number}"), "the confirmation")
        await self.works(browser)


if __name__ == "__main__":
    unittest.main()
