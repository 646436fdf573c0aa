"""The run: a warm-up, segments of random frames with and without faults, a look at everything behind each, the end."""
import asyncio
import collections
import itertools
import os
import random
import signal
import sys
import tempfile
import time
from typing import Any

import wire
from soak import report
from soak.servers import Relay, RedisServer, SentinelGroup, is_asan
from soak.soak import TOLERANCE, TOLERANCE_ASAN

from .actors import App, Clerk, Flooder, Neighbour
from .contract import Limits, Model
from .faults import Faults
from .links import PREFIX, Outside, Proxy, Subscriber
from .peer import Gone

#: Seconds after which what must come has not come: far more than any deadline, for the sake of busy machines.
PATIENCE = 60
#: A stall of the machine: an alarm within as many seconds of one has an excuse.
STALL, EXCUSED = 0.4, 5


class Fuzz:
    redis: Any  # one server, or a group of them
    half_frame = 2      # seconds, the soak's --frame-timeout

    def __init__(self, seed, seconds, say, has_sentinels=False):
        self.seed, self.seconds, self.say, self.has_sentinels = seed, seconds, say, has_sentinels
        self.random = random.Random(f"{seed}/fuzz")
        limits = Limits(self.random.choice((16, 64, 200)) << 10, self.random.choice((20, 300, 3000)))
        self.model = Model(limits, lambda text: say(f"VIOLATION: {text}"))
        self.tokens = itertools.count(1)
        self.peers, self.clerk, self.bystander = set(), None, None
        self.is_paused, self.arrived, self.goes_on = False, asyncio.Event(), asyncio.Event()
        self.made = collections.Counter()
        self.pings, self.longest, self.longest_stall = 0.0, 0.0, 0.0
        self.stalls, self._beat, self.excused = [], time.monotonic(), 0
        self.tasks, self.segments = [], 0

    async def run(self):
        """Everything. Returns whether the model has found nothing."""
        if is_asan():
            options = os.environ.get("ASAN_OPTIONS", "")
            os.environ["ASAN_OPTIONS"] = f"{options}:quarantine_size_mb=16".lstrip(":")
        with tempfile.TemporaryDirectory(prefix="hubrelay-fuzz-") as directory:
            await self._start(directory)
            try:
                await self._story()
            finally:
                await self._clean_up()
        return not self.model.violations

    async def _start(self, directory):
        limits = self.model.limits
        if self.has_sentinels:
            self.redis, self.proxy = await asyncio.to_thread(SentinelGroup, directory), None
        else:
            self.redis = RedisServer(directory)
            self.proxy = Proxy(directory, self.redis.path, self.seed)
            await self.proxy.start()
        self.relay = Relay("A", directory, (self.proxy or self.redis).url, **{
            "--max-payload": f"{limits.max_payload}", "--max-subscriptions-per-connection": f"{limits.max_names}"})
        await self._subscribe()
        self.relay.start()

    async def _subscribe(self):
        """At the server that is the master, to all that it takes."""
        path = self.redis.current.path if self.has_sentinels else self.redis.path
        self.subscriber = await Subscriber.open(path, self.model.records)
        self.outside = Outside(path, self.model, self.tokens, random.Random(f"{self.seed}/outside/{self.segments}"))
        self.model.records.went_blind()

    async def _clean_up(self):
        for task in self.tasks:
            task.cancel()
        if self.bystander and self.bystander.returncode is None:
            self.bystander.kill()
        if self.proxy:
            self.proxy.close()
        if self.relay.process:
            self.relay.process.kill()
        await self.redis.close()

    # MARK: The story

    async def _story(self):
        self.faults = Faults(self)
        self.model.disturb("the start")
        self.tasks = [asyncio.ensure_future(self._watch())]
        self._enter(2)
        await self._segment(False)
        baseline = await self._at_rest()
        end = time.monotonic() + self.seconds
        self._enter(8)
        await self._begin_bystander()
        while time.monotonic() < end and len(self.model.violations) < 10:
            await self._segment(self.random.random() < 0.6)
        await self._end_bystander()
        if not self.model.violations:
            await self._compare(*baseline)
            await self._stop()

    def _enter(self, count):
        """Lets everybody in."""
        begin = len(self.tasks)
        actors: list[Any] = [App(self, f"{begin}/app{number}") for number in range(count)]
        actors += [Clerk(self, f"{begin}/clerk"), Flooder(self, f"{begin}/flooder"),
                   Neighbour(self, f"{begin}/neighbour")]
        self.actors = actors
        self.actor_tasks = [asyncio.ensure_future(actor.run()) for actor in actors]
        self.tasks += self.actor_tasks

    async def _begin_bystander(self):
        script = os.path.join(os.path.dirname(__file__), "bystander.py")
        self.bystander = await asyncio.create_subprocess_exec(
            sys.executable, script, self.relay.path, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
        await self.bystander.stdout.readline()

    async def _end_bystander(self):
        """Returns once it has gone, and has said how long it had to wait."""
        bystander, self.bystander = self.bystander, None
        found = b"no answer"
        try:
            found, _ = await asyncio.wait_for(bystander.communicate(b""), PATIENCE)
            self.pings, self.longest = map(float, found.split())
        except (TimeoutError, ValueError):
            self.model.violation(f"a bystander's Ping: {found.decode()}")

    async def _segment(self, is_harmful):
        self.segments += 1
        self.is_paused = False
        self.goes_on.set()
        await asyncio.sleep(self.random.choice((0.2, 0.5, 1)))
        for _ in range(self.random.choice((1, 1, 2))):
            await self.faults.make(is_harmful)
            await asyncio.sleep(self.random.choice((0.1, 0.3)))
        await self._look()

    async def mend(self):
        """Makes good what a fault has left."""
        if self.proxy:
            self.proxy.release()
        if not self.has_sentinels:
            self.redis.thaw()
            if self.redis.process.is_over:
                await asyncio.to_thread(self.redis.start)
        else:
            before = self.redis.current
            await self.redis.mend()
            if self.redis.current is not before:
                self.subscriber.transport.abort()
        if self.subscriber.over.is_set() or self.subscriber.transport.is_closing():
            await self._subscribe()
        await self._wait("UP", self._is_up)
        self.outside.is_away = False

    async def _is_up(self):
        code, health = await self.relay.health()
        wanted = f":{self.redis.current.port}" if self.has_sentinels else ""
        return code == 200 and all(link["address"].endswith(wanted) for link in health["links"])

    async def _wait(self, what, condition):
        limit = time.monotonic() + PATIENCE
        while not await condition():
            self._raise_errors()
            if time.monotonic() > limit:
                self.model.violation(f"not within {PATIENCE} s: {what}")
                return
            await asyncio.sleep(0.02)

    def _raise_errors(self):
        for task in self.actor_tasks:
            if task.done() and not task.cancelled() and task.exception():
                raise task.exception()
        if self.relay.process.is_over and not self.relay.is_ending:
            raise AssertionError(f"the relay has ended:\n{self.relay.process.output[-5000:]}")

    # MARK: A look at everything, with nothing on its way

    async def _look(self):
        await self._stand_still()
        peers = [peer for peer in self.peers if peer.is_open]
        try:
            await asyncio.wait_for(asyncio.gather(*(self._settle(peer) for peer in peers)), PATIENCE)
        except TimeoutError:
            for peer in peers:
                if peer.account.owed:
                    peer.account.fault(f"no Reply within {PATIENCE} s: {list(peer.account.pending.items())[:3]}")
            self.model.violation(f"not at rest within {PATIENCE} s")
            return
        await self._wait("connections that are gone are gone", self._has_only_the_living)
        await self._barrier(peers)
        if not self.model.violations:
            await self._compare_names()
        await self._end_segment()

    async def _stand_still(self):
        self.is_paused = True
        self.goes_on.clear()
        for peer in self.peers:
            peer.changed.set()

        async def are_at_the_gate():
            return all(actor.is_waiting or task.done() for actor, task in zip(self.actors, self.actor_tasks))
        await self._wait("every actor at the gate", are_at_the_gate)

    async def _settle(self, peer):
        """Reads all that is owed to a connection, and finds out what it holds."""
        account, number = peer.account, 1 << 45 | self.segments << 8
        peer.resume()
        try:
            await peer.until(lambda: account.is_welcome)
            await peer.ask(wire.Ping(number, "settled" in account.features))
            if names := account.uncertain:
                await self._leave(peer, number + 1, names)
            if len(account.held) + 1 > self.model.limits.max_names:
                await self._leave(peer, number + 2, account.held)
            await peer.ask(wire.Subscribe(number + 3, (f"sync.{self.segments}",)))
        except Gone:
            pass  # the model has judged that

    @staticmethod
    async def _leave(peer, id, names):
        await peer.ask(wire.Unsubscribe(id, tuple(name for name, is_pattern in names if not is_pattern),
                                            tuple(name for name, is_pattern in names if is_pattern)))

    async def _has_only_the_living(self):
        _, health = await self.relay.health()
        return health["connections"] == sum(1 for peer in self.peers if peer.is_open) + (self.bystander is not None) \
            and health["publishes"]["in_flight"] == 0

    async def _barrier(self, peers):
        """What anybody has published before has arrived everywhere, once this has."""
        channel = f"sync.{self.segments}"
        peers = [peer for peer in peers if peer.is_open]
        for kind in ("flush", "last"):
            payload = f"{kind} {self.segments}".encode()
            record = self.model.records
            if kind == "flush":     # by the relay's own publish link, behind all that it has taken
                frame = wire.Publish(channel, payload, 1 << 46 | self.segments)
                self.clerk.account.wrote(frame)
                record.find(channel.encode(), payload).is_barrier = True
                await self.clerk.send(wire.encode(frame))
                await self.clerk.until(lambda: not self.clerk.account.owed)
                continue
            for peer in peers:
                peer.barriers.clear()
            await self.outside.publish(channel.encode(), payload, is_barrier=True)

        async def has_arrived():
            return channel in self.subscriber.barriers and all(
                channel in peer.barriers or not peer.is_open for peer in peers)
        await self._wait("a barrier at every connection", has_arrived)
        await asyncio.gather(*(self._forget(peer, channel) for peer in peers if peer.is_open))

    async def _forget(self, peer, channel):
        try:
            await peer.ask(wire.Unsubscribe(1 << 47 | self.segments, (channel,), ()))
        except Gone:
            pass

    async def _compare_names(self):
        """Redis has what is held, and nothing else; an Unsubscribe comes there a moment later."""
        held = {name for peer in self.peers if peer.is_open for name in peer.account.held}
        # Redis counts different patterns, and the fuzzer's own is "*".
        patterns = {name for name, is_pattern in held if is_pattern} | {"*"}
        wanted = {name for name, is_pattern in held if not is_pattern}, len(patterns)
        found = None

        async def are_equal():
            nonlocal found
            prefix = PREFIX.decode()
            names = await self.redis.ask("PUBSUB", "CHANNELS", f"{prefix}*")
            names = {name[len(prefix):] for name in names} - {None}
            # The relay's own; it asks for that of the fleet behind all others.
            names = {name for name in names if not name.startswith(("__hubrelay:probe:", "__hubrelay:fleet:"))}
            found = names, await self.redis.ask("PUBSUB", "NUMPAT")
            return found == wanted
        limit = time.monotonic() + PATIENCE
        while not await are_equal():
            if time.monotonic() > limit:
                return self.model.violation(
                    f"Redis has {sorted(found[0] - wanted[0])[:9]} too many, lacks {sorted(wanted[0] - found[0])[:9]}, "
                    f"and has {found[1]} patterns, of {wanted[1]}")
            await asyncio.sleep(0.02)

    async def _end_segment(self):
        self._judge_alarms()
        for _ in self.model.end_segment():
            await asyncio.sleep(0)

    def _judge_alarms(self):
        """An alarm needs a fault, or a machine that stood still."""
        for text in self.model.alarms:
            if any(time.monotonic() - at < EXCUSED for at in self.stalls):
                self.excused += 1
            else:
                self.model.violation(f"nothing was wrong: {text}")

    # MARK: In the background

    async def _watch(self):
        """Notes when this process or a Redis that nobody has stopped stands still, and who waits for too long."""
        while True:
            self.look_for_stalls()
            began = time.monotonic()
            await asyncio.sleep(0.05)
            self.look_for_stalls(began + 0.05)
            for peer in list(self.peers):
                if peer.sending_since and time.monotonic() - peer.sending_since > PATIENCE:
                    peer.account.fault(f"the relay has not read it for {PATIENCE} s")
                    peer.sending_since = None

    def look_for_stalls(self, due=None):
        now = time.monotonic()
        late = now - (due or self._beat)
        if due:   # else only a part of the loop's round
            self.longest_stall = max(self.longest_stall, late)
        if late > STALL:
            self.model.note(f"this process stood still for {late:.2f} s")
            self.stalls = [*self.stalls[-9:], now]
        self._beat = now

    # MARK: The end

    async def _end_actors(self):
        self._raise_errors()
        while tasks := [task for task in self.actor_tasks if not task.done()]:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=0.5)  # asyncio may swallow a cancellation

    async def _at_rest(self):
        """Everybody leaves. Returns memory and descriptors of a relay that has nobody."""
        await self._end_actors()
        for peer in list(self.peers):
            peer.close()
        self.actor_tasks, self.actors = [], []
        await self._wait("no connection left", self._has_only_the_living)
        await self._compare_names()
        counts = []
        while len(counts) < 10 or len(set(counts[-10:])) > 1:
            counts.append(self.relay.descriptors())
            await asyncio.sleep(0.05)
        await self._end_segment()
        return self.relay.memory(), counts[-1]

    async def _compare(self, memory, descriptors):
        now, count = await self._at_rest()
        self.memory = (memory, now, self.relay.most_memory)
        if count != descriptors:
            self.model.violation(f"{count} descriptors, after the warm-up {descriptors}")
        if now > memory + (TOLERANCE_ASAN if is_asan() else TOLERANCE):
            self.model.violation(f"{now >> 10} KiB of memory, after the warm-up {memory >> 10}")

    async def _stop(self):
        """SIGTERM under load: whoever leaves has all that is owed, and the exit code is 0."""
        self._enter(6)
        self.is_paused = False
        self.goes_on.set()
        await asyncio.sleep(0.3)
        self.relay.is_ending = True
        self.relay.signal(signal.SIGTERM)
        leaving = [task for actor, task in zip(self.actors, self.actor_tasks) if isinstance(actor, (App, Clerk))]
        _, late = await asyncio.wait(leaving, timeout=PATIENCE)
        if late:
            self.model.violation(f"{len(late)} connections have not ended within {PATIENCE} s of SIGTERM")
        await self._end_actors()
        code = await asyncio.to_thread(self.relay.process.wait)
        if code != 0:
            self.model.violation(f"the relay ended with {code}:\n{self.relay.process.output[-5000:]}")
        await self.outside.publish(b"sync.end", b"end", is_barrier=True)

        async def has_arrived():
            return "sync.end" in self.subscriber.barriers
        await self._wait("a barrier at the end", has_arrived)
        await self._end_segment()

    # MARK: The report

    def table(self):
        rows = [("seed", self.seed), ("segments", self.segments), ("faults made", sum(self.made.values()))]
        rows += [(f"  {name}", count) for name, count in sorted(self.made.items())]
        rows += sorted(self.model.counts.items())
        rows += [("Pings of a bystander", int(self.pings)), ("  longest wait, ms", self.longest),
                 ("longest that the fuzzer itself was late, ms", self.longest_stall * 1000),
                 ("alarms while the machine stood still", self.excused)]
        if hasattr(self, "memory"):
            rows += [("memory, MiB after the warm-up, at the end, at the most",
                      " ".join(f"{each / (1 << 20):.1f}" for each in self.memory))]
        return report.table([*rows, ("violations", len(self.model.violations))])
