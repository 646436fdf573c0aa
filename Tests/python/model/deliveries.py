"""What a connection receives: each subscription's messages, in their order, each once, with none missing untold."""
from .names import matches


class Subscription:
    """A name in force, from some moment to another."""

    def __init__(self, name, begin, due):
        self.name, self.begin = name, begin
        self.due = due           # what is published from here on is due; None: not known yet
        self.leaving = None      # an Unsubscribe was written
        self.is_over = False
        self.is_loose = False    # requests change it at moments that nobody can tell
        self.got = {}            # record: when

    def matches(self, channel):
        name, is_pattern = self.name
        return matches(name, channel) if is_pattern else name.encode() == channel


class Deliveries:
    """Those of one connection, in one segment."""

    def __init__(self, connection):
        self._connection, self._model = connection, connection.model
        self._all, self._open = [], {}
        self._start = 0
        self._gaps = []          # [told, receiving again]
        self._losses = []        # (when, how many)

    # MARK: Subscriptions

    def begin(self, name, is_in_force):
        now = self._model.now
        if name in self._open:   # one whose beginning was not known
            self._open[name].due = now if is_in_force else None
        else:
            self._add(name, now if is_in_force else None)

    def _add(self, name, due):
        self._open[name] = subscription = Subscription(name, self._model.now, due)
        self._all.append(subscription)
        return subscription

    def asked(self, name, is_unsubscribe, is_loose):
        """A request that names it was written. `is_loose`: nobody can tell when it takes effect."""
        subscription = self._open.get(name)
        if subscription and is_loose:
            subscription.is_loose = True
        if subscription and is_unsubscribe and subscription.leaving is None:
            subscription.leaving = self._model.now

    def end(self, name):
        if name in self._open:
            self._open.pop(name).is_over = True

    def end_all(self):
        for name in list(self._open):
            self.end(name)

    # MARK: What comes

    def take(self, name, record):
        if record.is_barrier:
            return
        subscription = self._open.get(name)
        if subscription is None:
            subscription = self._add(name, None)
            subscription.is_loose = True
        if not subscription.matches(record.channel):
            return self._connection.fault(f"a Message by {name} that does not match: {record}")
        if record in subscription.got:
            return self._connection.fault(f"a Message twice by {name}: {record}")
        subscription.got[record] = self._model.now

    def lost(self, count):
        self._losses.append((self._model.now, count))

    def gap(self):
        self._gaps.append([self._model.now, None])

    def receiving_again(self):
        if self._gaps and self._gaps[-1][1] is None:
            self._gaps[-1][1] = self._model.now
        for subscription in self._open.values():
            if subscription.due is None and not subscription.is_loose:
                subscription.due = self._model.now

    # MARK: At the end of a segment

    def verify(self):
        self._verify_order()
        required = optional = 0
        self._example = None
        for subscription in self._all:
            yield
            both = self._missing(subscription)
            required, optional = required + both[0], optional + both[1]
        told = sum(count for _, count in self._losses)
        is_known = self._connection.is_welcome and not self._connection.is_over
        if required > told:
            self._connection.fault(f"{required} Messages are missing, and {told} told as lost; {self._example}")
        elif is_known and self._model.records.blind == 0 and told > required + optional:
            self._connection.fault(f"{told} Messages told as lost, and only {required} to {required + optional} are "
                                   "missing")
        self._begin_segment()

    def _begin_segment(self):
        self._gaps, self._losses, self._all = [], [], []
        now = self._model.now
        for name in list(self._open):
            self._add(name, now if self._connection.names[name].held else None).is_loose = \
                not self._connection.names[name].held

    def _verify_order(self):
        """Redis's order is one over all channels, so a connection's is the same over all of its subscriptions."""
        came = sorted((when, record.order, record) for subscription in self._all
                      for record, when in subscription.got.items() if record.order is not None)
        highest, before = 0, None
        for _, order, record in came:
            if order < highest:
                return self._connection.fault(f"in another order than Redis has: {record} behind {before}")
            highest, before = order, record
        for subscription in self._all:
            for record in subscription.got:
                if record.order is None and self._model.records.is_certain(record):
                    return self._connection.fault(f"a Message that Redis has not sent: {record}")

    def _missing(self, subscription):
        """How many messages had to come by it and did not, and how many might have come."""
        got, required, optional = subscription.got, 0, 0
        # From the newest to the oldest: `after` is when the next one came.
        holes, after, hole = [], None, []
        for record in reversed(self._taken_for(subscription)):
            if record in got:
                holes.append((got[record], after, hole))
                after, hole = got[record], []
            else:
                hole.append(record)
        holes.append((None, after, hole))
        for before, after, hole in holes:
            due = [record for record in hole if self._is_due(subscription, record, before, after)]
            required, optional = required + len(due), optional + len(hole) - len(due)
            if not due:
                continue
            self._example = self._explain(subscription, due, before, after)
            if before is not None and after is not None and len(due) > self._told_between(before, after):
                self._connection.fault(f"{self._told_between(before, after)} told in place of {self._example}")
        return required, optional

    def _explain(self, subscription, due, before, after):
        """For people."""
        name, is_pattern = subscription.name
        story = ", ".join(self._connection.names[subscription.name].story)
        kind = "pattern" if is_pattern else "channel"
        return (f"{len(due)} Messages missing by {kind} {name[:40]!r}: {due[-1]}, published at {due[-1].sent}; "
                f" those around it came at {before} and {after}; gaps at {self._gaps}; {story}")

    def _taken_for(self, subscription):
        return self._model.records.taken_for(subscription.name, subscription.matches)

    def _told_between(self, begin, end):
        return sum(count for when, count in self._losses if begin < when < end)

    def _is_due(self, subscription, record, before, after):
        """`before` and `after`: when the messages around it came, None if none did."""
        if subscription.is_loose:
            return False
        if after is None and (subscription.leaving is not None or subscription.is_over):
            return False
        since = subscription.begin if before is None else before
        gaps = [gap for gap in self._gaps if gap[0] > since and (after is None or gap[0] < after)]
        if gaps:
            again = gaps[-1][1]
            return again is not None and record.sent > again
        return before is not None or (subscription.due is not None and record.sent > subscription.due)
