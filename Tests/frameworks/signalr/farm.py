"""A farm: servers with hubrelay's backplane, in processes of Mono, on two relays, and one as ASP.NET Core has it."""
import collections
import itertools
import json
import os
import socket
import threading
import time
import uuid

import harness
import servers
from harness import PATIENCE
from stand_in import StackExchangeServer

HUB, PREFIX = "Chat.Hub", "MyApp"
PROGRAM = os.environ["SIGNALR_SERVER_PROGRAM"]


class CallFailed(Exception):
    """A call of the backplane threw: "TYPE: message"."""


class HubServer(servers.Worker):
    """A server of the farm, in a process of its own. Calls are those of HubBackplane."""

    def __init__(self, relay_path, name):
        harness.Process.__init__(self, "mono", "--debug", PROGRAM, relay_path, name, HUB, ready="ready")
        self.name = name
        port = next(int(line.split()[1]) for line in self._lines if line and line.startswith("ready"))
        self._parsed, self._told = 0, collections.defaultdict(list)
        self._control = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self._numbers = itertools.count(1)

    def said(self, what, count=1, about=None):  # type: ignore[override]  # these are found by what they are about
        """What it has said of this kind, and about this call, connection or channel: waits until there are `count`, and
        returns all that there are. Each line is read once, since there are many."""
        def found():
            while self._parsed < len(self._lines) and self._lines[self._parsed]:
                line = self._lines[self._parsed]
                self._parsed += 1
                if line.startswith("say "):
                    told = json.loads(line[4:])
                    about_what = next((told[key] for key in ("command", "connection", "channel") if key in told), None)
                    self._told[told["what"], about_what].append(told)
            return self._told[what, about]
        with self._changed:
            self._changed.wait_for(lambda: len(found()) >= count or None in self._lines[-1:], PATIENCE)
            if len(found()) < count:
                last = self.output[-4000:]
                raise AssertionError(f"{self.name} does not say {what} of {about} {count} times:\n{last}")
            return list(found())

    def begin(self, do, **arguments):
        """Begins a call, and returns its number for `end_of`."""
        number = f"{next(self._numbers)}"
        self._control.sendall(json.dumps({"id": number, "do": do, **arguments}).encode() + b"\n")
        return number

    def end_of(self, number):
        """Waits for the end of a call. Returns its result."""
        done = self.said("done", about=number)[0]
        if done["error"] is not None:
            raise CallFailed(done["error"])
        return done["result"]

    def call(self, do, **arguments):
        return self.end_of(self.begin(do, **arguments))

    def connect(self, connection=None, user=None, protocol="json"):
        """A connection whose client is the test."""
        connection = connection or uuid.uuid4().hex
        self.call("connect", connection=connection, user=user, protocol=protocol)
        return HubConnection(self, connection)

    def close(self):
        self._control.close()
        self.end()


class HubConnection:
    """A client's connection to a HubServer."""

    def __init__(self, server, connection_id):
        self.server, self.id, self._taken = server, connection_id, 0

    def text(self):
        """The next message as it came: JSON, or hexadecimal digits."""
        self._taken += 1
        return self.server.said("received", self._taken, self.id)[self._taken - 1]["text"]

    def next(self):
        return json.loads(self.text())

    def call(self):
        """The next invocation, as its method and arguments."""
        message = self.next()
        return message["target"], message["arguments"]

    def answer(self, result=None, error=None):
        """The client returns a result, or an error, for the next invocation."""
        invocation = self.next()["invocationId"]
        self.server.call("answer", connection=self.id, invocation=invocation, result=result, error=error)


class Farm(servers.Fleet):
    """Two relays; two HubServers on the first one, another one on the second; and a StackExchangeServer."""

    def __init__(self, options=None):
        super().__init__(2, {"--prefix": PREFIX, **(options or {})})
        self.stand_in, self.hubs = None, []
        self._options = {"--prefix": PREFIX, **(options or {})}
        try:
            for number, relay in enumerate(self.relays):
                os.symlink(relay.path, self.path_for_hubs(number))
            makers = [threading.Thread(target=self._add, args=place) for place in enumerate((0, 0, 1))]
            for maker in makers:
                maker.start()
            for maker in makers:
                maker.join()
            self.hubs.sort(key=lambda hub: hub.name)
            assert len(self.hubs) == 3, "a server does not start"
            self.stand_in = StackExchangeServer(self.redis.path, PREFIX, HUB, "stackexchange")
        except BaseException:
            self.close()
            raise

    def path_for_hubs(self, relay):
        """The socket of one of the relays, whichever it is at the time."""
        return os.path.join(self._directory.name, f"current-{relay}.sock")

    def _add(self, number, relay):
        self.hubs.append(HubServer(self.path_for_hubs(relay), f"server-{number}"))

    def replace_first_relay(self):
        """Another relay takes the place of the first one, which is asked to stop, and returned."""
        directory = os.path.join(self._directory.name, "next")
        os.mkdir(directory)
        old, self.relays[0] = self.relays[0], harness.Relay(self.redis, directory, self._options)
        self.until(lambda: "state=up" in self.relays[0].output, "the next relay to be UP")
        os.symlink(self.relays[0].path, self.path_for_hubs(0) + ".new")
        os.replace(self.path_for_hubs(0) + ".new", self.path_for_hubs(0))
        old.terminate()
        return old

    def listeners(self, channel):
        """How many subscribers Redis has for a channel of the hub."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(PATIENCE)
            connection.connect(self.redis.path)
            name = f"{PREFIX}{HUB}:{channel}".encode()
            connection.sendall(b"*3\r\n$6\r\nPUBSUB\r\n$6\r\nNUMSUB\r\n$%d\r\n%s\r\n" % (len(name), name))
            with connection.makefile("rb") as stream:
                return int([stream.readline() for _ in range(4)][3][1:])

    def until(self, condition, what):
        """Waits until a condition holds. It is asked for again and again, since Redis tells nobody."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError(f"waited {PATIENCE} s for {what}")
            time.sleep(0.005)

    def close(self):
        if self.stand_in:
            self.stand_in.close()
        for hub in self.hubs:
            hub.close()
        super().close()
