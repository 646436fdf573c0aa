"""What deploy/package.d/prove has a relay do in each place, in a network namespace with a name server and Redis.

    places.py FOLDER PROGRAM UID GID GROUP CERTIFICATES BEGAN VARIABLES    prints the figures as JSON
"""
import contextlib
import json
import os
import pathlib
import socket
import struct
import subprocess
import sys
import threading
import time

HOST = "redis.hubrelay.internal"
RUN = "/run/hubrelay/chat"
SOCKET, HTTP = f"{RUN}/hubrelay.sock", f"unix:{RUN}/http.sock"
#: Services that are shared libraries. A static program that loaded them would crash.
FOREIGN_SERVICES = ("passwd: systemd files\ngroup: systemd sss files\n"
                    "hosts: mymachines resolve myhostname mdns4_minimal dns files\n")
#: A provider of OpenSSL that is a shared library, too.
FOREIGN_PROVIDER = ("openssl_conf = init\n[init]\nproviders = all\n[all]\ndefault = on\nlegacy = on\n"
                    "[on]\nactivate = 1\n")
STARTS = 20


def run(*words, **options):
    """Runs a command and returns what it says; with what it said where it fails."""
    done = subprocess.run([str(word) for word in words], check=False, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, **options)
    if done.returncode != 0:
        raise SystemExit(f"prove: {' '.join(map(str, words))} ends with {done.returncode}:\n{done.stdout}")
    return done.stdout


def check(holds, what):
    if not holds:
        raise SystemExit(f"prove: not so: {what}")


# ---- the namespace in which a relay runs ------------------------------------------------------------------------

def answer_dns(server):
    """A name server that knows one name: an A record of 127.0.0.1, and no other record of it."""
    while True:
        query, peer = server.recvfrom(512)
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode())
            at += 1 + query[at]
        kind = struct.unpack_from("!H", query, at + 1)[0]
        is_known = ".".join(labels).lower() == HOST
        records = struct.pack("!HHHIH4B", 0xC00C, 1, 1, 60, 4, 127, 0, 0, 1) if is_known and kind == 1 else b""
        head = query[:2] + struct.pack("!HHHHH", 0x8180 if is_known else 0x8183, 1, 1 if records else 0, 0, 0)
        server.sendto(head + query[12:at + 5] + records, peer)


def make_certificates(folder):
    """ca.pem, other-ca.pem, and server.pem with its key for HOST."""
    for name in ("ca", "other-ca"):
        run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650", "-subj", f"/CN=private {name}",
            "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.pem")
    run("openssl", "req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={HOST}", "-keyout", folder / "server.key",
        "-out", folder / "server.csr")
    (folder / "names").write_text(f"subjectAltName=DNS:{HOST}\n")
    run("openssl", "x509", "-req", "-in", folder / "server.csr", "-CA", folder / "ca.pem", "-CAkey", folder / "ca.key",
        "-CAcreateserial", "-days", "3650", "-extfile", folder / "names", "-out", folder / "server.pem")


@contextlib.contextmanager
def servers(certificates):
    """A name server, and a Redis at 6379 and, by TLS, at 6380."""
    run("ip", "link", "set", "lo", "up")
    dns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    dns.bind(("127.0.0.1", 53))
    threading.Thread(target=answer_dns, args=(dns,), daemon=True).start()
    words = ["redis-server", "--save", "", "--port", "6379", "--tls-port", "6380", "--tls-auth-clients", "no",
             "--tls-cert-file", certificates / "server.pem", "--tls-key-file", certificates / "server.key",
             "--tls-ca-cert-file", certificates / "ca.pem"]
    redis = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    while "Ready to accept" not in (line := redis.stdout.readline()):
        check(line, "Redis starts")
    threading.Thread(target=redis.stdout.read, daemon=True).start()
    try:
        yield
    finally:
        redis.kill()
        redis.wait()


class Relay(subprocess.Popen):
    """A relay that runs, and its log."""

    def __init__(self, *arguments, **options):
        self.said = []
        super().__init__(*arguments, **options)


class Place:
    """A folder in which a relay runs as its root: its program, its user, and the group of its app."""

    def __init__(self, folder, program, uid, gid, chat):
        self.folder, self.program, self.uid, self.gid, self.chat = pathlib.Path(folder), program, uid, gid, chat

    def words(self, *arguments):
        return ["chroot", f"--userspec={self.uid}:{self.gid}", f"--groups={self.gid},{self.chat}", str(self.folder),
                self.program, *arguments]

    def call(self, *arguments, **variables):
        """(exit code, output) of a command that ends."""
        done = subprocess.run(self.words(*arguments), check=False, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, env={**os.environ, **variables}, timeout=60)
        return done.returncode, done.stdout

    def socket_folder(self):
        """As hubrelay@chat.service makes it."""
        path = self.folder / RUN[1:]
        path.mkdir(parents=True, exist_ok=True)
        os.chown(path, self.uid, self.chat)
        path.chmod(0o750)

    @contextlib.contextmanager
    def relay(self, *arguments, **variables):
        """A relay with these arguments."""
        self.socket_folder()
        words = self.words("serve", "--prefix", "chat:", "--socket", SOCKET, "--http", HTTP, *arguments)
        relay = Relay(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                      env={**os.environ, **variables})
        threading.Thread(target=lambda: relay.said.extend(relay.stderr), daemon=True).start()
        try:
            yield relay
        finally:
            relay.terminate()
            relay.wait()

    def wait_for(self, status, relay, cause=""):
        """Until /health says so."""
        deadline = time.monotonic() + 60
        while True:
            _, said = self.call("health", "--http", HTTP, "--json")
            health = json.loads(said) if said.startswith("{") else {}
            if health.get("status") == status and (not cause or health.get("cause") == cause):
                return health
            check(relay.poll() is None, f"the relay runs: {''.join(relay.said)}")
            check(time.monotonic() < deadline, f"{status} {cause} within a minute: {said} {''.join(relay.said)}")


def first_message(place, relay):
    """A subscriber gets what is published."""
    words = place.words("subscribe", "room.7", "--count", "1", "--socket", SOCKET)
    subscriber = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while "receivers=1" not in place.call("publish", "room.7", "hello", "--socket", SOCKET)[1]:
        check(time.monotonic() < deadline and relay.poll() is None, "the message has a receiver")
    check("hello" in subscriber.communicate(timeout=60)[0], "the message is delivered")


def start_times(place):
    """Milliseconds from the start of the program to an accepted connection, sorted."""
    path, times = str(place.folder / SOCKET[1:]), []
    for _ in range(STARTS):
        began = time.monotonic()
        with place.relay("--redis", f"redis://{HOST}"):
            while True:
                with socket.socket(socket.AF_UNIX) as app:
                    try:
                        app.connect(path)
                        break
                    except OSError:
                        check(time.monotonic() < began + 60, "a start takes less than a minute")
            times.append((time.monotonic() - began) * 1000)
    return sorted(times)


def private_memory(pid):
    """Kilobytes of memory that a process has written to and that no other one has."""
    lines = dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:])
    return int(lines["Private_Dirty"].split()[0])


def resolve_by(folder, text):
    """Where names are asked for. systemd-resolved leaves a link there, to what it would make."""
    file = folder / "etc/resolv.conf"
    file.unlink(missing_ok=True)
    file.write_text(text)


def resolve_as_here(root):
    resolve_by(root, pathlib.Path("/etc/resolv.conf").read_text())


def run_in(place, began, variables):
    """All that a relay is to do in a place. Returns figures."""
    found = {}
    os.sync()  # pages of a program that was just copied would count as written to
    resolve_by(place.folder, "nameserver 127.0.0.1\n")
    with place.relay("--redis", f"redis://{HOST}", "--socket-group", "chat") as relay:
        found["health"] = place.wait_for("up", relay)
        first_message(place, relay)
        found["first"] = time.time() - began
        status = (place.folder / SOCKET[1:]).stat()
        check(status.st_gid == place.chat, "the socket belongs to the group chat")
        found["memory"] = private_memory(relay.pid)
    by_tls = ("--redis", f"rediss://{HOST}:6380")
    with place.relay(*by_tls, "--redis-ca", "/etc/hubrelay/ca.pem") as relay:
        place.wait_for("up", relay)
        first_message(place, relay)
    with place.relay(*by_tls, "--redis-ca", "/etc/hubrelay/other-ca.pem") as relay:
        place.wait_for("down", relay, "tls")
    with place.relay(*by_tls, **variables) as relay:  # the system's store
        place.wait_for("up", relay)
    with place.relay("--redis", "redis://nowhere.invalid") as relay:
        place.wait_for("down", relay, "unreachable")
    code, said = place.call("serve", "--prefix", "x:", "--socket", SOCKET, "--http", "off", "--socket-group", "nobodys")
    check(code > 0 and "no group 'nobodys'" in said, f"an unknown group is refused: {code} {said}")
    found["starts"] = start_times(place)
    return found


def inside(folder, program, uid, gid, chat, certificates, began, trusts_system):
    """What runs in the namespace: twice, the second time with services and a provider that are shared libraries."""
    place = Place(folder, program, int(uid), int(gid), int(chat))
    with servers(pathlib.Path(certificates)):
        found = run_in(place, float(began), json.loads(trusts_system))
        services = place.folder / "etc/nsswitch.conf"
        if services.exists():
            services.write_text(FOREIGN_SERVICES)
            (place.folder / "etc/hubrelay/openssl.cnf").write_text(FOREIGN_PROVIDER)
            run_in(place, time.time(), {"OPENSSL_CONF": "/etc/hubrelay/openssl.cnf", **json.loads(trusts_system)})
    print(json.dumps(found))


if __name__ == "__main__":
    inside(*sys.argv[1:])
