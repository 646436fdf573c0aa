"""The fuzzer's model sees what it is there to see: each history here has one fault, and one beside it has none."""
import itertools
import random
import unittest

from wire import (Cause, Code, Error, Loss, Message, Outcome, Ping, Publish, Reply, State, Status, Subscribe,
                      Unsubscribe, Welcome)
from model.contract import Limits, Model
from model.frames import Frames, judge, varint
from model.names import is_allowed, matches

UP = Status(State.UP, publishing=True, receiving=True)
DOWN = Status(State.DOWN, outages=1, gaps=1)
UP_AGAIN = Status(State.UP, publishing=True, receiving=True, outages=1, gaps=1)
FEATURES = ("patterns", "settled", "fence")
MAX_PAYLOAD, MAX_NAMES = 1000, 5


class ModelTest(unittest.TestCase):
    def setUp(self):
        self.model = Model(Limits(MAX_PAYLOAD, MAX_NAMES))
        self.app, self.reader = self.open("app"), self.open("reader")
        self.ids = itertools.count(1)

    def open(self, name, status=UP):
        connection = self.model.open(name)
        connection.wrote_hello()
        connection.took(Welcome(1, "0", "id", MAX_PAYLOAD + 4096, status, MAX_PAYLOAD, FEATURES))
        return connection

    def ask(self, frame, outcome=Outcome.OK, connection=None, **values):
        connection = connection or self.app
        connection.wrote(frame)
        if outcome:
            connection.took(Reply(frame.id, outcome, **values))

    def subscribe(self, *channels, patterns=(), outcome=Outcome.OK, connection=None):
        self.ask(Subscribe(next(self.ids), channels, patterns), outcome, connection or self.reader)

    def unsubscribe(self, *channels, outcome=Outcome.OK, connection=None):
        self.ask(Unsubscribe(next(self.ids), channels), outcome, connection or self.reader)

    def publish(self, channel="a", outcome=Outcome.OK, taken=True, id=None):
        """Returns the message as a reader gets it."""
        number = next(self.ids)
        frame = Publish(channel, b"%d" % number, number if id is None else id)
        self.app.wrote(frame)
        if taken:
            self.model.records.redis_took(channel.encode(), frame.payload)
        if outcome and frame.id:
            self.app.took(Reply(frame.id, outcome, receivers=1))
        return Message(channel, frame.payload)

    def deliver(self, *messages, pattern=""):
        for message in messages:
            self.reader.took(Message(message.channel, message.payload, pattern))

    def outage(self, *connections):
        self.model.disturb("a test")
        for connection in connections or (self.app, self.reader):
            connection.took(DOWN)

    def end(self):
        for _ in self.model.end_segment():
            pass

    def assertGood(self):
        self.end()
        self.assertEqual((self.model.violations, self.model.alarms), ([], []))

    def assertSeen(self, text, count=1):
        self.end()
        self.assertEqual(len(self.model.violations), count, self.model.violations)
        self.assertIn(text, self.model.violations[0])


class Replies(ModelTest):
    def test_each_request_answered(self):
        self.subscribe("a", patterns=("b*",))
        self.deliver(self.publish())
        self.ask(Ping(next(self.ids)))
        self.unsubscribe("x", connection=self.app)
        self.assertGood()

    def test_one_lost(self):
        self.publish(outcome=None)
        self.assertSeen("1 Replies are owed")

    def test_one_twice(self):
        self.ask(Ping(1))
        self.app.took(Reply(1, Outcome.OK))
        self.assertSeen("a Reply that nobody awaits")

    def test_one_of_another_request(self):
        self.app.wrote(Ping(1))
        self.app.took(Reply(2, Outcome.OK))
        self.assertSeen("a Reply that nobody awaits", 2)

    def test_several_with_the_same_id(self):
        for _ in range(3):
            self.app.wrote(Ping(1))
        for _ in range(3):
            self.app.took(Reply(1, Outcome.OK))
        self.assertGood()

    def test_no_reply_without_id(self):
        self.ask(Ping(0))
        self.assertSeen("a Reply that nobody awaits")

    def test_outcomes_of_wrong_requests(self):
        for frame in (Publish("", b"1", 1), Publish("x" * 513, b"2", 1), Publish("a", bytes(MAX_PAYLOAD + 1), 1),
                      Publish("__hubrelay:probe:1", b"3", 1), Subscribe(1), Subscribe(1, ("a", "")), Ping(1 << 53),
                      Subscribe(1, (), ("__hubrelay:fence:1",)), Unsubscribe(1, ("__hubrelay:fence:",))):
            self.ask(frame, Outcome.INVALID)
        self.assertGood()

    def test_a_wrong_request_granted(self):
        self.ask(Subscribe(1, ("a", "")))
        self.assertSeen("OK for an invalid Subscribe")

    def test_a_good_request_called_invalid(self):
        self.publish("__hubrelay:fence:1", outcome=Outcome.INVALID)
        self.assertIn("INVALID for a valid Publish", self.model.violations[0])

    def test_more_names_than_the_limit(self):
        self.subscribe("1", "2", "3", "4", "5", "5")
        self.subscribe("6", outcome=Outcome.LIMIT)
        self.assertGood()

    def test_granted_beyond_the_limit(self):
        self.subscribe("1", "2", "3", "4", "5")
        self.subscribe("6")
        self.assertSeen("OK for a valid Subscribe")

    def test_limit_too_soon(self):
        self.subscribe("1", "2", "3", "4")
        self.subscribe("4", "5", outcome=Outcome.LIMIT)
        self.assertSeen("LIMIT for a valid Subscribe")


class Order(ModelTest):
    def test_a_ping_overtakes_what_needs_no_redis(self):
        self.app.wrote(Publish("", b"x", 1))
        self.ask(Ping(2))
        self.app.took(Reply(1, Outcome.INVALID))
        self.assertSeen("overtakes")

    def test_a_ping_overtakes_a_publish(self):
        self.app.wrote(Publish("a", b"x", 1))
        self.ask(Ping(2))
        self.model.records.redis_took(b"a", b"x")
        self.app.took(Reply(1, Outcome.OK, receivers=1))
        self.assertGood()

    def test_a_settled_ping_overtakes_a_publish(self):
        self.app.wrote(Publish("a", b"x", 1))
        self.ask(Ping(2, True))
        self.model.records.redis_took(b"a", b"x")
        self.app.took(Reply(1, Outcome.OK, receivers=1))
        self.assertSeen("comes before that to an earlier Publish")

    def test_requests_of_one_name_in_another_order(self):
        self.app.wrote(Subscribe(1, ("a",)))
        self.app.wrote(Unsubscribe(2, ("a",)))
        self.app.took(Reply(2, Outcome.OK))
        self.assertIn("is answered before an earlier Subscribe", self.model.violations[0])

    def test_requests_of_different_names_in_another_order(self):
        self.app.wrote(Subscribe(1, ("a",)))
        self.app.wrote(Unsubscribe(2, ("b",)))
        self.app.took(Reply(2, Outcome.OK))
        self.app.took(Reply(1, Outcome.OK))
        self.assertGood()

    def test_publishes_swapped_on_their_way_to_redis(self):
        for payload in (b"1", b"2"):
            self.app.wrote(Publish("a", payload))
        for payload in (b"2", b"1"):
            self.model.records.redis_took(b"a", payload)
        self.assertSeen("in another order than written")

    def test_messages_swapped(self):
        self.subscribe("a", "b")
        first, second = self.publish("a"), self.publish("b")
        self.deliver(second, first)
        self.assertSeen("in another order than Redis has")


class Messages(ModelTest):
    def test_all_delivered(self):
        self.subscribe("a", patterns=("a*",))
        for _ in range(3):
            message = self.publish()
            self.deliver(message)
            self.deliver(message, pattern="a*")
        self.assertGood()

    def test_one_missing(self):
        self.subscribe("a")
        self.deliver(self.publish())
        self.publish()
        self.deliver(self.publish())
        self.assertSeen("0 told in place of 1 Messages missing by channel 'a'", 2)

    def test_the_last_one_missing(self):
        self.subscribe("a")
        self.publish()
        self.assertSeen("1 Messages are missing, and 0 told as lost")

    def test_one_told_as_lost(self):
        self.subscribe("a")
        self.deliver(self.publish())
        self.publish()
        self.reader.took(Loss(messages=1, cause=Cause.SLOW_READER))
        self.deliver(self.publish())
        self.assertGood()

    def test_a_loss_in_another_place(self):
        self.subscribe("a")
        self.deliver(self.publish())
        self.publish()
        self.deliver(self.publish())
        self.reader.took(Loss(messages=1, cause=Cause.SLOW_READER))
        self.assertSeen("0 told in place of")

    def test_more_told_as_lost_than_missing(self):
        self.subscribe("a")
        self.deliver(self.publish())
        self.reader.took(Loss(messages=1, cause=Cause.SLOW_READER))
        self.assertSeen("1 Messages told as lost, and only 0 to 0 are missing")

    def test_twice(self):
        self.subscribe("a")
        message = self.publish()
        self.deliver(message, message)
        self.assertSeen("a Message twice")

    def test_with_another_payload(self):
        self.subscribe("a")
        self.deliver(Message("a", b"never"))
        self.assertSeen("nobody published")

    def test_by_a_pattern_that_does_not_match(self):
        self.subscribe(patterns=("b*",))
        self.deliver(self.publish(), pattern="b*")
        self.assertSeen("does not match")

    def test_before_the_reply(self):
        self.subscribe("a", outcome=None)
        self.deliver(self.publish())
        self.assertIn("is not subscribed", self.model.violations[0])

    def test_before_the_reply_to_an_unsubscribe(self):
        self.subscribe("a")
        self.reader.wrote(Unsubscribe(50, ("a",)))
        self.deliver(self.publish())
        self.reader.took(Reply(50, Outcome.OK))
        self.assertGood()

    def test_after_the_reply_to_an_unsubscribe(self):
        self.subscribe("a")
        self.unsubscribe("a")
        self.deliver(self.publish())
        self.assertSeen("is not subscribed")

    def test_after_an_unsubscribe_without_id_whose_successor_is_answered(self):
        self.subscribe("a")
        self.reader.wrote(Unsubscribe(0, ("a",)))
        self.deliver(self.publish())
        self.unsubscribe("a")
        self.deliver(self.publish())
        self.assertSeen("is not subscribed")

    def test_by_a_subscribe_without_id(self):
        self.reader.wrote(Subscribe(0, ("a",)))
        self.publish()
        self.deliver(self.publish())
        self.assertGood()

    def test_of_a_publish_that_was_refused(self):
        self.outage(self.app)
        self.model.disturb("a test")
        self.subscribe("a")
        self.deliver(self.publish(outcome=Outcome.NOT_CONNECTED, taken=False))
        self.assertIn("was told as not delivered", self.model.violations[0])

    def test_that_redis_never_sent(self):
        self.subscribe("a")
        self.deliver(self.publish(outcome=None, taken=False))
        self.end()
        self.assertIn("that Redis has not sent", "\n".join(self.model.violations))


class Publishes(ModelTest):
    def test_ok_and_not_taken(self):
        self.publish(taken=False)
        self.assertSeen("OK, and Redis has not got it")

    def test_taken_twice(self):
        message = self.publish()
        self.model.records.redis_took(b"a", message.payload)
        self.assertSeen("Redis took twice")

    def test_taken_and_told_as_not_connected(self):
        self.outage(self.app)
        self.publish(outcome=Outcome.NOT_CONNECTED)
        self.assertIn("NOT_CONNECTED, and Redis took it", self.model.violations[0])

    def test_ok_while_not_publishing(self):
        self.outage(self.app)
        self.publish()
        self.assertSeen("says that it does not publish")

    def test_interrupted_behind_the_status(self):
        self.outage(self.app)
        self.publish(outcome=Outcome.INTERRUPTED)
        self.assertSeen("INTERRUPTED behind the Status")

    def test_interrupted_before_the_status(self):
        self.model.disturb("a test")
        self.publish(outcome=Outcome.INTERRUPTED)
        self.app.took(DOWN)
        self.publish(outcome=Outcome.NOT_CONNECTED, taken=False)
        self.app.took(UP_AGAIN)
        self.publish()
        self.assertGood()

    def test_one_failed_the_next_ok_and_no_status(self):
        self.model.disturb("a test")
        self.publish(outcome=Outcome.INTERRUPTED)
        self.publish()
        self.assertSeen("no Status between them")

    def test_one_failed_and_nothing_was_wrong(self):
        self.publish(outcome=Outcome.INTERRUPTED)
        self.assertEqual(len(self.model.alarms), 1)

    def test_without_id_and_not_taken(self):
        self.publish(id=0, taken=False)
        self.ask(Ping(900, True))
        self.end()
        self.assertIn("nothing was wrong, and Redis has not got it", self.model.violations[0])
        self.assertIn("of 1 publishes without id Redis took 0, told as lost were 0", self.model.violations[1])

    def test_without_id_not_taken_and_told(self):
        self.outage(self.app)
        self.publish(id=0, taken=False)
        self.app.took(Loss(1, cause=Cause.NOT_CONNECTED))
        self.ask(Ping(900, True))
        self.app.took(UP_AGAIN)
        self.assertGood()

    def test_without_id_taken_and_told_as_lost(self):
        self.outage(self.app)
        self.publish(id=0)
        self.app.took(Loss(1, cause=Cause.NOT_CONNECTED))
        self.ask(Ping(900, True))
        self.assertSeen("of 1 publishes without id Redis took 1, told as lost were 1")

    def test_without_id_and_unknown(self):
        self.outage(self.app)
        self.publish(id=0)
        self.app.took(Loss(publishes_unknown=1, cause=Cause.CLOSED))
        self.ask(Ping(900, True))
        self.assertGood()

    def test_more_told_as_lost_than_were_without_id(self):
        self.outage(self.app)
        self.publish(id=0, taken=False)
        self.app.took(Loss(2, cause=Cause.NOT_CONNECTED))
        self.assertSeen("2 publishes told as lost, and only 1 had no id")

    def test_invalid_without_id_not_told_before_a_settled_ping(self):
        self.app.wrote(Publish("", b"x"))
        self.ask(Ping(900, True))
        self.assertSeen("0 publishes without id told as INVALID, and 1 are")


class Outages(ModelTest):
    def test_what_was_published_in_a_gap_is_not_due(self):
        self.subscribe("a")
        self.deliver(self.publish())
        self.outage()
        self.publish(outcome=Outcome.NOT_CONNECTED, taken=False)
        for connection in (self.app, self.reader):
            connection.took(UP_AGAIN)
        self.deliver(self.publish())
        self.assertGood()

    def test_what_was_published_after_a_gap_is_due(self):
        self.subscribe("a")
        self.outage()
        for connection in (self.app, self.reader):
            connection.took(UP_AGAIN)
        self.publish()
        self.assertSeen("1 Messages are missing")

    def test_pending_is_in_force_when_receiving_again(self):
        self.outage()
        self.subscribe("a", outcome=Outcome.PENDING)
        for connection in (self.app, self.reader):
            connection.took(UP_AGAIN)
        self.publish()
        self.assertSeen("1 Messages are missing")

    def test_ok_for_a_subscribe_while_not_receiving(self):
        self.outage()
        self.subscribe("a")
        self.assertSeen("although the relay says that it does not receive")

    def test_gaps_that_shrink(self):
        self.outage(self.app)
        self.app.took(UP)
        self.assertSeen("counts have shrunk")

    def test_a_departure_that_is_not_counted(self):
        self.model.disturb("a test")
        self.app.took(Status(State.DOWN, gaps=1))
        self.assertSeen("left UP, and outages is 0")

    def test_a_status_that_contradicts_itself(self):
        self.model.disturb("a test")
        self.app.took(Status(State.DEGRADED, outages=1, gaps=1))
        self.assertSeen("contradicts itself")

    def test_a_false_alarm(self):
        self.app.took(DOWN)
        self.assertEqual(len(self.model.alarms), 1)


class Ends(ModelTest):
    def test_an_illegal_frame(self):
        self.app.wrote_illegal(Code.MALFORMED)
        self.app.took(Error(Code.MALFORMED))
        self.app.ended()
        self.assertGood()

    def test_another_code(self):
        self.app.wrote_illegal(Code.MALFORMED)
        self.app.took(Error(Code.TIMEOUT))
        self.app.ended()
        self.assertSeen("Error TIMEOUT")

    def test_no_error(self):
        self.app.wrote_illegal(Code.MALFORMED)
        self.app.ended()
        self.assertSeen("closed without the Error MALFORMED")

    def test_a_frame_behind_the_error(self):
        self.app.wrote_illegal(Code.MALFORMED)
        self.app.took(Error(Code.MALFORMED))
        self.app.took(Reply(1, Outcome.OK))
        self.app.ended()
        self.assertSeen("a frame behind an Error")

    def test_a_reply_that_should_come_before_the_error(self):
        self.app.wrote(Ping(1))
        self.app.wrote_illegal(Code.MALFORMED)
        self.app.took(Error(Code.MALFORMED))
        self.app.ended()
        self.assertSeen("an Error before 1 Replies")

    def test_a_frame_behind_the_illegal_one_that_is_carried_out(self):
        self.app.wrote_illegal(Code.MALFORMED)
        self.publish(outcome=None)
        self.app.took(Error(Code.MALFORMED))
        self.app.ended()
        self.assertIn("Redis took what it must not get", self.model.violations[0])

    def test_an_error_for_nothing(self):
        self.app.took(Error(Code.MALFORMED))
        self.app.ended()
        self.assertSeen("Error MALFORMED")

    def test_closed_for_nothing(self):
        self.app.ended()
        self.assertSeen("closed by the relay")

    def test_shut_with_all_answered(self):
        self.publish()
        self.app.shut()
        self.app.ended()
        self.assertGood()

    def test_shut_and_a_reply_owed(self):
        self.publish(outcome=None)
        self.app.shut()
        self.app.ended()
        self.assertSeen("owes 1 Replies")

    def test_closed_in_the_middle_and_not_processed(self):
        self.publish(outcome=None, taken=False)
        self.app.aborted()
        self.assertSeen("nothing was wrong, and Redis has not got it")

    def test_no_hello(self):
        connection = self.model.open("new")
        connection.took(Welcome(1))
        self.assertSeen("the first frame is Welcome", 1)


class Words(unittest.TestCase):
    def test_patterns(self):
        good = [("*", "a"), ("a*", "a"), ("a?c", "abc"), ("[a-c]", "b"), ("[^a-c]", "d"), ("a\\*", "a*"), ("**b", "ab"),
                ("[c-a]", "b"), ("*\n*", "a\nb"), ("?", "\x00")]
        bad = [("a?", "a"), ("[a-c]", "d"), ("[^a-c]", "a"), ("a\\*", "ab"), ("a", "ab"), ("ab", "a"), ("k?se", "käse"),
               ("*", "__hubrelay:fence:1")]
        for pattern, channel in good:
            self.assertTrue(matches(pattern, channel.encode()), (pattern, channel))
        for pattern, channel in bad:
            self.assertFalse(matches(pattern, channel.encode()), (pattern, channel))

    def test_names(self):
        for name, is_pattern, features in (("ü" * 256, False, ()), ("__hubrelay:fence:1", False, ("fence",))):
            self.assertTrue(is_allowed(name, is_pattern, features))
        for name, is_pattern, features in (("", False, ()), ("ü" * 257, False, ()), ("__hubrelay:fence:1", False, ()),
                                           ("__hubrelay:fence:1", True, ("fence",)),
                                           ("__hubrelay:", False, ("fence",))):
            self.assertFalse(is_allowed(name, is_pattern, features))

    def test_varints(self):
        self.assertEqual([varint(300), varint(1, 1), len(varint(1 << 63, 9))], [b"\xac\x02", b"\x81\0", 10])

    def test_every_frame_is_what_it_says(self):
        """The generator's own bytes, by the client's codec."""
        model = Model(Limits(16384, 300))
        connection = model.open("frames")
        connection.features = FEATURES
        frames = Frames(random.Random(7), connection, itertools.count(1))
        for _ in range(3000):
            frame, data = frames.legal()
            self.assertEqual(int.from_bytes(data[:4], "big"), len(data) - 4)
            self.assertEqual(judge(data[4:]), frame)
            self.assertLessEqual(len(data) - 4, model.limits.max_frame)
            code, data = frames.illegal()
            if 0 < int.from_bytes(data[:4], "big") <= model.limits.max_frame:
                self.assertEqual(judge(data[4:]), code)

    def test_the_same_seed_makes_the_same_frames(self):
        def some(seed):
            connection = Model(Limits(16384, 300)).open("frames")
            frames = Frames(random.Random(seed), connection, itertools.count(1))
            return [frames.legal()[1] for _ in range(200)]
        self.assertEqual(some(1), some(1))
        self.assertNotEqual(some(1), some(2))


if __name__ == "__main__":
    unittest.main()
