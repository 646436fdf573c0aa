"""The books of the soak: what was sent, what was answered, who received what, and what the relay said was lost.

Nothing here knows a socket or a clock. Time is a count of events: whatever happens in the harness gets the next
number, and "before" means a smaller one. That is enough to be exact, since Redis puts the messages of all publishers
into one order and sends them down a relay's subscribe link in that order:

    message m is sent ──► its OK is read (or somebody receives it) ──► message e is sent ──► reader R receives e

so Redis took m before it took e. A reader that has received e, by a link that has had no gap since before m was sent,
has been sent m before: it has m, or a Loss counts it, or the relay has lost it untold. `evidence` below is the number
at which the newest such e was sent; everything known by then has to be accounted for.

Where sentinels change the master, Redis's one order holds for each master. For a moment two relays may be at different
ones: a master that is about to be replaced, or was stopped and goes on, takes what a relay that has not heard of the
new one publishes, and says OK; a relay that has gone on had its gap before, and hears nothing of it. Nobody can tell
then: OK means that a Redis took the message, and the relay that published it, which has yet to leave that server, will
tell its own outage and gap. So what is published during such a move is due to those who read from the relay that
published it, whose two links are always at one server, and not to others. `begin_move` and `end_move` say when: from
before the fault until all relays are where all sentinels say. What is certain outside of that is due to all. What must
never come (twice, out of order, never sent, NOT_CONNECTED) must not come here either, since no server passes on what
another took. What a stopped master had been sent is INTERRUPTED when its relay leaves; when it goes on it may take it
all the same, for relays that have not left it yet, or for nobody.

A cluster has no one order. With sharded pub/sub there is one for each channel, which is at one node at a time: evidence
counts for its own channel. With classic pub/sub a message goes from the node at which its relay publishes over the
cluster's bus to the node at which the reader's relay is subscribed, and only what takes the same way stays in order:
evidence counts for what the same relay publishes. While a node is away the bus may lose what is on its way to others,
who have no gap: nobody tells, so nothing is due.
"""
import collections
import fnmatch

import wire
from wire import Cause, Outcome, State

#: Outcomes of a publish after which nobody may have the message.
NEVER = (Outcome.NOT_CONNECTED, Outcome.REFUSED, Outcome.INVALID)


class Record:
    """One publish."""
    __slots__ = ("sent", "known", "outcome", "seen", "has_id", "is_missed", "is_late", "is_moving")

    def __init__(self, sent, has_id, is_moving=False):
        self.sent, self.known, self.outcome, self.seen, self.has_id = sent, None, None, 0, has_id
        self.is_missed = self.is_late = False
        self.is_moving = is_moving   # relays may have been at different masters when Redis took it

    @property
    def never(self):
        return self.outcome in NEVER

    @property
    def is_taken(self):
        """Redis has it, for certain."""
        return self.seen > 0 or self.outcome == Outcome.OK


class Stream:
    """What one connection publishes on one channel, numbered from 0. Old records go once everyone has settled them."""

    def __init__(self, key, owner, channel):
        self.key, self.owner, self.channel = key, owner, channel
        self.records, self.length, self.low = {}, 0, 0
        self.unknown = set()   # those before `low` whose fate was never told

    def __str__(self):
        return f"{self.owner.name} on {self.channel}"


class Watch:
    """How far one subscription has settled one stream: everything before `next` is accounted for."""
    __slots__ = ("stream", "next", "floor", "last", "got", "skipped", "early")

    def __init__(self, stream):
        self.stream, self.next, self.floor, self.last = stream, stream.low, stream.low, -1
        self.got, self.skipped = set(), set(stream.unknown)
        self.early = set()   # before `floor`: the relay was behind when the subscription began

    @property
    def unsettled(self):
        return self.stream.length - self.next - len(self.got)


class Subscription:
    """A name held by a connection, from the Reply to its Subscribe on."""

    def __init__(self, name, is_pattern, begin):
        self.name, self.is_pattern = name, is_pattern
        self.begin = begin        # since when messages are due; None: not before the relay receives again
        self.is_leaving = False   # an Unsubscribe has been written
        self.watches = {}

    def matches(self, channel):
        return fnmatch.fnmatchcase(channel, self.name) if self.is_pattern else channel == self.name


class Ledger:
    """All accounts, and the rules that hold between them."""

    def __init__(self, say=lambda text: None, pubsub=None):
        self.pubsub = pubsub      # how a cluster is used, "sharded" or "classic"; None where there is one server
        self.now, self.violations, self.counts = 0, [], collections.Counter()
        self.streams, self.accounts, self.recent = [], set(), collections.deque(maxlen=80)
        self.is_moving = self.is_replacing = False  # see begin_move
        self.calm = None          # since when nothing is wrong; None: something may be
        self.before = []          # the events before the first violation
        self.failed_in_calm = []  # what failed although nothing was wrong since before it was sent
        self.live = {}            # the streams of which something may still come, by their keys
        self.excuses = set()      # first words of the errors that the faults so far may make Redis answer
        self._say = say

    def tick(self):
        self.now += 1
        return self.now

    def note(self, text):
        self.recent.append(f"{self.tick():8} {text}")

    def violation(self, text):
        self.note(f"VIOLATION {text}")
        self.before = self.before or list(self.recent)
        self.violations.append(text)
        self._say(text)

    def way(self, stream):
        """What one order holds for: messages whose ways are equal."""
        if self.pubsub == "sharded":
            return stream.channel
        return stream.owner.relay if self.pubsub else None

    def open(self, name, status):
        account = Account(self, name, status)
        self.accounts.add(account)
        return account

    def begin_move(self, replaces=False):
        """From here on relays may be at different masters, and what they have in flight may go to either. With
        `replaces` one of these becomes a replica of the other, and by Redis's bus passes on to it what it still takes:
        then that may come late, or twice to a relay that was at both."""
        self.is_moving, self.is_replacing = True, replaces
        for stream in self.live.values():
            for record in stream.records.values():
                record.is_moving = record.is_moving or (not record.is_taken and not record.never)

    def begin_calm(self):
        self.calm = self.tick()

    def end_calm(self):
        """Returns what failed in it."""
        failed, self.calm, self.failed_in_calm = self.failed_in_calm, None, []
        return failed

    def end_move(self):
        """All relays are at one master. What has no outcome yet may have been taken before, so it stays marked."""
        self.is_moving = self.is_replacing = False

    def settle(self):
        """Settles what can be, and forgets what nobody needs any more. To be called every few seconds."""
        low = {}
        for account in self.accounts:
            account.advance()
            for subscription in account.held.values():
                for key, watch in list(subscription.watches.items()):
                    stream = watch.stream
                    if stream.owner.is_closed and watch.next == stream.length:
                        del subscription.watches[key]
                    low[key] = min(low.get(key, stream.length), watch.next)
        for stream in list(self.live.values()):
            end = low.get(stream.key, stream.length)
            while stream.low < end:
                record = stream.records[stream.low]
                if record.known is None:
                    break
                if record.is_taken or record.never:
                    del stream.records[stream.low]
                else:
                    stream.unknown.add(stream.low)
                stream.low += 1
            if stream.owner.is_closed and stream.low == stream.length:
                del self.live[stream.key]


class Account:
    """One connection to a relay: what it asked for and was answered, what it holds, received and lost."""

    def __init__(self, ledger, name, status):
        self.ledger, self.name, self.is_closed = ledger, name, False
        self.relay = name.split("/")[0]
        self.status, self.statuses = status, [status]
        self.pending = {}         # id: (kind, ...) of what is unanswered
        self.held = {}            # (name, is_pattern): Subscription
        self.leaving = collections.Counter()
        self.streams = {}
        self.lost_publishes = self.unknown_publishes = self.sent_without_id = 0
        # Records of publishes without an id about which nothing is known yet, by what is answered in one order.
        self._without_id = collections.defaultdict(list)
        self._failed = False      # a publish has failed and the Status that says why is due
        self.is_hearing = status.receiving  # no gap since the relay received, which may be a while ago
        self._begin_interval()

    def _fault(self, text):
        self.ledger.violation(f"{self.name}: {text}")

    # MARK: Publishing

    def publish(self, channel, size, id):
        """Enters a publish. Returns its payload, which names its place in the books."""
        ledger = self.ledger
        if channel not in self.streams:
            self.streams[channel] = stream = Stream(len(ledger.streams), self, channel)
            ledger.streams.append(stream)
            ledger.live[stream.key] = stream
            for account in ledger.accounts:
                account._watch(stream)
        stream = self.streams[channel]
        record = stream.records[stream.length] = Record(ledger.tick(), id != 0, ledger.is_moving)
        head = b"%d:%d:%d:" % (stream.key, stream.length, size)
        stream.length += 1
        ledger.counts["published"] += 1
        order = channel if ledger.pubsub == "sharded" else None
        if id:
            self.pending[id] = ("publish", record, len(self._without_id[order]), order)
        else:
            self.sent_without_id += 1
            self._without_id[order].append(record)
        return head + b"." * size

    def _published(self, entry, outcome, detail):
        _, record, before, order = entry
        ledger, now = self.ledger, self.ledger.now
        ledger.counts[f"publish {outcome.name}"] += 1
        record.outcome = outcome
        record.known = now if record.known is None else record.known
        if record.never and record.seen:
            self._fault(f"{outcome.name} for a message that was delivered")
        if outcome == Outcome.INTERRUPTED and record.seen:
            ledger.counts["INTERRUPTED and yet delivered"] += 1
        if outcome == Outcome.OK:
            if not self.status.publishing and not self._is_partial:
                self._fault("OK for a publish although the relay says that it does not publish")
            if self._failed and ledger.pubsub != "sharded":
                self._fault("a publish failed, the next was OK, and no Status between them")
            if record.is_late:
                self._fault("OK for a publish that was delivered after a later one")
        elif outcome in (Outcome.NOT_CONNECTED, Outcome.INTERRUPTED):
            self._failed = self._failed or self.status.publishing
            if ledger.calm is not None and record.sent > ledger.calm:
                ledger.failed_in_calm.append(f"{self.name}: {outcome.name}, {detail}")
        elif outcome != Outcome.REFUSED or detail.split(" ")[0] not in ledger.excuses:
            self._fault(f"{outcome.name} for a good publish: {detail}")
        # Whatever the answer, those written before it have had theirs: they went the same way, in order.
        done, self._without_id[order] = self._without_id[order][:before], self._without_id[order][before:]
        for other in done:
            other.known = now if other.known is None else other.known
        for id, waiting in self.pending.items() if done else ():
            if waiting[0] == "publish" and waiting[3] == order:
                self.pending[id] = ("publish", waiting[1], max(0, waiting[2] - before), order)

    # MARK: Subscribing

    @property
    def _is_partial(self):
        """Part of the channels is away, and the rest is served."""
        return self.ledger.pubsub == "sharded" and self.status.state == State.DEGRADED

    def subscribe(self, id, channels=(), patterns=()):
        self.ledger.tick()
        self.pending[id] = ("subscribe", [(n, False) for n in channels] + [(n, True) for n in patterns])

    def unsubscribe(self, id, channels=(), patterns=()):
        self.ledger.tick()
        names = [(n, False) for n in channels] + [(n, True) for n in patterns]
        self.advance()
        for name in names:
            self.leaving[name] += 1
            if name in self.held:
                self.held[name].is_leaving = True
        self.pending[id] = ("unsubscribe", names)

    def ping(self, id):
        self.ledger.tick()
        self.pending[id] = ("ping",)

    def _subscribed(self, names, outcome, detail):
        if self.ledger.pubsub == "sharded" and any(is_pattern for _, is_pattern in names):
            if outcome != Outcome.INVALID:
                self._fault(f"{outcome.name} for a Subscribe with patterns, of which sharded pub/sub has none")
            return
        if outcome == Outcome.OK and not self.status.receiving and not self._is_partial:
            self._fault("OK for a Subscribe although the relay says that it does not receive")
        if outcome not in (Outcome.OK, Outcome.PENDING):
            if outcome != Outcome.REFUSED or detail.split(" ")[0] not in self.ledger.excuses:
                self._fault(f"{outcome.name} for a good Subscribe: {detail}")
            return
        for name in names:
            if name in self.held:
                continue
            begin = self.ledger.now if outcome == Outcome.OK else None
            text, is_pattern = name
            subscription = self.held[name] = Subscription(text, is_pattern, begin)
            subscription.is_leaving = self.leaving[name] > 0
            for stream in self.ledger.live.values():
                self._watch(stream, subscription)

    def _watch(self, stream, only=None):
        for subscription in (only,) if only else self.held.values():
            if subscription.matches(stream.channel) and stream.key not in subscription.watches:
                subscription.watches[stream.key] = Watch(stream)

    def _left(self, name):
        subscription = self.held.pop(name, None)
        if subscription:
            self.optional += sum(watch.unsettled for watch in subscription.watches.values())

    # MARK: What the relay sends

    def take(self, frame):
        """A frame from the relay, in the order in which they come."""
        self.ledger.tick()
        {wire.Message: self._message, wire.Reply: self._reply, wire.Status: self._status,
         wire.Loss: self._loss, wire.Revoked: self._revoked}.get(type(frame), self._unexpected)(frame)

    def _unexpected(self, frame):
        self._fault(f"an unexpected {type(frame).__name__}: {frame}"[:300])

    def _reply(self, reply):
        entry = self.pending.pop(reply.id, None)
        if entry is None:
            return self._fault(f"a Reply twice, or to what was not asked: id {reply.id}, {reply.outcome.name}")
        self.ledger.counts["replies"] += 1
        kind = entry[0]
        if kind == "publish":
            self._published(entry, reply.outcome, reply.detail)
        elif kind == "subscribe":
            self._subscribed(entry[1], reply.outcome, reply.detail)
        elif reply.outcome != Outcome.OK:
            self._fault(f"{reply.outcome.name} for a {kind}")
        if kind == "unsubscribe":
            for name in entry[1]:
                self.leaving[name] -= 1
                self._left(name)

    def _status(self, status):
        old = self.status
        has_gap = self._has_gap(old, status)
        if self.is_hearing and has_gap:
            self._end_interval()
            self.is_hearing = False
        self.status = status
        self.statuses.append(status)
        self._failed = self._failed and status.publishing
        if "watcher" in self.name:
            self.ledger.note(f"{self.name}: {status.state.name} publishing {status.publishing} receiving "
                             f"{status.receiving} outages {status.outages} gaps {status.gaps} {status.reason}")
        if status.state != State.STOPPING and old.state != State.STOPPING \
                and status.outages != old.outages + (old.state == State.UP and status.state != State.UP):
            self._fault(f"outages went from {old.outages} to {status.outages}")
        if not self._is_sound(status):
            self._fault(f"{status.state.name} with publishing {status.publishing}, receiving {status.receiving}")
        if status.receiving:
            self._hears()

    def _has_gap(self, old, status):
        """Whether subscriptions that were in force have ended."""
        growth, is_over = status.gaps - old.gaps, old.receiving and not status.receiving
        # Of a cluster, another part may break while one is away, or one may have moved and be back already. And not to
        # receive is no gap where that is about slots without names, or about a new name that is asked for while its
        # slot moves: then all that is held stays due.
        if growth < 0 or (self.ledger.pubsub is None and growth != is_over) or \
                (self.ledger.pubsub == "classic" and growth < is_over):
            self._fault(f"gaps went from {old.gaps} to {status.gaps}, receiving {old.receiving} to {status.receiving}")
        return growth > 0 or (is_over and self.ledger.pubsub != "sharded")

    def _hears(self):
        """The relay receives: what is sent from here on is due."""
        if not self.is_hearing:
            self.is_hearing = True
            return self._begin_interval()
        for subscription in self.held.values():
            if subscription.begin is None:
                subscription.begin = self.ledger.now

    def _is_sound(self, status):
        """Whether a Status does not contradict itself."""
        whole = status.publishing + status.receiving
        if status.state == State.STOPPING:
            return True
        if self.ledger.pubsub == "sharded" and status.state != State.UP:
            return whole < 2
        return status.state == (State.DOWN, State.DEGRADED, State.UP)[whole]

    def _revoked(self, revoked):
        names = [(n, False) for n in revoked.channels] + [(n, True) for n in revoked.patterns]
        self.ledger.counts["revoked names"] += len(names)
        if revoked.detail.split(" ")[0] not in self.ledger.excuses:
            self._fault(f"Revoked without a reason: {names}, {revoked.detail}")
        for name in names:
            if name not in self.held:
                self._fault(f"Revoked what was not held: {name}")
            self._left(name)

    def _loss(self, loss):
        counts = self.ledger.counts
        self.lost += loss.messages
        self.lost_publishes += loss.publishes
        self.unknown_publishes += loss.publishes_unknown
        counts["messages told as lost"] += loss.messages
        counts["publishes told as lost"] += loss.publishes
        counts["publishes told as unknown"] += loss.publishes_unknown
        if loss.messages and loss.cause != Cause.SLOW_READER:
            self._fault(f"{loss.messages} messages lost for {loss.cause.name}")
        if self.lost_publishes + self.unknown_publishes > self.sent_without_id:
            self._fault(f"{self.lost_publishes} + {self.unknown_publishes} publishes told as lost, and only "
                        f"{self.sent_without_id} sent without an id")

    def _message(self, message):
        ledger = self.ledger
        ledger.counts["messages received"] += 1
        name = (message.pattern, True) if message.pattern else (message.channel, False)
        try:
            key, index, size, filling = message.payload.split(b":", 3)
            stream, index = ledger.streams[int(key)], int(index)
            if int(key) < 0 or stream.channel != message.channel or len(filling) != int(size):
                raise ValueError
        except (ValueError, IndexError):
            return self._fault(f"never sent: {message.payload[:60]} ({len(message.payload)} bytes) on "
                               f"{message.channel}")
        subscription = self.held.get(name)
        if subscription is None or not subscription.matches(message.channel):
            return self._fault(f"message {index} of {stream} by {name}, which it does not hold")
        if index >= stream.length:
            return self._fault(f"never sent: message {index} of {stream}")
        self._received(subscription, stream, index)

    def _received(self, subscription, stream, index):
        watch = subscription.watches.get(stream.key)
        if watch is None:  # of a connection that is closed, and settled as far as anyone could
            watch = subscription.watches[stream.key] = Watch(stream)
        record = stream.records.get(index)
        what = f"message {index} of {stream} by {subscription.name}"
        if index in watch.got or index in watch.early:
            return self._twice(what)
        if index in watch.skipped:
            watch.skipped.discard(index)
            self.ledger.counts["unknown, and delivered late"] += 1
        elif index < watch.floor and index > watch.last:
            watch.early.add(index)
        elif index < watch.next:
            return self._twice(what, f" or out of order: all before {watch.next} are settled")
        else:
            watch.got.add(index)
            if index < watch.last:
                self._late(record, stream.owner, what, watch.last)
        watch.last = max(watch.last, index)
        if record is None:
            return
        if record.never:
            self._fault(f"{record.outcome.name}, and yet delivered: {what}")
        if record.outcome == Outcome.INTERRUPTED and not record.seen:
            self.ledger.counts["INTERRUPTED and yet delivered"] += 1
        if record.known is None or (not record.seen and record.outcome != Outcome.OK):
            # That nobody would tell was known before; that Redis has it, since now.
            record.known = self.ledger.now
        record.seen += 1
        if self.is_hearing:
            way = self.ledger.way(stream)
            self.evidence[way] = max(self.evidence[way], record.sent)

    def _twice(self, what, more=""):
        """A master that becomes a replica passes on what it still takes, and a relay may be at the new one by then."""
        if self.ledger.is_replacing and self.ledger.pubsub == "sharded":
            self.ledger.counts["late or twice, by way of a former master"] += 1
        else:
            self._fault(f"twice{more}: {what}")

    def _late(self, record, owner, what, last):
        """Redis may read what was in flight on a link that failed after what came by the next one."""
        record.is_late = record.has_id
        self.ledger.counts["unknown, and delivered late"] += 1
        if record.outcome is None:  # with an id its Reply will tell, else it takes an outage to be late
            may_be_late = record.has_id or any(
                not status.publishing or (self.ledger.pubsub and status.state != State.UP) for status in owner.statuses)
        else:
            may_be_late = record.outcome in (Outcome.INTERRUPTED, Outcome.UNSPECIFIED)
        if not may_be_late:
            self._fault(f"out of order: {what} after {last}")

    # MARK: Balancing

    def _begin_interval(self):
        """The relay receives from here on: what is sent now is due."""
        self.evidence = collections.Counter()   # by ways
        self.lost = self.missing = self.optional = 0
        self.example = ""
        for subscription in self.held.values():
            subscription.begin = self.ledger.now

    def advance(self):
        """Settles all that the evidence allows."""
        if self.is_hearing and not self.is_closed:
            for subscription in self.held.values():
                if not subscription.is_leaving and subscription.begin is not None:
                    for watch in subscription.watches.values():
                        self._advance(subscription, watch)
            if self.missing > self.lost:
                self._fault(f"{self.missing} messages missing and {self.lost} told as lost: {self.example}")
                self.lost = self.missing

    def _advance(self, subscription, watch):
        stream, evidence = watch.stream, self.evidence[self.ledger.way(watch.stream)]
        while watch.next < stream.length:
            index = watch.next
            if index in watch.got:
                watch.got.discard(index)
            else:
                record = stream.records[index]
                if record.known is None or record.known >= evidence:
                    break
                self._account_for(record, subscription, watch)
            watch.next += 1

    def _account_for(self, record, subscription, watch):
        """Settles a message that has not come and, from this interval's link, will not."""
        if record.never:
            return
        is_due = record.sent > subscription.begin
        if is_due and record.is_moving and (watch.stream.owner.relay != self.relay or self.ledger.pubsub == "classic"):
            # Whichever server took it, this relay may have been at another.
            self.ledger.counts["not due, since a failover was under way"] += record.is_taken
            is_due = False
        if not record.is_taken:
            # INTERRUPTED, or without an id: nobody knows. If Redis read it later than it should, it may still come.
            watch.skipped.add(watch.next)
            self.optional += 1
            if record.outcome is None and is_due and not self.lost:
                record.is_missed = True
        elif is_due:
            self.missing += 1
            self.example = (f"{watch.next} of {watch.stream} by {subscription.name}, sent at {record.sent}, known at "
                            f"{record.known}, subscribed since {subscription.begin}, evidence of "
                            f"{self.evidence[self.ledger.way(watch.stream)]}")
        else:
            self.optional += 1

    def _end_interval(self):
        """The relay does not receive any more, or the connection ends: what it told as lost must fit."""
        self.advance()
        unsettled = sum(w.unsettled for s in self.held.values() for w in s.watches.values())
        if self.lost > self.missing + self.optional + unsettled:
            self._fault(f"{self.lost} messages told as lost, and at most {self.missing + self.optional + unsettled} "
                        "did not come")

    def close(self, *, is_complete=False):
        """The connection is over. `is_complete`: the relay has answered everything, by its own rules."""
        if self.is_closed:
            return
        self.ledger.tick()
        if self.is_hearing:
            self._end_interval()
        if is_complete and self.pending:
            self._fault(f"closed and {len(self.pending)} replies missing: {sorted(self.pending)[:5]}")
        for entry in self.pending.values():
            if entry[0] == "publish":
                self._give_up(entry[1])
                self.ledger.counts["publish never answered, its connection ended"] += 1
        for record in (each for records in self._without_id.values() for each in records):
            self._give_up(record)
        if is_complete and self.sent_without_id:
            self._balance_publishes()
        self.pending, self.held, self.is_closed = {}, {}, True
        self._without_id.clear()
        self.ledger.accounts.discard(self)

    def _give_up(self, record):
        if record.outcome is None:
            record.outcome = Outcome.UNSPECIFIED
        record.known = self.ledger.now if record.known is None else record.known

    def _balance_publishes(self):
        """Sent without an id = taken + told as lost + at most those told as unknown. Only the records still kept are
        looked at, and those are all that did not arrive."""
        told = self.lost_publishes + self.unknown_publishes
        unseen = missed = 0
        for stream in self.streams.values():
            for record in stream.records.values():
                unseen += not record.seen and record.outcome in (None, Outcome.UNSPECIFIED)
                missed += record.is_missed and not record.seen
        if missed > told:
            self._fault(f"{missed} publishes without an id did not arrive where they should, and {told} told as lost")
        if self.lost_publishes > unseen:
            self._fault(f"{self.lost_publishes} publishes told as certainly lost, and only {unseen} did not arrive")
