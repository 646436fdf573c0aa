"""How threads wait: one of the waiting threads reads the sockets for all of them.

So a thread that has published reads its own Reply, and no other thread has to wake up for that. The client's own thread
reads while nobody waits. With gevent and eventlet, greenlets do all of this, since their monkey patching replaces
`threading`, `select` and `socket`.
"""
import select
import socket
import threading
import time
from typing import Any, Callable, Optional

#: Seconds for which the client's own thread does not read after the last waiting thread has read. The next caller may
#: come soon, and should not have to take the sockets over from it.
GRACE = 0.05

_POLLOUT = getattr(select, "POLLOUT", 0)  # eventlet's monkey patching removes poll


class BlockingWaiter:
    """What a thread waits for. Everything but `result` is called with the client's lock held."""

    __slots__ = ("is_done", "_result", "_error", "gate")

    def __init__(self) -> None:
        self.is_done = False
        self.gate: Optional[threading.Lock] = None  #: Locked while its thread sleeps.
        self._result: Any = None
        self._error: Optional[BaseException] = None

    def done(self) -> bool:
        return self.is_done

    def set_result(self, result: Any) -> None:
        self._result, self.is_done = result, True
        self.wake()

    def set_exception(self, exception: BaseException) -> None:
        self._error, self.is_done = exception, True
        self.wake()

    def wake(self) -> None:
        if self.gate is not None and self.gate.locked():
            self.gate.release()

    def result(self) -> Any:
        if self._error is not None:
            raise self._error
        return self._result


class Reading:
    """Decides which thread reads: one of the waiting threads, or the client's own thread, or at times none.

    `step(deadline)` waits for the sockets, at most until then, and handles what is ready. Only one thread at a time
    calls it, without the lock.
    """

    def __init__(self, lock: threading.Lock, step: Callable[[Optional[float]], None]) -> None:
        self._lock, self._step = lock, step
        self._reader: Optional[object] = None
        self._others: dict[BlockingWaiter, None] = {}  # waiters whose threads do not read, in their order
        self._last_lead = 0.0
        self._pair: Optional[tuple[socket.socket, socket.socket]] = None

    def wait(self, waiter: BlockingWaiter, deadline: Optional[float]) -> bool:
        """Waits until the waiter is done. Returns False at the deadline."""
        try:
            return self._wait(waiter, deadline)
        except BaseException:  # from outside: KeyboardInterrupt, a timeout of gevent, an exception of a signal handler
            with self._lock:
                if self._reader is waiter:
                    self._reader = None
                self._leave(waiter)
            raise

    def _wait(self, waiter: BlockingWaiter, deadline: Optional[float]) -> bool:
        while True:
            with self._lock:
                if waiter.is_done:
                    self._leave(waiter)
                    return True
                if self._reader is None:
                    self._others.pop(waiter, None)
                    self._reader = waiter
                is_leading = self._reader is waiter
                if not is_leading:
                    self._others[waiter] = None
                    if waiter.gate is None:
                        waiter.gate = threading.Lock()
                        waiter.gate.acquire()
                    if self._reader is self:
                        self._wake_up()  # the client's own thread stops reading
            if is_leading:
                return self._lead(waiter, deadline)
            left = -1 if deadline is None else max(0.0, deadline - time.monotonic())
            if not waiter.gate.acquire(timeout=left):  # type: ignore[union-attr]
                with self._lock:
                    self._leave(waiter)
                    return waiter.is_done

    def _leave(self, waiter: BlockingWaiter) -> None:
        """The waiter's thread no longer waits. It may have been woken to read; then another one has to read."""
        self._others.pop(waiter, None)
        if self._reader is None:
            self._wake_next()

    def _lead(self, waiter: BlockingWaiter, deadline: Optional[float]) -> bool:
        try:
            while not waiter.is_done:  # at least one step, else nobody would read while a caller polls
                self._step(deadline)
                if deadline is not None and time.monotonic() >= deadline:
                    break
            return waiter.is_done
        finally:
            with self._lock:
                self._last_lead = time.monotonic()
                self._reader = None
                self._wake_next()

    def _wake_next(self) -> None:
        for other in list(self._others):
            if not other.is_done:
                other.wake()
                return

    def read_while_nobody_waits(self, is_over: Callable[[], bool]) -> None:
        """The main loop of the client's own thread."""
        while not is_over():
            with self._lock:
                is_leading = self._reader is None and not self._others and \
                    time.monotonic() - self._last_lead >= GRACE
                if is_leading:
                    self._reader = self
                elif self._reader is None:
                    self._wake_next()
            if not is_leading:
                time.sleep(GRACE)
                continue
            try:
                while not self._others and not is_over():
                    self._step(None)
            finally:
                with self._lock:
                    self._reader = None
                    self._wake_next()

    # A socket pair to end a wait for sockets: the thread that reads also waits for this pair.

    def open(self) -> None:
        """Makes the pair. Call it once, before any thread waits."""
        self._pair = socket.socketpair()
        for each in self._pair:
            each.setblocking(False)

    def close(self) -> None:
        """Closes the pair, when no thread waits any more."""
        for each in self._pair or ():
            each.close()
        self._pair = None

    def detach(self) -> list[int]:
        """Returns the pair's descriptors, which the caller must close."""
        pair, self._pair = self._pair, None
        return [each.detach() for each in pair or ()]

    def wake_up_fileno(self) -> int:
        """The descriptor that a wake-up makes readable."""
        return self._pair[0].fileno() if self._pair else -1

    def clear_wake_ups(self) -> None:
        """Reads away the wake-ups that have come."""
        try:
            if self._pair:
                self._pair[0].recv(4096)
        except OSError:
            pass

    def interrupt(self) -> None:
        """Wakes the thread that reads, since it has to check a change. Call it with the lock held."""
        if self._reader is not None:
            self._wake_up()

    def _wake_up(self) -> None:
        try:
            if self._pair:
                self._pair[1].send(b"\0")
        except OSError:
            pass  # it is full, so there is a wake-up already


class Poller:
    """Waits for sockets: by poll, or by select if a monkey patch has removed poll."""

    def __init__(self) -> None:
        self._wanted: dict[int, tuple[bool, bool]] = {}
        self._poll: Any = None

    def want(self, wanted: dict[int, tuple[bool, bool]]) -> None:
        """Sets the descriptors to wait for: whether to wait until each is readable, and until it is writable."""
        if wanted == self._wanted:
            return
        self._wanted = wanted
        if hasattr(select, "poll"):
            self._poll = select.poll()
            for number, (reads, writes) in wanted.items():
                self._poll.register(number, reads * select.POLLIN | writes * select.POLLOUT)

    def wait(self, seconds: Optional[float]) -> list[tuple[int, bool, int]]:
        """Waits. Returns, for each that is ready: descriptor, whether readable (or at its end), whether writable."""
        if self._poll is None:
            reads = [number for number, (wants, _) in self._wanted.items() if wants]
            writes = [number for number, (_, wants) in self._wanted.items() if wants]
            readable, writable, _ = select.select(reads, writes, [], seconds)
            return [(number, number in readable, number in writable) for number in {*readable, *writable}]
        found = self._poll.poll(None if seconds is None else -int(-seconds * 1000 // 1))
        return [(number, event != _POLLOUT, event & _POLLOUT) for number, event in found]
