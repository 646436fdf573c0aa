"""What goes wrong between the relay and Redis. Each fault ends with everything made good again."""
import asyncio

from soak.servers import harmless_stall

#: Seconds, more than a relay takes to give a link up (the soak's --link-timeout, and a heartbeat).
TOO_LONG = (1.8, 2.6)


class Faults:
    def __init__(self, fuzz):
        self._fuzz, self._random = fuzz, fuzz.random
        self._redis, self._proxy = fuzz.redis, fuzz.proxy
        harmless = [(self.nothing, 3), (self.redis_stopped_shortly, 2), (self.paused, 1)]
        harmful = [(self.redis_killed, 2), (self.redis_stopped, 1)]
        if self._proxy:
            harmless += [(self.stalls, 3)]
            harmful += [(self.cut, 4), (self.cut_one, 3), (self.cut_in_a_frame, 4), (self.silent, 2),
                        (self.half_silent, 2)]
        else:
            harmful += [(self.replaced, 3)]
        self.kinds = {True: harmful, False: harmless}

    async def make(self, is_harmful):
        (run, _), = self._random.choices(self.kinds[is_harmful], [weight for _, weight in self.kinds[is_harmful]])
        name = run.__name__.replace("_", " ")
        self._fuzz.made[name] += 1
        if is_harmful:
            self._fuzz.model.disturb(name)
            self._fuzz.outside.is_away = self._fuzz.has_sentinels
        else:
            self._fuzz.model.note(name)
        try:
            await run()
        finally:
            await self._fuzz.mend()

    async def _some_time(self, least, most):
        await asyncio.sleep(self._random.uniform(least, most))

    # MARK: What a relay must not take for an outage

    async def nothing(self):
        await self._some_time(0.1, 0.5)

    async def redis_stopped_shortly(self):
        self._redis.freeze()
        try:
            await self._some_time(*harmless_stall)
        finally:
            self._redis.thaw()

    async def paused(self):
        await self._redis.ask("CLIENT", "PAUSE", int(self._random.uniform(*harmless_stall) * 1000), "ALL")

    async def stalls(self):
        self._proxy.hold(*self._random.choice(((), ("up",), ("down",))))
        await self._some_time(*harmless_stall)

    # MARK: Outages

    async def redis_killed(self):
        await self._redis.kill()
        await self._some_time(0, 0.5)

    async def redis_stopped(self):
        self._redis.freeze()
        try:
            await self._some_time(*TOO_LONG)
        finally:
            self._redis.thaw()

    async def cut(self):
        self._proxy.cut()

    async def cut_one(self):
        self._proxy.cut(1)

    async def cut_in_a_frame(self):
        self._proxy.fuse = self._random.choice((10, 100, 3000, 30000))
        await self._some_time(0.1, 0.5)
        self._proxy.fuse = None

    async def silent(self):
        self._proxy.hold()
        await self._some_time(*TOO_LONG)
        if self._random.random() < 0.5:
            self._proxy.cut()

    async def half_silent(self):
        self._proxy.hold(self._random.choice(("up", "down")))
        await self._some_time(*TOO_LONG)

    async def replaced(self):
        """Sentinels make another server the master."""
        await self._redis.fail_over()
        await self._some_time(0, 0.5)
