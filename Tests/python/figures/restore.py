"""How long it takes from Redis's return to UP, with many channels held."""
import time

import wire
from wire import State

from .stage import Client, median, stage, table

RUNS = 5


def figures(options):
    rows = []
    for count in (1, 1000, 100_000):
        times = []
        with stage() as (redis, relay, watcher):
            holder = Client(relay.path)
            holder.subscribe([f"channel.{number}" for number in range(count)])
            for _ in range(RUNS):
                redis.kill()
                watcher.until(wire.Status, lambda status: status.state == State.DOWN)
                time.sleep(2)  # by now the relay waits as long between attempts as it ever does
                back = redis.start_at_once()
                watcher.until(wire.Status, lambda status: status.state == State.UP)
                times.append(time.monotonic() - back)
                holder.until(wire.Status, lambda status: status.state == State.UP)
            holder.close()
        rows.append((f"{count:,}", f"{median(times):.3f}", f"{max(times):.3f}"))
    return table(("channels held", "Redis accepts to UP, median s", "worst s"), rows)
