"""The lines that a conformance driver and the runner say to each other: what both drivers of this package share."""
import base64
import os
import resource
import sys
import threading
import urllib.parse

import hubrelay
from hubrelay import Gap, Loss, Message, Revoked, Status

#: Settings of `open` that are milliseconds, and those that are not.
MILLISECONDS = {"jitter_ms": "gap_jitter", "backoff_min_ms": "backoff_min", "backoff_max_ms": "backoff_max",
                "backoff_hopeless_ms": "backoff_hopeless", "handshake_ms": "handshake", "drain_ms": "drain",
                "successor_ms": "successor", "ping_owed_ms": "ping_owed", "ping_idle_ms": "ping_idle",
                "ping_timeout_ms": "ping_timeout", "partial_ms": "partial_gap"}
NUMBERS = {"inflight": "unanswered", "unsent": "unsent_bytes", "events": "events_bytes"}

WORDS = {hubrelay.NotConnected: "NOT_CONNECTED", hubrelay.Interrupted: "INTERRUPTED", hubrelay.Refused: "REFUSED",
         hubrelay.Invalid: "INVALID", hubrelay.Limit: "LIMIT", hubrelay.Congested: "CONGESTED",
         hubrelay.Closed: "CLOSED"}


def options(words):
    found = {}
    for word in words:
        key, _, value = word.partition("=")
        if key in MILLISECONDS:
            found[MILLISECONDS[key]] = int(value) / 1000
        elif key in NUMBERS:
            found[NUMBERS[key]] = int(value)
    return found


def name(word):
    """A NAME. Bytes that are no UTF-8 become what the client refuses as such."""
    return urllib.parse.unquote_to_bytes(word).decode("utf-8", "surrogateescape")


def payload(word):
    return b"" if word == "-" else base64.b64decode(word)


def names(words):
    """Channels and patterns."""
    return ([name(word[2:]) for word in words if word.startswith("c:")],
            [name(word[2:]) for word in words if word.startswith("p:")])


def quoted(text):
    return urllib.parse.quote(text.encode("utf-8", "surrogateescape"), safe="")


_saying = threading.Lock()
os.register_at_fork(before=_saying.acquire, after_in_parent=_saying.release, after_in_child=_saying.release)


def say(*words):
    """One line, whole: a write of more than 4096 bytes to a pipe may be mixed with another thread's."""
    data = (" ".join(map(str, words)) + "\n").encode()
    with _saying:
        while data:
            data = data[os.write(sys.stdout.fileno(), data):]


def done(tag, word, **values):
    say("done", tag, word, *(f"{key}={value}" for key, value in values.items()))


def failed(tag, error):
    words = [f"name={quoted(text)}" for text in (*error.channels, *error.patterns)]
    words += [f"detail={quoted(error.detail)}"] if error.detail else []
    say("done", tag, WORDS.get(type(error), "ERROR"), *words)


def report(event, handle=None):
    sub = [f"sub={handle}"] if handle else []
    if isinstance(event, Message):
        pattern = [f"pattern={quoted(event.pattern)}"] if event.pattern else []
        data = base64.b64encode(event.payload).decode() or "-"
        say("event message", quoted(event.channel), data, *pattern, *sub)
    elif isinstance(event, Status):
        say(f"event status state={int(event.state)} publishing={int(event.publishing)}",
            f"receiving={int(event.receiving)} connected={int(event.connected)} gaps={event.gaps}",
            f"cause={int(event.cause)}")
    elif isinstance(event, Loss):
        say(f"event loss publishes={event.publishes} messages={event.messages}",
            f"unknown={event.publishes_unknown} cause={int(event.cause)} local={int(event.local)}", *sub)
    elif isinstance(event, Revoked):
        say("event revoked", *("c:" + quoted(text) for text in event.channels),
            *("p:" + quoted(text) for text in event.patterns), *sub)
    elif isinstance(event, Gap):
        say(f"event gap reasons={quoted(','.join(event.reasons))} partial={int(event.partial)}", *sub)


def memory():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize()
