"""The apps of the soak: what they do between the faults, and during them.

Each is a task that opens a connection, uses it until it is over, and opens the next. Rates are such that Python, two
relays with AddressSanitizer and Redis together leave a machine of two cores room to breathe.
"""
import asyncio
import random
from typing import Any

from .connection import Connection, Gone

CHANNELS = [f"c.{number}" for number in range(8)]
#: Everyone who subscribes has this one too: what comes on it is evidence for all the rest.
BARRIER = "barrier"
#: All that anybody publishes on. With sharded pub/sub a barrier is evidence for its own channel, so each has one.
PUBLISHED = [*CHANNELS, BARRIER, "slow.1", "acl.1"]


class App:
    """One app at one relay. Subclasses say how they `live` on a connection."""

    kind = "app"
    #: Whether it comes and goes, and so has to be gone before the books are balanced.
    is_brief = False
    connection = None
    generation = 0

    def __init__(self, soak, relay, number=0):
        self.soak, self.relay = soak, relay
        self.name = f"{relay.letter}/{self.kind}{number or ''}"
        self.random = random.Random(f"{soak.seed}/{soak.round}/{self.name}")

    @property
    def is_over(self):
        return self.soak.is_quiet if self.is_brief else self.soak.is_over

    async def run(self):
        while not self.is_over:
            try:
                self.generation += 1
                self.connection = await Connection.open(
                    self.soak.ledger, self.relay, f"{self.name}#{self.generation}")
                if self.is_over:
                    return self.connection.finish()
                await self.live(self.connection)
            except (OSError, Gone):
                # The relay is being restarted; other ends of a connection are the ledger's business.
                await asyncio.sleep(0.05)

    async def live(self, connection):
        raise NotImplementedError

    def patterns_of(self, patterns):
        """These, unless there are none."""
        return [] if self.soak.pubsub == "sharded" else patterns

    async def pause(self, seconds):
        """Sleeps for about this long."""
        await asyncio.sleep(self.random.uniform(0.5, 1.5) * seconds)

    async def while_it_lasts(self, connection):
        await asyncio.wait({connection.over})
        raise Gone


class Watcher(App):
    """Reads every Status, and asks for nothing but a Ping now and then."""
    kind = "watcher"

    async def live(self, connection):
        self.relay.watch = connection
        self.relay.changed.set()
        while True:
            await connection.ping()
            await self.pause(0.1)


class Publisher(App):
    """Publishes with ids, in bursts, some of them large."""
    kind = "publisher"
    channels = CHANNELS

    async def live(self, connection):
        while not self.soak.is_quiet:
            for _ in range(self.random.choice((1, 1, 2, 5, 10))):
                await connection.room()
                connection.publish(self.random.choice(self.channels), self.size())
            await self.pause(0.12)
        await self.while_it_lasts(connection)

    def size(self):
        return self.random.choice((0, 20, 50, 200, 1000)) if self.random.random() < 0.98 else 30000


class MixedPublisher(Publisher):
    """Publishes mostly without ids. It starts a new connection now and then, so that the sums are checked often."""
    kind = "mixed"
    is_brief = True

    async def live(self, connection):
        for _ in range(self.random.randrange(20, 100)):
            for _ in range(self.random.choice((1, 5, 20))):
                await connection.room()
                connection.publish(self.random.choice(self.channels[:4]), self.size(), has_id=False)
            connection.publish(self.random.choice(self.channels[:4]), self.size())
            if self.soak.is_quiet:
                break
            await self.pause(0.2)
        connection.finish()
        await self.while_it_lasts(connection)


class SlowPublisher(Publisher):
    """Publishes for the slow readers, more than they read."""
    kind = "flood"

    async def live(self, connection):
        while not self.soak.is_quiet:
            for _ in range(self.random.randrange(1, 8)):
                await connection.room(50)
                connection.publish("slow.1", self.random.choice((100, 6000, 20000)))
            await self.pause(0.08)
        await self.while_it_lasts(connection)


class ForbiddenPublisher(Publisher):
    """Publishes where Redis will not always let it."""
    kind = "acl-publisher"
    channels = ["acl.1"]

    async def live(self, connection):
        while not self.soak.is_quiet:
            await connection.room()
            connection.publish("acl.1", 20)
            await self.pause(0.2)
        await self.while_it_lasts(connection)


class BarrierPublisher(App):
    kind = "barrier"

    async def live(self, connection):
        while True:
            await connection.room()
            for channel in PUBLISHED if self.soak.pubsub == "sharded" else (BARRIER,):
                connection.publish(channel, 0)
            await self.pause(0.2)


class Subscriber(App):
    """Holds channels and patterns, some of them overlapping, for as long as the relay lives."""
    kind = "subscriber"
    channels, patterns = (), ()

    async def live(self, connection):
        names = self.names()
        await connection.subscribe(BARRIER, *names[0], patterns=names[1])
        await self.while_it_lasts(connection)

    def names(self):
        return self.random.sample(CHANNELS, 3), self.patterns_of(self.random.sample(["c.[0-3]", "c.?", "c.[67]"], 1))


class Observer(Subscriber):
    """Sees every message of the ordinary channels."""
    kind = "observer"

    def names(self):
        return (CHANNELS, []) if self.soak.pubsub == "sharded" else (["c.1"], ["c.*"])


class ForbiddenSubscriber(Subscriber):
    """Subscribes again whenever its permission has come back."""
    kind = "acl-subscriber"

    async def live(self, connection):
        await connection.subscribe(BARRIER)
        while True:
            if ("acl.1", False) not in connection.account.held and not self.soak.is_quiet:
                await connection.subscribe("acl.1")
            await self.pause(0.1)
            if connection.over.done():
                raise Gone


class SlowReader(Subscriber):
    """Stops reading for a while, again and again."""
    kind = "slow"

    async def live(self, connection):
        await connection.subscribe(BARRIER, "slow.1")
        while not self.soak.is_quiet and connection.is_open:
            connection.transport.pause_reading()
            await self.pause(1.5)
            connection.transport.resume_reading()
            await self.pause(0.5)
        await self.while_it_lasts(connection)


class Churner(App):
    """Subscribes and unsubscribes without waiting, to what others hold and to what nobody else does."""
    kind = "churner"

    async def live(self, connection):
        await connection.subscribe(BARRIER)
        while not self.soak.is_quiet:
            channels = self.random.sample(CHANNELS + [f"x.{number}" for number in range(40)], 6)
            patterns = self.patterns_of(
                self.random.sample(["c.[0-3]", "c.[45]", "x.*", "y.?"], self.random.randrange(2)))
            replies = []
            for _ in range(self.random.randrange(1, 4)):
                await connection.room()
                ask = self.random.choice((connection.subscribe, connection.subscribe, connection.unsubscribe))
                replies.append(ask(*self.random.sample(channels, 4), patterns=patterns))
            if self.random.random() < 0.7:
                await asyncio.gather(*replies, return_exceptions=True)
            for reply in replies:
                reply.add_done_callback(lambda each: each.cancelled() or each.exception())
            await self.pause(0.1)
        await self.while_it_lasts(connection)


class Visitor(App):
    """Comes, does a little of everything, and goes: in peace, at once, or in the middle of a frame. It asks for a
    pattern where there are none, too."""
    kind = "visitor"
    is_brief = True

    async def live(self, connection):
        private = [f"v.{self.name}.{number}" for number in range(self.random.randrange(30))]
        patterns = ["c.[0-3]"] if self.random.random() < 0.5 else self.patterns_of(["c.[0-3]"])
        replies = [connection.subscribe(*private, *self.random.sample(CHANNELS, 2), patterns=patterns)]
        for _ in range(self.random.randrange(20)):
            connection.publish(self.random.choice(CHANNELS), self.size())
            connection.publish(self.random.choice(CHANNELS), self.size(), has_id=False)
        replies.append(connection.ping())
        for reply in replies:
            reply.add_done_callback(lambda each: each.cancelled() or each.exception())
        await self.pause(self.random.choice((0, 0.02, 1)))
        end = self.random.choice((connection.finish, connection.finish, connection.abort,
                                  connection.abort_in_mid_frame))
        end()
        await asyncio.wait({connection.over})
        await self.pause(0.3)

    def size(self):
        return self.random.choice((0, 100, 2000))


def crowd(soak, relays):
    """The apps of one round."""
    apps: list[Any] = [SlowPublisher(soak, relays[-1])]
    # The bus of a cluster keeps in order what one relay publishes, so the evidence of each is its own.
    apps += [BarrierPublisher(soak, relay) for relay in (relays if soak.pubsub == "classic" else relays[:1])]
    for relay in relays:
        apps += [Watcher(soak, relay), Publisher(soak, relay, 1), Publisher(soak, relay, 2),
                 MixedPublisher(soak, relay), Observer(soak, relay), Subscriber(soak, relay, 1),
                 Subscriber(soak, relay, 2), SlowReader(soak, relay), Churner(soak, relay), Visitor(soak, relay),
                 ForbiddenSubscriber(soak, relay), ForbiddenPublisher(soak, relay)]
    return apps
