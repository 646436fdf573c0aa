"""T9 to T12: Subscriptions, fork, and a million."""
from ..codec import encode, framed
from ..failure import Failure
from ..registry import scenario
from .common import subscribed

_COUNT, _SIZE = 5000, 4096      # 20 MB of messages
_MILLION = 500_000
_FLAT = 48 << 20                # bytes: a leak of 100 bytes for each would be more


@scenario("T9", "must", "two listeners of one channel: one Subscribe; the first to close ends nothing for the other; "
          "both get every message", "PROTOCOL.md 11 What a client offers")
def two_listeners(s):
    relay = s.relay()
    driver = s.open()
    connection = relay.accept()
    driver.wait_up()
    driver.listen("one", "c:room", "p:user.*").expect("OK")
    driver.listen("two", "c:room").expect("OK")
    if (asked := sum("c:room" in frame.names for frame in connection.pending("subscribe"))) != 1:
        raise Failure(f"the relay was asked for c:room {asked} times by two listeners")
    connection.message("room", "to both")
    connection.message("user.7", "to one", "user.*")
    came = {(m.sub, m.payload, m.pattern) for m in (driver.take("message", "three messages") for _ in range(3))}
    expected = {("one", b"to both", ""), ("two", b"to both", ""), ("one", b"to one", "user.*")}
    if came != expected:
        raise Failure(f"the messages came as (sub, payload, pattern) {sorted(came, key=str)}, and not as "
                      f"{sorted(expected)}")
    connection.send("loss", messages=3, cause=1)
    _come(driver, "loss", "the Loss of messages")
    _come(driver, "gap", "the Gap because of it")
    driver.call("unlisten", "one").expect("OK")
    if "c:room" not in connection.held:
        raise Failure("the first listener to close has ended c:room for the other one")
    connection.message("room", "to two")
    driver.take("message", "the message for the listener that is left",
                lambda e: (e.sub, e.payload) == ("two", b"to two"))
    driver.call("unlisten", "two").expect("OK")
    s.wait(lambda: not connection.held,
           f"{connection.title}: an Unsubscribe from c:room and p:user.*, which nobody listens to")
    driver.none("message", "each listener had its messages already")
    driver.listen("three", "c:bad").expect("OK")
    connection.send("revoked", channels=["bad"], detail="NOPERM")
    while driver.take("revoked", "revoked c:bad sub=three", lambda e: e.names == {"c:bad"}).sub != "three":
        pass  # the same in `events`


def _come(driver, kind, what):
    """An event that `events` and both Subscriptions have."""
    came = {driver.take(kind, f"{what}, in `events` and both Subscriptions").sub for _ in range(3)}
    if came != {None, "one", "two"}:
        raise Failure(f"{what} came to {sorted(map(str, came))}: it is for `events` and for each Subscription, once")


@scenario("T10", "must", "a Subscription that is not read is bounded in bytes, its losses are told to it alone, and "
          "others go on", "PROTOCOL.md 11 rule 8")
def unread_subscription(s):
    relay = s.relay()
    driver = s.open(events=1 << 20, ping_owed_ms=60_000, ping_idle_ms=60_000, ping_timeout_ms=60_000)
    connection = relay.accept()
    driver.wait_up()
    driver.listen("full", "c:full").expect("OK")
    driver.listen("other", "c:other").expect("OK")
    driver.call("hold").expect("OK")
    for number in range(_COUNT):
        connection.message("full", b"%06d" % number + bytes(_SIZE - 6))
        if number % 500 == 0:
            connection.message("other", b"%d" % number)
    s.wait(lambda: not connection.unsent_bytes, "the client to read on, since other Subscriptions may be waiting")
    driver.publish("room").expect("OK")
    driver.call("release").expect("OK")
    numbers = {"full": [], "other": []}
    lost = 0

    def all_told():
        nonlocal lost
        while driver.untaken("message"):
            message = driver.untaken("message").popleft()
            numbers[message.sub].append(int(message.payload[:6]))
        while driver.untaken("loss"):
            loss = driver.take("loss", "a local loss with sub=full", lambda e: e.sub == "full" and e.local)
            lost += loss.messages
        return len(numbers["full"]) + lost >= _COUNT and len(numbers["other"]) == _COUNT // 500
    s.wait(all_told, f"{_COUNT} messages on full, delivered or told as lost, and {_COUNT // 500} on other")
    if numbers["other"] != list(range(0, _COUNT, 500)) or numbers["full"] != sorted(set(numbers["full"])):
        raise Failure("the messages are not in order, or some came twice")
    if len(numbers["full"]) + lost != _COUNT or len(numbers["full"]) * _SIZE > 16 << 20:
        raise Failure(f"{len(numbers['full'])} messages of {_SIZE} bytes came and {lost} were told as lost, of "
                      f"{_COUNT}")


@scenario("T11", "must", "fork: the child never writes to the parent's socket, and works",
          "PROTOCOL.md 11 rule 11", needs=("fork",))
def fork(s):
    relay = s.relay()
    driver = s.open()
    connection = relay.accept()
    driver.wait_connected()
    if not s.is_publisher():
        driver.subscribe("c:room").expect("OK")
    driver.publish("before").expect("OK")
    call = driver.call("fork")
    child = relay.accept("the child to connect for itself")
    child.take_publish("forked")
    call.expect("OK")
    s.wait(lambda: child.gone or child.ended, f"{child.title}: the child to end")
    if connection.pending("publish", lambda frame: frame.channel == "forked"):
        raise Failure("the child has published on the parent's connection")
    if child.held:
        raise Failure(f"the child has subscribed to {sorted(child.held)}, and it carries no Subscriptions")
    driver.publish("after").expect("OK")
    connection.take_publish("after")
    if not s.is_publisher():
        connection.message("room", "after")
        driver.take("message", "the parent's message", lambda e: e.payload == b"after")
    if connection.ended or len(relay.connections) != 2:
        raise Failure("the parent's connection has ended, though only the child has")


@scenario("T12", "must", "a million deliveries and publishes: memory flat", "PROTOCOL.md 11 rule 8")
def flat_memory(s):
    relay = s.relay()
    driver, connection = subscribed(s, relay, ping_owed_ms=60_000)
    _deliver_and_publish(s, driver, connection, 50_000)
    before = driver.call("memory").expect("OK").rss
    _deliver_and_publish(s, driver, connection, _MILLION)
    after = driver.call("memory").expect("OK").rss
    if after - before > _FLAT:
        raise Failure(f"the driver has grown from {before >> 20} to {after >> 20} MiB over {_MILLION} deliveries "
                      "and as many publishes")


def _deliver_and_publish(s, driver, connection, count):
    batch = 500
    messages = framed(encode("message", channel="room", payload=bytes(200))) * batch
    for _ in range(count // batch):
        connection.write(messages)
        with driver.in_one_write():
            calls = [driver.publish("room", bytes(200)) for _ in range(batch)]
        s.wait(lambda: len(driver.untaken("message")) >= batch, f"{batch} messages")
        for call in calls:
            call.expect("OK")
        driver.untaken("message").clear()
        driver.forget_calls()
        connection.inbox.clear()
    driver.none("loss", "the application has taken all messages")
