"""The managers themselves, in this process, on a real relay: what is raised, logged and told, and when."""
import asyncio
import json
import logging
import os
import subprocess
import sys
import threading
import unittest
from typing import TYPE_CHECKING, Any
from unittest import mock

import socketio
from servers import PATIENCE, Fleet

import hubrelay
import hubrelay.socketio
from hubrelay.socketio import AsyncHubrelayManager, HubrelayManager


class Records(logging.Handler):
    """A logger of the test's own, and what it was given."""

    def __init__(self):
        super().__init__()
        self.lines = []
        self.logger = logging.Logger("test", logging.INFO)  # noqa: LOG001  (one for each test, that nobody else finds)
        self.logger.addHandler(self)

    def emit(self, record):
        self.lines.append((record.levelname, record.getMessage()))

    def errors(self):
        return [text for level, text in self.lines if level == "ERROR"]


class Told:
    """What the hooks were given, from whatever thread."""

    def __init__(self):
        self.events = []
        self.changed = threading.Condition()

    def __call__(self, *event):
        with self.changed:
            self.events.append(event)
            self.changed.notify_all()

    def of(self, kind):
        return [event for event in self.events if isinstance(event[0], kind)]

    async def until(self, condition, what):
        def wait():
            with self.changed:
                return self.changed.wait_for(lambda: condition(self.events), PATIENCE)
        if not await asyncio.to_thread(wait):
            raise AssertionError(f"waited for {what}; told was: {self.events}")


if TYPE_CHECKING:
    Mixin = unittest.IsolatedAsyncioTestCase
else:
    Mixin = object


class Managers(Mixin):
    """The tests of both; a subclass has its `kind`, and `serve`, `on` (which calls a method) and so on."""

    kind: Any
    serve: Any
    on: Any
    ended: Any
    waiting: Any

    def setUp(self):
        self.fleet = Fleet(1)
        self.addCleanup(self.fleet.close)
        self.made = []

    async def asyncTearDown(self):
        for manager in self.made:
            await self.on(manager, "close")

    async def manager(self, **options):
        """A manager with a server, which listens, with `seen`: what a client of this server gets."""
        told, records = Told(), Records()
        hooks = {f"on_{name}": told for name in ("status", "gap", "loss", "publish_error")}
        named = {**hooks, "logger": records.logger, **options}
        named["hubrelay_options"] = {"gap_jitter": 0, **options.get("hubrelay_options", {})}
        manager = self.kind(options.pop("url", self.fleet.url()), **{k: v for k, v in named.items() if k != "url"})
        manager.told, manager.records, manager.seen = told, records, Told()
        self.made.append(manager)
        if not manager.write_only:
            self.serve(manager)
            await told.until(lambda events: any(isinstance(event[0], hubrelay.Status) and
                                                event[0].state == hubrelay.State.UP for event in events), "UP")
        return manager

    def send(self, manager, packet):
        """What goes to the one client: a text packet, or a binary one with its attachments behind it."""
        if isinstance(packet.data, bytes):
            begun = manager.begun
            begun.add_attachment(packet.data)
            if len(begun.attachments) == begun.attachment_count:
                manager.seen(*begun.data)
            return
        decoded = socketio.packet.Packet(encoded_packet=packet.data)
        if decoded.attachment_count:
            manager.begun = decoded
        else:
            manager.seen(*decoded.data)

    async def hears(self, manager, event, *data):
        await manager.seen.until(lambda events: (event, *data) in events, f"{event} {data}")

    async def pair(self, **options):
        """Two managers that hear each other."""
        pair = await self.manager(**options), await self.manager(**options)
        for one, other in (pair, pair[::-1]):
            await self.heard(one, other)
        return pair

    async def heard(self, one, other):
        """Emits until the other one listens."""
        number = 0
        while not any(event[0] == "warm up" for event in other.seen.events):
            number += 1
            await self.on(one, "emit", "warm up", number, namespace="/")
            await asyncio.sleep(0.01)

    async def redis_is_away(self, *managers):
        self.fleet.redis.stop()
        for manager in managers:
            await manager.told.until(lambda events: any(
                isinstance(event[0], hubrelay.Status) and not event[0].publishing for event in events), "the outage")

    async def redis_is_back(self, *managers):
        self.fleet.redis.start()
        for manager in managers:
            await manager.told.until(lambda events: any(isinstance(event[0], hubrelay.Gap) for event in events) and [
                event[0].state for event in events if isinstance(event[0], hubrelay.Status)][-1] == hubrelay.State.UP,
                "a Gap and UP")

    # What an outage is to an application

    async def test_an_outage_raises_nothing_is_logged_once_and_told_each_time(self):
        first, second = await self.pair()
        await self.redis_is_away(first)
        for number in range(5):
            await self.on(first, "emit", "in the outage", number, namespace="/")
            await self.hears(first, "in the outage", number)  # its own clients get it, as with the Redis manager
        errors = first.told.of(hubrelay.HubrelayError)
        self.assertEqual([message["data"] for _, message in errors], [[number] for number in range(5)])
        self.assertTrue(all(isinstance(error, (hubrelay.NotConnected, hubrelay.Interrupted)) for error, _ in errors))
        self.assertEqual(len(first.records.errors()), 1, first.records.errors())
        self.assertEqual(first.status.state, hubrelay.State.DOWN)
        await self.redis_is_back(first, second)
        await self.on(first, "emit", "after it", 1, namespace="/")
        await self.hears(second, "after it", 1)
        self.assertEqual(len(first.records.errors()), 1)
        self.assertIn("again", first.records.lines[-1][1])
        self.assertEqual(len(second.told.of(hubrelay.Gap)), 1)
        self.assertNotIn(("in the outage", 4), second.seen.events)

    async def test_raise_errors_refuses_at_once_and_nobody_gets_it(self):
        first, second = await self.pair(raise_errors=True)
        await self.on(first, "emit", "before it", 1, namespace="/")
        await self.hears(first, "before it", 1)
        await self.hears(second, "before it", 1)
        await self.redis_is_away(first)
        with self.assertRaises(hubrelay.NotConnected) as refused:
            await self.on(first, "emit", "in the outage", 1, namespace="/")
        self.assertIn("redis.sock", str(refused.exception))
        with self.assertRaises(hubrelay.NotConnected):
            await self.on(first, "close_room", "room")
        await self.redis_is_back(first, second)
        await self.on(first, "emit", "after it", 1, namespace="/")
        await self.hears(first, "after it", 1)
        self.assertNotIn(("in the outage", 1), first.seen.events)
        self.assertEqual(first.seen.events.count(("after it", 1)), 1)

    async def test_an_answer_that_cannot_be_returned_raises_nothing(self):
        first, _ = await self.pair(raise_errors=True)
        await self.redis_is_away(first)
        await self.on(first, "_return_callback", "another host", "sid", "/", 1, "answer")
        (_, message), = first.told.of(hubrelay.HubrelayError)
        self.assertEqual(message["method"], "callback")

    async def test_a_write_only_process_says_when_it_cannot_publish_and_when_it_can_again(self):
        listening = await self.manager()
        writing = await self.manager(write_only=True)
        await self.heard(writing, listening)
        await self.redis_is_away(listening)
        for _ in range(3):
            await self.on(writing, "emit", "lost", 1)
        self.assertEqual(len(writing.told.of(hubrelay.HubrelayError)), 3)
        self.assertEqual(len(writing.records.errors()), 1)
        self.assertIn("'lost'", writing.records.errors()[0])
        await self.redis_is_back(listening)
        await self.on(writing, "emit", "again", 1)
        await self.hears(listening, "again", 1)
        self.assertEqual(writing.records.lines[-1], ("WARNING", "hubrelay: publishes reach other servers again"))

    async def test_a_server_that_starts_without_a_relay_finds_it(self):
        relay = self.fleet.relays[0]
        relay.kill()
        manager = self.kind(self.fleet.url(), logger=Records().logger, on_status=(told := Told()),
                            on_publish_error=told, hubrelay_options={"gap_jitter": 0, "first_use": 0.1})
        manager.told, manager.seen = told, Told()
        self.made.append(manager)
        self.serve(manager)
        await told.until(lambda events: events, "that there is no relay")
        self.assertEqual(told.events[0][0].cause, hubrelay.Cause.NO_RELAY)
        await self.on(manager, "emit", "to nobody", 1, namespace="/")
        self.assertIn(relay.path, str(told.of(hubrelay.HubrelayError)[0][0]))
        relay.start()
        other = await self.manager()
        await self.heard(other, manager)

    # What is wrong with a message

    async def test_a_payload_above_the_limit_is_an_error_with_the_cure(self):
        first, second = await self.pair()
        await self.on(first, "emit", "binary", bytes(780_000), namespace="/")
        await self.hears(second, "binary", bytes(780_000))
        self.assertEqual(first.records.errors(), [])
        await self.on(first, "emit", "binary", bytes(790_000), namespace="/")
        (error, _), = first.told.of(hubrelay.HubrelayError)
        self.assertIsInstance(error, hubrelay.Invalid)
        line, = first.records.errors()
        for word in ("'binary'", "1048576", "--max-payload", "base64"):
            self.assertIn(word, line)
        await self.hears(first, "binary", bytes(790_000))
        await self.on(first, "emit", "small", 1, namespace="/")
        await self.hears(second, "small", 1)

    async def test_what_json_cannot_write_is_an_error_that_says_so(self):
        manager = await self.manager(write_only=True)
        await self.on(manager, "emit", "set", {1, 2})
        line, = manager.records.errors()
        self.assertIn("cannot be written as JSON", line)
        strict = await self.manager(write_only=True, raise_errors=True)
        with self.assertRaises(hubrelay.Invalid):
            await self.on(strict, "emit", "set", {1, 2})

    async def test_a_json_module_of_ones_own(self):
        class Shouting:
            @staticmethod
            def dumps(value):
                return json.dumps(value).replace("quiet", "LOUD").encode()

            loads = staticmethod(json.loads)

        listening = await self.manager()
        writing = await self.manager(write_only=True, json=Shouting)
        await self.heard(writing, listening)
        await self.on(writing, "emit", "said", "quiet")
        await self.hears(listening, "said", "LOUD")

    async def test_what_is_no_message_of_socketio_on_the_channel_is_skipped(self):
        first, second = await self.pair()
        async with hubrelay.AsyncClient(self.fleet.relays[0].path) as client:
            for payload in (b"", b"no json", b"[]", b'{"method":"emit"}', b'{"method":"unheard of"}', b"\x80\x04N."):
                await client.publish("socketio", payload)
        await self.on(first, "emit", "after that", 1, namespace="/")
        await self.hears(second, "after that", 1)

    # What Redis may refuse

    async def test_a_channel_that_redis_refuses_is_logged_once_and_asked_for_again(self):
        self.fleet.redis.command("ACL", "SETUSER", "default", "resetchannels", "&__hubrelay*")
        with mock.patch.object(hubrelay.socketio, "RETRY", 0.05):
            manager = await self.manager()
            await asyncio.to_thread(self.until_logged, manager, "cannot listen")
            self.fleet.redis.command("ACL", "SETUSER", "default", "allchannels")
            await manager.told.until(lambda events: any(
                isinstance(event[0], hubrelay.Gap) for event in events), "a Gap once it is granted")
        other = await self.manager()
        await self.heard(other, manager)
        self.assertEqual(len(manager.records.errors()), 1, manager.records.errors())

    async def test_a_channel_that_is_withdrawn_is_asked_for_again(self):
        with mock.patch.object(hubrelay.socketio, "RETRY", 0.05):
            first, second = await self.pair()
            self.fleet.redis.command("ACL", "SETUSER", "default", "resetchannels", "&__hubrelay*")  # ends links, too
            await asyncio.to_thread(self.until_logged, second, "cannot listen")
            self.fleet.redis.command("ACL", "SETUSER", "default", "allchannels")
            await second.told.until(lambda events: any(
                isinstance(event[0], hubrelay.Gap) and "refused" in event[0].reasons[0] for event in events), "a Gap")
        second.seen.events.clear()
        await self.heard(first, second)

    def until_logged(self, manager, text):
        arrived = threading.Event()

        class Waiting(logging.Handler):
            def emit(self, record):
                if text in record.getMessage():
                    arrived.set()
        manager.records.logger.addHandler(Waiting())
        self.assertTrue(any(text in line for _, line in manager.records.lines) or arrived.wait(PATIENCE),
                        manager.records.lines)

    # Hooks

    async def test_a_hook_that_fails_is_logged_and_harms_nobody(self):
        def fail(*_):
            raise ZeroDivisionError

        first, second = await self.manager(), await self.manager(on_gap=fail, on_publish_error=fail)
        await self.heard(first, second)
        await self.redis_is_away(first, second)
        await self.on(second, "emit", "in the outage", 1, namespace="/")
        await self.redis_is_back(first)
        await self.heard(second, first)
        second.seen.events.clear()
        await self.heard(first, second)
        failures = [line for line in second.records.errors() if "hook" in line]
        self.assertEqual(failures, ["hubrelay: a hook has failed"] * 2)

    async def test_a_slow_hook_costs_messages_which_are_told(self):
        told, go_on = Told(), threading.Event()
        slow = await self.manager(on_loss=told, on_gap=self.waiting(go_on, told))
        writing = await self.manager(write_only=True)
        await self.heard(writing, slow)
        self.fleet.redis.stop()
        self.fleet.redis.start()
        await told.until(lambda events: events, "a Gap")  # the hook waits now
        while await self.on(writing, "_publish", {"method": "skipped"}) is None:  # receiving comes before publishing
            await asyncio.sleep(0.01)
        for _ in range(100):
            await self.on(writing, "emit", "much", "x" * 100_000)  # the relay keeps 4 MiB for a worker
        go_on.set()

        def lost(events):
            return sum(event[0].messages for event in events if isinstance(event[0], hubrelay.Loss))

        await told.until(lambda events: lost(events) + len(
            [1 for event in slow.seen.events if event[0] == "much"]) == 100, "all, or their loss")
        self.assertGreater(lost(told.events), 10)
        await told.until(lambda events: isinstance(events[-1][0], hubrelay.Gap), "the Gap behind it")

    async def test_hooks_can_be_methods_of_a_subclass(self):
        told = Told()

        class Mine(self.kind):  # type: ignore[name-defined]  # it is known when the test runs
            def on_status(self, status):
                told(status)

        self.kind = Mine
        manager = Mine(self.fleet.url())
        manager.seen = Told()
        self.made.append(manager)
        self.serve(manager)
        await told.until(lambda events: events[-1:] and events[-1][0].state == hubrelay.State.UP, "UP")

    async def test_an_outage_that_an_emit_meets_first_is_logged_once_too(self):
        manager = await self.manager()
        down = hubrelay.Status(hubrelay.State.DOWN, "away", cause=hubrelay.Cause.CLOSED)
        manager._log_failure(hubrelay.Interrupted("away"), {"method": "emit", "event": "x"})
        manager._log_status(down)
        manager._log_failure(hubrelay.NotConnected("away"), {"method": "emit", "event": "x"})
        manager._log_published()  # publishing is back before receiving
        manager._log_status(hubrelay.Status(hubrelay.State.UP))
        self.assertFalse(manager._is_failing)
        self.assertEqual([level for level, text in manager.records.lines if level in ("ERROR", "WARNING")],
                         ["ERROR", "WARNING"])

    async def test_a_relay_that_has_just_started_is_no_outage_to_log(self):
        manager = await self.manager()
        for cause in (hubrelay.Cause.STARTING, hubrelay.Cause.STOPPING):
            manager._log_status(hubrelay.Status(hubrelay.State.DOWN, "starting", cause=cause))
        self.assertEqual(manager.records.errors(), [])

    # Beginning and end

    async def test_close_ends_listening_without_a_word(self):
        manager = await self.manager()
        server_errors = []
        manager.server.logger = mock.Mock(error=server_errors.append, exception=server_errors.append)
        await self.on(manager, "close")
        await self.ended(manager)
        self.assertEqual((manager.records.errors(), server_errors), ([], []))

    async def test_workers_that_a_master_forks_know_each_other_apart(self):
        manager = self.kind(self.fleet.url(), logger=Records().logger)
        manager.set_server(mock.Mock(async_mode="threading"))
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                manager.initialize()
                os.write(writer, manager.host_id.encode())
            finally:
                os._exit(0)
        os.close(writer)
        with open(reader) as pipe:
            theirs = pipe.read()
        os.waitpid(child, 0)
        before = manager.host_id
        manager.initialize()
        self.assertEqual(manager.host_id, before)
        self.assertEqual(len(theirs), 32)
        self.assertNotEqual(theirs, before)

    async def test_a_wrong_url_or_option_is_refused_when_the_manager_is_made(self):
        self.assertEqual(self.kind("hubrelay://").path, "/run/hubrelay/hubrelay.sock")
        self.assertEqual(self.kind().path, "/run/hubrelay/hubrelay.sock")
        self.assertEqual(self.kind("hubrelay:///a%20b/c").path, "/a b/c")
        for url, says in (("redis://:secret@host/0", "hubrelay:///path"), ("/run/x.sock", "hubrelay:///path"),
                          ("redis://host/0?password=secret", "redis://..."), ("redis://:a/secret@host", "redis://..."),
                          ("hubrelay://:secret@run/x.sock", "three slashes"),
                          ("hubrelay:/run/x.sock", "hubrelay:///path"), ("hubrelay://run/x.sock", "three slashes"),
                          ("hubrelay:///x.sock?channel=a", "arguments")):
            with self.subTest(url=url), self.assertRaises(ValueError) as refused:
                self.kind(url)
            self.assertIn(says, str(refused.exception))
            self.assertNotIn("secret", str(refused.exception))
        with self.assertRaises(TypeError):
            self.kind(hubrelay_options={"no_such_option": 1})
        with self.assertRaises(TypeError):
            self.kind(redis_options={})


class OfAsyncio(Managers, unittest.IsolatedAsyncioTestCase):
    kind = AsyncHubrelayManager

    def serve(self, manager):
        server = socketio.AsyncServer(async_mode="asgi", client_manager=manager)

        async def send(eio_sid, packet):
            self.send(manager, packet)
        server._send_eio_packet = send
        manager.basic_enter_room("client", "/", None, eio_sid="client")
        manager.initialize()

    async def on(self, manager, name, *arguments, **named):
        return await getattr(manager, name)(*arguments, **named)

    async def ended(self, manager):
        await asyncio.wait_for(manager.thread, PATIENCE)

    def waiting(self, go_on, told):
        async def wait(gap):
            told(gap)
            await asyncio.to_thread(go_on.wait, PATIENCE)
        return wait

    async def test_loops_that_are_closed_leave_no_connections(self):
        manager = self.kind(self.fleet.url(), write_only=True)

        def script():
            before = len(os.listdir("/proc/self/fd"))
            for _ in range(5):
                asyncio.run(manager.emit("said", "x"))
            return len(os.listdir("/proc/self/fd")) - before
        self.assertEqual(await asyncio.to_thread(script), 1)

    async def test_a_hook_that_emits_into_the_outage_is_called_once_for_each_emit(self):
        told = []

        async def tell(error, message):
            told.append(message["event"])
            await manager.emit("also lost", 1, namespace="/")

        manager = await self.manager(on_publish_error=tell)
        await self.redis_is_away(manager)
        for number in range(2):
            await manager.emit(f"lost {number}", 1, namespace="/")
        self.assertEqual(told, ["lost 0", "lost 1"])

    async def test_a_hook_that_waits_for_what_is_cancelled_leaves_the_manager_listening(self):
        async def wait(_):
            task = asyncio.ensure_future(asyncio.sleep(PATIENCE))
            task.cancel()
            await task
        manager, other = await self.manager(on_gap=wait), await self.manager()
        await self.heard(other, manager)
        self.fleet.redis.stop()
        self.fleet.redis.start()
        await asyncio.to_thread(self.until_logged, manager, "a hook has failed")
        manager.seen.events.clear()
        await asyncio.wait_for(self.heard(other, manager), PATIENCE)

    async def test_hooks_may_be_coroutine_functions_that_emit(self):
        async def tell(gap):
            await manager.emit("missed", list(gap.reasons), ignore_queue=True, namespace="/")

        manager = await self.manager(on_gap=tell)
        other = await self.manager()
        await self.heard(other, manager)
        self.fleet.redis.stop()
        self.fleet.redis.start()
        await manager.seen.until(lambda events: any(event[0] == "missed" for event in events), "the hook's emit")


class OfThreads(Managers, unittest.IsolatedAsyncioTestCase):
    kind = HubrelayManager

    def serve(self, manager):
        server = socketio.Server(async_mode="threading", client_manager=manager)
        server._send_eio_packet = lambda eio_sid, packet: self.send(manager, packet)
        manager.basic_enter_room("client", "/", None, eio_sid="client")
        manager.initialize()

    async def on(self, manager, name, *arguments, **named):
        return await asyncio.to_thread(getattr(manager, name), *arguments, **named)

    async def ended(self, manager):
        await asyncio.to_thread(manager.thread.join, PATIENCE)
        self.assertFalse(manager.thread.is_alive())

    def waiting(self, go_on, told):
        def wait(gap):
            told(gap)
            go_on.wait(PATIENCE)
        return wait

    async def test_a_hook_that_emits_into_the_outage_is_called_once_for_each_emit(self):
        told = []

        def tell(error, message):
            told.append(message["event"])
            manager.emit("also lost", 1, namespace="/")

        manager = await self.manager(on_publish_error=tell)
        await self.redis_is_away(manager)
        for number in range(2):
            await self.on(manager, "emit", f"lost {number}", 1, namespace="/")
        self.assertEqual(told, ["lost 0", "lost 1"])

    async def test_a_coroutine_function_is_no_hook_of_threads(self):
        async def hook(_):
            pass
        with self.assertRaises(TypeError):
            self.kind(self.fleet.url(), on_gap=hook)

    async def test_gevent_and_eventlet_need_their_monkey_patching(self):
        for mode in ("gevent", "gevent_uwsgi", "eventlet"):
            manager = self.kind(self.fleet.url())
            manager.set_server(mock.Mock(async_mode=mode))
            with self.subTest(mode=mode), self.assertRaises(RuntimeError) as refused:
                manager.initialize()
            self.assertIn("monkey", str(refused.exception))
            self.assertFalse(manager.server.start_background_task.called)


class Imports(unittest.TestCase):
    def test_without_the_framework_the_error_says_what_to_install(self):
        for module, missing in (("socketio", "socketio"), ("flask_socketio", "flask_socketio")):
            program = (f"import sys; sys.modules[{missing!r}] = None\nimport hubrelay\ntry: import hubrelay.{module}\n"
                       "except ImportError as error: print(error)")
            said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
            self.assertRegex(said, "pip install ('python-socketio>=|flask-socketio)")

    def test_the_client_alone_imports_no_framework(self):
        program = "import hubrelay, sys; print([name for name in sys.modules if 'socketio' in name])"
        said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
        self.assertEqual(said, "[]\n")


if __name__ == "__main__":
    unittest.main()
