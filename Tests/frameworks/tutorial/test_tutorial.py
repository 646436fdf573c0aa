"""deploy/tutorial in a real browser, behind both proxies: what README.md there promises to its readers."""
import argparse
import contextlib
import functools
import http.client
import json
import os
import pathlib
import re
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest
from unittest import mock

import pictures
from browser import Browser
from harness import PATIENCE, Process, free_port
from tutorial_process import Tutorial

sys.path.insert(0, str(pictures.TUTORIAL))

import tutorial
from chat.history import History

TEXTS = "[...document.querySelectorAll('#messages span')].map((span) => span.textContent)"
SERVER = "document.querySelector('#server').textContent"
BANNER = "document.querySelector('#banner:not([hidden])').textContent"

#: Where the pictures go; unset, they are made and thrown away.
FOLDER = os.environ.get("TUTORIAL_PICTURES")


class Guest:
    """Someone in a room of the chat, in a window."""

    def __init__(self, browser, url):
        self.window = browser.open(url)
        self.window.wait(f"{SERVER}.includes(', ')")

    @property
    def server(self):
        return self.window.run(SERVER).split(", ")[0]

    @property
    def texts(self):
        return self.window.run(TEXTS)

    def say(self, text):
        self.window.type("input[name=text]", text + "\n")

    def sees(self, *texts):
        """These messages, and no others, in this order."""
        self.window.wait(f"JSON.stringify({TEXTS}) === arguments[0]",
                         json.dumps(texts, separators=(",", ":"), ensure_ascii=False))

    def is_told(self, text):
        """The banner says so."""
        return self.window.wait(f"{BANNER}.includes(arguments[0]) && {BANNER}", text)

    def is_refused(self):
        """Why the last message was not sent, or not shown."""
        return self.window.wait("document.querySelector('#refused:not([hidden])').textContent")


class Polling:
    """One who speaks Socket.IO by long polling alone (https://socket.io/docs/v4/socket-io-protocol/), from an address
    of his own."""

    def __init__(self, port, source="127.0.0.1", cookie=None):
        self._port, self._source, self._cookie, self.servers = port, source, cookie, []
        self.sid = None
        status, body = self.request("GET")
        assert status == 200, body
        self.sid = json.loads(body[1:])["sid"]

    def request(self, method, body=None, port=None):
        connection = http.client.HTTPConnection("127.0.0.1", port or self._port, timeout=PATIENCE,
                                                source_address=(self._source, 0))
        session = f"&sid={self.sid}" if self.sid else ""
        connection.request(method, f"/socket.io/?EIO=4&transport=polling{session}", body,
                           {"Cookie": self._cookie} if self._cookie else {})
        response = connection.getresponse()
        self.servers.append(response.getheader("X-Served-By"))
        text = response.read().decode()
        connection.close()
        return response.status, text

    def call(self, *event):
        """An event, and what the server replies to it."""
        self.request("POST", "40")
        self.request("POST", "420" + json.dumps(event))
        while True:
            status, body = self.request("GET")
            assert status == 200, body
            for packet in body.split("\x1e"):
                if packet.startswith("430"):
                    return json.loads(packet[3:])[0]


def setUpModule():
    """One tutorial and one browser for all tests."""
    with contextlib.ExitStack() as processes:
        TutorialTest.tutorial = processes.enter_context(Tutorial())
        TutorialTest.browser = processes.enter_context(Browser())
        TutorialTest.processes = processes.pop_all()


def tearDownModule():
    TutorialTest.processes.close()


class TutorialTest(unittest.TestCase):
    """A room for each test, named after it, where it names no other."""

    tutorial: Tutorial
    browser: Browser
    processes: contextlib.ExitStack

    @property
    def room(self):
        return self._testMethodName.removeprefix("test_")[:30]  # the server takes no more

    def guest(self, name, proxy, host="127.0.0.1", **query):
        guest = Guest(self.browser, self.tutorial.url(proxy, host, name=name, **{"room": self.room, **query}))
        self.addCleanup(guest.window.close)
        return guest

    def two(self, proxy, **query):
        """Ann and Ben, whose windows are on two servers, since neither has a cookie yet."""
        self.browser.forget_cookies()
        ann, ben = self.guest("Ann", proxy, **query), self.guest("Ben", proxy, "localhost", **query)
        self.assertEqual({ann.server, ben.server}, {"host-a", "host-b"})
        return ann, ben

    def port(self, name):
        return self.tutorial.ports[name]

    def redis_cli(self, *words):
        return subprocess.run(["redis-cli", "-p", str(self.port("Redis")), *words], capture_output=True, text=True,
                              check=True, timeout=PATIENCE).stdout.split("\n")


class Windows(TutorialTest):
    def assert_they_talk(self, ann, ben):
        ann.say("from Ann")
        ben.sees("from Ann")
        ben.say("from Ben, with <b>&amp; all that</b> ✓")
        for guest in ann, ben:
            guest.sees("from Ann", "from Ben, with <b>&amp; all that</b> ✓")

    def test_behind_haproxy(self):
        self.assert_they_talk(*self.two("HAProxy"))

    def test_behind_nginx(self):
        self.assert_they_talk(*self.two("Nginx by cookie"))

    def test_behind_nginx_by_address(self):
        ann, ben = self.guest("Ann", "Nginx by address"), self.guest("Ben", "Nginx by address", "localhost")
        self.assertEqual(ann.server, ben.server)
        self.assert_they_talk(ann, ben)

    def test_websockets_are_used(self):
        for proxy in "HAProxy", "Nginx by cookie", "Nginx by address":
            self.guest("Ann", proxy).window.wait(f"{SERVER}.endsWith(', websocket')")

    def test_long_polling_alone(self):
        ann, ben = self.two("HAProxy", transport="polling")
        self.assert_they_talk(ann, ben)
        for guest in ann, ben:
            self.assertIn(", polling", guest.window.run(SERVER))

    def test_rooms_are_apart(self):
        ann, ben = self.two("HAProxy")
        other = self.guest("Cid", "HAProxy", room="another")
        ann.say("for this room")
        ben.sees("for this room")
        other.say("for the other room")
        other.sees("for the other room")
        ben.say("again")
        ann.sees("for this room", "again")

    def test_who_comes_later_reads_the_history(self):
        ann = self.guest("Ann", "HAProxy")
        ann.say("first")
        ann.sees("first")
        self.guest("Ben", "HAProxy", "localhost").sees("first")

    def test_the_name_is_asked_for(self):
        window = self.browser.open(self.tutorial.url("HAProxy"))
        self.addCleanup(window.close)
        window.type("input[name=name]", "Ann")
        window.type("input[name=room]", "-2\n")
        window.wait("document.querySelector('#room').textContent === '#lobby-2'")


class Stickiness(TutorialTest):
    def test_the_cookie_decides(self):
        for proxy, cookie in ("HAProxy", "haproxy_server"), ("Nginx by cookie", "nginx_server"):
            for letter in "ab":
                guest = Polling(self.port(proxy), cookie=f"{cookie}={letter}")
                self.assertEqual(guest.call("join", "Cid", self.room, 0)["host"], f"host-{letter}")
                self.assertEqual(len(set(guest.servers)), 1, guest.servers)

    def test_the_browser_keeps_the_cookie(self):
        for proxy in "HAProxy", "Nginx by cookie":
            guest = self.guest("Ann", proxy, transport="polling")
            served = guest.window.run(
                "(async () => { const served = []; for (let i = 0; i < 8; i++) "
                "served.push((await fetch('/page.css')).headers.get('X-Served-By')); return served; })()")
            port = str(self.port(guest.server))
            self.assertEqual({name.replace("127.0.0.1:" + port, guest.server) for name in served}, {guest.server})

    def test_the_address_decides(self):
        hosts = {}
        for source in "127.0.0.1", "127.0.0.9", "127.0.1.1", "127.0.1.9":
            guest = Polling(self.port("Nginx by address"), source)
            hosts[source] = guest.call("join", "Cid", self.room, 0)["host"]
            self.assertEqual(len(set(guest.servers)), 1, guest.servers)
        self.assertEqual(hosts["127.0.0.1"], hosts["127.0.0.9"], "one network, one server")
        self.assertEqual(hosts["127.0.1.1"], hosts["127.0.1.9"], "one network, one server")
        self.assertNotEqual(hosts["127.0.0.1"], hosts["127.0.1.1"])

    def test_without_it_polling_fails(self):
        guest = Polling(self.port("host-a"))
        self.assertEqual(guest.request("POST", "40")[0], 200)
        status, body = guest.request("POST", "40", port=self.port("host-b"))
        self.assertEqual((status, body), (400, f'"Invalid session {guest.sid}"'))

    def test_a_server_that_is_gone_is_replaced(self):
        ann, ben = self.two("HAProxy")
        on_b = ann if ann.server == "host-b" else ben
        self.tutorial.type("stop server-b", "server-b has ended")
        self.addCleanup(self.tutorial.restore)
        on_b.window.wait(f"{SERVER}.startsWith('host-a')")
        on_b.say("from the other server")
        for guest in ann, ben:
            guest.sees("from the other server")
        self.tutorial.type("start server-b", "server-b has started")
        deadline = time.monotonic() + PATIENCE  # for HAProxy, which checks each second, to see it
        while Polling(self.port("HAProxy"), cookie="haproxy_server=b").servers != ["host-b"]:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.1)


class Outages(TutorialTest):
    def setUp(self):
        self.addCleanup(self.tutorial.restore)

    def test_redis_is_stopped_and_started(self):
        ann, ben = self.two("HAProxy", room="lobby")
        album = pictures.Album(self.browser, FOLDER)
        ann.say("Hello from the first window.")
        ben.sees("Hello from the first window.")
        ben.say("And hello from the other.")
        said = ["Hello from the first window.", "And hello from the other."]
        ann.sees(*said)
        album.take("1-before", ann.window, ben.window)

        self.tutorial.type("stop redis", "redis has ended")
        for guest in ann, ben:
            self.assertIn("nothing can be sent: Redis is away", guest.is_told("Messages may be missing here"))
            guest.say("Is anybody there?")
            self.assertRegex(guest.is_refused(), r"^Not sent: Redis is away \((UNREACHABLE|CLOSED)\)\.$")
            self.assertEqual(guest.window.run("document.querySelector('input[name=text]').value"), "Is anybody there?")
        album.take("2-in", ann.window, ben.window)
        self.assertEqual(self.tutorial.history("lobby"), said)

        self.tutorial.type("start redis", "redis has started")
        for guest in ann, ben:
            guest.is_told("Up to date again")
        ann.say("")  # what was refused and stands there still
        ben.sees(*said, "Is anybody there?")
        ben.window.run("document.querySelector('input[name=text]').value = ''")
        ben.say("Yes. Nothing was lost.")
        for guest in ann, ben:
            guest.sees(*said, "Is anybody there?", "Yes. Nothing was lost.")
        album.take("3-after", ann.window, ben.window)

    def test_what_a_server_missed_is_read(self):
        ann, ben = self.two("HAProxy", room="garden")
        here, away = (ann, ben) if ben.server == "host-b" else (ben, ann)
        here.say("You hear me?")
        away.sees("You hear me?")
        self.tutorial.type("stop relay-b", "relay-b has ended")
        self.assertIn("the relay on this host does not answer", away.is_told("Messages may be missing here"))
        away.say("On my way.")
        self.assertEqual(away.is_refused(), "Not sent: the relay on this host does not answer.")
        here.say("The roses are out.")
        here.say("Come and see!")
        here.sees("You hear me?", "The roses are out.", "Come and see!")
        away.sees("You hear me?")

        self.tutorial.type("start relay-b", "relay-b has started")
        away.is_told("2 messages were missing")
        away.sees("You hear me?", "The roses are out.", "Come and see!")
        away.say("")  # what was refused and stands there still
        for guest in ann, ben:
            guest.sees("You hear me?", "The roses are out.", "Come and see!", "On my way.")
        pictures.Album(self.browser, FOLDER).take("4-read-again", ann.window, ben.window)

    def test_what_was_stored_when_redis_hung_is_told_later(self):
        ann, ben = self.two("HAProxy")
        ann.window.type("input[name=text]", "into the void")
        self.tutorial.type("freeze redis", "redis is frozen: it stays connected and does nothing")
        ann.say("")
        self.assertEqual(ann.is_refused(), "Stored. It is shown to all once the way to the others is open again "
                                           "(Interrupted).")
        ben.is_told("nothing can be sent")
        self.assertEqual((ann.texts, ben.texts), ([], []))
        self.tutorial.type("thaw redis", "redis is thawed")
        for guest in ann, ben:
            guest.sees("into the void")

    def test_a_connection_that_ends_before_the_reply(self):
        ann, ben = self.two("HAProxy")
        guest = ann if ann.server == "host-a" else ben
        guest.window.wait(f"{SERVER}.endsWith(', websocket')")
        self.tutorial.type("freeze server-a", "server-a is frozen: .*")
        guest.say("Did you get this?")
        self.tutorial.type("stop haproxy", "haproxy has ended")
        self.assertEqual(guest.is_refused(), "Perhaps not sent: the connection to the server has ended.")
        guest.is_told("No connection to the server")
        guest.say("")
        guest.window.wait("document.querySelector('#refused').textContent === 'Not sent: no connection to the server.'")
        self.assertEqual(guest.window.run("document.querySelector('input[name=text]').value"), "Did you get this?")

    def test_what_was_stored_when_only_the_publish_failed_is_told_again(self):
        """Nobody else is told a Gap then, since all of them hear as before."""
        ann, ben = self.two("HAProxy")
        here, other = (ann, ben) if ann.server == "host-a" else (ben, ann)
        relay = re.search(r"relay_id=(\w{8})", pathlib.Path(self.tutorial.directory, "relay-host-a.log").read_text())[1]

        def link():
            """How Redis describes the connection by which the relay of host-a publishes."""
            [line] = [line for line in self.redis_cli("client", "list") if f"name=hubrelay-publish-{relay}" in line]
            return dict(word.split("=", 1) for word in line.split())
        self.redis_cli("client", "pause", "10000", "write")
        try:
            here.say("only half sent")
            deadline = time.monotonic() + PATIENCE
            while not (self.tutorial.history(self.room) and "b" in link()["flags"]):  # stored, and blocked at Redis
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.02)
            self.redis_cli("client", "kill", "id", link()["id"])
        finally:
            self.redis_cli("client", "unpause")
        for guest in here, other:
            guest.sees("only half sent")
        here.window.wait("document.querySelector('#refused').hidden")
        self.assertTrue(other.window.run("document.querySelector('#banner').hidden"))

    def test_nothing_is_missing_when_redis_ends_while_all_talk(self):
        """Both send as fast as they are answered, through three ends of Redis."""
        ann, ben = self.two("Nginx by cookie")
        for guest in ann, ben:
            guest.window.run("""(window.count = 0, window.sent = 0, (async () => {
                const socket = window.chat;
                while (!window.enough) {
                  const reply = await socket.emitWithAck("say", `${name} ${++window.count}`);
                  if (!reply.refused) window.sent++; else await new Promise((done) => setTimeout(done, 5));
                }
                document.body.dataset.enough = "yes";
              })(), true)""")
        for _ in range(3):
            for guest in ann, ben:
                guest.window.wait(f"{TEXTS}.length > arguments[0]", len(guest.texts) + 10)
            self.tutorial.type("stop redis", "redis has ended")
            self.tutorial.type("start redis", "redis has started")
        for guest in ann, ben:
            guest.window.wait(f"{TEXTS}.length > arguments[0]", len(guest.texts) + 10)
            guest.window.run("window.enough = true")
        for guest in ann, ben:
            guest.window.wait("document.body.dataset.enough")
        stored = self.tutorial.history(self.room)
        self.assertEqual(len(stored), sum(guest.window.run("window.sent") for guest in (ann, ben)))
        for guest in ann, ben:
            guest.window.wait(f"{TEXTS}.length === arguments[0]", len(stored))
            self.assertEqual(guest.texts, stored)


class Watching(TutorialTest):
    """By redis-cli, as in the page."""

    def watch(self, *words, ready):
        watching = Process("redis-cli", "-p", str(self.port("Redis")), *words, ready=ready)
        self.addCleanup(watching.kill)
        return watching

    def test_monitor_and_subscribe_show_what_is_said(self):
        monitor = self.watch("monitor", ready="OK")
        subscriber = self.watch("subscribe", "chat:socketio", ready="chat:socketio")
        ann = self.guest("Ann", "HAProxy")
        ann.say("for all to see")
        monitor._wait_for_line(r'"PUBLISH" "chat:socketio"')
        monitor._wait_for_line("for all to see")
        subscriber._wait_for_line("for all to see")

    def test_pubsub_shows_the_relays(self):
        self.two("HAProxy")  # a server subscribes when its first window comes
        self.assertIn("chat:socketio", self.redis_cli("pubsub", "channels"))
        self.assertEqual(self.redis_cli("pubsub", "numsub", "chat:socketio")[:2], ["chat:socketio", "2"])

    def publish(self, event, data):
        """What the page has its readers publish with redis-cli."""
        message = {"method": "emit", "event": event, "namespace": "/", "room": self.room, "data": [data]}
        self.assertEqual(self.redis_cli("publish", "chat:socketio", json.dumps(message))[0], "2")

    def test_a_notice_is_shown(self):
        guests = self.two("HAProxy")
        self.publish("notice", "The kitchen is closing.")
        for guest in guests:
            guest.sees("The kitchen is closing.")

    def test_what_comes_out_of_turn_is_not_shown(self):
        ann, ben = self.two("HAProxy")
        ann.say("first")
        ben.sees("first")
        self.publish("message", {"number": 1000, "name": "redis-cli", "text": "hello", "host": "Redis",
                                 "time": "2026-01-01T00:00:00Z"})
        ben.say("second")
        for guest in ann, ben:
            guest.sees("first", "second")


class Ending(unittest.TestCase):
    def test_ctrl_c_ends_everything(self):
        tutorial = Tutorial()
        children = pathlib.Path(f"/proc/{tutorial.pid}/task/{tutorial.pid}/children").read_text().split()
        self.assertEqual(len(children), 7, children)
        self.assertEqual(tutorial.end(), 0, tutorial.output)
        self.assertIn("everything that it had started has ended", tutorial.output)
        self.assertFalse(os.path.exists(tutorial.directory))
        self.assertEqual([pid for pid in children if os.path.exists(f"/proc/{pid}")], [])


class Page(unittest.TestCase):
    """README.md, as far as it can be checked without running it."""

    text = (pictures.TUTORIAL / "README.md").read_text()

    def test_its_pictures_are_there(self):
        named = set(re.findall(r"pictures/[\w.-]+", self.text))
        self.assertEqual(named, {f"pictures/{path.name}" for path in (pictures.TUTORIAL / "pictures").iterdir()})

    def test_its_files_are_there(self):
        for name in re.findall(r"\]\(([^)#]+)\)", self.text):
            if not name.startswith("https:"):
                self.assertTrue((pictures.TUTORIAL / name).exists(), name)

    def test_it_shows_the_addresses_that_are_printed(self):
        printed = tutorial.HELP.format(names="", directory="", **tutorial.PORTS)
        addresses = [line for line in printed.splitlines() if "http://" in line]
        self.assertEqual(len(addresses), 3)
        for line in addresses:
            self.assertIn(line, self.text)

    def test_it_shows_lines_of_the_configuration(self):
        configuration = (pictures.TUTORIAL / "haproxy.cfg").read_text()
        shown = re.search(r"    backend app_servers\n((?:        .+\n)+)", self.text)[1].splitlines()
        self.assertEqual(len(shown), 3)
        for line in shown:
            self.assertIn(line.strip(), configuration)


class Stored(unittest.TestCase):
    def test_servers_may_start_at_the_same_time(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "chat.db")
            with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
                other.execute("BEGIN EXCLUSIVE")
                connect = functools.partial(sqlite3.connect, timeout=0)  # as if SQLite had waited in vain already
                with mock.patch("sqlite3.connect", connect), \
                        mock.patch("time.sleep", lambda _: other.execute("ROLLBACK")):
                    History(path)


class Ports(unittest.TestCase):
    def test_a_port_that_is_taken_is_replaced(self):
        with socket.create_server(("127.0.0.1", 0)) as taken, mock.patch.object(
                tutorial, "PORTS", {"taken": taken.getsockname()[1], "free": free_port()}):
            chosen = tutorial.choose_ports("")
            self.assertNotEqual(chosen["taken"], tutorial.PORTS["taken"])
            self.assertEqual(chosen["free"], tutorial.PORTS["free"])

    def test_wrong_ports_are_refused(self):
        for text in "8080", "1,2,3,4,5,x", "1,2,3,4,5,70000":
            with self.assertRaises(argparse.ArgumentTypeError):
                tutorial.choose_ports(text)


if __name__ == "__main__":
    unittest.main()
