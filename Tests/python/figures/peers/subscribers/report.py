"""How a subscriber says what arrives and what it is told: a line each on its standard output, which begins with the
time of CLOCK_MONOTONIC."""
import logging
import sys
import threading
import time

_lock = threading.Lock()


def _say(*words):
    with _lock:
        sys.stdout.write(f"{time.monotonic():.6f} {' '.join(map(str, words))}\n")
        sys.stdout.flush()


def arrived(payload):
    _say("message", int(payload))


def told(way, text):
    _say("told", way, " ".join(str(text).split()))


class _Handler(logging.Handler):
    def emit(self, record):
        told("log", f"{record.levelname} {record.name}: {record.getMessage()}")


def watch():
    """Reports each line of a log from WARNING on, and each exception that ends a thread."""
    logging.getLogger().addHandler(_Handler(logging.WARNING))

    def ended(failure):
        told("exception", f"the thread ends: {failure.exc_type.__name__}: {failure.exc_value}")
    threading.excepthook = ended
