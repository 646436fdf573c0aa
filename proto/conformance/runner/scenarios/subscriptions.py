"""R: coming back, and what is held."""
import time

from .. import codec
from ..failure import Failure
from ..registry import scenario
from .common import ATTEMPTS, check_not_in_step, restore

_REQUESTS = ["hello", "publish", "unsubscribe", "ping"]  # a relay that leaves Subscribes to the scenario


@scenario("R1", "must", "no relay: publishes fail at once, and the relay is found when it is there",
          "PROTOCOL.md 11 rules 1 and 6")
def no_relay(s):
    relay = s.relay(listening=False)
    driver = s.open()
    driver.publish("room").expect("NOT_CONNECTED")
    driver.tell("room").expect("NOT_CONNECTED")
    relay.listen()
    relay.leave_path(keep_file=True)  # a path at which nobody listens: connections are refused
    driver.publish("room").expect("NOT_CONNECTED")
    s.settle(0.3)
    relay.listen()
    connection = relay.accept("the client to find the relay")
    driver.wait_connected()
    driver.publish("room").expect("OK")
    if connection.pending("publish", lambda frame: frame.channel == "room") != connection.pending("publish")[-1:]:
        raise Failure("a publish that was NOT_CONNECTED was sent all the same")


@scenario("R2", "must", "a relay that ends each connection right after Welcome is not hammered, and two clients do not "
          "come in step", "PROTOCOL.md 11 rule 1")
def not_hammered(s):
    relay = s.relay()
    closings = {"one": [], "two": []}

    def welcome_and_close(connection):
        connection.welcome()
        connection.close()
        closings[connection.hello.client_name].append((connection.accepted_at, time.monotonic()))
    relay.on_hello = welcome_and_close
    for name in closings:
        s.open(name, backoff_min_ms=20, backoff_max_ms=200)
    relay.accept()
    s.wait(lambda: all(len(each) >= 3 for each in closings.values()), "two clients to try three times each")
    before = {name: len(each) for name, each in closings.items()}
    s.settle(1.5)
    for name, attempts in closings.items():
        if len(attempts) - before[name] > 45:  # some 17 with full jitter between 0 and 200 ms
            raise Failure(f"{len(attempts) - before[name]} attempts within 1.5 s, with a backoff of up to 200 ms: it "
                          "has to go on growing until a connection was good for 5 s")
    s.wait(lambda: all(len(each) >= ATTEMPTS for each in closings.values()),
           f"two clients to try {ATTEMPTS} times each")
    check_not_in_step(closings.values())


@scenario("R3", "must", "what is held is asked for again, all of it and nothing else; UP is not told before the "
          "Replies", "PROTOCOL.md 11 rule 4, and `status` in What a client offers")
def held_again(s):
    relay = s.relay()
    driver = s.open()
    first = relay.accept()
    driver.wait_up()
    driver.subscribe("c:a", "c:b", "c:d", "p:x.*").expect("OK")
    driver.subscribe("c:e", "p:y.*").expect("OK")
    driver.unsubscribe("c:b", "p:y.*").expect("OK")
    relay.answers = set(_REQUESTS)
    first.end()
    second = relay.accept("the client to come again")
    expected = {"c:a", "c:d", "c:e", "p:x.*"}
    last = restore(s, second, expected, answer_last=False)
    s.settle(0.3)
    driver.none("status", "the subscriptions have no Replies yet", lambda e: e.connected and e.state == codec.UP)
    second.reply(last)
    driver.wait_up()
    if second.held != expected or second.pending("subscribe"):
        raise Failure(f"more was asked for than is held: {[str(frame) for frame in second.pending('subscribe')]}")
    second.message("d", "again")
    driver.take("message", "the message on d", lambda e: e.channel == "d" and e.payload == b"again")


@scenario("R4", "must", "what the end of the connection left unanswered: Subscribe is PENDING and asked for again, "
          "Unsubscribe is OK and is not", "PROTOCOL.md 11 rule 4")
def unanswered(s):
    relay = s.relay()
    driver = s.open()
    first = relay.accept()
    driver.wait_up()
    driver.subscribe("c:kept", "c:left").expect("OK")
    first.answers -= {"subscribe", "unsubscribe"}
    asked, left = driver.subscribe("c:asked"), driver.unsubscribe("c:left")
    first.take("subscribe", condition=lambda frame: "c:asked" in frame.names)
    first.take("unsubscribe")
    relay.answers = set(_REQUESTS)
    first.end()
    asked.expect("PENDING")
    left.expect("OK")
    restore(s, relay.accept(), {"c:kept", "c:asked"})
    driver.wait_up()


@scenario("R5", "must", "the last Reply decides what is held", "PROTOCOL.md 11 rule 4")
def last_reply_decides(s):
    relay = s.relay()
    driver = s.open()
    first = relay.accept()
    driver.wait_up()
    driver.subscribe("c:held", "c:b").expect("OK")
    first.answers -= {"subscribe", "unsubscribe"}
    first.inbox.clear()
    calls = [driver.subscribe("c:a"), driver.unsubscribe("c:a"), driver.subscribe("c:a"),
             driver.subscribe("c:held"), driver.unsubscribe("c:b"), driver.subscribe("c:b")]
    outcomes = {"c:held": ["LIMIT"], "c:b": ["OK", "REFUSED"]}

    def answer():
        while first.inbox:
            frame = first.inbox.pop(0)
            name = next(iter(frame.names))
            refused = outcomes.get(name) and outcomes[name].pop(0)
            first.reply(frame, refused or "OK", **({"channels": ["b"]} if refused == "REFUSED" else {}))
            first.wait_until_read()
    s.wait(lambda: len(first.inbox) >= 6 or s.settle(0.2) or True, "the requests")
    s.wait(lambda: answer() or all(call.outcome for call in calls), "the results of six requests")
    for call, word in zip(calls, ("OK", "OK", "OK", None, "OK", "REFUSED")):
        if word:
            call.expect(word)
    relay.answers = set(_REQUESTS)
    first.end()
    restore(s, relay.accept(), {"c:a", "c:held"})
    driver.wait_up()


@scenario("R6", "must", "a relay without patterns is not asked for them, the rest is held, and the application told",
          "PROTOCOL.md 11 rules 4 and 5")
def no_patterns(s):
    relay = s.relay()
    driver = s.open()
    first = relay.accept()
    driver.wait_up()
    driver.subscribe("c:a", "p:x.*").expect("OK")
    relay.close()
    relay = s.relay(features=["settled", "fence"])
    second = relay.accept()
    driver.take("revoked", "revoked p:x.*", lambda e: e.names == {"p:x.*"})
    driver.wait_up()
    if second.held != {"c:a"}:
        raise Failure(f"{sorted(second.held)} is held, and not c:a alone")
    driver.subscribe("p:y.*").expect("INVALID")
    second.close()
    relay.close()
    relay = s.relay(answers=_REQUESTS)
    restore(s, relay.accept(), {"c:a"})
    driver.wait_up()
    assert first.gone


@scenario("R7", "must", "long lists are split, on Subscribe and when they are asked for again, also where less is "
          "allowed", "PROTOCOL.md 11 rules 4 and 5")
def long_lists(s):
    relay = s.relay(max_frame_bytes=65536)
    driver = s.open()
    first = relay.accept()
    driver.wait_up()
    channels = {f"c:room.{number:05}.{'é' * 45}" for number in range(2000)}
    patterns = {f"p:user.{number:05}.{'x' * 90}*" for number in range(500)}
    driver.subscribe(*sorted(channels | patterns)).expect("OK")
    if first.held != channels | patterns:
        raise Failure(f"{len(first.held)} names are held, and not 2500")
    relay.close()
    relay = s.relay(max_frame_bytes=8192)
    second = relay.accept()
    driver.wait_up()
    if second.held != channels | patterns:
        raise Failure(f"{len(second.held)} names are held on the next connection, and not 2500")


@scenario("R8", "must", "a name that the new relay refuses does not cost the others, and is told",
          "PROTOCOL.md 11 rule 4")
def refused_on_restore(s):
    relay = s.relay()
    driver = s.open()
    relay.accept()
    driver.wait_up()
    driver.subscribe("c:a", "c:bad", "c:d", "p:x.*", "p:bad").expect("OK")
    relay.close()
    relay = s.relay(answers=_REQUESTS)
    second = relay.accept()
    _answer_but_bad(s, second, driver)
    if second.held != {"c:a", "c:d", "p:x.*"}:
        raise Failure(f"{sorted(second.held)} is held, and not c:a, c:d and p:x.*")
    driver.wait_up()
    second.end()
    restore(s, relay.accept(), {"c:a", "c:d", "p:x.*"})
    driver.wait_up()


def _answer_but_bad(s, connection, driver):
    """Refuses each Subscribe that has a bad name, until all else is held, and the bad names are told as revoked."""
    revoked = set()

    def answer():
        for frame in connection.unanswered("subscribe"):
            connection.inbox.remove(frame)
            bad = [name for name in frame.names if name.endswith("bad")]
            listed = ["bad"] if "c:bad" in bad else []  # as many as fit: here p:bad never does
            connection.reply(frame, "REFUSED" if bad else "OK", channels=listed)
        while driver.untaken("revoked"):
            revoked.update(driver.take("revoked", "revoked c:bad p:bad", lambda e: e.names <= {"c:bad", "p:bad"}).names)
        return len(connection.held) >= 3 and len(revoked) == 2
    s.wait(answer, f"{connection.title}: Subscribes to all that is held but what was refused, and `event revoked c:bad "
                   "p:bad`")


@scenario("R9", "must", "a Subscribe while there is no relay is PENDING, and asked for later; an Unsubscribe is OK",
          "PROTOCOL.md 11 rule 4")
def subscribe_without_relay(s):
    relay = s.relay(listening=False, answers=_REQUESTS)
    driver = s.open()
    driver.subscribe("c:a", "p:x.*").expect("PENDING")
    driver.subscribe("c:b").expect("PENDING")
    driver.unsubscribe("c:b").expect("OK")
    relay.listen()
    restore(s, relay.accept(), {"c:a", "p:x.*"})
    driver.wait_up()


@scenario("R10", "must", "a client_name of more than 64 bytes is refused when the client is made",
          "PROTOCOL.md 3 Hello; 11 What a client offers")
def long_client_name(s):
    relay = s.relay()
    for name in ("n" * 65, "é" * 33):
        driver = s.driver()
        driver.open(s.path, name, {})
        s.wait(lambda: driver.fatal is not None or relay.connections,
               f"{driver.title}: `fatal`, because of a name of {len(name.encode())} bytes")
        if relay.connections:
            raise Failure(f"a client with a name of {len(name.encode())} bytes connects")
    driver = s.open("é" * 32)
    connection = relay.accept()
    if connection.hello.client_name != "é" * 32:
        raise Failure(f"a name of 64 bytes came as {connection.hello.client_name!r}")
