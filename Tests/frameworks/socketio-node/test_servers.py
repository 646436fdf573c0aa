"""Socket.IO servers in processes of their own, two on each of two relays: they are one server."""
import itertools
import time
import unittest

from hubrelay import State
from servers import Fleet
from servers_of_node import Refused, Server, know_each_other, until

#: Longer than any test: what happens does not happen by the clock.
NEVER = {"heartbeatInterval": 10**8, "heartbeatTimeout": 2 * 10**8}
OPTIONS = {"--prefix": "app:", "--max-payload": "64KiB"}


class Servers(unittest.TestCase):
    fleet: Fleet
    servers: list[Server]
    mode = "dynamic"
    numbers = itertools.count(1)

    @classmethod
    def setUpClass(cls):
        cls.fleet = Fleet(2, OPTIONS)
        cls.addClassCleanup(cls.fleet.close)
        cls.servers = [Server(cls.fleet, relay, subscriptionMode=cls.mode, **NEVER) for relay in (0, 0, 1, 1)]
        know_each_other(cls.servers)

    def setUp(self):
        self.number = next(self.numbers)
        self.people = [(server, f"person-{self.number}-{index}") for index, server in enumerate(self.servers)]
        for server, name in self.people:
            server("connect", name=name)
        self.ids = [server("id", name=name) for server, name in self.people]

    def tearDown(self):
        for server, name in self.people:
            server("disconnect", to=server("id", name=name))
            server.heard(name, "disconnect")

    def event(self, name):
        return f"{name} {self.number}"

    def nobody_else_heard(self, event, listeners):
        """What was emitted behind it is there, and it is not."""
        behind = self.event(f"behind {event}")
        for server in self.servers:
            server("emit", event=behind)
        for server, name in self.people:
            server.heard(name, behind, len(self.servers))
            if (server, name) not in listeners:
                self.assertFalse(server.has_heard(name, event), name)

    def test_what_one_emits_the_clients_of_all_hear_once(self):
        for speaker in self.servers:
            event = self.event(f"hello from {speaker.name}")
            speaker("emit", event=event, args=[1, {"two": [None]}], hex="00ff10")
            for server, name in self.people:
                self.assertEqual(server.heard(name, event), [[1, {"two": [None]}, {"hex": "00ff10"}]])

    def test_a_room_has_members_on_every_server_and_others_do_not_hear_it(self):
        members = self.people[1:3]
        for server, name in members:
            server("join", name=name, room="room 7")
        for speaker in self.servers:
            event = self.event(f"to the room from {speaker.name}")
            speaker("emit", to=["room 7"], event=event)
            for server, name in members:
                self.assertEqual(server.heard(name, event), [[]])
            self.nobody_else_heard(event, members)

    def test_one_client_is_spoken_to_wherever_it_is(self):
        for speaker in self.servers:
            for (server, name), identity in zip(self.people, self.ids):
                event = self.event(f"from {speaker.name} to {name}")
                speaker("emit", to=[identity], event=event)
                self.assertEqual(server.heard(name, event), [[]])

    def test_order_is_kept(self):
        for server, name in self.people:
            server("join", name=name, room="ordered")
        for number in range(50):
            self.servers[0]("emit", to=["ordered"] if number % 2 else [], event=self.event("in order"), args=[number])
        for server, name in self.people:
            self.assertEqual(server.heard(name, self.event("in order"), 50), [[number] for number in range(50)])

    def test_all_answers_come_back(self):
        for server in self.servers:
            self.assertEqual(server("fetchSockets"), len(self.servers))
            others = [other.name for other in self.servers if other is not server]
            self.assertEqual(server("ask", question="who"), sorted(f"who - {name}" for name in others))
            answers = server("acknowledged", event=self.event(f"answer {server.name}"), timeout=30_000)
            self.assertEqual(sorted(answers), sorted(name for _, name in self.people))

    def test_who_joins_by_another_server_hears_what_is_sent_behind_it(self):
        for round_number in range(10):
            room = f"team {self.number} {round_number}"
            self.servers[0]("joinAndEmit", to=self.ids[1:], room=room, event=room)
            for server, name in self.people[1:]:
                self.assertEqual(server.heard(name, room), [[]])

    def test_a_client_of_another_server_is_disconnected(self):
        server, name = self.people[3]
        self.servers[0]("disconnect", to=self.ids[3])
        server.heard(name, "disconnect")
        until(lambda: self.servers[1]("fetchSockets") == 3, "three are left")

    def test_what_is_too_large_is_told_with_its_cure(self):
        self.servers[0]("large", bytes=64 * 1024)
        [told] = self.servers[0].said("error", event="large")[-1:]
        self.assertEqual(told["code"], "INVALID")
        self.assertRegex(told["text"], "this relay takes 65536. Start the relay with a larger --max-payload")

    def test_a_server_that_is_closed_takes_leave(self):
        leaving = Server(self.fleet, 1, subscriptionMode=self.mode, **NEVER)
        know_each_other(self.servers + [leaving])
        leaving("close")
        leaving.wait()
        know_each_other(self.servers)
        self.assertEqual(self.servers[0]("fetchSockets"), len(self.servers))

    def test_other_programs_emit_through_redis(self):
        event = self.event("news")
        self.fleet.redis.command("PUBLISH", "app:socket.io#/#", (
            f'{{"uid":"emitter","nsp":"/","type":3,"data":{{"packet":{{"type":2,"data":["{event}","hi"]}},'
            '"opts":{"rooms":[],"except":[],"flags":{}}}}'))
        for server, name in self.people:
            self.assertEqual(server.heard(name, event), [["hi"]])


class StaticServers(Servers):
    mode = "static"


class Outages(unittest.TestCase):
    """Each begins with servers that know each other, and none of them hears of another by the clock."""

    heartbeats = NEVER

    def setUp(self):
        self.fleet = Fleet(2, OPTIONS)
        self.addCleanup(self.fleet.close)
        self.servers = [Server(self.fleet, relay, **self.heartbeats) for relay in (0, 1)]
        know_each_other(self.servers)
        for server, name in zip(self.servers, ("ada", "bob")):
            server("connect", name=name)
            server("join", name=name, room="room 7")

    def whole_again(self):
        """All requests are answered, and a room is heard on the other relay."""
        # A Gap says that messages come again; at UP they also go.
        until(lambda: all(server("state") == State.UP for server in self.servers), "the state is not UP")
        know_each_other(self.servers)
        self.assertEqual(self.servers[0]("fetchSockets"), 2)
        for speaker, listener, name in ((0, 1, "bob"), (1, 0, "ada")):
            self.servers[speaker]("emit", to=["room 7"], event=f"whole again, from {speaker}")
            self.servers[listener].heard(name, f"whole again, from {speaker}")

    def test_redis_is_away(self):
        self.fleet.redis.stop()
        for server in self.servers:
            server.said("status", state=int(State.DOWN))
        self.servers[0]("emit", event="only here")
        self.servers[0].heard("ada", "only here")
        [told] = self.servers[0].said("error", event="only here")
        self.assertEqual(told["code"], "NOT_CONNECTED")
        for command in ({"command": "fetchSockets"}, {"command": "ask", "question": "who"}):
            with self.assertRaisesRegex(Refused, "other servers cannot be asked") as refused:
                self.servers[0](**command)
            self.assertEqual(refused.exception.code, "NOT_CONNECTED")
        joined = time.monotonic()
        self.servers[1]("join", name="bob", room="joined in the outage")
        self.assertLess(time.monotonic() - joined, 20)
        self.fleet.redis.start()
        for server in self.servers:
            server.said("gap")
        self.whole_again()
        self.servers[0]("emit", to=["joined in the outage"], event="heard")
        self.servers[1].heard("bob", "heard")
        self.assertFalse(self.servers[1].has_heard("bob", "only here"))  # not sent later

    def test_servers_that_forgot_each_other_in_an_outage_know_each_other_at_up(self):
        self.fleet.redis.stop()
        for server in self.servers:
            server.said("status", state=int(State.DOWN))
            server("forget")
        know_each_other(self.servers, count=1)
        self.fleet.redis.start()
        self.whole_again()

    def test_a_relay_is_killed(self):
        self.fleet.relays[1].kill()
        self.servers[1].said("status", connected=False)
        self.servers[0]("emit", event="to nobody else")
        self.fleet.relays[1].start()
        self.servers[1].said("gap")
        self.whole_again()

    def test_a_relay_is_replaced(self):
        relay = self.fleet.relays[1]
        relay.terminate()
        relay.wait()
        relay.start()
        self.servers[1].said("gap")
        self.whole_again()

    def test_a_server_starts_before_its_relay(self):
        self.fleet.relays[1].kill()
        late = Server(self.fleet, 1, **self.heartbeats)
        late("connect", name="cy")
        self.fleet.relays[1].start()
        self.servers.append(late)
        know_each_other(self.servers)
        self.servers[0]("emit", event="hello")
        late.heard("cy", "hello")


if __name__ == "__main__":
    unittest.main()
