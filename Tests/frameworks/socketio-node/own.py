"""Runs the tests of this folder, prints each, and counts."""
import os
import pathlib
import sys
import unittest


def failed_of(result):
    """A subtest that fails is a failure of its test."""
    cases = {case.id().split(" ")[0] for case, _ in result.failures + result.errors}
    return len(cases) + len(result.unexpectedSuccesses)


if __name__ == "__main__":
    tests = unittest.defaultTestLoader.discover(str(pathlib.Path(__file__).parent))
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(tests)
    failed = failed_of(result)
    passed = max(0, result.testsRun - failed - len(result.skipped))
    print(f"socketio-node: {passed} passed, {failed} failed", flush=True)
    if "TESTED_FRAMEWORKS_COUNT" in os.environ:
        pathlib.Path(os.environ["TESTED_FRAMEWORKS_COUNT"]).write_text(f"{passed} {failed}\n")
    sys.exit(0 if passed and not failed else 1)
