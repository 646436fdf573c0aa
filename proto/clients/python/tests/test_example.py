"""The example runs: two chat servers on one relay are one room."""
import os
import socket
import subprocess
import sys
import tempfile
import unittest

from hubrelay.testing import FakeRelay

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PATIENCE = 60


class ChatRoom(unittest.TestCase):
    def server(self, path):
        """The port of a chat server, which is ended with the test."""
        process = subprocess.Popen([sys.executable, os.path.join(ROOT, "examples", "chat_room.py"), "--relay", path,
                                    "--listen", "127.0.0.1:0"],
                                   stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": ROOT})
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.addCleanup(process.stdout.close)
        return int(process.stdout.readline().rpartition(":")[2])

    def guest(self, port):
        guest = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.addCleanup(guest.close)
        lines = guest.makefile("rwb")
        self.addCleanup(lines.close)
        self.say(lines, b"lobby")
        return lines

    def say(self, lines, text):
        lines.write(text + b"\n")
        lines.flush()

    def test_two_servers_are_one_room(self):
        with tempfile.TemporaryDirectory(prefix="hubrelay-") as directory, \
                FakeRelay(os.path.join(directory, "relay.sock")) as relay:
            one, other = (self.guest(self.server(relay.path)) for _ in range(2))
            self.say(one, b"anybody here?")
            self.assertEqual(one.readline(), b"anybody here?\n")
            self.say(other, b"yes")
            while (line := other.readline()) != b"yes\n":  # it may have come in time for the question
                self.assertEqual(line, b"anybody here?\n")
            self.assertEqual(one.readline(), b"yes\n")


if __name__ == "__main__":
    unittest.main()
