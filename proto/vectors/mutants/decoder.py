"""A decoder of RelayFrame by section 2 of PROTOCOL.md. It is for tests, and written to be read, not to be fast.

decoder_mutants.py breaks it in one place after another: each time a vector of relay-frames.json or
streams.json has to fail.
"""

MAX_FIELD_NUMBER = 2**29 - 1
VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5  # wire types

OUTCOMES = ["UNSPECIFIED", "OK", "PENDING", "NOT_CONNECTED", "INTERRUPTED", "REFUSED", "INVALID", "LIMIT"]
STATES = ["UNSPECIFIED", "UP", "DEGRADED", "DOWN", "STOPPING"]
CODES = ["UNSPECIFIED", "MALFORMED", "FRAME_TOO_LARGE", "HELLO_EXPECTED", "VERSION", "NOT_ALLOWED", "TOO_MANY",
         "TIMEOUT"]
CAUSES = ["UNSPECIFIED", "SLOW_READER", "TOO_LARGE", "BAD_NAME", "NOT_CONNECTED", "REFUSED", "INVALID",
          *[None] * 9,  # 7 to 15 are not used
          "STARTING", "STOPPING", "UNREACHABLE", "CLOSED", "TIMEOUT", "AUTH", "TLS", "BUSY", "DEMOTED", "PROBE",
          "PROTOCOL", "TOPOLOGY", "NO_RELAY"]
ENUMS = {"OUTCOME": OUTCOMES, "STATE": STATES, "CODE": CODES, "CAUSE": CAUSES}

# Of each message: the fields' names and types by number. "string*" is a repeated string.
MESSAGES = {
    "status": {
        1: ("state", "STATE"), 2: ("reason", "string"), 3: ("since_unix_ms", "uint64"), 4: ("outages", "uint64"),
        5: ("down_ms", "uint64"), 6: ("publishing", "bool"), 7: ("receiving", "bool"), 8: ("gaps", "uint64"),
        9: ("cause", "CAUSE")},
    "welcome": {
        1: ("version", "uint32"), 2: ("relay_version", "string"), 3: ("relay_id", "string"),
        4: ("max_frame_bytes", "uint32"), 5: ("status", "status"), 6: ("max_payload_bytes", "uint32"),
        7: ("features", "string*")},
    "message": {1: ("channel", "string"), 2: ("payload", "bytes"), 3: ("pattern", "string")},
    "reply": {
        1: ("id", "uint64"), 2: ("outcome", "OUTCOME"), 3: ("receivers", "uint64"), 4: ("detail", "string"),
        5: ("channels", "string*"), 6: ("patterns", "string*")},
    "loss": {
        1: ("publishes", "uint64"), 2: ("messages", "uint64"), 3: ("reason", "string"),
        4: ("publishes_unknown", "uint64"), 5: ("cause", "CAUSE")},
    "error": {1: ("code", "CODE"), 2: ("detail", "string")},
    "revoked": {1: ("channels", "string*"), 2: ("patterns", "string*"), 3: ("detail", "string")},
}
KINDS = {1: "welcome", 2: "message", 3: "reply", 4: "status", 5: "loss", 6: "error", 7: "revoked"}


class Malformed(Exception):
    """The bytes are no RelayFrame."""


def read_varint(data, at):
    """The number at `at`, and where the next byte is."""
    value = 0
    for index in range(10):
        if at == len(data):
            raise Malformed("a varint is cut off")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return value & 2**64 - 1, at
    raise Malformed("a varint of more than ten bytes")


def read_fields(data):
    """Yields number, wire type and content of each field: a number for VARINT, else bytes."""
    at = 0
    while at < len(data):
        tag, at = read_varint(data, at)
        number, wire_type = tag >> 3, tag & 7
        if number == 0:
            raise Malformed("field number 0")
        if number > MAX_FIELD_NUMBER:
            raise Malformed(f"field number {number}")
        if wire_type == VARINT:
            content, at = read_varint(data, at)
            yield number, wire_type, content
            continue
        if wire_type == LENGTH:
            size, at = read_varint(data, at)
        elif wire_type == FIXED64:
            size = 8
        elif wire_type == FIXED32:
            size = 4
        else:
            raise Malformed(f"wire type {wire_type}")
        if size > len(data) - at:
            raise Malformed(f"field {number} ends beyond its message")
        yield number, wire_type, data[at:at + size]
        at += size


def read_text(content):
    try:
        return content.decode("utf-8", "strict")
    except UnicodeDecodeError as error:
        raise Malformed("a string is not UTF-8") from error


def read_enum(values, number, prefix):
    """An enum is an int32 on the wire: the low 32 bits, the highest of them the sign."""
    number &= 2**32 - 1
    if number >= 2**31:
        number -= 2**32
    name = values[number] if 0 <= number < len(values) else None
    return number if name is None else f"{prefix}_{name}"


def read_message(name, data, message):
    """Adds the fields in `data` to `message`, which has those of an earlier occurrence."""
    for number, wire_type, content in read_fields(data):
        field, type_ = MESSAGES[name].get(number, (None, None))
        if field is None:
            continue  # of a newer relay
        is_number = type_ in ("uint32", "uint64", "bool") or type_ in ENUMS
        if wire_type != (VARINT if is_number else LENGTH):
            continue  # as if it were unknown
        if type_ == "uint32":
            message[field] = content & 2**32 - 1
        elif type_ == "uint64":
            message[field] = content
        elif type_ == "bool":
            message[field] = content != 0
        elif type_ in ENUMS:
            message[field] = read_enum(ENUMS[type_], content, type_)
        elif type_ == "string":
            message[field] = read_text(content)
        elif type_ == "string*":
            message[field] = message.get(field, []) + [read_text(content)]
        elif type_ == "bytes":
            message[field] = content.hex()
        else:
            message[field] = read_message(type_, content, message.get(field, {}))
    return message


def without_defaults(message):
    """The form of the vectors: what is 0, false, empty or UNSPECIFIED is left out, but for a message in a message."""
    result = {}
    for field, value in message.items():
        if isinstance(value, dict):
            result[field] = without_defaults(value)
        elif value and not str(value).endswith("_UNSPECIFIED"):
            result[field] = str(value) if type(value) is int and value >= 2**53 else value
    return result


def decode(body):
    """The frame in the form of the vectors, or None when it has no known kind. Raises Malformed."""
    kind, message = None, {}
    for number, wire_type, content in read_fields(body):
        if number not in KINDS or wire_type != LENGTH:
            continue  # a kind of a newer relay
        if KINDS[number] != kind:
            kind, message = KINDS[number], {}  # of several kinds the last one counts
        message = read_message(kind, content, message)
    return None if kind is None else {kind: without_defaults(message)}


def split(stream, max_frame_bytes):
    """Cuts what has been read into bodies: those that are whole, the rest, and whether an impossible length follows."""
    bodies = []
    while len(stream) >= 4:
        length = int.from_bytes(stream[:4], "big")
        if length == 0 or length > max_frame_bytes:
            return bodies, stream, True
        if len(stream) < 4 + length:
            break
        bodies.append(stream[4:4 + length])
        stream = stream[4 + length:]
    return bodies, stream, False
