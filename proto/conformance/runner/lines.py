"""Lines of the driver protocol: words, names, and what they become."""
import base64
import urllib.parse

WORDS = {"OK", "PENDING", "SENT", "NOT_CONNECTED", "INTERRUPTED", "REFUSED", "INVALID", "LIMIT", "CONGESTED",
         "CANCELLED", "CLOSED", "ERROR"}
EVENTS = {"message", "status", "loss", "revoked", "gap", "end"}


class BadLine(ValueError):
    """A line that is no report."""


def quote(name):
    """A name or text as one word. Bytes that are not UTF-8 are possible."""
    return urllib.parse.quote(name, safe="-._~")


def unquote(word):
    """The text of a word; as bytes if it is not UTF-8."""
    data = urllib.parse.unquote_to_bytes(word)
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


def base64_of(data):
    return base64.b64encode(data).decode() if data else "-"


def bytes_of(word):
    try:
        return b"" if word == "-" else base64.b64decode(word, validate=True)
    except ValueError as error:
        raise BadLine(f"{error}: {word[:60]}") from None


def name_word(name):
    """c:room or p:user.* as a word of a command. `name` may be (b"c:", bytes) joined, for names that are not UTF-8."""
    if isinstance(name, bytes):
        return name[:2].decode() + quote(name[2:])
    return name[:2] + quote(name[2:])


class Result:
    """`done TAG WORD key=value...`"""

    def __init__(self, words):
        if len(words) < 3 or words[2] not in WORDS:
            raise BadLine("a done line is `done TAG WORD key=value...`, and WORD one of " + " ".join(sorted(WORDS)))
        self.tag, self.word = words[1], words[2]
        self.names = {unquote(value) for key, value in _pairs(words[3:]) if key == "name"}
        values = dict(_pairs(words[3:]))
        self.receivers = _number(values, "receivers") if "receivers" in values else None
        self.rss = _number(values, "rss") if "rss" in values else None
        self.detail = unquote(values.get("detail", ""))

    def __str__(self):
        return self.word + (f" ({self.detail})" if self.detail else "")


class Event:
    """`event KIND ...`. `index` is its place among all events of the driver, `at` the second it came."""

    def __init__(self, words, index, at):
        self.kind, self.index, self.at = words[1] if len(words) > 1 else "", index, at
        if self.kind not in EVENTS:
            raise BadLine("an event is one of " + " ".join(sorted(EVENTS)))
        rest = words[2:]
        if self.kind == "message":
            if len(rest) < 2:
                raise BadLine("a message is `event message NAME B64 [pattern=NAME] [sub=HANDLE]`")
            self.channel, self.payload = unquote(rest[0]), bytes_of(rest[1])
            rest = rest[2:]
        self.names = {word[:2] + str(unquote(word[2:])) for word in rest if word[:2] in ("c:", "p:")}
        self.values = dict(_pairs([word for word in rest if word[:2] not in ("c:", "p:")]))
        self.sub = self.values.get("sub")
        self.pattern = unquote(self.values.get("pattern", ""))
        if self.kind == "status":
            self.state, self.gaps, self.cause = (_number(self.values, key) for key in ("state", "gaps", "cause"))
            self.publishing, self.receiving, self.connected = (
                bool(_number(self.values, key)) for key in ("publishing", "receiving", "connected"))
        elif self.kind == "loss":
            self.publishes, self.messages, self.unknown, self.cause = (
                _number(self.values, key) for key in ("publishes", "messages", "unknown", "cause"))
            self.local = bool(_number(self.values, "local"))
        elif self.kind == "gap":
            self.reasons = unquote(self.values.get("reasons", ""))
            self.partial = bool(_number(self.values, "partial"))

    def __str__(self):
        values = " ".join(f"{key}={value}" for key, value in self.values.items())
        if self.kind == "message":
            return f"message {self.channel} {self.payload[:40]!r} {values}".rstrip()
        return " ".join([self.kind, *sorted(self.names), values]).rstrip()


def _pairs(words):
    for word in words:
        key, equals, value = word.partition("=")
        if not equals:
            raise BadLine(f"{word[:60]} is no key=value")
        yield key, value


def _number(values, key):
    try:
        return int(values[key])
    except KeyError:
        raise BadLine(f"{key} is missing") from None
    except ValueError:
        raise BadLine(f"{key}={values[key]} is no number") from None
