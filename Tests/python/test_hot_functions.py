"""The list of the functions that run for every message."""
import unittest

import hot_functions

# As callgrind writes it: names stand once, what was called is counted with the caller and again by itself.
PROFILE = """\
version: 1
events: Ir
ob=(1) /opt/relay/hubrelay
fl=(1) a.swift
fn=(1) $s1aF
10 900
cfn=(2) $s1bF
calls=3 20
11 4000
+1 100
fn=(2)
fi=(2) inlined.swift
* 50
fe=(1)
-3 450
fn=(3) $s1cF'2
7 1
fn=(4) 0x0000000000022a60
7 600
ob=(2) /usr/lib/libuv.so
fn=(5) uv_run
7 7000
ob=(1)
fn=(3)
9 2

totals: 13103
"""


class HotFunctions(unittest.TestCase):
    def test_what_a_function_takes_itself_is_counted_in_the_program_alone(self):
        counts = hot_functions.instructions_by_function(PROFILE, "hubrelay")
        self.assertEqual(counts, {"$s1aF": 1000, "$s1bF": 500, "$s1cF": 3, "0x0000000000022a60": 600})

    def test_the_first_run_comes_first_and_others_add_to_it(self):
        first = {"common": 6000, "seldom": 1, "large": 9000}
        second = {"common": 90000, "other": 5000, "another": 5000, "large": 1}
        self.assertEqual(hot_functions.hottest([first, second]), ["large", "common", "another", "other"])

    def test_what_has_no_symbol_is_left_out(self):
        run = {"$s1aF": 1, "0x0000000000022a60": 1, "swift_retain": 1, "./send.c:send": 1, "(below main)": 1}
        self.assertEqual(hot_functions.hottest([run]), ["$s1aF", "swift_retain"])
