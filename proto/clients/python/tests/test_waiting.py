"""Threads that wait for each other's reading, and what an exception from outside leaves behind."""
import pathlib
import threading
import time
import unittest
from unittest import mock

import hubrelay
from hubrelay import Gap, blocking_client
from hubrelay.testing import FakeRelay
from hubrelay.waiting import BlockingWaiter, Reading

PATIENCE = 60


class Gate:
    """What a waiter sleeps at, and where an exception hits it; `meanwhile` happens before that."""

    def __init__(self, meanwhile=lambda: None):
        self.meanwhile = meanwhile

    def acquire(self, timeout=-1):
        self.meanwhile()
        raise KeyboardInterrupt

    def locked(self):
        return False


def sleeping():
    """One that waits, and does not read."""
    waiter = BlockingWaiter()
    waiter.gate = threading.Lock()
    waiter.gate.acquire()
    return waiter


class Handing(unittest.TestCase):
    def setUp(self):
        self.steps = []
        self.reading = Reading(threading.Lock(), self.steps.append)

    def test_an_exception_while_waiting_leaves_nobody_behind(self):
        waiter, other = BlockingWaiter(), sleeping()
        self.reading._reader = BlockingWaiter()

        def reader_leaves():
            self.reading._others[other] = None
            self.reading._reader = None
        waiter.gate = Gate(reader_leaves)  # type: ignore[assignment]  # a stand-in
        with self.assertRaises(KeyboardInterrupt):
            self.reading.wait(waiter, None)
        self.assertEqual(list(self.reading._others), [other])
        self.assertFalse(other.gate.locked())  # it reads now

    def test_who_is_done_before_it_could_read_hands_on(self):
        waiter, other = BlockingWaiter(), sleeping()
        waiter.set_result(None)
        self.reading._others.update({waiter: None, other: None})
        self.assertTrue(self.reading.wait(waiter, None))
        self.assertFalse(other.gate.locked())

    def test_the_clients_own_thread_wakes_one_if_nobody_reads(self):
        other = sleeping()
        self.reading._others[other] = None
        over = iter([False, True])
        self.reading.read_while_nobody_waits(lambda: next(over))
        self.assertFalse(other.gate.locked())

    def test_who_does_not_wait_reads_once(self):
        self.assertFalse(self.reading.wait(BlockingWaiter(), time.monotonic() - 1))
        self.assertEqual(len(self.steps), 1)


class Interruptions(unittest.TestCase):
    def setUp(self):
        self.relay = FakeRelay()
        self.addCleanup(self.relay.close)
        self.client = self.relay.client(ping_owed=1000, ping_idle=1000)
        self.addCleanup(self.client.close)
        self.client.ready(PATIENCE)

    def interrupted(self, meanwhile=lambda: None):
        def wait(waiter, deadline):
            meanwhile()
            raise KeyboardInterrupt
        return mock.patch.object(self.client._reading, "wait", wait)

    def test_a_stream_forgets_who_was_interrupted(self):
        subscription = self.client.listen("a")
        with self.interrupted(), self.assertRaises(KeyboardInterrupt):
            subscription.get()
        self.assertEqual(len(subscription.queue.waiters), 0)

    def test_what_woke_somebody_who_was_interrupted_wakes_another(self):
        subscription, other = self.client.listen("a"), BlockingWaiter()

        def event():
            subscription.queue.waiters.append(other)
            subscription.queue.put(Gap(()))
        with self.interrupted(event), self.assertRaises(KeyboardInterrupt):
            subscription.get()
        self.assertTrue(other.is_done)

    def test_an_interrupted_listen_listens_to_nothing(self):
        with self.relay._lock, self.interrupted(), self.assertRaises(KeyboardInterrupt):
            self.client.listen("a")
        self.client.ping()
        self.assertEqual((self.client._core.listeners, list(self.client._core.names)), (0, []))

    def test_requests_have_a_timeout(self):
        with self.relay._lock:  # the relay answers nothing
            for request in (self.client.listen, self.client.subscribe, self.client.unsubscribe):
                with self.assertRaises(hubrelay.Interrupted):
                    request("a", timeout=0.01)
            with self.assertRaises(hubrelay.Interrupted):
                self.client.ping(timeout=0.01)
        self.client.ping(timeout=PATIENCE)
        self.assertEqual(self.client._core.listeners, 0)

    def test_closing_from_another_thread_wakes_the_one_that_reads(self):
        subscription, other = self.client.listen("a"), self.client.listen("a")
        found = []
        thread = threading.Thread(target=lambda: found.append(subscription.get()))
        thread.start()
        while not isinstance(self.client._reading._reader, BlockingWaiter):
            time.sleep(0.001)
        subscription.close()
        thread.join(PATIENCE)
        self.assertEqual(found, [None])
        other.close()

    def test_what_an_interrupted_write_has_written_is_not_written_again(self):
        real = blocking_client._send

        def send(opened, data):
            blocking_client._send = real
            real(opened, data)
            raise KeyboardInterrupt
        with mock.patch.object(blocking_client, "_send", send), self.assertRaises(KeyboardInterrupt):
            self.client.send("a", b"once")
        while not self.client.counters.reconnects:
            time.sleep(0.001)
        self.client.publish("a", b"2")
        self.assertEqual([message.payload for message in self.relay.published], [b"once", b"2"])

    def test_an_exception_before_a_write_does_not_end_all_writing(self):
        real = self.client._write

        def write(chosen):
            self.client._write = real
            raise KeyboardInterrupt
        self.client._write = write
        with self.assertRaises(KeyboardInterrupt):
            self.client.publish("a", b"x")
        while not self.client.counters.reconnects:  # nobody knows what was written, so that connection ended
            time.sleep(0.001)
        self.assertEqual(self.client.publish("a", b"y", timeout=PATIENCE), 0)

    def test_who_gives_up_waiting_for_a_relay_is_forgotten(self):
        with hubrelay.Client("/nowhere/relay.sock") as client:
            with self.assertRaises(hubrelay.NotConnected):
                client.ready(0.001)
            self.assertEqual(client._core._ready_waiters, [])


class Arguments(unittest.TestCase):
    def test_one_str_is_not_several_patterns(self):
        with FakeRelay() as relay, relay.client() as client:
            for request in (client.listen, client.subscribe, client.unsubscribe):
                with self.assertRaises(hubrelay.Invalid):
                    request(patterns="room.*")

    def test_a_path_may_be_a_path(self):
        with hubrelay.Client(pathlib.Path("/nowhere/relay.sock")) as client:
            with self.assertRaises(hubrelay.NotConnected):
                client.publish("a", b"x", timeout=PATIENCE)
            self.assertEqual(client.path, "/nowhere/relay.sock")

    def test_whatever_a_connector_raises_is_a_failed_attempt(self):
        def connector(path):
            raise ValueError("no such relay")
        with hubrelay.Client(connector=connector) as client:
            with self.assertRaises(hubrelay.NotConnected) as failure:
                client.publish("a", b"x", timeout=PATIENCE)
            self.assertIn("no such relay", str(failure.exception))


if __name__ == "__main__":
    unittest.main()
