"""The tutorial as its readers start it: `deploy/tutorial/run`, what it prints, and what is typed into it."""
import contextlib
import os
import re
import signal
import sqlite3

import harness
from harness import PATIENCE, free_port

NAMES = ("HAProxy", "Nginx by cookie", "Nginx by address", "host-a", "host-b", "Redis")


class Tutorial(harness.Process):
    """It runs when this is made. Use `with`, or `end`."""

    def __init__(self):
        self.ports = {name: free_port() for name in NAMES}
        typed, self._keyboard = os.pipe()
        try:
            super().__init__(harness.ROOT / "deploy" / "tutorial" / "run", "--ports",
                             ",".join(map(str, self.ports.values())), ready="Logs are in", stdin=typed)
        finally:
            os.close(typed)
        self.directory = re.search(r"Logs are in (\S+)\.\n", self.output)[1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def type(self, line, answer):
        """Types a command, and waits for its answer, a regular expression."""
        def answers():
            return sum(1 for said in self._lines if said and re.fullmatch(answer, said.strip()))
        before = answers()
        os.write(self._keyboard, line.encode() + b"\n")
        with self._changed:
            if not self._changed.wait_for(lambda: answers() > before or None in self._lines, PATIENCE):
                raise AssertionError(f"no {answer!r} after {line!r}:\n{self.output}")
        assert answers() > before, self.output

    def restore(self):
        """Has everything run that a test may have stopped or frozen."""
        for name in "redis", "server-a":
            self.type(f"thaw {name}", f"{name} is thawed|{name} does not run")
        for name in "redis", "relay-b", "server-b", "haproxy":
            self.type(f"start {name}", f"{name} has started|{name} runs already")

    def url(self, proxy, host="127.0.0.1", **query):
        """An address of the page behind this proxy: one of NAMES, an app server too."""
        return f"http://{host}:{self.ports[proxy]}/?" + "&".join(f"{name}={value}" for name, value in query.items())

    def history(self, room):
        """The texts that are stored for a room, in their order."""
        with contextlib.closing(sqlite3.connect(os.path.join(self.directory, "chat.db"))) as database:
            return [text for text, in database.execute(
                "SELECT text FROM messages WHERE room = ? ORDER BY number", (room,))]

    def end(self):
        """Ctrl-C. Returns the exit code."""
        os.close(self._keyboard)
        self.signal(signal.SIGINT)
        return self.wait()
