"""How long it takes until UP at another master, with servers behind sentinels and the relay's default settings."""
import contextlib
import tempfile
import time

import wire
from wire import State
from sentinels import Group

from .stage import Client, Relay, median, table

RUNS = 5

FAULTS = {
    "master killed (kill -9)": lambda group, master: master.kill(),
    "master stopped (SIGSTOP)": lambda group, master: master.freeze(),
    "planned (SENTINEL FAILOVER)": lambda group, master: group.fail_over(),
}


def seconds_until_up(client, fault):
    """Seconds until DOWN is told, and until UP."""
    began = time.monotonic()
    fault()
    client.until(wire.Status, lambda status: status.state == State.DOWN)
    down = time.monotonic() - began
    client.up()
    return down, time.monotonic() - began


def figures(options):
    rows = []
    for down_after in (5000, 1000):
        with tempfile.TemporaryDirectory(prefix="hubrelay-figures-") as directory, contextlib.ExitStack() as stack:
            group = Group(directory, down_after)
            stack.callback(group.close)
            group.mend()
            relay = Relay(group.url, directory)
            stack.callback(relay.kill)
            client = Client(relay.path)
            stack.callback(client.close)
            client.up()
            for name, fault in FAULTS.items():
                results = []
                for _ in range(RUNS):
                    master = group.mend()
                    client.up()
                    results.append(seconds_until_up(client, lambda: fault(group, master)))
                    assert group.mend() is not master, "no other master"
                cells = [f"{choose(values):.2f}" for values in zip(*results) for choose in (median, max)]
                rows.append((name, down_after, *cells))
    columns = ("fault", "down-after-milliseconds", "DOWN, median s", "worst s", "UP, median s", "worst s")
    return table(columns, rows) + (
        "\n\nUntil UP at the new master: the sentinels' own detection (down-after-milliseconds), their vote and the "
        "promotion are part of it. Three sentinels, two replicas.")
