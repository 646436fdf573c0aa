"""README, promises and CONTRIBUTING agree; the tests that documents name beside a promise or a fault exist; the page of
settings has what the program has."""
import pathlib
import re
import subprocess
import unittest

from harness import binary

ROOT = pathlib.Path(__file__).resolve().parents[2]


def text(path):
    return (ROOT / path).read_text()


def section(document, title):
    """What stands under a heading of the second level, up to the next one."""
    return document.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def promises(document, title):
    """The bold words with which the items of a section begin."""
    return re.findall(r"^- \*\*(.+?)\*\*", section(document, title), re.MULTILINE)


def named_tests():
    """Each promise of CONTRIBUTING's table, with its tests."""
    table = section(text(".github/CONTRIBUTING.md"), "The promises and their tests")
    rows = re.findall(r"^\| (.+?) \| (.+) \|$", table, re.MULTILINE)
    return {promise: re.findall(r"`([^`]+)`", tests) for promise, tests in rows if promise != "promise"}


def test_names():
    """All tests, as `Suite/test` and `module/test`."""
    names = set()
    for file in ROOT.glob("Tests/*/**/*Tests.swift"):
        suites = re.split(r"^(?:@Suite.*)?(?:struct|final class|extension) (\w+)", file.read_text(), flags=re.MULTILINE)
        for suite, body in zip(suites[1::2], suites[2::2]):
            names |= {f"{suite}/{name}" for name in re.findall(r"@Test\b[^{]*?\bfunc (\w+)\(", body)}
    for file in ROOT.glob("Tests/python/test_*.py"):
        found = re.findall(r"^ +(?:async )?def (test_\w+)\(", file.read_text(), re.MULTILINE)
        names |= {f"{file.stem}/{name}" for name in found}
    return names


class Promises(unittest.TestCase):
    def test_each_promise_has_tests_and_these_exist(self):
        named = named_tests()
        self.assertEqual(promises(text("deploy/promises.md"), "Promised"), list(named))
        there = test_names()
        for promise, tests in named.items():
            self.assertTrue(tests, f"{promise!r} has no test")
            missing = [test for test in tests if test not in there]
            self.assertEqual(missing, [], f"of {promise!r}: there is no such test")

    def test_the_readme_promises_nothing_else(self):
        short = promises(text("README.md"), "What it promises")
        self.assertGreater(len(short), 3)
        self.assertLessEqual(set(short), set(promises(text("deploy/promises.md"), "Promised")))


class Faults(unittest.TestCase):
    def test_the_tests_beside_each_fault_exist(self):
        tests = ROOT / "Tests"
        named = [name for row in re.findall(r"^\| .+ \| (.+) \|$", text("Tests/Faults/README.md"), re.MULTILINE)
                 for name in re.findall(r"`([^` ]+(?:Tests|/|\.py))`", row)]
        self.assertGreater(len(named), 50)
        for name in named:
            path = name if "/" in name else f"Faults/{name}"
            found = list(tests.glob(path if path.endswith(("/", ".py")) else f"{path}.swift"))
            self.assertTrue(found, f"there is no {path} in Tests")


class Settings(unittest.TestCase):
    """deploy/configuration.md and `hubrelay serve --help`."""

    def setUp(self):
        help = subprocess.run([binary(), "serve", "--help"], check=True, capture_output=True, text=True).stdout
        #: Flag: what is said of it, as one line.
        self.said = {flag: " ".join(said.split()) for flag, said in
                     re.findall(r"^  (--[a-z-]+)(.*?)(?=^  -|\Z)", help, re.MULTILINE | re.DOTALL)}
        self.rows = re.findall(r"^\| (`--.+?) \| (.+?) \| .+ \|$",
                               section(text("deploy/configuration.md"), "Flags and variables"), re.MULTILINE)

    def test_the_page_has_every_flag_and_no_other(self):
        on_the_page = [flag for flags, _ in self.rows for flag in re.findall(r"`(--[a-z-]+)", flags)]
        self.assertEqual(sorted(on_the_page), sorted(set(self.said) - {"--version"}))

    def test_the_page_has_the_defaults(self):
        for flags, defaults in self.rows:
            named = re.findall(r"`(--[a-z-]+)", flags)
            given = [found[1] for flag in named if (found := re.search(r"\[default ([^;\]]+)", self.said[flag]))]
            with self.subTest(flags=flags):
                written = defaults.replace("`", "")
                if len(given) == len(named):
                    self.assertEqual(written, ", ".join(given))
                for default in given:
                    self.assertIn(default, written)
