"""Administrators: who may command for an authority, and the record of each command (A8).

Nobody commands for two authorities under one key id, and nobody for a whole server.
"""

from __future__ import annotations

from dataclasses import dataclass

from fieldward_server.register_entries import AdministratorRemoved
from fieldward_server.services.arguments import check
from fieldward_server.services.authentication import (
    EMPTY_WINDOW,
    AdministratorCaller,
    unknown_administrator,
    window_with,
)
from fieldward_server.services.authorities import locked, prepare_authority, require_founded
from fieldward_server.services.platform import Platform
from fieldward_server.services.registering import register
from fieldward_server.storage import Transaction, administrators, events
from fieldward_server.storage.administrators import Administrator
from fieldward_sync.errors import CallerMistake, RefusedByServer
from fieldward_sync.names import AdministratorId, PublicKey


@dataclass(frozen=True)
class AdministratorReport:
    """An administrator, for people. Times are whole seconds since 1970 UTC."""

    administrator: str
    name: str
    public_key: str
    """In hex."""
    added_at: int
    added_by: str
    removed_at: int | None
    """``None``: they may command."""


def bootstrap(
    platform: Platform,
    *,
    authority: str,
    administrator: str,
    name: str,
    public_key: bytes,
    actor: str,
    reason: str,
    now: int,
) -> bool:
    """Let somebody command for an authority without being asked by another administrator: the
    first one, or where everybody has lost their key. Whether the authority was made for it; it is
    then still to be founded. ``CallerMistake`` as for ``add_administrator``."""
    made = prepare_authority(platform, authority=authority, actor=actor, reason=reason, now=now)
    add_administrator(
        platform,
        authority=authority,
        administrator=administrator,
        name=name,
        public_key=public_key,
        actor=actor,
        reason=reason,
        now=now,
    )
    return made


def add_administrator(
    platform: Platform,
    *,
    authority: str,
    administrator: str,
    name: str,
    public_key: bytes,
    actor: str,
    reason: str,
    now: int,
) -> None:
    """Let somebody command for an authority.

    An id and a key are each used once and by one person, removed ones included, so that the event
    log names nobody else: ``CallerMistake("administrator-exists")``.
    """
    check(AdministratorId, administrator, "administrator's id")
    check(PublicKey, public_key, "public key")
    with platform.storage.transaction() as transaction:
        locked(transaction, authority)
        added = administrators.add(
            transaction,
            Administrator(
                authority=authority,
                administrator=administrator,
                name=name,
                public_key=public_key,
                added_at=now,
                added_by=actor,
                removed_at=None,
                counter_high=0,
                counter_window=EMPTY_WINDOW,
            ),
        )
        if not added:
            raise CallerMistake(
                "administrator-exists",
                f"The id {administrator} or this key is an administrator's already, or was.",
                next_step="Choose another id, and make a key of its own for each person.",
            )
        _tell(transaction, authority, administrator, "added", actor=actor, reason=reason, now=now)


def remove_administrator(
    platform: Platform, *, authority: str, administrator: str, actor: str, reason: str, now: int
) -> None:
    """Let an administrator command no more: their key signs nothing from now on. Removed again, it
    changes nothing. ``CallerMistake``: "unknown-administrator", "last-administrator"."""
    with platform.storage.transaction() as transaction:
        locked(transaction, authority)
        found = administrators.find(transaction, authority, administrator)
        if found is None:
            raise CallerMistake(
                "unknown-administrator", f"There is no administrator {administrator[:32]!r}."
            )
        if found.removed_at is not None:
            return
        if all(it == found for it in _commanding(transaction, authority)):
            raise CallerMistake(
                "last-administrator",
                f"{administrator} is the authority's last administrator.",
                next_step="Add another one first.",
            )
        # Kept apart from the database too: no backup gives the key its power back.
        register(platform, transaction, AdministratorRemoved(authority, administrator))
        administrators.remove(transaction, found, at=now)
        _tell(transaction, authority, administrator, "removed", actor=actor, reason=reason, now=now)


def list_administrators(platform: Platform, authority: str) -> tuple[AdministratorReport, ...]:
    """An authority's administrators, by id, removed ones included."""
    with platform.storage.reading() as transaction:
        return tuple(
            AdministratorReport(
                administrator=it.administrator,
                name=it.name,
                public_key=it.public_key.hex(),
                added_at=it.added_at,
                added_by=it.added_by,
                removed_at=it.removed_at,
            )
            for it in administrators.of_authority(transaction, authority)
        )


def admit_command(
    platform: Platform,
    caller: AdministratorCaller,
    *,
    authority: str,
    command: str,
    subject: str,
    reason: str,
    needs_founding: bool,
    now: int,
) -> None:
    """Let a command begin: from here on its counter is spent, and it is in the event log with its
    reason, whatever becomes of it. Both are durable before anything is read or changed.

    ``RefusedByServer("foreign-authority")``, ``NotAuthenticated`` ("counter-used", "unknown-key"),
    and ``CallerMistake("not-founded")`` for a command that needs the authority's keys.
    """
    if authority != caller.authority:
        raise RefusedByServer(
            "foreign-authority",
            f"An administrator of {caller.authority} commands nothing in {authority[:16]!r}.",
            next_step="Name your own authority.",
        )
    with platform.storage.transaction() as transaction:
        row = locked(transaction, authority)
        # Read again now that nobody else can spend the counter, or remove the signer, meanwhile.
        signer = administrators.find(transaction, authority, caller.administrator)
        if signer is None or signer.removed_at is not None:
            raise unknown_administrator()
        high, window = window_with(signer, caller.counter)
        administrators.set_counters(transaction, signer, high=high, window=window)
        events.add(
            transaction,
            authority=authority,
            at=now,
            actor=caller.administrator,
            action=command,
            subject=subject,
            reason=reason,
        )
    if needs_founding:
        require_founded(row)


def _commanding(transaction: Transaction, authority: str) -> list[Administrator]:
    return [
        it for it in administrators.of_authority(transaction, authority) if it.removed_at is None
    ]


def _tell(
    transaction: Transaction,
    authority: str,
    administrator: str,
    what: str,
    *,
    actor: str,
    reason: str,
    now: int,
) -> None:
    events.add(
        transaction,
        authority=authority,
        at=now,
        actor=actor,
        action=f"administrator-{what}",
        subject=administrator,
        reason=reason,
    )
