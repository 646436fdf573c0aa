"""The core without sockets: bytes and times go in, bytes and events come out."""
import errno
import logging
import os
import tempfile
import time
import unittest

from hubrelay import Counters, Gap, Invalid, Loss, Message, Options, Outcome, State, Status, Unknown
from hubrelay.codec import CLIENT_FRAME, decode, encode
from hubrelay.connections import Action
from hubrelay.core import Core
from hubrelay.listening import Listener
from hubrelay.sockets import _explained, connect
from hubrelay.frames import Hello, Ping, Publish, Reply, Subscribe, Unsubscribe, Welcome

UP = Status(State.UP, publishing=True, receiving=True)


class Waiter:
    def __init__(self):
        self.result = self.error = None
        self.is_done = False

    def done(self):
        return self.is_done

    def set_result(self, result):
        self.result, self.is_done = result, True

    def set_exception(self, error):
        self.error, self.is_done = error, True


class Bench:
    """A core, and the relay's side of its connections."""

    def __init__(self, **options):
        self.core = Core("test", Options(**{"gap_jitter": 0, **options}), Counters(), logging.getLogger("test"))
        self.opened = []
        self.core.start()
        self.perform()

    def perform(self):
        while self.core.actions:
            action, link = self.core.actions.pop(0)
            if action is Action.OPEN:
                self.opened.append(link)
                self.core.opened(link)

    def written(self, link):
        """The frames that the client has written since the last time."""
        self.perform()
        data = b""
        while link.unsent:
            view = bytes(link.to_write())
            data += view
            link.wrote(len(view))
        frames = []
        while data:
            end = 4 + int.from_bytes(data[:4], "big")
            frames.append(decode(data[4:end], CLIENT_FRAME))
            data = data[end:]
        return frames

    def say(self, link, *frames):
        self.core.received(link, b"".join(map(encode, frames)))
        self.perform()

    def welcome(self, relay_id="1", status=UP, features=("patterns", "settled", "fence"), max_frame_bytes=10_000):
        link = self.opened[-1]
        assert isinstance(self.written(link)[0], Hello)
        self.say(link, Welcome(1, "0", relay_id, max_frame_bytes, status, max_frame_bytes - 4096, features))
        return link

    def pass_time(self, name):
        """The timer of this name is due now."""
        self.core.timers.set(name, -0.001)
        self.core.tick(time.monotonic())
        self.perform()

    def events(self, kind=object):
        return [event for event in iter(self.core.events.take, None) if isinstance(event, kind)]

    def subscribed(self, link, *channels):
        waiter = Waiter()
        self.core.subscribing.subscribe(channels, (), waiter)
        for frame in self.written(link):
            self.say(link, Reply(frame.id, Outcome.OK))
        assert waiter.result == Outcome.OK


class Gaps(unittest.TestCase):
    def test_a_gap_comes_once_receiving_and_after_the_subscribes_before_that(self):
        bench = Bench()
        link = bench.welcome()
        bench.subscribed(link, "a")
        bench.say(link, Status(State.DOWN, gaps=1))
        bench.core.subscribing.subscribe(["b"], (), Waiter())
        before, = bench.written(link)
        bench.say(link, Status(State.UP, publishing=True, receiving=True, gaps=1))
        bench.core.subscribing.subscribe(["c"], (), Waiter())
        self.assertIsNone(bench.core.timers.due_at("gap"))
        bench.say(link, Reply(before.id, Outcome.OK))  # "c" came later, and is not waited for
        bench.pass_time("gap")
        self.assertEqual(len(bench.events(Gap)), 1)

    def test_a_break_in_the_delay_begins_it_anew_and_the_gaps_are_one(self):
        bench = Bench(gap_jitter=2)
        link = bench.welcome()
        bench.subscribed(link, "a")
        for gaps in (1, 2):
            bench.say(link, Status(State.DOWN, f"reason {gaps}", gaps=gaps))
            self.assertIsNone(bench.core.timers.due_at("gap"))
            bench.say(link, Status(State.UP, publishing=True, receiving=True, gaps=gaps))
        bench.pass_time("gap")
        self.assertEqual([gap.reasons for gap in bench.events(Gap)], [("reason 1", "reason 2")])

    def test_without_subscription_there_is_none(self):
        bench = Bench()
        link = bench.welcome()
        bench.subscribed(link, "a")
        bench.say(link, Status(State.DOWN, gaps=1))
        bench.core.subscribing.unsubscribe(["a"], (), Waiter())
        for frame in bench.written(link):
            bench.say(link, Reply(frame.id, Outcome.OK))
        bench.say(link, Status(State.UP, publishing=True, receiving=True, gaps=1))
        self.assertIsNone(bench.core.timers.due_at("gap"))


class Settled(unittest.TestCase):
    def test_what_was_settled_is_not_unknown_at_the_end(self):
        bench = Bench()
        link = bench.welcome()
        for _ in range(3):
            bench.core.publishing.send("a", b"x")
        bench.pass_time("settle")
        ping = bench.written(link)[-1]
        self.assertEqual(ping, Ping(1, True))
        bench.core.publishing.send("a", b"x")
        bench.core.publishing.send("a", b"x")
        bench.written(link)
        bench.say(link, Reply(ping.id, Outcome.OK), Loss(publishes=1))
        bench.events()
        bench.core.ended(link, "gone")
        self.assertEqual([loss.publishes_unknown for loss in bench.events(Loss)], [1])

    def test_what_was_not_written_is_certainly_not_delivered(self):
        bench = Bench()
        link = bench.welcome()
        written, unwritten = Waiter(), Waiter()
        bench.core.publishing.publish("a", b"1", written)
        bench.core.publishing.send("a", b"2")
        first = bytes(link.to_write())
        link.wrote(len(first) - 1)  # all but one byte of the send
        bench.core.publishing.publish("a", b"3", unwritten)
        bench.core.ended(link, "gone")
        self.assertEqual(written.error.outcome, Outcome.INTERRUPTED)
        self.assertEqual(unwritten.error.outcome, Outcome.NOT_CONNECTED)
        loss, = bench.events(Loss)
        self.assertEqual((loss.publishes, loss.publishes_unknown), (1, 0))


class HungRelay(unittest.TestCase):
    def test_a_ping_and_then_the_end(self):
        bench = Bench()
        link = bench.welcome()
        waiter = Waiter()
        bench.core.publishing.publish("a", b"x", waiter)
        bench.written(link)
        link.last_read = link.owed_since = time.monotonic() - 6
        bench.pass_time("watch")
        self.assertEqual(bench.written(link), [Ping(2)])
        link.ping_at = time.monotonic() - 6
        bench.core.timers.set("watch", -0.001)
        self.assertIs(bench.core.give_up_candidate(time.monotonic()), link)
        bench.pass_time("watch")
        self.assertEqual(waiter.error.outcome, Outcome.INTERRUPTED)

    def test_while_the_socket_is_left_unread_its_end_is_looked_for_every_second(self):
        bench = Bench(events_bytes=1000)
        link = bench.welcome()
        bench.subscribed(link, "a")
        bench.say(link, *[Message("a", bytes(500))] * 3)
        self.assertFalse(link.is_reading)
        self.assertLess(bench.core.timers.due_at("watch") - time.monotonic(), 1.1)
        bench.perform()
        bench.core.tick(time.monotonic() + 1.1)
        self.assertEqual(bench.core.actions, [(Action.CHECK, link)])
        self.assertLess(bench.core.timers.due_at("watch") - time.monotonic(), 1.1)

    def test_a_timer_that_is_late_begins_anew(self):
        bench = Bench()
        link = bench.welcome()
        bench.core.publishing.publish("a", b"x", Waiter())
        bench.written(link)
        link.last_read = link.owed_since = time.monotonic() - 60
        bench.core.timers.set("watch", -50)
        bench.core.tick(time.monotonic())
        self.assertEqual(bench.written(link), [])


class Moving(unittest.TestCase):
    def moving(self):
        bench = Bench()
        old = bench.welcome("1")
        bench.subscribed(old, "a")
        bench.say(old, Status(State.STOPPING, publishing=True, receiving=True))
        new = bench.welcome("2")
        fence, = bench.written(old)
        restore, fence_on_new = bench.written(new)
        self.assertEqual((type(restore), restore.channels), (Subscribe, ("a",)))
        bench.say(old, Reply(fence.id, Outcome.OK))
        bench.say(new, Reply(restore.id, Outcome.OK), Reply(fence_on_new.id, Outcome.OK))
        published, = bench.written(new)
        self.assertEqual((type(published), published.channel), (Publish, fence.channels[0]))
        return bench, old, new, published.channel

    def test_messages_come_once_and_in_order_whoever_is_first(self):
        for first_is_old in (True, False):
            with self.subTest(first_is_old=first_is_old):
                bench, old, new, fence = self.moving()
                sides = [(old, [Message("a", b"1"), Message(fence), Message("a", b"2")]),
                         (new, [Message("a", b"1"), Message(fence), Message("a", b"2")])]
                for link, messages in sides if first_is_old else reversed(sides):
                    bench.say(link, *messages)
                bench.say(new, Message("a", b"3"))
                self.assertEqual([m.payload for m in bench.events(Message)], [b"1", b"2", b"3"])
                self.assertTrue(old.shut_when_written)
                self.assertIn(Unsubscribe, map(type, bench.written(new)))
                self.assertIsNone(bench.core.timers.due_at("gap"))

    def test_a_fence_that_does_not_come_is_a_gap(self):
        bench, old, new, _ = self.moving()
        bench.say(new, Message("a", b"1"))
        bench.pass_time("fence")
        self.assertEqual([m.payload for m in bench.events(Message)], [b"1"])
        bench.pass_time("gap")
        self.assertEqual(len(bench.events(Gap)), 1)

    def test_publishes_wait_for_the_end_of_the_old_connection(self):
        bench, old, new, fence = self.moving()
        on_old, waiting = Waiter(), Waiter()
        bench.core.publishing.publish("b", b"1", on_old)
        first, = bench.written(old)
        bench.say(old, Message(fence))
        bench.say(new, Message(fence))
        bench.core.publishing.publish("b", b"2", waiting)
        self.assertNotIn(Publish, map(type, bench.written(new)))
        bench.say(old, Reply(first.id, Outcome.OK, 7))
        self.assertEqual(on_old.result, 7)
        bench.core.ended(old, "the end")
        self.assertEqual([frame.payload for frame in bench.written(new)], [b"2"])


class BrokenRules(unittest.TestCase):
    def test_a_frame_that_is_too_large_is_not_written(self):
        bench = Bench()
        channel, payload = "c" * 100, bytes(5900)  # it fits max_payload_bytes, but not with this channel's name
        sent, waiting = Waiter(), Waiter()
        bench.core.publishing.publish(channel, payload, waiting)
        link = bench.opened[-1]
        bench.written(link)
        bench.say(link, Welcome(1, "0", "1", 5950, UP, 5900, ()))
        with self.assertRaises(Invalid):
            bench.core.publishing.publish(channel, payload, sent)
        with self.assertRaises(Invalid):
            bench.core.publishing.send(channel, payload)
        self.assertIsInstance(waiting.error, Invalid)
        self.assertEqual(bench.written(link), [])

    def test_a_message_before_welcome_ends_the_attempt(self):
        bench = Bench()
        link = bench.welcome()
        bench.subscribed(link, "a")
        bench.core.ended(link, "gone")
        bench.pass_time("attempt")
        bench.events()
        bench.say(bench.opened[-1], Message("a", b"early"))
        self.assertTrue(bench.opened[-1].is_ended)
        self.assertEqual(bench.events(Message), [])

    def test_a_ping_that_is_not_ok_fails(self):
        bench = Bench()
        link = bench.welcome()
        waiter = Waiter()
        bench.core.ping(waiter, False)
        ping, = bench.written(link)
        bench.say(link, Reply(ping.id, Outcome(99)))
        self.assertIsInstance(waiter.error, Unknown)


class Explaining(unittest.TestCase):
    def test_a_socket_that_may_not_be_opened_says_who_asked_and_whose_it_is(self):
        with tempfile.NamedTemporaryFile() as file:
            os.chmod(file.name, 0o640)
            text = _explained(file.name, OSError(errno.EACCES, "Permission denied"))
            self.assertIn(f"{file.name}: Permission denied for uid {os.geteuid()}, groups ", text)
            self.assertIn(f"belongs to {os.geteuid()}:", text)
            self.assertIn("mode 0640", text)

    def test_no_socket_says_the_path(self):
        with self.assertRaises(OSError) as failure:
            connect("/nowhere/relay.sock")
        self.assertIn("/nowhere/relay.sock: No such file", failure.exception.strerror)


class Counting(unittest.TestCase):
    def test_an_unsubscribe_leaves_what_somebody_listens_to(self):
        bench = Bench()
        link = bench.welcome()
        bench.subscribed(link, "a")
        listener = Listener(bench.core.new_queue())
        bench.core.subscribing.listen(listener, ["a"], (), Waiter())
        self.assertEqual(bench.written(link), [])  # the relay has been asked
        bench.core.subscribing.unsubscribe(["a"], (), Waiter())
        self.assertEqual(bench.written(link), [])
        bench.say(link, Message("a", b"x"))
        self.assertEqual(bench.events(Message), [])
        self.assertEqual(listener.queue.take(), Message("a", b"x"))
        bench.core.subscribing.unlisten(listener)
        self.assertEqual([type(frame) for frame in bench.written(link)], [Unsubscribe])

    def test_one_who_joins_a_subscribe_that_is_refused_asks_alone(self):
        bench = Bench()
        link = bench.welcome()
        one, other = Waiter(), Waiter()
        bench.core.subscribing.listen(Listener(bench.core.new_queue()), ["a", "bad"], (), one)
        bench.core.subscribing.listen(Listener(bench.core.new_queue()), ["a"], (), other)
        both, = bench.written(link)
        bench.say(link, Reply(both.id, Outcome.REFUSED, channels=("bad",)))
        self.assertEqual(one.error.channels, ("bad",))
        again = [frame for frame in bench.written(link) if isinstance(frame, Subscribe)]
        self.assertEqual([frame.channels for frame in again], [("a",)])
        bench.say(link, Reply(again[0].id, Outcome.OK))
        self.assertEqual(other.result, Outcome.OK)


if __name__ == "__main__":
    unittest.main()
