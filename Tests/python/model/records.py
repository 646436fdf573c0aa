"""What was published, and what Redis made of it: the messages in the order in which it took them.

That order is known, since the fuzzer is subscribed to everything at Redis itself, past the relay. Redis has one order
for all of its subscribers.
"""
from wire import Outcome

#: Outcomes of a publish that was certainly not delivered.
NEVER = (Outcome.NOT_CONNECTED, Outcome.REFUSED, Outcome.INVALID)


class Record:
    """One publish, of a connection or (`owner` None) of a plain Redis client."""
    __slots__ = ("channel", "payload", "owner", "has_id", "sent", "number", "order", "outcome", "answered", "is_void",
                 "is_deliverable", "is_barrier", "is_ambiguous")

    def __init__(self, channel, payload, owner, has_id, sent, number):
        self.channel, self.payload, self.owner, self.has_id = channel, payload, owner, has_id
        self.sent, self.number = sent, number
        self.order = None            # its place in Redis's order
        self.outcome = self.answered = None
        self.is_void = False         # invalid, or behind an illegal frame: Redis must not see it
        self.is_deliverable = True   # it fits a frame, and its channel is UTF-8
        self.is_barrier = False
        self.is_ambiguous = False    # another publish with the same id was unanswered

    def __str__(self):
        return f"#{self.number} on {self.channel[:40]!r}, {len(self.payload)} bytes, {self.payload[:12]!r}"

    @property
    def never(self):
        return self.is_void or (self.outcome in NEVER and not self.is_ambiguous)


class Records:
    """The publishes of a segment, by what tells them apart, and in Redis's order."""

    def __init__(self, model):
        self._model = model
        self._known, self.taken, self._all = {}, [], []
        self._number = self._order = 0
        self.blind = 0     # what was sent before may be known to Redis alone: its connection to us had ended
        self._by_name = {}

    def is_new(self, channel, payload):
        return (channel, payload) not in self._known

    def enter(self, channel, payload, owner, has_id):
        self._number += 1
        record = Record(channel, payload, owner, has_id, self._model.tick(), self._number)
        self._known[channel, payload] = record
        self._all.append(record)
        return record

    def find(self, channel, payload):
        return self._known.get((channel, payload))

    def redis_took(self, channel, payload):
        """Redis has told its subscriber of a message."""
        record = self.find(channel, payload)
        if record is None:
            return self._model.violation(f"Redis took what nobody published: {channel[:60]!r} {payload[:20]!r}")
        if record.order is not None:
            return self._model.violation(f"Redis took twice: {record}")
        if record.never:
            self._model.violation(f"Redis took what it must not get: {record}, {record.outcome}")
        self._order += 1
        record.order = self._order
        self.taken.append(record)
        return record

    def went_blind(self):
        """The subscriber at Redis has lost its connection, or has one again. What Redis took meanwhile is unknown."""
        self.blind = self._model.tick()

    def is_certain(self, record):
        return record.sent > self.blind

    # MARK: At the end of a segment

    def taken_for(self, name, matches):
        """What Redis took on channels that match, in its order."""
        if name not in self._by_name:
            self._by_name[name] = [record for record in self.taken if not record.is_barrier and matches(record.channel)]
        return self._by_name[name]

    def verify(self):
        for record in self._all:
            fault = self._fault(record)
            if fault:
                self._model.violation(f"{record.owner and record.owner.name}: {fault}: {record}")
        self._by_name, last = {}, {}
        for record in self.taken:
            self._verify_order(record, last)

    def _fault(self, record):
        if record.order is not None:
            return "Redis took it, and yet it was told as not delivered" if record.never else None
        if record.never or not self.is_certain(record) or record.is_ambiguous:
            return None
        if record.outcome == Outcome.OK:
            return "OK, and Redis has not got it"
        if self._model.is_calm and record.owner and record.outcome is None and record.owner.is_processed(record):
            return "nothing was wrong, and Redis has not got it"
        return None

    def _verify_order(self, record, last):
        """Publishes of one connection to one channel: only one that was in flight when a link failed may come late."""
        before = last.get((record.owner, record.channel))
        if before is None or before.number < record.number:
            last[record.owner, record.channel] = record
        elif record.owner and (record.outcome == Outcome.OK or self._model.is_calm):
            self._model.violation(f"{record.owner.name}: published in another order than written: {record}, {before}")

    def forget(self):
        """Begins the next segment."""
        self._known = {key: record for key, record in self._known.items() if record.is_barrier}
        self.taken, self._all, self._by_name, self.blind = [], [], {}, 0
