"""Every wrong setting of the table ends with exit code 64 and the lines of deploy/configuration-errors.md, no more and
no fewer, and no secret in them."""
import unittest

import misconfigurations as table


class Misconfigurations(unittest.TestCase):
    def cases(self):
        return [case for cases in table.CASES.values() for case in cases]

    def test_each_prints_what_the_page_says(self):
        text = table.PAGE.read_text()
        self.assertGreaterEqual(len(self.cases()), 60)
        self.assertIn(f"There are {len(self.cases())} cases.", text)
        for case in self.cases():
            with self.subTest(table.title(case)):
                if not table.can_be_tried(case):
                    self.skipTest("it takes root")
                code, lines = table.lines_of(case)
                self.assertEqual(code, 64, lines)
                self.assertIn(table.section(case, lines), text + "\n", "misconfigurations.py writes it")
                for line in lines:
                    self.assertRegex(line, "^hubrelay: ")
                    self.assertNotRegex(line, "a[ -]secret|pass/word")

    def test_the_page_has_nothing_else(self):
        text = table.PAGE.read_text()
        results = {}
        for case in self.cases():
            rest = f". {case.note}" if case.note else ":"
            start = text.index(f"\n{table.title(case)}{rest}\n")
            lines = text[start:].split("\n\n")[1].splitlines()
            results[id(case)] = [line.removeprefix("    ") for line in lines]
        self.assertEqual(table.page(results), text)

    def test_each_line_names_its_settings(self):
        for case in self.cases():
            if not case.arguments and table.can_be_tried(case):
                _, lines = table.lines_of(case)
                names = [name for name, value in case.variables.items() if name in "\n".join(lines)]
                self.assertTrue(names or "HUBRELAY_PREFIX" in lines[0], (table.title(case), lines))


if __name__ == "__main__":
    unittest.main()
