"""Sends, groups, users and results between servers with hubrelay's backplane and one as ASP.NET Core's own."""
import json
import queue
import threading
import unittest
import uuid

import msgpack
from farm import HUB, CallFailed, Farm
from stand_in import envelope, messagepack_invocation


farm: Farm


def setUpModule():
    global farm  # noqa: PLW0603  (unittest has no other place for what a module sets up)
    farm = Farm()


def tearDownModule():
    """Not by addModuleCleanup, of which pytest knows nothing."""
    farm.close()


class Answering:
    """A client that answers in a thread of its own."""

    def __init__(self, connection, what, server=None):
        answer = (lambda: server.answer(connection, **what)) if server else (lambda: connection.answer(**what))
        self._thread = threading.Thread(target=answer)
        self._thread.start()
        self.join = self._thread.join


class Sends(unittest.TestCase):
    """What is sent to all has come to each server before a test ends, so that the next one gets nothing of it."""

    def setUp(self):
        self.one, self.two, self.three = farm.hubs
        self.other = farm.stand_in

    def everywhere(self, user=None):
        """A connection to each of the four servers."""
        connections = [hub.connect(user=user) for hub in farm.hubs]
        return connections + [self.other.connect(uuid.uuid4().hex, user)]

    def all_get(self, connections, *call):
        for connection in connections:
            self.assertEqual(connection.call(), (call[0], list(call[1:])))

    def test_all_connections_of_all_servers_get_what_any_server_sends(self):
        connections = self.everywhere()
        for number, hub in enumerate(farm.hubs):
            hub.call("all", method="Send", args=["hi", str(number)])
            self.all_get(connections, "Send", "hi", str(number))
        self.assertEqual(self.other.all("Send", "Größe 😀 \u0001"), 3)  # two relays, and itself
        self.all_get(connections, "Send", "Größe 😀 \u0001")

    def test_who_is_excluded_gets_nothing(self):
        connections = self.everywhere()
        excluded = [connections[0].id, connections[2].id, connections[3].id]
        self.one.call("allexcept", method="Some", args=[], **{"except": excluded})
        self.other.all("Others", excluded=[connections[1].id])
        self.three.call("all", method="All", args=[])
        self.all_get(connections[1:2], "Some")
        for connection in connections[:1] + connections[2:]:
            self.assertEqual(connection.call()[0], "Others")
        self.all_get(connections, "All")

    def test_a_connection_is_reached_on_every_server_and_in_its_protocol(self):
        for hub in farm.hubs:
            connection = hub.connect(protocol="messagepack")
            for sender in farm.hubs:
                sender.call("connection", to=connection.id, method="Send", args=[sender.name])
                self.assertEqual(connection.text(), messagepack_invocation("Send", [sender.name]).hex())
            self.other.connection(connection.id, "Send", "hi", 7, None, ["x"])
            self.assertEqual(connection.text(), messagepack_invocation("Send", ["hi", 7, None, ["x"]]).hex())
        there = self.other.connect("there", protocol="messagepack")
        self.one.call("connections", to=["there", connection.id], method="Both", args=["hi"])
        self.assertEqual(there.received.get(timeout=30), messagepack_invocation("Both", ["hi"]))
        self.assertEqual(connection.text(), messagepack_invocation("Both", ["hi"]).hex())

    def test_a_user_is_reached_on_every_server(self):
        connections = self.everywhere("ann") + [self.one.connect(user="ann")]
        bystander = self.one.connect(user="ben")
        self.three.call("user", to="ann", method="Send", args=["hi"])
        self.all_get(connections, "Send", "hi")
        self.other.user("ann", "Send", "ho")
        self.all_get(connections, "Send", "ho")
        self.two.call("users", to=["ann", "ben"], method="Both", args=[])
        self.all_get(connections + [bystander], "Both")
        self.assertEqual(farm.listeners("user:ann"), 3)
        for connection in connections[:1] + connections[4:]:
            connection.server.call("disconnect", connection=connection.id)
        self.assertEqual(farm.listeners("user:ann"), 3)  # server-1 is on the same relay
        self.two.call("disconnect", connection=connections[1].id)
        farm.until(lambda: farm.listeners("user:ann") == 2, "the relay to unsubscribe")

    def test_a_group_spans_servers_whoever_adds_and_removes(self):
        a, b, c, d = self.everywhere()
        bystander = self.one.connect()
        self.one.call("join", connection=a.id, group="room")  # its own
        self.one.call("join", connection=b.id, group="room")  # on another server of its relay
        self.one.call("join", connection=c.id, group="room")  # on another relay
        self.one.call("join", connection=d.id, group="room")  # on a server without a relay
        self.assertEqual(farm.listeners("group:room"), 3)
        for send in (lambda: self.two.call("group", to="room", method="Send", args=["1"]),
                     lambda: self.other.group("room", "Send", "1")):
            send()
            self.all_get((a, b, c, d), "Send", "1")
        self.two.call("groupexcept", to="room", method="Some", args=[], **{"except": [a.id, d.id]})
        self.all_get((b, c), "Some")
        self.other.group("room", "Rest", excluded=[b.id, c.id])
        self.all_get((a, d), "Rest")
        self.three.call("leave", connection=d.id, group="room")
        self.three.call("leave", connection=b.id, group="room")
        self.other.leave(c.id, "room")
        self.other.group("room", "Last")
        self.all_get((a,), "Last")
        self.other.join(c.id, "other room")
        self.one.call("groups", to=["room", "other room"], method="Two", args=[])
        self.all_get((a, c), "Two")
        self.one.call("disconnect", connection=a.id)
        farm.until(lambda: farm.listeners("group:room") == 0, "the relay to unsubscribe")
        self.three.call("all", method="End", args=[])
        self.all_get((b, c, d, bystander), "End")

    def test_a_result_comes_from_a_connection_on_any_server(self):
        a, b, c, d = self.everywhere()
        for connection in (a, b, c):
            asked = self.one.begin("invoke", to=connection.id, method="Ask", args=["why"], seconds="60")
            connection.answer(result="because of " + connection.server.name)
            self.assertEqual(self.one.end_of(asked), "because of " + connection.server.name)
        asked = self.three.begin("invoke", to=d.id, method="Ask", args=[], seconds="60")
        self.other.answer(d, result="Größe 😀")
        self.assertEqual(self.three.end_of(asked), "Größe 😀")

    def test_an_error_of_the_client_and_its_end_come_back(self):
        a, b, c, d = self.everywhere()
        for connection in (a, c):
            asked = self.one.begin("invoke", to=connection.id, method="Ask", args=[], seconds="60")
            connection.answer(error="no")
            with self.assertRaisesRegex(CallFailed, "FakeHubException: no"):
                self.one.end_of(asked)
        asked = self.one.begin("invoke", to=d.id, method="Ask", args=[], seconds="60")
        self.other.answer(d, error="not I")
        with self.assertRaisesRegex(CallFailed, "FakeHubException: not I"):
            self.one.end_of(asked)
        asked = self.one.begin("invoke", to=c.id, method="Ask", args=[], seconds="60")
        c.next()
        self.three.call("disconnect", connection=c.id)
        with self.assertRaisesRegex(CallFailed, "FakeHubException: Connection disconnected."):
            self.one.end_of(asked)
        with self.assertRaisesRegex(CallFailed, "IOException: Connection 'nobody' does not exist."):
            self.two.call("invoke", to="nobody", method="Ask", args=[], seconds="60")

    def test_a_server_of_the_other_kind_gets_results_and_errors(self):
        connection = self.three.connect()
        for what, expected in (({"result": "yes"}, ("yes", None)), ({"error": "no"}, (None, "no"))):
            answering = Answering(connection, what)
            self.assertEqual(self.other.invoke(connection.id, "Ask", "why"), expected)
            answering.join()

    def test_many_messages_come_in_their_order(self):
        connections = self.everywhere()
        calls = [self.one.begin("all", method="Send", args=[str(number)]) for number in range(300)]
        for number, call in enumerate(calls):
            self.one.end_of(call)
            self.all_get(connections, "Send", str(number))


class Bytes(unittest.TestCase):
    """What a server publishes is, byte for byte, what another implementation makes of the same call."""

    def setUp(self):
        self.server = farm.hubs[0]
        self.seen = farm.stand_in.redis  # hears what the stand-in's hub hears

    def published(self, channel, do, **arguments):
        """What the server publishes on a channel of the hub during a call."""
        seen, before = queue.Queue(), self.seen._on_message

        def take(name, payload):
            seen.put((name, payload))
            before(name, payload)
        self.seen._on_message = take
        try:
            self.server.call(do, **arguments)
            while True:
                name, payload = seen.get(timeout=30)
                if name == f"{HUB}:{channel}":
                    return payload
        finally:
            self.seen._on_message = before

    def test_invocations(self):
        there = farm.stand_in.connect("bytes", "bob")
        farm.stand_in.join("bytes", "bytes")
        for text in ("hi", "x" * 31, "x" * 32, "é" * 127, "x" * 300, "x" * 70000):
            self.assertEqual(self.published("all", "all", method="Send", args=[text]), envelope("Send", [text]))
            there.call()
        for excluded in (["a"], [f"connection {number}" for number in range(20)], ["ä" * 100]):
            but = {"method": "Send", "args": [], "except": excluded}
            expected = envelope("Send", [], excluded)
            self.assertEqual(self.published("all", "allexcept", **but), expected)
            self.assertEqual(self.published("group:bytes", "groupexcept", to="bytes", **but), expected)
        for channel, do, to in (("connection:bytes", "connection", "bytes"), ("user:bob", "user", "bob"),
                                ("group:bytes", "group", "bytes")):
            self.assertEqual(self.published(channel, do, to=to, method="S", args=[]), envelope("S", []))

    def test_group_commands(self):
        connection = farm.stand_in.connect("commands")
        for action, do in enumerate(("join", "leave"), 1):
            command = self.published("internal:groups", do, connection=connection.id, group="Größe")
            number = msgpack.unpackb(command)[0]
            self.assertEqual(command, msgpack.packb([number, self.server.name, action, "Größe", "commands"]))

    def test_requests_for_a_result(self):
        connection = farm.stand_in.connect("asked")
        answering = Answering(connection, {"result": "yes"}, farm.stand_in)
        request = self.published("connection:asked", "invoke", to="asked", method="Ask", args=["why"], seconds="60")
        answering.join()
        invocation_id = json.loads(msgpack.unpackb(request)[1]["json"][:-1])["invocationId"]
        return_channel = f"{HUB}:internal:return:{self.server.name}"
        self.assertEqual(request, envelope("Ask", ["why"], (), invocation_id, return_channel))
