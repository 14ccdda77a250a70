"""Which backups there are of an authority, and so what devices need not keep (design §8)."""

from __future__ import annotations

from dataclasses import dataclass

from fieldward_server.services.authorities import locked
from fieldward_server.services.platform import Platform
from fieldward_server.storage import authorities


@dataclass(frozen=True)
class BackedUpAuthority:
    """An authority as a backup that begins now will have it."""

    authority: str
    incarnation: int
    root_key: bytes
    """Empty where it was never founded."""
    number: int
    """The backup's own, for this authority."""


def begin_backup(platform: Platform) -> tuple[BackedUpAuthority, ...]:
    """A backup begins, of all authorities: whatever was acknowledged before this returned is in a
    copy that is made afterwards. The authority's lock sees to that, not a clock."""
    with platform.storage.reading() as transaction:
        codes = authorities.codes(transaction)
    return tuple(_begin(platform, code) for code in codes)


def end_backup(platform: Platform, begun: tuple[BackedUpAuthority, ...]) -> None:
    """The backup is complete and durable. Devices let go of what the one before it has: either of
    the two may be restored."""
    for each in begun:
        with platform.storage.transaction() as transaction:
            locked(transaction, each.authority)
            authorities.end_backup(transaction, each.authority, each.number)


def _begin(platform: Platform, code: str) -> BackedUpAuthority:
    with platform.storage.transaction() as transaction:
        row = locked(transaction, code)
        number = authorities.begin_backup(transaction, code)
    return BackedUpAuthority(code, row.incarnation, row.root_key, number)
