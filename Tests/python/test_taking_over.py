"""A relay that takes over from another one, and one whose socket a service manager makes."""
import asyncio
import errno
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import unittest

from harness import PATIENCE, TIMINGS, Process, Redis, binary, free_port, hubrelay
from hubrelay import Message

#: Passes a listening socket as systemd does: descriptor 3, and the pid of the process that it is for.
PASS = ["bash", "-c", 'exec 3<&"$0"; export LISTEN_PID=$$ LISTEN_FDS=1; exec "$@"']


class RelayTest(unittest.IsolatedAsyncioTestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="hubrelay-")
        self.addCleanup(directory.cleanup)
        self.directory = directory.name
        self.redis = Redis(directory.name)
        self.addCleanup(self.redis.stop)
        self.path = os.path.join(directory.name, "relay.sock")
        self.http = f"unix:{self.directory}/http.sock"

    def words(self, *options, http=None):
        settings = {"--socket": self.path, "--prefix": "t:", "--redis": self.redis.url, "--http": http or self.http,
                    **TIMINGS}
        return [binary(), "serve", *(word for setting in settings.items() for word in setting), *options]

    def start(self, *options, ready="listening", prefix=(), pass_fds=(), **settings):
        process = Process(*prefix, *self.words(*options, **settings), ready=ready, pass_fds=pass_fds)
        self.addCleanup(process.kill)
        return process

    def health(self, path="/livez"):
        """The status and text of an answer of the HTTP side."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(PATIENCE)
            connection.connect(self.http.removeprefix("unix:"))
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            head, _, body = b"".join(iter(lambda: connection.recv(1 << 16), b"")).partition(b"\r\n\r\n")
        return int(head.split()[1]), body.decode()

    def is_live(self):
        """False, too, while nobody serves HTTP."""
        try:
            return self.health() == (200, "live\n")
        except OSError:
            return False

    async def soon(self, awaitable):
        return await asyncio.wait_for(awaitable, PATIENCE)

    async def in_thread(self, function, *arguments, **options):
        """The result of a function that waits, while clients go on."""
        loop = asyncio.get_running_loop()
        return await self.soon(loop.run_in_executor(None, lambda: function(*arguments, **options)))

    async def eventually(self, holds, what):
        async def wait():
            while not await self.in_thread(holds):
                await asyncio.sleep(0.01)
        try:
            await self.soon(wait())
        except TimeoutError:
            self.fail(f"waited in vain: {what}")

    def connects(self):
        """Connects without end in a thread, until it is told to stop. Returns a function that does so, and gives what
        failed and how many there were."""
        stopped, failures, count = False, [], 0

        def run():
            nonlocal count
            while not stopped:
                with socket.socket(socket.AF_UNIX) as caller:
                    count += 1
                    try:
                        caller.connect(self.path)
                    except OSError as error:
                        failures.append(errno.errorcode[error.errno])

        def end():
            nonlocal stopped
            stopped = True

        running = asyncio.get_running_loop().run_in_executor(None, run)
        self.addAsyncCleanup(self.in_thread, end)  # a test that fails has to end, too

        async def stop():
            end()
            await self.soon(running)
            return failures, count
        return stop


class TakingOver(RelayTest):
    async def test_no_connect_is_refused_and_no_message_missed(self):
        old = self.start(ready="state=up")  # who subscribes before has a Gap
        async with hubrelay.AsyncClient(self.path, gap_jitter=0, successor=PATIENCE, drain=PATIENCE) as client:
            await self.soon(client.ready())
            subscription = await self.soon(client.listen("a"))
            stop = self.connects()
            number, received = 0, []
            for _ in range(3):
                new = await self.in_thread(self.start, "--take-over")
                for _ in range(20):
                    number += 1
                    self.redis.command("PUBLISH", "t:a", b"%d" % number)
                self.assertEqual(await self.in_thread(old.wait), 10)
                old = new
            while not received or received[-1] != number:
                event = await self.soon(subscription.__anext__())
                self.assertIsInstance(event, Message)
                received.append(int(event.payload))
            self.assertEqual(received, list(range(1, number + 1)))
            failures, count = await stop()
            self.assertEqual((failures, count > 10), ([], True))
        # HTTP has followed.
        await self.eventually(self.is_live, "HTTP of the new relay")
        old.signal(signal.SIGTERM)
        self.assertEqual(await self.in_thread(old.wait), 0)
        self.assertFalse(os.path.exists(self.path))

    def test_where_there_is_no_other_relay_it_listens_at_once(self):
        self.redis.stop()
        self.start("--take-over")
        self.assertEqual(self.health(), (200, "live\n"))

    def test_a_relay_that_is_not_up_in_time_leaves_the_other_one_alone(self):
        old = self.start()
        names = set(os.listdir(self.directory)) | {"relay.sock.next.lock"}
        new = self.start("--take-over", "--take-over-timeout", "100ms", "--redis", "unix:///nowhere",
                         ready="not taken over")
        self.assertEqual(new.wait(), 1)
        self.assertIn("was not asked to stop", new.output)
        self.assertEqual(set(os.listdir(self.directory)), names)
        self.assertEqual(self.health(), (200, "live\n"))
        self.assertFalse(old.is_over)
        self.assertNotIn("stopping", old.output)

    def test_a_relay_that_hangs_keeps_its_path(self):
        old = self.start()
        old.signal(signal.SIGSTOP)
        # HTTP is the other one's, which does not answer: so it has to be another address.
        new = self.start("--take-over", "--take-over-timeout", "300ms", ready="not taken over", http="off")
        self.assertEqual(new.wait(), 1)
        self.assertIn("did not release the path in time", new.output)
        old.signal(signal.SIGCONT)
        self.assertEqual(old.wait(), 0)  # it was asked to stop
        self.assertFalse(os.path.exists(self.path))

    def test_http_of_somebody_else_keeps_the_other_relay_from_being_asked(self):
        old = self.start(http="off")
        with socket.socket(socket.AF_INET) as other:
            other.bind(("127.0.0.1", free_port()))
            other.listen()
            address = f"127.0.0.1:{other.getsockname()[1]}"
            new = self.start("--take-over", ready="cannot start", http=address)
            self.assertEqual(new.wait(), 1)
        self.assertNotIn("stopping", old.output)

    def test_while_it_waits_it_says_so(self):
        old = self.start(http="off")
        new = self.start("--take-over", "--redis", "unix:///nowhere", ready="before it is asked to stop")
        status, text = self.health()
        self.assertEqual((status, "waits until another relay releases" in text), (503, True))
        self.assertEqual(self.health("/readyz")[0], 503)
        # The other one leaves by itself: then this one has the path, whatever Redis does.
        old.signal(signal.SIGTERM)
        self.assertEqual(old.wait(), 10)
        new._wait_for_line(" listening ")
        self.assertEqual(self.health(), (200, "live\n"))

    def test_the_service_manager_is_told_only_then(self):
        old = self.start(http="off")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(f"{self.directory}/notify")
            manager.settimeout(PATIENCE)
            environment = {**os.environ, "NOTIFY_SOCKET": f"{self.directory}/notify"}
            new = subprocess.Popen(self.words("--take-over", "--redis", "unix:///nowhere"), env=environment,
                                   stderr=subprocess.DEVNULL)
            self.addCleanup(new.wait, PATIENCE)
            self.addCleanup(new.kill)
            self.assertRegex(manager.recv(4096), b"^STATUS=DOWN")
            old.signal(signal.SIGTERM)
            while (state := manager.recv(4096)) != b"READY=1":
                self.assertTrue(state.startswith(b"STATUS="), state)


class Activation(RelayTest):
    def setUp(self):
        super().setUp()
        self.listening = socket.socket(socket.AF_UNIX)
        self.addCleanup(self.listening.close)
        self.listening.bind(self.path)
        self.listening.listen(4096)

    def activate(self, *options, **settings):
        number = self.listening.fileno()
        return self.start(*options, prefix=[*PASS, str(number)], pass_fds=(number,), **settings)

    async def test_after_a_kill_no_connect_is_refused(self):
        relay = self.activate()
        stop = self.connects()
        async with hubrelay.AsyncClient(self.path, gap_jitter=0) as client:
            await self.soon(client.ready())
            await self.soon(client.listen("a"))
            for _ in range(3):
                relay.signal(signal.SIGKILL)
                await self.in_thread(relay.wait)
                await self.eventually(lambda: not client.status.connected, "the client to notice")
                relay = await self.in_thread(self.activate)
                await self.soon(client.ready())
        failures, count = await stop()
        # A queue that is full says EAGAIN, and only to those who do not wait.
        self.assertEqual((failures, count > 10), ([], True))

    def test_nothing_is_changed_at_the_path_and_the_next_one_finds_who_waits(self):
        os.chmod(self.path, 0o640)
        before = os.stat(self.path)
        relay = self.activate()
        self.assertEqual(self.health(), (200, "live\n"))
        relay.signal(signal.SIGTERM)
        self.assertEqual(relay.wait(), 0)
        after = os.stat(self.path)
        self.assertEqual((before.st_ino, before.st_mode, before.st_gid), (after.st_ino, after.st_mode, after.st_gid))
        self.assertFalse(os.path.exists(self.path + ".lock"))
        with hubrelay.Client(self.path) as client:  # waits in the queue of nobody
            self.activate()
            client.ready(PATIENCE)

    def test_what_cannot_apply_or_differs_ends_it(self):
        for options, text in [
                (["--socket-mode", "0660"], "--socket-mode is set"), (["--socket-group", "0"], "--socket-group is set"),
                (["--socket", self.path + "x"], f"bound to {self.path}, but --socket is {self.path}x")]:
            relay = self.activate(*options, ready="cannot start")
            self.assertEqual((relay.wait(), text in relay.output), (64, True), relay.output)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
            number = other.fileno()
            relay = self.start(prefix=[*PASS, str(number)], pass_fds=(number,), ready="cannot start")
            self.assertEqual((relay.wait(), "is not a stream socket" in relay.output), (64, True), relay.output)

    async def test_a_path_that_is_lost_is_told_by_livez(self):
        self.activate()
        os.rename(self.path, self.path + "x")
        await self.eventually(lambda: self.health()[0] == 503, "/livez to notice")
        self.assertIn("systemctl restart the .socket unit", self.health()[1])
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(self.path)
            other.listen()
            await self.eventually(lambda: "a socket that does not lead to this" in self.health()[1], "another's socket")
        os.rename(self.path + "x", self.path)
        await self.eventually(lambda: self.health()[0] == 200, "/livez to be well again")

    @unittest.skipUnless(shutil.which("systemd-socket-activate"), "systemd-socket-activate is not here")
    def test_systemd_passes_what_the_relay_takes(self):
        path = os.path.join(self.directory, "other.sock")
        words = self.words("--socket", path)
        process = Process("systemd-socket-activate", f"--listen={path}", *words, ready="Listening on")
        self.addCleanup(process.kill)
        with hubrelay.Client(path) as client:  # the first connection starts the relay
            client.ready(PATIENCE)


if __name__ == "__main__":
    unittest.main()
