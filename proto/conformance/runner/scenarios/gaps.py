"""S1 to S11 and S13: what the client tells of the state, of gaps and of losses."""
import time

from .. import codec
from ..failure import Failure
from ..registry import scenario
from .common import gap_seconds, no_gap, restore, subscribed

_LATER = {"partial_ms": 60_000}  # so that no partial Gap comes between


@scenario("S1", "must", "the end of the connection is told as not UP, once",
          "PROTOCOL.md 11 rule 1, and `status` in What a client offers")
def end_is_told_once(s):
    relay = s.relay()
    driver, connection = subscribed(s, relay)
    relay.leave_path()
    connection.end()
    status = driver.take("status", "a status with connected=0", lambda e: not e.connected)
    if status.state == codec.UP or status.publishing or status.receiving or status.cause != codec.NO_RELAY:
        raise Failure(f"`event {status}`: without a relay it is not UP, in neither direction, of cause "
                      f"{codec.NO_RELAY}")
    s.settle(0.3)  # attempts to connect fail meanwhile
    driver.none("status", "the end of the connection was told already")
    relay.listen()
    relay.accept()
    driver.wait_up()


@scenario("S2", "must", "every Status comes through, with publishing and receiving apart", "PROTOCOL.md 4 Status")
def every_status(s):
    relay = s.relay()
    driver, connection = subscribed(s, relay, **_LATER)
    for state, publishing, receiving, gaps, cause in (
            (codec.DEGRADED, True, False, 1, 19), (codec.DEGRADED, False, False, 1, 27),
            (codec.DEGRADED, False, True, 1, 18), (codec.DOWN, False, False, 2**40, 24),
            (codec.UP, True, True, 2**40, 0)):
        expected = (state, publishing, receiving, gaps, cause, True)
        connection.status(state, publishing, receiving, gaps=gaps, cause=cause, reason="for people: ü", outages=1)
        driver.take("status", f"a status with (state, publishing, receiving, gaps, cause, connected) = {expected}",
                    lambda e: (e.state, e.publishing, e.receiving, e.gaps, e.cause, e.connected) == expected)


@scenario("S3", "must", "gaps has grown: one Gap, once receiving again, not before", "PROTOCOL.md 11 rule 7")
def gap_once_receiving(s):
    relay = s.relay()
    driver, connection = subscribed(s, relay, **_LATER)
    connection.status(codec.DEGRADED, publishing=True, receiving=False, gaps=1, cause=codec.CLOSED)
    no_gap(s, driver, "it is not receiving yet")
    connection.status(gaps=1)
    _whole_gap(driver)
    connection.status(codec.DEGRADED, publishing=False, receiving=True, gaps=2, cause=codec.CLOSED)
    _whole_gap(driver, "a whole Gap, since it is receiving, though it is not UP")
    no_gap(s, driver, "these gaps were told already")


def _whole_gap(driver, what="a whole Gap (partial=0)"):
    return driver.take("gap", what, lambda e: not e.partial)


@scenario("S4", "must", "only the publish link was lost: gaps has not grown, no Gap",
          "PROTOCOL.md 5 Only the publish link is lost; 11 rule 7")
def no_gap_of_publish_link(s):
    relay = s.relay(status={"state": codec.UP, "publishing": True, "receiving": True, "gaps": 3})
    driver, connection = subscribed(s, relay)
    connection.status(codec.DEGRADED, publishing=False, receiving=True, gaps=3, cause=codec.CLOSED)
    connection.status(gaps=3)
    driver.take_status("the Status DEGRADED", lambda e: e.state == codec.DEGRADED)
    driver.wait_up()
    no_gap(s, driver, "gaps has not grown")


@scenario("S5", "must", "a new connection is a Gap, to the same relay and to another one, whose gaps counts from 0",
          "PROTOCOL.md 11 rule 7")
def new_connection_is_a_gap(s):
    up = {"state": codec.UP, "publishing": True, "receiving": True}
    relay = s.relay(status=up | {"gaps": 7})
    driver, connection = subscribed(s, relay)
    connection.end()
    connection = relay.accept()
    _whole_gap(driver, "a Gap, because of a new connection to the same relay")
    connection.end()
    relay.close()
    connection = s.relay(status=up | {"gaps": 2}).accept()
    _whole_gap(driver, "a Gap, because of a connection to another relay")
    no_gap(s, driver, "one Gap was told for each connection already")
    connection.status(gaps=3)
    _whole_gap(driver, "a Gap, because gaps of this relay has grown from 2 to 3")


@scenario("S6", "must", "the delay of a Gap is random, between 0 and the bound", "PROTOCOL.md 11 rule 7")
def random_delay(s):
    relay = s.relay()
    driver, connection = subscribed(s, relay, jitter_ms=1000)
    bound = gap_seconds(s, 1)
    delays = []
    for gaps in range(1, 9):
        began = time.monotonic()
        connection.status(gaps=gaps)
        delays.append(_whole_gap(driver, f"a Gap, because gaps has grown to {gaps}").at - began)
    text = " ".join(f"{each * 1000:.0f}" for each in delays) + " ms"
    # By chance alone each of these fails once in 40,000 times.
    if max(delays) - min(delays) < 0.17 * bound:
        raise Failure(f"the delays differ too little to be random between 0 and {bound * 1000:.0f} ms: {text}")
    if min(delays) > bound + 2:
        raise Failure(f"the delays are above the bound of {bound * 1000:.0f} ms: {text}")


@scenario("S7", "must", "several gaps within the delay are one; a break within it waits for receiving again",
          "PROTOCOL.md 11 rule 7")
def several_are_one(s):
    relay = s.relay()
    driver, connection = subscribed(s, relay, jitter_ms=400, **_LATER)
    gaps = 0

    def three_at_once():
        nonlocal gaps
        for _ in range(3):
            gaps += 1
            connection.status(gaps=gaps)
        _whole_gap(driver)
        return _gaps_within(s, driver, 0.4)
    _in_one_of_three(three_at_once, "three gaps at once were told as several")

    def break_within():
        nonlocal gaps
        connection.status(gaps=gaps + 1)
        gaps += 2
        connection.status(codec.DOWN, gaps=gaps, cause=codec.CLOSED)
        early = _gaps_within(s, driver, 0.4)
        connection.status(gaps=gaps)
        _whole_gap(driver, "a Gap, since it is receiving again")
        return early
    _in_one_of_three(break_within, "a Gap whose delay was interrupted by a break was told while not receiving")


def _gaps_within(s, driver, jitter):
    """How many Gaps come in the time that one may take; takes them."""
    s.settle(gap_seconds(s, jitter) + 0.3)
    count = len(driver.untaken("gap"))
    driver.untaken("gap").clear()
    return count


def _in_one_of_three(play, what):
    """A delay may be as good as 0 by chance: the client has three attempts to show that it can."""
    if all(play() for _ in range(3)):
        raise Failure(f"{what}, three times of three")


@scenario("S8", "must", "a PENDING Subscribe is a Gap once receiving, though gaps does not grow",
          "PROTOCOL.md 11 rule 7")
def pending_is_a_gap(s):
    status = {"state": codec.DEGRADED, "publishing": True, "cause": 16}
    relay = s.relay(status=status)
    driver = s.open(**_LATER)
    connection = relay.accept()
    connection.answers.discard("subscribe")
    call = driver.subscribe("c:room")
    connection.reply(connection.take("subscribe"), "PENDING")
    call.expect("PENDING")
    no_gap(s, driver, "it is not receiving yet")
    connection.status()
    _whole_gap(driver, "a Gap, because the PENDING Subscribe is in force now")
    no_gap(s, driver, "this gap was told already")
    relay.close()
    driver.take_status("the end of the connection", lambda e: not e.connected)
    driver.unsubscribe("c:room").expect("OK")
    driver.subscribe("c:later").expect("PENDING")
    relay = s.relay()
    relay.accept()
    _whole_gap(driver, "a Gap, because what was subscribed to without a relay is in force now")
    no_gap(s, driver, "this gap was told already")


@scenario("S9", "must", "a Loss of messages is told, and is a Gap at once, without the random delay",
          "PROTOCOL.md 11 rule 7")
def loss_is_a_gap(s):
    relay = s.relay()
    driver, connection = subscribed(s, relay, jitter_ms=600_000)
    for messages in (5, 7):
        connection.send("loss", messages=messages, cause=codec.SLOW_READER, reason="read too slowly")
        driver.take("loss", f"a loss with messages={messages} local=0",
                    lambda e: (e.messages, e.cause, e.local) == (messages, codec.SLOW_READER, False))
        s.wait(lambda: driver.untaken("gap"), "a Gap at once, because of the Loss (jitter_ms is 600,000)", within=10)
        _whole_gap(driver)
    connection.send("loss", publishes=3, publishes_unknown=2, cause=codec.CLOSED)
    driver.take("loss", "a loss with publishes=3 unknown=2",
                lambda e: (e.publishes, e.unknown, e.messages) == (3, 2, 0))
    no_gap(s, driver, "no messages were lost")


@scenario("S10", "must", "nothing is subscribed: no Gap", "PROTOCOL.md 11 rule 7")
def no_gap_without_subscription(s):
    relay = s.relay()
    driver, connection = subscribed(s, relay)
    driver.unsubscribe("c:room").expect("OK")
    connection.status(gaps=1)
    connection.end()
    connection = relay.accept()
    driver.wait_up()
    connection.status(codec.DOWN, gaps=2, cause=codec.CLOSED)
    connection.status(gaps=2)
    no_gap(s, driver, "nothing is subscribed")


@scenario("S11", "must", "a Gap waits for the Replies of Subscribes sent before receiving, and is not starved by new "
          "ones", "PROTOCOL.md 11 rule 7")
def gap_waits_for_replies(s):
    relay = s.relay()
    driver, connection = subscribed(s, relay, **_LATER)
    connection.answers.discard("subscribe")
    connection.status(codec.DEGRADED, publishing=True, gaps=1, cause=codec.CLOSED)
    driver.take_status("the Status DEGRADED", lambda e: e.state == codec.DEGRADED)
    before = driver.subscribe("c:before")
    owed = connection.take("subscribe")
    connection.status(gaps=1)
    connection.wait_until_read()
    no_gap(s, driver, "a Subscribe that was sent before it was receiving has no Reply yet")
    flow = [driver.subscribe(f"c:after.{number}") for number in range(3)]
    frames = [connection.take("subscribe")]
    connection.reply(owed)
    before.expect("OK")
    _whole_gap(driver, "a Gap, though Subscribes that were sent later have no Replies yet")
    connection.reply(frames[0])
    for _ in flow[1:]:
        connection.reply(connection.take("subscribe"))
    for call in flow:
        call.expect("OK")


@scenario("S13", "must", "Revoked is told, and not asked for again", "PROTOCOL.md 11 rule 4; 10 On Revoked")
def revoked(s):
    relay = s.relay()
    driver, connection = subscribed(s, relay)
    driver.subscribe("c:bad", "p:bad.*", "p:good.*").expect("OK")
    connection.send("revoked", channels=["bad"], patterns=["bad.*"], detail="NOPERM")
    driver.take("revoked", "revoked c:bad p:bad.*", lambda e: e.names == {"c:bad", "p:bad.*"})
    connection.message("room", "still here")
    driver.take("message", "the message on room, which is still held", lambda e: e.payload == b"still here")
    relay.answers.discard("subscribe")
    connection.end()
    restore(s, relay.accept(), {"c:room", "p:good.*"})
    driver.wait_up()
