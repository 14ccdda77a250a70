"""How every Fieldward value becomes bytes, and comes back: one encoding per value.

A value is a frozen ``Message``; its bytes are the marker ``fieldward/<kind>/<version>``, a newline,
and one MessagePack array with the fields in the order they are declared. Parsing is strict:
another marker, a missing or further field, a value out of its bounds, trailing bytes, or any
encoding but the shortest are refused. The marker also separates signatures by purpose.
"""

from __future__ import annotations

from functools import cache
from threading import Lock
from typing import Any, ClassVar, TypeVar

import msgspec

from fieldward_sync.errors import PeerBrokeProtocol

MessageT = TypeVar("MessageT", bound="Message")


# gc=False: a value never holds itself, so the garbage collector need not look at thousands of them.


class Part(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """A value that only travels inside a ``Message`` and so carries no marker of its own."""


class Message(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """A value that stands alone, on the wire or on a disk. Each kind names its marker."""

    marker: ClassVar[bytes]


_encoder = msgspec.msgpack.Encoder(order="deterministic")


_making = Lock()


@cache
def _decoder(kind: type[Any]) -> msgspec.msgpack.Decoder[Any]:
    # One at a time: msgspec lets another thread see what it has found out of a type so far, and
    # that thread's process ends there and then.
    with _making:
        return msgspec.msgpack.Decoder(kind)


def pack(value: object) -> bytes:
    """One MessagePack value without a marker, for what is hashed or sealed in something else."""
    return _encoder.encode(value)


def unpack(kind: Any, data: bytes) -> Any:
    """The value of type ``kind`` that ``pack`` made; ``PeerBrokeProtocol`` for anything else."""
    value = unpack_authentic(kind, data)
    if _encoder.encode(value) != data:
        raise PeerBrokeProtocol("malformed", "These bytes are not in the one encoding allowed.")
    return value


def unpack_authentic(kind: Any, data: Any) -> Any:
    """The same for bytes that were sealed by whoever ``pack``ed them, and have been authenticated:
    types are checked, but nothing is encoded again to see that there was only one way."""
    try:
        return _decoder(kind).decode(data)
    # Besides its own: text is not UTF-8; what should be bytes is none (in a database it can be).
    except (msgspec.MsgspecError, UnicodeDecodeError, TypeError) as e:
        raise PeerBrokeProtocol(
            "malformed", f"These bytes are not what they should be: {e}."
        ) from e
    except RecursionError as e:
        raise PeerBrokeProtocol("malformed", "These bytes are nested too deeply.") from e


def encode(message: Message) -> bytes:
    """The message's only encoding, marker first."""
    return message.marker + b"\n" + _encoder.encode(message)


def decode(kind: type[MessageT], data: bytes, *, max_bytes: int) -> MessageT:
    """The message of ``kind`` in ``data``; ``PeerBrokeProtocol`` if it is another or longer."""
    if len(data) > max_bytes:
        raise PeerBrokeProtocol(
            "too-large", f"{len(data)} bytes, where at most {max_bytes} are allowed."
        )
    marker = kind.marker + b"\n"
    if not data.startswith(marker):
        raise PeerBrokeProtocol(
            "wrong-kind", f"Expected {kind.marker.decode()}; the data does not begin with it."
        )
    value: MessageT = unpack(kind, data[len(marker) :])
    return value
