"""The conformance runner itself: what it says of a driver that is none, and of clients that break a rule."""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

PROTO = pathlib.Path(__file__).resolve().parents[2] / "proto"
RUN = PROTO / "conformance" / "run"
PYTHON_CLIENT = PROTO / "clients" / "python" / "hubrelay"

#: A driver whose client has a Hello and little more. What it does at `open` and at `publish` is filled in.
DRIVER = """#!{python}
import socket, sys, urllib.parse
print("driver 1 python wrong", flush=True)
for line in sys.stdin:
    words = line.split()
    if words[0] == "open":
        client = socket.socket(socket.AF_UNIX)
        path = urllib.parse.unquote(words[1])
        hello = b"\\x08\\x01\\x12" + bytes([len(words[2])]) + words[2].encode()
        hello = b"\\x0a" + bytes([len(hello)]) + hello
        hello = len(hello).to_bytes(4, "big") + hello
        {on_open}
    elif words[0] == "publish":
        {on_publish}
    elif words[0] == "quit":
        break
"""


class Runner(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def run_on(self, *arguments):
        return subprocess.run([RUN, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=300, check=False)

    def driver(self, on_open="client.connect(path); client.sendall(hello)", on_publish="pass"):
        path = self.folder / "conformance"
        path.write_text(DRIVER.format(python=sys.executable, on_open=on_open, on_publish=on_publish))
        os.chmod(path, 0o755)
        return self.folder

    def test_wrong_usage_is_64(self):
        for arguments in ((), ("--only", "X1", str(self.driver())), ("--jobs", "0", str(self.driver())), ("--no-such",),
                          ("--patience", "0", str(self.driver())), ("--patience", "long", str(self.driver())),
                          (str(self.folder / "missing"),), ("/bin/true",), (f"{self.driver()}@nobody",)):
            with self.subTest(arguments):
                self.assertEqual(self.run_on(*arguments).returncode, 64)

    def test_each_scenario_is_listed_with_its_rule(self):
        done = self.run_on("--list")
        self.assertEqual(done.returncode, 0)
        lines = done.stdout.splitlines()
        self.assertEqual([line.split()[0] for line in lines],
                         [f"{letter}{number}" for letter, last in zip("HRPSET", (8, 10, 9, 20, 6, 14))
                          for number in range(1, last + 1)])
        for line in lines:
            self.assertIn(line.split()[1], ("must", "should"))
            self.assertIn("(PROTOCOL.md", line)

    def test_a_frame_before_hello_breaks_its_rule(self):
        ping = "client.connect(path); client.sendall(b'\\0\\0\\0\\4\\x2a\\2\\x08\\1')"
        done = self.run_on("--only", "H1", str(self.driver(on_open=ping)))
        self.assertEqual(done.returncode, 1)
        self.assertIn("the client wrote the first frame is no Hello, but ping id=1", done.stdout)
        self.assertIn("PROTOCOL.md 6 rule 1", done.stdout)

    def test_a_second_result_breaks_the_driver_protocol(self):
        twice = "print('done', words[1], 'NOT_CONNECTED', flush=True)"
        done = self.run_on("--only", "R1", str(self.driver(on_open="pass", on_publish=f"{twice}; {twice}")))
        self.assertEqual(done.returncode, 1)
        self.assertIn("a second result of", done.stdout)

    def test_a_driver_that_dies_is_told_with_its_last_words(self):
        done = self.run_on("--only", "H1", str(self.driver(on_open="sys.exit('no idea how')")))
        self.assertEqual(done.returncode, 1)
        self.assertIn("the driver has ended, exit code 1", done.stdout)
        self.assertIn("no idea how", done.stdout)

    def test_patience_is_how_long_it_waits(self):
        done = self.run_on("--patience", "0.5", "--only", "H1", str(self.driver(on_open="pass")))
        self.assertEqual(done.returncode, 1)
        self.assertIn("waited 0.5 s for", done.stdout)

    def test_verbose_prints_both_sides(self):
        hello = "client.connect(path); client.sendall(hello); client.recv(1); sys.exit(1)"
        done = self.run_on("-v", "--only", "H1", str(self.driver(on_open=hello)))
        self.assertRegex(done.stdout, r"driver < open \S+relay.sock \S+ jitter_ms=50")
        self.assertIn("A.1 < hello version=1", done.stdout)


class Mutants(unittest.TestCase):
    def test_each_changes_the_client_as_it_is(self):
        sys.path.insert(0, str(PROTO / "conformance" / "mutants"))
        self.addCleanup(sys.path.pop, 0)
        import mutants
        texts = [path.read_text() for path in PYTHON_CLIENT.glob("*.py")]
        folder = PROTO / "conformance" / "mutants"
        listed = mutants.read(folder / "python-client.txt") + mutants.read(folder / "python-faults.txt")
        stale = [each.name for each in listed if not any(each.old in text for text in texts)]
        self.assertEqual(stale, [], "their old text has changed: bring them up to date")


if __name__ == "__main__":
    unittest.main()
