"""Three redis-servers and three sentinels that watch them, as the soak and the figures need them."""
import os
import secrets
import signal
import socket
import time

from harness import PATIENCE, SERVER_PROGRAM, Process, free_port

SERVICE = "mymaster"


class RedisError(Exception):
    pass


def ask(path, *words, patience=2):
    """Asks one thing of the server at a Unix socket. OSError (or EOFError) when it is not there or does not answer."""
    parts = [str(word).encode() for word in words]
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(patience)
        connection.connect(path)
        connection.sendall(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in parts))
        with connection.makefile("rb") as file:
            return read_answer(file)


def read_answer(file):
    line = file.readline()
    if not line.endswith(b"\n"):
        raise EOFError
    kind, text = line[:1], line[1:-2].decode()
    if kind == b"-":
        raise RedisError(text)
    if kind == b":":
        return int(text)
    if kind == b"$":
        return None if text == "-1" else file.read(int(text) + 2)[:-2].decode()
    if kind == b"*":
        return [read_answer(file) for _ in range(int(text))]
    return text


class Member:
    """A process of the group, at a TCP port for the others and at a Unix socket for us."""

    def __init__(self, directory, name):
        self.directory = os.path.join(directory, name)
        os.mkdir(self.directory)
        self.path, self.port, self.process = os.path.join(self.directory, "sock"), free_port(), None

    def ask(self, *words):
        return ask(self.path, *words)

    def kill(self):
        self.process.kill()

    def freeze(self):
        self.process.signal(signal.SIGSTOP)

    def thaw(self):
        self.process.signal(signal.SIGCONT)


class Node(Member):
    """A server."""

    def start(self, master=None):
        """Starts it, as a master unless one is named. What CONFIG and ACL have changed is gone after a restart."""
        replica = ["--replicaof", "127.0.0.1", str(master.port)] if master else []
        self.process = Process(
            SERVER_PROGRAM, "--port", str(self.port), "--bind", "127.0.0.1", "--unixsocket", self.path, "--save", "",
            "--appendonly", "no", "--logfile", "", "--dir", self.directory, "--repl-diskless-sync-delay", "0",
            "--repl-ping-replica-period", "1", "--client-output-buffer-limit", "pubsub 0 0 0", *replica,
            ready="eady to accept connections")

    def follow(self, master):
        """Makes it a replica of this master, or the master, unless it is one."""
        role = self.ask("ROLE")
        if master is not self and (role[0] != "slave" or role[2] != master.port):
            self.ask("REPLICAOF", "127.0.0.1", master.port)

    def is_in_step(self, master):
        role = self.ask("ROLE")
        return role[0] == "master" if master is self else role[:4] == ["slave", "127.0.0.1", master.port, "connected"]


class Sentinel(Member):
    """A sentinel. It keeps what it has found out over a restart, as sentinels do."""

    def __init__(self, directory, name):
        super().__init__(directory, name)
        self.id = secrets.token_hex(20)

    def configure(self, nodes, others, down_after):
        lines = [
            f"port {self.port}", "bind 127.0.0.1", "protected-mode no", f"dir {self.directory}",
            f"unixsocket {self.path}", f"sentinel myid {self.id}",
            f"sentinel monitor {SERVICE} 127.0.0.1 {nodes[0].port} 2",
            f"sentinel down-after-milliseconds {SERVICE} {down_after}", f"sentinel failover-timeout {SERVICE} 3000",
            f"sentinel parallel-syncs {SERVICE} 2"]
        # What they would find out by themselves within some seconds.
        lines += [f"sentinel known-replica {SERVICE} 127.0.0.1 {node.port}" for node in nodes[1:]]
        lines += [f"sentinel known-sentinel {SERVICE} 127.0.0.1 {other.port} {other.id}" for other in others]
        self._file = os.path.join(self.directory, "sentinel.conf")
        with open(self._file, "w") as file:
            file.write("\n".join(lines) + "\n")

    def start(self):
        self.process = Process(SERVER_PROGRAM, self._file, "--sentinel", ready="+monitor")

    def master_port(self):
        """The port of the master, as this sentinel names it; None while it takes the master for down, or fails over."""
        fields = _fields(self.ask("SENTINEL", "MASTER", SERVICE))
        return int(fields["port"]) if fields["flags"] == "master" else None

    def sees_all(self):
        replicas = [_fields(each) for each in self.ask("SENTINEL", "REPLICAS", SERVICE)]
        others = [_fields(each) for each in self.ask("SENTINEL", "SENTINELS", SERVICE)]
        return len(replicas) == 2 and all(each["flags"] == "slave" for each in replicas) \
            and len(others) == 2 and all(each["flags"] == "sentinel" for each in others)


def _fields(words):
    return dict(zip(words[::2], words[1::2]))


class Group:
    """All of them. `down_after`: milliseconds of silence after which a sentinel takes a server for dead."""

    def __init__(self, directory, down_after):
        self.nodes = [Node(directory, f"node{number}") for number in range(3)]
        self.sentinels = [Sentinel(directory, f"sentinel{number}") for number in range(3)]
        for node in self.nodes:
            node.start(None if node is self.nodes[0] else self.nodes[0])
        for sentinel in self.sentinels:
            sentinel.configure(self.nodes, [each for each in self.sentinels if each is not sentinel], down_after)
            sentinel.start()

    @property
    def url(self):
        return f"redis-sentinel://{','.join(f'127.0.0.1:{each.port}' for each in self.sentinels)}/{SERVICE}"

    def settled(self):
        """The master, if every sentinel names the same, and it is well; else None."""
        try:
            ports = {sentinel.master_port() for sentinel in self.sentinels}
            named = [node for node in self.nodes if {node.port} == ports]
            return named[0] if named and named[0].ask("ROLE")[0] == "master" else None
        except (OSError, EOFError, RedisError):
            return None

    def mend(self):
        """Brings everyone back, and waits until the sentinels see a master and two replicas in step.

        Returns the master. A former master becomes a replica at once: sentinels take some ten seconds for that."""
        for member in self.nodes + self.sentinels:
            member.thaw()
            if member.process.is_over:
                member.start()
        limit = time.monotonic() + PATIENCE
        while not (master := self._in_step()):
            if time.monotonic() > limit:
                raise AssertionError("the sentinels and their servers do not settle")
            time.sleep(0.02)
        return master

    def _in_step(self):
        master = self.settled()
        try:
            for node in self.nodes if master else ():
                node.follow(master)
            return master and all(node.is_in_step(master) for node in self.nodes) \
                and all(sentinel.sees_all() for sentinel in self.sentinels) and master
        except (OSError, EOFError, RedisError):
            return None

    def fail_over(self):
        """What an operator does before maintenance."""
        limit = time.monotonic() + PATIENCE
        while True:
            for sentinel in self.sentinels:
                try:
                    return sentinel.ask("SENTINEL", "FAILOVER", SERVICE)
                except (OSError, EOFError, RedisError):  # it is away, or no replica is good enough for it yet
                    if time.monotonic() > limit:
                        raise
            time.sleep(0.02)

    def replace(self, master):
        """The same, until some sentinel names another master: one that has not heard from a replica for a moment gives
        up after its timeout, and an operator tries again."""
        limit = time.monotonic() + PATIENCE
        while time.monotonic() < limit:
            self.fail_over()
            again = time.monotonic() + 5
            while time.monotonic() < again:
                if any(self._names_another(sentinel, master) for sentinel in self.sentinels):
                    return
                time.sleep(0.02)
        raise AssertionError("no failover")

    def _names_another(self, sentinel, master):
        try:
            return int(sentinel.ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", SERVICE)[1]) != master.port
        except (OSError, EOFError, RedisError):
            return False

    def close(self):
        for member in self.sentinels + self.nodes:
            if member.process:
                member.thaw()
                member.kill()
