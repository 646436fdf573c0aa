"""The model of the contract: what each connection may be sent, given what it has written and been sent before.

Nothing here knows a socket or a clock. Time is a count of events. Judged at once is what no later event could excuse.
The rest is judged at the end of a segment, when all links work, everything is answered and a barrier has arrived
everywhere: then Redis's own order of the messages (records.py) says what had to come.

A segment is calm while nothing is wrong that the contract lets a relay tell of: every publish is OK then, every
subscription in force, every message delivered or counted in a Loss, and every Status UP.
"""
import collections

from .connection import Connection
from .records import Records


class Limits:
    """What a relay is started with."""

    def __init__(self, max_payload, max_names):
        self.max_payload, self.max_names = max_payload, max_names
        self.max_frame = max_payload + 4096


class Model:
    """All connections to one relay."""

    def __init__(self, limits, say=lambda text: None):
        self.limits, self._say = limits, say
        self.now, self.violations, self.counts = 0, [], collections.Counter()
        self.recent, self.before = collections.deque(maxlen=60), []
        self.records, self.connections = Records(self), []
        self.is_calm, self.alarms = True, []
        self.relay_id, self.features = None, ()

    def tick(self):
        self.now += 1
        return self.now

    def note(self, text):
        self.recent.append(f"{self.tick():8} {text}")

    def violation(self, text, history=()):
        """`history`: what the connection has written and been sent."""
        self.note(f"VIOLATION {text}")
        self.before = self.before or [*self.recent, "", *history]
        self.violations.append(text)
        self._say(text)

    def disturb(self, what):
        """From here on the path may fail."""
        self.note(f"FAULT {what}")
        self.is_calm = False

    def alarm(self, text):
        """Something failed. While nothing was wrong that is a false alarm, unless the machine stood still."""
        if self.is_calm:
            self.note(f"ALARM {text}")
            self.is_calm = False
            self.alarms.append(text)

    def open(self, name):
        connection = Connection(self, name)
        self.connections.append(connection)
        return connection

    def end_segment(self):
        """Everything is mended, answered and arrived. Judges the rest, and begins the next segment. A generator, whose
        steps take a moment each; between them nothing is written and nothing comes."""
        self.records.verify()
        for connection in list(self.connections):
            yield from connection.end_segment()
        self.records.forget()
        self.connections = [each for each in self.connections if not each.is_over]
        self.is_calm, self.alarms = True, []
