"""Resident memory before, during and after an outage in which the apps go on publishing as fast as they can."""
import time

import wire
from wire import State

from .ping import Worker, flood
from .stage import stage, table


def figures(options):
    rows = []
    for name, begin in (("killed", "kill"), ("stopped", "freeze")):
        with stage() as (redis, relay, watcher):
            start = relay.memory()
            floods = [Worker(flood, relay.path) for _ in range(2)]
            time.sleep(5)
            before = relay.memory()
            getattr(redis, begin)()
            watcher.until(wire.Status, lambda status: status.state == State.DOWN)
            samples = []
            end = time.monotonic() + options.outage_seconds
            while time.monotonic() < end:
                samples.append(relay.memory())
                time.sleep(0.1)
            redis.start() if begin == "kill" else redis.thaw()
            watcher.until(wire.Status, lambda status: status.state == State.UP)
            time.sleep(5)
            after = relay.memory()
            sent = sum(each.stop() for each in floods)
            time.sleep(1)
            rows.append((name, *(f"{each:.1f}" for each in (start, before, max(samples), samples[-1], after,
                                                          relay.memory())), f"{sent:,}"))
    return table(("Redis is", "idle at start, MiB", "flood", "outage, most", "outage, last", "UP again, flood",
                  "flood over", "publishes answered"), rows) + (
        f"\n\nThe outage lasts {options.outage_seconds:.0f} s; two processes publish with ids throughout.")
