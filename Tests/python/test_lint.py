"""What Tests/lint looks at by itself: links, examples and words of pages. Each finding here has a twin that is none."""
import pathlib
import shutil
import sys
import unittest
from unittest import mock

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lint.d"))

import check_types
import examples
import links
import sources
import words
from markdown import Page


def page(text, name="deploy/page.md"):
    return Page(name, text)


def block(language, text):
    found, = page(f"```{language}\n{text}\n```\n").blocks
    return found


class Pages(unittest.TestCase):
    def test_code_is_no_prose(self):
        text = ("# A\n\n    indented\n\n    still\n\n```python\nfenced\n```\n- item\n\n      of the item\n\nback\n\n"
                "~~~\nb\n~~~\n")
        found = page(text)
        self.assertEqual([(each.line, each.language, each.lines) for each in found.blocks],
                         [(3, None, ["indented", "", "still", ""]), (7, "python", ["fenced"]), (16, "", ["b"])])
        self.assertEqual([line.strip() for _, line in found.prose if line], ["# A", "- item", "of the item", "back"])

    def test_anchors_are_those_of_github(self):
        found = page('# A `b` and [c](d.md), "e"\n## F_g\n## F_g\n#no heading\n<a id="own"></a>\n').anchors()
        self.assertEqual(found, {"a-b-and-c-e", "f_g", "f_g-1", "own"})


class Links(unittest.TestCase):
    def test_links_are_found(self):
        text = ('See [a\nb](x.md "title"), ![i](y.png).\n`[no](no.md)`\n\n[r]: z.md#a\n'
                '<img src="p.svg"> <a href="q.md">q</a>\n')
        self.assertEqual([(line, target) for line, target in links.links_of(page(text))],
                         [(2, "x.md"), (2, "y.png"), (5, "z.md#a"), (6, "p.svg"), (6, "q.md")])

    def test_where_a_link_leads(self):
        for target in ("README.md", "../README.md", "../Sources", "#systemd", "README.md#systemd",
                       "../Package.swift#L1", "https://a.org/x#y", "mailto:a@b.org"):
            with self.subTest(target):
                self.assertIsNone(links.problem_of("deploy/README.md", target))
        for target in ("NOTHING.md", "../../..", "#no-such-heading", "README.md#no-such-heading", "https://",
                       "http://word", "ftp://a.org", "../Package.swift#L99999", "../Package.swift#function"):
            with self.subTest(target):
                self.assertIsNotNone(links.problem_of("deploy/README.md", target))


class Examples(unittest.TestCase):
    GOOD = {
        "sh": "for i in 1 2; do echo $i; done", "python": "async with a as b:\n    await b", "diff": " a\n-b\n+c",
        "hex": "00 ff   two bytes", "json": "{}", "xml": "<a/>\n<b/>", "yaml": "a: [1]", "go": "a := f(1)",
        "java": "int a = 1;", "csharp": "using System;\nvar a = await B();", "js": "await f();", "ruby": "a = 1",
        "php": "$a = 1;", "text": "what you like (",
    }
    BAD = {
        "sh": "for i in 1; do", "python": "if a", "diff": "a", "hex": "0", "json": "{", "xml": "<a>", "yaml": "a: [",
        "go": "a :=", "java": "int a =", "csharp": "var a = ;", "js": "await f(;", "ruby": "def a", "php": "$a = ;",
        "other": "", "": "",
    }

    def test_each_language_is_read(self):
        for language, text in self.GOOD.items():
            with self.subTest(language):
                self.assertIsNone(examples.problem_of(block(language, text), set()))
        self.assertLessEqual(set(examples.READERS) - {"bash"}, set(self.GOOD))

    def test_each_language_is_read_with_a_mistake(self):
        for language, text in self.BAD.items():
            program = examples.READERS.get(language, (None,))[0]
            if program and not shutil.which(program):
                continue
            with self.subTest(language):
                self.assertIsNotNone(examples.problem_of(block(language, text), set()))

    def test_a_program_that_is_not_here_is_told(self):
        is_missing = set()
        with mock.patch.object(examples.shutil, "which", return_value=None):
            self.assertIsNone(examples.problem_of(block("go", "a :="), is_missing))
        self.assertEqual(is_missing, {"gofmt"})

    def test_commands_are_for_a_shell(self):
        for text, language in (("Tests/run --help", "sh"), ("sudo x", "sh"), ("$ curl x", "sh"), ("a=1", "sh"),
                               ("worker ──► relay", None), ("user chat on", None)):
            with self.subTest(text):
                self.assertEqual(examples.language_of(page(f"\n    {text}\n").blocks[0]), language)

    def test_names_of_what_does_not_exist(self):
        for text in ("Tests/nothing", "deploy/*.nothing", "HUBRELAY_" + "NOTHING=1", "hubrelay serve --nothing 1"):
            with self.subTest(text):
                self.assertEqual(len(list(examples.stale_names(text, "deploy"))), 1)
        for text in ("Tests/run", "deploy/*.md", "Tests/frameworks/FRAMEWORK/run", "HUBRELAY_PREFIX=a",
                     "hubrelay serve --prefix a", "hubrelay health --json", "kubectl logs deploy/nothing"):
            with self.subTest(text):
                self.assertEqual(list(examples.stale_names(text, "deploy")), [])


class Words(unittest.TestCase):
    def findings(self, text):
        return [(line, found) for line, found, _ in words.findings(text)]

    def test_turns_are_found_over_the_end_of_a_line(self):
        self.assertEqual(self.findings(page("one\nAs\never, it begins anew.\n").text()), [(2, "As ever"), (3, "anew")])

    def test_code_and_parts_of_words_are_left_alone(self):
        text = page("`untold` gap-untold-x coupon whereupon, nobody's business\n\n    anew\n").text()
        self.assertEqual(self.findings(text), [])

    def test_strings_and_comments_of_the_program_are_read_and_its_code_is_not(self):
        text = ('let untold = 1\n    help: "It is \\"untold\\"."\n'
                '    /// Begins\n    /// anew.\n    // As\n    // ever.\n')
        self.assertEqual(self.findings(words.texts_of(text)), [(2, "untold"), (5, "As ever"), (4, "anew")])
        for text in ['f("anew.x")  // begins anew', '/* anew', ' * anew', 'x = #"""\n  anew\n  """#']:
            with self.subTest(text):
                self.assertEqual([found for _, found in self.findings(words.texts_of(text))][-1:], ["anew"])


class Types(unittest.TestCase):
    def test_every_program_of_python_is_in_a_group(self):
        grouped = {name for _, patterns in check_types.GROUPS for name in check_types.files_of(patterns)}
        left = [name for name in sources.python_files()
                if name not in grouped and not name.startswith(check_types.CLIENT + "/")]
        self.assertEqual(left, [])
        for name in ("Tests/mutants", "Tests/Microbenchmarks/run", "proto/vectors/cross-check"):
            self.assertIn(name, grouped)


if __name__ == "__main__":
    unittest.main()
