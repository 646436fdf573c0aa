"""Steps that several scenarios have."""
from ..failure import Failure


def published(driver, connection, channel="room"):
    """A publish that has reached the relay, and awaits its Reply. One that came too early is repeated."""
    while True:
        call = driver.publish(channel)
        arrived = lambda: connection.pending("publish", lambda frame: frame.channel == channel)
        driver.session.wait(lambda: arrived() or call.outcome, f"{connection.title}: a Publish")
        if arrived():
            return call, connection.take_publish(channel)
        call.expect("NOT_CONNECTED")


def restore(s, connection, expected, answer_last=True):
    """Answers Subscribes until all these names were asked for, and returns the last one. Failure for another name."""
    asked = set()
    while True:
        frame = connection.take("subscribe", f"a Subscribe to {sorted(expected - asked)[:5]}, which are held")
        if frame.names - expected:
            raise Failure(f"{connection.title}: {frame} asks for {sorted(frame.names - expected)[:5]}, and only "
                          f"{sorted(expected)[:9]} are held")
        asked |= frame.names
        if asked == expected and not answer_last:
            return frame
        connection.reply(frame)
        if asked == expected:
            return frame


def subscribed(s, relay, *names, **settings):
    """A client that is UP and subscribed, to c:room if nothing else is said, and its connection."""
    driver = s.open(**settings)
    connection = relay.accept()
    driver.wait_up()
    driver.subscribe(*(names or ["c:room"])).expect("OK")
    connection.inbox.clear()
    return driver, connection


def gap_seconds(s, jitter=0.05):
    """The bound of the random delay before a Gap: what was asked for, if the client has a setting for it."""
    return jitter if "jitter" in s.client.capabilities else 2


def no_gap(s, driver, why):
    """Failure if a Gap comes in the time that its delay may take."""
    s.settle(gap_seconds(s) + 0.3)
    driver.none("gap", f"no Gap may come, since {why}")


ATTEMPTS = 20  # that each of two clients makes before they are compared


def check_not_in_step(attempts):
    """`attempts` has for each of two clients when each connection was accepted and when it was closed; the bound of the
    delay between them grows from 20 to 200 ms. Failure if those of one client hardly differ, or if the two clients wait
    for long and for short at the same times. By chance alone each is seen once in 30,000 times."""
    delays = [[after[0] - ended[1] for ended, after in zip(each, each[1:ATTEMPTS])][4:] for each in attempts]
    texts = [" ".join(f"{each * 1000:.0f}" for each in client) + " ms" for client in delays]
    for client, text in zip(delays, texts):
        if min(client) > 0.75 * max(client):
            raise Failure(f"the times between attempts are to be random from 0 to a bound, and hardly differ: {text}")
    if _correlation(*delays) > 0.85:
        raise Failure(f"two clients waited for the same times between their attempts: {texts[0]}, and {texts[1]}")


def _correlation(one, two):
    """Pearson's: 1 if both grow and fall together."""
    one, two = ([each - sum(values) / len(values) for each in values] for values in (one, two))
    products = lambda a, b: sum(x * y for x, y in zip(a, b))
    return products(one, two) / (products(one, one) * products(two, two)) ** 0.5
