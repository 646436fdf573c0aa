"""T1 to T8 and T13: what takes seconds, or two drivers."""
import time

from .. import codec
from ..codec import encode, framed
from ..failure import Failure
from ..registry import scenario
from .common import ATTEMPTS, check_not_in_step, no_gap, published, subscribed



@scenario("T1", "must", "DEGRADED and not receiving for long: a partial Gap for each growth of gaps, and a whole one "
          "when receiving", "PROTOCOL.md 11 rule 7")
def partial_gap(s):
    relay = s.relay()
    driver, connection = subscribed(s, relay, partial_ms=1000)
    for gaps in (1, 2):
        began = time.monotonic()
        connection.status(codec.DEGRADED, publishing=True, gaps=gaps, cause=27)
        gap = driver.take("gap", f"a partial Gap (partial=1), since gaps has grown to {gaps} and it is not receiving",
                          lambda e: e.partial)
        if gap.at - began < 0.8:
            raise Failure(f"the partial Gap came after {gap.at - began:.2f} s, and it is to wait for partial_ms=1000")
    s.settle(1.5)
    driver.none("gap", "both growths of gaps were told as partial Gaps already")
    connection.status(gaps=2)
    driver.take("gap", "a whole Gap (partial=0), since it is receiving again", lambda e: not e.partial)
    no_gap(s, driver, "all was told already")


@scenario("T2", "must", "Error TOO_MANY behind unread output: all before it is delivered, what is unanswered is "
          "INTERRUPTED", "PROTOCOL.md 5 A reader that goes on not to read; 7")
def too_many(s):
    relay = s.relay()
    driver, connection = subscribed(s, relay, events=64 << 20)
    connection.answers.discard("publish")
    answered, first = published(driver, connection)
    unanswered, _ = published(driver, connection)
    data = b"".join(framed(encode("message", channel="room", payload=b"%d" % number + bytes(1000)))
                    for number in range(1000, 2000))
    connection.write(data + framed(encode("loss", messages=7, cause=codec.SLOW_READER)))
    connection.reply(first, receivers=5)
    connection.send("error", code=codec.TOO_MANY, detail="too much unread output")
    connection.end()
    for number in range(1000, 2000):
        driver.take("message", f"message {number - 1000} of 1000 before the Error",
                    lambda e: e.payload[:4] == b"%d" % number)
    driver.take("loss", "the Loss before the Error", lambda e: e.messages == 7 and not e.local)
    if answered.expect("OK").receivers != 5:
        raise Failure(f"{answered} does not have the receivers of the Reply before the Error")
    unanswered.expect("INTERRUPTED")
    relay.accept()
    driver.wait_up()


@scenario("T3", "must", "a restore that ends PENDING: the Gap comes once receiving", "PROTOCOL.md 11 rule 7")
def pending_restore(s):
    relay = s.relay()
    driver, connection = subscribed(s, relay, partial_ms=60_000)
    relay.answers.discard("subscribe")
    relay.status = {"state": codec.DEGRADED, "publishing": True, "cause": 16}
    connection.end()
    connection = relay.accept()
    connection.reply(connection.take("subscribe"), "PENDING")
    no_gap(s, driver, "it is not receiving yet")
    connection.status()
    driver.take("gap", "a whole Gap (partial=0), since it is receiving", lambda e: not e.partial)
    driver.wait_up()
    no_gap(s, driver, "this gap was told already")


@scenario("T4", "must", "a restore that ends LIMIT: as many as are granted are held, the others are told as Revoked",
          "PROTOCOL.md 11 rule 4")
def limited_restore(s):
    names = {f"c:room.{number}" for number in range(20)} | {f"p:user.{number}.*" for number in range(5)}
    relay = s.relay()
    driver, connection = subscribed(s, relay, *sorted(names))
    relay.answers.discard("subscribe")
    connection.end()
    connection = relay.accept()
    revoked = set()

    def answer():
        for frame in connection.unanswered("subscribe"):
            connection.reply(frame, "OK" if len(connection.held | frame.names) <= 10 else "LIMIT")
        while driver.untaken("revoked"):
            revoked.update(driver.untaken("revoked").popleft().names)
        return len(connection.held | revoked) == len(names)
    s.wait(answer, f"{len(names)} names that are held, as far as the limit of 10 allows, or told as revoked")
    if len(connection.held) != 10 or connection.held & revoked:
        raise Failure(f"{len(connection.held)} names are held and {len(revoked)} told as revoked, with a limit of 10: "
                      f"held {sorted(connection.held)}, revoked {sorted(revoked)}")
    driver.wait_up()


@scenario("T5", "should", "two drivers, the relay gone for both: their attempts are not in step",
          "PROTOCOL.md 11 rule 1")
def not_in_step(s):
    relay = s.relay()
    drivers = [s.open(name, backoff_min_ms=20, backoff_max_ms=200) for name in ("one", "two")]
    for driver in drivers:
        driver.wait_up()
    attempts = {"one": [], "two": []}

    def refuse(connection):
        attempts[connection.hello.client_name].append((connection.accepted_at, time.monotonic()))
        connection.close()
    relay.on_hello = refuse
    for connection in list(relay.connections):
        connection.close()
    s.wait(lambda: all(len(each) >= ATTEMPTS for each in attempts.values()),
           f"two clients to try {ATTEMPTS} times each")
    check_not_in_step(attempts.values())


@scenario("T6", "must", "a relay that takes everything and answers nothing is found by a Ping, and given up",
          "PROTOCOL.md 11 rule 3")
def hung_relay(s):
    relay = s.relay(answers=["hello", "subscribe"])
    driver = s.open(ping_idle_ms=600, ping_owed_ms=300, ping_timeout_ms=400)
    connection = relay.accept()
    driver.wait_up()
    for _ in range(3):
        connection.reply(connection.take("ping", "a Ping, since nothing was read for ping_idle_ms=600"))
    _stand_still(s, driver, connection)
    connection.take("ping", "a Ping, since nothing was read for ping_idle_ms=600")
    s.wait(lambda: connection.gone, f"{connection.title}: the client to give up a relay that does not answer its Ping")
    connection = relay.accept()
    driver.wait_up()
    call, _ = published(driver, connection)
    connection.take("ping", "a Ping, since a Reply is owed and nothing was read for ping_owed_ms=300")
    for _ in range(12):  # bytes come, though not the Reply: the relay lives
        connection.status(gaps=1)
        s.settle(0.1)
    if connection.ended:
        raise Failure("the client has given up a relay from which bytes come, and the Ping asks for nothing more")
    s.wait(lambda: connection.gone,
           f"{connection.title}: the client to give up a relay that owes a Reply and is silent")
    call.expect("INTERRUPTED")


def _stand_still(s, driver, connection):
    """The client's process is stopped for longer than all of its times, and the Reply to its Ping comes meanwhile."""
    ping = connection.take("ping", "a Ping, since nothing was read for ping_idle_ms=600")
    driver.stop()
    s.settle(2.5)
    connection.reply(ping)
    driver.go_on()
    connection.reply(connection.take("ping", "a Ping, since the client has stood still, and the relay was there"))
    if connection.ended:
        raise Failure("the client has given up a relay whose Reply lay in the socket: it had stood still itself")


@scenario("T7", "must", "a publish that is larger than the room of the queue towards the relay goes",
          "PROTOCOL.md 11 rule 8")
def larger_than_the_queue(s):
    relay = s.relay()
    driver = s.open(unsent=65536)
    connection = relay.accept()
    driver.wait_connected()
    for command in (driver.publish, driver.publish_now):
        command("room", bytes(1 << 20)).expect("OK")
        s.wait(lambda: not connection.half_frame, "the queue to be empty")
    driver.tell("told", bytes(1 << 20)).expect("SENT")
    connection.take_publish("told")


@scenario("T8", "must", "half a frame written when the connection ends is NOT_CONNECTED or INTERRUPTED; what was not "
          "written at all is NOT_CONNECTED", "PROTOCOL.md 11 rule 6")
def half_a_frame(s):
    relay = s.relay()
    driver = s.open(unsent=16 << 20)
    connection = relay.accept()
    driver.wait_connected()
    connection.pause()
    calls = [driver.publish(f"room.{number}", bytes(1 << 20)) for number in range(4)]
    s.settle(0.5)  # the socket is full then, within the first of them
    relay.leave_path()  # nor may a driver that reads its commands late find another connection
    connection.close()
    calls[0].expect("NOT_CONNECTED", "INTERRUPTED")
    for call in calls[1:]:
        call.expect("NOT_CONNECTED")
    relay.listen()
    connection = relay.accept()
    driver.wait_connected()
    driver.publish("room").expect("OK")
    if not s.is_publisher():
        _half_a_send(s, driver, relay, connection)


def _half_a_send(s, driver, relay, connection):
    """The same of publishes without id: one Loss of the client's own tells both kinds."""
    connection.pause()
    for _ in range(5):
        driver.tell("told", bytes(200_000)).expect("SENT")
    s.settle(0.5)  # the socket is full then
    relay.leave_path()
    connection.close()
    loss = driver.take("loss", "one Loss of the client's own (local=1 cause=28), of five publishes without id",
                       lambda e: e.local and e.cause == codec.NO_RELAY and e.publishes + e.unknown == 5)
    if not loss.publishes:
        raise Failure(f"`event {loss}` came, and the last of the five was not written: publishes is 1 at least")
    relay.listen()
    relay.accept()
    driver.wait_up()
    driver.none("loss", "one Loss has told all")


@scenario("T13", "must", "a client that was stopped starts its timers again, and does not give the relay up",
          "PROTOCOL.md 11 rule 3")
def stopped_client(s):
    relay = s.relay(answers=["hello", "subscribe", "publish"])
    driver = s.open(ping_idle_ms=300, ping_owed_ms=300, ping_timeout_ms=6000)
    connection = relay.accept()
    driver.wait_up()
    ping = connection.take("ping", "a Ping, since nothing was read for ping_idle_ms=300")
    driver.stop()
    s.settle(8)  # the timer that gives the relay up is two seconds late then, and there is nothing to be read
    driver.go_on()
    s.settle(1)
    if connection.ended:
        raise Failure("the client has given the relay up by a timer that was two seconds late, since the client itself "
                      "had been stopped")
    connection.reply(ping)
    connection.answers.add("ping")
    driver.publish("room").expect("OK")
    if connection.ended:
        raise Failure("the client has given up a relay that has answered its Ping")
