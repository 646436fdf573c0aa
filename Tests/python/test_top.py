"""`hubrelay top` in a terminal: what it draws, what keys do, and that the terminal is as it was afterwards."""
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unittest

from harness import PATIENCE, Redis, Relay, binary

# Makes standard input the terminal of a session of its own, so that Ctrl-C sends a signal, and becomes the program.
TAKE_TERMINAL = """
import fcntl, os, sys, termios
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""
ENTER, LEAVE = b"\x1b[?1049h", b"\x1b[?1049l"


class Screen:
    """A terminal with `hubrelay top` in it."""

    def __init__(self, *arguments, rows=24, columns=100, environment=None):
        self.master, self.slave = pty.openpty()
        self.before = termios.tcgetattr(self.slave)
        self.resize(rows, columns)
        self.output = b""
        variables = {"PATH": os.environ["PATH"], "TERM": "xterm", **(environment or {})}
        self.process = subprocess.Popen(
            [sys.executable, "-c", TAKE_TERMINAL, binary(), "top", *arguments], stdin=self.slave, stdout=self.slave,
            stderr=subprocess.PIPE, env=variables)

    def resize(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, keys):
        os.write(self.master, keys)

    def wait_for(self, condition, what):
        deadline = time.monotonic() + PATIENCE
        while not condition(self.output):
            if time.monotonic() > deadline:
                raise AssertionError(f"{what}: {self.output[-2000:]!r}")
            if select.select([self.master], [], [], 0.1)[0]:
                self.output += os.read(self.master, 65536)

    def wait_for_text(self, text):
        self.wait_for(lambda output: text in output, text)

    def settings(self):
        return termios.tcgetattr(self.slave)

    def end(self):
        """Waits for its end; returns the exit code and what it wrote to standard error."""
        error = self.process.communicate(timeout=PATIENCE)[1].decode()
        while select.select([self.master], [], [], 0)[0]:
            self.output += os.read(self.master, 65536)
        return self.process.returncode, error

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()
        os.close(self.master)
        os.close(self.slave)


class TopTests(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.redis = Redis(directory.name)
        self.addCleanup(self.redis.stop)
        self.http = f"unix:{directory.name}/http.sock"
        self.relay = Relay(self.redis, directory.name, {"--http": self.http})
        self.addCleanup(self.relay.kill)

    def screen(self, *arguments, **options):
        screen = Screen("--http", self.http, "--interval", "100ms", *arguments, **options)
        self.addCleanup(screen.close)
        return screen

    def subscriber(self, *names):
        process = subprocess.Popen([binary(), "subscribe", *names, "--socket", self.relay.path], stdout=subprocess.PIPE)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        for line in process.stdout:
            if line.startswith(b"subscribed"):
                return process
        raise AssertionError("not subscribed")

    def assert_left_as_it_was(self, screen):
        self.assertEqual(screen.settings(), screen.before)
        self.assertEqual(screen.output.count(ENTER), screen.output.count(LEAVE))
        self.assertTrue(screen.output.endswith(b"\x1b[?25h" + LEAVE), screen.output[-100:])

    def test_it_shows_the_relay_and_its_clients(self):
        subscriber = self.subscriber("a", "b")
        screen = self.screen()
        screen.wait_for_text(b"UP\x1b[0m since ")
        screen.wait_for_text(b"hubrelay subscribe")
        screen.wait_for_text(str(subscriber.pid).encode())
        self.assertNotEqual(screen.settings(), screen.before, "keys come as they are typed")
        screen.type(b"q")
        self.assertEqual(screen.end(), (0, ""))
        self.assert_left_as_it_was(screen)

    def test_keys_choose_the_order(self):
        for name in "ab":
            self.subscriber(name)
        screen = self.screen("--sort", "id")
        screen.wait_for_text(b"[i id]")
        for key, word in [(b"u", b"[u unread]"), (b"p", b"[p published]"), (b"n", b"[n name]"), (b"l", b"[l lost]")]:
            screen.type(b"x" + key)
            screen.wait_for_text(word)
        screen.type(b"Q")
        self.assertEqual(screen.end(), (0, ""))

    def test_signals_end_it_and_the_terminal_is_as_it_was(self):
        for number in [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT]:
            with self.subTest(number.name):
                screen = self.screen()
                screen.wait_for_text(b"q quit")
                screen.process.send_signal(number)
                self.assertEqual(screen.end(), (0, ""))
                self.assert_left_as_it_was(screen)

    def test_control_c_ends_it(self):
        screen = self.screen()
        screen.wait_for_text(b"q quit")
        screen.type(b"\x03")
        self.assertEqual(screen.end(), (0, ""))
        self.assert_left_as_it_was(screen)

    def test_it_gives_the_terminal_back_while_it_is_stopped(self):
        screen = self.screen()
        screen.wait_for_text(b"q quit")
        screen.process.send_signal(signal.SIGTSTP)
        os.waitid(os.P_PID, screen.process.pid, os.WSTOPPED | os.WNOWAIT)
        screen.wait_for_text(LEAVE)
        self.assertEqual(screen.settings(), screen.before)
        seen = len(screen.output)
        screen.process.send_signal(signal.SIGCONT)
        screen.wait_for(lambda output: ENTER in output[seen:] and b"q quit" in output[seen:], "it goes on")
        screen.type(b"q")
        self.assertEqual(screen.end()[0], 0)
        self.assertEqual(screen.settings(), screen.before)

    def test_it_follows_the_size_of_the_terminal(self):
        for _ in range(3):
            self.subscriber("a")
        screen = self.screen(rows=24, columns=100, environment={"NO_COLOR": "1"})
        screen.wait_for_text(b"hubrelay subscribe")
        screen.resize(6, 40)
        screen.process.send_signal(signal.SIGWINCH)

        def is_small(output):
            frame = output.split(b"\x1b[H")[-1]
            if not frame.endswith(b"\x1b[J"):
                return False
            for sequence in [b"\x1b[K", b"\x1b[J", b"\x1b[7m", b"\x1b[0m", b"\r"]:
                frame = frame.replace(sequence, b"")
            lines = frame.split(b"\n")
            return len(lines) <= 6 and all(len(line) <= 40 for line in lines)
        screen.wait_for(is_small, "six lines of forty characters")
        screen.type(b"q")
        self.assertEqual(screen.end(), (0, ""))

    def test_no_colors_where_they_are_not_wanted(self):
        screen = self.screen(environment={"NO_COLOR": "1"})
        screen.wait_for_text(b"UP since ")
        screen.type(b"q")
        screen.end()
        self.assertNotIn(b"\x1b[3", screen.output)

    def test_it_outlives_the_relay(self):
        screen = self.screen()
        screen.wait_for_text(b"q quit")
        self.relay.kill()
        screen.wait_for_text(b"cannot connect to")
        self.relay.start()
        seen = len(screen.output)
        screen.wait_for(lambda output: b"UP" in output[seen:].split(b"\x1b[H")[-1], "it is there again")
        screen.type(b"q")
        self.assertEqual(screen.end(), (0, ""))
        self.assert_left_as_it_was(screen)

    def test_without_a_terminal_it_prints_once(self):
        self.subscriber("a")
        done = subprocess.run([binary(), "top", "--http", self.http], capture_output=True, timeout=PATIENCE, text=True,
                              check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn(" UP since ", done.stdout)
        self.assertIn("hubrelay subscribe", done.stdout)
        self.assertNotIn("\x1b", done.stdout)
        self.relay.kill()
        done = subprocess.run([binary(), "top", "--http", self.http], capture_output=True, timeout=PATIENCE, text=True,
                              check=False)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("cannot connect", done.stderr)
        self.relay.start()


if __name__ == "__main__":
    unittest.main()
