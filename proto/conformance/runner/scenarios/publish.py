"""P: publishing."""
import itertools

from ..codec import framed
from ..failure import Failure
from ..registry import scenario
from .common import published


def _connected(s, relay, **settings):
    """A client that is connected, and its connection, which leaves Publishes to the scenario from here on."""
    driver = s.open(**settings)
    connection = relay.accept()
    driver.wait_connected()
    connection.answers.discard("publish")
    connection.inbox.clear()
    return driver, connection


@scenario("P1", "must", "each Outcome has its own error; receivers and detail come through",
          "PROTOCOL.md 4 Reply; 11 What a client offers")
def outcomes(s):
    relay = s.relay()
    driver, connection = _connected(s, relay)
    for outcome in ("NOT_CONNECTED", "INTERRUPTED", "REFUSED", "INVALID", "OK"):
        call, frame = published(driver, connection)
        detail = "" if outcome == "OK" else f"NOPERM for {outcome}: ü"
        receivers = 2**32 + 5 if outcome == "OK" else 0
        connection.reply(frame, outcome, detail=detail, receivers=receivers)
        result = call.expect(outcome)
        if outcome == "OK" and result.receivers != receivers:
            raise Failure(f"{call}: receivers={result.receivers}, and the Reply has {receivers}")
        if detail not in result.detail:
            raise Failure(f"{call}: detail={result.detail!r}, and the Reply has {detail!r}")
    if s.is_publisher():
        return
    connection.answers.discard("subscribe")
    for outcome in ("PENDING", "REFUSED", "INVALID", "LIMIT", "OK"):
        call = driver.subscribe(f"c:{outcome}")
        frame = connection.take("subscribe")
        refused = {"detail": "NOPERM", "channels": [outcome]} if outcome == "REFUSED" else {}
        connection.reply(frame, outcome, **refused)
        call.expect(outcome)


@scenario("P2", "must", "Replies overtake each other", "PROTOCOL.md 6 rule 5")
def overtaking(s):
    relay = s.relay()
    driver, connection = _connected(s, relay)
    calls = [driver.publish("room", f"{number}") for number in range(5)]
    frames = [connection.take_publish("room") for _ in calls]
    for frame in reversed(frames):
        connection.reply(frame, receivers=int(frame.payload) + 10)
    for number, call in enumerate(calls):
        if (result := call.expect("OK")).receivers != number + 10:
            raise Failure(f"{call}: receivers={result.receivers}, and its own Reply has {number + 10}")


@scenario("P3", "must", "the end of the connection: written and unanswered is INTERRUPTED, and never sent again",
          "PROTOCOL.md 11 rule 6")
def interrupted(s):
    relay = s.relay()
    driver, connection = _connected(s, relay)
    calls = [driver.publish("room", f"{number}") for number in range(4)]
    frames = [connection.take_publish("room") for _ in calls]
    connection.reply(frames[1])
    calls[1].expect("OK")
    connection.end()
    for call in calls[:1] + calls[2:]:
        call.expect("INTERRUPTED")
    second = relay.accept()
    driver.wait_connected()
    s.settle(0.2)
    if again := second.pending("publish", lambda frame: frame.channel == "room"):
        raise Failure(f"sent again on the next connection: {again[0]}")
    driver.publish("room", "new").expect("OK")


@scenario("P4", "must", "sizes and names are checked before sending, by the numbers of this Welcome; the connection "
          "lives", "PROTOCOL.md 11 rule 5")
def sizes_and_names(s):
    relay = s.relay(max_frame_bytes=9000, max_payload_bytes=4500)
    driver = s.open()
    connection = relay.accept()
    driver.wait_connected()
    driver.publish("room", bytes(4500)).expect("OK")
    driver.publish("room", b"").expect("OK")
    driver.publish("room", bytes(4501)).expect("INVALID")
    driver.publish("room", bytes(100_000)).expect("INVALID")
    driver.tell("room", bytes(4501)).expect("INVALID")
    for name, word in (("n" * 512, "OK"), ("é" * 256, "OK"), ("n" * 513, "INVALID"), ("é" * 257, "INVALID"),
                       ("", "INVALID"), ("a\0b\r\nc d", "OK"), ("東京🚀", "OK")):
        driver.publish(name).expect(word)
        if name and (last := connection.pending("publish")[-1].channel) != name and word == "OK":
            raise Failure(f"the channel {name[:20]!r} came as {last[:20]!r}")
    if not s.is_publisher():
        for name in ("c:" + "n" * 513, "c:" + "é" * 257, "p:" + "n" * 513, "c:"):
            driver.subscribe(name).expect("INVALID")
        driver.subscribe("c:" + "n" * 512).expect("OK")
    if connection.gone or len(relay.connections) > 1:
        raise Failure("the connection has ended; INVALID is for the request alone")
    longest = max(len(frame.payload) for frame in connection.pending("publish"))
    if longest > 4500:
        raise Failure(f"a payload of {longest} bytes came, and max_payload_bytes is 4500")
    relay.close()
    relay = s.relay(max_frame_bytes=200_000)
    relay.accept()
    driver.wait_connected()
    driver.publish("room", bytes(100_000)).expect("OK")


@scenario("P5", "must", "a name that is not UTF-8 never reaches the relay: it would cost the connection",
          "PROTOCOL.md 11 rule 5")
def not_utf8(s):
    relay = s.relay()
    driver = s.open()
    connection = relay.accept()
    driver.wait_connected()
    for name in (b"\xff", b"room.\xe9", b"\xc0\x80", b"\xed\xa0\x80", b"cut.\xf0\x9f\x9a"):
        driver.publish(name).expect("INVALID")
        driver.tell(name).expect("INVALID")
        if not s.is_publisher():
            driver.subscribe(b"c:" + name).expect("INVALID")
            driver.subscribe(b"p:" + name).expect("INVALID")
    driver.publish("room").expect("OK")
    if connection.gone or len(relay.connections) > 1:
        raise Failure("the connection has ended; INVALID is for the request alone")


@scenario("P6", "must", "publishes that await their Reply are bounded: beyond, one waits, or is told CONGESTED",
          "PROTOCOL.md 11 rule 8")
def inflight_bound(s):
    bound = 8 if "inflight-bound" in s.client.capabilities else 10_000
    relay = s.relay()
    driver, connection = _connected(s, relay, inflight=bound)
    calls = [driver.publish("room", f"{number}") for number in range(bound + 12)]
    arrived = lambda: len(connection.pending("publish"))
    s.wait(lambda: arrived() >= bound, f"{bound} publishes, which is how many may await their Reply")
    driver.publish_now("room", "now").expect("CONGESTED")
    s.settle(0.2)
    if arrived() > bound:
        raise Failure(f"{arrived()} publishes await their Reply, and {bound} is the bound")

    def answer():
        if arrived() > bound:
            raise Failure(f"{arrived()} publishes await their Reply, and {bound} is the bound")
        for frame in connection.pending("publish"):
            connection.inbox.remove(frame)
            connection.reply(frame)
        return all(call.outcome for call in calls)
    s.wait(answer, "the results of all publishes, since there is room again")
    words = [call.expect("OK", "CONGESTED").word for call in calls]
    if words.count("OK") < bound:
        raise Failure(f"{words.count('OK')} of {len(words)} publishes are OK, and {bound} may await their Reply")


@scenario("P7", "must", "what the relay does not read is bounded, too, and CONGESTED says that nothing was sent",
          "PROTOCOL.md 11 rule 8")
def unsent_bound(s):
    piece = 64 << 10
    bound = 1 << 20 if "unsent-bound" in s.client.capabilities else 16 << 20
    relay = s.relay()
    driver, connection = _connected(s, relay, unsent=bound, ping_owed_ms=60_000, ping_idle_ms=60_000,
                                    ping_timeout_ms=60_000)
    connection.pause()
    # The sockets' own buffers hold some hundred KiB more.
    calls = [driver.publish_now("room", b"%06d" % number + bytes(piece)) for number in range(2 * bound // piece + 32)]
    s.wait(lambda: any(call.outcome for call in calls), f"CONGESTED, for {len(calls)} publishes of {piece} bytes to a "
           "relay that does not read")
    tells = []
    for number in range(100):
        tells.append(driver.tell("told", b"%06d" % number + bytes(piece)))
        if tells[-1].expect("SENT", "CONGESTED").word == "CONGESTED":
            break
    else:
        raise Failure("100 publishes without Reply, of 64 KiB each, to a relay that does not read: none is CONGESTED")
    connection.answers.add("publish")
    connection.resume()
    s.wait(lambda: all(call.outcome for call in calls), "the results of all publishes, since the relay reads again")
    words = [call.expect("OK", "CONGESTED").word for call in calls]
    if words.count("OK") * piece > bound + (2 << 20):
        raise Failure(f"{words.count('OK')} publishes of {piece} bytes were under way, and the bound is {bound} bytes")
    expected = sorted(itertools.compress(range(len(calls)), (word == "OK" for word in words)))
    _numbers(s, connection, "room", expected)
    _numbers(s, connection, "told", [number for number, call in enumerate(tells) if call.outcome.word == "SENT"])


def _numbers(s, connection, channel, expected):
    frames = lambda: connection.pending("publish", lambda frame: frame.channel == channel)
    arrived = lambda: [int(frame.payload[:6]) for frame in frames()]
    s.wait(lambda: len(arrived()) >= len(expected), f"{len(expected)} publishes to {channel} which were not CONGESTED")
    if arrived() != expected:
        raise Failure(f"those that were not CONGESTED are not those that came, in their order: {len(expected)}, and "
                      f"{len(arrived())} to {channel}")


@scenario("P8", "should", "a caller that gives up is told that the delivery is unknown; the late Reply harms nobody, "
          "and frees the place", "PROTOCOL.md 11 rule 10", needs=("cancel",))
def given_up(s):
    relay = s.relay()
    driver, connection = _connected(s, relay, inflight=2)
    given_up, frame = published(driver, connection)
    other, other_frame = published(driver, connection)
    driver.send("cancel", given_up.tag)
    given_up.expect("CANCELLED", "INTERRUPTED")
    if "inflight-bound" in s.client.capabilities:
        driver.publish_now("room", "too early").expect("CONGESTED")
    connection.write(framed(connection.reply_body(frame)) + framed(connection.reply_body(other_frame, receivers=9)))
    if other.expect("OK").receivers != 9:
        raise Failure(f"{other} does not have the receivers of its own Reply, which came right behind the late one")
    connection.answers.add("publish")
    for _ in range(2):
        driver.publish_now("room", "after").expect("OK")  # the late Reply has freed its place
    if connection.gone or len(relay.connections) > 1:
        raise Failure("the late Reply has ended the connection")


@scenario("P9", "must", "publishes without Reply have id 0; those that the end of the connection leaves open are told "
          "as unknown, and those settled before are not", "PROTOCOL.md 11 rule 6")
def told_without_reply(s):
    relay = s.relay()
    driver, connection = _connected(s, relay)
    connection.answers.discard("ping")
    _tell(driver, connection, 5)
    if s.is_publisher():
        return
    settling = connection.take("ping", "a Ping with settled", lambda frame: frame.settled)
    connection.reply(settling)
    driver.publish("room", "read after the Reply")  # so the Reply was read, too, when this has come
    connection.take_publish("room")
    _tell(driver, connection, 3)
    relay.features = ("patterns",)  # of the next connection, which may be there before the Loss is reported
    connection.end()
    unknown = _unknown(driver)
    if not 3 <= unknown < 8:
        raise Failure(f"{unknown} publishes were told as unknown: 3 were open, and 5 settled before")
    connection = relay.accept()
    driver.wait_connected()
    _tell(driver, connection, 4)
    s.settle(1.2)  # a Ping with settled would come after a second; to this relay none may
    connection.end()
    unknown = _unknown(driver)
    if unknown < 4:
        raise Failure(f"{unknown} publishes were told as unknown, and 4 were open; this relay cannot settle")


def _tell(driver, connection, count):
    for _ in range(count):
        driver.tell("told").expect("SENT")
    for _ in range(count):
        frame = connection.take_publish("told")
        if frame.id:
            raise Failure(f"a publish without Reply has an id: {frame}")


def _unknown(driver):
    """How many publishes the client tells as unknown."""
    loss = driver.take("loss", "a Loss of the publishes whose delivery is unknown", lambda e: e.unknown)
    if not loss.local:
        raise Failure(f"`event {loss}`: the relay has told no Loss, so it is a local one")
    return loss.unknown
