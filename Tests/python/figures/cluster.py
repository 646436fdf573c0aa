"""What a relay makes of a cluster's failovers and migrations, and how many connections relays are for it."""
import collections
import contextlib
import tempfile
import threading
import time

from clusters import Cluster, slot_of, until
import wire
from wire import Cause, Outcome, State

from .ping import Worker
from .stage import Client, Relay, median, table

RUNS = 5

#: How long a migration's load goes on before and after it, in seconds.
AROUND = 2

OUTCOMES = Outcome.OK, Outcome.NOT_CONNECTED, Outcome.INTERRUPTED


@contextlib.contextmanager
def stage(pubsub="sharded", relays=1, **settings):
    """A cluster of three masters with a replica each, relays, and a client of the first that is UP."""
    with tempfile.TemporaryDirectory(prefix="hubrelay-figures-") as directory, contextlib.ExitStack() as stack:
        cluster = Cluster(directory, **settings)
        stack.callback(cluster.close)
        clients = []
        for _ in range(relays):
            relay = Relay(cluster.url, directory, **{"--cluster-pubsub": pubsub})
            stack.callback(relay.kill)
            clients.append(Client(relay.path))
            stack.callback(clients[-1].close)
            clients[-1].up()
        yield cluster, relay, clients


def names_at(cluster, master, count):
    """Names of channels, each in another slot of this master."""
    owners, found, number = cluster.map(), {}, 0
    while len(found) < count:
        slot = slot_of(f"f:{number}")
        if owners[slot] is master:
            found.setdefault(slot, f"{number}")
        number += 1
    return list(found.values())


# MARK: Failovers

#: The planned one comes first: so soon after another election of the same nodes it would have to be tried again.
FAULTS = {
    "planned (CLUSTER FAILOVER)": lambda cluster, master: cluster.fail_over(master),
    "master killed (kill -9)": lambda cluster, master: master.kill(),
    "master stopped (SIGSTOP)": lambda cluster, master: master.freeze(),
}


def seconds_until_up(cluster, client, slot, fault):
    """Seconds until some node of the cluster names another master, until the first Status, and until UP."""
    master, replaced = cluster.owner(slot), []
    time.sleep(cluster.seconds_until_electable(master))
    began = time.monotonic()

    def watch():
        until("another master", lambda: cluster.replaced(master, slot), 60)
        replaced.append(time.monotonic() - began)

    watching = threading.Thread(target=watch)
    watching.start()
    fault(cluster, master)
    client.until(wire.Status, lambda status: status.state != State.UP)
    told = time.monotonic() - began
    client.up()
    up = time.monotonic() - began
    watching.join()
    return replaced[0], told, up


def failovers():
    rows = []
    for node_timeout in (2000, 5000):
        with stage(node_timeout=node_timeout) as (cluster, relay, (first,)):
            client = first
            client.subscribe([f"{number}" for number in range(100)])
            for name, fault in FAULTS.items():
                results = []
                for _ in range(RUNS):
                    results.append(seconds_until_up(cluster, client, 0, fault))
                    cluster.mend()
                    client.up()
                    time.sleep(1)  # what mending does to the links is over
                    client = quiet(client, relay)
                cells = [f"{choose(values):.2f}" for values in zip(*results) for choose in (median, max)]
                rows.append((name, node_timeout, *cells))
    columns = ("fault", "cluster-node-timeout", "the cluster has another master, median s", "worst s",
               "told, median s", "worst s", "UP, median s", "worst s")
    return table(columns, rows) + (
        "\n\nUntil UP with all slots: the cluster's own detection, its vote and the promotion are part of it. Sharded, "
        "three masters with a replica each, 100 channels held.")


def quiet(client, relay):
    """A client that has read nothing of what is over, with the same channels."""
    client.close()
    client = Client(relay.path)
    client.up()
    client.subscribe([f"{number}" for number in range(100)])
    return client


# MARK: Migrations

def publishing(names, has_ids):
    """Work for a Worker: publishes to these channels in turn, some thousands a second, and counts the outcomes."""
    def work(path, ready, stop, results):
        client, counts, number = Client(path), collections.Counter(), 0

        def take(frame):
            if isinstance(frame, wire.Loss):
                counts[f"{Cause(frame.cause).name}, not sent"] += frame.publishes
                counts[f"{Cause(frame.cause).name}, unknown"] += frame.publishes_unknown
            elif isinstance(frame, wire.Reply) and has_ids:
                counts[frame.outcome.name] += 1
            return isinstance(frame, wire.Reply)

        ready.set()
        while not stop.is_set():
            batch = range(number, number + 20)
            client.send(*(wire.Publish(names[n % len(names)], bytes(100), n + 1 if has_ids else 0) for n in batch))
            if not has_ids:
                client.send(wire.Ping(1))
            number += 20
            answers = 0
            while answers < (20 if has_ids else 1):
                answers += take(client.read())
            time.sleep(0.002)
        if not has_ids:
            counts["SENT"] = number
            client.socket.settimeout(1.5)  # what is lost is told within a second
            with contextlib.suppress(OSError):
                while True:
                    take(client.read())
        results.put(counts)
    return work


class Watch:
    """What a client of these channels is told, read in the background."""

    def __init__(self, path, names):
        self._client, self.periods, self.received = Client(path), [], 0
        self._client.up()
        self._client.subscribe(names)
        self._gaps, self._since = self._client.status.gaps, None
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self):
        with contextlib.suppress(OSError, EOFError, ValueError):
            while True:
                frame = self._client.read()
                self.received += isinstance(frame, wire.Message)
                if isinstance(frame, wire.Status):
                    self._heard(frame)

    def _heard(self, status):
        self._client.status, now = status, time.monotonic()
        if status.state == State.UP and self._since is not None:
            self.periods.append(now - self._since)
            self._since = None
        elif status.state != State.UP and self._since is None:
            self._since = now

    @property
    def gaps(self):
        return self._client.status.gaps - self._gaps

    def end(self):
        self._client.close()
        self._thread.join()


def one_by_one(cluster, slots, source, target):
    cluster.migrate(slots, target)


def at_once(cluster, slots, source, target):
    cluster.migrate_many(slots, source, target)


def migration(cluster, relay, move):
    """Moves 100 slots under load. Returns the counts of publishes with an id and without, and the watch."""
    source, target = cluster.masters()[:2]
    moving = names_at(cluster, source, 100)
    others = [name for master in cluster.masters()[1:] for name in names_at(cluster, master, 50)]
    watch = Watch(relay.path, moving + others)
    workers = [Worker(publishing(moving + others, has_ids), relay.path) for has_ids in (True, False)]
    time.sleep(AROUND)
    began = time.monotonic()
    move(cluster, [slot_of(f"f:{name}") for name in moving], source, target)
    took = time.monotonic() - began
    time.sleep(AROUND)
    with_ids, without = (worker.stop() for worker in workers)
    watch.end()
    cluster.until_settled()
    return took, with_ids, without, watch


def migrations():
    rows = []
    for pubsub, name, move in (("sharded", "one by one", one_by_one), ("sharded", "at once", at_once),
                               ("classic", "at once", at_once)):
        with stage(pubsub) as (cluster, relay, _):
            runs = [migration(cluster, relay, move) for _ in range(RUNS)]
        answers, lost = (sum((run[each] for run in runs), collections.Counter()) for each in (1, 2))
        sent = lost.pop("SENT")
        periods = [period for run in runs for period in run[3].periods]
        told = ", ".join(f"{count:,} {cause}" for cause, count in sorted(lost.items()) if count)
        answered = [f"{answers.pop(each.name, 0):,}" for each in OUTCOMES]
        others = ", ".join(f"{count} {outcome}" for outcome, count in answers.items())
        rows.append((
            f"{pubsub}, {name}", f"{median([run[0] for run in runs]):.2f}", *answered, others or "none", f"{sent:,}",
            told or "none", len(periods), f"{median(periods):.3f}" if periods else "",
            f"{max(periods):.3f}" if periods else "", ", ".join(str(run[3].gaps) for run in runs)))
    columns = ("100 slots in use moved", "took, median s", *(outcome.name for outcome in OUTCOMES), "other",
               "sent without id", "told lost", "times not UP", "for, median s", "longest s", "gaps of each run")
    return table(columns, rows) + (
        f"\n\nSums of {RUNS} runs. Two clients publish to 200 channels, half of them in the slots that move, one with "
        f"ids and one without, from {AROUND} s before the migration until {AROUND} s after it.")


# MARK: Connections

def connections(cluster):
    """How many connections of relays each node has, masters first."""
    counts = []
    masters = cluster.masters()
    for node in masters + [node for node in cluster.nodes if node not in masters]:
        flags = [dict(word.partition("=")[::2] for word in line.split())["flags"]
                 for line in node.ask("CLIENT", "LIST").splitlines()]
        # Not replicas and masters, and not this one, which came through the Unix socket.
        counts.append(sum(not set("SMU") & set(each) for each in flags))
    return counts


def connection_table():
    rows = []
    for pubsub in ("sharded", "classic"):
        for relays in (1, 2, 5):
            with stage(pubsub, relays) as (cluster, _, clients):
                for client in clients:
                    client.subscribe([f"{number}" for number in range(100)])
                counts = connections(cluster)
                rows.append((pubsub, relays, *counts, sum(counts), f"{sum(counts) / relays:.1f}"))
    columns = ("pub/sub", "relays", *(f"master {n}" for n in (1, 2, 3)), *(f"replica {n}" for n in (1, 2, 3)), "all",
               "per relay")
    return table(columns, rows)


def figures(options):
    return f"{failovers()}\n\n{migrations()}\n\n{connection_table()}"
