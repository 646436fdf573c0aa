"""A Redis Cluster on loopback: masters with replicas, set up and changed as operators do it, by plain commands."""
import binascii
import contextlib
import socket
import time

from harness import PATIENCE, SERVER_PROGRAM, Process, free_port
from sentinels import Member, RedisError, read_answer

SLOTS = 16384

#: What asking a server that is away, or that does not know yet what it is asked about, may end with.
AWAY = (OSError, EOFError, RedisError)


def slot_of(name):
    """The slot of a channel, its prefix included: CRC16 of the hash tag, if there is one, else of all."""
    data = name.encode()
    begin = data.find(b"{")
    end = data.find(b"}", begin + 1)
    if begin >= 0 and end > begin + 1:
        data = data[begin + 1:end]
    return binascii.crc_hqx(data, 0) % SLOTS


def converse(path, commands, patience=10):
    """Asks everything at once. Returns the answers in order, an error as the RedisError that it is."""
    lines = b""
    for command in commands:
        words = [str(word).encode() for word in command]
        lines += b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words)
    answers = []
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(patience)
        connection.connect(path)
        connection.sendall(lines)
        with connection.makefile("rb") as file:
            for _ in commands:
                try:
                    answers.append(read_answer(file))
                except RedisError as error:
                    answers.append(error)
    return answers


def until(what, condition, patience=PATIENCE):
    """Polls until `condition` gives something, and returns it. A server that is away gives nothing yet."""
    limit = time.monotonic() + patience
    while True:
        with contextlib.suppress(*AWAY):
            if found := condition():
                return found
        if time.monotonic() > limit:
            raise AssertionError(f"waited {patience} s for {what}")
        time.sleep(0.02)


class Peer:
    """What one node says of another, or of itself: a line of CLUSTER NODES."""

    def __init__(self, line):
        words = line.split(" ")
        self.id, self.flags, self.is_linked = words[0], words[2].split(","), words[7] == "connected"
        self.port = int(words[1].split("@")[0].rpartition(":")[2] or 0)
        self.master = None if words[3] == "-" else words[3]
        self.slots, self.is_migrating = [], False
        for word in words[8:]:
            if word.startswith("["):
                self.is_migrating = True
            else:
                first, _, last = word.partition("-")
                self.slots.append((int(first), int(last or first)))

    @property
    def is_well(self):
        return self.is_linked and not {"fail", "fail?", "handshake", "noaddr"} & set(self.flags)


class Node(Member):
    """A server of the cluster. What it knows about the others outlives a restart, as it does for servers anywhere;
    what CONFIG and ACL have changed does not."""

    def __init__(self, directory, name, settings):
        super().__init__(directory, name)
        self.bus, self.id, self._settings = free_port(), None, settings
        self.failed_over = 0.0  # when it was last part of a planned failover

    def start(self):
        self.process = Process(
            SERVER_PROGRAM, "--port", str(self.port), "--bind", "127.0.0.1", "--unixsocket", self.path, "--save", "",
            "--appendonly", "no", "--logfile", "", "--dir", self.directory, "--repl-diskless-sync-delay", "0",
            "--client-output-buffer-limit", "pubsub 0 0 0", "--cluster-enabled", "yes",
            "--cluster-port", str(self.bus), *self._settings, ready="eady to accept connections")
        self.id = self.ask("CLUSTER", "MYID")

    def peers(self):
        """All nodes as this one sees them, by their ids."""
        return {peer.id: peer for peer in map(Peer, self.ask("CLUSTER", "NODES").splitlines())}

    def is_in_step(self):
        """Whether it replicates its master, if it has one."""
        role = self.ask("ROLE")
        return role[0] == "master" or role[3] == "connected"


class Cluster:
    """`masters` with `replicas` each. `node_timeout`: milliseconds of silence after which a node is taken for dead.
    `full_coverage`: whether all of it refuses to work while a slot has no master."""

    def __init__(self, directory, masters=3, replicas=1, node_timeout=2000, full_coverage=True):
        self._directory, self._number = directory, 0
        # A replica that has won an election takes itself for the winner of the next one, for as long as this, without
        # anybody's vote, and is soon put right by the others; and nobody votes in one shard so soon again.
        self._election = 4 * node_timeout / 1000
        # A replica is good enough however old its data are, and stays with its shard.
        self._settings = ("--cluster-node-timeout", str(node_timeout), "--cluster-replica-validity-factor", "0",
                          "--cluster-allow-replica-migration", "no",
                          "--cluster-require-full-coverage", "yes" if full_coverage else "no")
        self.nodes, self.extra = [], []
        try:
            self._set_up([self._start() for _ in range(masters * (1 + replicas))], masters)
        except BaseException:
            self.close()
            raise

    def _start(self):
        node = Node(self._directory, f"node{self._number}", self._settings)
        self._number += 1
        node.start()
        self.nodes.append(node)
        return node

    def _set_up(self, nodes, masters):
        for number, node in enumerate(nodes):
            node.ask("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            if number < masters:
                first, end = number * SLOTS // masters, (number + 1) * SLOTS // masters
                node.ask("CLUSTER", "ADDSLOTSRANGE", first, end - 1)
        self._meet(nodes)
        for number, node in enumerate(nodes[masters:]):
            node.ask("CLUSTER", "REPLICATE", nodes[number % masters].id)
        self.until_settled()

    def _meet(self, strangers):
        for node in strangers:
            for other in self.nodes:
                if other is not node:
                    node.ask("CLUSTER", "MEET", "127.0.0.1", other.port, other.bus)
        ids = {node.id for node in self.nodes}
        until("the nodes to meet", lambda: all(
            set(peers) == ids and all(peer.is_well for peer in peers.values())
            for peers in (node.peers() for node in self.nodes)))

    # MARK: What it is like

    @property
    def url(self):
        """With every node as a seed."""
        return f"redis-cluster://{','.join(f'127.0.0.1:{node.port}' for node in self.nodes)}"

    def node(self, id):
        return next(node for node in self.nodes if node.id == id)

    @property
    def living(self):
        return [node for node in self.nodes if not node.process.is_over]

    def owners(self, seen_by=None):
        """The masters that have slots, and their ranges of slots, as one node that answers knows them. OSError if none
        does."""
        for node in (seen_by,) if seen_by else self.living:
            with contextlib.suppress(*AWAY):
                return {self.node(peer.id): peer.slots for peer in node.peers().values()
                        if peer.slots and "fail" not in peer.flags}
        raise ConnectionError("no node answers")

    def masters(self):
        return list(self.owners())

    def map(self, seen_by=None):
        """The master of every slot that has one."""
        return {slot: node for node, ranges in self.owners(seen_by).items()
                for first, last in ranges for slot in range(first, last + 1)}

    def owner(self, slot, seen_by=None):
        """The master of a slot; None if it has none."""
        return self.map(seen_by).get(slot)

    def replicas(self, master):
        return [self.node(peer.id) for peer in master.peers().values() if peer.master == master.id and peer.is_well]

    def is_settled(self):
        """Every node is there, takes every slot for served, by the same master as all others do; nothing is on its way
        from one to another, and every replica is in step."""
        first, ids = None, {node.id for node in self.nodes}
        for node in self.nodes:
            peers, info = node.peers(), node.ask("CLUSTER", "INFO")
            view = sorted((peer.id, peer.master, peer.slots) for peer in peers.values())
            first = first or view
            if set(peers) != ids or view != first or "cluster_state:ok" not in info or not node.is_in_step() \
                    or any(not peer.is_well or peer.is_migrating for peer in peers.values()):
                return False
        idle = {id for id, master, slots in first if not master and not slots}
        return idle <= {node.id for node in self.extra} \
            and sum(last - begin + 1 for _, _, slots in first for begin, last in slots) == SLOTS

    def until_settled(self):
        until("the cluster to settle", self.is_settled)

    # MARK: What is done to it

    def mend(self):
        """Brings back what is away, and waits until all is well."""
        for node in self.nodes:
            node.thaw()
            if node.process.is_over:
                node.start()
        self.until_settled()

    def replaced(self, master, slot):
        """Whether some other living node takes another than `master` for the slot's."""
        for node in self.living:
            if node is not master:
                with contextlib.suppress(*AWAY):
                    if (owner := self.owner(slot, node)) and owner is not master:
                        return owner
        return None

    def fail_over(self, master):
        """What an operator does before maintenance. Returns the new master, once the old one follows it. So soon after
        the last time that there can be no election, the replica takes over without one."""
        slot, replica = self.owners(master)[master][0][0], self.replicas(master)[0]
        way = ["TAKEOVER"] if self.seconds_until_electable(master) > 0 else []
        limit = time.monotonic() + PATIENCE
        while time.monotonic() < limit:
            with contextlib.suppress(*AWAY):
                replica.ask("CLUSTER", "FAILOVER", *way)
            again = time.monotonic() + 6  # by then it has given up
            while time.monotonic() < again:
                if self.owner(slot, master) is replica:
                    master.failed_over = replica.failed_over = time.monotonic()
                    return replica
                time.sleep(0.01)
        raise AssertionError("no failover")

    def seconds_until_electable(self, master):
        """How long until one of its replicas can be elected; 0 if it can be now."""
        last = max(node.failed_over for node in [master, *self.replicas(master)])
        return max(0.0, last + self._election - time.monotonic())

    def migrate(self, slots, target, tells_all=True):
        """Moves slots, one after the other as tools do. `tells_all`: whether the others are told as well, or hear of it
        from the two."""
        for slot in slots:
            source = self.owner(slot)
            if source is target:
                continue
            _demand(target, [("CLUSTER", "SETSLOT", slot, "IMPORTING", source.id)])
            _demand(source, [("CLUSTER", "SETSLOT", slot, "MIGRATING", target.id)])
            self.assign([slot], source, target, tells_all)

    def migrate_many(self, slots, source, target):
        """Moves slots of one master so that all are on their way at once."""
        _demand(target, [("CLUSTER", "SETSLOT", slot, "IMPORTING", source.id) for slot in slots])
        _demand(source, [("CLUSTER", "SETSLOT", slot, "MIGRATING", target.id) for slot in slots])
        self.assign(slots, source, target)

    def assign(self, slots, source, target, tells_all=True):
        """The end of a migration."""
        others = [node for node in self.masters() if node not in (source, target)] if tells_all else []
        for node in (target, source, *others):
            _demand(node, [("CLUSTER", "SETSLOT", slot, "NODE", target.id) for slot in slots])

    def add(self):
        """A new master without slots and without a replica, known to all."""
        node = self._start()
        self.extra.append(node)
        self._meet([node])
        return node

    def remove(self, node):
        """Takes a node out that `add` has put in: its slots go to the others in turn, then nobody knows it any more."""
        others = [other for other in self.masters() if other is not node]
        slots = [slot for first, last in self.owners().get(node, ()) for slot in range(first, last + 1)]
        for number, other in enumerate(others):
            if share := slots[number::len(others)]:
                self.migrate_many(share, node, other)
        until("a node without slots", lambda: all(node not in self.owners(each) for each in self.nodes))
        self.nodes.remove(node)
        self.extra.remove(node)
        # Gossip brings back one who is not forgotten by all within a minute.
        for other in self.nodes:
            _demand(other, [("CLUSTER", "FORGET", node.id)])
        node.kill()
        self.until_settled()

    def close(self):
        for node in self.nodes:
            if node.process:
                node.thaw()
                node.kill()


def _demand(node, commands):
    for answer in converse(node.path, commands):
        if isinstance(answer, RedisError):
            raise answer
