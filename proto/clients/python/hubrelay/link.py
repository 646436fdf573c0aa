"""One connection to a relay, without its socket: it takes and gives bytes, and keeps the unanswered requests.

The owner of the socket (the asyncio client, the blocking client, a test) feeds the bytes that it reads, and takes the
bytes to write.
"""
from time import monotonic
from typing import Any, Callable, Optional

from .codec import (CLIENT_FRAME, ProtocolError, decode, encode, framed, name_field, quick_message, quick_reply,
                    varint)
from .errors import Interrupted, NotConnected, error_of
from .frames import Code, Hello, Message, Outcome, Ping, Publish, Reply, Status, Welcome
from .names import Name
from .queues import Waiter, settle

#: The largest frame that is accepted before the Welcome gives the limit.
MAX_WELCOME_BYTES = 64 * 1024


class Request:
    """A request that is not a publish. `answer` is called once: with the Reply, or with None if the connection ends."""

    __slots__ = ("answer", "is_subscribe")

    def __init__(self, answer: Callable[["Link", "Request", Optional[Reply]], None],
                 is_subscribe: bool = False) -> None:
        self.answer, self.is_subscribe = answer, is_subscribe


def settle_ping(waiter: Optional[Waiter], reply: Optional[Reply]) -> None:
    """Ends a wait for the Reply to a Ping; `reply` is None if the connection has ended."""
    settle(waiter, error=Interrupted("the connection ended before the relay answered") if reply is None else
           error_of(reply) if reply.outcome != Outcome.OK else None)


class Link:
    """One connection. `take_message` gets a Message and the Name of its channel. `take_frame` gets all other frames
    except Replies, also unusual Messages, such as those with a pattern."""

    def __init__(self, routes: dict[bytes, Name], take_frame: Callable[["Link", Any], None],
                 take_message: Callable[[Name, Message], None]) -> None:
        self.take_frame, self.take_message = take_frame, take_message
        self.welcome: Optional[Welcome] = None
        self.status: Optional[Status] = None  #: The last Status from its relay.
        self.features: frozenset[str] = frozenset()
        self.max_frame, self.max_payload = MAX_WELCOME_BYTES, 0
        self.publishes: dict[int, Waiter] = {}  #: Unanswered ones by id, in the order written.
        self.requests: dict[int, Request] = {}
        self.asked: set[Name] = set()  #: Names whose last request here is a Subscribe that has not failed.
        self.restoring: set[Request] = set()  #: Unanswered Subscribes that the client has made by itself.
        self.is_ended = False
        self.is_at_its_end = False  #: The relay has closed it, or it has failed.
        # What is to be written.
        self.unsent = 0  #: Number of bytes in `_frames`, and in `_batch` from `_written` on.
        self._frames: list[bytes] = []
        self._batch, self._written = b"", 0  # a batch starts with the start of a frame
        self.is_writing = False  #: The batch is being written: nobody knows how much the socket has taken.
        self.is_shut = False  #: The writing side is shut down.
        self.shut_when_written = False  #: The writing side is to be shut down once all is written.
        self.welcomed_at = 0.0
        self.is_stopping = False  #: Its relay has reported STOPPING.
        self.is_pending = False  #: One of the client's own Subscribes was answered with PENDING.
        # What has been read.
        self._routes: dict[bytes, Name] = {}  # for `take_message`; empty before Welcome, which must come first
        self._routes_then = routes
        self._rest: list[bytes] = []
        self._rest_size, self._needed = 0, 4
        self.last_read = monotonic()
        self.is_reading = True  #: Whether the socket is to be read.
        # Which publishes without Reply are settled.
        self.unsettled = 0  #: Number written after the last answered Ping with `settled`.
        self.lost_of_unsettled = 0  #: How many of those a Loss has reported.
        self.is_settling = 0  #: Number of unanswered Pings with `settled`.
        self._sends = 0
        # To detect a relay that hangs.
        self.owed_since = 0.0
        self.ping_at: Optional[float] = None
        self._last_id = 0

    # What goes out

    def hello(self, name: str) -> None:
        """Writes the first frame."""
        self.write(encode(Hello(1, name)))

    def next_id(self) -> int:
        """An id that no unanswered request has."""
        if not self.publishes and not self.requests:
            self.owed_since = monotonic()
            if self._last_id > 0x3FFF:  # nothing is unanswered: small ids make small frames
                self._last_id = 0
        self._last_id += 1
        return self._last_id

    def publish(self, frame: bytes, id: int, waiter: Waiter) -> None:
        """Writes a frame of `publish_frame`; the waiter gets the number of receivers, or an error."""
        self.publishes[id] = waiter
        self._frames.append(frame)
        self.unsent += len(frame)

    def send(self, frame: bytes) -> None:
        """Writes a frame of `publish_frame` without id."""
        self._sends += 1
        self.unsettled += 1
        self._frames.append(frame)
        self.unsent += len(frame)

    def ask(self, request: Request, number: int, names: list[Name]) -> None:
        """Writes a Subscribe (3) or Unsubscribe (4)."""
        id = self.next_id()
        self.requests[id] = request
        fields = sorted((name.field for name in names), key=lambda field: field[0])  # channels before patterns
        self.write(framed(name_field(number, b"\x08" + varint(id) + b"".join(fields))))

    def ping(self, request: Request, settled: bool = False) -> None:
        id = self.next_id()
        self.requests[id] = request
        self.write(encode(Ping(id, settled)))

    def settle_sends(self, waiter: Optional[Waiter] = None) -> None:
        """Asks for the outcome of the publishes without Reply, by a Ping. The Ping's Reply settles the waiter."""
        self.is_settling += 1
        before = self._sends

        def answer(link: "Link", request: Request, reply: Optional[Reply]) -> None:
            if reply is not None:
                self.unsettled = self._sends - before
                self.lost_of_unsettled = 0
                self.is_settling -= 1
            settle_ping(waiter, reply)
        self.ping(Request(answer), settled=True)

    def write(self, frame: bytes) -> None:
        """Adds a frame to write."""
        self._frames.append(frame)
        self.unsent += len(frame)

    def to_write(self) -> memoryview:
        """The bytes to write to the socket next; empty if there are none."""
        if self._written >= len(self._batch):
            frames, self._frames = self._frames, []
            self._batch, self._written = frames[0] if len(frames) == 1 else b"".join(frames), 0
        return memoryview(self._batch)[self._written:]

    def wrote(self, count: int) -> None:
        """The socket has taken `count` bytes."""
        self._written += count
        self.unsent -= count

    def take_unwritten(self) -> tuple[set[int], int]:
        """Drops all unsent bytes. Returns the ids of the requests that were not written completely, and the number of
        publishes without id among them."""
        if self.is_writing:
            self._written = len(self._batch)
        data, position, ids, sends = self._batch + b"".join(self._frames), 0, set(), 0
        while position < len(data):
            end = position + 4 + int.from_bytes(data[position:position + 4], "big")
            frame = decode(data[position + 4:end], CLIENT_FRAME) if end > self._written else None
            if frame is not None and not isinstance(frame, Hello):
                ids.add(frame.id)
                sends += isinstance(frame, Publish) and not frame.id
            position = end
        self._batch, self._frames, self._written, self.unsent = b"", [], 0, 0
        return ids, sends

    # What comes in

    def feed(self, data: bytes) -> None:
        """Takes bytes that were read. Raises ProtocolError; then the connection must be ended."""
        self.last_read = monotonic()
        self.ping_at = None
        if self._rest:
            self._rest.append(data)
            self._rest_size += len(data)
            if self._rest_size < self._needed:
                return
            data = b"".join(self._rest)
        position, size = self._take_frames(data), len(data)
        self._rest = [data[position:]] if position < size else []
        self._rest_size = size - position

    def _take_frames(self, data: bytes) -> int:
        """Takes every complete frame. Returns where the rest begins."""
        position, end = 0, len(data)
        while not self.is_ended:
            body = position + 4
            if body > end:
                self._needed = 4
                break
            length = int.from_bytes(data[position:body], "big")
            if not 0 < length <= self.max_frame:
                raise ProtocolError(Code.FRAME_TOO_LARGE if length else Code.MALFORMED, f"a frame of {length} bytes")
            next_frame = body + length
            if next_frame > end:
                self._needed = 4 + length
                break
            position = next_frame
            tag = data[body]
            if tag == 0x12:
                quick = quick_message(data, body + 1, next_frame)
                if quick and self._take_quick_message(*quick):
                    continue
            elif tag == 0x1A and length > 4:
                quick_one = quick_reply(data, body + 1, next_frame)
                if quick_one:
                    self._take_reply(*quick_one)
                    continue
            self._take(decode(data[body:next_frame]))
        return position

    def _take_quick_message(self, channel: bytes, payload: bytes) -> bool:
        name = self._routes.get(channel)
        if name is None:
            return False  # `decode` checks it, since it may not be UTF-8
        self.take_message(name, Message(name.text, payload))
        return True

    def _take_reply(self, id: int, receivers: int) -> None:
        waiter = self.publishes.pop(id, None)
        if waiter is None:
            self._answer(Reply(id, Outcome.OK, receivers))
        elif not waiter.done():
            waiter.set_result(receivers)

    def _take(self, frame: Any) -> None:
        if not isinstance(frame, Reply):
            if frame is not None:
                self.take_frame(self, frame)
            return
        waiter = self.publishes.pop(frame.id, None)
        if waiter is None:
            self._answer(frame)
        elif frame.outcome == Outcome.OK:
            settle(waiter, frame.receivers)
        else:
            settle(waiter, error=error_of(frame))

    def _answer(self, reply: Reply) -> None:
        request = self.requests.pop(reply.id, None)
        if request is not None:
            request.answer(self, request, reply)

    def welcomed(self, welcome: Welcome) -> None:
        """From now on the Status, features and limits of this Welcome apply."""
        self.status = welcome.status
        self.welcome, self.features = welcome, frozenset(welcome.features)
        self.max_frame, self.max_payload = welcome.max_frame_bytes, welcome.max_payload_bytes
        self.welcomed_at = monotonic()
        self._routes = self._routes_then

    def unanswered_subscribes(self) -> set[Request]:
        """The Subscribes that have no Reply yet."""
        return {request for request in self.requests.values() if request.is_subscribe}

    @property
    def is_owed(self) -> bool:
        """Whether a request is unanswered."""
        return bool(self.publishes or self.requests)

    def end(self) -> tuple[int, int]:
        """Handles the end of the connection. Publishes that were written are Interrupted, others NotConnected; other
        requests are answered with None, in their order. Returns how many publishes without Reply have an unknown
        outcome, and how many were never sent.
        """
        self.is_ended = True
        unwritten, unsent = self.take_unwritten()
        unknown = max(0, self.unsettled - self.lost_of_unsettled - unsent)
        publishes, self.publishes = self.publishes, {}
        for id, waiter in publishes.items():
            error = (NotConnected("the connection to the relay ended before this was sent") if id in unwritten else
                     Interrupted("the connection to the relay ended before it answered"))
            settle(waiter, error=error)
        requests, self.requests = self.requests, {}
        for request in requests.values():
            request.answer(self, request, None)
        return unknown, unsent
