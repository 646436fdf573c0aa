"""The relay in memory does not stop, whatever a test does to it."""
import threading
import unittest

from hubrelay.testing import FakeRelay

PATIENCE = 60


class FakeRelayTest(unittest.TestCase):
    def test_its_thread_outlives_connections_that_end_while_it_waits(self):
        with FakeRelay() as relay:
            for _ in range(1000):
                client = relay.connector("")
                relay.disconnect()
                client.close()
            self.assertTrue(relay._thread.is_alive())

    def test_many_connections_are_ended_at_once(self):
        with FakeRelay() as relay:
            with relay._lock:  # its thread takes no wake-up meanwhile
                clients = [relay.connector("") for _ in range(400)]
            ending = threading.Thread(target=relay.disconnect, daemon=True)
            ending.start()
            ending.join(PATIENCE)
            self.assertFalse(ending.is_alive())
            self.assertEqual({client.recv(1) for client in clients}, {b""})
            for client in clients:
                client.close()


if __name__ == "__main__":
    unittest.main()
