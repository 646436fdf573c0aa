"""The benchmark of the clients counts every message."""
import sys
import tempfile
import textwrap
import unittest

import harness

sys.path.insert(0, str(harness.ROOT / "Tests" / "ClientBenchmark"))

from programs import HERE, Program, all_programs
from servers import Servers
from table import table
from workloads import WORKLOADS, Failed, run

WARMUP, COUNT = 64, 128


class Measuring(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="hubrelay-")
        self.addCleanup(directory.cleanup)
        self.servers = Servers(directory.name, harness.binary(), redis_by_path=True)
        self.addCleanup(self.servers.stop)

    def run_program(self, workload, code):
        """Runs Python code as a program that is given the address of Redis."""
        prelude = textwrap.dedent("""
            import socket
            from measure import *
            redis = socket.socket(socket.AF_UNIX)
            redis.connect(ADDRESS[len("unix://"):])
            answers = redis.makefile("rb")
            def publish(payload=PAYLOAD):
                redis.sendall(b"*3\\r\\n$7\\r\\nPUBLISH\\r\\n$5\\r\\nbench\\r\\n$200\\r\\n%b\\r\\n" % payload)
                return int(answers.readline()[1:])
        """)
        program = Program("Python", "plain", list, command=[sys.executable, "-c", prelude + textwrap.dedent(code)],
                          environment={"PYTHONPATH": str(HERE / "python")})
        return run(program, workload, self.servers, WARMUP, COUNT)

    def test_every_style_of_the_python_client_passes_every_workload(self):
        for program in all_programs():
            if not program.is_hubrelay or not program.group.startswith("Python"):
                continue
            program.command = program.prepare()
            for workload in WORKLOADS:
                with self.subTest(group=program.group, workload=workload):
                    result = run(program, workload, self.servers, WARMUP, COUNT)
                    self.assertEqual(result["messages"], COUNT)
                    self.assertGreater(result["user_s"] + result["system_s"], 0)

    def test_a_program_that_publishes_all_is_taken(self):
        result = self.run_program("publish-1", """
            clock = Clock()
            for _ in range(WARMUP + COUNT):
                check_receivers(publish())
            clock.report("plain")
        """)
        self.assertEqual(result["library"], "plain")

    def test_a_message_that_was_not_published_fails_the_run(self):
        with self.assertRaisesRegex(Failed, "191 of 192 messages have come"):
            self.run_program("publish-1", """
                clock = Clock()
                for _ in range(WARMUP + COUNT - 1):
                    publish()
                clock.report("plain")
            """)

    def test_a_message_that_was_published_twice_fails_the_run(self):
        with self.assertRaisesRegex(Failed, "193 of 192 messages have come"):
            self.run_program("publish-1", """
                clock = Clock()
                for _ in range(WARMUP + COUNT + 1):
                    publish()
                clock.report("plain")
            """)

    def test_a_delivery_that_misses_a_message_fails_the_run(self):
        with self.assertRaisesRegex(Failed, "message 1 is b'00000002'"):
            self.run_program("delivery", """
                redis.sendall(b"*2\\r\\n$9\\r\\nSUBSCRIBE\\r\\n$5\\r\\nbench\\r\\n")
                while answers.readline() != b":1\\r\\n":
                    pass
                delivery = Delivery()
                delivery.take(b"00000000", "plain")
                delivery.take(b"00000002", "plain")
            """)

    def test_a_program_that_prints_no_result_fails_the_run(self):
        with self.assertRaisesRegex(Failed, "has printed"):
            self.run_program("publish-1", """
                for _ in range(WARMUP + COUNT):
                    publish()
            """)


class Table(unittest.TestCase):
    def test_ratios_are_those_of_runs_of_one_round(self):
        def runs(*costs):
            return [{"library": "lib 1", "messages": 1000, "user_s": cost, "system_s": 0, "wall_s": 1}
                    for cost in costs]
        own, base = Program("G", "own", list, is_hubrelay=True), Program("G", "base", list)
        printed = table([own, base], {("own", "G", "delivery"): runs(0.001, 0.010, 0.030),
                                      ("base", "G", "delivery"): runs(0.002, 0.040, 0.015)})
        row = next(line for line in printed.splitlines() if "0.50" in line)
        self.assertRegex(row, r"10\.0 µs \| 0\.50 \| 1,000 \|$")
        self.assertEqual(len({line.count("|") for line in printed.splitlines()}), 1)
