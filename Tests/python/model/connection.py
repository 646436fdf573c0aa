"""One connection to the relay: what it has written, and what it may be sent because of it."""
import collections

import wire
from wire import Cause, Outcome, State

from .deliveries import Deliveries
from .names import is_allowed
from .requests import MAX_ID, Name, Request

MESSAGE_CAUSES = (Cause.SLOW_READER, Cause.TOO_LARGE, Cause.BAD_NAME)


class Connection:
    """One connection to the relay."""

    def __init__(self, model, name):
        self.model, self.name = model, name
        self.features, self.status = model.features, None
        self.history = collections.deque(maxlen=60)
        self.expected = None         # the Code of the Error that must come: an illegal frame was written
        self.excuses = set()         # Codes of Errors that may come
        self.has_said_hello = self.is_welcome = self.is_failed = self.is_over = False
        self.has_shut = self.was_aborted = self.is_lost = False
        self.pending = collections.defaultdict(collections.deque)   # by id
        self.owed = 0                # how many Replies
        self._immediate = {}         # requests that need no answer from Redis, unanswered, in order
        self.names = collections.defaultdict(Name)
        self._open_requests = 0      # of names, that may be unanswered
        self._subscribes = {}        # the valid ones among them, by number
        self.deliveries = Deliveries(self)
        self._failed = self._postponed = False   # what failed, before the Status that says why
        self._begin_counts()

    def _begin_counts(self):
        self.without_id, self._invalid_without_id = [], 0
        self.lost = collections.Counter()        # publishes without id, by cause
        self.unknown = 0
        self._proofs = []            # (publishes without id, told as lost, told as unknown) at each settled Ping

    def fault(self, text):
        self.model.violation(f"{self.name}: {text}", self.history)

    def _remember(self, verb, frame):
        shown = {name: value if isinstance(value, int) else value[:16] if len(value) < 17 else f"{len(value)} of"
                 for name, value in vars(frame).items() if isinstance(value, (int, str, bytes, tuple)) and value}
        self.history.append(f"{self.model.now:8} {verb} {type(frame).__name__} {shown}")

    # MARK: What the client writes

    def wrote_hello(self):
        self.model.tick()
        self.has_said_hello = True

    def wrote_illegal(self, code):
        """A frame after which the connection must end with this Error."""
        self.model.note(f"{self.name} writes what must end as {code.name}")
        self.expected = self.expected or code

    def wrote(self, frame):
        """A whole frame that is a ClientFrame, and no Hello."""
        self.model.tick()
        self.model.counts[f"wrote {type(frame).__name__}"] += 1
        is_void = self.expected is not None
        request = Request(frame, self.model.now)
        self._remember("writes", frame)
        if isinstance(frame, wire.Publish):
            request.is_valid = self._publish(request, is_void)
            request.is_immediate = not request.is_valid
        elif not isinstance(frame, wire.Ping):
            self._ask(request, is_void)
        else:
            request.is_valid = frame.id <= MAX_ID
            request.proof = len(self.without_id)
        if is_void or not frame.id:
            return
        self.owed += 1
        queue = self.pending[frame.id]
        queue.append(request)
        if len(queue) > 1:
            for each in (queue[-2], request):
                if each.record:
                    each.record.is_ambiguous = True
        if request.is_immediate:
            self._immediate[request.number] = request

    def _publish(self, request, is_void):
        """Returns whether it is valid."""
        frame, limits = request.frame, self.model.limits
        is_valid = is_allowed(frame.channel, False, self.features) and len(frame.payload) <= limits.max_payload \
            and frame.id <= MAX_ID
        record = self.model.records.enter(frame.channel.encode(), frame.payload, self, frame.id != 0)
        record.is_void = is_void or not is_valid
        request.record = record
        if not is_void and not frame.id:
            self.without_id.append(record)
            self._invalid_without_id += not is_valid
        return is_valid

    def _ask(self, request, is_void):
        """A Subscribe or Unsubscribe."""
        frame = request.frame
        names = {(name, False) for name in frame.channels} | {(name, True) for name in frame.patterns}
        request.names = names
        request.is_valid = bool(names) and frame.id <= MAX_ID and \
            all(is_allowed(name, is_pattern, self.features) for name, is_pattern in names)
        is_unsubscribe = request.kind == "Unsubscribe"
        request.is_immediate = (is_unsubscribe or not request.is_valid) and not self._open_requests
        if is_void or not request.is_valid:
            return
        if not is_unsubscribe:
            self._count_names(request)
            self._subscribes[request.number] = request
        self._open_requests += 1
        for name in names:
            state = self.names[name]
            state.asked.append(request)
            state.story.append(f"{self.model.now} {request} asked")
            # An Unsubscribe takes effect when it is read, and once more behind the Subscribe before it.
            is_twice = is_unsubscribe and len(state.asked) > 1
            self.deliveries.asked(name, is_unsubscribe, frame.id == 0 or is_twice)

    def _count_names(self, request):
        """With how many names the connection ends up, at the most and at the least."""
        # Names that several unanswered requests ask for may count for each of them.
        asked = sum(len(each.names) for each in self._subscribes.values())
        request.most, request.least = len(self.names) + len(request.names) + asked, 0
        if request.most > self.model.limits.max_names:
            held = {name for name, state in self.names.items() if state.held is not False or state.asked}
            sure = {name for name, state in self.names.items() if state.held and not state.asked}
            request.most, request.least = len(held | request.names) + asked, len(sure | request.names)

    def shut(self):
        """The client has shut its writing side: what is owed comes, then the end."""
        self.model.tick()
        self.has_shut = True

    def aborted(self):
        """The client has closed its socket, after all that it wrote had left it."""
        self.was_aborted = True
        self._ended()

    def lost_bytes(self):
        """What was written last may not have reached the relay."""
        self.is_lost = True

    # MARK: What the relay sends

    def took(self, frame):
        self.model.tick()
        if not isinstance(frame, wire.Message):
            self._remember("is sent", frame)
        if self.is_failed:
            return self.fault(f"a frame behind an Error: {type(frame).__name__}")
        if isinstance(frame, wire.Error):
            return self._error(frame)
        if not self.is_welcome:
            return self._welcome(frame)
        kinds = {wire.Message: self._message, wire.Reply: self._reply, wire.Status: self._status,
                 wire.Loss: self._loss}
        if type(frame) not in kinds:
            return self.fault(f"must not come: {frame}")
        kinds[type(frame)](frame)

    def _welcome(self, frame):
        if not isinstance(frame, wire.Welcome) or not self.has_said_hello:
            return self.fault(f"the first frame is {frame}")
        limits, self.is_welcome = self.model.limits, True
        self.model.relay_id = self.model.relay_id or frame.relay_id
        found = (frame.version, frame.relay_id, frame.max_frame_bytes, frame.max_payload_bytes)
        if found != (1, self.model.relay_id, limits.max_frame, limits.max_payload):
            self.fault(f"Welcome says {found}")
        if self.model.features and self.model.features != frame.features:
            self.fault(f"features {frame.features} that were {self.model.features}")
        self.features = self.model.features = frame.features
        self._judge_status(frame.status)
        self.status = frame.status

    def _message(self, frame):
        self.model.counts["messages"] += 1
        name = (frame.pattern, True) if frame.pattern else (frame.channel, False)
        record = self.model.records.find(frame.channel.encode(), frame.payload)
        if record is None:
            return self.fault(f"a Message that nobody published: {frame.channel!r}, {len(frame.payload)} bytes, "
                              f"{frame.payload[:20]!r}")
        if not record.is_deliverable:
            self.fault(f"a Message that fits no frame: {record}")
        if record.never:
            self.fault(f"a Message of what was told as not delivered: {record}")
        if not (name in self.names and self.names[name].may_deliver):
            return self.fault(f"a Message by {name} that is not subscribed: {record}")
        self.deliveries.take(name, record)

    def _loss(self, frame):
        if not (frame.messages or frame.publishes or frame.publishes_unknown):
            self.fault("a Loss of nothing")
        if frame.messages:
            if frame.cause not in MESSAGE_CAUSES:
                self.fault(f"messages lost by {frame.cause.name}")
            self.model.counts[f"messages lost, {frame.cause.name}"] += frame.messages
            self.deliveries.lost(frame.messages)
        if frame.publishes or frame.publishes_unknown:
            self.model.counts[f"publishes lost, {frame.cause.name}"] += frame.publishes + frame.publishes_unknown
            # Without settled Pings one may have been held back since the last segment.
            if frame.cause != Cause.INVALID and "settled" in self.features:
                self.model.alarm(f"{self.name}: {frame}")
        self.lost[frame.cause] += frame.publishes
        self.unknown += frame.publishes_unknown
        if sum(self.lost.values()) + self.unknown > len(self.without_id):
            self.fault(f"{sum(self.lost.values()) + self.unknown} publishes told as lost, and only "
                       f"{len(self.without_id)} had no id")
        if self.lost[Cause.INVALID] > self._invalid_without_id:
            self.fault(f"{self.lost[Cause.INVALID]} publishes told as INVALID, and {self._invalid_without_id} are")

    def _error(self, frame):
        self.model.counts[f"Error {frame.code.name}"] += 1
        self.is_failed = True
        if frame.code in self.excuses:
            return
        if frame.code != self.expected:
            return self.fault(f"Error {frame.code.name} ({frame.detail}), expected {self.expected}")
        if self._immediate:
            self.fault(f"an Error before {len(self._immediate)} Replies to earlier frames that need no Redis: "
                       f"{next(iter(self._immediate.values()))}")

    # MARK: Status

    def _status(self, frame):
        before, self.status = self.status, frame
        self._judge_status(frame)
        if frame.gaps < before.gaps or frame.outages < before.outages:
            self.fault(f"counts have shrunk: {frame}, before {before}")
        told = [(s.state, s.publishing, s.receiving, s.gaps) for s in (before, frame)]
        if told[0] == told[1]:
            self.fault(f"a Status without a change: {frame}")
        if before.state == State.UP != frame.state != State.STOPPING and frame.outages != before.outages + 1:
            self.fault(f"left UP, and outages is {frame.outages} after {before.outages}")
        if before.receiving and not frame.receiving and frame.gaps == before.gaps:
            self.fault(f"stopped receiving, and gaps has not grown: {frame}")
        if not frame.publishing or not before.publishing:
            self._failed = False
        if not frame.receiving:
            self._postponed = False
        if frame.gaps > before.gaps:
            self.deliveries.gap()
        if frame.receiving and (not before.receiving or frame.gaps > before.gaps):
            self.deliveries.receiving_again()

    def _judge_status(self, frame):
        is_up = (State.DOWN, State.DEGRADED, State.UP)[frame.publishing + frame.receiving]
        if frame.state not in (is_up, State.STOPPING):
            self.fault(f"a Status that contradicts itself: {frame}")
        if frame.state not in (State.UP, State.STOPPING):
            self.model.alarm(f"{self.name}: {frame}")

    # MARK: Replies

    def _reply(self, frame):
        queue = self.pending.get(frame.id)
        if not queue:
            return self.fault(f"a Reply that nobody awaits: {frame}")
        # Of several with the same id the first one that this can be the answer to.
        request = next((each for each in queue if frame.outcome in self._possible(each)), queue[0])
        queue.remove(request)
        if not queue:
            del self.pending[frame.id]
        self.owed -= 1
        request.is_answered = True
        self._immediate.pop(request.number, None)
        self.model.counts[f"{request.kind} {frame.outcome.name}"] += 1
        if frame.outcome not in self._possible(request):
            which = "a valid" if request.is_valid else "an invalid"
            return self.fault(f"{frame.outcome.name} for {which} {request}: {frame.detail}")
        if frame.outcome in (Outcome.NOT_CONNECTED, Outcome.INTERRUPTED, Outcome.PENDING):
            self.model.alarm(f"{self.name}: {frame.outcome.name} for {request}: {frame.detail}")
        if (frame.channels or frame.patterns) and frame.outcome != Outcome.REFUSED:
            self.fault(f"{frame.outcome.name} for {request} lists names as refused")
        if request.kind == "Publish":
            self._published(request, frame)
        elif request.kind == "Ping":
            self._ponged(request)
        else:
            self._answered(request, frame)

    def _possible(self, request):
        if not request.is_valid:
            return (Outcome.INVALID,)
        if request.kind == "Publish":
            return (Outcome.OK, Outcome.NOT_CONNECTED, Outcome.INTERRUPTED)
        if request.kind != "Subscribe":
            return (Outcome.OK,)
        limit = self.model.limits.max_names
        if request.least > limit:
            return (Outcome.LIMIT,)
        good = (Outcome.OK, Outcome.PENDING)
        return (*good, Outcome.LIMIT) if request.most > limit else good

    def _published(self, request, frame):
        record, outcome = request.record, frame.outcome
        if not record.is_ambiguous:
            record.outcome = outcome
        if not request.is_valid:
            return
        if outcome == Outcome.OK:
            if not self.status.publishing:
                self.fault(f"OK for a publish although the relay says that it does not publish: {record}")
            if self._failed:
                self.fault(f"a publish failed, the next was OK, and no Status between them: {record}")
            if self.model.is_calm and not frame.receivers:
                self.fault(f"OK with no receivers, and Redis has a subscriber of all: {record}")
        else:
            if outcome == Outcome.INTERRUPTED and not self.status.publishing:
                self.fault(f"INTERRUPTED behind the Status that says that nothing is published: {record}")
            self._failed = self._failed or self.status.publishing
            if outcome == Outcome.NOT_CONNECTED and record.order is not None and not record.is_ambiguous:
                self.fault(f"NOT_CONNECTED, and Redis took it: {record}")

    def _ponged(self, request):
        late = [each for number, each in self._immediate.items() if number < request.number]
        if late:
            self.fault(f"the Reply to {request} overtakes that to an earlier {late[0]}")
        if not request.is_valid or not request.frame.settled or "settled" not in self.features:
            return
        waiting = [each for queue in self.pending.values() for each in queue
                   if each.kind == "Publish" and each.number < request.number]
        if waiting:
            self.fault(f"the Reply to a settled {request} comes before that to an earlier {waiting[0]}")
        self._prove(request.proof)

    def _prove(self, count):
        """The first `count` publishes without id are settled, and no later one is told of yet."""
        invalid = sum(1 for record in self.without_id[:count] if record.is_void)
        if self.lost[Cause.INVALID] != invalid:
            return self.fault(f"{self.lost[Cause.INVALID]} publishes without id told as INVALID, and {invalid} are")
        self._proofs.append((count, sum(self.lost.values()), self.unknown))

    def _answered(self, request, frame):
        """The Reply to a Subscribe or Unsubscribe."""
        outcome = frame.outcome
        for name in request.names if request.is_valid else ():
            asked = self.names[name].asked
            while asked and asked[0] is not request:
                earlier = asked.popleft()
                if earlier.frame.id and not earlier.is_answered:
                    self.fault(f"{request} is answered before an earlier {earlier}, which names {name} too")
                if not earlier.frame.id:
                    self._apply_without_id(name, earlier)
            if asked:
                asked.popleft()
            self.names[name].story.append(f"{self.model.now} {request} {outcome.name}")
            if outcome in (Outcome.OK, Outcome.PENDING):
                self._apply(name, request, outcome)
        if request.is_valid:
            self._open_requests -= 1
            self._subscribes.pop(request.number, None)
        if not request.is_valid or request.kind != "Subscribe":
            return
        if outcome == Outcome.OK and not self.status.receiving:
            self.fault(f"OK for {request} although the relay says that it does not receive")
        if outcome == Outcome.OK and self._postponed:
            self.fault(f"one Subscribe was PENDING while receiving, {request} was OK, and no Status between them")
        if outcome == Outcome.PENDING and self.status.receiving:
            self._postponed = True

    def _apply(self, name, request, outcome):
        state = self.names[name]
        if request.kind == "Unsubscribe":
            state.held = False
            self.deliveries.end(name)
            return
        if state.held is not True:
            self.deliveries.begin(name, outcome == Outcome.OK)
            for later in state.asked:
                self.deliveries.asked(name, later.kind == "Unsubscribe", True)
        state.held = True

    def _apply_without_id(self, name, request):
        """A request without id has been carried out by now, and whether it was granted is not known."""
        state = self.names[name]
        if request.kind == "Unsubscribe":
            state.held = False
            self.deliveries.end(name)
        elif state.held is False:
            state.held = None

    # MARK: The end

    def is_processed(self, record):
        """Whether the relay must have taken this publish, although the connection ended without its Reply."""
        return not self.is_lost

    def ended(self, error=None):
        """The relay has closed the connection."""
        self.model.tick()
        is_stopping = self.status is not None and self.status.state == State.STOPPING
        if self.is_failed or self.excuses:
            pass
        elif self.expected:
            self.fault(f"closed without the Error {self.expected.name}")
        elif not self.has_shut and not (is_stopping and not self.owed):
            self.fault(f"closed by the relay ({error})")
        elif self.owed:
            first = next(queue[0] for queue in self.pending.values() if queue)
            self.fault(f"closed by the relay, which owes {self.owed} Replies: {first}")
        elif self.has_shut and "settled" in self.features:
            self._prove(len(self.without_id))
        self._ended()

    def _ended(self):
        self.is_over = True
        self.pending.clear()
        self.deliveries.end_all()

    @property
    def uncertain(self):
        """Names of which nobody can tell whether they are held."""
        return [name for name, state in self.names.items() if state.asked or state.held is None]

    @property
    def held(self):
        return {name for name, state in self.names.items() if state.held}

    def end_segment(self):
        yield from self.deliveries.verify()
        self._verify_without_id()
        if "settled" in self.features:
            self._begin_counts()
        if not self.is_over and self.owed:
            self.fault(f"{self.owed} Replies are owed: {list(self.pending)[:5]}")
        self.names = collections.defaultdict(Name, {n: s for n, s in self.names.items() if s.held or s.asked})
        self._open_requests = sum(1 for s in self.names.values() if s.asked)
        self._subscribes.clear()

    def _verify_without_id(self):
        """Publishes without id = taken + told as lost + told as unknown, exactly, at each settled Ping."""
        records = self.model.records
        for count, lost, unknown in self._proofs:
            settled = self.without_id[:count]
            if not all(records.is_certain(record) for record in settled):
                continue
            taken = sum(1 for record in settled if record.order is not None)
            if not count - lost - unknown <= taken <= count - lost:
                self.fault(f"of {count} publishes without id Redis took {taken}, told as lost were {lost}, as unknown "
                           f"{unknown}")
