"""S14 to S16 and S20: what is owed at the end of a relay, and a successor that is late."""
import time

from .. import codec
from ..failure import Failure
from ..registry import scenario
from .common import published, restore, subscribed
from .moving import stop, wait_left



@scenario("S14", "should", "STOPPING: an owed Reply that takes 2 s is waited for; a graceful stop makes nothing "
          "unknown", "PROTOCOL.md 11 rules 9 and 6")
def owed_is_waited_for(s):
    relay = s.relay(features=["patterns", "settled"])
    driver, old = subscribed(s, relay)
    old.answers -= {"publish", "ping"}
    call, frame = published(driver, old)
    for _ in range(3):
        driver.tell("told").expect("SENT")
    for _ in range(3):
        old.take_publish("told")
    next_relay = s.relay(features=["patterns", "settled"])
    stop(relay, old)
    next_relay.accept("the next connection, since the relay is STOPPING")
    wait_left(s, old)
    s.settle(2)
    if call.outcome:
        raise Failure(f"{call} ended with {call.outcome} within 2 s, and a relay has 10 s for what it owes")
    for ping in old.unanswered("ping"):
        old.reply(ping)
    old.reply(frame)
    call.expect("OK")
    driver.publish("room").expect("OK")
    driver.none("loss", "the relay has ended in order, so nothing is unknown")


@scenario("S15", "must", "STOPPING without a successor: the old relay is left in order within successor_ms, and the "
          "path is tried again", "PROTOCOL.md 11 rule 9")
def nobody_follows(s):
    relay = s.relay()
    driver, old = subscribed(s, relay)
    old.answers.discard("publish")
    call, frame = published(driver, old)
    stop(relay, old)
    wait_left(s, old, within=5)  # 250 ms, and patience; a relay ends idle connections itself after 2 s
    next_relay = s.relay(answers=["hello", "publish", "unsubscribe", "ping"])
    new = next_relay.accept("the client to try the path again")
    restore(s, new, {"c:room"})
    old.reply(frame, receivers=7)
    if call.expect("OK").receivers != 7:
        raise Failure(f"{call} does not have the receivers of the Reply that the old relay owed")
    driver.wait_up()


@scenario("S16", "must", "STOPPING, and a successor that accepts and says nothing yet: its connection is used once it "
          "speaks", "PROTOCOL.md 11 rule 9")
def silent_successor(s):
    relay = s.relay()
    driver, old = subscribed(s, relay)
    next_relay = s.relay(answers=["publish", "subscribe", "unsubscribe", "ping"])
    stop(relay, old)
    new = next_relay.accept("the next connection, since the relay is STOPPING")
    wait_left(s, old, within=5)
    s.settle(0.2)
    if len(next_relay.connections) > 1 or new.ended:
        raise Failure("the client has connected again, though it has a connection whose relay is yet to speak")
    new.welcome()
    driver.take_status("a status with state=1 connected=1, of the successor",
                       lambda e: e.state == codec.UP and e.connected)
    s.wait(lambda: new.held == {"c:room"}, f"{new.title}: a Subscribe to what is held")
    driver.publish("room").expect("OK")
    if len(next_relay.connections) > 1:
        raise Failure("the client has connected again, though it has a connection whose relay was yet to speak")


@scenario("S20", "must", "settled Pings: what is told as unknown at the end is exactly what was not settled",
          "PROTOCOL.md 11 rule 6")
def settled(s):
    relay = s.relay(answers=["hello", "subscribe", "publish"])
    driver = s.open()
    connection = relay.accept()
    driver.wait_up()
    _tell(driver, connection, 4)
    ping = connection.take("ping", "a Ping with settled, since something was sent", lambda frame: frame.settled)
    _tell(driver, connection, 3)
    connection.reply(ping)
    connection.end()
    _expect_unknown(s, driver, 3, "4 were written before the Ping that was answered, and 3 behind it")
    connection = relay.accept()
    driver.wait_up()
    _tell(driver, connection, 10)
    ping = connection.take("ping", "a Ping with settled, since something was sent", lambda frame: frame.settled)
    connection.send("loss", publishes=2, publishes_unknown=1, cause=codec.CLOSED)
    driver.take("loss", "the relay's Loss", lambda e: (e.publishes, e.unknown, e.local) == (2, 1, False))
    connection.end()
    _expect_unknown(s, driver, 7, "10 were written, no Ping was answered, and the relay has told a Loss of 3")
    connection = relay.accept()
    driver.wait_up()
    _tell(driver, connection, 2)
    connection.reply(connection.take("ping", "a Ping with settled", lambda frame: frame.settled))
    connection.wait_until_read()
    connection.end()
    driver.take_status("the end of the connection", lambda e: not e.connected)
    relay.accept()
    driver.wait_up()
    driver.none("loss", "all was settled")


def _tell(driver, connection, count):
    for _ in range(count):
        driver.tell("told").expect("SENT")
    for _ in range(count):
        connection.take_publish("told")


def _expect_unknown(s, driver, expected, why):
    """The sum of what the client tells as unknown, once it tells that the connection has ended."""
    came = 0
    deadline = time.monotonic() + 30
    while came < expected and time.monotonic() < deadline:
        came += driver.take("loss", f"a local Loss with unknown={expected}, since {why}", lambda e: e.local).unknown
    driver.take_status("the end of the connection", lambda e: not e.connected)
    came += sum(loss.unknown for loss in driver.untaken("loss"))
    if came != expected:
        raise Failure(f"{came} publishes were told as unknown, and not {expected}: {why}")
