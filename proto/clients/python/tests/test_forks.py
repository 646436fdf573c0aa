"""A child that was forked from a process with a client, and a relay in the parent that serves both."""
import ctypes
import os
import platform
import signal
import tempfile
import threading
import time
import unittest

import hubrelay
from hubrelay.testing import FakeRelay

PATIENCE = 60
#: Where Linux shows in which system call a thread waits, if it waits.
TASKS = "/proc/self/task"
#: The number of futex(2).
FUTEX = {"x86_64": "202", "aarch64": "98"}.get(platform.machine())


def wait_until_nobody_wants_the_interpreter():
    """Waits until every other thread waits for something to read.

    A fork that Python does not know of copies the lock of its interpreter as it is. Who waits for the lock then is not
    there in the child, and the child hangs when it gives the lock away.
    """
    deadline = time.monotonic() + PATIENCE
    me = str(threading.get_native_id())
    while any(is_busy(task) for task in os.listdir(TASKS) if task != me):
        assert time.monotonic() < deadline, "a thread is always busy"
        time.sleep(0.01)


def is_busy(task):
    """Whether a thread is running, or waits for another one (futex)."""
    try:
        with open(f"{TASKS}/{task}/syscall") as file:
            return file.read().split()[0] in ("running", FUTEX)
    except FileNotFoundError:
        return False  # it has ended


class Forks(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="hubrelay-fork-")
        self.addCleanup(folder.cleanup)
        path = os.path.join(folder.name, "relay.sock")
        self.relay = FakeRelay(path)
        self.addCleanup(self.relay.close)
        self.client = hubrelay.Client(path, first_use=PATIENCE, handshake=PATIENCE)
        self.addCleanup(self.client.close)
        self.subscription = self.client.listen("a")

    def in_child(self, fork, check):
        wait_until_nobody_wants_the_interpreter()
        pid = fork()
        if pid == 0:
            signal.alarm(2 * PATIENCE)  # a child that hangs all the same is ended, and the test fails
            is_right = False
            try:
                is_right = check()
            finally:
                os._exit(0 if is_right else 1)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0)
        # The relay sees the end of the child's connection when it reads it.
        deadline = time.monotonic() + PATIENCE
        receivers = self.client.publish("a", b"parent", timeout=PATIENCE)
        while receivers == 2 and time.monotonic() < deadline:
            receivers = self.client.publish("a", b"parent", timeout=PATIENCE)
        self.assertEqual(receivers, 1)

    def test_closing_a_subscription_of_the_parent_leaves_those_of_the_child_alone(self):
        def check():
            new = self.client.listen("a")
            self.subscription.close()
            self.client.publish("a", b"child")
            return new.get(timeout=PATIENCE) == hubrelay.Message("a", b"child")
        self.in_child(os.fork, check)

    def test_a_fork_that_python_does_not_know_of_is_noticed(self):
        def check():
            receivers = self.client.publish("a", b"child", timeout=PATIENCE)
            return receivers == 1 and self.subscription._queue.is_ended and self.subscription.get(timeout=0) is None
        self.in_child(ctypes.PyDLL(None).fork, check)


if __name__ == "__main__":
    unittest.main()
