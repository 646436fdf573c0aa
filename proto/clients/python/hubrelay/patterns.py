"""Redis's glob patterns, for the fake relay: `*`, `?`, `[abc]`, `[^a]`, `[a-z]`, and a backslash before any of them."""
import re


def matches(pattern: str, channel: str) -> bool:
    """Whether this pattern matches this channel. Like Redis, it compares bytes, not characters."""
    return re.fullmatch(_expression(pattern.encode()), channel.encode(), re.DOTALL) is not None


def _expression(pattern: bytes) -> bytes:
    parts, at = [], 0
    while at < len(pattern):
        byte = pattern[at:at + 1]
        at += 1
        if byte == b"*":
            parts.append(b".*")
        elif byte == b"?":
            parts.append(b".")
        elif byte == b"[":
            end = _end_of_set(pattern, at)
            parts.append(_set(pattern[at:end]))
            at = end + 1
        elif byte == b"\\" and at < len(pattern):
            parts.append(re.escape(pattern[at:at + 1]))
            at += 1
        else:
            parts.append(re.escape(byte))
    return b"".join(parts)


def _end_of_set(pattern: bytes, at: int) -> int:
    while at < len(pattern) and pattern[at:at + 1] != b"]":
        at += 2 if pattern[at:at + 1] == b"\\" else 1
    return min(at, len(pattern))


def _set(content: bytes) -> bytes:
    is_negated = content.startswith(b"^")
    content = content[is_negated:]
    members, at = [], 0
    while at < len(content):
        if content[at:at + 1] == b"\\" and at + 1 < len(content):
            at += 1
            members.append(re.escape(content[at:at + 1]))
        elif content[at + 1:at + 2] == b"-" and at + 2 < len(content):
            first, last = sorted((content[at:at + 1], content[at + 2:at + 3]))
            members.append(re.escape(first) + b"-" + re.escape(last))
            at += 2
        else:
            members.append(re.escape(content[at:at + 1]))
        at += 1
    if not members:
        return b"." if is_negated else b"(?!)"
    return b"[" + (b"^" if is_negated else b"") + b"".join(members) + b"]"
