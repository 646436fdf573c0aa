"""Messages as bytes, in the formats of channels_redis 4.3, since a fleet may use both layers.

The formats, the encryption and the registry are those of https://github.com/django/channels_redis#serializer_format, so
that a serializer that was registered there can also be registered here.
"""
import base64
import hashlib
import json
from collections.abc import Sequence
from typing import Any, Optional, Union

from channels.exceptions import InvalidChannelLayerError

Keys = Optional[Sequence[Union[str, bytes]]]


class BaseMessageSerializer:
    """The base of serializers: override `as_bytes` and `from_bytes`. Their bytes are encrypted if there are keys.

    The first of `symmetric_encryption_keys` encrypts; any of them decrypts. Raises InvalidChannelLayerError if the keys
    are not a list, or if the package cryptography is missing.
    """

    def __init__(self, symmetric_encryption_keys: Keys = None) -> None:
        self.crypter: Any = _crypter(symmetric_encryption_keys) if symmetric_encryption_keys else None

    def as_bytes(self, message: Any) -> bytes:
        """The message in this format."""
        raise NotImplementedError

    def from_bytes(self, message: bytes) -> Any:
        """The message, from the bytes of `as_bytes`."""
        raise NotImplementedError

    def serialize(self, message: Any) -> bytes:
        """The message as it is published."""
        data = self.as_bytes(message)
        return data if self.crypter is None else self.crypter.encrypt(data)

    def deserialize(self, message: bytes) -> Any:
        """The message, from the bytes that were published."""
        return self.from_bytes(message if self.crypter is None else self.crypter.decrypt(message))


class JSONSerializer(BaseMessageSerializer):
    """JSON (RFC 8259) in UTF-8. It cannot represent byte strings."""

    def as_bytes(self, message: Any) -> bytes:
        return json.dumps(message).encode()

    def from_bytes(self, message: bytes) -> Any:
        return json.loads(message)


class MsgPackSerializer(BaseMessageSerializer):
    """MessagePack (https://msgpack.org)."""

    def __init__(self, symmetric_encryption_keys: Keys = None) -> None:
        super().__init__(symmetric_encryption_keys)
        try:
            import msgpack
        except ImportError as error:
            raise InvalidChannelLayerError(
                "serializer_format 'msgpack' needs the package msgpack: pip install msgpack") from error
        self.as_bytes, self.from_bytes = msgpack.packb, msgpack.unpackb  # type: ignore[method-assign]


class SerializersRegistry:
    """The formats by their names, which are the values for `serializer_format`."""

    def __init__(self) -> None:
        self._classes: dict[str, type[Any]] = {}

    def register_serializer(self, format: str, serializer_class: type[Any]) -> None:
        """Adds or replaces a format. The class takes `symmetric_encryption_keys`, and has `serialize(message)` and
        `deserialize(data)`. Raises TypeError for a class without these methods."""
        for method in ("serialize", "deserialize"):
            if not callable(getattr(serializer_class, method, None)):
                raise TypeError(f"{serializer_class!r} is not a serializer: it has no method {method}")
        self._classes[format] = serializer_class

    def get_serializer(self, format: str, symmetric_encryption_keys: Keys = None) -> Any:
        """A serializer of this format. Raises InvalidChannelLayerError for an unknown format."""
        if format not in self._classes:
            known = ", ".join(sorted(self._classes))
            raise InvalidChannelLayerError(f"serializer_format {format!r} is not known; there are {known}")
        return self._classes[format](symmetric_encryption_keys=symmetric_encryption_keys)


def _crypter(keys: Sequence[Union[str, bytes]]) -> Any:
    if isinstance(keys, (str, bytes)):
        raise InvalidChannelLayerError("symmetric_encryption_keys must be a list of keys, even for one key")
    try:
        from cryptography.fernet import Fernet, MultiFernet
    except ImportError as error:
        raise InvalidChannelLayerError(
            "symmetric_encryption_keys need the package cryptography: pip install cryptography") from error
    hashed = [hashlib.sha256(key.encode() if isinstance(key, str) else key).digest() for key in keys]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in hashed])


#: The formats of every layer of this process.
registry = SerializersRegistry()
registry.register_serializer("json", JSONSerializer)
registry.register_serializer("msgpack", MsgPackSerializer)
