"""The soak's ledger sees what it is there to see: each history here has one fault, and one beside it has none."""
import unittest

from wire import Cause, Loss, Message, Outcome, Reply, Revoked, State, Status
from soak.ledger import Ledger

UP = Status(State.UP, publishing=True, receiving=True)
DOWN = Status(State.DOWN, outages=1, gaps=1)
UP_AGAIN = Status(State.UP, publishing=True, receiving=True, outages=1, gaps=1)


class LedgerTest(unittest.TestCase):
    def setUp(self):
        self.ledger = Ledger()
        self.writer, self.reader = self.ledger.open("writer", UP), self.ledger.open("reader", UP)
        self.reader.subscribe(1, ["a"])
        self.reader.take(Reply(1, Outcome.OK))
        self.last_id = 100

    def publish(self, outcome=Outcome.OK, *, channel="a", writer=None):
        """Publishes and answers; returns the message as a reader of the channel gets it."""
        writer, self.last_id = writer or self.writer, self.last_id + 1
        payload = writer.publish(channel, 10, self.last_id)
        if outcome:
            writer.take(Reply(self.last_id, outcome))
        return Message(channel, payload)

    def deliver(self, *messages):
        for message in messages:
            self.reader.take(message)

    def evidence(self):
        """A message after which everything known so far is due."""
        self.deliver(self.publish())
        self.ledger.settle()

    def assertBalances(self):
        self.evidence()
        self.reader.close()
        self.assertEqual(self.ledger.violations, [])

    def assertSeen(self, text):
        self.ledger.settle()
        self.assertEqual(len(self.ledger.violations), 1, self.ledger.violations)
        self.assertIn(text, self.ledger.violations[0])


class Messages(LedgerTest):
    def test_all_delivered(self):
        for _ in range(10):
            self.deliver(self.publish())
        self.assertBalances()
        self.assertEqual(self.writer.streams["a"].records, {})

    def test_one_not_delivered(self):
        self.publish()
        self.evidence()
        self.assertSeen("1 messages missing and 0 told as lost")

    def test_one_not_delivered_of_another_publisher(self):
        other = self.ledger.open("other", UP)
        self.publish(writer=other)
        self.evidence()
        self.assertSeen("1 messages missing and 0 told as lost")

    def test_one_without_evidence_yet_is_not_due(self):
        self.publish()
        self.ledger.settle()
        self.assertEqual(self.ledger.violations, [])

    def test_one_that_was_taken_after_the_evidence_was_sent_is_not_due(self):
        evidence = self.publish(None, writer=self.ledger.open("other", UP))
        self.publish()
        self.deliver(evidence)
        self.ledger.settle()
        self.assertEqual(self.ledger.violations, [])

    def test_one_twice(self):
        message = self.publish()
        self.deliver(message, message)
        self.assertSeen("twice")

    def test_one_twice_by_way_of_a_former_master(self):
        self.ledger.pubsub = "sharded"
        message = self.publish()
        self.ledger.begin_move(replaces=True)
        self.deliver(message, message)
        self.assertEqual(self.ledger.violations, [])
        self.assertEqual(self.ledger.counts["late or twice, by way of a former master"], 1)
        self.ledger.end_move()
        self.ledger.begin_move()
        self.deliver(message)
        self.assertSeen("twice")

    def test_one_twice_long_after(self):
        message = self.publish()
        self.deliver(message)
        self.evidence()
        self.evidence()
        self.deliver(message)
        self.assertSeen("twice")

    def test_by_a_channel_and_a_pattern_is_once_for_each(self):
        self.reader.subscribe(2, [], ["a*"])
        self.reader.take(Reply(2, Outcome.OK))
        message = self.publish()
        self.deliver(message, Message(message.channel, message.payload, "a*"))
        evidence = self.publish()
        self.deliver(evidence, Message(evidence.channel, evidence.payload, "a*"))
        self.ledger.settle()
        self.assertEqual(self.ledger.violations, [])
        self.publish()
        evidence = self.publish()
        self.deliver(evidence)
        self.ledger.settle()
        self.assertIn("missing", self.ledger.violations[0])

    def test_out_of_order(self):
        first, second = self.publish(), self.publish()
        self.deliver(second, first)
        self.assertSeen("out of order")

    def test_out_of_order_and_answered_later(self):
        first, second = self.publish(None), self.publish(None)
        self.deliver(second, first)
        self.assertEqual(self.ledger.violations, [])
        self.writer.take(Reply(self.last_id - 1, Outcome.OK))
        self.assertSeen("OK for a publish that was delivered after a later one")

    def test_never_sent(self):
        self.deliver(Message("a", b"0:7:0:"))
        self.assertSeen("never sent")

    def test_damaged(self):
        message = self.publish()
        self.deliver(Message("a", message.payload[:-1]))
        self.assertSeen("never sent")

    def test_on_another_channel(self):
        message = self.publish(channel="b")
        self.deliver(Message("a", message.payload))
        self.assertSeen("never sent")

    def test_not_subscribed(self):
        self.deliver(self.publish(channel="b"))
        self.assertSeen("does not hold")

    def test_after_the_reply_to_unsubscribe(self):
        self.reader.unsubscribe(2, ["a"])
        self.deliver(self.publish())
        self.assertEqual(self.ledger.violations, [])
        self.reader.take(Reply(2, Outcome.OK))
        self.deliver(self.publish())
        self.assertSeen("does not hold")

    def test_before_the_reply_to_subscribe(self):
        self.reader.subscribe(2, ["b"])
        self.deliver(self.publish(channel="b"))
        self.assertSeen("does not hold")


class Losses(LedgerTest):
    def test_counted_exactly(self):
        self.publish()
        self.publish()
        self.reader.take(Loss(messages=2, cause=Cause.SLOW_READER))
        self.assertBalances()

    def test_one_too_few(self):
        self.publish()
        self.publish()
        self.reader.take(Loss(messages=1, cause=Cause.SLOW_READER))
        self.evidence()
        self.assertSeen("2 messages missing and 1 told as lost")

    def test_one_too_many(self):
        self.publish()
        self.reader.take(Loss(messages=2, cause=Cause.SLOW_READER))
        self.evidence()
        self.reader.close()
        self.assertSeen("2 messages told as lost, and at most 1 did not come")

    def test_one_that_came(self):
        self.deliver(self.publish())
        self.reader.take(Loss(messages=1, cause=Cause.SLOW_READER))
        self.evidence()
        self.reader.take(DOWN)
        self.assertSeen("1 messages told as lost, and at most 0 did not come")


class Outages(LedgerTest):
    def test_what_is_sent_in_a_gap_is_not_due(self):
        self.reader.take(DOWN)
        self.publish()
        self.reader.take(UP_AGAIN)
        self.assertBalances()

    def test_what_is_sent_after_it_is(self):
        self.reader.take(DOWN)
        self.reader.take(UP_AGAIN)
        self.publish()
        self.evidence()
        self.assertSeen("1 messages missing")

    def test_what_had_to_be_there_before_it_is(self):
        self.publish()
        self.deliver(self.publish())
        self.reader.take(DOWN)
        self.assertSeen("1 messages missing")

    def test_a_pending_subscription_is_in_force_with_the_next_up(self):
        self.reader.take(DOWN)
        self.reader.subscribe(2, ["b"])
        self.reader.take(Reply(2, Outcome.PENDING))
        self.reader.take(UP_AGAIN)
        self.publish(channel="b")
        self.evidence()
        self.assertSeen("1 messages missing")

    def test_a_gap_untold(self):
        self.reader.take(Status(State.UP, publishing=True, receiving=True, gaps=1))
        self.assertSeen("gaps went from 0 to 1")

    def test_a_gap_invented(self):
        self.reader.take(Status(State.DEGRADED, receiving=True, gaps=1, outages=1))
        self.assertSeen("gaps went from 0 to 1")

    def test_an_outage_not_counted(self):
        self.reader.take(Status(State.DOWN, gaps=1))
        self.assertSeen("outages went from 0 to 0")

    def test_a_state_that_contradicts_itself(self):
        self.reader.take(Status(State.UP, receiving=True))
        self.assertSeen("UP with publishing False")

    def test_ok_while_down(self):
        self.publish(None)
        self.writer.take(DOWN)
        self.writer.take(Reply(self.last_id, Outcome.OK))
        self.assertSeen("OK for a publish although")

    def test_a_subscription_ok_while_down(self):
        self.reader.take(DOWN)
        self.reader.subscribe(2, ["b"])
        self.reader.take(Reply(2, Outcome.OK))
        self.assertSeen("OK for a Subscribe although")

    def test_a_failure_without_a_status(self):
        self.publish(Outcome.INTERRUPTED)
        self.publish()
        self.assertSeen("no Status between them")

    def test_revoked_without_a_reason(self):
        self.reader.take(Revoked(("a",)))
        self.assertSeen("Revoked without a reason")

    def test_revoked_for_a_reason(self):
        self.ledger.excuses.add("NOPERM")
        self.reader.take(Revoked(("a",), detail="NOPERM no"))
        self.publish()
        self.assertEqual(self.ledger.violations, [])
        self.deliver(self.publish())
        self.assertSeen("does not hold")


class Publishes(LedgerTest):
    def failed(self, outcome):
        message = self.publish(outcome)
        self.writer.take(DOWN)
        return message

    def test_not_connected_and_delivered(self):
        self.deliver(self.failed(Outcome.NOT_CONNECTED))
        self.assertSeen("NOT_CONNECTED, and yet delivered")

    def test_delivered_and_not_connected(self):
        message = self.publish(None)
        self.deliver(message)
        self.writer.take(Reply(self.last_id, Outcome.NOT_CONNECTED))
        self.assertSeen("NOT_CONNECTED for a message that was delivered")

    def test_interrupted_and_delivered_is_counted(self):
        self.deliver(self.failed(Outcome.INTERRUPTED))
        self.assertEqual(self.ledger.violations, [])
        self.assertEqual(self.ledger.counts["INTERRUPTED and yet delivered"], 1)

    def test_interrupted_and_delivered_twice(self):
        message = self.failed(Outcome.INTERRUPTED)
        self.deliver(message, message)
        self.assertSeen("twice")

    def test_interrupted_and_delivered_to_one_only(self):
        """What one reader has, Redis has taken; so everyone else must have it."""
        other = self.ledger.open("other reader", UP)
        other.subscribe(1, ["a"])
        other.take(Reply(1, Outcome.OK))
        other.take(self.failed(Outcome.INTERRUPTED))
        self.writer.take(UP_AGAIN)
        self.evidence()
        self.assertSeen("1 messages missing")

    def test_a_reply_twice(self):
        self.publish()
        self.writer.take(Reply(self.last_id, Outcome.OK))
        self.assertSeen("a Reply twice")

    def test_a_reply_missing(self):
        self.publish(None)
        self.writer.close(is_complete=True)
        self.assertSeen("1 replies missing")

    def test_a_reply_missing_of_a_connection_that_was_cut(self):
        self.publish(None)
        self.writer.close()
        self.ledger.settle()
        self.assertEqual(self.ledger.violations, [])

    def test_refused_without_a_reason(self):
        self.publish(Outcome.REFUSED)
        self.assertSeen("REFUSED for a good publish")


class PublishesWithoutId(LedgerTest):
    def send(self):
        return Message("a", self.writer.publish("a", 10, 0))

    def test_all_delivered(self):
        self.deliver(self.send(), self.send(), self.publish())
        self.assertBalances()
        self.writer.close(is_complete=True)
        self.assertEqual(self.ledger.violations, [])

    def test_one_vanished(self):
        self.send()
        self.deliver(self.publish())
        self.evidence()
        self.writer.close(is_complete=True)
        self.assertSeen("1 publishes without an id did not arrive where they should, and 0 told as lost")

    def test_one_told_as_lost(self):
        self.send()
        self.writer.take(Loss(publishes=1, cause=Cause.NOT_CONNECTED))
        self.deliver(self.publish())
        self.evidence()
        self.writer.close(is_complete=True)
        self.assertEqual(self.ledger.violations, [])

    def test_one_told_as_lost_and_delivered(self):
        self.deliver(self.send())
        self.writer.take(Loss(publishes=1, cause=Cause.NOT_CONNECTED))
        self.evidence()
        self.writer.close(is_complete=True)
        self.assertSeen("1 publishes told as certainly lost, and only 0 did not arrive")

    def test_one_told_as_unknown_and_delivered(self):
        self.deliver(self.send())
        self.writer.take(Loss(publishes_unknown=1, cause=Cause.CLOSED))
        self.evidence()
        self.writer.close(is_complete=True)
        self.assertEqual(self.ledger.violations, [])

    def test_more_told_than_sent(self):
        self.writer.take(Loss(publishes=1, cause=Cause.NOT_CONNECTED))
        self.assertSeen("publishes told as lost, and only 0 sent")

    def test_one_that_only_some_got(self):
        other = self.ledger.open("other reader", UP)
        other.subscribe(1, ["a"])
        other.take(Reply(1, Outcome.OK))
        other.take(self.send())
        self.evidence()
        self.assertSeen("1 messages missing")


class Latecomers(LedgerTest):
    """Redis takes a message after its publisher has gone."""

    def late(self):
        gone = self.ledger.open("gone", UP)
        message = self.publish(None, writer=gone)
        gone.close()
        return message

    def others(self):
        other = self.ledger.open("other", UP)
        other.subscribe(1, ["a"])
        other.take(Reply(1, Outcome.OK))
        return other

    def test_who_has_not_got_it_yet_may_still_get_it(self):
        other = self.others()
        message, before = self.late(), self.publish()
        self.deliver(before)
        other.take(before)
        other.take(message)
        self.ledger.settle()
        self.deliver(message)
        self.evidence()
        self.assertEqual(self.ledger.violations, [])

    def test_who_gets_what_comes_after_it_has_missed_it(self):
        other = self.others()
        other.take(self.late())
        self.evidence()
        self.assertSeen("1 messages missing and 0 told as lost")



class Failovers(LedgerTest):
    """Two relays may be at different masters for a moment: "writer" is at one, "reader" at the other."""

    def test_what_another_relay_publishes_during_a_move_is_not_due(self):
        self.ledger.begin_move()
        self.publish()
        self.ledger.end_move()
        self.assertBalances()
        self.assertEqual(self.ledger.counts["not due, since a failover was under way"], 1)

    def test_what_was_under_way_when_a_move_began_is_not_due(self):
        self.publish(outcome=None)
        self.ledger.begin_move()
        self.ledger.end_move()
        self.writer.take(Reply(self.last_id, Outcome.OK))
        self.assertBalances()

    def test_what_the_own_relay_publishes_during_a_move_is_due(self):
        writer = self.ledger.open("reader/too", UP)
        self.reader.relay = "reader"
        self.ledger.begin_move()
        self.publish(writer=writer)
        self.ledger.end_move()
        self.evidence()
        self.assertSeen("1 messages missing and 0 told as lost")

    def test_what_is_published_after_a_move_is_due(self):
        self.ledger.begin_move()
        self.ledger.end_move()
        self.publish()
        self.evidence()
        self.assertSeen("1 messages missing and 0 told as lost")

    def test_what_was_answered_before_a_move_is_due(self):
        self.publish()
        self.ledger.begin_move()
        self.evidence()
        self.assertSeen("1 messages missing and 0 told as lost")

    def test_what_comes_twice_during_a_move_is_seen(self):
        self.ledger.begin_move()
        message = self.publish()
        self.deliver(message, message)
        self.assertSeen("twice")

    def test_without_an_id_nothing_is_missed_during_a_move(self):
        self.ledger.begin_move()
        self.writer.publish("a", 10, 0)
        self.publish()
        self.evidence()
        self.writer.close(is_complete=True)
        self.assertEqual(self.ledger.violations, [])


class ClusterTest(LedgerTest):
    pubsub = "sharded"

    def setUp(self):
        super().setUp()
        self.ledger.pubsub = self.pubsub

    def status(self, state, publishing, receiving, gaps, outages=1):
        return Status(state, publishing=publishing, receiving=receiving, gaps=gaps, outages=outages)


class Sharded(ClusterTest):
    """Each channel is at a node of its own."""

    def hold(self, channel):
        self.reader.subscribe(2, [channel])
        self.reader.take(Reply(2, Outcome.OK))

    def test_one_not_delivered(self):
        self.publish()
        self.evidence()
        self.assertSeen("1 messages missing and 0 told as lost")

    def test_what_comes_on_another_channel_is_no_evidence(self):
        self.hold("b")
        self.publish(channel="b")
        self.evidence()
        self.assertEqual(self.ledger.violations, [])
        self.deliver(self.publish(channel="b"))
        self.assertSeen("1 messages missing and 0 told as lost")

    def test_answers_of_two_channels_overtake_each_other(self):
        first = Message("a", self.writer.publish("a", 10, 0))
        self.hold("b")
        self.deliver(self.publish(channel="b"))  # answered by another node, so it says nothing of the first
        self.assertIsNone(self.writer.streams["a"].records[0].known)
        self.deliver(first)
        self.assertBalances()

    def test_what_was_missed_before_a_gap_is_told_by_it(self):
        self.publish()
        self.reader.take(self.status(State.DEGRADED, False, False, 1))
        self.publish()
        self.reader.take(self.status(State.UP, True, True, 1))
        self.assertBalances()

    def test_a_gap_while_another_part_is_away(self):
        self.reader.take(self.status(State.DEGRADED, False, False, 1))
        self.reader.take(self.status(State.DEGRADED, False, False, 2))
        self.reader.take(self.status(State.UP, True, True, 2))
        self.publish()
        self.evidence()
        self.assertSeen("1 messages missing")

    def test_a_gap_that_is_over_when_it_is_told(self):
        self.publish()
        self.reader.take(self.status(State.UP, True, True, 1, outages=0))
        self.assertBalances()

    def test_after_a_gap_that_is_over_when_it_is_told(self):
        self.reader.take(self.status(State.UP, True, True, 1, outages=0))
        self.publish()
        self.evidence()
        self.assertSeen("1 messages missing")

    def test_a_gap_not_counted(self):
        self.publish()
        self.reader.take(self.status(State.DEGRADED, True, False, 0))
        self.reader.take(self.status(State.UP, True, True, 0))
        self.evidence()
        self.assertSeen("1 messages missing")

    def test_no_gap_where_a_new_name_is_waited_for(self):
        self.reader.subscribe(2, ["b"])
        self.reader.take(self.status(State.DEGRADED, True, False, 0))
        self.reader.take(Reply(2, Outcome.PENDING))
        self.publish(channel="b")
        self.deliver(self.publish())
        self.reader.take(self.status(State.UP, True, True, 0))
        self.deliver(self.publish(channel="b"))
        self.assertBalances()

    def test_what_is_held_is_due_while_only_a_new_name_is_waited_for(self):
        self.reader.take(self.status(State.DEGRADED, True, False, 0))
        self.publish()
        self.evidence()
        self.assertSeen("1 messages missing")

    def test_a_new_name_is_due_once_the_relay_receives(self):
        self.reader.subscribe(2, ["b"])
        self.reader.take(self.status(State.DEGRADED, True, False, 0))
        self.reader.take(Reply(2, Outcome.PENDING))
        self.reader.take(self.status(State.UP, True, True, 0))
        self.publish(channel="b")
        self.deliver(self.publish(channel="b"))
        self.assertSeen("1 messages missing")

    def test_gaps_that_shrink(self):
        self.reader.take(self.status(State.DEGRADED, True, False, 2))
        self.reader.take(self.status(State.UP, True, True, 1))
        self.assertSeen("gaps went from 2 to 1")

    def test_the_rest_is_served_while_a_part_is_away(self):
        for each in (self.writer, self.reader):
            each.take(self.status(State.DEGRADED, False, False, 1))
        self.hold("b")
        self.publish(Outcome.NOT_CONNECTED)
        self.deliver(self.publish(channel="b"))
        for each in (self.writer, self.reader):
            each.take(self.status(State.UP, True, True, 1))
        self.assertBalances()

    def test_nothing_is_served_while_all_is_away(self):
        self.publish(None)
        self.writer.take(self.status(State.DOWN, False, False, 1))
        self.writer.take(Reply(self.last_id, Outcome.OK))
        self.assertSeen("OK for a publish although")

    def test_up_without_a_part(self):
        self.writer.take(self.status(State.UP, False, True, 0, outages=0))
        self.assertSeen("UP with publishing False")

    def test_less_than_up_with_all(self):
        self.writer.take(self.status(State.DEGRADED, True, True, 0))
        self.assertSeen("DEGRADED with publishing True")

    def test_a_pattern_is_invalid(self):
        self.reader.subscribe(2, ["b"], ["c*"])
        self.reader.take(Reply(2, Outcome.INVALID))
        self.assertEqual(self.ledger.violations, [])
        self.assertNotIn(("b", False), self.reader.held)
        self.reader.subscribe(3, [], ["c*"])
        self.reader.take(Reply(3, Outcome.OK))
        self.assertSeen("OK for a Subscribe with patterns")

    def test_moved_is_no_answer_for_an_app(self):
        self.writer.publish("a", 10, 7)
        self.writer.take(Reply(7, Outcome.REFUSED, detail="MOVED 1 127.0.0.1:7000"))
        self.assertSeen("REFUSED for a good publish: MOVED")


class Classic(ClusterTest):
    """Two relays publish at two nodes, and the bus has an order for each."""
    pubsub = "classic"

    def test_what_another_relay_publishes_is_no_evidence(self):
        other = self.ledger.open("other", UP)
        self.publish(writer=other)
        self.evidence()
        self.assertEqual(self.ledger.violations, [])
        self.deliver(self.publish(writer=other))
        self.assertSeen("1 messages missing and 0 told as lost")

    def test_what_the_own_relay_publishes_during_a_move_is_not_due(self):
        self.reader.relay = "writer"
        self.ledger.begin_move()
        self.publish()
        self.ledger.end_move()
        self.assertBalances()


class Calm(LedgerTest):
    def test_a_failure_while_nothing_is_wrong(self):
        self.ledger.begin_calm()
        self.publish(Outcome.NOT_CONNECTED)
        self.assertEqual(self.ledger.end_calm(), ["writer: NOT_CONNECTED, "])

    def test_a_failure_of_what_was_sent_before(self):
        self.publish(None)
        self.ledger.begin_calm()
        self.writer.take(Reply(self.last_id, Outcome.INTERRUPTED))
        self.assertEqual(self.ledger.end_calm(), [])

    def test_a_failure_after_it(self):
        self.ledger.begin_calm()
        self.ledger.end_calm()
        self.publish(Outcome.NOT_CONNECTED)
        self.ledger.begin_calm()
        self.assertEqual(self.ledger.end_calm(), [])


if __name__ == "__main__":
    unittest.main()
