"""`hubrelay check`, where there is nothing to say against the settings: what it shows, and what it leaves as it is; and
`--connect`: what works at Redis, what an access list denies, and what no relay can do with."""
import os
import pathlib
import socket
import subprocess
import tempfile
import unittest

from clusters import Cluster
from harness import PATIENCE, Redis, Relay, binary, free_port
from sentinels import SERVICE, Sentinel, Node, ask

ALL = ("on", ">hush-hush", "~*", "&*", "+@all")


def check(folder, redis, *arguments, prefix="chat:", **variables):
    """(exit code, lines on stdout, lines on stderr)."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("HUBRELAY_")}
    environment = {"HUBRELAY_SOCKET": f"{folder}/relay.sock", "HUBRELAY_HTTP": "off", "HUBRELAY_PREFIX": prefix,
                   "HUBRELAY_REDIS": redis, **{f"HUBRELAY_{name}": value for name, value in variables.items()}}
    done = subprocess.run([binary(), "check", *arguments], env={**inherited, **environment}, capture_output=True,
                          text=True, timeout=PATIENCE * 2, check=False)
    return done.returncode, done.stdout.splitlines(), done.stderr.splitlines()


def kill(server):
    if server.process:
        server.process.kill()


class CheckTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="hubrelay-")
        self.addCleanup(directory.cleanup)
        self.folder = directory.name

    def start_redis(self):
        redis = Redis(self.folder)
        self.addCleanup(redis.stop)
        return redis


class GoodSettings(CheckTest):
    def test_one_line_shows_what_counts_and_nothing_is_changed(self):
        code, out, err = check(self.folder, "redis://:hush-hush@redis.example:7000", prefix="chät:")
        self.assertEqual((code, err), (0, []))
        self.assertEqual(out, [f'ok socket={self.folder}/relay.sock prefix="chät:" '
                               "redis=redis://redis.example:7000 http=off"])
        self.assertEqual(os.listdir(self.folder), [])

    def test_no_prefix_is_shown_as_none(self):
        _, out, _ = check(self.folder, "redis://redis.example", "--prefix", "")
        self.assertIn(' prefix="" ', out[0])

    def test_notices_and_variables_of_kubernetes_are_notes(self):
        service = {"SERVICE_HOST": "10.0.0.1", "SERVICE_PORT": "8379", "PORT": "tcp://10.0.0.1:8379"}
        code, out, _ = check(self.folder, "redis://redis.example/3", **service)
        self.assertEqual(code, 0)
        self.assertRegex(out[0], "^note: database 3 ")
        self.assertRegex(out[1], "^note: the variables HUBRELAY_PORT")
        self.assertEqual(len(out), 3)

    def test_a_relay_that_has_the_path_is_a_note_and_serves_on(self):
        redis = self.start_redis()
        relay = Relay(redis, self.folder, {"--http": f"unix:{self.folder}/http.sock"})
        self.addCleanup(relay.kill)
        pid = relay._process.pid
        code, out, err = check(self.folder, redis.url, HTTP=f"unix:{self.folder}/http.sock")
        self.assertEqual((code, err), (0, []))
        self.assertEqual(out[0], f"note: another relay (pid {pid}) serves {self.folder}/relay.sock now: a new relay "
                         "can use it once that one has stopped")
        self.assertIn(f"serves unix:{self.folder}/http.sock now", out[1])
        health = subprocess.run([binary(), "health", "--live", "--http", f"unix:{self.folder}/http.sock"], check=False,
                                stdout=subprocess.DEVNULL, timeout=PATIENCE)
        self.assertEqual(health.returncode, 0)
        relay.terminate()
        relay.wait()

    def test_a_socket_that_nobody_serves_is_in_nobodys_way(self):
        redis = self.start_redis()
        relay = Relay(redis, self.folder, {})
        relay.kill()
        self.assertTrue(pathlib.Path(self.folder, "relay.sock").is_socket())
        code, out, _ = check(self.folder, redis.url)
        self.assertEqual((code, len(out)), (0, 1))
        self.assertTrue(pathlib.Path(self.folder, "relay.sock").is_socket())

    def test_a_port_that_is_taken_is_a_note(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            code, out, _ = check(self.folder, "redis://redis.example", HTTP=address)
        self.assertEqual(code, 0)
        self.assertEqual(out[0], f"note: HTTP: cannot listen on {address}: another process listens there; stop it, "
                         "or choose another address by --http or HUBRELAY_HTTP")


class Connecting(CheckTest):
    STEPS = ["connected", "PING: ok", "CLIENT SETNAME: ok", "PING with an argument: ok", "ROLE: ok, master",
             "CONFIG GET timeout: ok", "SUBSCRIBE: ok", "PUBLISH: ok"]

    def steps(self, lines, name):
        return [line.removeprefix(f"{name}: ") for line in lines if line.startswith(f"{name}: ")]

    def test_all_that_works_is_told(self):
        redis = self.start_redis()
        code, out, err = check(self.folder, redis.url, "--connect")
        self.assertEqual((code, err), (0, []))
        steps = self.steps(out, redis.path)
        self.assertEqual(steps[:8], self.STEPS)
        self.assertRegex(steps[8], r"^probe: ok, heard after \d+\.\d{3} ms$")
        self.assertEqual(steps[9:], ["announcements to other relays: ok", "PSUBSCRIBE: ok"])
        self.assertRegex(out[-1], "^ok socket=")

    def as_user(self, *rules, **more):
        redis = self.start_redis()
        redis.command("ACL", "SETUSER", "relay", *rules)
        url = redis.url.replace("unix://", "unix://relay:hush-hush@")
        code, out, err = check(self.folder, url, "--connect", **more)
        for line in out + err:
            self.assertNotIn("hush-hush", line)
        return code, self.steps(out, redis.path), err

    def test_what_is_denied_and_done_without(self):
        code, steps, err = self.as_user("on", ">hush-hush", "&chat:*", "-@all", "+ping", "+publish", "+subscribe")
        self.assertEqual((code, err), (0, []))
        self.assertEqual(steps[1], "AUTH: ok")
        without = [step.split(":")[0] for step in steps if "not required: NOPERM" in step]
        self.assertEqual(without, ["CLIENT SETNAME", "ROLE", "CONFIG GET timeout", "PSUBSCRIBE"])
        self.assertTrue(any(step.startswith("probe: ok") for step in steps), steps)

    def test_the_probes_channel_can_be_done_without(self):
        code, steps, err = self.as_user("on", ">hush-hush", "&chat:room", "+@all")
        self.assertEqual((code, err), (0, []))
        denied = [step for step in steps if "the relay's own channel is denied (NOPERM" in step]
        self.assertEqual([step.split(":")[0] for step in denied], ["SUBSCRIBE", "PUBLISH"])
        self.assertFalse([step for step in steps if step.startswith("probe")])
        self.assertTrue([step for step in steps if step.startswith("announcements") and "not required: NOPERM" in step])

    def test_a_user_without_any_channel_of_the_prefix_is_a_fault(self):
        for rules, words in ((("&chta:*", "+@all"), "may use no channel under the prefix \"chat:\": grant it &chat:*"),
                             (("&chta:*", "+@all", "-acl"), "may never be UP: grant it &chat:*, or +acl|getuser")):
            with self.subTest(rules):
                code, steps, err = self.as_user("on", ">hush-hush", *rules)
                self.assertEqual(code, 64)
                self.assertEqual(len(err), 1, err)
                self.assertIn(words, err[0])
        code, steps, err = self.as_user("on", ">hush-hush", "&chta:*", "+@all", "-acl", PROBE="off")
        self.assertEqual((code, err), (0, []))

    def test_publish_and_subscribe_cannot(self):
        for command, other in (("publish", "SUBSCRIBE: ok"), ("subscribe", "PUBLISH: ok")):
            with self.subTest(command):
                code, steps, err = self.as_user(*ALL, f"-{command}")
                self.assertEqual(code, 64)
                self.assertIn(other, steps)
                self.assertEqual(len(err), 1)
                self.assertRegex(err[0], rf"^hubrelay: HUBRELAY_REDIS \(or --redis\): \"unix://.*\": .*: "
                                 rf"{command.upper()}: Redis: NOPERM .*; allowed: ")

    def test_a_wrong_password_and_a_user_that_is_off(self):
        redis = self.start_redis()
        redis.command("ACL", "SETUSER", "relay", *ALL)
        wrong = redis.url.replace("unix://", "unix://relay:wr0ng-0ne@")
        code, _, err = check(self.folder, wrong, "--connect")
        self.assertEqual((code, len(err)), (64, 1))
        self.assertIn("(WRONGPASS)", err[0])
        self.assertNotIn("wr0ng-0ne", err[0])
        redis.command("ACL", "SETUSER", "default", "off")
        code, _, err = check(self.folder, redis.url, "--connect")
        self.assertEqual((code, len(err)), (64, 1))
        self.assertIn("NOAUTH", err[0])

    def test_nobody_there(self):
        port = free_port()
        code, out, err = check(self.folder, f"redis://127.0.0.1:{port}", "--connect")
        self.assertEqual((code, out, len(err)), (64, [], 1))
        self.assertIn(f": 127.0.0.1:{port}: cannot connect to 127.0.0.1:{port}: Connection refused", err[0])

    def test_who_says_nothing_is_not_waited_for_without_end(self):
        redis = self.start_redis()
        redis.freeze()
        code, _, err = check(self.folder, redis.url, "--connect", LINK_TIMEOUT="1500ms", CONNECT_TIMEOUT="1500ms")
        redis.thaw()
        self.assertEqual(code, 64)
        self.assertIn("has not come within 1500 ms", err[0])

    def test_a_name_that_nobody_knows(self):
        code, _, err = check(self.folder, "redis://no-such-host.invalid", "--connect")
        self.assertEqual(code, 64)
        self.assertIn("resolving no-such-host.invalid: ", err[0])

    def test_what_is_no_redis(self):
        redis = self.start_redis()
        relay = Relay(redis, self.folder, {"--http": f"unix:{self.folder}/http.sock"})
        self.addCleanup(relay.kill)
        code, _, err = check(self.folder, f"unix://{self.folder}/http.sock", "--connect",
                             SOCKET=f"{self.folder}/other.sock")
        self.assertEqual((code, len(err)), (64, 1))

    def test_of_several_the_master_is_enough(self):
        servers = [Node(self.folder, name) for name in ("one", "two")]
        for server in servers:
            self.addCleanup(kill, server)
        servers[0].start()
        servers[1].start(master=servers[0])
        url = f"redis://127.0.0.1:{servers[1].port},127.0.0.1:{servers[0].port}"
        code, out, err = check(self.folder, url, "--connect")
        self.assertEqual((code, err), (0, []))
        self.assertIn("ROLE: Redis is a replica, not a master (not used; another server is)",
                      self.steps(out, f"127.0.0.1:{servers[1].port}"))
        code, _, err = check(self.folder, f"redis://127.0.0.1:{servers[1].port}", "--connect")
        self.assertEqual((code, len(err)), (64, 1))
        self.assertIn("Redis is a replica, not a master", err[0])


class ConnectingToSentinels(CheckTest):
    def test_each_is_asked_and_the_master_is_tried(self):
        master = Node(self.folder, "master")
        master.start()
        self.addCleanup(master.process.kill)
        sentinel = Sentinel(self.folder, "sentinel")
        sentinel.configure([master], [], 5000)
        sentinel.start()
        self.addCleanup(sentinel.process.kill)
        url = f"redis-sentinel://127.0.0.1:{free_port()},127.0.0.1:{sentinel.port}/"
        code, out, err = check(self.folder, url + SERVICE, "--connect")
        self.assertEqual((code, err), (0, []))
        self.assertTrue(any("Connection refused" in line and "(not used; another server is)" in line for line in out))
        name = f"sentinel 127.0.0.1:{sentinel.port}"
        self.assertIn(f"{name}: master of {SERVICE}: 127.0.0.1:{master.port}", out)
        self.assertIn(f"{name}: SUBSCRIBE: ok", out)
        self.assertIn(f"127.0.0.1:{master.port}: PUBLISH: ok", out)
        code, _, err = check(self.folder, url + "another", "--connect")
        self.assertEqual(code, 64)
        self.assertTrue(any("it does not know a master of this name" in line for line in err), err)
        # A server is no sentinel, and a sentinel is no server.
        code, _, err = check(self.folder, f"redis-sentinel://127.0.0.1:{master.port}/{SERVICE}", "--connect")
        self.assertTrue(any("this is a Redis server and not a Sentinel" in line for line in err), err)
        code, _, err = check(self.folder, f"redis://127.0.0.1:{sentinel.port}", "--connect")
        self.assertTrue(any("this is a Sentinel" in line for line in err), err)


class ConnectingToClusters(CheckTest):
    def test_the_node_that_has_the_slot_is_tried_as_well(self):
        cluster = Cluster(self.folder, replicas=0)
        self.addCleanup(cluster.close)
        for mode, publish in (("sharded", "SPUBLISH"), ("classic", "PUBLISH")):
            code, out, err = check(self.folder, cluster.url, "--connect", CLUSTER_PUBSUB=mode)
            self.assertEqual((code, err), (0, []), mode)
            self.assertTrue(any(f": {publish}: ok" in line for line in out), out)
            self.assertTrue(any(": probe: ok" in line for line in out), out)
            self.assertTrue(any(": CLUSTER SLOTS: ok" in line for line in out), out)

    def test_a_server_of_no_cluster(self):
        redis = Node(self.folder, "alone")
        redis.start()
        self.addCleanup(redis.process.kill)
        code, _, err = check(self.folder, f"redis-cluster://127.0.0.1:{redis.port}", "--connect",
                             CLUSTER_PUBSUB="classic")
        self.assertEqual(code, 64)
        self.assertTrue(any("this Redis is not a member of a cluster" in line for line in err), err)
        self.assertEqual(ask(redis.path, "PING"), "PONG")


if __name__ == "__main__":
    unittest.main()
