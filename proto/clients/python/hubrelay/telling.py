"""What is reported to the application, and in which queues: events, subscriptions, status, gaps, losses."""
import logging
import time
from typing import Optional

from .errors import Invalid
from .frames import Cause, Gap, Loss, Message, State, Status
from .gaps import Gaps
from .names import MAX_CLIENT_NAME_BYTES, Name, Names
from .options import Counters, Options
from .queues import Event, EventQueue
from .timers import Timers


class Telling:
    """The part of the Core that reports to the application."""

    def __init__(self, name: str, options: Options, counters: Counters, logger: logging.Logger) -> None:
        self.name, self.options, self.counters, self.logger = _checked(name), options, counters, logger
        self.timers = Timers()
        self.names = Names()
        self.events = EventQueue(options.events_bytes, options.queued_bytes, counters)
        self.status = no_relay("not connected yet")  #: What the client's `status` returns.
        self.gaps = Gaps(options, self.timers.set, self._tell_gap)
        self.listeners = 0  #: Subscriptions that are not closed.
        self._status_to_tell: Optional[Status] = None  # UP, until all restores are answered
        self.was_told = False  #: Whether any Status was reported.
        self._may_exceed = False  # whether the current read may exceed full queues

    def new_queue(self) -> EventQueue:
        """A queue for a subscription."""
        return EventQueue(self.options.events_bytes, self.options.queued_bytes, self.counters)

    def deliver(self, name: Name, message: Message) -> None:
        """Delivers a message to all queues that want it."""
        for queue in name.queues:
            queue.put_message(message, self._may_exceed)

    def tell(self, event: Event) -> None:
        """Reports an event that is not a message, in `events`."""
        self.events.put(event)

    def tell_lost_messages(self, loss: Loss) -> None:
        """Reports a Loss of messages in its place, and a Gap behind it."""
        self.counters.lost_messages += loss.messages
        self.tell(loss)
        if self.names.holds_any:
            for queue in self._listening_queues():
                queue.put(loss)
            self._tell_gap(Gap((loss.reason or "messages were dropped",)))

    def considered_subscriptions(self) -> None:
        """Subscriptions have ended."""
        if not self.names.holds_any:
            self.gaps.forget()

    def consider_gap(self) -> None:
        """Starts the delay of a Gap if it is time for it."""
        if self.names.holds_any:
            self.gaps.consider()

    def _tell_status(self, status: Status) -> None:
        self.status, self._status_to_tell, self.was_told = status, None, True
        self.tell(status)

    def _tell_gap(self, gap: Gap) -> None:
        if not self.names.holds_any:
            return
        self.counters.gaps += 1
        self.tell(gap)
        for queue in self._listening_queues():
            queue.put(gap)

    def _listening_queues(self) -> list[EventQueue]:
        queues = {id(queue): queue for name in self.names for queue in name.queues}
        queues.pop(id(self.events), None)
        return list(queues.values())

    def _tell_own_loss(self, unsent: int, unknown: int) -> None:
        self.counters.lost_publishes += unsent + unknown
        if unsent or unknown:
            self.tell(Loss(publishes=unsent, publishes_unknown=unknown, reason="the connection to the relay ended",
                           cause=Cause.NO_RELAY, local=True))


def _checked(name: str) -> str:
    """The client's name. Raises Invalid for a name with which a relay would end each connection."""
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        raise Invalid("the client's name cannot be written as UTF-8") from None
    if size > MAX_CLIENT_NAME_BYTES:
        raise Invalid(f"the client's name has {size} bytes; {MAX_CLIENT_NAME_BYTES} are allowed")
    return name


def no_relay(why: str) -> Status:
    """The Status while there is no connection to a relay."""
    return Status(State.DOWN, why, int(time.time() * 1000), cause=Cause.NO_RELAY, connected=False)
