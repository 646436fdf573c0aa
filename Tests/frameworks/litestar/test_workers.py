"""App servers of Litestar under uvicorn, on real relays."""
import os
import unittest

from rooms import Conversations, MixedFleet, RoomsTest, Server

PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "worker.py")


class Workers(Conversations, RoomsTest):
    program = PROGRAM

    async def test_what_publish_takes_in_an_outage_is_told_and_the_worker_lives_on(self):
        """`publish` has no caller who could be told, and an exception would end its task for good."""
        server = self.servers[0]
        guests = await self.guests("g")
        await self.in_thread(self.fleet.redis.stop)
        await self.all_hear(guests, "STATE DOWN")
        for number in range(3):
            self.assertEqual(await server.say("g", f"lost {number}", wait=0), "taken")
            server.worker.said("not published", error="NotConnected", channel="g", text=f"lost {number}")
        await self.in_thread(self.fleet.redis.start)
        await self.all_hear(guests, "STATE UP", "GAP")
        self.assertEqual(await server.say("g", "after", wait=0), "taken")
        await self.all_hear(guests, "after")
        self.assertEqual([guest.messages for guest in guests], [["after"]] * 4)
        self.assertEqual(server.worker.output.count("not published to 'g'"), 1)
        self.assertIn("published again; failed before: 3 NotConnected", server.worker.output)

    async def test_a_payload_that_is_too_large_is_told(self):
        server = self.servers[0]
        self.assertEqual(await server.say("h", "x" * (1 << 21)), "Invalid")
        self.assertEqual(await server.say("h", "y" * (1 << 21), wait=0), "taken")
        server.worker.said("not published", error="Invalid", channel="h")
        guest = await server.guest("h")
        self.addAsyncCleanup(guest.leave)
        await server.say("h", "after", wait=0)
        await guest.hears("after")

    async def test_a_worker_starts_and_ends_without_redis_and_without_a_relay(self):
        await self.in_thread(self.fleet.redis.stop)
        await self.in_thread(self.fleet.relays[0].kill)
        server = Server(self.fleet, PROGRAM, self.fleet.url())
        guest = await server.guest("i")
        self.assertEqual(await server.say("i", "lost", wait=0), "taken")
        server.worker.said("not published", error="NotConnected")
        await self.in_thread(self.fleet.relays[0].start)
        await self.in_thread(self.fleet.redis.start)
        await guest.hears("STATE UP", "GAP")
        await server.say("i", "after")
        await guest.hears("after")
        await guest.leave()
        await self.in_thread(self.fleet.redis.stop)
        await server.say("i", "lost", wait=0)
        await self.ends(server)
        await self.start_redis()


class WithRedis(MixedFleet, RoomsTest):
    program = PROGRAM


del Conversations, MixedFleet, RoomsTest  # they are no tests of this file

if __name__ == "__main__":
    unittest.main()
