"""The connections of a client: attempts, Welcome, STOPPING, leaving, and the one way in which each of them ends."""
import enum
import logging
import time
from collections.abc import Iterator
from typing import Any, Optional

from .connecting import Backoff, Watch, is_hopeless
from .errors import Closed
from .frames import Error, State, Status, Welcome
from .handover import Move, discard
from .link import Link
from .options import Counters, Options
from .publishing import Publishing
from .queues import Waiter, settle
from .subscribing import Subscribing
from .telling import Telling, no_relay


#: Seconds between two checks whether the relay has closed a connection that is not being read.
UNREAD_PERIOD = 1.0


class Action(enum.Enum):
    """What the owner of the sockets is to do with a Link."""

    OPEN = 1  #: Connect; then `opened` or `failed`.
    CLOSE = 2  #: Close the socket.
    READING = 3  #: `is_reading` has changed.
    CHECK = 4  #: It is not being read: if the relay has closed it, read it to its end.


class Connections(Telling):
    """The part of the Core that manages the connections."""

    def __init__(self, name: str, options: Options, counters: Counters, logger: logging.Logger) -> None:
        super().__init__(name, options, counters, logger)
        self.actions: list[tuple[Action, Link]] = []
        self.features: tuple[str, ...] = ()
        self.link: Optional[Link] = None  #: The one with the newest Welcome.
        self.opening: Optional[Link] = None  #: The one that has no Welcome yet.
        self.old: Optional[Link] = None  #: Its relay is STOPPING. It serves during a move, and is read to its end.
        self.move: Optional[Move] = None
        self.is_starting = False  #: The first attempt to connect has not ended.
        self.is_closing = self.is_closed = False
        self.publishing = Publishing(options, counters, self._sent_first)
        self.subscribing = Subscribing(self)
        self._backoff, self._watch = Backoff(options), Watch(options)
        self._gaps_seen = self._old_gaps_seen = 0
        self._was_connected = False
        self._why = ""  # reason of the last failure
        self._ready_waiters: list[Waiter] = []
        self._close_waiters: list[Waiter] = []

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
        """The connections that have their Welcome."""
        return (link for link in (self.link, self.old) if link is not None)

    def _take_frame(self, link: Link, frame: Any) -> None:
        """Takes each frame except Replies and usual Messages."""
        raise NotImplementedError

    # Attempts

    def _attempt(self) -> None:
        self.timers.set("attempt", None)
        if self.opening is None and not self.is_closing:
            self.opening = Link(self.names.channels, self._take_frame, self.deliver)
            self.actions.append((Action.OPEN, self.opening))
            self.timers.set("handshake", self.options.handshake)

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
            self.timers.set(name, None)
        self.timers.set("watch", self._watch.period)
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
            self._read_on(old)
        self.subscribing.restore(link, self.names)
        if self.move is not None and self.names.holds_any:
            self.move.begin()
        self._new_status(link, welcome.status)
        if self.move is not None:
            self._consider_move()
        else:
            self._follow(link)
        while self._ready_waiters:
            settle(self._ready_waiters.pop())

    def _attempt_failed(self, why: str, hopeless: bool) -> None:
        is_news, self._why = self._why != why, why
        if is_news:
            self.logger.warning("cannot connect to a relay: %s", why)
        if self.link is None:
            self.publishing.reason = f"no connection to a relay: {why}"
            if (hopeless and is_news) or not self.was_told:
                self._tell_status(no_relay(why))
            else:
                self.status = no_relay(why)
            self.timers.set("first", None)
            self._release_publishes()
        if not self.is_closing:
            self.timers.set("attempt", self._backoff.next(hopeless))

    # Moving and leaving

    def _consider_move(self) -> None:
        if self.move is None:
            return
        if not self.names.holds_any:
            self.move.give_up("")  # there are no messages to move, and no Gap to report
        else:
            self.move.consider()

    def moved(self, reason: Optional[str]) -> None:
        """The move has ended. `reason` is why messages may have been missed, or None."""
        move, self.move = self.move, None
        if move is None:
            return
        if reason is not None and self.names.holds_any:
            self.gaps.note(reason)
        if not move.old.is_ended:
            self._leave(move.old)
        self._follow(move.new)
        self.reconcile()
        self.gaps.awaits(move.new.unanswered_subscribes())
        self.consider_gap()

    def _follow(self, link: Link) -> None:
        """From now on publishes go to this connection. They wait until the former one has ended, but no longer than
        `successor`."""
        self.publishing.link = link
        self.publishing.is_held = self.old is not None
        if self.old is not None:
            self.timers.set("publishes", self.options.successor)
        self._started()
        self._pump()

    def _relay_is_stopping(self, link: Link) -> None:
        if self.move is not None:  # the successor stops before it serves
            self._end(link, "the next relay is stopping, too")
            return
        link.is_stopping = True
        self._backoff.ended(time.monotonic() - link.welcomed_at)
        if not self.is_closing:
            self.timers.set("successor", self.options.successor)
            self._attempt()

    def _leave(self, link: Link) -> None:
        """Stops writing to this connection, and reads it to its end."""
        if self.old is not None and self.old is not link:
            self._end(self.old, "another relay is stopping")
        self.old = link
        link.take_message = discard
        self._settle_and_shut(link)
        self.timers.set("drain", self.options.drain)

    def _settle_and_shut(self, link: Link) -> None:
        if link.unsettled and "settled" in link.features and not link.shut_when_written:
            link.settle_sends()
        link.shut_when_written = True
        self._read_on(link)

    def _read_on(self, link: Link) -> None:
        if not link.is_reading:
            link.is_reading = True
            self.actions.append((Action.READING, link))

    # The end of a connection

    def _end(self, link: Link, why: str, hopeless: bool = False) -> None:
        """The one way in which a connection ends."""
        if link.is_ended:
            return
        self.actions.append((Action.CLOSE, link))
        if link is self.opening:
            link.is_ended, self.opening = True, None
            self.timers.set("handshake", None)
            self._attempt_failed(why, hopeless)
            return
        is_settled = link.is_shut and link.is_at_its_end and not link.is_owed  # all outstanding answers have come
        unknown, unsent = link.end()
        if is_settled:
            unknown = 0
        self._tell_own_loss(unsent, unknown)
        if link is self.link and self.move is not None:
            self._next_ended(self.move, why)
        elif link is self.link:
            self._link_ended(link, why)
        elif link is self.old:
            self._old_ended()

    def _old_ended(self) -> None:
        self.old = None
        self.timers.set("drain", None)
        if self.move is not None:
            self.move.give_up("moved to another relay")
        self._release_publishes()

    def _next_ended(self, move: Move, why: str) -> None:
        """The next connection has ended during a move: the former one continues, and another attempt is made."""
        move.abandon()
        self.move, self.link, self.old = None, move.old, None
        self._gaps_seen = self._old_gaps_seen
        self._attempt_failed(why, False)
        self.timers.set("successor", self.options.successor)
        if move.old.status is not None:  # its last Status replaces what the next relay has reported
            self._new_status(move.old, move.old.status)

    def _link_ended(self, link: Link, why: str) -> None:
        self.link = None
        self.timers.set("watch", None)
        self.timers.set("successor", None)
        self._backoff.ended(time.monotonic() - link.welcomed_at)
        self._without_relay(why)
        if not self.is_closing and self.opening is None:
            self._attempt_failed(why, False)

    def _without_relay(self, why: str) -> None:
        self.publishing.link, self.publishing.reason = None, f"no connection to a relay: {why}"
        self._status_to_tell = None
        self.gaps.is_receiving(False, set())
        if self.names.holds_any:
            self.gaps.note("the connection to the relay was lost")
        self._why = why
        if self.is_closing:
            self.status = no_relay(why)  # the application has closed the client, and needs no event
        else:
            self.logger.warning("not connected to a relay: %s", why)
            self._tell_status(no_relay(why))
        self._release_publishes()

    def _release_publishes(self) -> None:
        self.timers.set("publishes", None)
        self.publishing.is_held = False
        self._started()
        self._pump()

    def _started(self) -> None:
        if self.is_starting:
            self.is_starting = False
            self.subscribing.started()

    # Calls of the parts

    def reconcile(self) -> None:
        """Makes the serving connection hold exactly the names that are wanted."""
        if self.link is not None and self.move is None:
            self.subscribing.reconcile(self.link)

    def restored(self, link: Link) -> None:
        """A restore, or a part of it, has been answered."""
        if link.is_ended:
            return  # it was not answered; other code handles the end
        if link.restoring or link is not self.link:
            return
        if self._status_to_tell is not None:
            self._tell_status(self._status_to_tell)
        if self.move is not None:
            self.move.consider()

    def _new_status(self, link: Link, status: Status) -> None:
        self.gaps.is_receiving(status.receiving, link.unanswered_subscribes())
        if status.state == State.UP and link.restoring:
            self._status_to_tell = status
        else:
            self._tell_status(status)
        self.consider_gap()

    def _sent_first(self, link: Link) -> None:
        if "settled" in link.features:
            self.timers.set("settle", self.options.settle)

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

    def consider_reading(self) -> None:
        """Stops reading the socket if nobody would take what comes, so that the relay counts what is dropped."""
        link = self.link
        if link is None:
            return
        is_reading = bool(self.listeners) or link.is_owed or not self.events.is_full or self.move is not None \
            or self.is_closing
        if is_reading != link.is_reading:
            link.is_reading = is_reading
            if is_reading:
                link.last_read = time.monotonic()  # the time without reading was not silence
            self.timers.set("watch", self._watch.period if is_reading else UNREAD_PERIOD)
            self.actions.append((Action.READING, link))

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
        self.timers.clear()
        for queue in self._listening_queues() + [self.events]:
            queue.end()
        for waiter in self._ready_waiters:
            settle(waiter, error=Closed("the client is closed"))
        while self._close_waiters:
            settle(self._close_waiters.pop())
