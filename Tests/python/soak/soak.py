"""The soak itself: start, warm up, faults at random, balance, end."""
import asyncio
import collections
import os
import random
import signal
import tempfile
import time
from typing import Any

from wire import State

from . import report
from .apps import CHANNELS, PUBLISHED, BARRIER, crowd
from .cluster import ClusterFaults, ClusterServers
from .faults import Faults, PATIENCE
from .hostile import Hostile
from .ledger import Ledger
from .servers import Proxy, RedisServer, Relay, SentinelGroup, is_asan

#: How much more memory a relay may hold at the end than after the warm-up, when it is as idle as then. The allocator
#: keeps pages that are in part in use, and how many depends on what the faults made it buffer: a window (256 KiB) for
#: each of a dozen connections, an arena of 1 MiB, the input and output of two links. AddressSanitizer adds its
#: quarantine (limited to 16 MiB below) and remembers the stack of each allocation.
TOLERANCE = 6 << 20
TOLERANCE_ASAN = 48 << 20

#: A stall of the machine, not of the relay: an alarm within as many seconds of one is counted apart.
STALL, EXCUSED = 0.4, 4


class Soak:
    redis: Any  # one server, or those of a group or of a cluster
    faults: Any  # those of these servers

    def __init__(self, seed, seconds, say, has_sentinels=False, pubsub=None):
        """`pubsub`: "sharded" or "classic" on a cluster."""
        self.seed, self.seconds, self.say = seed, seconds, say
        self.has_sentinels, self.pubsub = has_sentinels, pubsub
        self.random = random.Random(f"{seed}/faults")
        self.round = "warm-up"
        self.ledger = Ledger(lambda text: say(f"VIOLATION: {text}"), pubsub)
        self.is_quiet = self.is_over = False
        self.before, self.detections, self.recoveries = {}, [], collections.defaultdict(list)
        self.replacements = collections.defaultdict(list)
        self.made = collections.Counter()
        self.allowed = set()       # letters of relays that may say that they are not UP
        self.stalls = []
        self.told = None           # how much each relay had told when all was well
        self.tasks = []

    async def run(self):
        """Everything. Returns whether the books balance."""
        if is_asan():
            options = os.environ.get("ASAN_OPTIONS", "")
            os.environ["ASAN_OPTIONS"] = f"{options}:quarantine_size_mb=16".lstrip(":")
        with tempfile.TemporaryDirectory(prefix="hubrelay-soak-") as directory:
            await self._start_servers(directory)
            try:
                for relay in self.relays:
                    relay.start()
                await self._story()
            finally:
                for task in self.tasks:
                    task.cancel()
                if self.proxy:
                    self.proxy.close()
                for relay in self.relays:
                    relay.is_ending = relay.was_killed = True
                    if relay.process:
                        relay.process.kill()
                await self.redis.close()
        return not self.ledger.violations

    async def _start_servers(self, directory):
        if self.has_sentinels:
            self.redis, self.proxy = await asyncio.to_thread(SentinelGroup, directory), None
            self.relays = [Relay(letter, directory, self.redis.url) for letter in "AB"]
            return
        if self.pubsub:
            self.redis, self.proxy = await asyncio.to_thread(ClusterServers, directory, self.pubsub, self.seed), None
            self.relays = [Relay(letter, directory, url, **{"--cluster-pubsub": self.pubsub})
                           for letter, url in zip("AB", (self.redis.url, self.redis.short_url))]
            return
        self.redis = RedisServer(directory)
        self.proxy = Proxy(self.redis.path)
        await self.proxy.start()
        self.relays = [Relay("A", directory, f"unix://{self.redis.path}"),
                       Relay("B", directory, f"redis://127.0.0.1:{self.proxy.port}")]

    async def _story(self):
        background = [asyncio.ensure_future(each) for each in (self._watch_machine(), self._sweep())]
        self.tasks += background
        await self._begin()
        await asyncio.sleep(1.5)
        await self._end()
        baseline = {relay.letter: await self._at_rest(relay) for relay in self.relays}

        self.round = "faults"
        await self._begin()
        await self._make_faults()
        if self.pubsub and self.redis.has_extra:
            await self._make(self.faults, [self.faults.removal])
        self._end_calm()
        await self._end()
        for relay in self.relays:
            await self._compare(relay, *baseline[relay.letter])
        for task in background:
            task.cancel()
        for relay in self.relays:
            relay.signal(signal.SIGTERM)
            code = await asyncio.to_thread(relay.process.wait)
            if code != 0:
                self.ledger.violation(f"relay {relay.letter} ended with {code}:\n{relay.process.output}")

    # MARK: A round

    async def _begin(self):
        self.is_quiet = self.is_over = False
        self.apps = crowd(self, self.relays)
        peers = [Hostile(self, relay) for relay in self.relays]
        self.crowd = [asyncio.ensure_future(each.run()) for each in self.apps + peers]
        self.brief = [task for app, task in zip(self.apps, self.crowd) if app.is_brief]
        self.tasks += self.crowd
        self.faults = ClusterFaults(self) if self.pubsub else Faults(self)
        self.allowed = {relay.letter for relay in self.relays}
        while not all(relay.watch and relay.watch.is_open for relay in self.relays):
            self._raise_errors()
            await asyncio.sleep(0.01)
        await self.faults.all_up()
        self.allowed = set()

    def _raise_errors(self):
        for task in self.crowd:
            if task.done() and task.exception():
                raise task.exception()

    async def _make_faults(self):
        end = time.monotonic() + self.seconds
        faults = self.faults
        self._begin_calm()
        weights = [fault.weight for fault in faults.all]
        while time.monotonic() < end and len(self.ledger.violations) < 20:
            self._raise_errors()
            await asyncio.sleep(self.random.choice((0.1, 0.3, 1)))
            chosen = self.random.choices(faults.all, weights)
            if self.random.random() < 0.25:
                chosen = self._several(faults.all, weights)
            await self._make(faults, chosen)

    def _several(self, faults, weights):
        """Faults that are under way together. Two harmless stalls would add up to one that is not, and a fault that
        waits for something must not wait for what another fault keeps from happening."""
        apart = ("Redis killed", "Redis stopped for too", "permission", "output", "maxclients", "a script", "relay ",
                 "REPLICAOF", "Redis stopped until", "failover", "slots", "node", "replica")
        chosen = []
        for fault in self.random.choices(faults, weights, k=3):
            clash = [other for other in chosen if other is fault or (other.is_harmless and fault.is_harmless)
                     or (other.name.startswith(apart) and fault.name.startswith(apart))
                     # The end of a short one would be the end of the long one.
                     or other.name.split()[0] == fault.name.split()[0] in ("Redis", "network", "sentinel")]
            # A relay that is restarted counts its gaps from 0 again, and no other fault could wait for them.
            if not clash and fault.name not in ("relay restarted", "relay killed"):
                chosen.append(fault)
        return chosen

    async def _make(self, faults, chosen):
        names = " + ".join(fault.name for fault in chosen)
        self._end_calm()
        self.ledger.note(f"FAULT {names}")
        if self.pubsub:
            await self.redis.choose(self.random)
        self.chosen = chosen
        for fault in chosen:
            self.made[fault.name] += 1
        self.before = {relay.letter: relay.status for relay in self.relays}
        lengths = {relay.letter: len(relay.log) for relay in self.relays}
        self.allowed = {relay.letter for relay in self.relays
                        if any(fault.effect(relay, which) != "no" for fault in chosen
                               for which in ("gaps", "publishing"))}
        if (self.has_sentinels or self.pubsub) and any(fault.moves for fault in chosen):
            self.ledger.begin_move(any(fault.replaces for fault in chosen))
        for result in await asyncio.gather(*(fault.run() for fault in chosen), return_exceptions=len(chosen) > 1):
            if isinstance(result, Exception) and not isinstance(result, (OSError, EOFError)):
                raise result
        began = time.monotonic()
        await self._mend()
        await faults.all_up()
        self.ledger.end_move()
        if self.allowed:
            self.recoveries[names if len(chosen) == 1 else "several at once"].append(time.monotonic() - began)
        # What a relay has not read yet of the fault has time to be told; so has a false alarm, which is not taken for
        # the next fault's.
        await asyncio.sleep(0.3)
        await faults.all_up()
        self.ledger.note(f"MENDED {names}")
        for relay in self.relays:
            self._judge(relay, chosen, relay.log[lengths[relay.letter]:])
        self.allowed = set()
        self._begin_calm()

    def _begin_calm(self):
        self.told = {relay.letter: len(relay.log) for relay in self.relays}
        self.ledger.begin_calm()

    def _end_calm(self):
        """Nothing was wrong since all was mended, so nothing may have failed, and nothing been told."""
        failed = self.ledger.end_calm()
        for relay in self.relays if self.told else ():
            said = [f"{status}" for status in relay.log[self.told[relay.letter]:] if status.state != State.UP]
            if said := said + [each for each in failed if each.startswith(relay.letter)]:
                self.false_alarm(relay, f"while nothing was wrong: {len(said)} times, {said[0]}")
        self.told = None

    async def _mend(self):
        """Makes good what faults that came at once may have left, each having been told that Redis is gone."""
        if self.proxy:
            self.proxy.release()
        await self.redis.mend()
        for relay in self.relays if self.has_sentinels else ():
            await self._at_the_master(relay)
        if self.pubsub == "sharded":
            await self._at_their_nodes()

    async def _at_their_nodes(self):
        """Waits until every channel that all relays hold is held at its node, and only there."""
        limit, wanted = time.monotonic() + PATIENCE, {f"s:{name}": len(self.relays) for name in CHANNELS}
        while True:
            found, _ = await self.redis.names()
            if wanted.items() <= found.items() and not any(" at " in name for name in found):
                return
            if time.monotonic() > limit:
                return self.ledger.violation(f"channels are not at their nodes: {found}")
            await asyncio.sleep(0.02)

    async def _at_the_master(self, relay):
        """Waits until both of a relay's links are where all sentinels say."""
        limit, wanted = time.monotonic() + PATIENCE, f":{self.redis.current.port}"
        while True:
            links = (await relay.health())[1]["links"]
            if all(link["up"] and link["address"].endswith(wanted) for link in links):
                return
            if time.monotonic() > limit:
                return self.ledger.violation(f"relay {relay.letter} is not at the master {wanted}: {links}")
            await asyncio.sleep(0.02)

    def _judge(self, relay, chosen, statuses):
        """Whether a relay has told of what happened, and of nothing else."""
        before = self.before[relay.letter]
        if before is None or (not statuses and all(
                fault.effect(relay, which) != "yes" for fault in chosen for which in ("gaps", "publishing"))):
            return
        for which, happened in (("gaps", any(s.gaps > before.gaps for s in statuses)),
                                ("publishing", any(not s.publishing for s in statuses))):
            effects = {fault.effect(relay, which) for fault in chosen}
            # Of several, one may be over before it would have shown, as soon as another has.
            if effects == {"yes"} and not happened and len(chosen) == 1:
                self.ledger.violation(f"relay {relay.letter} has not told of {[f.name for f in chosen]}: {which}")
            if effects == {"no"} and happened:
                self.false_alarm(relay, f"{which}, though this has no part in {[f.name for f in chosen]}: {statuses}")

    def false_alarm(self, relay, text):
        if any(time.monotonic() - at < EXCUSED for at in self.stalls):
            self.ledger.counts["alarms while the machine stood still"] += 1
            self.ledger.note(f"alarm of relay {relay.letter} while the machine stood still: {text}")
            return
        self.ledger.counts["false alarms"] += 1
        self.ledger.violation(f"false alarm of relay {relay.letter}: {text}")

    def restarted(self, relay):
        """A relay of which nothing that it said before counts any more."""
        self.before[relay.letter] = None

    def flood(self, relay):
        """Something large to everyone who subscribes to c.1."""
        for app in self.apps:
            if app.relay is relay and app.kind == "publisher" and app.connection and app.connection.is_open:
                app.connection.publish("c.1", 40000)
                return

    # MARK: In the background

    async def _watch_machine(self):
        """Notes when the machine stands still: this process, or a Redis that nobody has stopped."""
        while True:
            began = time.monotonic()
            await asyncio.sleep(0.05)
            if (late := time.monotonic() - began - 0.05) > STALL:
                self.ledger.counts["stalls of the machine"] += 1
                self.ledger.note(f"this process stood still for {late:.2f} s")
                self.stalls = [*self.stalls[-9:], time.monotonic()]

    async def _sweep(self):
        while True:
            await asyncio.sleep(0.5)
            self.ledger.settle()
            for relay in self.relays:
                if not relay.is_ending:
                    relay.memory()
                for connection in relay.connections:
                    if (late := connection.late(PATIENCE)):
                        self.ledger.violation(f"{connection.name}: {late} requests without a Reply for {PATIENCE} s")
                        connection.pending.clear()

    # MARK: The balance

    async def _end(self):
        """Lets everything come to rest, and balances the books."""
        self.is_quiet = True
        await self._wait("every visitor gone", lambda: all(task.done() for task in self.brief))
        await self._wait("every request answered", lambda: not any(
            connection.pending for relay in self.relays for connection in relay.connections
            if connection.account and not connection.name.split("/")[1].startswith(("watcher", "barrier"))))
        # A barrier sent from here on is evidence for everything.
        start = self.ledger.tick()
        await self._wait("a barrier at every subscriber", lambda: all(
            self._is_proven(connection.account, start) for relay in self.relays for connection in relay.connections
            if (BARRIER, False) in connection.account.held))
        self.ledger.settle()
        self._look_for_rest()
        await self._names(self._held())
        self.is_over = True
        for relay in self.relays:
            for connection in list(relay.connections):
                connection.finish()
        await self._wait("every connection closed",
                         lambda: not any(relay.connections for relay in self.relays) and
                         all(task.done() for task in self.crowd))
        self._raise_errors()
        await self._names({})
        for relay in self.relays:
            await self._idle(relay)
            relay.watch = None

    def _is_proven(self, account, start):
        """Whether all that it holds has brought something that was sent after `start`."""
        ways = {None: [None], "classic": [relay.letter for relay in self.relays],
                "sharded": [name for name, _ in account.held if name in PUBLISHED]}[self.pubsub]
        return all(account.evidence[way] > start for way in ways)

    async def _wait(self, what, condition):
        limit = time.monotonic() + PATIENCE
        while not condition():
            self._raise_errors()
            if time.monotonic() > limit:
                return self.ledger.violation(f"at the end, not within {PATIENCE} s: {what}")
            await asyncio.sleep(0.02)

    def _look_for_rest(self):
        """Everything is known now, so nothing may be left unsettled."""
        for account in self.ledger.accounts:
            for subscription in account.held.values():
                for watch in subscription.watches.values():
                    if "/barrier" not in watch.stream.owner.name and watch.next < watch.stream.length:
                        self.ledger.violation(f"{account.name} by {subscription.name}: not settled from {watch.next} "
                                              f"of {watch.stream.length} of {watch.stream} on")

    def _held(self):
        """What Redis has to know: how many relays hold each channel; the patterns as None."""
        wanted = collections.Counter()
        for relay in self.relays:
            names = {name for connection in relay.connections for name in connection.account.held}
            for name, is_pattern in names:
                wanted["s:" + name, is_pattern] += 1
        return wanted

    async def _names(self, wanted):
        """Compares with Redis's own count, which follows an Unsubscribe a moment later."""
        channels = {name: count for (name, is_pattern), count in wanted.items() if not is_pattern}
        patterns = {name: count for (name, is_pattern), count in wanted.items() if is_pattern}
        # Each node of a cluster counts those of its own clients.
        fitting = range(len(patterns), (sum(patterns.values()) if self.pubsub else len(patterns)) + 1)
        limit = time.monotonic() + PATIENCE
        while True:
            found, count = await self.redis.names()
            if found == channels and count in fitting:
                return
            if time.monotonic() > limit:
                differs = {name: (found.get(name, 0), channels.get(name, 0)) for name in {*found, *channels}
                           if found.get(name, 0) != channels.get(name, 0)}
                return self.ledger.violation(f"PUBSUB NUMSUB, found and wanted: {differs}; NUMPAT {count}, wanted "
                                             f"{len(patterns)}: {sorted(patterns)}")
            await asyncio.sleep(0.05)

    async def _idle(self, relay):
        """/health agrees that nothing is held and that all is well."""
        async def differences():
            code, health = await relay.health()
            wanted = {"status": "up", "connections": 0, "subscriptions": 0, "names": 0, "buffered_bytes": 0}
            found = {key: health[key] for key in wanted}
            if code == 200 and found == wanted and health["publishes"]["in_flight"] == 0:
                return None
            return code, found, health["publishes"]
        limit = time.monotonic() + PATIENCE
        while (found := await differences()):
            if time.monotonic() > limit:
                return self.ledger.violation(f"/health of relay {relay.letter}: {found}")
            await asyncio.sleep(0.05)

    async def _at_rest(self, relay):
        """Memory and descriptors, once no connection is on its way out any more."""
        counts = []
        while len(counts) < 10 or len(set(counts[-10:])) > 1:
            counts.append(relay.descriptors())
            await asyncio.sleep(0.05)
        return relay.memory(), counts[-1]

    async def _compare(self, relay, memory, descriptors):
        limit = time.monotonic() + PATIENCE
        while relay.descriptors() != descriptors:
            if time.monotonic() > limit:
                self.ledger.violation(f"relay {relay.letter} has {relay.descriptors()} descriptors, not {descriptors}")
                break
            await asyncio.sleep(0.05)
        self.memory = getattr(self, "memory", {})
        self.memory[relay.letter] = (memory, relay.memory(), relay.most_memory)
        tolerance = TOLERANCE_ASAN if is_asan() else TOLERANCE
        if relay.memory() > memory + tolerance:
            self.ledger.violation(f"relay {relay.letter} holds {relay.memory() >> 10} KiB, after the warm-up it was "
                                  f"{memory >> 10} KiB")

    # MARK: The report

    def table(self):
        mib = 1 << 20
        rows = [("seed", self.seed), ("faults made", sum(self.made.values()))]
        rows += [(f"  {name}", count) for name, count in sorted(self.made.items())]
        rows += [(f"  back UP after it was mended, median s: {name}", report.median(times))
                 for name, times in sorted(self.recoveries.items())]
        rows += [(f"  from the fault to UP at another master, median and worst s: {name}",
                  f"{report.median(times):.2f} {max(times):.2f}") for name, times in sorted(self.replacements.items())]
        rows += [("a stopped Redis found out after the deadline, worst s", max(self.detections, default=0.0))]
        rows += sorted(self.ledger.counts.items())
        for letter, (before, after, most) in getattr(self, "memory", {}).items():
            rows.append((f"relay {letter}, MiB after the warm-up, at the most, at the end",
                         f"{before / mib:.1f} {most / mib:.1f} {after / mib:.1f}"))
        for name in ("false alarms", "alarms while the machine stood still"):
            if name not in self.ledger.counts:
                rows.append((name, 0))
        rows.append(("violations", len(self.ledger.violations)))
        return report.table(rows)
