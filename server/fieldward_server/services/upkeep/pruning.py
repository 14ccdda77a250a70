"""What nobody needs any more goes: a little in each transaction, and again does no harm.

``docs/bounds.md`` says of each kind of row what it grows with, and which of these takes it away. A
run that is broken off anywhere has removed what it had committed, and the next one goes on.
"""

from __future__ import annotations

from collections.abc import Callable

from fieldward_server.services.authorities import locked
from fieldward_server.services.distribution.absence import horizon
from fieldward_server.services.platform import Platform
from fieldward_server.storage import (
    Transaction,
    authorities,
    epoch_keys,
    feed_changes,
    invitations,
    notices,
    partitions,
)
from fieldward_sync.access import MOVES, UNDER_WIPE
from fieldward_sync.encoding import unpack

ROWS_AT_ONCE = 1_000
"""How many rows one transaction removes at most."""

Batch = Callable[[Transaction, str, int], int]
"""Removes at most ``ROWS_AT_ONCE`` rows of an authority that are older than a time; how many."""


def prune_feeds(platform: Platform, now: int) -> int:
    """Remove changes that an image has taken in and no device can have missed; how many went.

    Files are made of what came after their image alone. What came before is kept for who must be
    told that something is hidden of a record that had left already.
    """
    with platform.storage.reading() as transaction:
        of_all = [
            (code, each.partition_id)
            for code in authorities.serving(transaction)
            for each in partitions.of_authority(transaction, code)
        ]
    return sum(_prune_feed(platform, code, partition, now=now) for code, partition in of_all)


def prune_notices(platform: Platform, now: int) -> int:
    """Remove notices that were read, and those that nobody is left to read; how many went."""
    return _prune(platform, _prune_notices, now=now)


def prune_invitations(platform: Platform, now: int) -> int:
    """Remove invitations that ran out, used or not; how many went."""
    return _prune(platform, _prune_invitations, now=now)


def prune_keys(platform: Platform, now: int) -> int:
    """Remove the keys of key epochs under which no listed file is sealed, and none will be; how
    many went. A device has the keys of what it holds itself."""
    del now  # a key is needed or it is not, however old
    with platform.storage.reading() as transaction:
        of_all = [
            each
            for code in authorities.serving(transaction)
            for each in epoch_keys.of_several_epochs(transaction, code)
        ]
    return sum(_prune_keys(platform, code, partition) for code, partition in of_all)


def _prune_feed(platform: Platform, authority: str, partition: str, *, now: int) -> int:
    def prune(transaction: Transaction, code: str, before: int) -> int:
        return feed_changes.forget(
            transaction, code, partition, before=before, at_most=ROWS_AT_ONCE
        )

    return _prune_authority(platform, prune, authority, now=now)


def _prune_notices(transaction: Transaction, authority: str, before: int) -> int:
    return notices.forget(
        transaction,
        authority,
        before=before,
        at_most=ROWS_AT_ONCE,
        never_told=[access.value for access, moves in MOVES.items() if not moves],
        wiped=[state.value for state in UNDER_WIPE],
    )


def _prune_invitations(transaction: Transaction, authority: str, before: int) -> int:
    return invitations.forget(transaction, authority, before=before, at_most=ROWS_AT_ONCE)


def _prune(platform: Platform, prune: Batch, *, now: int) -> int:
    with platform.storage.reading() as transaction:
        codes = authorities.serving(transaction)
    return sum(_prune_authority(platform, prune, code, now=now) for code in codes)


def _prune_authority(platform: Platform, prune: Batch, authority: str, *, now: int) -> int:
    removed = 0
    while True:
        with platform.storage.transaction() as transaction:
            before = horizon(platform, transaction, authority, now=now)
            count = prune(transaction, authority, before)
        removed += count
        if count < ROWS_AT_ONCE:
            return removed


def _prune_keys(platform: Platform, authority: str, partition: str) -> int:
    with platform.storage.transaction() as transaction:
        # Who puts a key ring together, or publishes files, holds this lock too.
        locked(transaction, authority)
        found = partitions.find(transaction, authority, partition)
        if found is None:
            return 0
        of_files: tuple[int, ...] = unpack(tuple[int, ...], found.file_epochs)
        needed_from = min([*of_files, found.key_epoch])
        return epoch_keys.forget(transaction, authority, partition, before_epoch=needed_from)
