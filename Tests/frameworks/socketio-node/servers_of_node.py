"""Socket.IO servers in Node.js processes, as workers of a Fleet."""
import itertools
import json
import os
import pathlib
import socket
import time

import harness
import servers
from harness import PATIENCE

FOLDER = pathlib.Path(__file__).resolve().parent
STAND_INS = FOLDER.parents[2] / "proto" / "clients" / "node" / "test" / "stand-ins"
#: Where Node.js finds socket.io and socket.io-adapter.
PACKAGES = os.environ.get("TESTED_NODE_PACKAGES", str(STAND_INS))


class Refused(Exception):
    """What a command was answered with: `code` is that of the JavaScript error, if it has one."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


class Server(servers.Worker):
    """worker.js, on one of the fleet's relays. Clients are connected to it by name."""

    _numbers = itertools.count(1)

    def __init__(self, fleet, relay, **options):
        self.name = f"server-{next(self._numbers)}"
        path = os.path.join(os.path.dirname(fleet.redis.path), self.name)
        # harness.Process takes the environment of this process.
        os.environ["NODE_PATH"] = PACKAGES
        harness.Process.__init__(self, "node", str(FOLDER / "worker.js"), fleet.relays[relay].path, path,
                                 json.dumps(options), ready="the worker is ready")
        fleet.workers.append(self)
        self._control = socket.socket(socket.AF_UNIX)
        self._control.settimeout(PATIENCE)
        self._control.connect(path)
        self._answers = self._control.makefile("r")

    def __call__(self, command, **values):
        """Has the server do something, and returns what came of it. Raises Refused."""
        self._control.sendall(json.dumps({"command": command, **values}).encode() + b"\n")
        answer = json.loads(self._answers.readline())
        if "error" in answer:
            raise Refused(**answer["error"])
        return answer["value"]

    def heard(self, who, event, count=1):
        """The arguments with which this client has heard the event, so many times."""
        return [line["args"] for line in self.said("heard", count, who=who, event=event)]

    def has_heard(self, who, event):
        with self._changed:
            return any(line and f'"who":"{who}","event":"{event}"' in line for line in self._lines)

    def end(self):
        for each in (self._answers, self._control):
            each.close()
        return super().end()


def know_each_other(workers, count=None):
    """Waits until each counts as many servers as there are."""
    until(lambda: all(worker("servers") == (count or len(workers)) for worker in workers),
          lambda: f"{[worker('servers') for worker in workers]} servers are counted")


def until(condition, what):
    """Asks again and again, since servers say nothing when they come to know each other."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(what() if callable(what) else what)
        time.sleep(0.01)
