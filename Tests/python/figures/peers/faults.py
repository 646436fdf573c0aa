"""The faults. Each is a scene: servers, how to reach them, and a fault that begins and ends there."""
import contextlib
import subprocess
import tempfile
import time
from dataclasses import dataclass
from collections.abc import Callable

from harness import PATIENCE
from sentinels import SERVICE, Group, ask

from ..detection import DeafProxy, forward, router
from ..stage import Redis, run

#: Seconds that faults last.
SHORT, LONG, DEAF = 2, 8, 20


@dataclass
class Scene:
    """`address` is where a client that knows one address connects to, `relay_url` what a relay is given as --redis, and
    `publish_to` the Unix socket of the server where the publisher begins: no network is between the two.
    `run(publisher)` makes the fault, and returns when it began and when it ended."""

    address: tuple
    relay_url: str
    publish_to: str
    run: Callable
    sentinels: tuple = ()
    namespace: str | None = None


@dataclass(frozen=True)
class Fault:
    """`column` is its name in tables, `text` says what happens, `watched` is how many seconds after its end subscribers
    are watched, and `scene` makes its scene."""

    name: str
    column: str
    text: str
    scene: Callable
    watched: int = 30


def _at(redis):
    return redis.host, redis.port


@contextlib.contextmanager
def _one_server(fault, **settings):
    redis = Redis(**settings)
    try:
        yield Scene(_at(redis), redis.url, redis.path, lambda publisher: fault(redis))
    finally:
        redis.thaw()
        redis.kill()


def _killed(seconds):
    def fault(redis):
        began = time.monotonic()
        redis.kill()
        time.sleep(seconds)
        return began, redis.start_at_once()
    return lambda: _one_server(fault)


def _hung():
    def fault(redis):
        began = time.monotonic()
        redis.freeze()
        time.sleep(LONG)
        redis.thaw()
        return began, time.monotonic()
    return _one_server(fault)


def _clients_killed():
    def fault(redis):
        began = time.monotonic()
        redis.command("CLIENT", "KILL", "TYPE", "pubsub")
        return began, time.monotonic()
    return _one_server(fault)


@contextlib.contextmanager
def _half_open():
    with router(0) as (near, between, far, address):
        redis = Redis(address, far)
        try:
            def fault(publisher):
                began = time.monotonic()
                forward(between, 0)
                for port in _open_connections(far, redis.port):
                    for ends in (("sport", redis.port, "dport", port), ("sport", port, "dport", redis.port)):
                        run("ip", "-n", between, "rule", "add", "ipproto", "tcp", *map(str, ends), "blackhole")
                time.sleep(LONG - (time.monotonic() - began))
                forward(between, 1)
                return began, time.monotonic()
            yield Scene(_at(redis), redis.url, redis.path, fault, namespace=near)
        finally:
            redis.kill()


def _open_connections(namespace, port):
    """The ports at the other ends of the connections that a server has."""
    lines = subprocess.run(
        ["ip", "netns", "exec", namespace, "ss", "-Htn", "state", "established", "sport", f"= :{port}"],
        check=True, capture_output=True, text=True).stdout.splitlines()
    return sorted({int(line.split()[3].rpartition(":")[2]) for line in lines})


@contextlib.contextmanager
def _failover():
    with tempfile.TemporaryDirectory(prefix="hubrelay-figures-") as directory:
        group = Group(directory, 5000)
        try:
            master = group.mend()

            def fault(publisher):
                began = time.monotonic()
                group.replace(master)
                ports = {int(each.ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", SERVICE)[1]) for each in group.sentinels}
                publisher.move(*(node.path for node in group.nodes if node is not master and node.port in ports))
                return began, time.monotonic()
            sentinels = tuple(("127.0.0.1", each.port) for each in group.sentinels)
            yield Scene(("127.0.0.1", master.port), group.url, master.path, fault, sentinels)
        finally:
            group.close()


@contextlib.contextmanager
def _demoted():
    first, second = Redis(), Redis()
    try:
        for redis in (first, second):
            redis.command("CONFIG", "SET", "repl-diskless-load", "on-empty-db")  # a replica leaves no file behind
            redis.command("CONFIG", "SET", "repl-diskless-sync-delay", 0)
        second.command("REPLICAOF", first.host, first.port)
        _until(lambda: ask(second.path, "ROLE")[3] == "connected")

        def fault(publisher):
            began = time.monotonic()
            first.command("FAILOVER", "TO", second.host, second.port)
            _until(lambda: (ask(first.path, "ROLE")[0], ask(second.path, "ROLE")[0]) == ("slave", "master"))
            publisher.move(second.path)
            return began, time.monotonic()
        url = f"redis://{first.host}:{first.port},{second.host}:{second.port}"
        yield Scene(_at(first), url, first.path, fault)
    finally:
        first.kill()
        second.kill()


def _until(condition):
    limit = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > limit:
            raise AssertionError("Redis does not get there")
        time.sleep(0.02)


@contextlib.contextmanager
def _deaf():
    redis = Redis()
    with contextlib.closing(DeafProxy(redis)) as proxy:
        def fault(publisher):
            began = time.monotonic()
            proxy.is_deaf = True
            time.sleep(DEAF)
            proxy.is_deaf = False
            return began, time.monotonic()
        try:
            yield Scene(proxy.address, proxy.url, redis.path, fault)
        finally:
            redis.kill()


@contextlib.contextmanager
def _moved():
    first, second = Redis(), Redis()
    with contextlib.closing(DeafProxy(first)) as proxy:
        def fault(publisher):
            proxy.redis = second
            publisher.move(second.path)
            return (time.monotonic(),) * 2
        try:
            yield Scene(proxy.address, proxy.url, first.path, fault)
        finally:
            first.kill()
            second.kill()


FAULTS = (
    Fault("killed", "Redis killed for 2 s",
          f"redis-server gets SIGKILL, and is started again {SHORT} s later at the same address. Nobody can publish "
          "meanwhile, so what is missed is missed after its return.", _killed(SHORT)),
    Fault("killed-long", "Redis killed for 8 s",
          f"The same for {LONG} s. Clients that wait longer from attempt to attempt, or give up after some, differ "
          "here.", _killed(LONG)),
    Fault("hung", "Redis hangs for 8 s",
          f"redis-server gets SIGSTOP, and SIGCONT {LONG} s later; connections stay open. What was published meanwhile "
          "is delivered then to those who still wait at their old connections.", _hung),
    Fault("half-open", "half-open network",
          f"A router passes nothing for {LONG} s, and has then forgotten the connections that were open, as a firewall "
          "or a NAT does: their packets vanish for ever and no RST comes, new connections work. The publisher is "
          "beside Redis.", _half_open, 50),
    Fault("client-kill", "CLIENT KILL",
          "`CLIENT KILL TYPE pubsub`: Redis closes the connections of subscribers and is well. It does the same by "
          "itself to a subscriber that is too slow for `client-output-buffer-limit`.", _clients_killed),
    Fault("failover", "failover by sentinels",
          "`SENTINEL FAILOVER`, as before maintenance: three sentinels, two replicas. The fault ends when a sentinel "
          "names the new master, and the publisher goes there then.", _failover),
    Fault("demoted", "master demoted",
          "`FAILOVER TO` its one replica, without sentinels; no connection is closed. The fault ends, and the "
          "publisher goes to the new master, when both have changed their roles. The old one replicates from it, "
          "messages included.", _demoted),
    Fault("deaf", "deaf for 20 s",
          f"A proxy before Redis passes everything but messages to subscribers for {DEAF} s: PING is answered, "
          "subscribing works, nothing arrives. Stands for what is alive and broken between a client and Redis.", _deaf),
    Fault("moved", "address moved",
          "A virtual address or a proxy leads to another master from now on, and the publisher goes there. Connections "
          "that were open stay at the former one, which lives, is a master still, and answers everything.", _moved),
)
