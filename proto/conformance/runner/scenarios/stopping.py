"""S12, S17 to S19: from a relay that is STOPPING to its successor."""
from ..failure import Failure
from ..registry import scenario
from .common import no_gap, published, subscribed
from .moving import (ABOUT_NAMES, FENCE, fence_published, grant, published_fences, stop, successor, wait_held,
                     wait_left, write_message)

_PATIENT = {"successor_ms": 20_000}  # a busy machine must not make the client give up

# Whose connection is the next to carry one of: two messages, the fence, two messages.
_INTERLEAVINGS = ("aaaaabbbbb", "bbbbbaaaaa", "ababababab", "babababaab", "aabbbbbaaa", "bbaaaaabbb", "bbbaabbaaa")


@scenario("S12", "must", "STOPPING, with a successor that has `fence`: every message once and in order, no Gap, no "
          "request fails", "PROTOCOL.md 11 rule 9; 5 A fence between two relays")
def exact_move(s):
    relay = s.relay()
    driver, old = subscribed(s, relay, "c:room", "p:user.*", **_PATIENT)
    sent = 0
    for number, order in enumerate(_INTERLEAVINGS):
        next_relay, first = successor(s), sent + 1
        sent, new = _move_by_fence(s, driver, relay, old, next_relay, order, sent, number)
        wait_left(s, old)
        sent += 1
        write_message(new, str(sent))
        for expected in range(first, sent + 1):
            driver.take("message", f"message {expected}, once and in its place ({order}: the order of the connections)",
                        lambda e: e.payload == b"%d" % expected)
        relay, old = next_relay, new
    driver.none("status", "the client was connected all the time", lambda e: not e.connected)
    no_gap(s, driver, "nothing was missed")
    driver.none("message", "every message had come already")


def _move_by_fence(s, driver, relay, old, next_relay, order, sent, number):
    """Plays one interleaving, and returns the number of the last message and the new connection."""
    old.answers -= ABOUT_NAMES
    stop(relay, old)
    new = next_relay.accept("the next connection, since the relay is STOPPING")
    given_up = {name for name in old.held if name.startswith("c:late.")}
    late = driver.subscribe(f"c:late.{next_relay.name}")
    published_meanwhile = driver.publish("meanwhile")
    _answer_late(s, old, new, late)
    for name in given_up:
        call = driver.unsubscribe(name)
        s.wait(lambda: grant(old) or call.outcome, f"the result of {call}, which is the old relay's")
        call.expect("OK")
        # It goes to both, unless the new one was asked without this name.
        s.wait(lambda: not _asks_for(new, name[2:]), f"{new.title}: an Unsubscribe from {name}, during the move")
    sent += 1
    if number % 2 == 0:  # the new one's Reply is read before the old one's message
        wait_held(s, new, old.held - _fences(old))
        new.wait_until_read()
        write_message(new, str(sent))  # before the fence: it comes by the old one
    write_message(old, str(sent))
    fence = fence_published(s, old, new, last={0: old, 1: new}.get(number))
    items = {old: [sent + 1, sent + 2, fence, sent + 3, sent + 4], new: [sent + 1, sent + 2, fence, sent + 3, sent + 4]}
    for letter in order:
        connection = old if letter == "a" else new
        _write_item(connection, items[connection].pop(0))
    published_meanwhile.expect("OK")
    held = old.held - _fences(old)
    s.wait(lambda: grant(new) or new.held - _fences(new) == held,
           f"{new.title}: Subscribes and Unsubscribes until {sorted(held)} is held, as on the old connection; "
           f"it is {sorted(new.held)}")
    if (count := published_fences(old, new)) != 1:
        raise Failure(f"the client has published {count} times to a fence, and once is enough")
    return sent + 4, new


def _answer_late(s, old, new, late):
    """A Subscribe during the move goes to both, and the caller gets the old one's Reply."""
    is_late = lambda frame: any(name.startswith("c:late.") for name in frame.names)
    frame = old.take("subscribe", "the Subscribe that was asked for during the move", is_late)
    old.reply(frame)
    late.expect("OK", rule="PROTOCOL.md 11 rule 9")


def _asks_for(connection, name):
    """Whether the last of what has come about a name, and is not answered, is a Subscribe."""
    unanswered = [frame for frame in connection.inbox if not frame.is_answered]
    kinds = [frame.kind for frame in unanswered if name in frame.fields.get("channels", [])]
    return kinds[-1:] == ["subscribe"]


def _fences(connection):
    return {name for name in connection.held if name.startswith(FENCE)}


def _write_item(connection, item):
    if isinstance(item, int):
        write_message(connection, str(item))
    else:
        connection.message(item, b"")
        connection.wait_until_read()


@scenario("S17", "must", "the same without `fence`, or when the fence does not come: one Gap, no request fails, "
          "nothing twice from one connection", "PROTOCOL.md 11 rule 9")
def move_with_gap(s):
    relay = s.relay()
    driver, old = subscribed(s, relay, "c:room", "p:user.*", successor_ms=400, events=4 << 20)
    for number, play in enumerate((_old_ends, _no_fence, _fence_not_on_new, _fence_not_on_old, _overflow)):
        if play is _overflow:  # which may be a Loss, too, and so another Gap
            no_gap(s, driver, "one was told for each move already")
        next_relay = successor(s, features=["patterns", "settled"] + ["fence"] * (play is not _no_fence))
        write_message(old, f"{number}00")
        old.answers -= ABOUT_NAMES
        stop(relay, old)
        new = next_relay.accept("the next connection, since the relay is STOPPING")
        call = driver.publish("meanwhile")
        must_come = [b"%d00" % number, *play(s, old, new, number)]
        wait_left(s, old)
        write_message(new, f"{number}99")
        must_come.append(b"%d99" % number)
        grant(new)
        _take_once_each(driver, must_come)
        call.expect("OK")
        driver.take("gap", "one Gap, since messages may have been missed")
        relay, old = next_relay, new
        if play is _no_fence:  # the next ones are about fences, so both relays have to have them
            relay, old = _plain_change(s, driver, old)


def _old_ends(s, old, new, number):
    old.take_publish("meanwhile")
    old.wait_until_read()
    old.end()
    _wait_fence_given_up(s, new)
    wait_held(s, new, {"c:room", "p:user.*"})
    new.wait_until_read()
    return []


def _wait_fence_given_up(s, new):
    """A sign that the client has read the end of the old connection: with a thread for each socket it may read the next
    messages of the new one first, which are the old one's to deliver until then. A client that had not asked for a
    fence yet gives none up, and has a second to read that end."""
    for _ in range(100):
        if any(frame.kind == "unsubscribe" for frame in new.inbox):
            break
        grant(new)
        s.settle(0.01)


def _no_fence(s, old, new, number):
    wait_held(s, new, {"c:room", "p:user.*"})
    new.wait_until_read()
    write_message(new, f"{number}01")
    write_message(new, f"{number}02")
    return [b"%d01" % number, b"%d02" % number]


def _plain_change(s, driver, connection):
    """The client comes to a relay with every feature, without a move."""
    relay = s.relay()
    connection.end()
    connection = relay.accept()
    driver.wait_up()
    driver.take("gap", "a Gap, because of a new connection")
    return relay, connection


def _fence_not_on_new(s, old, new, number):
    fence = fence_published(s, old, new)
    old.message(fence, b"")
    write_message(new, f"{number}01")  # as well before the fence as in its absence: no matter whether it is delivered
    return []


def _fence_not_on_old(s, old, new, number):
    fence = fence_published(s, old, new)
    new.message(fence, b"")
    write_message(new, f"{number}01")
    write_message(new, f"{number}02")
    return [b"%d01" % number, b"%d02" % number]


def _overflow(s, old, new, number):
    fence = fence_published(s, old, new)
    new.message(fence, b"")
    for _ in range(10):
        new.message("room", b"%d" % (number * 100 + 1) + b"." * (1 << 20))
    s.wait(lambda: new.unsent_bytes == 0, f"{new.title}: the client to read on, though it holds messages back")
    return []


def _take_once_each(driver, must_come):
    """Takes messages up to the last one that must come; the others must be among them, in order, and none twice."""
    came = []
    while not came or came[-1] != must_come[-1]:
        payload = driver.take("message", f"the message {must_come[-1].decode()}").payload
        if len(payload) < 10:  # the large ones are all alike
            came.append(payload)
    if len(set(came)) < len(came):
        raise Failure(f"messages came twice from one connection: {[each.decode() for each in came]}")
    if [each for each in came if each in must_come] != must_come:
        raise Failure(f"messages came as {[each.decode() for each in came]}, and "
                      f"{[each.decode() for each in must_come]} must be among them, in this order")


@scenario("S18", "must", "publishes over the move: each once and in order; a Reply owed by the old relay settles its "
          "publish", "PROTOCOL.md 11 rule 9")
def publishes_over_the_move(s):
    relay = s.relay()
    driver, old = subscribed(s, relay, successor_ms=3000, drain_ms=20_000)
    old.answers.discard("publish")
    calls = [driver.publish("seq", f"{number}") for number in range(10)]
    owed = [old.take_publish("seq") for _ in calls]
    for frame in owed[:7]:
        old.reply(frame)
    next_relay = successor(s, features=["patterns"])
    stop(relay, old)
    new = next_relay.accept("the next connection, since the relay is STOPPING")
    calls += [driver.publish("seq", f"{number}") for number in range(10, 15)]
    wait_held(s, new, {"c:room"})
    wait_left(s, old)
    calls += [driver.publish("seq", f"{number}") for number in range(15, 30)]
    s.settle(0.1)  # less than the 250 ms for which new publishes wait for the old connection's end
    if early := new.pending("publish", lambda frame: frame.channel == "seq"):
        raise Failure(f"{new.title}: {early[0]} came before the old relay had answered what was published before it")
    for frame in owed[7:] + old.unanswered("publish"):
        old.reply(frame)
    for call in calls:
        call.expect("OK")
    came = [int(frame.payload) for frame in owed]
    for each in (old, new):
        came += [int(frame.payload) for frame in each.pending("publish", lambda frame: frame.channel == "seq")]
    if came != list(range(30)):
        raise Failure(f"the publishes 0 to 29 came to the old relay and then to the new one as {came}")


@scenario("S19", "must", "a Welcome with STOPPING, or with the old relay_id, is not a successor; two STOPPINGs in a "
          "row drain one connection at a time", "PROTOCOL.md 11 rule 9")
def no_successor(s):
    first = s.relay()
    driver, old = subscribed(s, first, drain_ms=20_000, **_PATIENT)
    stopping = s.relay(status={"state": 4, "publishing": True, "receiving": True, "cause": 17})
    stop(first, old)
    _turned_down(s, stopping, "Welcome says STOPPING")
    same = s.relay(relay_id=first.relay_id)
    _turned_down(s, same, "Welcome has the relay_id of the one that is STOPPING")
    brief = s.relay(answers=["hello", "publish", "ping"])
    brief.accept("the next connection").end()
    driver.publish("room").expect("OK")  # the old one goes on serving
    again = brief.accept("another attempt, since the successor has ended")
    old.message("room", "by the old one")
    driver.take("message", "the message by the old relay, which goes on serving",
                lambda e: e.payload == b"by the old one")
    second = s.relay(features=["patterns"])
    again.end()
    middle = second.accept("the client to find a successor at last")
    wait_left(s, old)
    middle.answers.discard("publish")
    call, frame = published(driver, middle)
    third = s.relay(features=["patterns"])
    stop(second, middle)
    last = third.accept("the next connection, since the relay is STOPPING")
    wait_left(s, middle)
    last.answers.discard("publish")
    fourth = s.relay(features=["patterns"])
    stop(third, last)
    fourth.accept("the next connection, since this relay is STOPPING, too")
    s.wait(lambda: middle.gone, f"{middle.title}: the client to close the oldest one of two that are drained")
    call.expect("INTERRUPTED")
    wait_left(s, last)
    driver.publish("room").expect("OK")


def _turned_down(s, relay, why):
    connection = relay.accept("the next connection")
    s.wait(lambda: connection.ended, f"{connection.title}: the client to turn it down, since its {why}")
    relay.accept(f"another attempt, since the {why}")
    if connection.held:
        raise Failure(f"{connection.title}: the client asks for {sorted(connection.held)}, though its {why}")
