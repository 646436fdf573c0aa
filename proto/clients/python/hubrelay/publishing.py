"""Publishes: they are checked, bounded, and written in the order of the calls."""
from collections import deque
from typing import Callable, Optional

from .codec import name_field, publish_frame
from .errors import Congested, HubrelayError, Invalid, NotConnected
from .link import Link
from .names import checked_name
from .options import Counters, Options, Payload
from .queues import Waiter, settle

#: Number of channels whose encoded names are kept. Beyond it, all are forgotten.
MAX_KEPT_FIELDS = 4096


class Publishing:
    """The connection for publishes, and the publishes that wait for room."""

    def __init__(self, options: Options, counters: Counters, sent_first: Callable[[Link], None]) -> None:
        self.link: Optional[Link] = None  #: None: there is no connection to a relay.
        self.is_held = False  #: New ones wait for the first connection, or until the former one is read to its end.
        self.reason = "no connection to a relay yet"  #: Why there is no connection.
        self._waiting: deque[tuple[bytes, bytes, Optional[Waiter]]] = deque()
        self._waiting_sends = 0  # bytes
        self._fields: dict[str, bytes] = {}
        self._max_unsent, self._max_unsent_sends = options.unsent_bytes, options.unsent_bytes // 16
        self._max_unanswered = options.unanswered
        self._counters, self._sent_first = counters, sent_first

    def publish(self, channel: str, payload: Payload, waiter: Waiter, wait: bool = True) -> None:
        """The waiter gets the number of receivers, or an error. Raises Invalid or NotConnected, and Congested
        unless `wait`."""
        field = self._fields.get(channel) or self._new_field(channel)
        data = payload if type(payload) is bytes else _as_bytes(payload)
        link = self.link
        if link is None or self._waiting or self.is_held:
            self._wait(field, data, waiter, wait)
            return
        if len(data) > link.max_payload:
            raise _too_large(data, link)
        if len(link.publishes) >= self._max_unanswered or (
                link.unsent and link.unsent + len(data) > self._max_unsent):
            self._wait(field, data, waiter, wait)
            return
        id = link.next_id()
        frame = publish_frame(field, data, id)
        if len(frame) > link.max_frame + 4:
            raise _too_large(data, link)
        link.publish(frame, id, waiter)
        self._counters.sent += 1

    def send(self, channel: str, payload: Payload) -> None:
        """Publishes without a Reply. Raises Invalid, NotConnected, Congested."""
        field = self._fields.get(channel) or self._new_field(channel)
        data = payload if type(payload) is bytes else _as_bytes(payload)
        link = self.link
        if self.is_held:
            if self._waiting_sends + len(data) > self._max_unsent_sends and self._waiting_sends:
                raise Congested(f"{self._waiting_sends} bytes wait for the next connection to a relay")
            self._waiting.append((field, data, None))
            self._waiting_sends += len(data)
            return
        if link is None:
            raise NotConnected(self.reason)
        if len(data) > link.max_payload:
            raise _too_large(data, link)
        if link.unsent and link.unsent + len(data) > self._max_unsent_sends:
            raise Congested(f"the relay has not read {link.unsent} bytes yet")
        frame = publish_frame(field, data, 0)
        if len(frame) > link.max_frame + 4:
            raise _too_large(data, link)
        self._send_on(link, frame)

    def pump(self) -> int:
        """Writes waiting publishes, as far as there is room. Returns how many waiting sends will never be sent."""
        lost = 0
        while self._waiting and not self.is_held:
            link = self.link
            if link is not None and self._waiting[0][2] is not None and not self._has_room(link):
                break
            field, data, waiter = self._waiting.popleft()
            if waiter is None:
                self._waiting_sends -= len(data)
            elif waiter.done():  # its caller has given up
                continue
            error: Optional[HubrelayError] = None
            if link is None:
                error = NotConnected(self.reason)
            elif len(data) > link.max_payload:
                error = _too_large(data, link)
            if error is not None or link is None:
                lost += waiter is None
                settle(waiter, error=error)
                continue
            id = 0 if waiter is None else link.next_id()
            frame = publish_frame(field, data, id)
            if len(frame) > link.max_frame + 4:
                lost += waiter is None
                settle(waiter, error=_too_large(data, link))
            elif waiter is None:
                self._send_on(link, frame)
            else:
                link.publish(frame, id, waiter)
                self._counters.sent += 1
        return lost

    @property
    def is_waiting(self) -> bool:
        """Whether publishes wait for room, or for a connection."""
        return bool(self._waiting)

    def withdraw(self, waiter: Waiter) -> bool:
        """The waiter's caller has given up. True if the publish is not written yet; then it never will be."""
        for entry in self._waiting:
            if entry[2] is waiter:
                self._waiting.remove(entry)
                return True
        return False

    def fail_waiting(self, error: HubrelayError) -> None:
        """The client closes: waiting publishes are not sent any more."""
        while self._waiting:
            settle(self._waiting.popleft()[2], error=error)
        self._waiting_sends = 0

    def _wait(self, field: bytes, data: bytes, waiter: Waiter, wait: bool) -> None:
        if self.link is None and not self.is_held:
            raise NotConnected(self.reason)
        if not wait:
            if self.link is None:
                raise NotConnected(self.reason)
            raise Congested(f"{len(self.link.publishes)} publishes await their Reply, {len(self._waiting)} wait for "
                            f"room, and {self.link.unsent} bytes for the relay")
        if self.link is not None and len(data) > self.link.max_payload:
            raise _too_large(data, self.link)
        self._waiting.append((field, data, waiter))

    def _has_room(self, link: Link) -> bool:
        return len(link.publishes) < self._max_unanswered and (
            not link.unsent or link.unsent + len(self._waiting[0][1]) <= self._max_unsent)

    def _send_on(self, link: Link, frame: bytes) -> None:
        link.send(frame)
        self._counters.sent += 1
        if link.unsettled == 1:
            self._sent_first(link)

    def _new_field(self, channel: str) -> bytes:
        field = name_field(1, checked_name(channel))
        if len(self._fields) >= MAX_KEPT_FIELDS:
            self._fields.clear()
        self._fields[channel] = field
        return field


def _as_bytes(payload: Payload) -> bytes:
    if isinstance(payload, str):
        try:
            return payload.encode()
        except UnicodeEncodeError as error:
            raise Invalid(f"the payload cannot be written as UTF-8: {error.reason}") from None
    if isinstance(payload, (bytes, bytearray, memoryview)):
        return bytes(payload)
    raise Invalid(f"the payload must be bytes or str, not {type(payload).__name__}")


def _too_large(data: bytes, link: Link) -> Invalid:
    return Invalid(f"the payload has {len(data)} bytes; this relay takes {link.max_payload}")
