"""What goes wrong in the soak, and what each relay has to say about it.

A fault is a coroutine that makes it, waits for what must come of it, and mends it. `effects` say, for each relay:

    gaps        "yes": it must tell of a break in receiving; "no": it must not; "maybe": it may
    publishing  the same for publishing
A fault without any effect is harmless: a Status that says otherwise is a false alarm.
"""
import asyncio
import dataclasses
import signal
import time
from typing import Any

from wire import Cause, State

from .servers import LINK_TIMEOUT, harmless_stall

#: Seconds within which what must come has to come: far more than any deadline, for the sake of busy machines.
PATIENCE = 60


@dataclasses.dataclass
class Fault:
    name: str
    run: object
    weight: int = 2
    gaps: str = "no"
    publishing: str = "no"
    moves: bool = False         # another server may become the master, of some channels at least
    replaces: bool = False      # of a cluster: a replica may become the master, and the former master its replica
    relays: str = ""            # letters of those that it touches; "": all

    @property
    def is_harmless(self):
        return self.gaps == self.publishing == "no"

    def effect(self, relay, which):
        return getattr(self, which) if not self.relays or relay.letter in self.relays else "no"


class Faults:
    """All faults, on the servers of one soak."""

    def __init__(self, soak):
        self.soak, self.redis, self.relays, self.proxy = soak, soak.redis, soak.relays, soak.proxy
        self.random = soak.random
        self.all = self._everything()

    def _everything(self):
        all_out: dict[str, Any] = {"gaps": "yes", "publishing": "yes"}
        return [
            Fault("Redis killed, restarted", self.redis_killed, 4, moves=True, **all_out),
            Fault("Redis stopped for a moment", self.redis_stopped_shortly, 4),
            Fault("Redis stopped for too long", self.redis_stopped, 2, moves=True, **all_out),
            Fault("CLIENT KILL TYPE pubsub", self.pubsub_killed, 4, gaps="yes"),
            Fault("CLIENT KILL TYPE pubsub, twice", self.pubsub_killed_twice, gaps="yes"),
            Fault("CLIENT KILL TYPE normal", self.normal_killed, 4, publishing="yes"),
            Fault("CLIENT PAUSE", self.paused, 3),
            Fault("permission withdrawn", self.permission_withdrawn, gaps="yes", publishing="maybe"),
            Fault("output buffer limit", self.output_cut, gaps="yes"),
            Fault("a script that does not end", self.busy, 1, gaps="maybe", publishing="maybe"),
            Fault("relay starved", self.relay_starved, 3),
            Fault("relay restarted", self.relay_restarted, 1, relays="B", gaps="maybe", publishing="maybe"),
            Fault("relay killed", self.relay_killed, 1, relays="B", gaps="maybe", publishing="maybe"),
            *(self._with_sentinels(all_out) if self.soak.has_sentinels else self._with_one_server(all_out)),
        ]

    def _with_one_server(self, all_out):
        """What would make sentinels change the master sooner or later, and what needs a proxy, whose address they don't
        name."""
        return [
            Fault("REPLICAOF and back", self.demoted, **all_out),
            Fault("maxclients", self.maxclients, **all_out),
            Fault("network silent for a moment", self.network_stalls, 2),
            Fault("network silent", self.network_silent, 2, relays="B", **all_out),
            Fault("network cut", self.network_cut, 2, relays="B", **all_out),
        ]

    def _with_sentinels(self, all_out):
        return [
            Fault("Redis killed until replaced", self.master_killed, 4, moves=True, **all_out),
            Fault("Redis stopped until replaced", self.master_stopped, 4, moves=True, **all_out),
            Fault("failover planned", self.failover, 6, moves=True, **all_out),
            Fault("sentinel killed, restarted", self.sentinel_killed, 3),
            Fault("sentinel stopped", self.sentinel_stopped, 3),
        ]

    # MARK: Waiting

    async def until(self, what, condition, relays=None):
        """Waits until `condition` holds for the Status of every relay."""
        limit = time.monotonic() + PATIENCE
        for relay in relays or self.relays:
            while not (relay.status and condition(relay.status)):
                relay.changed.clear()
                try:
                    await asyncio.wait_for(relay.changed.wait(), max(0.01, min(0.5, limit - time.monotonic())))
                except TimeoutError:
                    if time.monotonic() >= limit:
                        self.soak.ledger.violation(f"relay {relay.letter} does not say {what}: {relay.status}")
                        return

    async def all_up(self, relays=None):
        await self.until("UP", lambda status: status.state == State.UP, relays)

    async def _until_told(self, what, gaps=0, outages=0, relays=None):
        """Waits until the relays have told of so many more gaps and outages than before the fault."""
        for relay in relays or self.relays:
            before = self.soak.before[relay.letter]
            await self.until(what, lambda now: now.gaps >= before.gaps + gaps and
                             now.outages >= before.outages + outages, [relay])

    async def some_time(self, least, most):
        await asyncio.sleep(self.random.uniform(least, most))

    # MARK: Redis

    async def redis_killed(self):
        await self.redis.kill()
        await self._until_told("that Redis is gone", 1, 1)
        await self.some_time(0, 1)
        await asyncio.to_thread(self.redis.start)

    async def redis_stopped_shortly(self):
        self.redis.freeze()
        try:
            await self.some_time(*harmless_stall)
        finally:
            self.redis.thaw()

    async def redis_stopped(self):
        self.redis.freeze()
        began = time.monotonic()
        try:
            await self._until_told("that Redis does not answer", 1, 1)
            if len(self.soak.chosen) == 1:
                self.soak.detections.append(time.monotonic() - began - LINK_TIMEOUT)
            if self.proxy:  # one server
                # The subscribe link may find out first, by as much as a heartbeat; then its end is told as both.
                await self.until("that it does not publish either", lambda now: not now.publishing, self.relays)
            await self.some_time(0, 1)
        finally:
            self.redis.thaw()

    async def pubsub_killed(self):
        await self.redis.ask("CLIENT", "KILL", "TYPE", "pubsub")
        await self._until_told("that it does not receive", 1, 1)

    async def pubsub_killed_twice(self):
        await self.pubsub_killed()
        await self.some_time(0, 0.3)
        await self.redis.ask("CLIENT", "KILL", "TYPE", "pubsub")
        await self.some_time(0.3, 0.4)

    async def normal_killed(self):
        await self.redis.ask("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        await self._until_told("that it does not publish", 0, 1)

    async def paused(self):
        await self.redis.ask("CLIENT", "PAUSE", int(self.random.uniform(*harmless_stall) * 1000),
                             self.random.choice(("ALL", "WRITE")))

    async def demoted(self):
        await self.redis.ask("REPLICAOF", "127.0.0.1", 1)
        try:
            await self._until_told("that Redis is a replica", 1, 1)
            for relay in self.relays if len(self.soak.chosen) == 1 else ():
                if relay.status.cause != Cause.DEMOTED:
                    self.soak.ledger.violation(f"relay {relay.letter} says of a replica: {relay.status}")
            await self.some_time(0, 0.5)
        finally:
            await self.redis.ask("REPLICAOF", "NO", "ONE")

    async def permission_withdrawn(self):
        """Redis closes the links of those who have lost a channel that they are subscribed to."""
        self.soak.ledger.excuses.add("NOPERM")
        losers = [app for app in self.soak.apps if app.kind == "acl-subscriber"]
        while not all(app.connection.account and ("acl.1", False) in app.connection.account.held for app in losers):
            await asyncio.sleep(0.02)
        await self.redis.ask_all("ACL", "SETUSER", "default", "resetchannels", "&s:__hubrelay:*", "&s:c.*", "&s:c.?",
                                 "&s:c.\\[0-3\\]", "&s:c.\\[45\\]", "&s:c.\\[67\\]", "&s:x.*", "&s:y.?",
                                 "&s:v.*", "&s:slow.*", "&s:barrier", "&__sentinel__:*")
        try:
            await self._until_told("that Redis has closed the link", 1, 1)
            await self.all_up()
            await self.some_time(0.2, 0.6)
        finally:
            await self.redis.ask_all("ACL", "SETUSER", "default", "allchannels")

    async def output_cut(self):
        """One message larger than Redis will keep for a subscriber."""
        await self.redis.ask("CONFIG", "SET", "client-output-buffer-limit", "pubsub 1024 0 0")
        try:
            for _ in range(100):
                await self.redis.ask("PUBLISH", "s:y.too large", "." * 100_000)
                if all(relay.status and relay.status.gaps > self.soak.before[relay.letter].gaps
                       for relay in self.relays):
                    break
                for relay in self.relays:
                    self.soak.flood(relay)
                await asyncio.sleep(0.05)
            await self._until_told("that Redis has closed the link", 1, 1)
        finally:
            await self.redis.ask("CONFIG", "SET", "client-output-buffer-limit", "pubsub 0 0 0")

    async def maxclients(self):
        await self.redis.ask("CONFIG", "SET", "maxclients", 1)
        try:
            await self.redis.ask("CLIENT", "KILL", "TYPE", "pubsub")
            await self.redis.ask("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            await self._until_told("that Redis has closed the links", 1, 1)
            await self.until("DOWN", lambda status: status.state == State.DOWN)
            await self.some_time(0, 0.7)
        finally:
            await self.redis.ask("CONFIG", "SET", "maxclients", 10000)

    async def busy(self):
        """BUSY is an answer to everything, so no publish is taken."""
        self.soak.ledger.excuses.add("BUSY")
        self.redis.watcher.close()  # another fault may have killed it
        await self.redis.watcher.ask("PING")
        await self.redis.ask("CONFIG", "SET", "busy-reply-threshold", 50)
        script = asyncio.ensure_future(self.redis.ask("EVAL", "while true do end", 0))
        await self.some_time(0.2, 1)
        try:
            await self.redis.watcher.ask("SCRIPT", "KILL")
        finally:
            await asyncio.wait({script})
            script.exception()
            await self.redis.ask("CONFIG", "SET", "busy-reply-threshold", 5000)

    # MARK: Sentinels

    async def master_killed(self):
        await self.redis.kill()
        await self._until_replaced()
        await asyncio.to_thread(self.redis.start)  # a master by itself, until somebody tells it

    async def master_stopped(self):
        self.redis.freeze()
        try:
            await self._until_replaced()
        finally:
            self.redis.thaw()
        await self.some_time(0, 1)

    async def failover(self):
        began = time.monotonic()
        await self.redis.fail_over()
        await self._until_replaced(began)

    async def _until_replaced(self, began=None):
        began = began or time.monotonic()
        await self._until_told("that the master is gone", 1, 1)
        await self.all_up()
        if len(self.soak.chosen) == 1:
            self.soak.replacements[self.soak.chosen[0].name].append(time.monotonic() - began)
        await self.some_time(0, 1)

    async def sentinel_killed(self):
        sentinel = self.random.choice(self.redis.sentinels)
        await asyncio.to_thread(sentinel.kill)
        await self.some_time(0.1, 2)
        await asyncio.to_thread(sentinel.start)

    async def sentinel_stopped(self):
        sentinel = self.random.choice(self.redis.sentinels)
        sentinel.freeze()
        seconds = self.random.uniform(0.1, 4)
        try:
            await asyncio.sleep(seconds)
        finally:
            sentinel.thaw()
        if seconds > 1.8:
            # One whose clock has leapt 2 s takes part in nothing for 30 s (TILT), unless it is restarted. With two of
            # that kind there would be no failover in time.
            await self.some_time(0, 1)
            await asyncio.to_thread(sentinel.kill)
            await asyncio.to_thread(sentinel.start)

    # MARK: Relays, and the network

    async def relay_starved(self):
        relay = self.random.choice(self.relays)
        relay.signal(signal.SIGSTOP)
        try:
            await self.some_time(0.2, 2)
        finally:
            relay.signal(signal.SIGCONT)

    async def network_stalls(self):
        self.proxy.hold()
        await self.some_time(*harmless_stall)
        self.proxy.release()

    async def network_silent(self):
        self.proxy.hold()
        await self._until_told("that nothing answers", 1, 1, [self.relays[1]])
        await self.some_time(0, 1)
        self.proxy.cut()
        self.proxy.release()

    async def network_cut(self):
        self.proxy.cut()
        await self._until_told("that it is cut off", 1, 1, [self.relays[1]])

    async def relay_restarted(self):
        await self._restart(signal.SIGTERM, 0)

    async def relay_killed(self):
        await self._restart(signal.SIGKILL, -signal.SIGKILL)

    async def _restart(self, number, code):
        relay = self.relays[1]
        relay.is_ending, relay.was_killed = True, number == signal.SIGKILL
        relay.signal(number)
        ended = await asyncio.to_thread(relay.process.wait)
        if ended != code:
            self.soak.ledger.violation(f"relay {relay.letter} ended with {ended}:\n{relay.process.output}")
        while relay.connections:
            await asyncio.sleep(0.01)
        await asyncio.to_thread(relay.start)
        while not (relay.watch and relay.watch.is_open):
            await asyncio.sleep(0.01)
        self.soak.restarted(relay)
