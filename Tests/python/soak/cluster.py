"""The soak on a Redis Cluster: its servers, and what goes wrong there."""
import asyncio
import collections
import random
import time
from typing import Any

from clusters import Cluster, slot_of, until

from .apps import CHANNELS, PUBLISHED
from .faults import Fault, Faults
from .servers import DOWN_AFTER, SETTINGS, Control, names_at

#: The slots of what anybody publishes on.
USED = [slot_of(f"s:{name}") for name in PUBLISHED]


class ClusterServers:
    """Three masters with a replica each. What is done to Redis is done to `current`: a master of channels in use when
    the fault began."""

    def __init__(self, directory, pubsub, seed):
        self.pubsub, choice = pubsub, random.Random(f"{seed}/cluster")
        # The bus drops a connection after half of the timeout, and what is on it: no harmless stall may take as long
        # where all messages go over the bus.
        self.cluster = Cluster(directory, node_timeout=DOWN_AFTER * (2 if pubsub == "classic" else 1),
                               full_coverage=choice.random() < 0.5)
        self.url = self.cluster.url
        self.short_url = ",".join(self.url.split(",")[:2])
        self.current, self._controls = self.cluster.nodes[0], {}

    async def choose(self, choice):
        used = await asyncio.to_thread(self.used)
        self.current = choice.choice([node for node in used if node not in self.cluster.extra])
        self.slot = used[self.current][0]

    def used(self):
        """The masters of the channels that every relay holds, and the slots of these."""
        owners, found = self.cluster.map(), collections.defaultdict(list)
        for slot in USED[:len(CHANNELS)]:
            found[owners[slot]].append(slot)
        return found

    @property
    def has_extra(self):
        return bool(self.cluster.extra)

    # MARK: As the servers of other soaks

    def _control(self, node, number=0):
        return self._controls.setdefault((node, number), Control(node.path))

    @property
    def watcher(self):
        return self._control(self.current, 1)

    def start(self):
        self.current.start()

    async def kill(self):
        await asyncio.to_thread(self.current.kill)

    def freeze(self):
        self.current.freeze()

    def thaw(self):
        self.current.thaw()

    async def ask(self, *words):
        return await self._control(self.current).ask(*words)

    async def ask_all(self, *words):
        for node in self.cluster.nodes:
            await self._control(node).ask(*words)

    async def names(self):
        """How many clients hold each channel, over all nodes, and how many patterns. Of sharded pub/sub, a channel at
        a node that has not its slot is told apart."""
        found, patterns = collections.Counter(), 0
        owners = await asyncio.to_thread(self.cluster.map)
        for node in self.cluster.nodes:
            if self.pubsub == "classic":
                numbers, count = await names_at(self._control(node).ask)
                found.update(numbers)
                patterns += count
                continue
            known = [name for name in await self._control(node).ask("PUBSUB", "SHARDCHANNELS", "s:*")
                     if "__hubrelay:" not in name]
            numbers = await self._control(node).ask("PUBSUB", "SHARDNUMSUB", *known)
            for name, count in zip(numbers[::2], numbers[1::2]):
                found[name if owners.get(slot_of(name)) is node else f"{name} at {node.port}"] += count
        return dict(found), patterns

    async def mend(self):
        """Brings back what is away, and waits until the nodes agree. What faults may have set goes everywhere."""
        await asyncio.to_thread(self.cluster.mend)
        for control in self._controls.values():
            control.close()
        self._controls.clear()
        for command in SETTINGS:
            await self.ask_all(*command)

    async def close(self):
        for control in self._controls.values():
            control.close()
        await asyncio.to_thread(self.cluster.close)


class ClusterFaults(Faults):
    """All faults, on a cluster. With sharded pub/sub a fault of one node concerns every relay, since each has channels
    at every node; with classic only those that have one of their two links there, and slots mean nothing."""

    def _everything(self):
        self._is_classic = self.soak.pubsub == "classic"
        some: dict[str, Any] = {"gaps": "maybe" if self._is_classic else "yes", "publishing": "maybe"}
        moved: dict[str, Any] = {"gaps": "no" if self._is_classic else "yes",
                                 "publishing": "no" if self._is_classic else "maybe"}
        # Its slots are few, and those in use may have gone elsewhere.
        self.removal = Fault("node removed", self.node_removed, 3, moves=True, gaps="maybe", publishing="maybe")
        return [
            Fault("Redis killed, restarted", self.redis_killed, 4, moves=True, **some),
            Fault("Redis stopped for a moment", self.redis_stopped_shortly, 4),
            Fault("Redis stopped for too long", self.redis_stopped, 3, moves=True, replaces=True, **some),
            Fault("Redis killed until replaced", self.master_killed, 4, moves=True, replaces=True, **some),
            Fault("Redis stopped until replaced", self.master_stopped, 4, moves=True, replaces=True, **some),
            Fault("failover planned", self.failover, 6, moves=True, replaces=True, **some),
            Fault("replica killed, restarted", self.replica_killed, 2, gaps="maybe" if self._is_classic else "no",
                  publishing="maybe" if self._is_classic else "no", moves=self._is_classic),
            Fault("slots moved one by one", self.slots_moved, 6, moves=True, **moved),
            Fault("slots moved at once", self.slots_moved_at_once, 6, moves=True, **moved),
            Fault("node added", self.node_added, 4, moves=True, **moved),
            self.removal,
            Fault("CLIENT KILL TYPE pubsub", self.pubsub_killed, 4, gaps=some["gaps"]),
            Fault("CLIENT KILL TYPE pubsub, twice", self.pubsub_killed_twice, gaps=some["gaps"]),
            Fault("CLIENT KILL TYPE normal", self.normal_killed, 4, publishing="maybe"),
            Fault("CLIENT PAUSE", self.paused, 3),
            Fault("permission withdrawn", self.permission_withdrawn, gaps="yes", publishing="maybe"),
            Fault("a script that does not end", self.busy, 1, gaps="maybe", publishing="maybe"),
            Fault("relay starved", self.relay_starved, 3),
            Fault("relay restarted", self.relay_restarted, 1, relays="B", gaps="maybe", publishing="maybe"),
            Fault("relay killed", self.relay_killed, 1, relays="B", gaps="maybe", publishing="maybe"),
        ]

    async def _until_told(self, what, gaps=0, outages=0, relays=None):
        if self._is_classic:  # whom it concerns, its links decide
            return await self.some_time(0.2, 2)
        await super()._until_told(what, gaps, outages, relays)

    async def normal_killed(self):
        """One with few slots may be without a publish link for so short a time that nothing fails."""
        await self.redis.ask("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        await self.some_time(0, 0.5)

    async def _until_replaced(self, began=None):
        began, master = began or time.monotonic(), self.redis.current
        if self._is_classic:
            await asyncio.to_thread(until, "a takeover", lambda: self.redis.cluster.replaced(master, self.redis.slot))
        await super()._until_replaced(began)

    async def failover(self):
        began = time.monotonic()
        await asyncio.to_thread(self.redis.cluster.fail_over, self.redis.current)
        await self._until_told("that the master is another", 1)
        await self.all_up()
        if len(self.soak.chosen) == 1:
            self.soak.replacements[self.soak.chosen[0].name].append(time.monotonic() - began)
        await self.some_time(0, 1)

    async def replica_killed(self):
        replicas = [node for node in self.redis.cluster.nodes if node not in self.redis.cluster.masters()]
        replica = self.random.choice(replicas)
        await asyncio.to_thread(replica.kill)
        await self.some_time(0.1, 3)
        await asyncio.to_thread(replica.start)

    # MARK: Slots

    def _movable(self, most, target):
        """`target`, or any master, and slots in use that it may get from others: at least one that every relay holds,
        and of those every master keeps one."""
        cluster, held, owners = self.redis.cluster, self.redis.used(), self.redis.cluster.map()
        targets = [target] if target else self.random.sample(cluster.masters(), len(cluster.masters()))
        for target in targets:
            first = [slot for node, slots in held.items() if node is not target for slot in slots[1:]]
            if first:
                break
        slots = {self.random.choice(first)}
        for slot in self.random.sample(USED, len(USED)):
            owner = owners[slot]
            kept = [each for each in held.get(owner, ()) if each not in slots]
            if len(slots) < most and owner is not target and kept != [slot]:
                slots.add(slot)
        return sorted(slots), target

    async def slots_moved(self):
        tells_all = self.random.random() < 0.5
        await self._move(6, lambda slots, target: self.redis.cluster.migrate(slots, target, tells_all))

    async def slots_moved_at_once(self):
        await self._move(9, self._migrate_with_neighbours)

    def _migrate_with_neighbours(self, slots, target):
        """Together with many that nobody uses."""
        owners, shares = self.redis.cluster.map(), collections.defaultdict(set)
        for slot in slots:
            source = owners[slot]
            shares[source] |= {slot} | {near for near in range(slot - 20, slot + 20)
                                        if owners.get(near) is source and near not in USED}
        for source, share in shares.items():
            self.redis.cluster.migrate_many(sorted(share), source, target)

    async def _move(self, most, migrate, target=None):
        slots, target = await asyncio.to_thread(self._movable, self.random.randrange(1, most), target)
        await asyncio.to_thread(migrate, slots, target)
        await self._until_told("that slots have moved", 1)
        await self.some_time(0, 0.5)

    async def node_added(self):
        """Only one at a time; some slots move in any case, then to any master."""
        cluster = self.redis.cluster
        target = None if cluster.extra else await asyncio.to_thread(cluster.add)
        await self._move(5, self._migrate_with_neighbours, target)

    async def node_removed(self):
        if self.redis.has_extra:
            await asyncio.to_thread(self.redis.cluster.remove, self.redis.cluster.extra[0])
            await self.some_time(0, 0.5)
