"""The blocking client, with a relay in memory."""
import os
import subprocess
import sys
import threading
import time
import unittest

import hubrelay
from hubrelay import Gap, Loss, Message, Outcome, Revoked
from hubrelay.testing import FakeRelay
from hubrelay.waiting import BlockingWaiter

PATIENCE = 60


class ClientTest(unittest.TestCase):
    def setUp(self):
        self.relay = FakeRelay()
        self.addCleanup(self.relay.close)

    def test_it_starts_by_its_first_use_and_ends_its_thread(self):
        client = self.relay.client()
        self.assertEqual(client.publish("a", b"x"), 0)
        thread = client._thread
        client.close()
        self.assertFalse(thread.is_alive())
        with self.assertRaises(hubrelay.Closed):
            client.publish("a", b"x")

    def test_to_wait_for_events_is_a_use(self):
        client = self.relay.client()
        self.addCleanup(client.close)
        status = client.events.get(PATIENCE)
        self.assertEqual(status.state, hubrelay.State.UP)
        self.assertEqual(client.publish("a", b"x"), 0)
        with hubrelay.Client("/no/such/relay.sock") as lonely:
            self.assertEqual(lonely.events.get(PATIENCE).cause, hubrelay.Cause.NO_RELAY)

    def test_a_client_that_was_never_used_closes(self):
        self.relay.client().close()

    def test_several_listen_to_one_channel(self):
        with self.relay.client() as client, client.listen("a") as one, client.listen("a") as other:
            self.assertEqual(client.publish("a", b"1"), 1)
            self.assertEqual(one.get(PATIENCE), Message("a", b"1"))
            self.assertEqual(other.get(PATIENCE), Message("a", b"1"))
            one.close()
            self.assertEqual(list(one), [])
            self.assertIsNone(other.get(0.01))

    def test_many_threads_publish_at_once(self):
        with self.relay.client() as client, client.listen("a") as subscription:
            def publish():
                for _ in range(50):
                    self.assertEqual(client.publish("a", b"x", timeout=PATIENCE), 1)
            threads = [threading.Thread(target=publish) for _ in range(20)]
            for thread in threads:
                thread.start()
            for _ in range(1000):
                self.assertEqual(subscription.get(PATIENCE), Message("a", b"x"))
            for thread in threads:
                thread.join(PATIENCE)
            self.assertEqual(client.counters.sent, 1000)

    def test_a_stream_is_shared_by_threads(self):
        with self.relay.client() as client, client.listen("a") as subscription:
            found = []
            threads = [threading.Thread(target=lambda: found.extend(subscription)) for _ in range(4)]
            for thread in threads:
                thread.start()
            for number in range(200):
                client.publish("a", b"%d" % number)
            while len(found) < 200:
                client.ping()
            subscription.close()
            for thread in threads:
                thread.join(PATIENCE)
            self.assertEqual(sorted(int(message.payload) for message in found), list(range(200)))

    def test_whoever_reads_hands_over_to_another_who_waits(self):
        with self.relay.client() as client, client.listen("a") as subscription:
            found = []
            reader = threading.Thread(target=lambda: client.publish("b", b"x"))
            other = threading.Thread(target=lambda: found.append(subscription.get(PATIENCE)))
            with self.relay._lock:  # the relay answers nothing
                reader.start()
                while not isinstance(client._reading._reader, BlockingWaiter):
                    time.sleep(0.001)
                other.start()
                while not client._reading._others:
                    time.sleep(0.001)
            reader.join(PATIENCE)
            self.relay.publish("a", b"1")
            other.join(PATIENCE)
            self.assertEqual(found, [Message("a", b"1")])

    def test_a_caller_that_gives_up_does_not_know(self):
        with self.relay.client(unanswered=1) as client:
            client.ready(PATIENCE)
            with self.relay._lock:  # the relay answers nothing
                with self.assertRaises(hubrelay.Interrupted):
                    client.publish("a", b"1", timeout=0.01)
                with self.assertRaises(hubrelay.Congested):  # it waited for room, and was not sent
                    client.publish("a", b"2", timeout=0.01)
                with self.assertRaises(hubrelay.Congested):
                    client.publish("a", b"3", wait=False)
            self.assertEqual(client.publish("a", b"4", timeout=PATIENCE), 0)
            self.assertEqual([message.payload for message in self.relay.published], [b"1", b"4"])

    def test_events_come_while_nobody_waits(self):
        with self.relay.client(gap_jitter=0) as client, client.listen("a") as subscription:
            self.relay.outage()
            self.relay.recover()
            self.assertIsInstance(subscription.get(PATIENCE), Gap)
            self.relay.lose(3)
            self.assertIsInstance(subscription.get(PATIENCE), Loss)
            self.assertIsInstance(subscription.get(PATIENCE), Gap)
            self.relay.revoke("a")
            self.assertEqual(list(subscription), [Revoked(("a",), (), "NOPERM")])

    def test_without_a_relay_it_says_what_is_wrong(self):
        self.relay.leave()
        with self.relay.client() as client:
            while "away" not in client.status.reason:
                time.sleep(0.001)
            with self.assertRaises(hubrelay.NotConnected) as failure:
                client.ready(0.01)
            self.assertIn("away", str(failure.exception))
            with self.assertRaises(hubrelay.NotConnected):
                client.publish("a", b"x")
            self.assertEqual(client.subscribe("a"), Outcome.PENDING)
            self.relay.come_back()
            client.ready(PATIENCE)
            self.assertEqual(client.publish("a", b"x"), 1)

    def test_closing_wakes_whoever_waits(self):
        with self.relay.client() as client:
            ends = []
            thread = threading.Thread(target=lambda: ends.append(list(client.listen("a"))))
            thread.start()
            while not client._core.listeners:
                client.ping()
        thread.join(PATIENCE)
        self.assertEqual(ends, [[]])


class Forks(unittest.TestCase):
    def test_a_child_is_a_new_client_and_the_parent_notices_nothing(self):
        with FakeRelay() as relay, relay.client() as client, client.listen("a") as subscription:
            self.assertEqual(client.publish("a", b"1"), 1)
            pid = os.fork()
            if pid == 0:
                # The fake relay's thread is not here, so this process plays the relay's part: it has none.
                client._connector = refused
                try:
                    client.publish("a", b"2")
                except hubrelay.NotConnected:
                    os._exit(0 if list(subscription) == [] else 2)
                os._exit(1)
            self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0)
            self.assertEqual(subscription.get(PATIENCE).payload, b"1")
            self.assertEqual(client.publish("a", b"3"), 1)


def refused(path):
    raise ConnectionRefusedError(111, "no relay in the child")


GREEN = """
import sys
if sys.argv[1] == "gevent":
    from gevent import monkey, spawn, sleep
    monkey.patch_all()
else:
    import eventlet
    eventlet.monkey_patch()
    from eventlet import spawn, sleep
sys.path.insert(0, sys.argv[2])
import hubrelay, hubrelay.testing
with hubrelay.testing.FakeRelay() as relay, relay.client() as client, client.listen("a") as subscription:
    turns, found = [], []
    def tick():
        while True:
            turns.append(1)
            sleep(0.001)
    def take():
        for event in subscription:
            found.append(event.payload)
    spawn(tick), spawn(take)
    for number in range(100):
        assert client.publish("a", b"%d" % number) == 1
    while len(found) < 100:
        sleep(0.001)
    sleep(0.1)
    assert found == [b"%d" % number for number in range(100)], found
    assert len(turns) > 10, turns  # the others were not blocked
print("right")
"""


class Green(unittest.TestCase):
    def check(self, name):
        found = subprocess.run([sys.executable, "-c", f"import {name}"], capture_output=True, check=False)
        if found.returncode:
            self.skipTest(f"{name} is not installed for this Python")
        root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        ended = subprocess.run([sys.executable, "-c", GREEN, name, root], capture_output=True, text=True,
                               check=False, timeout=2 * PATIENCE)
        self.assertEqual(ended.stdout, "right\n", ended.stderr)

    def test_gevent(self):
        self.check("gevent")

    def test_eventlet(self):
        self.check("eventlet")


if __name__ == "__main__":
    unittest.main()
