"""What systemd and Redis are told of a relay: priorities of log lines, the text of `systemctl status`, client names."""
import os
import signal
import socket
import subprocess
import tempfile
import unittest

from harness import PATIENCE, TIMINGS, Redis, binary
from sentinels import ask


class ServiceTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="hubrelay-")
        self.addCleanup(directory.cleanup)
        self.directory = directory.name
        self.redis = Redis(directory.name)
        self.addCleanup(self.redis.stop)

    def start(self, stderr, **environment):
        """A relay with this stderr."""
        settings = {"--socket": f"{self.directory}/relay.sock", "--prefix": "t:", "--redis": self.redis.url,
                    "--http": "off", **TIMINGS}
        words = [word for setting in settings.items() for word in setting]
        process = subprocess.Popen([binary(), "serve", *words], stderr=stderr, env={**os.environ, **environment})
        self.addCleanup(process.wait, PATIENCE)
        self.addCleanup(process.kill)
        return process

    def first_line(self, *, is_journal):
        """What a relay says first to a stream that is the journal, or is none though there is one elsewhere."""
        read, write = os.pipe()
        with open(read, encoding="utf-8") as log:
            status = os.fstat(write)
            inode = status.st_ino if is_journal else status.st_ino + 1
            self.start(write, JOURNAL_STREAM=f"{status.st_dev}:{inode}")
            os.close(write)
            return log.readline()

    def test_lines_for_the_journal_have_priorities(self):
        self.assertRegex(self.first_line(is_journal=True), "^<5>[0-9T:.-]+Z notice listening ")

    def test_other_lines_have_none(self):
        self.assertRegex(self.first_line(is_journal=False), "^[0-9T:.-]+Z notice listening ")

    def test_the_state_is_shown_to_systemd(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(f"{self.directory}/notify")
            manager.settimeout(PATIENCE)
            process = self.start(subprocess.DEVNULL, NOTIFY_SOCKET=f"{self.directory}/notify")

            def shown(*texts):
                """Reads until one of these is shown."""
                while True:
                    state = manager.recv(4096).decode()
                    self.assertNotIn("\n", state)
                    if state.startswith(tuple(f"STATUS={text}" for text in texts)):
                        return

            shown("UP")
            self.redis.stop()
            shown("DOWN, CLOSED: unix://", "DOWN, UNREACHABLE: unix://")
            self.redis.start()
            shown("UP")
            process.send_signal(signal.SIGTERM)
            while manager.recv(4096) != b"STOPPING=1":
                pass

    def test_connections_are_called_by_host_and_prefix(self):
        self.start(subprocess.DEVNULL)
        while (names := ask(self.redis.path, "CLIENT", "LIST")).count("name=hubrelay-") < 2:
            pass
        for link in ("publish", "subscribe"):
            self.assertRegex(names, f" name=hubrelay-{link}-[0-9a-f]{{8}}@{socket.gethostname()}/t: ")


if __name__ == "__main__":
    unittest.main()
