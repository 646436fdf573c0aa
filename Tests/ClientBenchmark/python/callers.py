"""Threads that publish: one for each publish that is under way."""
import threading

from measure import UNDER_WAY


def call(publish, count):
    """Calls it so many times, from UNDER_WAY threads, or from this one if that is one. Raises what a thread raised."""
    left, errors = iter(range(count)), []

    def caller():
        try:
            for _ in left:
                publish()
        except Exception as error:
            errors.append(error)
    if UNDER_WAY == 1:
        caller()
    else:
        threads = [threading.Thread(target=caller) for _ in range(UNDER_WAY)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    if errors:
        raise errors[0]
