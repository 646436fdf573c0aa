"""The layer in one event loop: its connection to the relay, its channels and groups."""
import asyncio
import functools
import random
import time
import uuid
from collections.abc import Coroutine, Iterable
from typing import TYPE_CHECKING, Any, Optional

from ..asyncio_client import AsyncClient
from ..errors import Closed, HubrelayError
from ..frames import Cause, Gap, Loss, Message, Outcome, Revoked, Status
from ..queues import Event
from .queues import ChannelQueue, Forgotten
from .telling import LOGGER, Teller

if TYPE_CHECKING:
    from .layer import HubrelayChannelLayer

#: Seconds between two checks for what has expired; less where something expires sooner.
SWEEP_PERIOD = 15.0

#: Seconds to wait for the answers to publishes when the connection is closed.
DRAIN = 1.0

#: Seconds between attempts to subscribe to what was revoked. The time is random, from half of this up to this.
RETRY = 5.0

_RANDOM = random.SystemRandom()

#: What a process is sent for its channels is the channel's name, this separator, and the message.
SEPARATOR = b"\0"


class LoopLayer:
    """The layer for one event loop.

    Its process-specific channels share one subscription: their names have the loop's address before the `!`. Here, a
    *subscription* is a channel at the relay: for an address, a group or a normal channel.
    """

    def __init__(self, channel_layer: "HubrelayChannelLayer", loop: asyncio.AbstractEventLoop) -> None:
        self.channel_layer, self._loop = channel_layer, loop
        self._address = uuid.uuid4().hex
        self._own_subscription = channel_layer.address_prefix + self._address
        self._made = 0  # number of channels, for their names
        self._teller = Teller(channel_layer, loop)
        self._sweeper: Optional[asyncio.TimerHandle] = None
        self._set_up()

    def _set_up(self) -> None:
        layer = self.channel_layer
        self.client = AsyncClient(layer.path, **layer.hubrelay_options)
        self._channels: dict[str, ChannelQueue] = {}
        self._groups: dict[str, set[ChannelQueue]] = {}  # by subscription
        self._subscribing: dict[str, asyncio.Task[Any]] = {}  # after its task has succeeded, it is in force
        self._unsubscribing: set[asyncio.Task[Any]] = set()
        self._revoked: set[str] = set()  # the needed ones that are asked for again
        self._asking: Optional[asyncio.Task[None]] = None
        self._is_receiving: Optional[bool] = None  # None: not known yet
        self._events: Optional[asyncio.Task[None]] = None  # starts at the first use, since it connects

    # Requests of the channel layer

    async def publish(self, subscription: str, data: bytes) -> None:
        """Publishes. Raises what the client raises."""
        self._start()
        await self.client.publish(subscription, data)

    async def new_channel(self, prefix: str) -> str:
        """A process-specific channel, which lives as long as the task that made it, and longer if it is used."""
        self._made += 1
        channel = self._make(f"{prefix}{self._address}!{self._made:x}")
        owner = asyncio.current_task()
        if owner is not None:
            channel.has_owner = True
            ended = functools.partial(self._owner_ended, channel)
            owner.add_done_callback(ended)
            channel.disown = functools.partial(owner.remove_done_callback, ended)
        await self._subscribe_to(channel)
        return channel.name

    async def receive(self, name: str) -> Any:
        """The next message, decoded, or the next notice."""
        while True:
            channel = self._channels.get(name) or self._make(name)
            await self._subscribe_to(channel)
            self._expire(channel)
            try:
                entry = await channel.get()
            except Forgotten:
                continue
            except asyncio.CancelledError:
                if channel.is_orphan and not channel.is_awaited:
                    self._forget(channel)
                raise
            finally:
                channel.last_use = time.monotonic()
            if not isinstance(entry, bytes):
                return entry
            try:
                return self.channel_layer.deserialize(entry)
            except Exception as error:  # any error of a serializer would end the consumer, which is not at fault
                reason = f"not in this layer's format, or encrypted by other keys: {type(error).__name__}"
                self._lost([channel], 1, reason, Cause.INVALID, first=True)

    async def group_add(self, group: str, name: str) -> None:
        """Returns once messages to the group reach the channel, or will as soon as the relay receives."""
        channel = self._channels.get(name)
        if channel is None:
            raise RuntimeError(f"{name!r} is not a channel of this event loop. A channel is added to groups where it "
                               f"was made, as by self.channel_layer.group_add(group, self.channel_name)")
        is_member, is_first = group in channel.groups, not channel.groups
        self._groups.setdefault(group, set()).add(channel)
        channel.groups[group] = time.monotonic()
        try:
            await self._subscribe(group)
        except Exception:
            if not is_member:
                self._leave(channel, group)
            raise
        if is_first and self._is_receiving is False:
            self._tell_state([channel])

    def group_discard(self, group: str, name: str) -> None:
        """From now on messages to the group do not reach the channel."""
        channel = self._channels.get(name)
        if channel is not None:
            self._leave(channel, group)

    async def flush(self) -> None:
        """Ends the connection, and forgets channels, groups and messages. The next use starts again, and so does a
        `receive` that waits."""
        ending = self._ending()
        self._set_up()
        await ending

    async def close(self) -> None:
        """Closes the layer at the end of the event loop."""
        await self._ending()
        await self._teller.close()

    def _ending(self) -> Coroutine[Any, Any, None]:
        """Forgets everything now. The coroutine that it returns ends the connection."""
        client, channels = self.client, list(self._channels.values())
        tasks = [*self._subscribing.values(), *self._unsubscribing]
        tasks.extend(task for task in (self._events, self._asking) if task is not None)
        if self._asking is not None:
            self._asking.cancel()
        self._channels, self._groups, self._subscribing, self._revoked = {}, {}, {}, set()
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None
        for channel in channels:
            channel.forget()
            channel.disown()
        return _end(client, tasks)

    # Channels

    def _make(self, name: str) -> ChannelQueue:
        layer = self.channel_layer
        channel = ChannelQueue(name, layer.subscription_of(name), layer.get_capacity(name), time.monotonic())
        self._channels[name] = channel
        self._sweep_later()
        return channel

    async def _subscribe_to(self, channel: ChannelQueue) -> None:
        try:
            await self._subscribe(channel.subscription)
        except Exception:
            self._forget(channel)
            raise

    def _owner_ended(self, channel: ChannelQueue, owner: "asyncio.Task[Any]") -> None:
        """Forgets the channel if its owner was a consumer. A task that made it for others has not received from it, and
        was not cancelled."""
        channel.has_owner, channel.is_orphan = False, channel.was_used or owner.cancelled()
        if channel.is_orphan and not channel.is_awaited:
            self._forget(channel)

    def _forget(self, channel: ChannelQueue) -> None:
        """Forgets a channel from which nobody will receive."""
        if self._channels.get(channel.name) is not channel:
            return
        del self._channels[channel.name]
        for group in list(channel.groups):
            self._leave(channel, group)
        channel.forget()
        channel.disown()
        if channel.subscription != self._own_subscription and not any(
                other.subscription == channel.subscription for other in self._channels.values()):
            self._unsubscribe(channel.subscription)

    def _leave(self, channel: ChannelQueue, group: str) -> None:
        channel.groups.pop(group, None)
        members = self._groups.get(group, set())
        members.discard(channel)
        if not members and self._groups.pop(group, None) is not None:
            self._unsubscribe(group)

    # Subscriptions

    async def _subscribe(self, subscription: str) -> None:
        """Several callers may ask for the same one, and any of them may give up. Raises what the client raises."""
        task = self._subscribing.get(subscription)
        if task is None:
            self._start()
            task = self._loop.create_task(self.client.subscribe(subscription))
            task.add_done_callback(functools.partial(self._subscribed, subscription))
            self._subscribing[subscription] = task
        if not task.done():
            await asyncio.shield(task)

    def _subscribed(self, subscription: str, task: "asyncio.Task[Any]") -> None:
        has_failed = task.cancelled() or task.exception() is not None
        if self._subscribing.get(subscription) is not task:
            return
        if has_failed:
            del self._subscribing[subscription]
        elif subscription in self._revoked:
            self._revoked.discard(subscription)
            LOGGER.warning("%s is received again", subscription)
            if task.result() == Outcome.OK:  # after PENDING the client reports a Gap
                self._tell_gap(self._channels_of(subscription), ("it was revoked before, and is received again",))

    def _unsubscribe(self, subscription: str) -> None:
        """Does not wait for the relay, since it handles requests in their order."""
        self._revoked.discard(subscription)
        if self._subscribing.pop(subscription, None) is not None:
            task = self._loop.create_task(_unsubscribe(self.client, subscription))
            self._unsubscribing.add(task)
            task.add_done_callback(self._unsubscribing.discard)

    # Events

    def _start(self) -> None:
        if self._events is None:
            self._events = self._loop.create_task(self._take_events(self.client))

    async def _take_events(self, client: AsyncClient) -> None:
        async for event in client.events:
            try:
                if isinstance(event, Message):
                    self._deliver(event.channel, event.payload)
                else:
                    self._take(event)
            except Exception:  # the next events must still be taken
                LOGGER.exception("the channel layer failed at %s", type(event).__name__)

    def _deliver(self, subscription: str, payload: bytes) -> None:
        layer = self.channel_layer
        channels: Iterable[ChannelQueue]
        if subscription in self._groups:
            channels = self._groups[subscription]
        else:
            if subscription.startswith(layer.address_prefix):
                name, _, payload = payload.partition(SEPARATOR)
                channel = self._channels.get(name.decode("utf-8", "replace"))
            else:
                channel = self._channels.get(subscription[len(layer.prefix):])
            channels = () if channel is None else (channel,)
        expires = time.monotonic() + layer.expiry
        full = [channel for channel in channels if not channel.put(payload, expires)]
        if full:
            self._lost(full, len(full), "the channel is over capacity", Cause.SLOW_READER)

    def _take(self, event: Event) -> None:
        if isinstance(event, Status):
            self._take_status(event)
        elif isinstance(event, Gap):
            LOGGER.warning("messages may have been missed: %s", "; ".join(event.reasons))
            self._tell_gap(self._channels.values(), event.reasons, event.partial)
        elif isinstance(event, Loss):
            LOGGER.warning("%d messages were lost: %s", event.messages, event.reason)
        elif isinstance(event, Revoked):
            self._take_revoked(event)
        self._teller.tell(event)

    def _take_status(self, status: Status) -> None:
        was_receiving, self._is_receiving = self._is_receiving, status.receiving
        if was_receiving is status.receiving or (was_receiving is None and status.receiving):
            return
        if status.receiving:
            LOGGER.warning("messages are received again")
        else:
            LOGGER.warning("no messages are received: %s", status.reason)
        self._tell_state(self._channels.values())

    def _take_revoked(self, revoked: Revoked) -> None:
        LOGGER.error("Redis refuses %s: %s. Retrying from time to time", ", ".join(revoked.channels), revoked.detail)
        for subscription in revoked.channels:
            if self._subscribing.pop(subscription, None) is None:
                continue  # not needed any more
            self._revoked.add(subscription)
            self._tell_gap(self._channels_of(subscription), (revoked.detail or "the relay revoked a group",))
        if self._revoked and self._asking is None:
            self._asking = self._loop.create_task(self._ask_again())

    async def _ask_again(self) -> None:
        """Callers that wait in `receive` ask only once; without this they would receive nothing more. Asks one by one,
        so that a refused subscription does not affect the others."""
        try:
            while self._revoked:
                await asyncio.sleep(_RANDOM.uniform(RETRY / 2, RETRY))
                for subscription in sorted(self._revoked):
                    try:
                        if subscription in self._revoked:  # else it is not needed any more
                            await self._subscribe(subscription)
                    except HubrelayError:
                        pass  # tried again the next time
        finally:
            if self._asking is asyncio.current_task():
                self._asking = None

    def _channels_of(self, subscription: str) -> list[ChannelQueue]:
        return [channel for channel in self._channels.values()
                if subscription in channel.groups or subscription == channel.subscription]

    # Notices for consumers whose channels are in a group

    def _tell_state(self, channels: Iterable[ChannelQueue]) -> None:
        layer = self.channel_layer
        kind = layer.on_reconnect if self._is_receiving else layer.on_disconnect
        for channel in channels:
            if channel.groups:
                channel.put_state(kind, (layer.on_disconnect, layer.on_reconnect))

    def _tell_gap(self, channels: Iterable[ChannelQueue], reasons: Iterable[str], partial: bool = False,
                  first: bool = False) -> None:
        kind = self.channel_layer.on_gap
        if kind is None:
            return
        for channel in channels:
            if channel.groups:
                channel.put_gap({"type": kind, "reasons": list(reasons), "partial": partial}, first)

    def _lost(self, channels: Iterable[ChannelQueue], messages: int, reason: str, cause: Cause,
              first: bool = False) -> None:
        self._teller.drop(messages, reason, cause)
        self._tell_gap(channels, [f"messages were dropped: {reason}"], first=first)

    # Expiry

    def _expire(self, channel: ChannelQueue) -> None:
        expired = channel.expire(time.monotonic())
        if expired:
            self._lost([channel], expired, f"not received within {self.channel_layer.expiry:g} s", Cause.SLOW_READER,
                       first=True)

    def _sweep_later(self) -> None:
        if self._sweeper is None and self._channels:
            layer = self.channel_layer
            soonest = min(layer.expiry, layer.group_expiry or layer.expiry)
            self._sweeper = self._loop.call_later(min(SWEEP_PERIOD, soonest / 4), self._sweep)

    def _sweep(self) -> None:
        self._sweeper = None
        now, layer = time.monotonic(), self.channel_layer
        memberships = 0
        for channel in list(self._channels.values()):
            self._expire(channel)
            if channel.is_abandoned(now, layer.expiry):
                self._forget(channel)
            elif layer.group_expiry is not None:
                memberships += self._expire_groups(channel, now - layer.group_expiry)
        if memberships:
            LOGGER.warning("%d channels were removed from a group after group_expiry, %g s", memberships,
                           layer.group_expiry)
        self._sweep_later()

    def _expire_groups(self, channel: ChannelQueue, oldest: float) -> int:
        expired = [group for group, added in channel.groups.items() if added < oldest]
        if expired:
            self._tell_gap([channel], ["it was removed from a group after group_expiry"])
        for group in expired:
            self._leave(channel, group)
        return len(expired)


async def _end(client: AsyncClient, tasks: list["asyncio.Task[Any]"]) -> None:
    await client.close(DRAIN)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _unsubscribe(client: AsyncClient, subscription: str) -> None:
    try:
        await client.unsubscribe(subscription)
    except Closed:
        pass  # then the subscription has ended, too
