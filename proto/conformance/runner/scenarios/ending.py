"""E and T14: events that nobody takes, and the end of a client."""
from ..codec import encode, framed
from ..failure import Failure
from ..registry import scenario
from .common import published, subscribed

_COUNT, _SIZE = 5000, 4096                # 20 MB of messages
_BOUND = 1 << 20                          # bytes of events that are not taken
_DEFAULT_BOUND = 4 << 20                  # where a client has no setting
_QUIET = {"ping_owed_ms": 60_000, "ping_idle_ms": 60_000, "ping_timeout_ms": 60_000}


def _held(s):
    """A subscribed client whose application takes no events; its connection, and the bound of its events."""
    relay = s.relay()
    driver, connection = subscribed(s, relay, events=_BOUND, **_QUIET)
    driver.call("hold").expect("OK")
    return driver, connection, _BOUND if "events-bound" in s.client.capabilities else _DEFAULT_BOUND


def _messages(numbers):
    """Numbered messages, as bytes."""
    return b"".join(framed(encode("message", channel="room", payload=b"%06d" % number + bytes(_SIZE - 6)))
                    for number in numbers)


def _release(driver):
    """The application takes events again: the numbers of the messages, and how many are told as lost, in all _COUNT."""
    driver.call("release").expect("OK")
    numbers, lost = [], 0

    def all_told():
        nonlocal lost
        numbers.extend(int(message.payload[:6]) for message in driver.untaken("message"))
        lost += sum(loss.messages for loss in driver.untaken("loss"))
        driver.untaken("message").clear()
        driver.untaken("loss").clear()
        return len(numbers) + lost >= _COUNT
    driver.session.wait(all_told, f"{driver.title}: {_COUNT} messages, delivered or told as lost")
    if len(numbers) + lost != _COUNT:
        raise Failure(f"{len(numbers)} messages were delivered and {lost} told as lost, and there were {_COUNT}")
    if numbers != sorted(set(numbers)):
        raise Failure("the messages that were delivered are not in order, or some came twice")
    return numbers, lost


@scenario("E1", "must", "events that nobody takes do not block the Reply of a publish, and are bounded",
          "PROTOCOL.md 11 rule 8")
def events_do_not_block_replies(s):
    driver, connection, bound = _held(s)
    connection.answers.discard("publish")
    call, frame = published(driver, connection)
    connection.write(_messages(range(_COUNT)))
    connection.reply(frame)
    call.expect("OK")
    numbers, lost = _release(driver)
    if lost == 0:
        raise Failure(f"all {_COUNT * _SIZE} bytes of messages were kept, and the application took none of them: "
                      f"the bound is {bound}")
    if len(numbers) * _SIZE > 2 * bound + (1 << 20):  # some were under way to the application already
        raise Failure(f"{len(numbers)} messages of {_SIZE} bytes were kept, and the bound is {bound} bytes")
    driver.take("gap", "a Gap, since messages were lost")


@scenario("E2", "must", "no request waits and nobody takes events: the socket is left unread; later all come, in order",
          "PROTOCOL.md 11 rule 8")
def socket_is_left_unread(s):
    driver, connection, bound = _held(s)
    connection.write(_messages(range(_COUNT)))
    _wait_unread(s, connection, bound)
    numbers, lost = _release(driver)
    if lost:
        raise Failure(f"{lost} messages were told as lost, though the client could leave the socket unread")


def _wait_unread(s, connection, bound):
    """Until the client reads no more; Failure if it has read more than its events may hold."""
    before = None
    while before != connection.unsent_bytes:
        before = connection.unsent_bytes
        s.settle(0.5)
    taken = _COUNT * _SIZE - before
    if taken > 2 * bound + (3 << 20):  # and what the socket's buffers hold
        raise Failure(f"{taken} bytes of messages were read, or the socket has them, and the application takes none: "
                      f"the bound is {bound} bytes")


@scenario("E3", "must", "while the socket is left unread, a publish is still written and answered",
          "PROTOCOL.md 11 rule 8")
def publish_while_unread(s):
    driver, connection, bound = _held(s)
    connection.write(_messages(range(_COUNT)))
    _wait_unread(s, connection, bound)
    call = driver.publish("after")
    connection.take_publish("after")
    replied, unread = s.seconds, connection.unsent_bytes
    s.wait(lambda: call.outcome,
           lambda: f"{driver.title}: the result of {call}. The Reply was written at {replied:.3f}, "
           f"behind {unread} bytes that the socket had not taken by then; the client has read "
           f"{unread - connection.unsent_bytes} of them since")
    call.expect("OK")
    driver.tell("told").expect("SENT")
    connection.take_publish("told")
    _release(driver)


@scenario("E4", "should", "close: what is owed is waited for, then the end; every request has one result, and nothing "
          "comes after", "PROTOCOL.md 11 Closing")
def orderly_close(s):
    relay = s.relay()
    driver = s.open(drain_ms=20_000)
    connection = relay.accept()
    driver.wait_connected()
    if not s.is_publisher():
        driver.subscribe("c:room").expect("OK")
    connection.answers -= {"publish", "ping"}
    calls = [driver.publish("owed", f"{number}") for number in range(3)]
    frames = [connection.take_publish("owed") for _ in calls]
    driver.tell("told").expect("SENT")
    close = driver.call("close")
    connection.take_publish("told")
    s.wait(lambda: connection.pending("ping") or connection.ended,
           f"{connection.title}: a Ping with settled, or the end of what the client writes, since it is closing")
    if not s.is_publisher():
        connection.message("room", "too late")
    s.settle(0.3)
    if close.outcome or connection.gone:
        raise Failure("the client has closed, though three publishes are owed their Replies (drain_ms is 20,000)")
    for frame in frames + connection.pending("ping"):
        connection.reply(frame)
    for call in calls:
        call.expect("OK")
    connection.answers.add("ping")
    close.expect("OK")
    s.wait(lambda: connection.gone, f"{connection.title}: the client to close the connection")
    if not s.is_publisher():
        driver.take("end", "`event end`, since the client is closed")
        driver.none("loss", "all was answered")
        driver.none("message", "the client was closing")
    driver.publish("room").expect("CLOSED", "NOT_CONNECTED")
    relay.forget_connections()
    s.settle(0.2)
    if len(relay.connections) > 1:
        raise Failure("a client that is closed has connected again")


@scenario("E5", "must", "close while there is no relay, and while one does not answer, ends in bounded time",
          "PROTOCOL.md 11 Closing")
def close_ends(s):
    relay = s.relay(listening=False)
    driver = s.open(drain_ms=300, **_QUIET)
    driver.publish("room").expect("NOT_CONNECTED")
    _close(s, driver)
    relay = s.relay(answers=["publish", "ping"])
    driver = s.open(drain_ms=300, **_QUIET)
    relay.accept()
    _close(s, driver)
    relay = s.relay()
    driver = s.open(drain_ms=300, **_QUIET)
    connection = relay.accept()
    driver.wait_connected()
    connection.answers.clear()
    connection.lingers = True
    call, _ = published(driver, connection)
    _close(s, driver)
    call.expect("INTERRUPTED", "CLOSED")
    s.wait(lambda: connection.gone, f"{connection.title}: the client to close the connection")


def _close(s, driver):
    driver.call("close").expect("OK")
    if not s.is_publisher():
        driver.take("end", "`event end`, since the client is closed")


@scenario("E6", "must", "Revoked ends a Subscription, and so does the client's close; each is told what concerns it, "
          "and the others go on", "PROTOCOL.md 11 Who gets which event")
def subscriptions_end(s):
    relay = s.relay()
    driver = s.open()
    connection = relay.accept()
    driver.wait_up()
    driver.listen("one", "c:bad", "c:room", "c:alone").expect("OK")
    driver.listen("two", "c:room", "c:worse").expect("OK")
    connection.send("revoked", channels=["bad"], detail="NOPERM")
    _come(driver, "revoked", "revoked c:bad", {None, "one"}, lambda e: e.names == {"c:bad"})
    driver.take_end_of("one", "one of its names was revoked")
    s.wait(lambda: "c:alone" not in connection.held,
           f"{connection.title}: an Unsubscribe from c:alone, which only the Subscription had that has ended")
    if "c:room" not in connection.held:
        raise Failure("Revoked of c:bad has ended c:room for another Subscription")
    connection.message("room", "goes on")
    connection.send("loss", messages=1, cause=1)
    driver.take("message", "the message for the Subscription that is left",
                lambda e: (e.sub, e.payload) == ("two", b"goes on"))
    _come(driver, "loss", "the Loss of messages", {None, "two"})
    _come(driver, "gap", "the Gap because of it", {None, "two"})
    driver.call("close").expect("OK")
    driver.take_end_of("two", "the client is closed")
    driver.take("end", "`event end`, since the client is closed")
    for kind in ("message", "loss", "gap", "revoked"):
        driver.none(kind, "all was told already")


def _come(driver, kind, what, expected, condition=lambda event: True):
    """Takes an event from each of these Subscriptions, or from `events` (None)."""
    came = {driver.take(kind, f"{what}, in `events` and the Subscription", condition).sub for _ in expected}
    if came != expected:
        raise Failure(f"{what} came to {sorted(map(str, came))}, and not to {sorted(map(str, expected))} "
                      "(None: `events`)")


@scenario("T14", "must", "the end of the connection is noticed while the socket is left unread",
          "PROTOCOL.md 11 rule 8", needs=("hang-up",))
def end_while_unread(s):
    driver, connection, bound = _held(s)
    connection.write(_messages(range(_COUNT)))
    _wait_unread(s, connection, bound)
    connection.close()
    connection = connection.relay.accept("the client to notice that the relay has closed, and to connect again")
    call, _ = published(driver, connection)
    call.expect("OK")
    s.wait(lambda: "c:room" in connection.held, f"{connection.title}: a Subscribe to c:room, which is held")
