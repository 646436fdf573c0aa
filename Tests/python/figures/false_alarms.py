"""Whether a relay that hardly gets to run calls a Redis dead that only stands still for a while."""
import os
import pathlib
import random
import signal
import threading
import time

import wire
from wire import State

from .ping import Worker, flood
from .stage import Client, stage, table

GROUP = pathlib.Path("/sys/fs/cgroup/cpu") / f"hubrelay-figures-{os.getpid()}"


class Hold:
    """Holds a process to a tenth of a core: by its control group, or else by stopping it nine tenths of the time."""

    def __init__(self, pid, by):
        self._pid, self._is_over = pid, threading.Event()
        try:
            if by == "signals":
                raise OSError
            GROUP.mkdir()
            (GROUP / "cpu.cfs_period_us").write_text("100000")
            (GROUP / "cpu.cfs_quota_us").write_text("10000")
            (GROUP / "cgroup.procs").write_text(str(pid))
            self.how = "cgroup, 10 ms of every 100 ms"
        except OSError:
            self._remove()
            self.how = "SIGSTOP for 90 ms, SIGCONT for 10 ms"
            self._thread = threading.Thread(target=self._stop_and_go)
            self._thread.start()

    def _stop_and_go(self):
        while not self._is_over.is_set():
            os.kill(self._pid, signal.SIGSTOP)
            time.sleep(0.09)
            os.kill(self._pid, signal.SIGCONT)
            time.sleep(0.01)

    def throttled(self):
        """Seconds for which the group had to wait; None when there is no group."""
        if not GROUP.exists():
            return None
        values = dict(line.split() for line in (GROUP / "cpu.stat").read_text().splitlines())
        return int(values["throttled_time"]) / 1e9

    def _remove(self):
        if GROUP.exists():
            GROUP.rmdir()

    def end(self):
        if hasattr(self, "_thread"):
            self._is_over.set()
            self._thread.join()
        else:
            (GROUP.parent / "cgroup.procs").write_text(str(self._pid))
            self._remove()


def figures(options):
    chance = random.Random(options.seed)
    alarms, stops, answers, is_over = [], 0, 0, threading.Event()
    with stage() as (redis, relay, watcher):
        def watch():
            try:
                while True:
                    status = watcher.until(wire.Status)
                    if status.state != State.UP and not is_over.is_set():
                        alarms.append(f"{status.state.name}: {status.reason}")
            except (OSError, EOFError, ValueError):
                pass

        def publish():
            nonlocal answers
            client = Client(relay.path)
            client.subscribe(["a"])
            while not is_over.is_set():
                client.send(*(wire.Publish("a", bytes(200), id) for id in range(1, 6)))
                for _ in range(5):
                    client.until(wire.Reply)
                answers += 5
                time.sleep(0.1)

        watcher.socket.settimeout(None)
        threads = [threading.Thread(target=each, daemon=True) for each in (watch, publish)]
        for thread in threads:
            thread.start()
        hold = Hold(relay.pid, options.hold)
        # As much as the relay takes: otherwise a tenth of a core would be more than it needs.
        flooding = Worker(flood, relay.path)
        try:
            end = time.monotonic() + options.minutes * 60
            while time.monotonic() < end:
                time.sleep(chance.uniform(0.5, 4))
                redis.freeze()
                time.sleep(4)
                redis.thaw()
                stops += 1
            time.sleep(2)
        finally:
            is_over.set()
            throttled = hold.throttled()
            hold.end()
        threads[1].join()
        answers += flooding.stop()
    note = "" if throttled is None else f" The group waited {throttled:.0f} s for its share."
    return table(("minutes", "relay held by", "Redis stopped for 4 s", "publishes answered", "false DOWN or DEGRADED"),
                 [(f"{options.minutes:g}", hold.how, f"{stops} times", f"{answers:,}", len(alarms))]) + (
        f"\n\nSeed {options.seed}.{note}" + "".join(f"\n\nFALSE ALARM: {alarm}" for alarm in alarms))
