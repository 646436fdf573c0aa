"""The common part of the asyncio and the blocking client: without sockets, timer callbacks and waiting.

Calls and bytes go in; `actions` and each Link's `to_write` come out, and the callers' waiters are settled. After each
call the owner performs the actions, writes, and sets its one timer to `timers.deadline`.
"""
import time
from dataclasses import replace
from typing import Any, Callable, Optional

from .codec import ProtocolError
from .connections import UNREAD_PERIOD, Action, Connections
from .errors import Closed, Invalid, NotConnected
from .frames import Error, Loss, Message, Revoked, State, Status
from .handover import discard
from .link import Link, Request, settle_ping
from .queues import Waiter, settle


class Core(Connections):
    """One client. Not thread-safe: the blocking client has a lock around it."""

    # Calls of the owner of the sockets

    def start(self) -> None:
        """Connects for the first time. Requests wait for the outcome of this, for up to `first_use` seconds."""
        self.is_starting = self.publishing.is_held = True
        self.timers.set("first", self.options.first_use)
        self._attempt()

    def opened(self, link: Link) -> None:
        """The socket is connected."""
        link.hello(self.name)

    def failed(self, link: Link, why: str) -> None:
        """The socket could not be connected."""
        self._end(link, why)

    def received(self, link: Link, data: bytes) -> None:
        """Takes bytes that were read."""
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
            link.is_at_its_end = True
            self._end(link, why)
            self._after_input()

    def wrote(self) -> None:
        """The socket has taken some bytes."""
        if self.publishing.is_waiting or self.is_closing:
            self._after_input()

    def requested(self) -> None:
        """A request was made, or an event taken, so the socket may have to be read again."""
        if self.link is not None and not self.link.is_reading:
            self.consider_reading()

    def give_up_candidate(self, now: float) -> Optional[Link]:
        """The connection that `tick` would give up now, if any. Read what its socket still holds before that."""
        link = self.link
        if link is None or link.ping_at is None or (self.timers.due_at("watch") or now + 1) > now:
            return None
        return link if now >= link.ping_at + self.options.ping_timeout else None

    def tick(self, now: float) -> None:
        """Runs the timers that are due at `now`."""
        for name, due in self.timers.take_due(now):
            _TIMERS[name](self, now, due)
        self._after_input()

    def abandoned(self) -> None:
        """The process has forked, and this is the child: ends the subscriptions, and forgets all waiters."""
        for listener in [listener for name in self.names for listener in name.listeners]:
            listener.is_closed = listener.queue.is_ended = True
            listener.queue.waiters.clear()
            listener.queue.clear()
        for queue in self._listening_queues() + [self.events]:
            queue.waiters.clear()
            queue.is_ended = True
            queue.clear()
        self.is_closing = self.is_closed = True

    # Requests

    def ready(self, waiter: Waiter) -> None:
        """Settles the waiter now if there is a connection, else at the next Welcome."""
        if self.link is not None:
            settle(waiter)
        else:
            self._ready_waiters.append(waiter)

    def give_up_ready(self, waiter: Waiter) -> None:
        """The waiter's caller no longer waits for a Welcome."""
        if waiter in self._ready_waiters:
            self._ready_waiters.remove(waiter)

    @property
    def why_not_ready(self) -> str:
        """Why there is no connection, as a text for people."""
        return self._why or "the relay has not answered yet"

    def ping(self, waiter: Waiter, settled: bool) -> None:
        """The waiter gets None once the relay has answered. Raises NotConnected, Invalid."""
        if self.is_starting:
            self.subscribing.later(waiter, lambda: self.ping(waiter, settled))
            return
        link = self.serving
        if link is None:
            raise NotConnected(self.publishing.reason)
        if settled and "settled" not in link.features:
            raise Invalid("this relay cannot say what is settled")
        if settled:
            link.settle_sends(waiter)
        else:
            link.ping(Request(lambda link, request, reply: settle_ping(waiter, reply)))

    def close(self, drain: Optional[float], waiter: Waiter) -> None:
        """Closes the client, after waiting up to `drain` seconds for outstanding Replies."""
        if self.is_closed:
            settle(waiter)
            return
        self._close_waiters.append(waiter)
        if self.is_closing:
            return
        self.is_closing = True
        self.timers.set("close", self.options.drain if drain is None else drain)
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
            names = self.names.find(frame.channels, frame.patterns)
            if link is self.serving:
                self.subscribing.revoke(names, frame.detail)
                self.reconcile()
            elif link is self.next_serving:  # the end of the move asks for them again; that answer counts
                link.asked.difference_update(names)
                self.gaps.note(frame.detail or "the next relay revoked a subscription")
        elif isinstance(frame, Error):
            self._end(link, f"the relay ended the connection: {frame.code.name} {frame.detail}".rstrip())

    def _take_message(self, link: Link, message: Message) -> None:
        """Takes a Message that the Link did not deliver: it has a pattern, for example, or its channel is not known."""
        if self.move is not None and message.channel == self.move.fence and not message.pattern:
            self.move.fence_came(link)
            return
        names = self.names
        name = (names.patterns.get(message.pattern.encode()) if message.pattern else
                names.channels.get(message.channel.encode()))
        if name is not None:
            link.take_message(name, message)

    def _take_loss(self, link: Link, loss: Loss) -> None:
        link.lost_of_unsettled += loss.publishes + loss.publishes_unknown
        self.counters.lost_publishes += loss.publishes + loss.publishes_unknown
        if link is self.serving and loss.messages > 0:
            self.tell_lost_messages(loss)
            return
        if self.move is not None and link is self.move.new and loss.messages > 0:
            self.move.loss_came(replace(loss, publishes=0, publishes_unknown=0))
        if loss.publishes or loss.publishes_unknown:
            self.tell(replace(loss, messages=0))

    def _take_status(self, link: Link, status: Status) -> None:
        if self.move is not None and link is self.move.new and status.state == State.STOPPING:
            self._relay_is_stopping(link)  # it cannot be the successor, so its Status is not reported
            return
        link.status = status
        if link is not self.link:
            if self.move is not None and link is self.move.old and status.gaps > self._old_gaps_seen:
                self._old_gaps_seen = status.gaps
                self.gaps.note(status.reason or "the relay was not receiving")
            return
        if status.gaps > self._gaps_seen and self.names.holds_any:
            self.gaps.grown(status, self.timers.due_at("partial") is not None)
        self._gaps_seen = status.gaps
        self._new_status(link, status)
        if status.state == State.STOPPING and not link.is_stopping:
            self._relay_is_stopping(link)
        elif self.move is not None:
            self.move.consider()

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
            self.timers.set("watch", None)
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
            self.timers.set("settle", self.options.settle)

    def _on_watch(self, now: float, due: float) -> None:
        link = self.link
        if link is None:
            return
        if not link.is_reading:
            self.actions.append((Action.CHECK, link))
            self.timers.set("watch", UNREAD_PERIOD)
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
        self.timers.set("watch", max(0.0, min(step, now + self._watch.period) - time.monotonic()))

    def _on_close(self, now: float, due: float) -> None:
        for link in list(self.links):
            self._end(link, "closed by the application")
        self._closed()


_TIMERS: dict[str, Callable[[Core, float, float], None]] = {
    name[4:]: method for name, method in vars(Core).items() if name.startswith("_on_")}
