"""Frames and their bytes, for tests that speak to a relay without a client. The codec is that of the Python client."""
import harness  # noqa: F401  (it says where the package is)
from hubrelay.codec import (CLIENT_FRAME, FIELDS, RELAY_FRAME, ProtocolError, decode, encode, framed, name_field,
                            varint)
from hubrelay.frames import (Cause, Code, Error, Hello, Loss, Message, Outcome, Ping, Publish, Reply, Revoked, State,
                             Status, Subscribe, Unsubscribe, Welcome)


async def read_body(reader, limit):
    """The next frame's body from a StreamReader. Raises ProtocolError, and IncompleteReadError at the end."""
    length = int.from_bytes(await reader.readexactly(4), "big")
    if not 0 < length <= limit:
        raise ProtocolError(Code.FRAME_TOO_LARGE if length else Code.MALFORMED, f"length {length}")
    return await reader.readexactly(length)


__all__ = ["CLIENT_FRAME", "FIELDS", "RELAY_FRAME", "Cause", "Code", "Error", "Hello", "Loss", "Message", "Outcome",
           "Ping", "ProtocolError", "Publish", "Reply", "Revoked", "State", "Status", "Subscribe", "Unsubscribe",
           "Welcome", "decode", "encode", "framed", "name_field", "read_body", "varint"]
