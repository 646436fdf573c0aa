"""Two workers on each of two relays, and one on python-socketio's own Redis manager: they are one server."""
import asyncio
import contextlib
import os
import unittest

from people import Person, hear_each_other, worker
from servers import Fleet

from hubrelay.socketio import AsyncHubrelayManager, HubrelayManager

PREFIX = "chat:"


class Servers(unittest.IsolatedAsyncioTestCase):
    fleet: Fleet
    workers: list

    @classmethod
    def setUpClass(cls):
        cls.fleet = Fleet(2, {"--prefix": PREFIX})
        cls.addClassCleanup(cls.fleet.close)
        cls.workers = [worker(cls.fleet, cls.fleet.url(relay)) for relay in (0, 0, 1, 1)]
        # The relay's prefix is part of the channel on Redis.
        cls.workers.append(worker(cls.fleet, cls.fleet.redis.tcp_url, channel=PREFIX + "socketio"))

    async def asyncSetUp(self):
        async with contextlib.AsyncExitStack() as people:
            self.people = []
            for each in self.workers:
                self.people.append(await Person(each).connect())
                people.push_async_callback(self.people[-1].leave)
            await hear_each_other(self.people)
            self.addAsyncCleanup(people.pop_all().aclose)

    async def all_see(self, people, *arguments):
        """Each of them sees it, and once."""
        for person in people:
            self.assertEqual(await person.sees("said", *arguments), 1)

    async def nobody_sees(self, people, *arguments):
        """None of them sees it, and never will: what came behind it is there."""
        await self.people[0].do("publish", None, "behind", *arguments)
        await self.people[-1].do("publish", None, "behind, too", *arguments)
        for person in people:
            await person.sees("said", "behind", *arguments)
            await person.sees("said", "behind, too", *arguments)
            self.assertFalse(person.saw("said", *arguments))

    async def test_what_one_emits_reaches_the_clients_of_all_once(self):
        for number, speaker in enumerate(self.people):
            await speaker.do("publish", None, "hello", number)
            await self.all_see(self.people, "hello", number)

    async def test_a_room_has_members_on_every_server(self):
        members, others = self.people[1:4:2] + self.people[4:], self.people[0:4:2]
        for member in members:
            await member.do("enter", "room 7")
        for number, speaker in enumerate(self.people):
            await speaker.do("publish", "room 7", "to the room", number)
            await self.all_see(members, "to the room", number)
            await self.nobody_sees(others, "to the room", number)

    async def test_order_is_kept(self):
        for number in range(50):
            await self.people[2].do("publish", None, "in order", number)
        for person in self.people:
            await person.sees("said", "in order", 49)
            self.assertEqual([said[1] for event, said in person.seen if event == "said" and said[0] == "in order"],
                             list(range(50)))

    async def test_answers_come_back_to_the_server_that_asked(self):
        for asker in self.people:
            for asked in self.people:
                question = f"{asker.port} asks {asked.port}"
                await asker.do("ask", asked.sid, question)
                self.assertEqual(await asker.sees("answered", f"{question} - yes", asked.port), 1)

    async def test_a_client_of_another_server_is_disconnected(self):
        for closer, closed in ((0, 1), (0, 2), (0, 4), (4, 3)):
            with self.subTest(closer=closer, closed=closed):
                victim = await Person(self.workers[closed]).connect()
                self.addAsyncCleanup(victim.leave)
                await self.people[closer].do("part", victim.sid)
                await victim.is_gone()
        self.assertTrue(all(person.is_connected for person in self.people))

    async def test_a_client_of_another_server_enters_and_leaves_a_room(self):
        first, second = self.people[2], self.people[4]
        for member in (first, second):
            await self.people[0].do("enter", "by others", member.sid)
        await self.people[0].do("publish", "by others", "after entering")
        await self.all_see([first, second], "after entering")
        await self.people[1].do("leave", "by others", first.sid)
        await self.people[1].do("publish", "by others", "after leaving")
        await self.all_see([second], "after leaving")
        await self.nobody_sees([first], "after leaving")

    async def test_a_room_is_closed_on_every_server(self):
        for closer in (self.people[3], self.people[4]):
            for person in self.people:
                await person.do("enter", "closed")
            await closer.do("publish", "closed", "open", closer.port)
            await self.all_see(self.people, "open", closer.port)
            await closer.do("close", "closed")
            await closer.do("publish", "closed", "to nobody", closer.port)
            await self.nobody_sees(self.people, "to nobody", closer.port)

    async def test_binary_data_and_several_arguments(self):
        for speaker in self.people:
            await speaker.do("publish", None, bytes(range(256)), {"deep": [b"\0", speaker.port]}, None, "ü")
            await self.all_see(self.people, bytes(range(256)), {"deep": [b"\0", speaker.port]}, None, "ü")

    async def test_a_script_that_runs_one_loop_after_the_other_emits(self):
        manager = AsyncHubrelayManager(self.fleet.url(1), write_only=True)

        def script():
            for number in range(3):  # as Celery tasks do it, or async_to_sync
                asyncio.run(manager.emit("said", ("from a script", number), room=None))
        await asyncio.to_thread(script)
        for number in range(3):
            await self.all_see(self.people, "from a script", number)

    async def test_a_process_without_asyncio_emits_and_so_do_those_it_forks(self):
        manager = HubrelayManager(self.fleet.url(0), write_only=True)
        self.addCleanup(manager.close)
        manager.emit("said", ("from a process", 0))
        child = os.fork()  # as Celery's prefork pool does
        if child == 0:
            try:
                manager.emit("said", ("from a process", 1))
                manager.close()
            finally:
                os._exit(0)
        await asyncio.to_thread(os.waitpid, child, 0)
        manager.emit("said", ("from a process", 2))
        for number in range(3):
            await self.all_see(self.people, "from a process", number)

    async def test_another_channel_is_another_app(self):
        other = worker(self.fleet, self.fleet.url(0), channel="another")
        stranger = await Person(other).connect()
        self.addAsyncCleanup(stranger.leave)
        await hear_each_other([stranger])
        await stranger.do("publish", None, "elsewhere")
        await self.nobody_sees(self.people, "elsewhere")
        self.assertFalse(stranger.saw("said", "behind", "elsewhere"))


if __name__ == "__main__":
    unittest.main()
