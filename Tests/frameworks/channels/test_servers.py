"""Two servers of Django Channels on each of two relays, with real browsers' protocol, real Redis and real faults."""
import concurrent.futures
import json
import os
import pathlib
import signal
import tempfile
import time
import unittest
import urllib.error
import urllib.request

import hubrelay
import sentinels
from harness import PATIENCE, Relay, free_port
from people import Person
from servers import Fleet

from hubrelay.channels import HubrelayChannelLayer

CHAT = pathlib.Path(__file__).with_name("chat.py")

#: Of relays. A Redis that a busy machine makes slow is no outage.
OPTIONS = {"--prefix": "", "--link-timeout": f"{2 * PATIENCE}s"}


def serve(fleet, *layers):
    """Starts a daphne for each layer, all at once. Returns their ports."""
    ports = [free_port() for _ in layers]
    with concurrent.futures.ThreadPoolExecutor(len(layers)) as starting:
        for worker in list(starting.map(lambda layer, port: fleet.worker(CHAT, layer, "daphne", port, ready="starting"),
                                        layers, ports)):
            worker.said("imported")
            worker._wait_for_line("Listening on TCP")
    return ports


def publish(port, how, text, room="room"):
    """What a synchronous view answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/publish/{how}/{room}/{text}", timeout=PATIENCE) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        return json.load(error)


def until_nothing_is_published(path):
    """A relay finds each of its links dead in its own time. Until both are, what is sent may be Interrupted."""
    with hubrelay.Client(path, name="test") as client:
        for event in client.events:
            if isinstance(event, hubrelay.Status) and event.connected and not event.publishing:
                return


def outage(test, people, ports, begin, end):
    """Everybody is told, sending is refused, and afterwards all is as before."""
    begin()
    for person in people:
        person.next("state", "disconnect")
    late = test.enterContext(Person(ports[-1]))
    test.assertEqual(late.next("state"), {"state": "disconnect"}, "who comes in an outage is told, too")
    people[0].say("refused")
    test.assertEqual(people[0].next("refused"), {"refused": "NotConnected", "text": "refused"})
    for how in ("async_to_sync", "group_send_sync"):
        test.assertIn("refused", publish(ports[0], how, "refused"))
    end()
    for person in (*people, late):
        test.assertTrue(person.next("gap")["gap"])
    people[0].say_until_heard("back")
    for person in (*people[1:], late):
        test.assertEqual(person.next("text"), {"text": "back"})


class Servers(unittest.TestCase):
    """Two relays, with two servers each: those of the first are 0 and 1. Server 4 has channels_redis' layer."""

    fleet: Fleet
    link: str
    ports: list[int]

    @classmethod
    def setUpClass(cls):
        cls.fleet = Fleet(2, OPTIONS)
        cls.addClassCleanup(cls.fleet.close)
        first, second = [relay.path for relay in cls.fleet.relays]
        cls.link = f"{first}.link"  # so that another relay can take the place of the first
        os.symlink(first, cls.link)
        cls.ports = serve(cls.fleet, cls.link, cls.link, second, second, cls.fleet.redis.tcp_url)
        cls.addClassCleanup(lambda: [worker.signal(signal.SIGTERM) for worker in cls.fleet.workers])

    def people(self, room, *servers, folder=""):
        """One person at each of these servers, or of all on relays."""
        return [self.enterContext(Person(self.ports[each], room, folder)) for each in servers or range(4)]

    def test_a_group_reaches_every_server_once_and_in_order(self):
        people, others = self.people("seven"), self.people("eight", 0, 3)
        for number in range(20):
            people[0].say(f"first {number}")
        for person in people:
            self.assertEqual(person.hear(20), [f"first {number}" for number in range(20)])
        people[3].say("last")
        for person in people:
            self.assertEqual(person.hear(), ["last"])
        others[1].say("in eight")
        self.assertEqual([person.hear() for person in others], [["in eight"], ["in eight"]], "nothing from seven")

    def test_who_leaves_hears_no_more_and_the_others_do(self):
        first, second, third = self.people("leaving", 0, 0, 2)
        second.__exit__()
        third.say("after")
        self.assertEqual([first.hear(), third.hear()], [["after"], ["after"]])

    def test_a_channel_is_sent_to_from_every_server(self):
        people = self.people("direct")
        for sender in people:
            sender.say("to you alone", to=people[2].channel)
        self.assertEqual(people[2].hear(4), ["to you alone"] * 4)
        people[2].say("to all")
        self.assertEqual([person.hear() for person in people], [["to all"]] * 4, "nobody else got what was for one")

    def test_synchronous_consumers_are_in_groups_too(self):
        first, second = self.people("sync", 0, 2, folder="sync/")
        asynchronous, = self.people("sync", 1)
        second.say("hello")
        self.assertEqual([each.hear() for each in (first, second, asynchronous)], [["hello"]] * 3)

    def test_synchronous_views_publish(self):
        people = self.people("views", 0, 3)
        for how in ("async_to_sync", "group_send_sync"):
            self.assertEqual(publish(self.ports[1], how, how, "views"), {"published": how})
        self.assertEqual([person.hear(2) for person in people], [["async_to_sync", "group_send_sync"]] * 2)

    def test_groups_are_shared_with_servers_on_channels_redis(self):
        """While a fleet moves from one layer to the other."""
        ours, theirs = self.people("shared", 0, 4)
        for person in (ours, theirs):
            person.say("hello")
            self.assertEqual([ours.hear(), theirs.hear()], [["hello"]] * 2)

    def test_redis_is_killed(self):
        outage(self, self.people("room"), self.ports[:4], self.fleet.redis.stop, self.fleet.redis.start)

    def test_a_relay_dies(self):
        first, second, third = self.people("dying", 0, 1, 2)
        self.fleet.relays[0].kill()
        for person in (first, second):
            person.next("state", "disconnect")
        first.say("refused")
        first.next("refused", "NotConnected")
        third.say("not here")
        self.assertEqual(third.hear(), ["not here"], "the other relay's servers go on")
        self.fleet.relays[0].start()
        for person in (first, second):
            self.assertTrue(person.next("gap")["gap"])
        second.say_until_heard("back")
        self.assertEqual([each.next("text")["text"] for each in (first, third)], ["back"] * 2)

    def test_a_relay_is_replaced_and_nothing_is_missed(self):
        """By one that is there before the former one is told to stop."""
        first, second, third = self.people("replaced", 0, 1, 2)
        directory = tempfile.TemporaryDirectory(prefix="hubrelay-")
        self.addClassCleanup(directory.cleanup)
        following, stopping = Relay(self.fleet.redis, directory.name, OPTIONS), self.fleet.relays[0]
        self.fleet.relays[0] = following
        self.addCleanup(stopping.kill)
        with hubrelay.Client(following.path) as early:
            while early.status.state != hubrelay.State.UP:
                early.events.get(timeout=PATIENCE)
        os.symlink(following.path, f"{self.link}.new")
        os.rename(f"{self.link}.new", self.link)
        stopping.terminate()
        with concurrent.futures.ThreadPoolExecutor() as waiting:
            stopped, said = waiting.submit(stopping.wait), []
            while not stopped.done():
                said.append(str(len(said)))
                third.say(said[-1])
                self.assertEqual(third.hear(), said[-1:])
            stopped.result()
        third.say("last")
        for person in (first, second):
            self.assertEqual(person.hear(len(said) + 1), [*said, "last"])


class Workers(unittest.TestCase):
    def test_redis_hangs(self):
        """Relays find that out by themselves."""
        with Fleet(1, {"--link-timeout": "2s"}) as fleet:
            ports = serve(fleet, fleet.relays[0].path)
            people = [self.enterContext(Person(ports[0])) for _ in range(2)]

            def freeze():
                fleet.redis.freeze()
                until_nothing_is_published(fleet.relays[0].path)

            outage(self, people, ports, freeze, fleet.redis.thaw)

    def test_every_worker_gets_what_is_sent_to_a_normal_channel(self):
        """As with channels_redis' layer for pub/sub: nobody is the only reader."""
        with Fleet(2) as fleet:
            workers = [fleet.worker(CHAT, relay.path, "runworker", "thumbnails", ready="starting")
                       for relay in fleet.relays]
            deadline = time.monotonic() + PATIENCE
            while sentinels.ask(fleet.redis.path, "PUBSUB", "NUMSUB", "asgithumbnails")[1] < len(fleet.relays):
                self.assertLess(time.monotonic(), deadline, "both listen")
                time.sleep(0.01)
            layer = HubrelayChannelLayer(fleet.relays[0].path)
            for number in range(1, 6):
                layer.send_sync("thumbnails", {"type": "thumbnails.make", "number": number})
            for worker in workers:
                worker.said("made", number=5)
                self.assertEqual([made["number"] for made in worker.said("made")], [1, 2, 3, 4, 5])


if __name__ == "__main__":
    unittest.main()
