"""One stream of all that a worker receives, for frameworks with one backend for all connections of a worker.

Litestar and broadcaster name the channels that their worker wants, and read one stream. They do not handle its errors:
an error would end their task, and the worker would receive nothing more. So `Feed.next` never raises. What Redis
refuses is asked for again, since the framework asks only once.
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

#: The events that are reported to an application.
Notice = Union[Status, Gap, Loss, Revoked]
#: What a hook may return for the subscribers of this worker.
Told = Union[bytes, str, None]
Hook = Optional[Callable[[Any], Union[Told, Awaitable[Told]]]]

#: Seconds between attempts to subscribe to what was refused. The time is random, from half of this up to this.
RETRY = 5.0

_RANDOM = random.SystemRandom()


class Feed:
    """A client and its one stream. It may be started again after `stop`, also in another event loop.

    `path` is the path of the relay's socket, or its URL. `told` has a hook for each class of events, called in the
    place of the event. What a hook returns is delivered there: to the channels of a Revoked, else to all that are
    subscribed to. With `is_text` it is made valid UTF-8. `options` are those of AsyncClient. Raises Invalid for a wrong
    name, TypeError for a wrong option or hook, ValueError for a wrong URL.
    """

    def __init__(self, path: "Union[str, os.PathLike[str]]", told: dict[type, Hook], logger: logging.Logger,
                 is_text: bool = False, **options: Any) -> None:
        for hook in told.values():
            check_hook(hook)
        if isinstance(path, str) and path.startswith(SCHEME + ":"):
            path = path_of(path)
        self._new_client: Callable[[], AsyncClient] = lambda: AsyncClient(path, logger=logger, **options)
        self._new_client()  # a wrong argument raises here, not when the application starts
        self._hooks, self._logger, self._is_text = told, logger, is_text
        self._client: Optional[AsyncClient] = None
        self._wanted: set[str] = set()
        self._granted: set[str] = set()
        self._asked: Counted[str] = Counter()  # how many callers of `subscribe` wait for each
        self._leaving: set[asyncio.Task[None]] = set()
        self._refused: set[str] = set()  # the wanted ones that are asked for again
        self._asking: Optional[asyncio.Task[None]] = None
        self._told: deque[Message] = deque()  # what hooks have returned
        self._state: Optional[State] = None  # that was logged last

    @property
    def client(self) -> Optional[AsyncClient]:
        """The client between `start` and `stop`."""
        return self._client

    def start(self) -> None:
        """Begins to connect, in the running loop. Without a relay it retries forever."""
        if self._client is None:
            self._client = self._new_client()
            self._client.connect()

    async def stop(self) -> None:
        """Waits for outstanding answers, for up to `drain` seconds, and ends the connection. Idempotent."""
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
        """Raises Refused, Limit, Invalid, Unknown, Closed. With `keep`, what was refused is asked for again, since the
        framework counts itself as subscribed, and does not ask a second time."""
        names = set(channels)
        if not names:
            return
        self._wanted |= names
        self._asked.update(names)
        try:
            await client.subscribe(*names)
            self._refused -= names
            self._granted |= names
        except BaseException:  # also if the caller is cancelled
            if keep:
                self._ask_again_for(names)
            else:
                self._leave(client, {name for name in names - self._granted if self._asked[name] == 1})
            raise
        finally:
            self._asked -= Counter(names)

    def _leave(self, client: AsyncClient, names: set[str]) -> None:
        """Nobody waits for these any more. Unsubscribes, since they may still be granted if a caller was cancelled."""
        self._wanted -= names
        task = asyncio.get_running_loop().create_task(self._unsubscribe_unwanted(client, names))
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    async def _unsubscribe_unwanted(self, client: AsyncClient, names: set[str]) -> None:
        unwanted = names - self._wanted  # another caller may want them meanwhile
        try:
            if unwanted:
                await client.unsubscribe(*unwanted)
        except HubrelayError:
            pass  # they are not valid channels, or the client is closed

    async def unsubscribe(self, client: AsyncClient, channels: Iterable[str]) -> None:
        """After this no message of these channels comes. Raises Invalid, Closed."""
        names = set(channels)
        self._wanted -= names
        self._granted -= names
        self._refused -= names
        if names:
            await client.unsubscribe(*names)

    async def next(self) -> Optional[Message]:
        """The next message; None at the end. It never raises."""
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
            except Exception:  # from the application's tracing, which should not raise
                self._logger.exception("a message was not delivered")
                await asyncio.sleep(0)
                continue
            if isinstance(event, Message):
                return event
            await self.tell(event)

    async def tell(self, event: Notice) -> None:
        """Logs an event, and passes it to the application's hook."""
        self._log(event)
        channels: Iterable[str] = self._wanted
        if isinstance(event, Revoked):
            channels = self._wanted.intersection(event.channels)
            self._ask_again_for(channels)
        told = await call(self._hooks.get(type(event)), self._logger, event)
        if isinstance(told, str):
            told = told.encode(errors="replace")
        if isinstance(told, (bytes, bytearray, memoryview)):
            if self._is_text:  # else it would become a Loss, whose hook could return it again
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
            self._logger.warning("lost: %d messages for this worker, %d of its publishes, perhaps %d more of these: %s",
                                 event.messages, event.publishes, event.publishes_unknown, event.reason)
        else:
            self._logger.warning("no longer subscribed to %s: %s. Retrying from time to time",
                                 ", ".join(event.channels), event.detail)

    # What was refused

    def _ask_again_for(self, channels: Iterable[str]) -> None:
        self._refused.update(channels)
        client = self._client
        if self._refused and self._asking is None and client is not None:
            self._asking = asyncio.get_running_loop().create_task(self._ask_again(client))

    async def _ask_again(self, client: AsyncClient) -> None:
        """Asks one by one, so that a bad name does not affect the others."""
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
                        if outcome == Outcome.OK and channel in self._wanted:  # after PENDING the client reports a Gap
                            client._core.tell(Gap((f"{channel} was refused before, and is received now",)))
                    self._refused.discard(channel)
                if self._refused:
                    await asyncio.sleep(_RANDOM.uniform(RETRY / 2, RETRY))
        finally:
            if self._asking is asyncio.current_task():
                self._asking = None


def check_hook(hook: Optional[Callable[..., Any]]) -> None:
    """Raises TypeError for a hook that cannot be called."""
    if hook is not None and not callable(hook):
        raise TypeError(f"a hook must be a function, and not a {type(hook).__name__}")


async def call(hook: Optional[Callable[..., Any]], logger: logging.Logger, *arguments: Any) -> Any:
    """Returns the result of a hook, which may be a coroutine function. None if there is no hook, or if it fails, which
    is logged."""
    if hook is None:
        return None
    try:
        return await result_of(hook, *arguments)
    except Exception:
        logger.exception("a hook has failed")
        return None
