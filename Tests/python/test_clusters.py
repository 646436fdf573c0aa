"""The clusters that the soak and the figures use are what they are taken for."""
import tempfile
import unittest

from clusters import SLOTS, Cluster, converse, slot_of


class ClusterTest(unittest.TestCase):
    cluster: Cluster

    @classmethod
    def setUpClass(cls):
        directory = tempfile.TemporaryDirectory(prefix="hubrelay-")
        cls.addClassCleanup(directory.cleanup)
        cls.cluster = Cluster(directory.name, replicas=0)
        cls.addClassCleanup(cls.cluster.close)

    def test_slots_are_those_of_redis(self):
        names = ["", "a", "s:c.1", "{a}b", "b{a}c{d}", "{}a", "a{}{b}", "a{b", "a}b{c}", "{{a}}b", "ä", "{ä}b"]
        names += [f"{'{' if number % 3 else ''}{number}{'}' if number % 5 else ''}tail" for number in range(200)]
        found = converse(self.cluster.nodes[0].path, [("CLUSTER", "KEYSLOT", name) for name in names])
        self.assertEqual([slot_of(name) for name in names], found)

    def test_slots_go_where_they_are_moved(self):
        source, target, other = self.cluster.masters()
        slots = [slot for slot, node in self.cluster.map().items() if node is source][:5]
        self.cluster.migrate(slots[:2], target, tells_all=False)
        self.cluster.migrate_many(slots[2:], source, target)
        self.cluster.until_settled()
        for node in self.cluster.nodes:
            self.assertEqual({self.cluster.owner(slot, node) for slot in slots}, {target})

    def test_a_node_comes_and_goes_with_its_slots(self):
        node = self.cluster.add()
        self.cluster.migrate_many(slots := list(self.cluster.map())[:7], self.cluster.owner(slots[0]), node)
        self.cluster.until_settled()
        self.assertEqual(self.cluster.owners()[node], [(slots[0], slots[-1])])
        self.cluster.remove(node)
        self.assertTrue(node.process.is_over)
        self.assertEqual(len(self.cluster.map()), SLOTS)


if __name__ == "__main__":
    unittest.main()
