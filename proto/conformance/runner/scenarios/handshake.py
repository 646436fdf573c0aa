"""H: Hello and Welcome, framing, and leniency."""
from .. import codec
from ..codec import encode, field, framed, varint
from ..connection import Connection
from ..failure import Failure
from ..registry import scenario
from ..relay import FEATURES
from .common import published


@scenario("H1", "must", "Hello is the first frame, and what does not fit 4096 bytes waits for Welcome",
          "PROTOCOL.md 3 Hello; 11 rule 2")
def hello_is_first(s):
    relay = s.relay(answers=["publish", "subscribe", "ping"])
    name = "wörker 1/%"
    driver = s.open(name)
    connection = relay.accept()
    hello = connection.hello
    if (hello.version, hello.client_name) != (1, name):
        raise Failure(f"Hello has version={hello.version} client_name={hello.client_name!r}, and not 1 and {name!r}")
    names = [f"c:room.{number:04}.{'x' * 50}" for number in range(100)]
    if not s.is_publisher():
        driver.subscribe(*names, "p:user.*")
    large = driver.publish("large", bytes(5000))
    s.settle(0.3)  # the checks of every frame say what may not come before Welcome
    connection.welcome()
    driver.wait_connected()
    large.expect("OK", "NOT_CONNECTED", "CONGESTED")
    if not s.is_publisher():
        s.wait(lambda: connection.held == {*names, "p:user.*"}, "a Subscribe to all that was asked for before Welcome")


@scenario("H2", "must", "frames are put together whatever the reads bring: one byte each", "PROTOCOL.md 2")
def one_byte_each(s):
    relay = s.relay(answers=["subscribe", "ping"])
    driver = s.open()
    connection = relay.accept()
    connection.trickle(framed(connection.welcome_body()))
    if not s.is_publisher():
        driver.wait_up()
        driver.subscribe("c:room").expect("OK")
    call, frame = published(driver, connection)
    reply = framed(connection.reply_body(frame, receivers=300))
    if s.is_publisher():
        connection.trickle(reply)
    else:
        connection.trickle(framed(encode("message", channel="room", payload=b"one")) + reply
                           + framed(encode("status", state=codec.DEGRADED, publishing=True, gaps=1, cause=codec.CLOSED))
                           + framed(encode("message", channel="room", payload=bytes(200))))
        for payload in (b"one", bytes(200)):
            driver.take("message", f"the message {payload[:5]!r}", lambda m: m.payload == payload)
        driver.take_status("the Status", lambda e: e.state == codec.DEGRADED and e.cause == codec.CLOSED)
    if (result := call.expect("OK")).receivers != 300:
        raise Failure(f"{call}: receivers={result.receivers}, and the Reply has 300")


@scenario("H3", "must", "many frames in one read all count", "PROTOCOL.md 2")
def many_frames_in_one_read(s):
    relay = s.relay()
    driver = s.open(ping_owed_ms=60_000)
    connection = relay.accept()
    driver.wait_connected()
    connection.answers.discard("publish")
    calls = [driver.publish("many", f"{number}") for number in range(50)]
    frames = [connection.take_publish("many") for _ in calls]
    if not s.is_publisher():
        driver.subscribe("c:room").expect("OK")
    data = b""
    for number, frame in enumerate(frames):
        data += framed(connection.reply_body(frame, receivers=int(frame.payload) + 1))
        if not s.is_publisher():
            data += framed(encode("message", channel="room", payload=b"%d" % number))
    connection.write(data)
    for number, call in enumerate(calls):
        if (result := call.expect("OK")).receivers != number + 1:
            raise Failure(f"{call}: receivers={result.receivers}, and its Reply has {number + 1}")
    for number in range(0 if s.is_publisher() else 50):
        driver.take("message", f"message {number} of 50", lambda m: m.payload == b"%d" % number)


@scenario("H4", "must", "unknown kinds, fields, features, States, Causes, Outcomes and ids do no harm",
          "PROTOCOL.md 11 rule 12; 12")
def unknown_things(s):
    relay = s.relay(answers=["ping", "subscribe"], features=(*FEATURES, "of-tomorrow", "ü"))
    driver = s.open()
    connection = relay.accept()
    unknown = b"".join([field(19, 7), field(15, b"new"), field(16, b"\xff"),
                        varint(17 << 3 | 5), bytes(4), varint(18 << 3 | 1), bytes(8)])
    connection.write(framed(_with_fields(connection.welcome_body(), unknown) + field(200, b"new")))
    if not s.is_publisher():
        driver.wait_up()
        driver.subscribe("c:room").expect("OK")
    for body in (field(8, b"\xff\x00new"), field(15, b""), field(200, b"x" * 300), field(2**29 - 1, 5), field(1, 5)):
        connection.write(framed(body))
    connection.send("reply", id=4711, outcome=1)
    connection.send("reply", id=2**64 - 1, outcome=99)
    for outcome in (0, 8, 99, 2**31 - 1):
        call, frame = published(driver, connection)
        connection.reply(frame, outcome, detail="of tomorrow")
        result = call.result()
        if result.word in ("OK", "PENDING", "SENT"):
            raise Failure(f"a publish whose Reply has the outcome {outcome} ended with {result}, and it is a failure")
    if not s.is_publisher():
        _unknown_events(driver, connection, unknown)
    call, frame = published(driver, connection)
    connection.reply(frame, receivers=2**64 - 1)
    if (result := call.expect("OK")).receivers < codec.MAX_ID:
        raise Failure(f"{call}: receivers={result.receivers}, and the Reply has 2^64-1")
    call, frame = published(driver, connection)
    connection.write(framed(_with_fields(connection.reply_body(frame, receivers=2), unknown)))
    if (result := call.expect("OK")).receivers != 2:
        raise Failure(f"{call}: receivers={result.receivers}, and the Reply, which has unknown fields too, has 2")
    if connection.gone or len(relay.connections) > 1:
        raise Failure("the client has ended the connection because of something that it does not know")


def _unknown_events(driver, connection, unknown):
    connection.status(77, publishing=True, receiving=True, cause=99)
    driver.take_status("the Status with the unknown state=77 and cause=99, which is not UP",
                       lambda e: e.state == 77 and e.cause == 99)
    connection.status()
    driver.wait_up()
    connection.send("loss", publishes=1, cause=99)
    driver.take("loss", "the Loss of the unknown cause 99", lambda e: e.publishes == 1 and e.cause == 99)
    connection.send("welcome", **connection.relay.welcome_fields() | {"relay_id": "a second Welcome"})
    connection.send("revoked", channels=["never-held"], patterns=["never-held.*"])
    connection.message("never-held", "for nobody")
    connection.send("loss", publishes=2**64 - 1, cause=codec.CLOSED)
    driver.take("loss", "a loss with publishes=2^64-1, or the largest number that the language has",
                lambda e: e.publishes >= codec.MAX_ID)
    message = encode("message", channel="room", payload=b"hi")
    other_wire_type = field(3, 5)  # pattern as a number
    connection.write(framed(_with_fields(message, unknown + other_wire_type)))
    driver.take("message", "the message with unknown fields", lambda e: e.payload == b"hi" and e.channel == "room")


def _with_fields(body, fields):
    """A body whose one message has these fields, too, before its own."""
    number = body[0] >> 3
    position = 1
    while body[position] > 127:
        position += 1
    return field(number, fields + body[position + 1:])


@scenario("H5", "must", "a malformed frame ends the connection, and only the connection",
          "PROTOCOL.md 2; 11 rules 12 and 1")
def malformed(s):
    relay = s.relay(answers=["publish", "subscribe", "ping"])
    driver = s.open(handshake_ms=60_000)
    for what, body in (("is no Welcome", encode("status", state=codec.UP, publishing=True, receiving=True)),
                       ("is malformed", b"\xff"),
                       ("has a version that no client speaks",
                        encode("welcome", **relay.welcome_fields() | {"version": 9}))):
        connection = relay.accept()
        if "version" in what:
            relay.answers.add("hello")  # of the next connection, which may be there before this one is gone
        connection.write(framed(body))
        s.wait(lambda: connection.gone, f"{connection.title}: the client to close, because the first frame {what}")
    message = field(2, field(1, "room"))
    for what, data in (("a length of 0", bytes(4)),
                       ("a varint of eleven bytes", framed(field(2, varint(3 << 3) + b"\xff" * 10 + b"\x01"))),
                       ("a field that ends beyond its message",
                        framed(message[:1] + varint(len(message)) + message[2:])),
                       ("a string that is not UTF-8", framed(field(2, field(1, b"\xff"))))):
        connection = relay.accept()
        driver.wait_connected()
        connection.answers.discard("publish")
        call, _ = published(driver, connection, "owed")
        connection.write(data)
        s.wait(lambda: connection.gone, f"{connection.title}: the client to close, because of {what}")
        call.expect("INTERRUPTED")
    relay.accept()
    driver.wait_connected()


@scenario("H6", "must", "a frame above max_frame_bytes ends the connection by its length alone",
          "PROTOCOL.md 2; 11 rules 12 and 1")
def too_large(s):
    relay = s.relay(max_frame_bytes=20000, answers=["publish", "subscribe", "ping"])
    driver = s.open(handshake_ms=60_000)
    connection = relay.accept()
    connection.write((65537).to_bytes(4, "big"))
    s.wait(lambda: connection.gone, f"{connection.title}: the client to close, because of a first length of 65,537")
    relay.answers.add("hello")
    for length in (20001, 2**31, 2**32 - 1):
        connection = relay.accept()
        if connection.hello and not connection.is_welcomed:  # it came before answers had "hello"
            connection.welcome()
        driver.wait_connected()
        connection.answers.discard("publish")
        call, _ = published(driver, connection, "owed")
        connection.write(length.to_bytes(4, "big"))
        s.wait(lambda: connection.gone, f"{connection.title}: the client to close, because of a length of {length}")
        call.expect("INTERRUPTED")
    connection = relay.accept()
    driver.wait_connected()
    if not s.is_publisher():
        driver.subscribe("c:room").expect("OK")
        empty = len(encode("message", channel="room", payload=bytes(19000))) - 19000
        connection.message("room", bytes(20000 - empty))  # as long as is allowed
        driver.take("message", "the message in a frame of max_frame_bytes", lambda e: len(e.payload) == 20000 - empty)


@scenario("H7", "should", "a relay that accepts and says nothing does not hang the client", "PROTOCOL.md 11 rule 1")
def silent_relay(s):
    relay = s.relay(answers=["publish", "subscribe", "ping"])
    driver = s.open(handshake_ms=300)
    silent = relay.accept()
    call = driver.publish("room")
    if (word := call.result().word) not in ("NOT_CONNECTED", "INTERRUPTED", "CONGESTED"):
        raise Failure(f"a publish to a relay that has not said Welcome ended with {word}")
    s.wait(lambda: silent.gone, "the client to give the silent connection up")
    relay.answers.add("hello")
    following = relay.accept("another attempt")
    if following.hello and not following.is_welcomed:
        following.welcome()
    driver.wait_connected()


@scenario("H8", "should", "VERSION and NOT_ALLOWED in place of Welcome are told, and the attempts are slow",
          "PROTOCOL.md 11 rule 1")
def not_welcome(s):
    for code in (codec.VERSION, codec.NOT_ALLOWED):
        relay = s.relay()
        driver = s.open(backoff_min_ms=2, backoff_max_ms=10, backoff_hopeless_ms=600)
        connection = relay.accept()
        driver.wait_connected()
        relay.on_hello = lambda connection: _refuse(connection, code)
        connection.close()
        relay.accept("another attempt")
        if not s.is_publisher():
            for what in ("the connection has ended", f"the relay has said Error {code} in place of Welcome"):
                driver.take_status(f"a status with connected=0 and cause=28, since {what}",
                                   lambda e: not e.connected and e.cause == codec.NO_RELAY)
        s.settle(1.5)
        if len(relay.connections) > 20:  # 6 with delays of 300 to 600 ms
            raise Failure(f"{len(relay.connections)} attempts within 1.5 s of an Error with code {code}, and "
                          "backoff_hopeless_ms is 600")
        if not s.is_publisher():
            driver.none("status", f"all of {len(relay.connections)} attempts was told already")
        driver.publish("room").expect("NOT_CONNECTED")
        relay.on_hello = Connection.welcome
        driver.wait_connected()
        driver.finish()
        relay.close()


def _refuse(connection, code):
    connection.send("error", code=code, detail="not today")
    connection.close()
