"""A relay that is STOPPING is left for the next one, and no Reply that it owes is lost."""
import asyncio
import collections
import os
import tempfile
import unittest

from fake_relay import UP, FakeRelay
from harness import PATIENCE, Relay, RelayTest, hubrelay
from hubrelay import Gap
from hubrelay.sockets import connect
from wire import Cause, Loss, Message, Outcome, Ping, Publish, Reply, State, Status, Subscribe

STOPPING = Status(state=State.STOPPING, publishing=True, receiving=True, cause=Cause.STOPPING)


class Restarts(RelayTest):
    # Redis stands still in the middle of a restart: that must not look like an outage.
    options = {"--link-timeout": f"{2 * PATIENCE}s"}

    async def test_no_publish_is_interrupted_when_the_relay_is_restarted(self):
        outcomes = collections.Counter()

        async def publish(client):
            while not stopped.is_set():
                try:
                    await client.publish("a", b"x")
                    outcomes[Outcome.OK] += 1
                except hubrelay.HubrelayError as error:
                    outcomes[error.outcome] += 1
                    await asyncio.sleep(0.001)  # it fails at once while there is no relay: let others run

        stopped = asyncio.Event()
        async with self.client(drain=PATIENCE) as client:
            await self.up(client)
            tasks = [asyncio.create_task(publish(client)) for _ in range(64)]
            for _ in range(3):
                before = outcomes[Outcome.OK]
                while outcomes[Outcome.OK] < before + 1000:
                    await asyncio.sleep(0.001)
                self.relay.terminate()
                await self.event(client, Status, state=State.STOPPING)
                await self.in_thread(self.relay.wait)
                await self.in_thread(self.relay.start)
                await self.event(client, Status, state=State.UP)
            stopped.set()
            await self.soon(asyncio.gather(*tasks))
        self.assertEqual(set(outcomes) - {Outcome.OK, Outcome.NOT_CONNECTED}, set(), outcomes)

    async def test_a_relay_that_is_there_already_is_taken_before_the_old_one_is_left(self):
        async with self.moving_client() as client:
            await self.up(client)
            await self.soon(client.subscribe("a"))
            stopping = await self.move()
            await self.event(client, Status, state=State.STOPPING)
            owed = asyncio.ensure_future(client.publish("a", b"owed"))
            told = await self.event(client, Status)  # the next relay's: there was never no relay
            self.assertTrue(told.connected)
            self.assertIn(await self.soon(owed), (1, 2))  # both relays, while the client is at both
            await self.in_thread(stopping.wait)  # the client has left it
            self.assertEqual(await self.soon(client.publish("a", b"next")), 1)
            received = []
            while b"next" not in received:
                event = await self.soon(client.events.__anext__())
                self.assertNotIsInstance(event, Gap)
                received += [event.payload] if isinstance(event, Message) else []

    async def test_no_message_is_missed_or_comes_twice(self):
        """The messages of another connection, while the client moves from relay to relay five times."""
        async with self.moving_client() as client:
            await self.up(client)
            subscription = await self.soon(client.listen("a"))
            sent = asyncio.get_running_loop().run_in_executor(None, self.publish_numbers)
            for _ in range(5):
                stopping = await self.move()
                await self.event(client, Status, state=State.STOPPING)
                await self.event(client, Status, state=State.UP)
                await self.in_thread(stopping.wait)
            self.stop_publishing = True
            count = await self.soon(sent)
            received = []
            while not received or received[-1] != count:
                event = await self.soon(subscription.__anext__())
                self.assertIsInstance(event, Message)
                received.append(int(event.payload))
            self.assertEqual(received, list(range(1, count + 1)))

    def moving_client(self):
        """Goes to the relay of the moment. A relay that stops closes after 2 s, so the next one has to be there before
        on a busy machine, and two relays have two paths."""
        return self.client(gap_jitter=0, successor=PATIENCE, drain=PATIENCE,
                           connector=lambda _: connect(self.relay.path))

    async def move(self):
        """Another relay, and the word to the former one, which is returned."""
        directory = tempfile.TemporaryDirectory(prefix="hubrelay-")
        self.addCleanup(directory.cleanup)
        following = await self.in_thread(Relay, self.redis, directory.name, self.options)
        self.addCleanup(following.kill)
        # Where it does not receive yet, messages may be missed, and a Gap says so.
        async with hubrelay.AsyncClient(following.path) as early:
            await self.up(early)
        stopping, self.relay = self.relay, following
        stopping.terminate()
        return stopping

    stop_publishing = False

    def publish_numbers(self):
        number = 0
        while not self.stop_publishing:
            number += 1
            self.redis.command("PUBLISH", "t:a", b"%d" % number)
        return number

    async def in_thread(self, function, *arguments):
        """The result of a function that waits, while the client goes on."""
        return await self.soon(asyncio.get_running_loop().run_in_executor(None, function, *arguments))


class FakeRelayTest(unittest.IsolatedAsyncioTestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="hubrelay-")
        self.addCleanup(directory.cleanup)
        self.path = os.path.join(directory.name, "relay.sock")

    def client(self, **options):
        """Of durations that no busy machine decides about, unless a test says otherwise."""
        return hubrelay.AsyncClient(self.path, **{"drain": PATIENCE, "successor": PATIENCE, **options})

    def relay(self, *arguments, **settings):
        return FakeRelay(self.path, *arguments, **settings)

    async def soon(self, awaitable):
        return await asyncio.wait_for(awaitable, PATIENCE)

    async def publishing(self, client, peer, payload=b"x"):
        """A publish that is under way, and its id."""
        publish = asyncio.ensure_future(client.publish("a", payload))
        return publish, (await self.soon(peer.next())).id

    async def told(self, client, kind, **wanted):
        """The next event of this kind with these values; skips every other one."""
        async def search():
            while True:
                event = await client.events.__anext__()
                if isinstance(event, kind) and all(getattr(event, name) == value for name, value in wanted.items()):
                    return event
        return await self.soon(search())


class Leaving(FakeRelayTest):
    async def test_a_relay_without_a_next_one_is_read_to_its_end(self):
        async with self.relay() as relay, self.client(successor=0.01) as client:
            peer = await self.soon(relay.peer())
            publish, id = await self.publishing(client, peer)
            relay.stop_listening()
            os.unlink(self.path)
            peer.send(STOPPING)
            self.assertIsNone(await self.soon(peer.next()))  # the client has shut its writing side
            gone = await self.told(client, Status, state=State.DOWN)
            self.assertEqual(gone.cause, Cause.NO_RELAY)
            self.assertFalse(client.status.connected)
            with self.assertRaises(hubrelay.HubrelayError) as failure:
                await client.publish("a", b"y")
            self.assertEqual(failure.exception.outcome, Outcome.NOT_CONNECTED)
            peer.send(Loss(publishes=3, cause=Cause.INVALID), Reply(id, Outcome.OK, 5))
            self.assertEqual(await self.soon(publish), 5)
            await self.told(client, Loss, publishes=3)

    async def test_what_a_relay_does_not_answer_before_it_ends_is_interrupted(self):
        async with self.relay() as relay, self.client(successor=0.01) as client:
            peer = await self.soon(relay.peer())
            publish, _ = await self.publishing(client, peer)
            relay.stop_listening()
            os.unlink(self.path)
            peer.send(STOPPING)
            self.assertIsNone(await self.soon(peer.next()))
            self.assertFalse(publish.done())
            peer.close()
            with self.assertRaises(hubrelay.HubrelayError) as failure:
                await self.soon(publish)
            self.assertEqual(failure.exception.outcome, Outcome.INTERRUPTED)

    async def test_it_is_not_waited_for_without_end(self):
        async with self.relay() as relay, self.client(successor=0.01, drain=0.01) as client:
            peer = await self.soon(relay.peer())
            publish, _ = await self.publishing(client, peer)
            relay.stop_listening()
            os.unlink(self.path)
            peer.send(STOPPING)
            with self.assertRaises(hubrelay.HubrelayError) as failure:
                await self.soon(publish)
            self.assertEqual(failure.exception.outcome, Outcome.INTERRUPTED)

    async def test_the_old_relay_and_one_that_is_stopping_are_no_next_one(self):
        async with self.relay("1") as first, self.client() as client:
            peer = await self.soon(first.peer())
            peer.send(STOPPING)  # and it listens still
            self.assertIsNone(await self.soon((await self.soon(first.peer())).next()))
            async with self.relay("2", status=STOPPING) as second:
                self.assertIsNone(await self.soon((await self.soon(second.peer())).next()))
                publish, id = await self.publishing(client, peer)  # so the first one serves
                peer.send(Reply(id, Outcome.OK, 1))
                self.assertEqual(await self.soon(publish), 1)
                async with self.relay("3") as third:
                    following = await self.soon(third.peer())
                    self.assertIsNone(await self.soon(peer.next()))
                    peer.close()  # new publishes wait for its end
                    publish, id = await self.publishing(client, following)
                    following.send(Reply(id, Outcome.OK, 3))
                    self.assertEqual(await self.soon(publish), 3)

    async def test_messages_come_from_the_old_relay_until_they_come_from_the_next(self):
        async with self.relay("1") as first, self.client(gap_jitter=0) as client:
            peer = await self.soon(first.peer())
            subscribe = asyncio.ensure_future(client.subscribe("a"))
            peer.send(Reply((await self.soon(peer.next())).id, Outcome.OK))
            await self.soon(subscribe)
            first.stop_listening()
            async with self.relay("2") as second:
                peer.send(STOPPING)
                following = await self.soon(second.peer())
                restoring = await self.soon(following.next())
                self.assertEqual((type(restoring), restoring.channels), (Subscribe, ("a",)))
                leaving = asyncio.create_task(peer.next())
                peer.send(Message("a", b"old 1"))
                self.assertEqual((await self.told(client, Message)).payload, b"old 1")
                self.assertFalse(leaving.done())
                following.send(Reply(restoring.id, Outcome.OK), Message("a", b"new 1"))
                self.assertEqual((await self.told(client, Message)).payload, b"new 1")
                self.assertIsNone(await self.soon(leaving))
                peer.send(Message("a", b"old 2"), Status(state=State.DOWN))
                peer.close()
                self.assertEqual(client.status, UP)
                following.send(Message("a", b"new 2"))
                self.assertEqual((await self.told(client, Message)).payload, b"new 2")

    async def test_a_subscription_under_way_is_asked_for_at_the_next_relay_and_answered_by_the_old_one(self):
        async with self.relay("1") as first, self.client() as client:
            peer = await self.soon(first.peer())
            subscribe = asyncio.ensure_future(client.subscribe("a"))
            id = (await self.soon(peer.next())).id
            first.stop_listening()
            async with self.relay("2") as second:
                peer.send(STOPPING)
                following = await self.soon(second.peer())
                restoring = await self.soon(following.next())
                self.assertEqual(restoring.channels, ("a",))
                self.assertFalse(subscribe.done())
                peer.send(Reply(id, Outcome.OK))
                self.assertEqual(await self.soon(subscribe), Outcome.OK)
                following.send(Reply(restoring.id, Outcome.OK))
                self.assertIsNone(await self.soon(peer.next()))
                peer.close()


class Closing(FakeRelayTest):
    async def test_owed_replies_come_before_the_end(self):
        async with self.relay() as relay:
            async with self.client() as client:
                peer = await self.soon(relay.peer())
                publish, id = await self.publishing(client, peer)
                answering = asyncio.create_task(self.answer_at_the_end(peer, id))
            await answering
        self.assertEqual(await self.soon(publish), 7)

    async def answer_at_the_end(self, peer, id):
        self.assertIsNone(await self.soon(peer.next()))
        peer.send(Reply(id, Outcome.OK, 7))
        peer.close()

    async def test_what_was_published_without_reply_is_settled(self):
        async with self.relay(features=("settled",)) as relay:
            async with self.client() as client:
                peer = await self.soon(relay.peer())
                client.send("a", b"x")
                settling = asyncio.create_task(self.settle(peer))
            await settling
            self.assertEqual([event async for event in client.events if isinstance(event, Loss)],
                             [Loss(publishes=1, cause=Cause.REFUSED)])

    async def settle(self, peer):
        self.assertIsInstance(await self.soon(peer.next()), Publish)
        ping = await self.soon(peer.next())
        self.assertEqual((type(ping), ping.settled), (Ping, True))
        peer.send(Loss(publishes=1, cause=Cause.REFUSED), Reply(ping.id, Outcome.OK))
        self.assertIsNone(await self.soon(peer.next()))
        peer.close()

    async def test_with_nothing_unsettled_it_is_not_asked_for(self):
        async with self.relay(features=("settled",)) as relay:
            async with self.client() as client:
                peer = await self.soon(relay.peer())
                client.send("a", b"x")
                ping = asyncio.ensure_future(client.ping(settled=True))
                await self.soon(peer.next())
                peer.send(Reply((await self.soon(peer.next())).id, Outcome.OK))
                await self.soon(ping)
                ending = asyncio.create_task(self.end(peer))
            await ending

    async def end(self, peer):
        self.assertIsNone(await self.soon(peer.next()))
        peer.close()

    async def test_a_relay_that_cannot_settle_is_not_asked(self):
        async with self.relay() as relay, self.client() as client:
            peer = await self.soon(relay.peer())
            with self.assertRaises(hubrelay.HubrelayError) as failure:
                await self.soon(client.ping(settled=True))
            self.assertEqual(failure.exception.outcome, Outcome.INVALID)
            peer.close()


class Refusals(FakeRelayTest):
    async def test_refused_channels_and_patterns_are_told_apart(self):
        async with self.relay() as relay, self.client() as client:
            peer = await self.soon(relay.peer())
            subscribe = asyncio.ensure_future(client.subscribe("x", "y"))
            id = (await self.soon(peer.next())).id
            peer.send(Reply(id, Outcome.REFUSED, detail="NOPERM", channels=("x",), patterns=("x", "z*")))
            with self.assertRaises(hubrelay.HubrelayError) as failure:
                await self.soon(subscribe)
            self.assertEqual((failure.exception.channels, failure.exception.patterns), (("x",), ("x", "z*")))
            peer.close()


class Names(unittest.TestCase):
    def test_a_name_that_no_relay_takes_is_refused_at_once(self):
        for client in (hubrelay.AsyncClient, hubrelay.Client):
            for name in ("n" * 64, "é" * 32, ""):
                client(name=name)
            for name in ("n" * 65, "é" * 33, "n" * 5000, "\ud800"):
                with self.assertRaises(hubrelay.Invalid):
                    client(name=name)


if __name__ == "__main__":
    unittest.main()
