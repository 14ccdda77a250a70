"""Access states and orders: what the server lets a device do, and what it commands it to do.

Access travels as state in every answer. *Pause* and *wipe* are also orders: signed, numbered,
addressed to one device and generation, so that they reach a locked one. A wipe is a state, not a
message: it is repeated in every answer until its signed receipt has come.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar, Literal, cast, get_args

from fieldward_sync.encoding import Message, Part, decode
from fieldward_sync.errors import CallerMistake, PeerBrokeProtocol
from fieldward_sync.names import AuthorityCode, Count, DeviceId, Seconds
from fieldward_sync.signing import MAX_SIGNED_BYTES, Signed

OrderKind = Literal["pause", "resume", "wipe"]


class Access(Enum):
    """What the server permits a device, in every signed answer."""

    ACTIVE = "active"
    PAUSED = "paused"
    DRAINING = "draining"
    REVOKED = "revoked"


@dataclass(frozen=True)
class Rights:
    """What an access state permits. Delivering is never on this list: everybody may, always."""

    read: bool
    renew: bool
    pull: bool
    enquire: bool
    """Whether what is not on the device may be asked for on line."""
    edits_merge: bool
    """Whether delivered edits merge; otherwise they wait in the inbox for a person."""


RIGHTS = {
    Access.ACTIVE: Rights(read=True, renew=True, pull=True, enquire=True, edits_merge=True),
    Access.PAUSED: Rights(read=False, renew=False, pull=False, enquire=False, edits_merge=True),
    Access.DRAINING: Rights(read=True, renew=False, pull=False, enquire=False, edits_merge=True),
    Access.REVOKED: Rights(read=False, renew=False, pull=False, enquire=False, edits_merge=False),
}

MOVES: dict[Access, frozenset[Access]] = {
    Access.ACTIVE: frozenset({Access.PAUSED, Access.DRAINING, Access.REVOKED}),
    Access.PAUSED: frozenset({Access.ACTIVE, Access.DRAINING, Access.REVOKED}),
    Access.DRAINING: frozenset({Access.ACTIVE, Access.PAUSED, Access.REVOKED}),
    Access.REVOKED: frozenset(),
}
"""Revoked is final: who comes back is invited again."""


class WipeState(Enum):
    """How far a wipe has come. Nothing is shown as done without the device's signed receipt."""

    NONE = "none"
    WAITING = "waiting"
    """For a second administrator: nothing has been ordered yet."""
    ORDERED = "ordered"
    SEEN = "seen"
    DONE = "done"
    WITHDRAWN = "withdrawn"
    """Before it was seen, as far as anybody knew."""


WIPE_MOVES: dict[WipeState, frozenset[WipeState]] = {
    WipeState.NONE: frozenset({WipeState.WAITING, WipeState.ORDERED}),
    WipeState.WAITING: frozenset({WipeState.ORDERED, WipeState.WITHDRAWN, WipeState.DONE}),
    WipeState.ORDERED: frozenset({WipeState.SEEN, WipeState.DONE, WipeState.WITHDRAWN}),
    WipeState.SEEN: frozenset({WipeState.DONE}),
    WipeState.DONE: frozenset(),
    WipeState.WITHDRAWN: frozenset({WipeState.WAITING, WipeState.ORDERED, WipeState.DONE}),
}
"""From *withdrawn* to *done*, or from *waiting* after it: the order had reached the device all the
same, says its receipt."""

UNDER_WIPE = frozenset({WipeState.ORDERED, WipeState.SEEN, WipeState.DONE})
"""The device is to wipe itself, or has: it gets nothing more."""


def require_move(moves: dict[Access, frozenset[Access]], old: Access, new: Access) -> None:
    """Raise ``CallerMistake("no-such-move")`` unless the table allows the move."""
    if new not in moves[old]:
        raise CallerMistake(
            "no-such-move", f"A device that is {old.value} cannot become {new.value}."
        )


class Order(Message, frozen=True):
    """A command to one device. It does not expire; it is done once and answered once."""

    marker: ClassVar[bytes] = b"fieldward/order/1"
    authority: AuthorityCode
    device: DeviceId
    generation: Count
    number: Count
    kind: OrderKind
    issued: Seconds


class Receipt(Message, frozen=True):
    """The device's signed answer to an order, made with its identity key."""

    marker: ClassVar[bytes] = b"fieldward/receipt/1"
    authority: AuthorityCode
    device: DeviceId
    generation: Count
    number: Count
    kind: OrderKind
    done_at: Seconds
    """By the device's own clock, which may be wrong; the server adds when it came."""
    journal_size: Count
    """Entries in the device's journal when it obeyed: what must still arrive (U4)."""


OrderRefusal = Literal[
    "signature-wrong", "order-unreadable", "order-misaddressed", "order-changed", "order-stale"
]
"""Why a device did not obey an order."""


class RefusedOrder(Part, frozen=True):
    """An order that a device did not obey, as it tells the server."""

    number: Count
    """That the order says it has; 0 where that cannot be read."""
    code: OrderRefusal


MAX_REFUSED_ORDERS = 16
"""In one request, and remembered by a device."""


def open_order(
    signed: Signed, answer_key: bytes, *, authority: str, device: str, generation: int
) -> Order:
    """The order, if it is the server's and meant for this device; ``PeerBrokeProtocol`` else."""
    order = signed.open(Order, answer_key)
    if (order.authority, order.device, order.generation) != (authority, device, generation):
        raise PeerBrokeProtocol("order-misaddressed", "This order is meant for another device.")
    return order


def require_in_turn(order: Order, *, orders_seen: int, obeyed: Mapping[int, OrderKind]) -> None:
    """Raise ``PeerBrokeProtocol`` unless an order is a new one or repeats one that was obeyed.

    ``obeyed`` has the last of those by number.
    "order-changed" for another kind under the number of one that was, "order-stale" for one that
    comes after a later one: it was withdrawn, or held back. A receipt for either would be a lie.
    """
    if order.number > orders_seen:
        return
    known = obeyed.get(order.number)
    if known is None and (order.kind == "wipe" or "wipe" not in obeyed.values()):
        raise PeerBrokeProtocol("order-stale", "A later order was obeyed before this one came.")
    if known is not None and known != order.kind:
        raise PeerBrokeProtocol("order-changed", "The order of this number was another one.")


def order_number(signed: Signed) -> int:
    """The number that an order says it has, whoever signed it; 0 where none can be read."""
    try:
        return decode(Order, signed.payload, max_bytes=MAX_SIGNED_BYTES).number
    except PeerBrokeProtocol:
        return 0


def refused_order(signed: Signed, error: PeerBrokeProtocol) -> RefusedOrder:
    """What to tell the server of an order that ``open_order`` or ``require_in_turn`` refused."""
    code = error.code if error.code in get_args(OrderRefusal) else "order-unreadable"
    return RefusedOrder(order_number(signed), cast(OrderRefusal, code))
