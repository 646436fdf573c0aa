"""The measurement of outages, with a Redis that is no process and a way that loses what it is told to lose."""
import unittest
from unittest import mock

import outages
from outages import Ledger, measure


class Switch:
    """In the place of a Redis: what is published while it is `stop`ped does not arrive."""

    def __init__(self):
        self.is_up = True

    def start(self):
        self.is_up = True

    def stop(self):
        self.is_up = False


def cells(row):
    return [cell.strip() for cell in row.strip("|\n").split("|")]


class Measurement(unittest.IsolatedAsyncioTestCase):
    def setUp(self):
        self.interval, outages.INTERVAL = outages.INTERVAL, 0.005
        self.addCleanup(setattr, outages, "INTERVAL", self.interval)

    async def measured(self, publish, ledger, redis):
        return cells(await measure("x", redis, 0.1, publish, ledger, settle=0.05))

    async def test_what_is_missed_is_told_by_an_error_or_by_a_gap_after_it(self):
        for says in ("nothing", "refused", "gap", "gap too early"):
            redis, ledger = Switch(), Ledger()
            with self.subTest(says=says):
                _, seconds, first, untold, told, saw = await self.measured(
                    self.publisher(redis, ledger, says), ledger, redis)
                self.assertGreaterEqual(float(seconds), 0.1)
                self.assertLess(float(first), outages.GIVE_UP)
                missed = len(ledger.missed)
                self.assertGreater(missed, 1)
                expected = {"nothing": (missed, 0, "nothing"), "refused": (0, missed, "an error"),
                            "gap": (0, missed, "Gap"), "gap too early": (missed - 1, 1, "early")}[says]
                self.assertEqual((int(untold), int(told), saw), expected)

    def publisher(self, redis, ledger, says):
        was_up = True

        async def publish(number):
            nonlocal was_up
            if redis.is_up:
                if not was_up and says == "gap":
                    ledger.gap()
                ledger.receive(number)
            elif says == "refused":
                ledger.refuse(number, "an error")
            elif says == "gap too early" and was_up:
                ledger.gap("early")
            was_up = redis.is_up
        return publish

    async def test_a_backend_that_never_recovers(self):
        self.enterContext(mock.patch.object(outages, "GIVE_UP", 0.3))
        redis, ledger = Switch(), Ledger()
        was_down = []

        async def publish(number):
            if not redis.is_up:
                was_down.append(number)
            if not was_down:
                ledger.receive(number)
        _, _, first, untold, told, saw = await self.measured(publish, ledger, redis)
        self.assertEqual((first, told, saw), ("never (0.3 s)", "0", "nothing"))
        self.assertGreater(int(untold), 20)


if __name__ == "__main__":
    unittest.main()
