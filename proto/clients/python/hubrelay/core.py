"""The client without sockets, clocks' callbacks and waiting: what the asyncio and the blocking client have in common.

Calls and bytes go in; `actions` and each Link's `to_write` come out, and the waiters that were handed in are settled.
After each call the owner performs the actions, writes, and sets its one timer to `deadline`.
"""
import enum
import logging
import time
from dataclasses import replace
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

from .codec import ProtocolError
from .connecting import Backoff, Watch, is_hopeless
from .errors import Closed, HubrelayError, Invalid, NotConnected
from .frames import Cause, Error, Gap, Loss, Message, Revoked, State, Status, Welcome
from .gaps import Gaps
from .handover import Move, discard
from .link import Link, Request, settle_ping
from .names import MAX_CLIENT_NAME_BYTES, Name
from .options import Counters, Options
from .publishing import Publishing
from .queues import Event, EventQueue, Waiter, settle
from .subscribing import Subscribing


class Action(enum.Enum):
    """What the owner of the sockets is to do with a Link."""

    OPEN = 1  #: Connect; then `opened` or `failed`.
    CLOSE = 2  #: Close the socket.
    READING = 3  #: `is_reading` has changed.
    CHECK = 4  #: It is left unread: if the relay has closed it, read it to its end.


class Core:
    """One client. Not thread-safe: the blocking client has a lock around it."""

    def __init__(self, name: str, options: Options, counters: Counters, logger: logging.Logger) -> None:
        try:
            size = len(name.encode())
        except UnicodeEncodeError:
            raise Invalid("the client's name cannot be written as UTF-8") from None
        if size > MAX_CLIENT_NAME_BYTES:
            raise Invalid(f"the client's name has {size} bytes; {MAX_CLIENT_NAME_BYTES} are allowed")
        self.name, self.options, self.counters, self.logger = name, options, counters, logger
        self.actions: List[Tuple[Action, Link]] = []
        self.events = EventQueue(options.events_bytes, options.queued_bytes, counters)
        self.status = _no_relay("not connected yet")
        self.features: Tuple[str, ...] = ()
        # Connections.
        self.link: Optional[Link] = None  #: The one with the newest Welcome.
        self.opening: Optional[Link] = None  #: The one that has not said Welcome yet.
        self.old: Optional[Link] = None  #: One whose relay is STOPPING: it serves on during a move, and is read to its end.
        self.move: Optional[Move] = None
        self.is_started = self.is_closing = self.is_closed = False
        self.is_starting = False  #: The first attempt to connect has not ended.
        # Parts.
        self.publishing = Publishing(options, counters, self._sent_first)
        self.subscribing = Subscribing(self)
        self.gaps = Gaps(options, self.set_timer, self._tell_gap)
        self._backoff, self._watch = Backoff(options), Watch(options)
        # The rest.
        self._timers: Dict[str, float] = {}
        self._deadline: Optional[float] = None
        self._is_deadline_old = False
        self.timers_changed = False
        self._gaps_seen = self._old_gaps_seen = 0
        self._was_connected = self.is_told = False
        self._status_to_tell: Optional[Status] = None  # UP, until what is held is in force
        self._why = ""  # the last attempt failed
        self._ready_waiters: List[Waiter] = []
        self._close_waiters: List[Waiter] = []
        self.listeners = 0  #: Subscriptions that are not closed.
        self._may_exceed = False  # what is being read would leave the socket unread

    # What the owner of the sockets says

    def start(self) -> None:
        """Connects for the first time. What is published meanwhile waits for the outcome, for a second at most."""
        if self.is_started or self.is_closing:
            return
        self.is_started = self.is_starting = self.publishing.is_held = True
        self.set_timer("first", 1.0)
        self._attempt()

    def opened(self, link: Link) -> None:
        """The socket is connected."""
        link.hello(self.name)

    def failed(self, link: Link, why: str) -> None:
        """The socket could not be connected."""
        self._end(link, why)

    def received(self, link: Link, data: bytes) -> None:
        if link.is_ended:
            return
        self._may_exceed = not self.listeners and not link.is_owed
        try:
            link.feed(data)
        except ProtocolError as error:
            self._end(link, f"the relay broke the protocol: {error}")
        self._after_input()

    def ended(self, link: Link, why: str) -> None:
        """The socket was closed by the relay, or has failed."""
        if not link.is_ended:
            self._end(link, why)
            self._after_input()

    def wrote(self) -> None:
        """Some of the bytes were taken by the socket."""
        if self.publishing.is_waiting or self.is_closing:
            self._after_input()

    def requested(self) -> None:
        """A request was made, or an event taken: perhaps the socket is to be read again."""
        if self.link is not None and not self.link.is_reading:
            self.consider_reading()

    @property
    def deadline(self) -> Optional[float]:
        """When `tick` is to be called, by time.monotonic()."""
        if self._is_deadline_old:
            self._is_deadline_old = False
            self._deadline = min(self._timers.values(), default=None)
        return self._deadline

    def give_up_candidate(self, now: float) -> Optional[Link]:
        """The connection that `tick` would give up now: what lies in its socket is to be read before."""
        link = self.link
        if link is None or link.ping_at is None or self._timers.get("watch", now + 1) > now:
            return None
        return link if now >= link.ping_at + self.options.ping_timeout else None

    def tick(self, now: float) -> None:
        for name in [name for name, due in self._timers.items() if due <= now]:
            due = self._timers.pop(name, None)
            if due is not None:  # else another timer has taken it away
                _TIMERS[name](self, now, due)
        self.timers_changed = self._is_deadline_old = True
        self._after_input()

    def set_timer(self, name: str, seconds: Optional[float]) -> None:
        self.timers_changed = self._is_deadline_old = True
        if seconds is None:
            self._timers.pop(name, None)
        else:
            self._timers[name] = time.monotonic() + seconds

    @staticmethod
    def now() -> float:
        return time.monotonic()

    def abandoned(self) -> None:
        """The process has forked, and this is the child: subscriptions end, and nobody waits any more."""
        for queue in self._listening_queues() + [self.events]:
            queue.waiters.clear()
            queue.is_ended = True
            queue.clear()
        self.is_closing = self.is_closed = True

    # What the parts use

    @property
    def serving(self) -> Optional[Link]:
        """The connection whose answers count."""
        return self.move.old if self.move else self.link

    @property
    def next_serving(self) -> Optional[Link]:
        """During a move, the connection that comes next."""
        return self.move.new if self.move else None

    @property
    def links(self) -> Iterator[Link]:
        return (link for link in (self.link, self.old) if link is not None)

    def deliver(self, name: Name, message: Message) -> None:
        for queue in name.queues:
            queue.put_message(message, self._may_exceed)

    def tell(self, event: Event) -> None:
        self.events.put(event)

    def considered_subscriptions(self) -> None:
        """Some have ended."""
        if not self.subscribing.names.holds_any:
            self.gaps.forget()

    def consider_gap(self) -> None:
        if self.subscribing.names.holds_any:
            self.gaps.consider()

    def reconcile(self) -> None:
        if self.link is not None and self.move is None:
            self.subscribing.reconcile(self.link)

    def restored(self, link: Link) -> None:
        """A restore, or a part of it, has been answered."""
        if link.restoring or link is not self.link:
            return
        if self._status_to_tell is not None:
            self._tell_status(self._status_to_tell)
        if self.move is not None:
            self.move.consider()

    def moved(self, reason: Optional[str]) -> None:
        """The move has ended; `reason` says why messages may have been missed, if so."""
        move, self.move = self.move, None
        if move is None:
            return
        if reason is not None and self.subscribing.names.holds_any:
            self.gaps.note(reason)
        if not move.old.is_ended:
            self._leave(move.old)
        self._follow(move.new)
        self.reconcile()
        self.consider_gap()

    # Requests

    def new_queue(self) -> EventQueue:
        """For a subscription."""
        return EventQueue(self.options.events_bytes, self.options.queued_bytes, self.counters)

    def check_open(self) -> None:
        if self.is_closing:
            raise Closed("the client is closed")

    def ready(self, waiter: Waiter) -> None:
        """Settled with the Welcome of the connection that there is, or of the next one."""
        if self.link is not None:
            settle(waiter)
        else:
            self._ready_waiters = [each for each in self._ready_waiters if not each.done()] + [waiter]

    @property
    def why_not_ready(self) -> str:
        return self._why or "the relay has not answered yet"

    def ping(self, waiter: Waiter, settled: bool) -> None:
        """The waiter gets None once the relay has answered. Raises NotConnected, Invalid."""
        if self.is_starting:
            self.subscribing.later(waiter, lambda: self.ping(waiter, settled))
            return
        link = self.serving
        if link is None:
            raise self._not_connected()
        if settled and "settled" not in link.features:
            raise Invalid("this relay cannot say what is settled")
        if settled:
            link.settle_sends(waiter)
        else:
            link.ping(Request(lambda link, request, reply: settle_ping(waiter, reply)))

    def close(self, drain: Optional[float], waiter: Waiter) -> None:
        """Owed Replies are waited for, for up to `drain` seconds."""
        if self.is_closed:
            settle(waiter)
            return
        self._close_waiters.append(waiter)
        if self.is_closing:
            return
        self.is_closing = True
        self.set_timer("close", self.options.drain if drain is None else drain)
        self.publishing.fail_waiting(Closed("the client was closed before this was sent"))
        self._started()
        if self.move is not None:
            self.move.give_up("closed")
        if self.opening is not None:
            self._end(self.opening, "closed by the application")
        for link in self.links:
            link.take_message = discard
            self._settle_and_shut(link)
        self._after_input()

    def consider_reading(self) -> None:
        """Leaves the socket unread if nobody would take what comes, so that the relay counts what is dropped."""
        link = self.link
        if link is None:
            return
        is_reading = bool(self.listeners) or link.is_owed or not self.events.is_full or self.move is not None \
            or self.is_closing
        if is_reading != link.is_reading:
            link.is_reading = is_reading
            if is_reading:
                link.last_read = time.monotonic()  # the clock stood meanwhile
            self.actions.append((Action.READING, link))

    # Frames

    def _take_frame(self, link: Link, frame: Any) -> None:
        if link is self.opening:
            self._take_first_frame(link, frame)
        elif isinstance(frame, Message):
            self._take_message(link, frame)
        elif isinstance(frame, Status):
            self._take_status(link, frame)
        elif isinstance(frame, Loss):
            self._take_loss(link, frame)
        elif isinstance(frame, Revoked):
            if link is self.serving:
                self.subscribing.revoke(self.subscribing.names.find(frame.channels, frame.patterns), frame.detail)
                self.reconcile()
        elif isinstance(frame, Error):
            self._end(link, f"the relay ended the connection: {frame.code.name} {frame.detail}".rstrip())

    def _take_message(self, link: Link, message: Message) -> None:
        """One that is not as usual: it has a pattern, or nobody holds its channel."""
        if self.move is not None and message.channel == self.move.fence and not message.pattern:
            self.move.fence_came(link)
            return
        names = self.subscribing.names
        name = (names.patterns.get(message.pattern.encode()) if message.pattern else
                names.channels.get(message.channel.encode()))
        if name is not None:
            link.take_message(name, message)

    def _take_loss(self, link: Link, loss: Loss) -> None:
        link.lost_of_unsettled += loss.publishes + loss.publishes_unknown
        self.counters.lost_publishes += loss.publishes + loss.publishes_unknown
        counts = link is self.serving and loss.messages > 0
        if counts:
            self.counters.lost_messages += loss.messages
        else:
            loss = replace(loss, messages=0)
        if counts or loss.publishes or loss.publishes_unknown:
            self.tell(loss)
        if counts and self.subscribing.names.holds_any:
            for queue in self._listening_queues():
                queue.put(loss)
            self._tell_gap(Gap((loss.reason or "messages were dropped",)))

    def _take_status(self, link: Link, status: Status) -> None:
        if link is not self.link:
            if self.move is not None and link is self.move.old and status.gaps > self._old_gaps_seen:
                self._old_gaps_seen = status.gaps
                self.gaps.note(status.reason or "the relay was not receiving")
            return
        if status.gaps > self._gaps_seen and self.subscribing.names.holds_any:
            self.gaps.grown(status, "partial" in self._timers)
        self._gaps_seen = status.gaps
        self._new_status(link, status)
        if status.state == State.STOPPING and not link.is_stopping:
            self._relay_is_stopping(link)
        elif self.move is not None:
            self.move.consider()

    def _new_status(self, link: Link, status: Status) -> None:
        self.gaps.is_receiving(status.receiving, link.unanswered_subscribes())
        if status.state == State.UP and link.restoring:
            self._status_to_tell = status
        else:
            self._tell_status(status)
        self.consider_gap()

    # The life of a connection

    def _attempt(self) -> None:
        self.set_timer("attempt", None)
        if self.opening is None and not self.is_closing:
            self.opening = Link(self.subscribing.names.channels, self._take_frame, self.deliver)
            self.actions.append((Action.OPEN, self.opening))
            self.set_timer("handshake", self.options.handshake)

    def _take_first_frame(self, link: Link, frame: Any) -> None:
        if isinstance(frame, Welcome):
            self._welcomed(link, frame)
        elif isinstance(frame, Error):
            self._end(link, f"{frame.code.name}: {frame.detail}".rstrip(": "), hopeless=is_hopeless(frame))
        else:
            self._end(link, "the relay's first frame is not Welcome")

    def _welcomed(self, link: Link, welcome: Welcome) -> None:
        former = self.link or self.old
        if welcome.status.state == State.STOPPING or (
                former is not None and former.welcome and welcome.relay_id == former.welcome.relay_id):
            self._end(link, "the relay is stopping")
            return
        if welcome.version > 1:
            self._end(link, f"the relay speaks version {welcome.version}, which this client does not")
            return
        link.welcomed(welcome)
        self.opening, self._why, self.features = None, "", tuple(welcome.features)
        for name in ("handshake", "successor", "first"):
            self.set_timer(name, None)
        self.set_timer("watch", self._watch.period)
        self.counters.reconnects += self._was_connected
        self._was_connected = True
        self.logger.info("connected to relay %s, version %s", welcome.relay_id, welcome.relay_version)
        old, self.link = self.link, link
        self._old_gaps_seen, self._gaps_seen = self._gaps_seen, welcome.status.gaps
        if old is not None:
            if self.old is not None:
                self._end(self.old, "another relay is stopping")
            self.old = old
            self.move = Move(self, old, link)
        self.subscribing.restore(link, self.subscribing.names)
        if self.move is not None:
            self.move.begin()
        self._new_status(link, welcome.status)
        if self.move is not None:
            self._consider_move()
        else:
            self._follow(link)
        while self._ready_waiters:
            settle(self._ready_waiters.pop())

    def _consider_move(self) -> None:
        if self.move is None:
            return
        if not self.subscribing.names.holds_any:
            self.move.give_up("")  # there are no messages to move, and nobody is told
        else:
            self.move.consider()

    def _follow(self, link: Link) -> None:
        """From here on publishes go to this connection, once the former one has answered what it owes."""
        self.publishing.link = link
        self.publishing.is_held = self.old is not None
        if self.old is not None:
            self.set_timer("publishes", self.options.successor)
        self._started()
        self._pump()

    def _relay_is_stopping(self, link: Link) -> None:
        link.is_stopping = True
        self._backoff.ended(time.monotonic() - link.welcomed_at)
        if self.move is not None:
            self.move.give_up("moved to another relay")
        if not self.is_closing:
            self.set_timer("successor", self.options.successor)
            self._attempt()

    def _leave(self, link: Link) -> None:
        """Writes no more there, and reads it to its end."""
        if self.old is not None and self.old is not link:
            self._end(self.old, "another relay is stopping")
        self.old = link
        link.take_message = discard
        self._settle_and_shut(link)
        self.set_timer("drain", self.options.drain)

    def _settle_and_shut(self, link: Link) -> None:
        if link.unsettled and "settled" in link.features and not link.shut_when_written:
            link.settle_sends()
        link.shut_when_written = True
        if not link.is_reading:
            link.is_reading = True
            self.actions.append((Action.READING, link))

    def _end(self, link: Link, why: str, hopeless: bool = False) -> None:
        """The one way in which a connection ends."""
        if link.is_ended:
            return
        self.actions.append((Action.CLOSE, link))
        if link is self.opening:
            link.is_ended, self.opening = True, None
            self.set_timer("handshake", None)
            self._attempt_failed(why, hopeless)
            return
        was_left = link.shut_when_written and not link.is_owed
        unknown, unsent = link.end()
        if was_left:
            unknown = 0  # all that it owed has come
        self._tell_own_loss(unsent, unknown)
        if link is self.link and self.move is not None:
            self._next_ended(self.move, why)
        elif link is self.link:
            self._link_ended(link, why)
        elif link is self.old:
            self._old_ended()

    def _old_ended(self) -> None:
        self.old = None
        self.set_timer("drain", None)
        if self.move is not None:
            self.move.give_up("moved to another relay")
        self._release_publishes()

    def _next_ended(self, move: Move, why: str) -> None:
        """During a move: the former one goes on, and another attempt is made."""
        move.abandon()
        self.move, self.link, self.old = None, move.old, None
        self._gaps_seen = self._old_gaps_seen
        self._attempt_failed(why, False)
        self.set_timer("successor", self.options.successor)
        if move.old.welcome is not None:
            self._new_status(move.old, Status(State.STOPPING, why, publishing=True, receiving=True,
                                              gaps=self._gaps_seen, cause=Cause.STOPPING))

    def _link_ended(self, link: Link, why: str) -> None:
        self.link = None
        self.set_timer("watch", None)
        self.set_timer("successor", None)
        self._backoff.ended(time.monotonic() - link.welcomed_at)
        self._without_relay(why)
        if not self.is_closing and self.opening is None:
            self._attempt_failed(why, False)

    def _without_relay(self, why: str) -> None:
        self.publishing.link, self.publishing.reason = None, f"no connection to a relay: {why}"
        self._status_to_tell = None
        self.gaps.is_receiving(False, set())
        if self.subscribing.names.holds_any:
            self.gaps.note("the connection to the relay was lost")
        self._why = why
        if not self.is_closing:
            self.logger.warning("not connected to a relay: %s", why)
        self._tell_status(_no_relay(why))
        self._release_publishes()

    def _attempt_failed(self, why: str, hopeless: bool) -> None:
        is_news, self._why = self._why != why, why
        if is_news:
            self.logger.warning("cannot connect to a relay: %s", why)
        if self.link is None:
            self.publishing.reason = f"no connection to a relay: {why}"
            if hopeless and is_news or not self.is_told:
                self._tell_status(_no_relay(why))
            else:
                self.status = _no_relay(why)
            self.set_timer("first", None)
            self._release_publishes()
        if not self.is_closing:
            self.set_timer("attempt", self._backoff.next(hopeless))

    def _release_publishes(self) -> None:
        self.set_timer("publishes", None)
        self.publishing.is_held = False
        self._started()
        self._pump()

    def _started(self) -> None:
        if self.is_starting:
            self.is_starting = False
            self.subscribing.started()

    # What the application is told

    def _tell_status(self, status: Status) -> None:
        self.status, self._status_to_tell, self.is_told = status, None, True
        self.tell(status)

    def _tell_gap(self, gap: Gap) -> None:
        if not self.subscribing.names.holds_any:
            return
        self.counters.gaps += 1
        self.tell(gap)
        for queue in self._listening_queues():
            queue.put(gap)

    def _listening_queues(self) -> List[EventQueue]:
        queues = {id(queue): queue for name in self.subscribing.names for queue in name.queues}
        queues.pop(id(self.events), None)
        return list(queues.values())

    def _tell_own_loss(self, unsent: int, unknown: int) -> None:
        self.counters.lost_publishes += unsent + unknown
        if unsent:
            self.tell(Loss(publishes=unsent, reason="the connection to the relay ended before these were sent",
                           cause=Cause.NOT_CONNECTED, local=True))
        if unknown:
            self.tell(Loss(publishes_unknown=unknown, reason="the connection to the relay ended",
                           cause=Cause.NO_RELAY, local=True))

    # After each input

    def _pump(self) -> None:
        self._tell_own_loss(self.publishing.pump(), 0)

    def _after_input(self) -> None:
        if self.publishing.is_waiting:
            self._pump()
        if self.is_closing:
            self._consider_closed()
        if self.events.bytes:
            self.consider_reading()

    def _consider_closed(self) -> None:
        for link in list(self.links):
            if not link.is_owed and (not link.unsettled or "settled" in link.features) and not link.unsent:
                self._end(link, "closed by the application")
        if self.link is None and self.old is None:
            self._closed()

    def _closed(self) -> None:
        if self.is_closed:
            return
        self.is_closed = True
        self._timers.clear()
        self._is_deadline_old = True
        for queue in self._listening_queues() + [self.events]:
            queue.end()
        for waiter in self._ready_waiters:
            settle(waiter, error=Closed("the client is closed"))
        while self._close_waiters:
            settle(self._close_waiters.pop())

    def _not_connected(self) -> HubrelayError:
        return NotConnected(self.publishing.reason)

    def _sent_first(self, link: Link) -> None:
        if "settled" in link.features:
            self.set_timer("settle", self.options.settle)

    # Timers

    def _on_first(self, now: float, due: float) -> None:
        if self.link is None:
            self._release_publishes()

    def _on_attempt(self, now: float, due: float) -> None:
        self._attempt()

    def _on_handshake(self, now: float, due: float) -> None:
        if self.opening is not None:
            self._end(self.opening, f"the relay said nothing for {self.options.handshake:g} s")

    def _on_successor(self, now: float, due: float) -> None:
        link = self.link
        if link is not None and link.is_stopping and self.move is None:
            self.link = None
            self._leave(link)
            self.set_timer("watch", None)
            self._without_relay("the relay stops, and there is no other one yet")

    def _on_fence(self, now: float, due: float) -> None:
        if self.move is not None:
            self.move.give_up("moved to another relay")

    def _on_publishes(self, now: float, due: float) -> None:
        self._release_publishes()

    def _on_drain(self, now: float, due: float) -> None:
        if self.old is not None and self.move is None:
            self._end(self.old, "the relay that stops did not answer in time")

    def _on_gap(self, now: float, due: float) -> None:
        self.gaps.delay_is_over()

    def _on_partial(self, now: float, due: float) -> None:
        self.gaps.partial_is_due(self.status)

    def _on_settle(self, now: float, due: float) -> None:
        for link in self.links:
            if link.unsettled and not link.is_settling and not link.shut_when_written and "settled" in link.features:
                link.settle_sends()
        if any(link.unsettled and not link.shut_when_written for link in self.links):
            self.set_timer("settle", self.options.settle)

    def _on_watch(self, now: float, due: float) -> None:
        link = self.link
        if link is None:
            return
        if not link.is_reading:
            self.actions.append((Action.CHECK, link))
            self.set_timer("watch", 1.0)
            return
        if now - due > 1:
            link.last_read = link.owed_since = now
            link.ping_at = now if link.ping_at is not None else None
        step = self._watch.due(link.last_read, link.owed_since if link.is_owed else None, link.ping_at)
        if now >= step and link.ping_at is not None:
            self._end(link, f"the relay did not answer a Ping for {self.options.ping_timeout:g} s")
            return
        if now >= step:
            link.ping(Request(lambda *_: None))
            link.ping_at = now
            step = now + self.options.ping_timeout
        self.set_timer("watch", max(0.0, min(step, now + self._watch.period) - time.monotonic()))

    def _on_close(self, now: float, due: float) -> None:
        for link in list(self.links):
            self._end(link, "closed by the application")
        self._closed()


def _no_relay(why: str) -> Status:
    return Status(State.DOWN, why, int(time.time() * 1000), cause=Cause.NO_RELAY, connected=False)


_TIMERS: Dict[str, Callable[[Core, float, float], None]] = {
    name[4:]: method for name, method in vars(Core).items() if name.startswith("_on_")}
