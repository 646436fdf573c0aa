"""Action Cable's own JavaScript, in Node, through an outage: what the adapter's options come to in a browser."""
import glob
import unittest

import harness
from cable import Server
from servers import Worker
from test_servers import CableFleet

PAGE = harness.ROOT / "proto" / "clients" / "ruby" / "docs" / "actioncable.md"
SCRIPT = "/usr/share/rubygems-integration/all/gems/actioncable-*/app/assets/javascripts/action_cable.js"


class Node(Worker):
    def __init__(self, server, stale):
        script = max(glob.glob(SCRIPT))
        program = harness.ROOT / "Tests" / "frameworks" / "actioncable" / "browser.js"
        harness.Process.__init__(
            self, "node", "--no-warnings", "--experimental-websocket", str(program), script, str(PAGE),
            f"ws://127.0.0.1:{server.ready().port}/cable?user=node", str(stale), ready="connected")


class JavascriptTest(unittest.TestCase):
    def setUp(self):
        self.fleet = CableFleet(1)
        self.addCleanup(self.fleet.close)

    def outage(self, server):
        self.fleet.redis.stop()
        server.said("status", state="down")

    def test_the_code_of_the_page_shows_a_banner_and_reads_again(self):
        server = Server.on_relay(self.fleet, events_stream="hubrelay", gap_jitter=0.1)
        node = self.fleet.add(Node(server, stale=harness.PATIENCE))
        node.said("received", data={"text": "hello"})
        node.said("banner", shown=False)
        self.outage(server)
        node.said("banner", shown=True)
        self.assertEqual([], node.said("readAgain", 0))
        self.fleet.redis.start()
        node.said("readAgain")
        node.said("banner", 2, shown=False)
        self.assertEqual([], node.said("disconnected", 0))

    def test_it_connects_again_by_itself(self):
        server = Server.on_relay(self.fleet, reconnect_on_gap=True, gap_jitter=0.1)
        node = self.fleet.add(Node(server, stale=1))
        node.said("received", data={"text": "hello"})
        self.outage(server)
        self.fleet.redis.start()
        node.said("disconnected")
        node.said("connected", 2)
        node.said("received", 2, data={"text": "hello"})


if __name__ == "__main__":
    unittest.main()
