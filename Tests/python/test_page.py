"""The page at `/` of the HTTP side, in a real browser: chromium, driven through chromedriver (deploy/install-packages
frameworks). Where there is none, these tests are skipped, and say so.

PAGE_PICTURES names a folder for screenshots.
"""
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest
import urllib.error
import urllib.request

from harness import PATIENCE, ROOT, Redis, Relay, binary, free_port

sys.path.insert(0, str(ROOT / "Tests" / "frameworks" / "tutorial"))

from browser import Browser  # it is found through the line above

PICTURES = os.environ.get("PAGE_PICTURES")
SCRIPT = "<script>document.title='taken over'</script><img src=x onerror=document.title='taken'>"


def varint(value):
    out = b""
    while True:
        value, rest = value >> 7, value & 127
        out += bytes([rest | (128 if value else 0)])
        if not value:
            return out


def field(number, content):
    return varint(number << 3 | 2) + varint(len(content)) + content


def frame(kind, content):
    body = field(kind, content)
    return len(body).to_bytes(4, "big") + body


class Client:
    """A connection with a name of its own, which reads only when it is told to."""

    def __init__(self, path, name, channel=None):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(path)
        self.socket.sendall(frame(1, b"\x08\x01" + field(2, name.encode()[:64])))
        self.read()
        if channel:
            self.socket.sendall(frame(3, b"\x08\x01" + field(2, channel.encode())))
            self.read()

    def read(self):
        size = int.from_bytes(self.exactly(4), "big")
        return self.exactly(size)

    def exactly(self, count):
        data = b""
        while len(data) < count:
            data += self.socket.recv(count - len(data)) or self.end()
        return data

    def end(self):
        raise AssertionError("the relay has closed the connection")


@unittest.skipUnless(shutil.which("chromedriver"), "there is no chromedriver: deploy/install-packages frameworks")
class PageTests(unittest.TestCase):
    browser: Browser

    @classmethod
    def setUpClass(cls):
        cls.browser = Browser()
        cls.addClassCleanup(cls.browser.close)

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.redis = Redis(directory.name)
        self.addCleanup(self.redis.stop)
        self.port = free_port()
        self.directory = directory.name

    def start(self, **options):
        settings = {"--http": f"127.0.0.1:{self.port}", "--window": "16KiB"}
        self.relay = Relay(self.redis, self.directory, {**settings, **options})
        self.addCleanup(self.relay.kill)

    def client(self, *arguments):
        client = Client(self.relay.path, *arguments)
        self.addCleanup(client.socket.close)
        return client

    def page(self, host="127.0.0.1", **size):
        window = self.browser.open(f"http://{host}:{self.port}/", **{"width": 1000, "height": 1150, **size})
        self.addCleanup(window.close)
        return window

    def picture(self, window, name):
        if PICTURES:
            pathlib.Path(PICTURES, f"{name}.png").write_bytes(window.screenshot())

    def publish(self, count, payload="x"):
        for _ in range(count):
            subprocess.run([binary(), "publish", "room", payload, "--socket", self.relay.path], check=True,
                           stdout=subprocess.DEVNULL, timeout=PATIENCE)

    def test_the_state_the_path_and_the_clients(self):
        self.start()
        self.client("web worker 1", "room")
        slow = self.client("slow reader", "room")
        # More than the window and the socket hold.
        while not self.lost():
            self.redis.command("PUBLISH", "t:room", "x" * 9000)
        window = self.page()
        window.wait("document.querySelector('#state').textContent === 'UP'")
        window.wait("document.querySelector('#clients table') !== null")
        self.assertIn("UP", window.run("document.title"))
        text = window.text()
        for words in ["web worker 1", "slow reader", "came back in", "publish ", "subscribe ", "both ways"]:
            self.assertIn(words, text)
        # The slowest one is first, and marked.
        first = window.run("document.querySelector('#clients tr:nth-child(2)').className + ' ' + "
                           "document.querySelector('#clients tr:nth-child(2) td').textContent")
        self.assertRegex(first, "^slow (slow reader|web worker 1)$")
        self.assertEqual(window.run("document.querySelectorAll('#strip rect.up').length"), 1)
        self.assertEqual(window.run("document.querySelectorAll('#plots figure').length"), 4)
        self.assertEqual(window.run("document.querySelectorAll('#path .wire:not(.up)').length"), 0)
        self.picture(window, "up-light")
        window.dark(True)
        light = window.run("getComputedStyle(document.body).backgroundColor")
        window.wait("getComputedStyle(document.body).backgroundColor === 'rgb(20, 24, 26)'")
        self.picture(window, "up-dark")
        window.dark(False)
        self.assertNotEqual(light, "")
        slow.socket.close()

    def lost(self):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health") as answer:
                return json.load(answer)["messages"]["lost"]
        except urllib.error.HTTPError as error:  # 503: it is not UP yet
            with error:
                return json.load(error)["messages"]["lost"]

    def test_an_outage_is_seen_as_it_comes_and_goes(self):
        self.start()
        self.client("web worker 1", "room")
        window = self.page()
        window.wait("document.querySelector('#state').textContent === 'UP'")
        self.redis.stop()
        window.wait("document.querySelector('#state').textContent === 'DOWN'")
        window.wait("document.querySelector('#strip rect.down') !== null")
        text = window.text()
        self.assertIn("UNREACHABLE: ", text)
        self.assertIn("Check that Redis runs at this address", text)
        self.assertIn("no way through", text)
        self.assertEqual(window.run("document.querySelectorAll('#path .wire:not(.up)').length"), 2)
        self.picture(window, "down-light")
        window.dark(True)
        window.wait("getComputedStyle(document.body).backgroundColor === 'rgb(20, 24, 26)'")
        self.picture(window, "down-dark")
        window.dark(False)
        self.redis.start()
        window.wait("document.querySelector('#state').textContent === 'UP'")
        window.wait("document.querySelectorAll('#strip rect.up').length === 2")
        window.wait("document.querySelector('#strip .gapmark') !== null")
        self.assertEqual(window.run("document.querySelector('#advice').textContent"), "")
        self.picture(window, "again-light")

    def test_a_relay_that_is_gone_is_told_and_found_again(self):
        self.start()
        window = self.page()
        window.wait("document.querySelector('#state').textContent === 'UP'")
        self.relay.kill()
        window.wait("!document.querySelector('#silence').hidden")
        self.assertIn("No answer from the relay", window.text())
        self.relay.start()
        window.wait("document.querySelector('#silence').hidden")
        window.wait("document.querySelector('#state').textContent === 'UP'")

    def test_no_name_becomes_a_part_of_the_page(self):
        self.start()
        self.client(SCRIPT, SCRIPT)
        self.client("</script><b>x</b>")
        window = self.page()
        window.wait("document.querySelectorAll('#clients td').length > 9")
        self.assertIn(SCRIPT[:64], window.text())
        self.assertIn("</script><b>x</b>", window.text())
        self.assertEqual(window.run("document.querySelectorAll('img, b:not(figcaption b)').length"), 0)
        self.assertNotIn("taken", window.run("document.title"))

    def test_nothing_from_elsewhere_runs_in_it(self):
        self.start()
        window = self.page()
        window.wait("document.querySelector('#state').textContent === 'UP'")
        # A script without the answer's own nonce, one in an attribute, and a request to somebody else.
        outcome = window.run("""new Promise((done) => {
          const violations = [];
          document.addEventListener('securitypolicyviolation', (event) => {
            violations.push(event.effectiveDirective);
            if (violations.length < 4) return;
            done([...new Set(violations)].sort().join(' ') + ' ' + (window.wasRun || 'not run'));
          });
          const script = document.createElement('script');
          script.textContent = 'window.wasRun = "run"';
          document.body.append(script);
          const button = document.createElement('button');
          button.setAttribute('onclick', 'window.wasRun = "run"');
          document.body.append(button);
          const style = document.createElement('style');
          style.textContent = 'body { display: none }';
          document.body.append(style);
          fetch('http://127.0.0.1:1/').catch(() => {});
        })""")
        self.assertEqual(outcome, "connect-src script-src-attr script-src-elem style-src-elem not run")

    def test_each_answer_has_a_nonce_of_its_own(self):
        self.start()
        nonces = set()
        for _ in range(3):
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/") as answer:
                policy, text = answer.headers["Content-Security-Policy"], answer.read().decode()
            self.assertIn("default-src 'none'", policy)
            nonce = policy.split("'nonce-")[1].split("'")[0]
            self.assertEqual(text.count(f'nonce="{nonce}"'), 2)
            self.assertNotIn("://", text.replace("http://www.w3.org/2000/svg", ""))
            nonces.add(nonce)
        self.assertEqual(len(nonces), 3)

    def test_where_clients_are_not_told_of_the_page_says_so(self):
        self.start(**{"--http-details": "nowhere"})
        self.client("secret name", "secret channel")
        window = self.page()
        window.wait("document.querySelector('#state').textContent === 'UP'")
        window.wait("document.querySelector('#clients p') !== null")
        self.assertIn("--http-details", window.text())
        self.assertNotIn("secret", window.text())

    def test_a_small_screen_has_all_of_it(self):
        self.start()
        self.client("web worker 1", "room")
        window = self.page(width=380, height=1600)
        window.wait("document.querySelector('#clients table') !== null")
        self.assertLessEqual(window.run("document.documentElement.scrollWidth"), 380)
        self.picture(window, "small-light")


if __name__ == "__main__":
    unittest.main()
