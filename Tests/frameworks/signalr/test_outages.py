"""What a farm does when Redis is killed or hangs, and when a relay or a server ends."""
import os
import tempfile
import threading
import unittest

import harness
from farm import HUB, PREFIX, CallFailed, Farm, HubServer


class FarmTest(unittest.TestCase):
    link_timeout = "60s"

    def setUp(self):
        self.farm = Farm({"--link-timeout": self.link_timeout})
        self.addCleanup(self.farm.close)
        self.one, self.two, self.three = self.farm.hubs
        self.other = self.farm.stand_in

    def room(self):
        """A connection to each server, all in one group."""
        connections = [hub.connect(user="ann") for hub in self.farm.hubs] + [self.other.connect("there", "ann")]
        for connection in connections:
            self.one.call("join", connection=connection.id, group="room")
        return connections


class Restarts(FarmTest):
    def test_a_relay_is_restarted(self):
        """Its successor is there: nothing is missed, and nothing comes twice."""
        connections = self.room()
        sending, stop = [], threading.Event()

        def send():
            while not stop.is_set():
                sending.append(None)
                self.three.call("group", to="room", method="Send", args=[str(len(sending))])

        sender = threading.Thread(target=send)
        self.addCleanup(sender.join)
        self.addCleanup(stop.set)
        sender.start()
        self.farm.until(lambda: len(sending) > 50, "messages before")
        self.farm.replace_first_relay().wait()
        before = len(sending)
        self.farm.until(lambda: len(sending) > before + 50, "messages after")
        stop.set()
        sender.join()
        for connection in connections:
            for number in range(1, len(sending) + 1):
                self.assertEqual(connection.call(), ("Send", [str(number)]))
        self.one.call("all", method="End", args=[])
        for connection in connections:
            self.assertEqual(connection.call()[0], "End")
        for hub in self.farm.hubs:
            self.assertNotIn('"what":"gap"', hub.output)


class Outages(FarmTest):
    #: A frozen Redis is found after this time; long enough that a busy machine does not look like one.
    link_timeout = "4s"

    def is_lost(self, hub, what="receiving"):
        """Waits until a server is told that it does not receive, or with "publishing" that it cannot publish."""
        self.farm.until(lambda: any(status[what] == "False" for status in hub.said("status", 1)), "a Status")

    def all_are_back(self, connections, *hubs):
        """Each server is told that messages may have been missed; then all is as before, without the app's help."""
        for hub in hubs:
            hub.said("gap")
        self.other.redis.wait_until_restored()
        for sender in self.farm.hubs:
            sender.call("group", to="room", method="Back", args=[sender.name])
            for connection in connections:
                self.assertEqual(connection.call(), ("Back", [sender.name]))
        self.other.user("ann", "Ann")
        for connection in connections:
            self.assertEqual(connection.call()[0], "Ann")
        self.three.call("leave", connection=connections[0].id, group="room")
        asked = self.one.begin("invoke", to=connections[2].id, method="Ask", args=[], seconds="60")
        connections[2].answer(result="yes")
        self.assertEqual(self.one.end_of(asked), "yes")

    def test_redis_is_killed(self):
        connections = self.room()
        asked = self.one.begin("invoke", to=connections[2].id, method="Ask", args=[], seconds="300")
        connections[2].next()
        self.farm.redis.stop()
        for hub in self.farm.hubs:
            self.is_lost(hub)
        with self.assertRaisesRegex(CallFailed, "InterruptedException: .*unknown"):
            self.one.end_of(asked)  # though its client may answer yet
        for do, arguments in (("all", {}), ("group", {"to": "room"}), ("connection", {"to": connections[2].id})):
            with self.assertRaisesRegex(CallFailed, "NotConnectedException"):
                self.one.call(do, method="Send", args=[], **arguments)
        with self.assertRaisesRegex(CallFailed, "NotConnectedException"):
            self.one.call("join", connection=connections[2].id, group="late")
        self.one.call("connection", to=connections[0].id, method="Own", args=[])
        self.two.call("local", method="Redis is away", args=[])
        self.assertEqual(connections[0].call()[0], "Own")
        self.assertEqual(connections[1].call()[0], "Redis is away")
        late = self.two.connect(user="ann")  # begins, and joins, in the outage
        self.two.call("join", connection=late.id, group="room")
        self.farm.redis.start()
        self.all_are_back(connections + [late], *self.farm.hubs)
        for hub in self.farm.hubs:
            lines = [told["line"] for told in hub.said("log", 2)]
            for wrong, right in zip(lines[::2], lines[1::2]):
                self.assertRegex(wrong, "^the backplane does not work: ")
                self.assertEqual(right, "the backplane works again")

    def test_redis_hangs(self):
        connections = self.room()
        self.farm.redis.freeze()
        sent = self.one.begin("all", method="Send", args=[])
        joining = self.one.begin("join", connection="nobody", group="room")
        for call in (sent, joining):
            with self.assertRaisesRegex(CallFailed, "InterruptedException"):
                self.one.end_of(call)
        for hub in self.farm.hubs:
            self.is_lost(hub)
        # Each relay finds each of its links dead in its own time.
        self.is_lost(self.three, "publishing")
        with self.assertRaisesRegex(CallFailed, "NotConnectedException"):
            self.three.call("all", method="Send", args=[])
        self.farm.redis.thaw()
        for hub in self.farm.hubs:
            hub.said("gap")
        # What was unknown may have been carried out: connections pass over it.
        self.three.call("all", method="Mark", args=[])
        for connection in connections:
            self.until_mark(connection)
        self.all_are_back(connections, *self.farm.hubs)

    def until_mark(self, connection):
        """The next invocations are Mark, or what was unknown and then Mark."""
        seen = []
        while "Mark" not in seen:
            seen.append(connection.call()[0])
        self.assertIn(seen, (["Mark"], ["Send", "Mark"]))

    def test_a_relay_is_killed(self):
        connections = self.room()
        self.farm.relays[0].kill()
        for hub in (self.one, self.two):
            self.is_lost(hub)
        with self.assertRaisesRegex(CallFailed, "NotConnectedException"):
            self.one.call("all", method="Send", args=[])
        self.three.call("all", method="Others", args=[])  # the other host goes on
        for connection in connections[2:]:
            self.assertEqual(connection.call()[0], "Others")
        self.farm.relays[0].start()
        self.all_are_back(connections, self.one, self.two)
        self.assertNotIn('"what":"gap"', self.three.output)

    def test_a_server_is_killed(self):
        connections = self.room()
        self.three.kill()
        self.farm.until(lambda: self.farm.listeners("connection:" + connections[2].id) == 0, "the relay to unsubscribe")
        with self.assertRaisesRegex(CallFailed, "IOException: .* does not exist"):
            self.one.call("invoke", to=connections[2].id, method="Ask", args=[], seconds="60")
        self.one.call("group", to="room", method="Send", args=[])
        for connection in connections[:2] + connections[3:]:
            self.assertEqual(connection.call()[0], "Send")

    def test_redis_refuses_channels(self):
        """A user of Redis that lacks channels: those of the hub itself, and then those of some groups."""
        def allow(*channels):
            self.assertEqual(self.farm.redis.command("ACL", "SETUSER", "default", "resetchannels", "&*__hubrelay*", *(
                f"&{PREFIX}{HUB}:{channel}*" for channel in channels)), "OK")

        allow("all", "connection", "user", "group")
        with self.assertRaisesRegex(CallFailed, "RefusedException"):
            self.one.connect()
        allow("all", "connection", "user", "internal", "group:r")
        self.other.redis.wait_until_restored()  # Redis had ended its connection
        connections = self.room()
        with self.assertRaisesRegex(CallFailed, "RefusedException"):
            self.one.call("join", connection=connections[0].id, group="secret")
        with self.assertRaisesRegex(CallFailed, "RefusedException"):
            self.one.call("group", to="secret", method="Send", args=[])
        self.one.call("group", to="room", method="Send", args=[])
        for connection in connections:
            self.assertEqual(connection.call()[0], "Send")


class Late(unittest.TestCase):
    def test_a_server_begins_before_its_relay(self):
        with tempfile.TemporaryDirectory(prefix="hubrelay-") as directory:
            farm = Farm()
            self.addCleanup(farm.close)
            hub = HubServer(os.path.join(directory, "relay.sock"), "late")
            self.addCleanup(hub.close)
            connection = hub.connect()
            with self.assertRaisesRegex(CallFailed, "NotConnectedException: .*relay.sock"):
                hub.call("all", method="Send", args=[])
            late = harness.Relay(farm.redis, directory, {"--prefix": PREFIX})
            self.addCleanup(late.kill)
            hub.said("gap")
            farm.stand_in.all("Send")
            self.assertEqual(connection.call()[0], "Send")
