"""App servers of Starlette under uvicorn, with broadcaster on real relays."""
import os
import unittest

from rooms import Conversations, MixedFleet, RoomsTest, Server

PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "worker.py")


class Workers(Conversations, RoomsTest):
    program = PROGRAM

    async def test_a_message_that_is_no_text_is_told_and_the_worker_lives_on(self):
        guests = await self.guests("g")
        await self.subscriptions("g", 2)
        self.fleet.redis.command("PUBLISH", "g", b"\xff")
        for server in self.servers:
            server.worker.said("loss", messages=1, reason="a message of g is not UTF-8")
        await self.servers[0].say("g", "after")
        await self.all_hear(guests, "after")

    async def test_a_payload_that_is_too_large_is_told(self):
        self.assertEqual(await self.servers[0].say("h", "x" * (1 << 21)), "Invalid")
        self.assertEqual(await self.servers[0].say("h", "x"), "published")

    async def test_a_worker_starts_and_ends_without_redis_and_without_a_relay(self):
        await self.in_thread(self.fleet.redis.stop)
        await self.in_thread(self.fleet.relays[0].kill)
        server = Server(self.fleet, PROGRAM, self.fleet.url())
        guest = await server.guest("i")
        self.assertEqual(await server.say("i", "refused"), "NotConnected")
        await self.in_thread(self.fleet.relays[0].start)
        await self.in_thread(self.fleet.redis.start)
        await guest.hears("STATE UP", "GAP")
        await server.say("i", "after")
        await guest.hears("after")
        await guest.leave()
        await self.in_thread(self.fleet.redis.stop)
        await self.ends(server)
        await self.start_redis()


class WithRedis(MixedFleet, RoomsTest):
    program = PROGRAM


del Conversations, MixedFleet, RoomsTest  # they are no tests of this file

if __name__ == "__main__":
    unittest.main()
