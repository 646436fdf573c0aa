"""The fields of each frame, as in hubrelay.proto."""
from typing import Any

from .frames import (Cause, Code, Error, Hello, Loss, Message, Outcome, Ping, Publish, Reply, Revoked, State, Status,
                     Subscribe, Unsubscribe, Welcome)

#: The n-th kind has number n in the schema's oneof.
CLIENT_FRAME: tuple[type, ...] = (Hello, Publish, Subscribe, Unsubscribe, Ping)
RELAY_FRAME: tuple[type, ...] = (Welcome, Message, Reply, Status, Loss, Error, Revoked)

UINT64, UINT32, BOOL, STRING, BYTES, STRINGS = "uint64", "uint32", "bool", "string", "bytes", "repeated string"

#: Name and type of each field; the n-th has number n.
FIELDS: dict[type, tuple[tuple[str, Any], ...]] = {
    Hello: (("version", UINT32), ("client_name", STRING)),
    Publish: (("channel", STRING), ("payload", BYTES), ("id", UINT64)),
    Subscribe: (("id", UINT64), ("channels", STRINGS), ("patterns", STRINGS)),
    Unsubscribe: (("id", UINT64), ("channels", STRINGS), ("patterns", STRINGS)),
    Ping: (("id", UINT64), ("settled", BOOL)),
    Welcome: (("version", UINT32), ("relay_version", STRING), ("relay_id", STRING), ("max_frame_bytes", UINT32),
              ("status", Status), ("max_payload_bytes", UINT32), ("features", STRINGS)),
    Message: (("channel", STRING), ("payload", BYTES), ("pattern", STRING)),
    Reply: (("id", UINT64), ("outcome", Outcome), ("receivers", UINT64), ("detail", STRING), ("channels", STRINGS),
            ("patterns", STRINGS)),
    Status: (("state", State), ("reason", STRING), ("since_unix_ms", UINT64), ("outages", UINT64),
             ("down_ms", UINT64), ("publishing", BOOL), ("receiving", BOOL), ("gaps", UINT64), ("cause", Cause)),
    Loss: (("publishes", UINT64), ("messages", UINT64), ("reason", STRING), ("publishes_unknown", UINT64),
           ("cause", Cause)),
    Error: (("code", Code), ("detail", STRING)),
    Revoked: (("channels", STRINGS), ("patterns", STRINGS), ("detail", STRING)),
}
