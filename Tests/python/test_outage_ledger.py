"""The account of what a subscriber missed (figures/peers/ledger.py): each history here is made up, and has one thing to
see. A message is published each 0.1 s, and the fault is from 10 to 12."""
import unittest

from figures.peers import median, summary, typical
from figures.peers.ledger import Ledger, Verdict

BEGAN, ENDED = 10.0, 12.0


class OutageLedgerTest(unittest.TestCase):
    def setUp(self):
        self.ledger = Ledger()

    def history(self, missed=(), late=(), refused=(), until=20.0):
        """Message n is published at n / 10, from 9 s on. `missed` do not arrive, and Redis does not take the `refused`;
        `late` is a dict of those that arrive at another time than at once."""
        late = dict(late)
        for number in range(90, round(until * 10)):
            if number not in refused:
                self.ledger.published(number, number / 10)
            if number not in missed:
                self.ledger.arrived(number, late.get(number, number / 10 + 0.001))

    def verdict(self):
        return self.ledger.verdict(BEGAN, ENDED)

    def test_nothing_missed(self):
        self.history()
        verdict = self.verdict()
        self.assertEqual((verdict.missed_told, verdict.missed_untold, verdict.untold), (0, 0, 0))
        self.assertEqual((verdict.told_after, verdict.told_by, verdict.whole_after), (None, None, 0))
        self.assertAlmostEqual(verdict.observed, 9.9)

    def test_missed_and_never_told(self):
        self.history(missed=range(105, 150))
        verdict = self.verdict()
        self.assertEqual((verdict.missed_told, verdict.missed_untold, verdict.told_after), (0, 45, None))
        self.assertAlmostEqual(verdict.untold, 4.501)       # until the next one arrives
        self.assertAlmostEqual(verdict.whole_after, 3.001)

    def test_never_whole(self):
        self.history(missed=range(105, 200))
        verdict = self.verdict()
        self.assertIsNone(verdict.whole_after)
        self.assertEqual(verdict.missed_untold, 95)
        self.assertAlmostEqual(verdict.untold, 9.4)         # until the last publish: nobody knows how long it would be

    def test_whole_only_after_the_last_that_is_missing(self):
        self.history(missed=[*range(105, 130), 170])
        self.assertAlmostEqual(self.verdict().whole_after, 5.101)

    def test_told_in_time(self):
        self.history(missed=range(105, 150))
        self.ledger.told(10.1, "event", "DOWN")
        verdict = self.verdict()
        self.assertEqual((verdict.missed_told, verdict.missed_untold, verdict.untold), (45, 0, 0))
        self.assertAlmostEqual(verdict.told_after, 0.1)
        self.assertEqual(verdict.told_by, ("event", "DOWN"))

    def test_of_several_reports_the_first_counts_whatever_their_order(self):
        self.history(missed=range(105, 150))
        for time in (12.5, 11.5, 13.5):
            self.ledger.told(time, "log", str(time))
        verdict = self.verdict()
        self.assertAlmostEqual(verdict.untold, 1.0)
        self.assertAlmostEqual(verdict.told_after, 1.5)
        self.assertEqual(verdict.told_by, ("log", "11.5"))

    def test_whole_before_the_end_of_the_fault(self):
        self.history(missed=range(102, 105))
        self.assertEqual(self.verdict().whole_after, 0)

    def test_of_a_message_that_arrives_twice_the_first_time_counts(self):
        self.history(missed=range(105, 150))
        self.ledger.arrived(150, 18)
        self.assertAlmostEqual(self.verdict().whole_after, 3.001)

    def test_told_late_covers_what_was_missed_before(self):
        self.history(missed=range(105, 150))
        self.ledger.told(13.5, "log", "timeout")
        verdict = self.verdict()
        self.assertEqual((verdict.missed_told, verdict.missed_untold), (45, 0))
        self.assertAlmostEqual(verdict.untold, 3.0)
        self.assertAlmostEqual(verdict.told_after, 3.5)

    def test_told_shortly_after_it_receives_again(self):
        self.history(missed=range(105, 150))
        self.ledger.told(16.5, "event", "Gap")
        verdict = self.verdict()
        self.assertEqual(verdict.missed_told, 45)
        self.assertAlmostEqual(verdict.untold, 6.0)         # not knowing lasts until the report

    def test_told_too_late_to_be_about_it(self):
        self.history(missed=range(105, 130), until=30)
        self.ledger.told(25, "log", "something else")
        verdict = self.verdict()
        self.assertEqual((verdict.missed_told, verdict.missed_untold), (0, 25))
        self.assertAlmostEqual(verdict.told_after, 15)

    def test_a_report_counts_for_the_messages_around_it_alone(self):
        self.history(missed=[*range(105, 110), *range(140, 160)])
        self.ledger.told(10.5, "event", "DOWN")
        verdict = self.verdict()
        self.assertEqual((verdict.missed_told, verdict.missed_untold), (5, 20))
        self.assertAlmostEqual(verdict.untold, 2.001)

    def test_a_report_before_the_fault_is_of_something_else(self):
        self.history(missed=range(100, 150))
        self.ledger.told(9.8, "log", "a warning at the start")
        verdict = self.verdict()
        self.assertIsNone(verdict.told_after)
        self.assertEqual(verdict.missed_untold, 50)

    def test_late_is_not_missed(self):
        self.history(late=dict.fromkeys(range(101, 122), 12.2))
        verdict = self.verdict()
        self.assertEqual((verdict.missed_told, verdict.missed_untold, verdict.whole_after), (0, 0, 0))
        self.assertAlmostEqual(verdict.latest, 2.1)

    def test_what_redis_did_not_take_is_not_missed(self):
        self.history(missed=range(100, 125), refused=range(100, 120))
        self.assertEqual(self.verdict().missed_untold, 5)

    def test_the_best_way_of_the_first_second(self):
        self.history(missed=range(105, 150))
        for time, way in ((10.2, "log"), (10.3, "exception"), (11.9, "event")):
            self.ledger.told(time, way, way)
        self.assertEqual(self.verdict().told_by, ("exception", "exception"))
        self.assertAlmostEqual(self.verdict().told_after, 0.2)

    def test_missing_before_the_fault_is_an_error(self):
        self.history(missed=[92])
        with self.assertRaisesRegex(ValueError, "1 messages are missing before the fault"):
            self.verdict()

    def test_no_publishes_is_an_error(self):
        with self.assertRaisesRegex(ValueError, "no publishes"):
            self.verdict()

    def test_an_unknown_way_is_an_error(self):
        with self.assertRaisesRegex(ValueError, "no way to be told"):
            self.ledger.told(10, "rumour", "")


class SummaryTest(unittest.TestCase):
    def verdict(self, told=0.1, whole=0.5, missed_told=10, missed_untold=0, latest=0.0):
        by = None if told is None else ("event", "DOWN")
        return Verdict(told, by, 0.0, missed_told, missed_untold, whole, latest, 38.0)

    def test_never_is_worse_than_any_time(self):
        self.assertEqual(median([1.0, None, 2.0]), 2.0)
        self.assertIsNone(median([1.0, None, None]))
        self.assertIsNone(median([1.0, None]))

    def test_rounds(self):
        one = typical([self.verdict(told=0.3, missed_told=12), self.verdict(told=0.1),
                       self.verdict(told=None, whole=None)])
        self.assertEqual((one.told_after, one.told_by), (0.3, ("event", "DOWN")))
        self.assertEqual((one.missed_told, one.whole_after), (10, 0.5))

    def test_cells(self):
        self.assertEqual(summary([self.verdict()]), "told after 0.1 s (event), 10 missed, whole after 0.5 s")
        self.assertEqual(summary([self.verdict(told=None, whole=None, missed_told=0, missed_untold=600)]),
                         "never told, 600 missed, never whole")
        self.assertEqual(summary([self.verdict(missed_untold=3)]),
                         "told after 0.1 s (event), not of 3, 13 missed, whole after 0.5 s")
        self.assertEqual(summary([self.verdict(told=None, missed_told=0, latest=8.02)]), "none missed, but 8 s late")


if __name__ == "__main__":
    unittest.main()
