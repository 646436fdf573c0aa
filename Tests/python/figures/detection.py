"""How long after a fault the apps are told of it, with default settings."""
import concurrent.futures
import contextlib
import os
import random
import socket
import subprocess
import threading
import time

import wire
from wire import State

from .stage import Redis, median, run, stage, table

RUNS = 5


def told(client, began):
    """Seconds until the first Status that is not UP, and until DOWN."""
    first = None
    while True:
        status = client.until(wire.Status)
        first = first or time.monotonic() - began
        if status.state == State.DOWN:
            return first, time.monotonic() - began


def seconds_until_told(client, fault):
    time.sleep(random.uniform(1, 6))  # anywhere between two heartbeats and two probes
    began = time.monotonic()
    fault()
    return told(client, began)


def with_redis(fault):
    def measure(number):
        with stage() as (redis, relay, client):
            return seconds_until_told(client, lambda: fault(redis))
    return measure


# MARK: A router that stops forwarding

@contextlib.contextmanager
def router(number):
    """Network namespaces: the relay's, the router's, Redis's. Yields their names and Redis's address."""
    tag, net = f"hf{os.getpid() % 10000}{number}", 10 + number
    app, between, far = (f"{tag}{letter}" for letter in "arf")
    with contextlib.ExitStack() as stack:
        for name in (app, between, far):
            run("ip", "netns", "add", name)
            stack.callback(run, "ip", "netns", "del", name)
            run("ip", "-n", name, "link", "set", "lo", "up")
        for end, subnet in ((app, 1), (far, 2)):
            run("ip", "link", "add", f"{end}0", "netns", end,
                "type", "veth", "peer", "name", f"{end}1", "netns", between)
            for name, device, host in ((end, f"{end}0", 2), (between, f"{end}1", 1)):
                run("ip", "-n", name, "address", "add", f"10.{net}.{subnet}.{host}/24", "dev", device)
                run("ip", "-n", name, "link", "set", device, "up")
            run("ip", "-n", end, "route", "add", "default", "via", f"10.{net}.{subnet}.1")
        forward(between, 1)
        yield app, between, far, f"10.{net}.2.2"


def forward(namespace, value):
    run("ip", "netns", "exec", namespace, "sysctl", "-qw", f"net.ipv4.ip_forward={value}")


def half_open(publishes):
    def measure(number):
        with router(number) as (app, between, far, address), \
                stage(Redis(address, far), namespace=app) as (redis, relay, client):
            def fault():
                forward(between, 0)
                if publishes:
                    client.send(*(wire.Publish("a", bytes(100), id) for id in range(1, 11)))
            return seconds_until_told(client, fault)
    return measure


# MARK: A path that is deaf

class DeafProxy:
    """Passes everything, until it is deaf: then it swallows messages on their way to subscribers, and nothing else. New
    connections lead to `redis`."""

    def __init__(self, redis):
        self.redis, self.is_deaf = redis, False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = self._listener.getsockname()
        self.url = f"redis://127.0.0.1:{self.address[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                near = self._listener.accept()[0]
                far = socket.create_connection((self.redis.host, self.redis.port))
                for work in ((self._copy, near, far), (self._filter, far, near)):
                    threading.Thread(target=self._run, args=work, daemon=True).start()

    def _run(self, work, source, target):
        with contextlib.suppress(OSError, ValueError):
            work(source, target)
        for each in (source, target):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def _copy(self, source, target):
        while data := source.recv(1 << 16):
            target.sendall(data)

    def _filter(self, source, target):
        file = source.makefile("rb")
        while reply := self._reply(file):
            is_message = reply[:1] in b"*>" and reply[1:].startswith((b"3\r\n$7\r\nmessage", b"4\r\n$8\r\npmessage"))
            if not (self.is_deaf and is_message):
                target.sendall(reply)

    def _reply(self, file):
        line = file.readline()
        if line[:1] == b"$" and line != b"$-1\r\n":
            return line + file.read(int(line[1:]) + 2)
        if line[:1] in (b"*", b">", b"~", b"%"):  # the last three are RESP3's
            count = int(line[1:]) * (2 if line[:1] == b"%" else 1)
            return line + b"".join(self._reply(file) for _ in range(count))
        return line

    def close(self):
        self._listener.close()


def deaf(number):
    redis = Redis()
    with contextlib.closing(DeafProxy(redis)) as proxy, stage(redis, proxy.url) as (_, relay, client):
        return seconds_until_told(client, lambda: setattr(proxy, "is_deaf", True))


FAULTS = {
    "Redis killed": with_redis(lambda redis: redis.kill()),
    "Redis stopped (SIGSTOP)": with_redis(lambda redis: redis.freeze()),
    "network half-open, idle": half_open(False),
    "network half-open, publishes in flight": half_open(True),
    "Redis demoted (REPLICAOF)": with_redis(lambda redis: redis.command("REPLICAOF", "127.0.0.1", 1)),
    "Redis deaf: pushes swallowed, PONGs pass": deaf,
}


def figures(options):
    rows: list[tuple[str, ...]] = []
    for name, measure in FAULTS.items():
        try:
            # Side by side: they idle nearly all the time.
            with concurrent.futures.ThreadPoolExecutor(RUNS) as pool:
                results = list(pool.map(measure, range(RUNS)))
        except (subprocess.CalledProcessError, FileNotFoundError) as error:
            rows.append((name, f"not permitted here: {getattr(error, 'stderr', error)}", "", "", ""))
            continue
        cells = [f"{choose(values):.2f}" for values in zip(*results) for choose in (median, max)]
        rows.append((name, *cells))
    return table(("fault", "first Status, median s", "worst s", "DOWN, median s", "worst s"), rows)
