"""Subscriptions: they are requested, counted, and requested again on each connection."""
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Callable, Optional

from .errors import Closed, HubrelayError, Invalid, error_of
from .frames import Outcome, Reply, Revoked
from .link import Link, Request
from .listening import Listener
from .names import Name, checked_names, in_frames, several, texts
from .queues import Waiter, settle

if TYPE_CHECKING:
    from .connections import Connections

SUBSCRIBE, UNSUBSCRIBE = 3, 4
_GRANTED = (Outcome.OK, Outcome.PENDING)
_OK = Reply(outcome=Outcome.OK)


class Ask:
    """One call of the application: it may need several frames, and gets one answer."""

    def __init__(self, waiter: Optional[Waiter], listener: Optional[Listener] = None) -> None:
        self.waiter, self.listener = waiter, listener
        self.parts = 0  #: Number of unanswered parts.
        self.is_pending = False
        self.failure: Optional[Reply] = None
        self.fresh: list[Name] = []  #: Names granted by this call that were not subscribed to before.


class Subscribing:
    """The names, and the requests about them. `core` knows the connections, and reports to the application."""

    def __init__(self, core: "Connections") -> None:
        self.names = core.names
        self._core = core
        # The last unanswered Subscribe of each name, and the other calls that wait for its answer.
        self._asking: dict[Name, Request] = {}
        self._joined: dict[Request, list[tuple[Ask, Name]]] = {}
        self._open: dict[Name, int] = {}  # number of unanswered plain requests
        self._early: list[Callable[[], None]] = []  # requests made before the first attempt to connect has ended

    # Requests of the application

    def subscribe(self, channels: Iterable[str], patterns: Iterable[str], waiter: Waiter) -> None:
        """The waiter gets OK or PENDING, or an error. Raises Invalid."""
        channels, patterns = tuple(channels), several(patterns)
        if self._core.is_starting:
            checked_names(channels, patterns)
            self.later(waiter, lambda: self.subscribe(channels, patterns, waiter))
            return
        names, link = self._checked(channels, patterns)
        for name in names:
            name.wants_plain = True
        ask = Ask(waiter)
        if link is None:
            for name in names:
                self._set_plain(name, True)
            ask.is_pending = True
            self._conclude(ask)
            return
        for portion in in_frames(names, link.max_frame):
            self._ask_plain(link, ask, portion)
        self._also_on_next(names)

    def unsubscribe(self, channels: Iterable[str], patterns: Iterable[str], waiter: Waiter) -> None:
        """The waiter gets OK. For listeners their names continue. Raises Invalid."""
        channels, patterns = tuple(channels), several(patterns)
        if self._core.is_starting:
            checked_names(channels, patterns)
            self.later(waiter, lambda: self.unsubscribe(channels, patterns, waiter))
            return
        names, link = self._checked(channels, patterns)
        for name in names:
            name.wants_plain = False
        ask = Ask(waiter)
        if link is None:
            self._ended_plain(names)
            self._conclude(ask)
            return
        self._ended_plain([name for name in names if name.listeners])
        names = [name for name in names if not name.listeners]
        for portion in in_frames(names, link.max_frame):
            self._ask_plain_end(link, ask, portion)
        self._drop_on_next(names)
        if not ask.parts:
            self._conclude(ask)

    def listen(self, listener: Listener, channels: Iterable[str], patterns: Iterable[str], waiter: Waiter) -> None:
        """The waiter gets OK or PENDING, or an error, which ends the listener. Raises Invalid."""
        channels, patterns = tuple(channels), several(patterns)
        if self._core.is_starting:
            checked_names(channels, patterns)
            self.later(waiter, lambda: self.listen(listener, channels, patterns, waiter))
            return
        if listener.is_closed:
            raise Closed("the subscription is closed")
        names, link = self._checked(channels, patterns)
        listener.names = names
        listener.is_counted = True
        self._core.listeners += 1
        ask = Ask(waiter, listener)
        ask.parts = 1  # until all names are asked for
        to_ask = []
        for name in names:
            name.listeners[listener] = None
            if link is None:
                name.queues[listener.queue] = None
            elif name not in link.asked:
                to_ask.append(name)
            elif name in self._asking:
                ask.parts += 1
                self._joined.setdefault(self._asking[name], []).append((ask, name))
            else:
                name.queues[listener.queue] = None
        ask.is_pending = link is None or (len(to_ask) < len(names) and not self._core.status.receiving)
        if link is not None:
            for portion in in_frames(to_ask, link.max_frame):
                self._ask_for_listener(link, ask, portion)
            self._also_on_next(to_ask)
        self._part_answered(ask, _OK)

    def unlisten(self, listener: Listener) -> None:
        """Ends a subscription; for the application it ends at once. Idempotent."""
        listener.queue.end()
        listener.queue.clear()  # after Revoked, it may still hold earlier events
        if listener.is_closed:
            return
        listener.is_closed = True
        self._release(listener, listener.names)

    def started(self) -> None:
        """The first attempt to connect has succeeded or failed: makes the requests that waited for this."""
        early, self._early = self._early, []
        for request in early:
            request()

    def later(self, waiter: Waiter, request: Callable[[], None]) -> None:
        """Makes a request once the first attempt to connect has ended."""
        def run() -> None:
            try:
                if not waiter.done():  # else its caller has given up
                    request()
            except HubrelayError as error:
                settle(waiter, error=error)
        self._early.append(run)

    # Answers of the relay

    def _ask_plain(self, link: Link, ask: Ask, names: list[Name]) -> None:
        ask.parts += 1

        def answer(link: Link, request: Request, reply: Optional[Reply]) -> None:
            granted = reply is None or reply.outcome in _GRANTED
            for name in names:
                is_last = self._count_down(name)
                if granted and not name.is_plain:
                    ask.fresh.append(name)
                if granted:
                    self._set_plain(name, name.wants_plain or not is_last)
                elif is_last:
                    name.wants_plain = name.is_plain
            self._subscribe_answered(link, request, names, reply)
            self._part_answered(ask, reply)
            if not granted:
                self.names.forget_unwanted([name for name in names if name not in self._open])
        self._write_subscribe(link, Request(answer, True), names)
        for name in names:
            self._open[name] = self._open.get(name, 0) + 1

    def _ask_plain_end(self, link: Link, ask: Ask, names: list[Name]) -> None:
        ask.parts += 1

        def answer(link: Link, request: Request, reply: Optional[Reply]) -> None:
            for name in names:
                self._count_down(name)
            if reply is None or reply.outcome == Outcome.OK:
                self._ended_plain(names)
            self._part_answered(ask, reply, is_end=True)
        self._write_unsubscribe(link, Request(answer), names)
        for name in names:
            self._open[name] = self._open.get(name, 0) + 1

    def _ask_for_listener(self, link: Link, ask: Ask, names: list[Name]) -> None:
        ask.parts += 1

        def answer(link: Link, request: Request, reply: Optional[Reply]) -> None:
            if reply is None or reply.outcome in _GRANTED:
                self._start_listening(ask, names)
            self._subscribe_answered(link, request, names, reply)
            self._part_answered(ask, reply)
        self._write_subscribe(link, Request(answer, True), names)

    def _start_listening(self, ask: Ask, names: Iterable[Name]) -> None:
        listener = ask.listener
        for name in names:
            if listener is not None and listener in name.listeners:
                name.queues[listener.queue] = None

    def _subscribe_answered(self, link: Link, request: Request, names: Sequence[Name], reply: Optional[Reply]) -> None:
        """The common part of answers to a Subscribe: handles calls that joined it, the connection, and gaps."""
        granted = reply is None or reply.outcome in _GRANTED
        for name in names:
            if self._asking.get(name) is request:
                del self._asking[name]
                if not granted and not name.is_plain and not name.queues:
                    link.asked.discard(name)
        if (reply is not None and reply.outcome == Outcome.PENDING) or (reply is None and link is self._core.serving):
            self._core.gaps.note("subscribed while not receiving")
        self._core.gaps.answered(request, [])
        for ask, name in self._joined.pop(request, ()):
            if granted:
                self._start_listening(ask, [name])
                self._part_answered(ask, reply)
            elif ask.listener is not None and ask.listener in name.listeners:
                self._ask_for_listener(link, ask, [name])  # its own request, since the other one has more names
                ask.parts -= 1
            else:
                self._part_answered(ask, reply)
        self._core.consider_gap()
        if not link.is_ended and link is not self._core.serving:
            self._core.reconcile()

    def _part_answered(self, ask: Ask, reply: Optional[Reply], is_end: bool = False) -> None:
        ask.parts -= 1
        if (reply is None and not is_end) or (reply is not None and reply.outcome == Outcome.PENDING):
            ask.is_pending = True
        elif reply is not None and reply.outcome != Outcome.OK:
            ask.failure = reply
        if not ask.parts:
            self._conclude(ask)

    def _conclude(self, ask: Ask) -> None:
        listener, error = ask.listener, error_of(ask.failure) if ask.failure else None
        if error is not None and listener is not None:
            self.unlisten(listener)
        elif error is not None:
            for name in ask.fresh:
                name.wants_plain = False
            self._ended_plain(ask.fresh)
            self._drop_unwanted(ask.fresh)
        if ask.is_pending:
            self._core.gaps.note("subscribed while not receiving")
        settle(ask.waiter, Outcome.PENDING if ask.is_pending else Outcome.OK, error)

    # Each connection

    def restore(self, link: Link, names: Iterable[Name]) -> list[Request]:
        """Asks a new connection for these names; names that it does not grant are reported as Revoked."""
        names = [name for name in names if name.is_wanted]
        if "patterns" not in link.features:
            lacking = [name for name in names if name.is_pattern]
            names = [name for name in names if not name.is_pattern]
            self.revoke(lacking, "this relay has no patterns")
        requests = []
        for portion in in_frames(names, link.max_frame):
            request = Request(self._restored(portion), True)
            link.restoring.add(request)
            self._write_subscribe(link, request, portion)
            requests.append(request)
        return requests

    def _restored(self, names: list[Name]):  # type: ignore[no-untyped-def]
        def answer(link: Link, request: Request, reply: Optional[Reply]) -> None:
            link.restoring.discard(request)
            again: list[Request] = []
            if reply is not None and reply.outcome not in _GRANTED:
                link.asked.difference_update(names)
                again = self._ask_for_the_rest(link, names, reply)
                self._core.gaps.answered(request, again)
            if reply is not None and reply.outcome == Outcome.PENDING:
                link.is_pending = True
            self._subscribe_answered(link, request, names, reply)
            self._core.restored(link)
        return answer

    def _ask_for_the_rest(self, link: Link, names: list[Name], reply: Reply) -> list[Request]:
        """Repeats a restore that was not granted: without the refused names, or in halves if those are unknown."""
        asked = set(names)
        refused = {name: None for name in self.names.find(reply.channels, reply.patterns) if name in asked}
        if refused:
            self.revoke(list(refused), reply.detail)
            return self.restore(link, [name for name in names if name not in refused])
        if len(names) == 1:
            self.revoke(names, reply.detail or reply.outcome.name)
            return []
        half = len(names) // 2
        return self.restore(link, names[:half]) + self.restore(link, names[half:])

    def reconcile(self, link: Link) -> None:
        """Makes a connection hold exactly the names that are wanted."""
        self.restore(link, [name for name in self.names if name.is_wanted and name not in link.asked])
        self._write_unsubscribes(link, [name for name in link.asked if not name.is_wanted])

    def revoke(self, names: Sequence[Name], detail: str) -> None:
        """These names are not held any more. Ends the subscriptions that have one, and reports Revoked there and in
        `events`."""
        names = [name for name in names if name.is_plain or name.queues]
        if not names:
            return
        listeners: dict[Listener, list[Name]] = {}
        for name in names:
            for listener in name.listeners:
                if listener.queue in name.queues:
                    listeners.setdefault(listener, []).append(name)
        for link in self._core.links:
            link.asked.difference_update(names)
        for name in names:
            name.wants_plain = False
            self._set_plain(name, False)
        for listener, lost in listeners.items():
            listener.queue.put(Revoked(*texts(lost), detail))
            listener.queue.end()
            listener.is_closed = True
            self._release(listener, listener.names)
        self._core.tell(Revoked(*texts(names), detail))
        self.names.forget_unwanted(names)
        self._core.considered_subscriptions()

    # Parts

    def _checked(self, channels: Iterable[str], patterns: Iterable[str]) -> tuple[list[Name], Optional[Link]]:
        link, patterns = self._core.serving, tuple(patterns)
        if patterns and link is not None and "patterns" not in link.features:
            raise Invalid("this relay has no patterns", patterns=patterns)
        return self.names.checked(tuple(channels), patterns), link

    def _write_subscribe(self, link: Link, request: Request, names: list[Name]) -> None:
        link.asked.update(names)
        for name in names:
            self._asking[name] = request
        link.ask(request, SUBSCRIBE, names)

    def _write_unsubscribe(self, link: Link, request: Request, names: list[Name]) -> None:
        link.asked.difference_update(names)
        link.ask(request, UNSUBSCRIBE, names)

    def _write_unsubscribes(self, link: Link, names: Sequence[Name]) -> None:
        for portion in in_frames(names, link.max_frame):
            self._write_unsubscribe(link, Request(_ignore), portion)

    def _also_on_next(self, names: Iterable[Name]) -> None:
        if self._core.next_serving is not None:
            self.restore(self._core.next_serving, names)

    def _drop_on_next(self, names: Sequence[Name]) -> None:
        if self._core.next_serving is not None:
            self._write_unsubscribes(self._core.next_serving, names)

    def _release(self, listener: Listener, names: Sequence[Name]) -> None:
        """Removes a listener that has ended."""
        self._core.listeners -= listener.is_counted
        listener.is_counted = False
        for name in names:
            name.listeners.pop(listener, None)
            name.queues.pop(listener.queue, None)
        self._drop_unwanted(names)
        self.names.forget_unwanted(names)
        self._core.considered_subscriptions()

    def _drop_unwanted(self, names: Sequence[Name]) -> None:
        """Unsubscribes at the relays from those of these names that nobody wants any more."""
        for link in (self._core.serving, self._core.next_serving):
            if link is not None:
                self._write_unsubscribes(link, [name for name in names if not name.is_wanted and name in link.asked])

    def _set_plain(self, name: Name, is_plain: bool) -> None:
        name.is_plain = is_plain
        if is_plain:
            name.queues[self._core.events] = None
        else:
            name.queues.pop(self._core.events, None)

    def _ended_plain(self, names: Sequence[Name]) -> None:
        """Ends `subscribe` for these names. After this `events` has no messages of theirs."""
        for name in names:
            self._set_plain(name, False)
        if names:
            self._core.events.remove_messages(*map(set, texts(names)))
        self.names.forget_unwanted([name for name in names if name not in self._open])
        self._core.considered_subscriptions()

    def _count_down(self, name: Name) -> bool:
        """A plain request was answered. True if it was the last unanswered one for this name."""
        self._open[name] -= 1
        if not self._open[name]:
            del self._open[name]
        return name not in self._open


def _ignore(link: Link, request: Request, reply: Optional[Reply]) -> None:
    """Ignores an answer to an Unsubscribe, since it changes nothing."""
