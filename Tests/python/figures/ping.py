"""The longest time between a Ping and its Reply, while the relay has other work."""
import multiprocessing
import time

import wire
from wire import State

from .stage import Client, median, stage, table

RUNS = 5


def ping(path, ready, stop, results):
    """Pings every 2 ms, from a process of its own, and tells the round trips in milliseconds."""
    client = Client(path)
    data = wire.encode(wire.Ping(1))
    trips = []
    ready.set()
    while not stop.is_set():
        began = time.monotonic()
        client.socket.sendall(data)
        client.until(wire.Reply)
        trips.append((time.monotonic() - began) * 1000)
        time.sleep(0.002)
    results.put(trips)


def flood(path, ready, stop, results):
    """Publishes as fast as it can, 200 unanswered at most."""
    client = Client(path)
    batch = b"".join(wire.encode(wire.Publish(f"flood.{n % 8}", bytes(200), n + 1)) for n in range(200))
    sent = 0
    ready.set()
    while not stop.is_set():
        client.socket.sendall(batch)
        sent += 200
        for _ in range(200):
            client.until(wire.Reply)
    results.put(sent)


class Worker:
    """`work` in a process of its own, until it is stopped."""

    def __init__(self, work, path):
        context = multiprocessing.get_context("fork")
        self._stop, ready, self._results = context.Event(), context.Event(), context.Queue()
        self._process = context.Process(target=work, args=(path, ready, self._stop, self._results), daemon=True)
        self._process.start()
        ready.wait(60)

    def stop(self):
        self._stop.set()
        result = self._results.get(timeout=60)
        self._process.join()
        return result


def figures(options):
    rows = []

    def row(name, trips):
        longest = [max(each) for each in trips]
        everything = [trip for each in trips for trip in each]
        rows.append((name, f"{median(everything):.2f}", f"{median(longest):.1f}", f"{max(longest):.1f}"))

    with stage() as (redis, relay, watcher):
        def during(work):
            worker = Worker(ping, relay.path)
            time.sleep(0.2)
            work()
            return worker.stop()

        row("idle, 3 s", [during(lambda: time.sleep(3)) for _ in range(RUNS)])

        floods = [Worker(flood, relay.path) for _ in range(2)]
        began = time.monotonic()
        row("a flood of publishes from two processes, 3 s", [during(lambda: time.sleep(3)) for _ in range(RUNS)])
        rate = sum(each.stop() for each in floods) / (time.monotonic() - began)

        holder = Client(relay.path)
        holder.subscribe([f"channel.{number}" for number in range(100_000)])
        times = []

        def restore():
            redis.command("CLIENT", "KILL", "TYPE", "pubsub")
            began = time.monotonic()
            for client in (watcher, holder):
                client.until(wire.Status, lambda status: not status.receiving)
                client.until(wire.Status, lambda status: status.state == State.UP)
            times.append(time.monotonic() - began)

        row("100,000 channels are restored", [during(restore) for _ in range(RUNS)])
        holder.close()
    return table(("while", "median ms", "longest of a run, median ms", "longest, ms"), rows) + (
        f"\n\nThe flood was {rate:,.0f} publishes/s, each answered; a restore took {median(times) * 1000:.0f} ms "
        "(median). The pinging process is Python and shares the cores with everything else, so its own delays are in "
        "all of these: compare with idle.")
