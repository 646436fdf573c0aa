"""The longest time between a Ping and its Reply, while somebody sends the dearest frames and requests there are."""
import contextlib
import resource
import socket
import time

import wire
from harness import free_port

from .ping import Worker, ping
from .stage import Client, median, stage, table

RUNS = 3
#: Seconds for what has no end of its own.
ABUSE = 3


def short_names(count, first=0):
    """Names that are as short as so many can be."""
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"

    def name(number):
        text = ""
        while True:
            number, digit = divmod(number, 36)
            text += digits[digit]
            if not number:
                return text

    return tuple(name(number) for number in range(first, first + count))


def ask(client, kind, names):
    client.send(kind(1, tuple(names)))
    return client.until(wire.Reply)


@contextlib.contextmanager
def holders(path, count):
    """So many connections that hold the channel "x"."""
    clients = []
    try:
        for _ in range(count):
            clients.append(Client(path))
            clients[-1].send(wire.Subscribe(1, ("x",)))
        for client in clients:
            client.until(wire.Reply)
        yield clients
    finally:
        for client in clients:
            client.close()


def frames(path):
    """Names of the frames, each with what sends it and waits for its end."""
    names = short_names(180_000)
    client = Client(path)
    yield "Subscribe to 180,000 new names", lambda: ask(client, wire.Subscribe, names)
    yield "Subscribe to 180,000 names that are held", lambda: ask(client, wire.Subscribe, names)
    yield "Unsubscribe from 180,000 names", lambda: ask(client, wire.Unsubscribe, names)
    ask(client, wire.Subscribe, names)
    yield "a connection with 180,000 names closes", client.close

    other = Client(path)
    invalid = b"".join([wire.encode(wire.Publish("", b"", 0))] * 170_000)

    def flood(data):
        other.socket.sendall(data)
        other.send(wire.Ping(1))
        other.until(wire.Reply)

    yield "170,000 invalid publishes without id", lambda: flood(invalid)
    single = b"".join([wire.encode(wire.Unsubscribe(0, ("y",)))] * 100_000)
    yield "100,000 Unsubscribes of a name each", lambda: flood(single)
    with holders(path, 9_800) as clients:
        repeated = ("x",) * 350_000
        yield "Unsubscribe that names one name 350,000 times, held by 9,800", (
            lambda: ask(clients[0], wire.Unsubscribe, repeated))
    other.close()


@contextlib.contextmanager
def requests(port, count):
    """So many connections to the HTTP side."""
    with contextlib.ExitStack() as stack:
        sockets = []
        for _ in range(count):
            with contextlib.suppress(OSError):
                sockets.append(stack.enter_context(socket.create_connection(("127.0.0.1", port), 5)))
                sockets[-1].setblocking(False)
        yield sockets


def repeat(sockets, data):
    end = time.monotonic() + ABUSE
    while time.monotonic() < end:
        for each in sockets:
            with contextlib.suppress(OSError):
                each.send(data)
        time.sleep(0.001)


def abuses(port):
    get = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"
    scrape = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"
    for name, count, data in [
            ("one HTTP connection that pipelines /livez", 1, get * 100),
            ("one HTTP connection that pipelines /metrics", 1, scrape * 100),
            ("64 HTTP connections that send and read nothing", 64, get * 100),
            ("193 half HTTP requests", 193, b"GET /li"),
            ("64 trickling HTTP requests", 64, b"a")]:
        def abuse(count=count, data=data):
            with requests(port, count) as sockets:
                repeat(sockets, data)
        yield name, abuse


def figures(options):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    rows, memory = [], []
    port = free_port()
    with stage(**{"--http": f"127.0.0.1:{port}"}) as (_, relay, _):
        def during(work):
            worker = Worker(ping, relay.path)
            time.sleep(0.2)
            began = time.monotonic()
            work()
            taken = time.monotonic() - began
            return max(worker.stop()), taken

        def measure(name, work, runs):
            each = [during(work) for _ in range(runs)]
            longest = [trip for trip, _ in each]
            rows.append((name, f"{median(longest):.1f}", f"{max(longest):.1f}", f"{median([t for _, t in each]):.2f}"))

        measure("nothing", lambda: time.sleep(ABUSE), RUNS)
        for name, work in frames(relay.path):
            measure(name, work, 1 if "180,000" in name else RUNS)
        for name, abuse in abuses(port):
            measure(name, abuse, RUNS)
    text = table(("while", "longest Ping of a run, median ms", "longest, ms", "that took, s"), rows)
    memory.extend((f"{count:,}", *unread(count)) for count in (100, 1_000, 9_800))
    return text + "\n\n" + table(("connections that ping and never read", "MiB before", "most MiB", "closed"), memory)


def unread(count):
    """Memory of a relay whose clients write Pings and read nothing, until all are closed or a minute has passed."""
    with stage() as (_, relay, _):
        clients = [Client(relay.path) for _ in range(count)]
        before = most = relay.memory()
        data = wire.encode(wire.Ping(1 << 50)) * 4000
        closed = set()
        end = time.monotonic() + 60
        while time.monotonic() < end and len(closed) < count:
            for number, client in enumerate(clients):
                client.socket.setblocking(False)
                try:
                    client.socket.send(data)
                except BlockingIOError:
                    pass
                except OSError:
                    closed.add(number)
                if number % 100 == 0:
                    most = max(most, relay.memory())
        for client in clients:
            client.close()
        return f"{before:.0f}", f"{most:.0f}", f"{len(closed):,}"
