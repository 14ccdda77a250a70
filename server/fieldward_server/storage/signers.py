"""Who may have signed a device's request, and all that an answer to them depends on at once.

For every request's sake in one statement: each costs a way to the database and back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any, NamedTuple

from fieldward_server.storage.authorities import Authority
from fieldward_server.storage.devices import Device
from fieldward_server.storage.driver import Transaction
from fieldward_server.storage.holders import Holder
from fieldward_server.storage.practitioners import Practitioner


class Signer(NamedTuple):
    """A device, its authority, and somebody who works with it."""

    authority: Authority
    device: Device
    holder: Holder | None
    """The practitioner who was asked for, on this device; ``None`` for one who is not on it."""
    practitioner: Practitioner | None
    """What is known of them."""
    suspended: int
    """How many of the practitioners on this device are suspended."""
    has_notices: int
    """Whether there are any that the practitioner who was asked for has not read."""


def find(
    transaction: Transaction, authority: str, device: str, generation: int, practitioner: str
) -> Signer | None:
    """A device, and a practitioner on it."""
    rows = transaction.execute(
        f"SELECT {_SELECTED}, {_SUSPENDED} AS suspended,"  # noqa: S608 # our names
        f" {_HAS_NOTICES} AS has_notices"
        " FROM device d JOIN authority a ON a.authority = d.authority"
        " LEFT JOIN serving s ON s.authority = a.authority AND s.incarnation = a.incarnation"
        " LEFT JOIN holder h ON h.authority = d.authority AND h.device = d.device"
        "  AND h.generation = d.generation AND h.practitioner = :practitioner"
        " LEFT JOIN practitioner p ON p.authority = h.authority"
        "  AND p.practitioner = h.practitioner"
        " WHERE d.authority = :authority AND d.device = :device AND d.generation = :generation",
        authority=authority,
        device=device,
        generation=generation,
        practitioner=practitioner,
    )
    if not rows:
        return None
    (row,) = rows
    values = tuple(row.values())  # in the order in which they were asked for
    return Signer(
        Authority(*values[_AUTHORITY]),
        Device(*values[_DEVICE]),
        Holder(*values[_HOLDER]) if row["h_practitioner"] is not None else None,
        Practitioner(*values[_PRACTITIONER]) if row["p_practitioner"] is not None else None,
        row["suspended"],
        row["has_notices"],
    )


_PARTS: dict[str, type[Any]] = {"a": Authority, "d": Device, "h": Holder, "p": Practitioner}
_COLUMNS = {
    table: {field.name: f"{table}_{field.name}" for field in fields(kind)}
    for table, kind in _PARTS.items()
}
_WORKED_OUT = {"a_is_serving": "CASE WHEN s.authority IS NULL THEN 0 ELSE 1 END"}
_SELECTED = ", ".join(
    f"{_WORKED_OUT.get(alias, f'{table}.{name}')} AS {alias}"
    for table, columns in _COLUMNS.items()
    for name, alias in columns.items()
)
_SUSPENDED = (  # few are, of a whole authority: those have an index of their own
    "(SELECT count(*) FROM practitioner q WHERE q.authority = d.authority AND q.suspended_at > 0"
    " AND EXISTS (SELECT 1 FROM holder o WHERE o.authority = d.authority AND o.device = d.device"
    "  AND o.generation = d.generation AND o.practitioner = q.practitioner))"
)
_HAS_NOTICES = (
    "CASE WHEN EXISTS (SELECT 1 FROM notice n WHERE n.authority = h.authority"
    "  AND n.practitioner = h.practitioner AND n.read_at IS NULL) THEN 1 ELSE 0 END"
)


def _places() -> Iterator[slice]:
    """Where the values of each part are among those selected."""
    end = 0
    for columns in _COLUMNS.values():
        begin, end = end, end + len(columns)
        yield slice(begin, end)


_AUTHORITY, _DEVICE, _HOLDER, _PRACTITIONER = _places()
