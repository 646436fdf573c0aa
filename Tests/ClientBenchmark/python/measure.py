"""What every Python program of the benchmark shares: arguments, the books of a delivery, the line that it prints."""
import json
import os
import resource
import sys
import time

CHANNEL = "bench"
PAYLOAD = b"00000000" + b"x" * 192

#: A delivery asks for so many messages at a time, and so many of these bursts are under way.
BURST, WINDOW = 64, 4

# The arguments and the environment are the same for the programs of every language: README.md has them.
ADDRESS, WORKLOAD, WARMUP, COUNT = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])

#: Publishes that are under way at a time.
UNDER_WAY = 64 if WORKLOAD == "publish-64" else 1

#: They are put into one pipeline, by one caller, instead of being published by as many callers.
IS_PIPELINED = "PIPELINED" in os.environ


def check_receivers(receivers):
    """The runner is the one that listens. Raises RuntimeError when a message did not reach it, and it alone."""
    if receivers != 1:
        raise RuntimeError(f"a message has reached {receivers} receivers instead of 1")


class Clock:
    """Processor time of this process, and time, from when it was made."""

    def __init__(self):
        self._usage, self._time = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()

    def report(self, library):
        """Prints what the runner reads."""
        usage, wall = resource.getrusage(resource.RUSAGE_SELF), time.monotonic() - self._time
        line = {"library": library, "messages": COUNT, "user_s": usage.ru_utime - self._usage.ru_utime,
                "system_s": usage.ru_stime - self._usage.ru_stime, "wall_s": wall}
        os.write(1, f"\n{json.dumps(line)}\n".encode())


class Delivery:
    """The messages that have come, and what is asked for. Made once the subscription is in force."""

    def __init__(self):
        self._numbers = [b"%08d" % number for number in range(WARMUP + COUNT)]
        self._taken = 0
        self._clock = None
        os.write(1, b"+" * WINDOW)

    def take(self, payload, library):
        """Takes a payload, and returns whether it was the last one. Raises RuntimeError unless it is the next one."""
        taken = self._taken
        if payload[:8] != self._numbers[taken]:
            raise RuntimeError(f"message {taken} is {payload[:8]!r}")
        self._taken = taken = taken + 1
        if taken & BURST - 1 == 0:
            if taken == WARMUP:
                self._clock = Clock()
            elif taken == WARMUP + COUNT:
                self._clock.report(library)
                return True
            os.write(1, b"+")
        return False
