"""A queue of events is bounded in bytes, and a Loss stands in the place of what did not fit."""
import unittest

from hubrelay import Cause, Counters, Gap, Loss, Message, State, Status
from hubrelay.queues import MAX_NOTICES, EventQueue


def queue(limit=1000, total=10_000, counters=None):
    return EventQueue(limit, total, counters or Counters())


def taken(queue):
    return list(iter(queue.take, None))


class Bounds(unittest.TestCase):
    def test_what_does_not_fit_is_a_loss_in_its_place_and_a_gap(self):
        events = queue(limit=350)
        for number in range(5):
            events.put_message(Message("a", b"%d" % number))
        self.assertEqual(events.take(), Message("a", b"0"))
        events.put_message(Message("a", b"5"))
        first, second, loss, gap, last = taken(events)
        self.assertEqual((first.payload, second.payload, last.payload), (b"1", b"2", b"5"))
        self.assertEqual((loss.messages, loss.cause, loss.local), (2, Cause.SLOW_READER, True))
        self.assertIsInstance(gap, Gap)

    def test_a_loss_at_the_end_is_told_when_all_before_it_is_taken(self):
        events = queue(limit=150)
        events.put_message(Message("a", b"1"))
        events.put_message(Message("a", b"2"))
        self.assertEqual([type(event) for event in taken(events)], [Message, Loss, Gap])

    def test_an_empty_queue_takes_any_one_message(self):
        events = queue(limit=10)
        self.assertTrue(events.put_message(Message("a", bytes(5000))))
        self.assertFalse(events.put_message(Message("a", b"")))

    def test_all_queues_together_are_bounded(self):
        counters = Counters()
        one, other = queue(total=400, counters=counters), queue(total=400, counters=counters)
        for _ in range(3):
            one.put_message(Message("a", b"x"))
        other.put_message(Message("a", b"x"))
        self.assertFalse(other.put_message(Message("a", b"x")))
        taken(one), taken(other)
        self.assertEqual(counters.queued_bytes, 0)
        self.assertTrue(other.put_message(Message("a", b"x")))

    def test_of_untaken_status_and_gap_the_newest_are_kept(self):
        events = queue()
        events.put(Loss(messages=1))
        for number in range(MAX_NOTICES + 10):
            events.put(Status(State.UP, gaps=number))
        found = taken(events)
        self.assertEqual(found[0], Loss(messages=1))
        self.assertEqual(found[-1].gaps, MAX_NOTICES + 9)
        self.assertEqual(len(found), MAX_NOTICES)
        self.assertEqual(events.bytes, 0)

    def test_losses_with_nothing_between_them_are_one(self):
        events = queue()
        events.put(Loss(publishes=1, cause=Cause.INVALID))
        events.put(Loss(publishes=2, cause=Cause.INVALID))
        events.put(Loss(publishes=4, cause=Cause.REFUSED))
        self.assertEqual([event.publishes for event in taken(events)], [3, 4])

    def test_the_pattern_of_a_message_counts(self):
        events = queue()
        events.put_message(Message("a", b"x", "p" * 500))
        self.assertGreater(events.bytes, 500)
        events.remove_messages(set(), {"p" * 500})
        self.assertEqual(events.bytes, 0)

    def test_messages_of_a_name_are_removed(self):
        events = queue()
        for message in (Message("a", b"1"), Message("b", b"2"), Message("a", b"3", "a*"), Message("a", b"4")):
            events.put_message(message)
        events.remove_messages({"a"}, set())
        self.assertEqual([event.payload for event in taken(events)], [b"2", b"3"])
        self.assertEqual(events.bytes, 0)


if __name__ == "__main__":
    unittest.main()
