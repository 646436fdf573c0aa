"""What the micro-benchmarks read from callgrind's files, and what they make of it."""
import pathlib
import tempfile
import unittest

import microbenchmarks
from microbenchmarks import Failure, Figures

# Names are written out once, and numbered; the second of a function's calls has a number alone.
CALLGRIND = """\
events: Ir
ob=(1) /relay
fn=(1) work
10 5
cob=(2) /lib/libc.so.6
cfn=(2) malloc
calls=3 0
11 300
cfn=(3) posix_memalign
calls=2 0
12 200
cfn=(4) free'2
calls=4 0
13 100

ob=(2)
fn=(3)
20 50
cfn=(2)
calls=2 0
21 150

ob=(3) /lib/libhiredis.so.0.14
fn=(5) feed
30 7
cob=(2)
cfn=(2)
calls=1 0
31 90
totals: 812
"""


class CallgrindTest(unittest.TestCase):
    def setUp(self):
        self.counts = microbenchmarks.counts_in(CALLGRIND)

    def test_instructions_are_the_total(self):
        self.assertEqual(self.counts["instructions"], 812)

    def test_calls_are_counted_by_name_whoever_makes_them(self):
        self.assertEqual((self.counts["posix_memalign"], self.counts["free"]), (2, 4))

    def test_calls_by_the_c_library_itself_are_not_counted(self):
        self.assertEqual(self.counts["malloc"], 3 + 1)


class VerdictTest(unittest.TestCase):
    def judge(self, now, before=Figures(1000, 2.5, 2.5), allowed=microbenchmarks.TOLERANCE):
        return microbenchmarks.verdict(Figures(*now), before, allowed)

    def test_the_same_is_no_news(self):
        self.assertEqual(self.judge((1000, 2.5, 2.5)), ("", False))

    def test_instructions_may_move_within_the_tolerance(self):
        self.assertEqual(self.judge((1019, 2.5, 2.5)), ("", False))
        self.assertEqual(self.judge((981, 2.5, 2.5)), ("", False))

    def test_more_instructions_than_that_are_worse(self):
        self.assertTrue(self.judge((1021, 2.5, 2.5))[1])
        self.assertFalse(self.judge((1021, 2.5, 2.5), allowed=microbenchmarks.TOLERANCE_OTHER_TOOLS)[1])

    def test_any_allocation_more_is_worse_whatever_else_is_better(self):
        # One in all rounds of the largest case.
        self.assertTrue(self.judge((900, 2.5 + 1 / 32768, 2.5))[1])
        self.assertTrue(self.judge((900, 2.5, 2.5 + 1 / 32768))[1])

    def test_what_is_better_is_to_be_put_on_record(self):
        for now in [(979, 2.5, 2.5), (1000, 2, 2.5)]:
            remark, is_worse = self.judge(now)
            self.assertIn("better", remark)
            self.assertFalse(is_worse)

    def test_a_new_case_is_not_worse(self):
        self.assertEqual(self.judge((1, 1, 1), before=None), ("not on record", False))

    def test_other_tools_are_allowed_more(self):
        tools = {"swift": "6.3", "libc": "2.36"}
        self.assertEqual(microbenchmarks.tolerance(tools, dict(tools)), microbenchmarks.TOLERANCE)
        self.assertEqual(microbenchmarks.tolerance(tools, {**tools, "swift": "6.4"}),
                         microbenchmarks.TOLERANCE_OTHER_TOOLS)


class RecordTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.file = pathlib.Path(folder.name) / "arch" / "x.tsv"

    def test_what_is_written_is_read_again(self):
        tools, figures = {"swift": "6.3.1"}, {"a": Figures(1000, 2.46875, 0), "b": Figures(10.5, 100, 7)}
        microbenchmarks.write_record(self.file, tools, figures)
        self.assertEqual(microbenchmarks.read_record(self.file), (tools, figures))

    def test_no_file_is_no_record(self):
        self.assertEqual(microbenchmarks.read_record(self.file), ({}, {}))

    def test_a_broken_line_is_named(self):
        self.file.parent.mkdir()
        for line in ["a\t1\t2", "a\t1\t2\tx"]:
            self.file.write_text(line)
            with self.assertRaisesRegex(Failure, "three numbers"):
                microbenchmarks.read_record(self.file)


if __name__ == "__main__":
    unittest.main()
