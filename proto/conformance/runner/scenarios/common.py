"""Steps that several scenarios have."""
from ..failure import Failure


def published(driver, connection, channel="room"):
    """A publish that has reached the relay, and awaits its Reply. One that came too early for the client is repeated."""
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


def check_not_in_step(attempts):
    """`attempts` has for each of two clients when each connection was accepted and when it was closed. By chance alone
    nine delays of full jitter that are alike within 8 ms are seen once in millions of times."""
    delays = [[after[0] - ended[1] for ended, after in zip(each, each[1:10])] for each in attempts]
    if all(abs(one - two) < 0.008 for one, two in zip(*delays)):
        text = " ".join(f"{each * 1000:.0f}" for each in delays[0])
        raise Failure(f"two clients waited for the same times between their attempts: {text} ms")
