"""One stream of all that a worker hears, for frameworks with one backend for all connections of a worker.

Litestar and broadcaster say which channels their worker wants, and read one stream. They have no handler around that
stream: an error would end their task, and the worker would be deaf. So no error leaves `Feed.next`, and what Redis
refuses is asked for again: the framework asks once.
"""
import asyncio
import logging
import os
import random
from collections import Counter, deque
from collections import Counter as Counted
from collections.abc import Awaitable, Iterable
from typing import Any, Callable, Optional, Union

from .addresses import SCHEME, path_of
from .asyncio_client import AsyncClient
from .errors import HubrelayError, Invalid, Limit
from .frames import Gap, Loss, Message, Outcome, Revoked, State, Status
from .hooks import result_of

#: What an application is told.
Notice = Union[Status, Gap, Loss, Revoked]
#: What a hook may return for the subscribers of this worker.
Told = Union[bytes, str, None]
Hook = Optional[Callable[[Any], Union[Told, Awaitable[Told]]]]

#: Seconds between attempts to subscribe to what was refused; the first half of them always, the other by chance.
RETRY = 5.0

_RANDOM = random.SystemRandom()


class Feed:
    """A client and its one stream. It may be started again after `stop`, in another event loop, too.

    `path` is the relay's socket or its URL. `told` are hooks, called in the place of an event of their class; what they
    return is delivered there, to the channels of a Revoked, or else to all that are subscribed to. With `is_text` it is
    made UTF-8. `options` are those of AsyncClient. Raises Invalid for a wrong name, TypeError for a wrong option or
    hook, ValueError for a wrong URL.
    """

    def __init__(self, path: "Union[str, os.PathLike[str]]", told: dict[type, Hook], logger: logging.Logger,
                 is_text: bool = False, **options: Any) -> None:
        for hook in told.values():
            check_hook(hook)
        if isinstance(path, str) and path.startswith(SCHEME + ":"):
            path = path_of(path)
        self._new_client: Callable[[], AsyncClient] = lambda: AsyncClient(path, logger=logger, **options)
        self._new_client()  # a wrong argument fails where it stands, not when the application starts
        self._hooks, self._logger, self._is_text = told, logger, is_text
        self._client: Optional[AsyncClient] = None
        self._wanted: set[str] = set()
        self._granted: set[str] = set()
        self._asked: Counted[str] = Counter()  # how many callers of `subscribe` wait for each
        self._leaving: set[asyncio.Task[None]] = set()
        self._refused: set[str] = set()  # those of them that are asked for again
        self._asking: Optional[asyncio.Task[None]] = None
        self._told: deque[Message] = deque()  # what hooks have returned
        self._state: Optional[State] = None  # as it was logged last

    @property
    def client(self) -> Optional[AsyncClient]:
        """The client between `start` and `stop`."""
        return self._client

    def start(self) -> None:
        """Begins to connect, for ever; needs no relay. In the running loop."""
        if self._client is None:
            self._client = self._new_client()
            self._client.connect()

    async def stop(self) -> None:
        """Ends the connection. Answers that are owed are waited for, for up to `drain` seconds. Idempotent."""
        client, self._client = self._client, None
        asking, self._asking = self._asking, None
        if asking is not None:
            asking.cancel()
        self._wanted.clear()
        self._granted.clear()
        self._refused.clear()
        self._told.clear()
        self._state = None
        if client is not None:
            await client.close()

    async def subscribe(self, client: AsyncClient, channels: Iterable[str], keep: bool) -> None:
        """Raises Refused, Limit, Invalid, Unknown, Closed. With `keep`, what was refused is asked for again: the
        framework takes itself for subscribed, and does not ask a second time."""
        names = set(channels)
        if not names:
            return
        self._wanted |= names
        self._asked.update(names)
        try:
            await client.subscribe(*names)
            self._refused -= names
            self._granted |= names
        except BaseException:  # also of a caller that is cancelled
            if keep:
                self._ask_again_for(names)
            else:
                self._leave(client, {name for name in names - self._granted if self._asked[name] == 1})
            raise
        finally:
            self._asked -= Counter(names)

    def _leave(self, client: AsyncClient, names: set[str]) -> None:
        """Nobody waits for these any more. They may be granted yet, if it is since a caller was cancelled."""
        self._wanted -= names
        task = asyncio.get_running_loop().create_task(self._unsubscribe_unwanted(client, names))
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    async def _unsubscribe_unwanted(self, client: AsyncClient, names: set[str]) -> None:
        unwanted = names - self._wanted  # somebody may have come meanwhile
        try:
            if unwanted:
                await client.unsubscribe(*unwanted)
        except HubrelayError:
            pass  # they are no names of channels, or the client is closed

    async def unsubscribe(self, client: AsyncClient, channels: Iterable[str]) -> None:
        """After this no message of these channels comes. Raises Invalid, Closed."""
        names = set(channels)
        self._wanted -= names
        self._granted -= names
        self._refused -= names
        if names:
            await client.unsubscribe(*names)

    async def next(self) -> Optional[Message]:
        """The next message; None at the end. Raises nothing."""
        while True:
            if self._told:
                return self._told.popleft()
            client = self._client
            if client is None:
                return None
            try:
                event = await client.events.__anext__()
            except StopAsyncIteration:
                return None
            except Exception:  # of the application's tracing, which should raise nothing
                self._logger.exception("a message was not delivered")
                await asyncio.sleep(0)
                continue
            if isinstance(event, Message):
                return event
            await self.tell(event)

    async def tell(self, event: Notice) -> None:
        """Logs an event, and hands it to the application."""
        self._log(event)
        channels: Iterable[str] = self._wanted
        if isinstance(event, Revoked):
            channels = self._wanted.intersection(event.channels)
            self._ask_again_for(channels)
        told = await call(self._hooks.get(type(event)), self._logger, event)
        if isinstance(told, str):
            told = told.encode(errors="replace")
        if isinstance(told, (bytes, bytearray, memoryview)):
            if self._is_text:  # else it would be told as a Loss, whose hook would return it again
                told = bytes(told).decode(errors="replace").encode()
            self._told.extend(Message(channel, bytes(told)) for channel in sorted(channels))
        elif told is not None:
            self._logger.error("a hook has returned a %s; it may return bytes, a str or None", type(told).__name__)

    def _log(self, event: Notice) -> None:
        if isinstance(event, Status):
            if event.connected and event.state != self._state:  # the client logs the connection itself
                self._logger.log(logging.INFO if event.state == State.UP else logging.WARNING,
                                 "the relay is %s%s", event.state.name, f": {event.reason}" if event.reason else "")
            self._state = event.state
        elif isinstance(event, Gap):
            self._logger.warning("messages may have been missed: %s", "; ".join(event.reasons))
        elif isinstance(event, Loss):
            self._logger.warning("lost: %d messages for this worker, %d that it has sent, and perhaps %d more: %s",
                                 event.messages, event.publishes, event.publishes_unknown, event.reason)
        else:
            self._logger.warning("not subscribed any more to %s: %s. Tried again from time to time",
                                 ", ".join(event.channels), event.detail)

    # What was refused

    def _ask_again_for(self, channels: Iterable[str]) -> None:
        self._refused.update(channels)
        client = self._client
        if self._refused and self._asking is None and client is not None:
            self._asking = asyncio.get_running_loop().create_task(self._ask_again(client))

    async def _ask_again(self, client: AsyncClient) -> None:
        """One by one, so that one bad name keeps no other away."""
        try:
            while self._refused:
                for channel in sorted(self._refused):
                    if channel not in self._refused:  # given up meanwhile
                        continue
                    try:
                        outcome = await client.subscribe(channel)
                    except Limit:
                        break
                    except Invalid:  # it will never be a channel
                        self._wanted.discard(channel)
                    except HubrelayError:
                        continue
                    else:
                        if outcome == Outcome.OK and channel in self._wanted:  # PENDING has a Gap of the client's own
                            client._core.tell(Gap((f"{channel} was refused before, and is heard now",)))
                    self._refused.discard(channel)
                if self._refused:
                    await asyncio.sleep(_RANDOM.uniform(RETRY / 2, RETRY))
        finally:
            if self._asking is asyncio.current_task():
                self._asking = None


def check_hook(hook: Optional[Callable[..., Any]]) -> None:
    """Raises TypeError for what cannot be called."""
    if hook is not None and not callable(hook):
        raise TypeError(f"a hook must be a function, and not a {type(hook).__name__}")


async def call(hook: Optional[Callable[..., Any]], logger: logging.Logger, *arguments: Any) -> Any:
    """What a hook returns, which may be a coroutine function. None if there is none, or it fails: that is logged."""
    if hook is None:
        return None
    try:
        return await result_of(hook, *arguments)
    except Exception:
        logger.exception("a hook has failed")
        return None
