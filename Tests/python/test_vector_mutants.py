"""The vectors tell a right decoder from a wrong one: every mutant of proto/vectors/mutants fails one of them."""
import sys
import unittest

from harness import ROOT

sys.path.insert(0, str(ROOT / "proto" / "vectors" / "mutants"))

import decoder_mutants


class VectorMutants(unittest.TestCase):
    def test_each_mutant_fails_a_vector_and_the_decoder_none(self):
        count = 0
        for name, failed in decoder_mutants.run():
            with self.subTest(name or "the decoder itself"):
                if name is None:
                    self.assertEqual(failed, [])
                else:
                    self.assertNotEqual(failed, [], "no vector fails")
                    count += 1
        self.assertGreaterEqual(count, 36)

    def test_mutants_have_names_of_their_own(self):
        names = [name for name, _, _ in decoder_mutants.MUTANTS]
        self.assertEqual(len(set(names)), len(names))


if __name__ == "__main__":
    unittest.main()
