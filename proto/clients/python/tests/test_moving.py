"""What goes wrong while messages move to the next relay: it is told, in its place, and once."""
import unittest

from hubrelay import Cause, Gap, Loss, Message, Outcome, Revoked, State, Status
from hubrelay.frames import Publish, Reply, Subscribe
from hubrelay.listening import Listener

from .test_core import Bench, Waiter

STOPPING = Status(State.STOPPING, publishing=True, receiving=True)


class Moving(unittest.TestCase):
    def setUp(self):
        self.bench = Bench()
        self.old = self.bench.welcome("1")
        self.bench.subscribed(self.old, "a")
        self.bench.say(self.old, STOPPING)
        self.new = self.bench.welcome("2")
        self.bench.events()

    def fence(self):
        """The channel of the fence; the next relay has answered, and the message on the fence has been published."""
        fence, = self.bench.written(self.old)
        restore, fence_on_new = self.bench.written(self.new)
        self.bench.say(self.old, Reply(fence.id, Outcome.OK))
        self.bench.say(self.new, Reply(restore.id, Outcome.OK), Reply(fence_on_new.id, Outcome.OK))
        self.assertEqual([type(frame) for frame in self.bench.written(self.new)], [Publish])
        return fence.channels[0]

    def told(self):
        if self.bench.core.timers.due_at("gap") is not None:
            self.bench.pass_time("gap")
        return [event for event in self.bench.events() if not isinstance(event, Status)]

    def test_a_loss_on_the_next_connection_is_told_in_its_place(self):
        fence = self.fence()
        self.bench.say(self.new, Message("a", b"before"), Loss(messages=1), Message(fence), Message("a", b"1"),
                       Loss(messages=3, publishes=2), Message("a", b"2"))
        self.assertEqual(self.told(), [Loss(publishes=2)])
        self.bench.say(self.old, Message("a", b"before"), Message(fence))
        before, first, loss, gap, second = self.told()
        self.assertEqual([event.payload for event in (before, first, second)], [b"before", b"1", b"2"])
        self.assertEqual((loss.messages, loss.publishes, type(gap)), (3, 0, Gap))
        self.assertEqual(self.bench.core.counters.lost_messages, 3)

    def test_what_the_next_relay_revokes_is_asked_for_again_and_then_told(self):
        fence = self.fence()
        self.bench.say(self.new, Revoked(("a",), (), "NOPERM"), Message(fence))
        self.bench.say(self.old, Message(fence))
        again, = [frame for frame in self.bench.written(self.new) if isinstance(frame, Subscribe)]
        self.assertEqual(again.channels, ("a",))
        self.assertEqual(self.told(), [])  # the Gap is due once it is answered
        self.bench.say(self.new, Reply(again.id, Outcome.REFUSED, detail="NOPERM", channels=("a",)))
        self.assertEqual(self.told(), [Revoked(("a",), (), "NOPERM")])
        self.assertFalse(self.bench.core.names.holds_any)

    def test_a_successor_that_dies_before_its_reply_leaves_the_old_one_alone(self):
        for features in (("settled", "fence"), ("settled",)):
            with self.subTest(features=features):
                bench = Bench()
                old = bench.welcome("1", features=features)
                bench.subscribed(old, "a")
                bench.say(old, STOPPING)
                new = bench.welcome("2", features=features)
                bench.written(old), bench.written(new)
                bench.core.ended(new, "died")
                self.assertIs(bench.core.link, old)
                self.assertFalse(old.shut_when_written)
                bench.core.publishing.publish("b", b"x", Waiter())
                self.assertIn(Publish, map(type, bench.written(old)))

    def test_a_successor_that_stops_before_it_serves_leaves_the_old_one_alone(self):
        self.bench.written(self.new)
        self.bench.say(self.new, STOPPING)
        self.assertTrue(self.new.is_ended)
        self.assertIs(self.bench.core.serving, self.old)
        self.assertFalse(self.old.shut_when_written)
        self.assertEqual(self.told(), [])
        self.assertEqual(self.bench.core.status.state, State.STOPPING)
        self.bench.pass_time("attempt")
        third = self.bench.welcome("3")
        self.assertIs(self.bench.core.move.new, third)

    def test_the_old_relays_own_last_word_holds_again_when_its_successor_ends(self):
        word = Status(State.STOPPING, "going", publishing=False, receiving=True, cause=Cause.STOPPING)
        self.bench.say(self.old, word)
        self.bench.say(self.new, Status(State.DOWN, "no Redis"))
        self.bench.events()
        self.bench.core.ended(self.new, "died")
        told = self.bench.events(Status)[-1]
        self.assertEqual((told.reason, told.publishing, told.receiving), ("going", False, True))

    def test_a_successor_that_stops_is_not_told(self):
        self.bench.say(self.new, Status(State.STOPPING, "of the successor", publishing=True, receiving=True))
        self.assertNotIn("of the successor", [event.reason for event in self.bench.events(Status)])

    def test_up_is_not_told_at_the_end_of_a_connection_that_answered_no_restore(self):
        self.bench.core.ended(self.new, "died")
        self.bench.core.ended(self.old, "stopped")
        self.bench.events()
        self.bench.pass_time("attempt")
        third = self.bench.welcome("3")
        self.bench.core.ended(third, "died, too")
        self.assertEqual([event.state for event in self.bench.events(Status)], [State.DOWN])

    def test_a_successor_that_dies_behind_the_old_ones_fence_is_a_gap(self):
        fence = self.fence()
        self.bench.say(self.old, Message("a", b"1"), Message(fence), Message("a", b"missed"))
        self.bench.core.ended(self.new, "died")
        self.bench.say(self.old, Message("a", b"2"))
        first, second, gap = self.told()
        self.assertEqual((first.payload, second.payload, type(gap)), (b"1", b"2", Gap))

    def test_a_gap_of_a_move_that_ended_early_awaits_the_next_relays_replies(self):
        restore, _ = self.bench.written(self.new)
        self.bench.core.ended(self.old, "gone")
        self.assertEqual(self.told(), [])
        self.bench.say(self.new, Reply(restore.id, Outcome.OK))
        self.assertEqual([type(event) for event in self.told()], [Gap])


class Ending(unittest.TestCase):
    def test_close_is_not_told_as_a_loss_of_the_relay(self):
        bench = Bench()
        bench.welcome()
        bench.events()
        bench.core.close(None, Waiter())
        self.assertEqual(bench.events(), [])
        self.assertEqual((bench.core.status.state, bench.core.status.connected), (State.DOWN, False))

    def test_publishes_without_reply_are_one_loss(self):
        bench = Bench()
        link = bench.welcome()
        for _ in range(2):
            bench.core.publishing.send("a", b"x")
        link.wrote(len(link.to_write()) // 2)  # the first one is written whole
        bench.events()
        bench.core.ended(link, "gone")
        loss, = bench.events(Loss)
        self.assertEqual((loss.publishes, loss.publishes_unknown, loss.cause, loss.local),
                         (1, 1, Cause.NO_RELAY, True))

    def listener(self, bench, link, channel="a"):
        listener = Listener(bench.core.new_queue())
        bench.core.subscribing.listen(listener, [channel], (), Waiter())
        for frame in bench.written(link):
            bench.say(link, Reply(frame.id, Outcome.OK))
        return listener

    def test_closing_what_was_revoked_gives_its_bytes_back(self):
        bench = Bench()
        link = bench.welcome()
        listener = self.listener(bench, link)
        bench.say(link, Message("a", b"x"), Revoked(("a",), (), "NOPERM"))
        self.assertEqual(len(listener.queue), 2)  # it may still be read
        bench.events()
        self.assertGreater(bench.core.counters.queued_bytes, 0)
        bench.core.subscribing.unlisten(listener)
        self.assertEqual(bench.core.counters.queued_bytes, 0)

    def test_names_that_were_refused_are_forgotten(self):
        bench = Bench()
        link = bench.welcome()
        waiter = Waiter()
        bench.core.subscribing.subscribe(["a"], ["b*"], waiter)
        subscribe, = bench.written(link)
        bench.say(link, Reply(subscribe.id, Outcome.REFUSED, channels=("a",)))
        self.assertIsNotNone(waiter.error)
        self.assertEqual(list(bench.core.names), [])

    def test_in_a_child_subscriptions_of_the_parent_are_closed(self):
        bench = Bench()
        listener = self.listener(bench, bench.welcome())
        bench.core.abandoned()
        self.assertTrue(listener.is_closed)
        self.assertTrue(listener.queue.is_ended)


if __name__ == "__main__":
    unittest.main()
