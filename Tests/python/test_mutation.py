"""The list of mutants is read, and its changes are put into sources, as Tests/mutants.d/README.md says."""
import pathlib
import unittest

from mutation import copy, mutant

LIST = """\
# A comment.

name: one
breaks: rule 1:
  the first
tests: [.]SomeTests/
file: Sources/Some/File.swift
where: if «a < b» {
  return c
value: a <= b

name: other
breaks: rule 2
tests: [.]SomeTests/
file: Sources/Some/File.swift
where: «stop()»
does: nothing
"""
SOURCE = """\
    if a < b {
        return c
    }
    if a < b { return d }
    stop()
"""


def with_where(where, change="value: 1"):
    return list(mutant.read(f"name: x\nbreaks: y\ntests: t\nfile: Sources/Some/File.swift\nwhere: {where}\n{change}\n"))


class MutationTests(unittest.TestCase):
    def test_the_code_does_what_it_did_unless_one_is_awake(self):
        one, other = mutant.read(LIST)
        self.assertEqual((one.breaks, one.module), ("rule 1: the first", "Some"))
        self.assertEqual(
            mutant.planted(SOURCE, [one, other]),
            SOURCE.replace("if a < b {\n", f"if (mutant(0x{one.number:08x}) ? (a <= b) : (a < b)) {{\n")
            .replace("stop()", f"if !mutant(0x{other.number:08x}) {{ stop() }}"))

    def test_several_may_change_the_same_piece(self):
        one, other = with_where("«stop()»", "does: go()") + list(mutant.read(LIST))[1:]
        text = mutant.planted(SOURCE, [one, other])
        for each in (one, other):
            self.assertIn(f"mutant(0x{each.number:08x})", text)
        self.assertIn("{ go() } else { stop() }", text)

    def test_what_does_not_fit_is_told(self):
        for where, reason in (
            ("if «a < b»", "is 2 times"), ("«a > b»", "is 0 times"), ("a < b", "no text"), ("«a» < «b»", "no text"),
        ):
            with self.assertRaisesRegex(mutant.Unfit, reason):
                mutant.planted(SOURCE, with_where(where))
        with self.assertRaisesRegex(mutant.Unfit, "a part of what another"):
            mutant.planted(SOURCE, with_where("«stop()»") + with_where("«stop»()"))

    def test_what_is_not_one_expression_does_not_fit(self):
        source = "guard a, b else { return }\nlet x = y - 1\nf(g(a, [b, c]), \"d, e\")\n"
        for where, value in (("guard «a, b» else", "true"), ("y «- 1»", "0"), ("let x = «y - 1»", "- 2"),
                             ("let x = «y - 1»", "a, b")):
            with self.subTest(where), self.assertRaisesRegex(mutant.Unfit, "is not one expression"):
                with_where(where, f"value: {value}")[0].change(source)
        for where, value in (("«f(g(a, [b, c]), "+'"d, e")»', "-1"), ("let x = «y - 1»", "g(a, b)")):
            with_where(where, f"value: {value}")[0].change(source)

    def test_a_list_with_a_mistake_is_refused(self):
        for text, reason in (
            (LIST.replace("value:", "values:"), "unknown fields: values"),
            (LIST.replace("tests: [.]SomeTests/\n", ""), "without"),
            (LIST.replace("value: a <= b\n", ""), "either"), (LIST + "value: 1\n", "either"),
        ):
            with self.assertRaisesRegex(mutant.Unfit, reason):
                list(mutant.read(text))

    def test_all_that_do_not_fit_are_told_together(self):
        mutants = list(mutant.read(LIST))
        with self.assertRaises(ExceptionGroup) as raised:
            copy.planted_files(pathlib.Path("/nonexistent"), mutants + with_where("«a»"))
        self.assertEqual(len(raised.exception.exceptions), 1)


if __name__ == "__main__":
    unittest.main()
