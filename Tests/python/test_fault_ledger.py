"""The ledger of the real faults: one that balances, and each way in which it does not."""
import pathlib
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "proto" / "conformance"))
from outages import audit, resp  # noqa: E402, the path comes first
from outages.audit import Allows  # noqa: E402
from outages.books import Books, mark_key  # noqa: E402
from outages.plain import key_of, text_of  # noqa: E402

FAULT = Allows(failures=frozenset({"NOT_CONNECTED", "INTERRUPTED"}), losses="any", gap="may")


class Ledger(unittest.TestCase):
    """Ten publishes of w1 (OK), ten sends (SENT) and ten by Redis's protocol, which both workers hear; one a second."""

    def setUp(self):
        self.books = Books(["w1", "w2"])
        for number in range(10):
            for name, kind, result in (("turn", "publish", "OK"), ("tell", "send", "SENT"), ("plain", "plain", "OK")):
                self.issue((name, number), kind, result, len(self.books.published))

    def issue(self, key, kind, result, at):
        publish = self.books.issued(key, "room", kind, "redis" if kind == "plain" else "w1", at, is_ordered=True)
        publish.result = result
        return publish

    def keys(self):
        return list(self.books.published)

    def deliver(self, witness=None, **listeners):
        """Everything, or these keys, comes to the witness and the two workers; then the mark."""
        keys = self.keys()
        mark = mark_key("room", 1)
        self.issue(mark, "plain", "OK", 30)
        for key in (keys if witness is None else witness) + [mark]:
            self.books.witnessed("room", key)
        for name in self.books.listeners:
            for key in listeners.get(name, keys if witness is None else witness) + [mark]:
                self.books.delivered(name, "room", key, 30)

    def account(self, allows=Allows(), may_be_late=False):
        self.books.cut({"room": mark_key("room", 1)})
        return audit.audit(self.books, allows, may_be_late)

    def assert_violation(self, text, allows=Allows()):
        violations = self.account(allows).violations
        self.assertTrue(any(text in each for each in violations), violations)

    def without(self, *keys):
        return [key for key in self.keys() if key not in keys]

    def test_everything_came(self):
        self.deliver()
        account = self.account()
        self.assertEqual(account.violations, [])
        self.assertEqual((account.results, account.published, account.delivered, account.missing),
                         ({"OK": 10}, 31, 62, 0))

    # Publishes

    def test_a_publish_without_a_result(self):
        self.books.find(("turn", 3)).result = None
        self.deliver()
        self.assert_violation("has no result")

    def test_ok_was_not_delivered(self):
        self.deliver(self.without(("turn", 3)))
        self.assert_violation("was not delivered by Redis", FAULT)

    def test_ok_was_not_seen_since_redis_was_killed(self):
        self.books.ended_redis_at.append(9.5)  # number 3 is of second 9
        self.deliver(self.without(("turn", 3)))
        self.assertEqual(self.account(FAULT).violations, [])

    def test_ok_was_not_seen_long_before_redis_was_killed(self):
        self.books.ended_redis_at.append(25)
        self.deliver(self.without(("turn", 3)))
        self.assert_violation("was not delivered by Redis", FAULT)

    def test_not_connected_was_delivered(self):
        for word in ("NOT_CONNECTED", "CONGESTED", "INVALID"):
            with self.subTest(word):
                self.setUp()
                self.books.find(("turn", 3)).result = word
                self.deliver()
                self.assert_violation("was delivered all the same", FAULT)

    def test_interrupted_was_delivered_or_not(self):
        self.books.find(("turn", 3)).result = self.books.find(("turn", 4)).result = "INTERRUPTED"
        self.deliver(self.without(("turn", 3)))
        self.assertEqual(self.account(FAULT).violations, [])

    def test_a_failure_without_a_cause(self):
        self.books.find(("turn", 3)).result = "INTERRUPTED"
        self.deliver()
        self.assert_violation("failed, though nothing has happened")

    def test_a_send_that_is_turned_down_without_a_cause(self):
        self.books.find(("tell", 3)).result = "NOT_CONNECTED"
        self.deliver(self.without(("tell", 3)))
        self.assert_violation("was turned down")

    def test_published_twice(self):
        self.deliver(self.keys() + [("turn", 3)])
        self.assert_violation("was published 2 times", FAULT)

    def test_redis_got_them_out_of_order(self):
        keys = self.without(("turn", 3))
        self.deliver(keys + [("turn", 3)])
        self.assert_violation("came to Redis behind number 9")

    def test_what_is_unknown_may_come_late(self):
        self.books.find(("turn", 3)).result = "INTERRUPTED"
        self.deliver(self.without(("turn", 3), ("tell", 3)) + [("turn", 3), ("tell", 3)])
        self.books.told_loss("w1", unknown=1)
        self.assertEqual(self.account(FAULT).violations, [])

    # Sends

    def test_a_send_that_is_lost_and_in_no_loss(self):
        self.deliver(self.without(("tell", 3), ("tell", 4)))
        self.books.told_loss("w1", unknown=1)
        self.books.told_loss("w2", unknown=1)
        self.assert_violation("2 sends of w1 were not delivered, and Losses count 0 and 1 unknown", FAULT)

    def test_a_send_that_is_lost_and_counted(self):
        self.deliver(self.without(("tell", 3), ("tell", 4)))
        self.books.told_loss("w1", publishes=1, unknown=1)
        self.assertEqual(self.account(FAULT).violations, [])

    def test_a_loss_without_a_cause(self):
        self.deliver()
        self.books.told_loss("w1", unknown=1)
        self.assert_violation("told of 0 lost and 1 unknown sends", Allows(losses="certain"))

    def test_a_loss_that_is_late(self):
        self.deliver()
        self.books.told_loss("w1", unknown=1)
        self.assertEqual(self.account(may_be_late=True).violations, [])

    # Listeners

    def test_a_message_that_is_missing_and_not_told(self):
        self.deliver(w2=self.without(("plain", 3), ("turn", 5)))
        self.assert_violation("w2 missed 2 messages that are before no Gap", FAULT)

    def test_the_untold_are_counted(self):
        self.deliver(w2=self.without(("plain", 3), ("turn", 5)))
        self.books.told_gap("w2", 12, is_partial=False)
        account = self.account(FAULT)
        self.assertEqual((account.missing, account.untold), (2, 1))

    def test_a_message_that_is_missing_before_a_gap(self):
        self.deliver(w2=self.without(("plain", 3)))
        self.books.told_gap("w2", 12, is_partial=False)
        self.assertEqual(self.account(FAULT).violations, [])

    def test_a_gap_before_and_one_that_is_partial_do_not_count(self):
        self.deliver(w2=self.without(("plain", 3)))
        self.books.told_gap("w2", 10, is_partial=False)
        self.books.told_gap("w2", 12, is_partial=True)
        self.books.told_gap("w1", 12, is_partial=False)
        self.assert_violation("w2 missed 1 messages that are before no Gap", FAULT)

    def test_a_message_that_is_missing_and_counted(self):
        self.deliver(w2=self.without(("plain", 3)))
        self.books.told_loss("w2", messages=1)
        self.assertEqual(self.account(Allows(gap="may", is_exact=True)).violations, [])

    def test_where_the_count_has_to_be_exact_a_gap_does_not_do(self):
        for count in (0, 2):
            with self.subTest(count):
                self.setUp()
                self.deliver(w2=self.without(("plain", 3)))
                self.books.told_gap("w2", 12, is_partial=False)
                self.books.told_loss("w2", messages=count)
                self.assert_violation(f"w2 missed 1 messages, and Losses count {count}",
                                      Allows(gap="may", is_exact=True))

    def test_a_gap_without_a_cause(self):
        self.deliver()
        self.books.told_gap("w1", 12, is_partial=False)
        self.assert_violation("w1 was told 1 Gaps")

    def test_a_gap_that_has_to_be_told(self):
        self.deliver()
        self.books.told_gap("w1", 12, is_partial=False)
        self.assert_violation("w2 was told no Gap", Allows(gap="must"))

    def test_delivered_twice(self):
        self.deliver(w1=self.keys() + [("plain", 3)])
        account = self.account(FAULT)
        self.assertEqual((account.violations, account.doubled),
                         (["w1 had plain 3 on room (plain by redis: OK) 2 times"], 1))

    def test_delivered_twice_and_told(self):
        for gaps in (0, 1):
            with self.subTest(gaps):
                self.setUp()
                self.deliver(w1=self.keys() + [("plain", 3)])
                for _ in range(gaps):
                    self.books.told_gap("w1", 40, is_partial=False)
                account = self.account(Allows(gap="may", told_doubles=True))
                self.assertEqual((account.doubled, account.untold, len(account.violations)), (1, 1 - gaps, 1 - gaps))

    def test_delivered_in_another_order(self):
        keys = self.keys()
        keys[3], keys[4] = keys[4], keys[3]
        self.deliver(w1=keys)
        self.assert_violation("behind what Redis delivered later", FAULT)

    def test_delivered_and_never_by_redis(self):
        self.books.find(("turn", 3)).result = "INTERRUPTED"
        self.deliver(self.without(("turn", 3)), w1=self.keys())
        self.assert_violation("and the witness not", FAULT)

    def test_nobody_published_it(self):
        self.books.delivered("w1", "room", ("turn", 99), 5)
        self.books.witnessed("room", None)
        self.deliver()
        violations = self.account(FAULT).violations
        self.assertEqual(len([each for each in violations if "nobody published it" in each]), 2)

    # The next phase

    def test_what_comes_behind_the_mark_is_of_the_next_phase(self):
        late = self.issue(("turn", 10), "publish", "INTERRUPTED", 29)
        self.deliver(self.without(late.key))
        self.books.witnessed("room", late.key)
        self.books.delivered("w1", "room", late.key, 31)
        self.assertEqual(self.account(FAULT).violations, [])
        following = Books(self.books.listeners, self.books)
        self.assertEqual((following.truth["room"], following.heard["w1"]["room"], following.heard["w2"]["room"]),
                         ([late.key], [late.key], []))
        self.books = following
        self.deliver(witness=[])
        self.assert_violation("w2 missed 1 messages")


class PlainRedis(unittest.TestCase):
    def test_replies_are_read_at_every_split(self):
        data = b"*3\r\n$1\r\na\r\n:7\r\n$0\r\n\r\n+OK\r\n-ERR no\r\n"
        values, start = [], 0
        for end in range(len(data) + 1):
            while (found := resp.parse(data[:end], start)) is not None:
                values.append(found[0])
                start = found[1]
        self.assertEqual(values[:2], [[b"a", 7, b""], b"OK"])
        self.assertEqual(str(values[2]), "ERR no")
        self.assertEqual(len(values), 3)

    def test_a_key_survives_its_payload(self):
        for size in (0, 500):
            self.assertEqual(key_of(text_of(("w1.turn2", 17), size)), ("w1.turn2", 17))
        self.assertIsNone(key_of(b"something else"))


if __name__ == "__main__":
    unittest.main()
