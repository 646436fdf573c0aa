"""Starts the tutorial: Redis, and on each of two "hosts" a relay and an app server; HAProxy and Nginx before them.

    python3 tutorial.py path/to/hubrelay [--ports A,B,C,D,E,F]

Started by `run`, which installs what is needed. Ends everything that it has started, at SIGINT, SIGTERM and SIGHUP.
"""
import argparse
import asyncio
import http.client
import os
import pathlib
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time

FILES = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(FILES.parent / "quickstart.d"))

from processes import Daemon, Redis, Relay, Stuck, free_port  # noqa: E402  (found through the line above)

#: What the configurations beside this file say. Ports that are taken are replaced in copies of them.
PORTS = {"HAProxy": 8080, "Nginx by cookie": 8081, "Nginx by address": 8082, "host-a": 8001, "host-b": 8002,
         "Redis": 6390}

HELP = """
Open two windows, for Ann and for Ben. To the browser 127.0.0.1 and localhost are two sites, so each window has a
cookie of its own, and a server of its own:

    HAProxy, by cookie   http://127.0.0.1:{HAProxy}/?name=Ann   http://localhost:{HAProxy}/?name=Ben
    Nginx, by cookie     http://127.0.0.1:{Nginx by cookie}/?name=Ann   http://localhost:{Nginx by cookie}/?name=Ben
    Nginx, by address    http://127.0.0.1:{Nginx by address}/?name=Ann   (both on one server: they have one address)

Watch Redis in another terminal:

    redis-cli -p {Redis} monitor

Type here: stop, start, freeze or thaw, and one of {names}. For example: stop redis
Ctrl-C ends everything. Logs are in {directory}.
"""


class Server(Daemon):
    """Something that speaks HTTP on a port of the loopback interface."""

    def __init__(self, name, directory, port, *argv, **environment):
        super().__init__(name, directory)
        self.port, self.argv, self.environment = port, argv, environment

    async def start(self):
        self.spawn(*self.argv, **self.environment)
        deadline = time.monotonic() + 30
        while self.running() and time.monotonic() < deadline:
            if await asyncio.to_thread(self.answers):
                return
            await asyncio.sleep(0.02)  # none of them has a way to say that it listens
        raise Stuck(f"{self.name} does not answer on port {self.port}")

    def answers(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            connection.request("GET", "/page.css")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


class Tutorial:
    """All processes, by their names, in the order in which they are started."""

    def __init__(self, binary, ports, directory):
        self.ports, self.directory, self.daemons = ports, directory, {}
        redis = Redis(directory)
        redis.port = ports["Redis"]
        self.daemons["redis"] = redis
        for letter in "ab":
            host = f"host-{letter}"
            relay = Relay(binary, host, redis, directory, prefix="chat:")
            self.daemons[f"relay-{letter}"] = relay
            self.daemons[f"server-{letter}"] = self.app_server(host, relay)
        haproxy, nginx = self.configuration("haproxy.cfg"), self.configuration("nginx.conf")
        self.daemons["haproxy"] = Server("haproxy", directory, ports["HAProxy"],
                                         program("haproxy"), "-db", "-f", haproxy)
        # Workers of the same user as everything else here; Nginx would take another one if root starts it.
        user = ["user root;"] if os.geteuid() == 0 else []
        self.daemons["nginx"] = Server("nginx", directory, ports["Nginx by cookie"], program("nginx"), "-p", directory,
                                       "-e", "stderr", "-c", nginx, "-g", " ".join(["daemon off;", *user]))

    def app_server(self, host, relay):
        port = self.ports[host]
        return Server(f"server {host}", self.directory, port,
                      sys.executable, "-m", "uvicorn", "server:app", "--app-dir", FILES / "chat",
                      "--port", port, "--timeout-graceful-shutdown", 1, "--log-level", "warning",
                      CHAT_HOST=host, CHAT_RELAY=f"hubrelay://{relay.socket}", CHAT_SOCKET_IO=str(socket_io()),
                      CHAT_DATABASE=str(self.directory / "chat.db"), PYTHONUNBUFFERED="1")

    def configuration(self, name):
        """A copy of that file with the ports that are used."""
        text = (FILES / name).read_text()
        for key, usual in PORTS.items():
            text = text.replace(f"127.0.0.1:{usual}", f"127.0.0.1:<{key}>").replace(
                rf"127\.0\.0\.1:{usual}$", rf"127\.0\.0\.1:<{key}>$")
        for key, port in self.ports.items():
            text = text.replace(f"<{key}>", str(port))
        copy = self.directory / name
        copy.write_text(text)
        return copy

    async def start(self):
        for together in ("redis",), ("relay-a", "relay-b"), ("server-a", "server-b"), ("haproxy", "nginx"):
            started = await asyncio.gather(*(self.daemons[name].start() for name in together), return_exceptions=True)
            for result in started:
                if isinstance(result, Exception):
                    raise result

    async def command(self, line):
        """What was typed, such as `stop redis`. Returns what to answer."""
        verb, _, name = line.strip().partition(" ")
        if not verb:
            return None
        daemon = self.daemons.get(name.strip())
        if daemon is None or verb not in ("stop", "start", "freeze", "thaw"):
            return f"not understood; type stop, start, freeze or thaw, and one of {', '.join(self.daemons)}"
        if verb == "start":
            if daemon.running():
                return f"{name} runs already"
            try:
                await daemon.start()
            except Stuck as problem:
                return f"{name} has not started: {problem}; see {daemon.log}"
            return f"{name} has started"
        if not daemon.running():
            return f"{name} does not run"
        if verb == "stop":
            daemon.process.send_signal(signal.SIGCONT)  # a frozen one could not end
            await daemon.stop()
            return f"{name} has ended"
        daemon.process.send_signal(signal.SIGSTOP if verb == "freeze" else signal.SIGCONT)
        return f"{name} is {'frozen: it stays connected and does nothing' if verb == 'freeze' else 'thawed'}"

    async def end(self):
        for daemon in self.daemons.values():
            if daemon.running():
                daemon.process.send_signal(signal.SIGCONT)
        await asyncio.gather(*(daemon.stop() for daemon in self.daemons.values()))

    def show_logs(self):
        for daemon in self.daemons.values():
            if daemon.log.exists() and daemon.log.stat().st_size:
                lines = daemon.log.read_text(errors="replace").splitlines()[-15:]
                print(f"\n{daemon.name} logged last:", *lines, sep="\n    ")


def program(name):
    """Where it is. Debian has HAProxy and Nginx in a folder that is not in everybody's PATH."""
    return shutil.which(name, path=os.environ.get("PATH", os.defpath) + ":/usr/sbin") or name


def socket_io():
    """Socket.IO's client for the browser, which a Python package carries. That package itself is not used."""
    [file] = pathlib.Path(sys.prefix).glob("lib/python3*/site-packages/nicegui/static/socket.io.min.js")
    return file


def choose_ports(text):
    """The ports by name: those in `text`, or the usual ones; a usual one that is taken gives way to a free one."""
    if text:
        numbers = text.split(",")
        if len(numbers) != len(PORTS) or not all(number.isdecimal() and 0 < int(number) < 65536 for number in numbers):
            raise argparse.ArgumentTypeError(f"{len(PORTS)} ports are needed, for {', '.join(PORTS)}: not {text!r}")
        return dict(zip(PORTS, map(int, numbers)))
    return {name: port if is_free(port) else free_port() for name, port in PORTS.items()}


def is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            return True
        except OSError:
            return False


def typed_lines():
    """A queue of the lines that come on standard input. Its end changes nothing: only signals end the tutorial."""
    loop, lines = asyncio.get_running_loop(), asyncio.Queue()

    def read():
        for line in sys.stdin:
            loop.call_soon_threadsafe(lines.put_nowait, line)

    threading.Thread(target=read, daemon=True).start()
    return lines


async def main(binary, ports):
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, task.cancel)
    # Not $TMPDIR, which may be long: the path of a Unix socket has at most 107 bytes.
    directory = pathlib.Path(tempfile.mkdtemp(prefix="hubrelay-tutorial.", dir="/tmp"))
    tutorial = Tutorial(binary, ports, directory)
    try:
        await tutorial.start()
        print(HELP.format(names=", ".join(tutorial.daemons), directory=directory, **ports), flush=True)
        lines = typed_lines()
        while True:
            answer = await tutorial.command(await lines.get())
            if answer:
                print(answer, flush=True)
    except Stuck as problem:
        tutorial.show_logs()
        print(f"\ntutorial: {problem}", file=sys.stderr)
        return 1
    except asyncio.CancelledError:
        return 0
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, lambda: None)  # a second one does not interrupt the end
        await tutorial.end()
        shutil.rmtree(directory)
        print("\ntutorial: everything that it had started has ended", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary", type=pathlib.Path, help="the hubrelay executable")
    parser.add_argument("--ports", type=choose_ports, default="", metavar="A,B,C,D,E,F", help="for " + ", ".join(PORTS))
    arguments = parser.parse_args()
    sys.exit(asyncio.run(main(arguments.binary.resolve(), arguments.ports)))
