"""Runs the tests of this folder, prints each, and counts."""
import os
import pathlib
import sys
import unittest


class Result(unittest.TextTestResult):
    """A subtest that fails is a failure of its test."""

    @property
    def failed(self):
        return len({case.id().split(" ")[0] for case, _ in self.failures + self.errors}) + len(self.unexpectedSuccesses)


if __name__ == "__main__":
    tests = unittest.defaultTestLoader.discover(str(pathlib.Path(__file__).parent))
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2, resultclass=Result).run(tests)
    passed = max(0, result.testsRun - result.failed - len(result.skipped))
    print(f"socketio-node: {passed} passed, {result.failed} failed", flush=True)
    if "TESTED_FRAMEWORKS_COUNT" in os.environ:
        pathlib.Path(os.environ["TESTED_FRAMEWORKS_COUNT"]).write_text(f"{passed} {result.failed}\n")
    sys.exit(0 if passed and not result.failed else 1)
