"""Who is measured: subscribers, each a process that reports by lines what arrives and what it is told."""
import datetime
import hashlib
import json
import os
import pathlib
import platform
import re
import subprocess
import sys
import threading
import time
from dataclasses import dataclass

from harness import PATIENCE, ROOT, SERVER_PROGRAM, binary
from sentinels import SERVICE

from .publisher import channels, plain, socketio

HERE = pathlib.Path(__file__).resolve().parent
PROGRAMS = HERE / "subscribers"
REQUIREMENTS = HERE / "requirements.txt"

#: The names in Redis to which the publisher publishes, and how a number is written there. A relay has the prefix "f:",
#: and so has ActionCable.
FORMATS = {"f:numbers": plain, "socketio": socketio, "f:socketio": socketio, "asgi__group__numbers": channels,
           "f:asgi__group__numbers": channels}

CLIENTS = ROOT / "proto" / "clients"


@dataclass(frozen=True)
class Subject:
    """`program` and `argument` start it, `channel` is the name in FORMATS that it hears. `row` names it in a table of
    one fault, `short` in the table of all of them, which has those alone that have one. `needs` is a part of a client,
    relative to CLIENTS, without which it is left out."""

    row: str
    program: str
    argument: str
    channel: str = "f:numbers"
    short: str = ""
    needs: str = ""

    @property
    def is_there(self):
        return (CLIENTS / self.needs).exists()


SUBJECTS = (
    Subject("hubrelay, asyncio client", "relayed.py", "asyncio_client", short="**hubrelay**, asyncio"),
    Subject("hubrelay, blocking client", "relayed.py", "blocking_client", short="**hubrelay**, threads"),
    Subject("python-socketio on hubrelay, `AsyncHubrelayManager`", "relayed.py", "socketio_asyncio", "f:socketio",
            "python-socketio on **hubrelay**, asyncio", "python/hubrelay/socketio.py"),
    Subject("python-socketio on hubrelay, `HubrelayManager` (Flask-SocketIO)", "relayed.py", "socketio_threads",
            "f:socketio", "python-socketio on **hubrelay**, threads", "python/hubrelay/socketio.py"),
    Subject("Django Channels on hubrelay, `HubrelayChannelLayer`", "relayed.py", "channels", "f:asgi__group__numbers",
            "Django Channels on **hubrelay**", "python/hubrelay/channels"),
    Subject("ActionCable on hubrelay, `adapter: hubrelay`", "cable.rb", "hubrelay", "f:numbers",
            "ActionCable on **hubrelay**", "ruby/lib/action_cable/subscription_adapter/hubrelay.rb"),
    Subject("redis-py, `listen()` in a thread", "stock.py", "redis_listen", short="redis-py, `listen()`"),
    Subject("redis-py, `listen()`, errors logged and begun again after 1 s", "stock.py", "redis_listen_again"),
    Subject("redis-py, `run_in_thread()`", "stock.py", "redis_run_in_thread", short="redis-py, `run_in_thread()`"),
    Subject("redis-py, `run_in_thread(exception_handler=...)`, `health_check_interval=5`", "stock.py",
            "redis_run_in_thread_checked"),
    Subject("redis-py asyncio, `listen()`", "stock.py", "redis_asyncio_listen", short="redis-py, asyncio `listen()`"),
    Subject("redis-py asyncio, `listen()`, `retry=` for ever, `health_check_interval=5`", "stock.py",
            "redis_asyncio_for_ever"),
    Subject("redis-py asyncio, `get_message(timeout=1)`, `health_check_interval=5`, errors logged and begun again",
            "stock.py", "redis_asyncio_checked"),
    Subject("python-socketio, `AsyncRedisManager`", "stock.py", "socketio_asyncio", "socketio",
            short="python-socketio, `AsyncRedisManager`"),
    Subject("python-socketio, `AsyncRedisManager`, `health_check_interval=5`", "stock.py", "socketio_asyncio_checked",
            "socketio"),
    Subject("python-socketio, `RedisManager` (Flask-SocketIO)", "stock.py", "socketio_threads", "socketio",
            short="python-socketio, `RedisManager`"),
    Subject("channels_redis, `RedisPubSubChannelLayer`", "stock.py", "channels", "asgi__group__numbers",
            short="channels_redis, pub/sub layer"),
    Subject("channels_redis, `RedisPubSubChannelLayer`, `health_check_interval=5`", "stock.py", "channels_checked",
            "asgi__group__numbers"),
    Subject("ActionCable, `adapter: redis`", "cable.rb", "actioncable", short="ActionCable, `adapter: redis`"),
    Subject("ActionCable, `reconnect_attempts: 10`, `tcp_keepalive: 10`", "cable.rb", "actioncable_checked"),
)


def python():
    """The Python of a virtual environment with REQUIREMENTS, made if it is not there yet."""
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "hubrelay" / "peers"
    folder = cache / hashlib.sha256(REQUIREMENTS.read_bytes() + sys.version.encode()).hexdigest()[:16]
    program, is_whole = folder / "bin" / "python", folder / "is-whole"
    if not is_whole.exists():
        try:
            subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True, stdout=sys.stderr)
            subprocess.run([program, "-m", "pip", "install", "--quiet", "--no-deps", "--requirement", REQUIREMENTS],
                           check=True, stdout=sys.stderr)
        except subprocess.CalledProcessError as error:
            raise SystemExit(f"Tests/figures peers: PyPI did not give what {REQUIREMENTS} has: {error}") from None
        is_whole.touch()
    return str(program)


def versions():
    """When, on what machine, and what was measured, as a sentence. Ends the program where something is missing."""
    pins = dict(line.split("==") for line in REQUIREMENTS.read_text().splitlines() if "==" in line)
    ruby = _said("ruby", "-e", 'require "redis"; require "action_cable"; '
                               'puts Redis::VERSION, ActionCable.version, RUBY_VERSION').split()
    model = re.search("^model name.*: (.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return (f"Measured on {datetime.date.today():%-d %B %Y} on {model[1] if model else platform.machine()}, "
            f"{os.cpu_count()} cores, Linux {platform.release().split('-')[0]}: {_said(binary(), '--version')}, Redis "
            f"{re.search('v=([0-9.]+)', _said(SERVER_PROGRAM, '--version'))[1]}, redis-py {pins['redis']}, "
            f"python-socketio {pins['python-socketio']} and channels_redis {pins['channels_redis']} on Python "
            f"{platform.python_version()}, redis-rb {ruby[0]} and ActionCable {ruby[1]} on Ruby {ruby[2]}.")


def _said(*words):
    try:
        return subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()
    except OSError as error:
        raise SystemExit(f"Tests/figures peers: {words[0]} does not start: {error.strerror}. The relay is "
                         "TESTED_HUBRELAY; Debian's redis-server, ruby-redis and ruby-actioncable are needed") from None
    except subprocess.CalledProcessError as error:
        raise SystemExit(f"Tests/figures peers: {words[0]} fails, perhaps for want of Debian's ruby-redis and "
                         f"ruby-actioncable: {error.stderr.strip()}") from None


def last_words(lines):
    """The line in what a process has written to its standard error that says of what it ended."""
    said = [line for line in lines if re.search("[Ee]rror|Errno", line)] or lines or ["without a word"]
    if any(line.startswith("Traceback") for line in lines):
        return said[-1]  # Python has it at the end, after its causes
    return re.sub("^.*in `[^']*': ", "", said[0])  # Ruby at the beginning, after the place in the sources


class Subscriber:
    """The process of a subject. `reports` has what it was told, as (time, way, text), and `arrived` when each number
    arrived."""

    def __init__(self, subject, interpreter, scene, relay):
        self.subject, self.arrived, self.reports = subject, {}, []
        self._changed, self._complaints, self._is_stopped = threading.Condition(), [], False
        settings = json.dumps({"address": scene.address, "sentinels": scene.sentinels, "service": SERVICE,
                               "relay": relay})
        where = ["ip", "netns", "exec", scene.namespace] if scene.namespace else []
        words = ["ruby"] if subject.program.endswith(".rb") else [interpreter, "-u"]
        self._process = subprocess.Popen(
            [*where, *words, PROGRAMS / subject.program, subject.argument, settings], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace",
            env={**os.environ, "PYTHONPATH": str(CLIENTS / "python"),
                 "RUBYLIB": str(CLIENTS / "ruby" / "lib")})
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._read, self._read_complaints)]
        for thread in self._threads:
            thread.start()

    def _read(self):
        for line in self._process.stdout:
            at, kind, rest = line.split(" ", 2)
            with self._changed:
                if kind == "message":
                    self.arrived.setdefault(int(rest), float(at))
                else:
                    self.reports.append((float(at), *rest.strip().split(" ", 1)))
                self._changed.notify_all()
        ended = time.monotonic()
        self._threads[1].join()
        with self._changed:
            if not self._is_stopped:
                self.reports.append((ended, "exit", f"the process ends: {last_words(self._complaints)}"))
            self._changed.notify_all()

    def _read_complaints(self):
        for line in self._process.stderr:
            if line.strip():
                self._complaints.append(line.strip())

    def wait_for_message(self, count=5):
        """Waits until so many messages have arrived: it hears. AssertionError if it does not get there."""
        with self._changed:
            self._changed.wait_for(lambda: len(self.arrived) >= count or self._process.poll() is not None, 4 * PATIENCE)
            if len(self.arrived) < count:
                said = "\n".join(map(str, self._complaints + self.reports))
                raise AssertionError(f"{self.subject.row} hears nothing: {said}")

    def close(self):
        self._is_stopped = True
        self._process.kill()
        self._process.wait()
        for thread in self._threads:
            thread.join(PATIENCE)
        self._process.stdout.close()
        self._process.stderr.close()
