"""A child that was forked from a process with a client, and a relay in the parent that serves both."""
import ctypes
import os
import tempfile
import time
import unittest

import hubrelay
from hubrelay.testing import FakeRelay

PATIENCE = 60


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
        pid = fork()
        if pid == 0:
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
            return new.get(timeout=5) == hubrelay.Message("a", b"child")
        self.in_child(os.fork, check)

    def test_a_fork_that_python_does_not_know_of_is_noticed(self):
        def check():
            receivers = self.client.publish("a", b"child", timeout=5)
            return receivers == 1 and self.subscription._queue.is_ended and self.subscription.get(timeout=0) is None
        self.in_child(ctypes.PyDLL(None).fork, check)


if __name__ == "__main__":
    unittest.main()
