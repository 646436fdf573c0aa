"""Which names the contract allows, and which channels a pattern matches."""
import functools

MAX_NAME = 512
OWN, FENCE = "__hubrelay:", "__hubrelay:fence:"
MAX_FENCE = 64


def is_allowed(name, is_pattern, features):
    """Rule 2, and rule 11 where the relay has fences."""
    size = len(name.encode())
    if not 1 <= size <= MAX_NAME:
        return False
    if not name.startswith(OWN):
        return True
    return not is_pattern and "fence" in features and name.startswith(FENCE) \
        and 1 <= size - len(FENCE) <= MAX_FENCE


@functools.lru_cache(maxsize=1 << 16)
def matches(pattern, channel):
    """Whether a channel (bytes) matches a pattern, by Redis's rules. The relay's own names match none."""
    return not channel.startswith(OWN.encode()) and _match(pattern.encode(), channel)


def _match(pattern, text):
    i = j = 0
    while i < len(pattern) and j < len(text):
        kind = pattern[i:i + 1]
        if kind == b"*":
            rest = pattern[i:].lstrip(b"*")
            return not rest or any(_match(rest, text[k:]) for k in range(j, len(text)))
        if kind == b"[":
            i, is_in = _in_class(pattern, i + 1, text[j])
            if not is_in:
                return False
        elif kind != b"?":
            if kind == b"\\" and i + 1 < len(pattern):
                i += 1
            if pattern[i] != text[j]:
                return False
        i, j = i + 1, j + 1
    return j == len(text) and not pattern[i:].lstrip(b"*")


def _in_class(pattern, i, byte):
    """Where the class ends, and whether the byte is in it. One without an end goes as far as the pattern."""
    is_not = pattern[i:i + 1] == b"^"
    i += is_not
    found = False
    while i < len(pattern) and pattern[i:i + 1] != b"]":
        if pattern[i:i + 1] == b"\\" and i + 1 < len(pattern):
            i += 1
            found = found or pattern[i] == byte
        elif i + 2 < len(pattern) and pattern[i + 1:i + 2] == b"-":
            low, high = sorted((pattern[i], pattern[i + 2]))
            found = found or low <= byte <= high
            i += 2
        else:
            found = found or pattern[i] == byte
        i += 1
    return min(i, len(pattern) - 1), found != is_not
