"""What a decoder gets wrong: each mutant is decoder.py with one replacement, and a vector has to fail for it.

    python3 proto/vectors/mutants/decoder_mutants.py        says which vectors fail for which mutant

Exit code 1 if a mutant passes all vectors, or if the unchanged decoder fails one.
"""
import json
import pathlib
import sys

FOLDER = pathlib.Path(__file__).resolve().parent

#: Name, the text in decoder.py, and what it is replaced by. Each text occurs there once.
MUTANTS = [
    # varints
    ("a varint of eleven bytes is read", "in range(10)", "in range(11)"),
    ("a varint of ten bytes is too long", "in range(10)", "in range(9)"),
    ("a varint of six bytes is too long", "in range(10)", "in range(5)"),
    ("the end is an end of a varint", 'raise Malformed("a varint is cut off")', "return value, at"),
    ("a number has more than 64 bits", "return value & 2**64 - 1, at", "return value, at"),
    ("a number has 63 bits", "return value & 2**64 - 1, at", "return value & 2**63 - 1, at"),
    ("a number has 53 bits", "return value & 2**64 - 1, at", "return value & 2**53 - 1, at"),
    ("a number has 32 bits", "return value & 2**64 - 1, at", "return value & 2**32 - 1, at"),
    ("a number has a sign", "return value & 2**64 - 1, at", "return (value & 2**64 - 1 ^ 2**63) - 2**63, at"),
    ("groups of seven bits come highest first", "value |= (byte & 0x7F) << (7 * index)",
     "value = value << 7 | byte & 0x7F"),
    ("the top bit of a byte counts", "value |= (byte & 0x7F) << (7 * index)", "value |= byte << (7 * index)"),
    ("shifts are counted in 32 bits", "<< (7 * index)", "<< (7 * index) % 32"),
    ("the shortest form of a varint is asked for", "if byte < 0x80:\n",
     "if byte < 0x80:\n            if byte == 0 and index:\n                raise Malformed('longer than need be')\n"),

    # tags
    ("field number 0 is skipped", "if number == 0:", "if False:"),
    ("a field number has no bound", "if number > MAX_FIELD_NUMBER:", "if False:"),
    ("the bound of field numbers is one too high", "2**29 - 1\n", "2**29\n"),
    ("the bound of field numbers is one too low", "2**29 - 1\n", "2**29 - 2\n"),
    ("a tag has the low 32 bits of its varint", "number, wire_type = tag >> 3, tag & 7",
     "number, wire_type = (tag & 2**32 - 1) >> 3, tag & 7"),
    ("a tag has one byte", "tag, at = read_varint(data, at)", "tag, at = data[at], at + 1"),
    ("a field number has four bits", "number, wire_type = tag >> 3, tag & 7",
     "number, wire_type = tag >> 3 & 15, tag & 7"),

    # wire types
    ("8 bytes are 4", "size = 8", "size = 4"),
    ("4 bytes are 8", "size = 4\n", "size = 8\n"),
    ("wire type 3 has no content", 'raise Malformed(f"wire type {wire_type}")',
     'if wire_type != 3:\n                raise Malformed("wire type")\n            size = 0'),
    ("wire type 4 has no content", 'raise Malformed(f"wire type {wire_type}")',
     'if wire_type != 4:\n                raise Malformed("wire type")\n            size = 0'),
    ("wire types 6 and 7 have no content", 'raise Malformed(f"wire type {wire_type}")',
     'if wire_type < 6:\n                raise Malformed("wire type")\n            size = 0'),
    ("groups are skipped, whatever ends them", 'raise Malformed(f"wire type {wire_type}")',
     'if wire_type > 4:\n                raise Malformed("wire type")\n            size = 0'),
    ("a known field is read whatever its wire type", "if wire_type != (VARINT if is_number else LENGTH):",
     "if wire_type == VARINT and not is_number:"),
    ("a number is taken from bytes", "if wire_type != (VARINT if is_number else LENGTH):\n",
     "if is_number and wire_type == LENGTH and content:\n            content = content[0]\n"
     "        elif wire_type != (VARINT if is_number else LENGTH):\n"),
    ("another wire type than its own is malformed",
     "continue  # as if it were unknown", 'raise Malformed("not its wire type")'),
    ("another wire type than its own resets a field", "continue  # as if it were unknown",
     "message.pop(field, None)\n            continue"),
    ("a kind is one whatever its wire type", "if number not in KINDS or wire_type != LENGTH:",
     "if number not in KINDS or wire_type == VARINT:"),
    ("a kind as a number is malformed", "if number not in KINDS or wire_type != LENGTH:\n",
     "if number in KINDS and wire_type != LENGTH:\n            raise Malformed('no message')\n"
     "        if number not in KINDS:\n"),

    # lengths
    ("a length may end beyond its message", "if size > len(data) - at:", "if False:"),
    ("a length may end one byte beyond its message", "if size > len(data) - at:", "if size > len(data) - at + 1:"),
    ("a length may not end with its message", "if size > len(data) - at:", "if size >= len(data) - at:"),
    ("only strings and bytes may not be cut off", "if size > len(data) - at:",
     "if wire_type == LENGTH and size > len(data) - at:"),
    ("4 bytes may be cut off", "if size > len(data) - at:", "if wire_type != FIXED32 and size > len(data) - at:"),
    ("8 bytes may be cut off", "if size > len(data) - at:", "if wire_type != FIXED64 and size > len(data) - at:"),
    ("a length has 32 bits", "size, at = read_varint(data, at)",
     "size, at = read_varint(data, at)\n            size &= 2**32 - 1"),
    ("a length has 31 bits and a sign", "if size > len(data) - at:",
     "if (size + 2**31) % 2**32 - 2**31 > len(data) - at:"),
    ("a length has 63 bits and a sign", "if size > len(data) - at:",
     "if (size + 2**63) % 2**64 - 2**63 > len(data) - at:"),
    ("a length has one byte", "size, at = read_varint(data, at)", "size, at = (data + b'\\0')[at], at + 1"),
    ("a length has two bytes", "size, at = read_varint(data, at)",
     "size, at = read_varint(data, at)\n            size &= 2**14 - 1"),

    # strings
    ("a string is read as it can be", '"utf-8", "strict"', '"utf-8", "replace"'),
    ("a string may have surrogates", '"utf-8", "strict"', '"utf-8", "surrogatepass"'),
    ("a string loses what is wrong", '"utf-8", "strict"', '"utf-8", "ignore"'),
    ("a string is Latin-1", '"utf-8", "strict"', '"latin-1", "strict"'),
    ("a byte order mark is stripped", '"utf-8", "strict"', '"utf-8-sig", "strict"'),
    ("a string ends at NUL", 'return content.decode("utf-8", "strict")',
     'return content.decode("utf-8", "strict").split("\\0")[0]'),
    ("a replacement character is an error", 'return content.decode("utf-8", "strict")',
     'text = content.decode("utf-8", "strict")\n        if "\\ufffd" in text:\n'
     '            raise Malformed("not UTF-8")\n        return text'),
    ("a string is normalised", 'return content.decode("utf-8", "strict")',
     'return __import__("unicodedata").normalize("NFC", content.decode("utf-8", "strict"))'),
    ("names in lists are not checked", "[read_text(content)]", '[content.decode("utf-8", "replace")]'),
    ("strings that are no names are not checked", "message[field] = read_text(content)",
     'message[field] = read_text(content) if field == "channel" else content.decode("utf-8", "replace")'),
    ("a pattern is not checked", "message[field] = read_text(content)",
     'message[field] = read_text(content) if field != "pattern" else content.decode("utf-8", "replace")'),
    ("a payload is text", "content.hex()", "read_text(content).encode().hex()"),

    # numbers, bools and enums
    ("a uint32 has 64 bits", "message[field] = content & 2**32 - 1", "message[field] = content"),
    ("a uint32 has 31 bits", "message[field] = content & 2**32 - 1", "message[field] = content & 2**31 - 1"),
    ("a uint32 saturates", "content & 2**32 - 1", "min(content, 2**32 - 1)"),
    ("a uint64 has 32 bits", 'elif type_ == "uint64":\n            message[field] = content\n',
     'elif type_ == "uint64":\n            message[field] = content & 2**32 - 1\n'),
    ("a bool is true when it is 1", "content != 0", "content == 1"),
    ("a bool is its lowest bit", "content != 0", "content & 1 == 1"),
    ("a bool is its low byte", "content != 0", "content & 255 != 0"),
    ("a bool has 32 bits", "content != 0", "content & 2**32 - 1 != 0"),
    ("an enum has 64 bits", "    number &= 2**32 - 1\n", ""),
    ("an enum has no sign", "number -= 2**32", "pass"),
    ("an enum has one byte", "number &= 2**32 - 1", "number &= 255"),
    ("an enum has seven bits", "number &= 2**32 - 1", "number &= 127"),
    ("an enum has two bytes", "number &= 2**32 - 1", "number &= 2**16 - 1"),
    ("a value of a newer relay is unspecified", "return number if name is None else",
     "return 0 if name is None else"),
    ("a value of a newer relay is malformed", "    return number if name is None else",
     "    if name is None:\n        raise Malformed('unknown')\n    return"),
    ("a negative value is counted from the end", "if 0 <= number < len(values)", "if number < len(values)"),
    ("outages are read as down_ms", '4: ("outages", "uint64")', '4: ("down_ms", "uint64")'),
    ("publishing and receiving are mixed up", '6: ("publishing", "bool"), 7: ("receiving", "bool")',
     '7: ("publishing", "bool"), 6: ("receiving", "bool")'),
    ("channels and patterns of a Reply are mixed up", '5: ("channels", "string*"), 6: ("patterns", "string*")',
     '6: ("channels", "string*"), 5: ("patterns", "string*")'),
    ("channels and patterns of a Revoked are mixed up", '1: ("channels", "string*"), 2: ("patterns", "string*")',
     '2: ("channels", "string*"), 1: ("patterns", "string*")'),
    ("causes above 15 are counted from 7", "*[None] * 9,", ""),

    # a field twice, lists
    ("the first value of a field counts", 'message[field] = read_text(content)\n',
     'message.setdefault(field, read_text(content))\n'),
    ("the first number counts", 'elif type_ == "uint64":\n            message[field] = content\n',
     'elif type_ == "uint64":\n            message.setdefault(field, content)\n'),
    ("0 does not count", 'elif type_ == "uint64":\n            message[field] = content\n',
     'elif type_ == "uint64":\n            message[field] = content or message.get(field, 0)\n'),
    ("false does not count", "content != 0", "content != 0 or message.get(field, False)"),
    ("an empty string does not count", 'message[field] = read_text(content)\n',
     'message[field] = read_text(content) or message.get(field, "")\n'),
    ("an empty payload does not count", "content.hex()", 'content.hex() or message.get(field, "")'),
    ("a list has its last element", "message.get(field, []) + [read_text(content)]", "[read_text(content)]"),
    ("a list has its first element", "message.get(field, []) + [read_text(content)]",
     "(message.get(field, []) + [read_text(content)])[:1]"),
    ("a list is in reverse", "message.get(field, []) + [read_text(content)]",
     "[read_text(content)] + message.get(field, [])"),
    ("a list has no empty strings", "message.get(field, []) + [read_text(content)]",
     "message.get(field, []) + ([read_text(content)] if content else [])"),
    ("a list is a set", "message.get(field, []) + [read_text(content)]",
     "list(dict.fromkeys(message.get(field, []) + [read_text(content)]))"),
    ("a list has 255 elements at most", "message.get(field, []) + [read_text(content)]",
     "(message.get(field, []) + [read_text(content)])[:255]"),
    ("the last message in a message counts", "message.get(field, {}))", "{})"),
    ("an empty message in a message is none", "if isinstance(value, dict):", "if isinstance(value, dict) and value:"),

    # kinds and what is unknown
    ("the last of two frames of a kind counts", "if KINDS[number] != kind:", "if True:"),
    ("frames of different kinds are merged", "kind, message = KINDS[number], {}", "kind = KINDS[number]"),
    ("the first of two kinds counts", "if KINDS[number] != kind:\n",
     "if kind is not None and KINDS[number] != kind:\n            continue\n        if kind is None:\n"),
    ("nothing behind the kind is read", "        message = read_message(kind, content, message)\n",
     "        message = read_message(kind, content, message)\n        break\n"),
    ("an unknown field behind the kind is another kind", "continue  # a kind of a newer relay",
     "kind, message = None, {}\n            continue"),
    ("an unknown kind is malformed", "continue  # a kind of a newer relay", 'raise Malformed("unknown kind")'),
    ("no kind is malformed", "return None if kind is None else",
     "if kind is None:\n        raise Malformed('no kind')\n    return"),
    ("an unknown field is malformed", "continue  # of a newer relay", 'raise Malformed("unknown field")'),
    ("an unknown field ends the message", "continue  # of a newer relay", "break"),
    ("an unknown field is read as text", "continue  # of a newer relay",
     "_ = read_text(content) if wire_type == LENGTH else None\n            continue"),
    ("an unknown field is read as a message", "continue  # of a newer relay",
     "_ = list(read_fields(content)) if wire_type == LENGTH else None\n            continue"),
    ("an unknown kind is read as a message", "continue  # a kind of a newer relay",
     "_ = list(read_fields(content)) if wire_type == LENGTH else None\n            continue"),
    ("a message that begins with an unknown field is none", "continue  # of a newer relay",
     "if not message:\n                raise Malformed('order')\n            continue"),
    ("fields come in the order of their numbers", "        field, type_ = MESSAGES",
     "        if message and number < max([0] + [n for n, f in MESSAGES[name].items() if f[0] in message]):\n"
     "            raise Malformed('order')\n        field, type_ = MESSAGES"),

    # framing
    ("a length is little endian", '"big"', '"little"'),
    ("a length has a sign", "length == 0 or length > max_frame_bytes",
     "length == 0 or (length + 2**31) % 2**32 - 2**31 > max_frame_bytes"),
    ("a length of 0 is an empty body", "length == 0 or length", "length"),
    ("a body of max_frame_bytes is too large", "length > max_frame_bytes", "length >= max_frame_bytes"),
    ("a body of one byte more is taken", "length > max_frame_bytes", "length > max_frame_bytes + 1"),
    ("max_frame_bytes counts the length, too", "length > max_frame_bytes", "length + 4 > max_frame_bytes"),
    ("a frame is read once the next byte is there", "len(stream) < 4 + length", "len(stream) <= 4 + length"),
    ("one frame a read", "        stream = stream[4 + length:]\n",
     "        stream = stream[4 + length:]\n        break\n"),
    ("a length is judged once its body is there", "if length == 0 or length > max_frame_bytes:",
     "if len(stream) >= 4 + length and (length == 0 or length > max_frame_bytes):"),
]


def failures(decoder, vectors):
    """Names of the vectors that the decoder, a module's names, fails. What a vector has in `also` is right, too."""
    failed = []
    for vector in vectors["relay-frames.json"]["vectors"]:
        try:
            found = decoder["decode"](bytes.fromhex(vector["body"]))
        except decoder["Malformed"]:
            found = "CODE_MALFORMED"
        except Exception as error:  # another one than the decoder's own would reach the app
            found = error
        rights = [vector["error"] if "error" in vector else vector["frame"]]
        if found not in rights + ([vector["also"]] if "also" in vector else []):
            failed.append(vector["name"])
    for vector in vectors["streams.json"]["framing"]:
        if vector["sender"] != "relay":
            continue
        stream = bytes.fromhex("".join(vector["chunks"]))
        bodies, rest, is_wrong = decoder["split"](stream, vector["max_frame_bytes"])
        found = ([body.hex() for body in bodies], None if is_wrong else rest.hex(), is_wrong)
        if found != (vector["bodies"], vector.get("rest"), "error" in vector):
            failed.append(vector["name"])
    return failed


def load(source):
    """The names of a decoder."""
    names = {}
    exec(compile(source, "decoder.py", "exec"), names)
    return names


def run():
    """Yields the name of each mutant, None for the unchanged decoder, and the vectors that fail for it."""
    files = ("relay-frames.json", "streams.json")
    vectors = {file: json.loads((FOLDER.parent / file).read_text()) for file in files}
    source = (FOLDER / "decoder.py").read_text()
    yield None, failures(load(source), vectors)
    for name, text, replacement in MUTANTS:
        if source.count(text) != 1:
            raise ValueError(f"{name}: decoder.py has this {source.count(text)} times: {text}")
        yield name, failures(load(source.replace(text, replacement)), vectors)


def main():
    wrong = 0
    for name, failed in run():
        wrong += bool(failed) if name is None else not failed
        print(f"{name or 'the decoder itself'}: {len(failed)} failed{': ' if failed else ''}{'; '.join(failed[:3])}")
    print(f"{len(MUTANTS)} mutants, {wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
