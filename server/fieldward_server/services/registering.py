"""Writing in the shield register what has been committed, and nothing that was not.

What hides a child or closes a door is written before its commit: carried out once too often it does
no harm. What would do harm if it had never happened waits in the database, in the transaction that
does it, and is written after the commit: before it is acknowledged, before anything that goes on
from it, or by a job.
"""

from __future__ import annotations

from collections.abc import Sequence

from fieldward_server.register_entries import Entry
from fieldward_server.services.authorities import locked
from fieldward_server.services.platform import Platform
from fieldward_server.storage import Transaction, authorities, register_lines
from fieldward_sync.encoding import pack, unpack


def have_written(transaction: Transaction, entry: Entry) -> None:
    """Have an entry be written once this transaction, which has locked its authority, is
    committed."""
    register_lines.add(transaction, entry.authority, pack(entry))


def write_down(platform: Platform, transaction: Transaction, authority: str, *then: Entry) -> int:
    """Write what waits of an authority that the transaction has locked, and then these; how many
    lines had waited. A line may be written twice, should this transaction fail.

    Raises as ``ShieldRegister.append``.
    """
    waiting = register_lines.of_authority(transaction, authority)
    if waiting or then:
        entries: tuple[Entry, ...] = tuple(unpack(Entry, line.entry) for line in waiting)
        platform.shield_register.append(*entries, *then)
    register_lines.remove(transaction, waiting)
    return len(waiting)


def write_committed(platform: Platform, authority: str) -> int:
    """The same in a transaction of its own."""
    with platform.storage.transaction() as transaction:
        locked(transaction, authority)
        return write_down(platform, transaction, authority)


def write_register(platform: Platform, now: int) -> int:
    """Job: write whatever waits, of all authorities; how many lines."""
    with platform.storage.reading() as transaction:
        waiting = set(register_lines.waiting(transaction))
        serving = [code for code in authorities.serving(transaction) if code in waiting]
    return sum(write_committed(platform, code) for code in serving)


def complete(platform: Platform, register: Sequence[Entry]) -> tuple[Entry, ...]:
    """Before a restore: the register, with what waits in the backup and was not written since,
    which is written now. Raises as ``ShieldRegister.append``."""
    written = {pack(entry) for entry in register}
    lacking: list[Entry] = []
    with platform.storage.transaction() as transaction:
        for code in register_lines.waiting(transaction):
            authorities.lock(transaction, code)
            waiting = register_lines.of_authority(transaction, code)
            lacking += [unpack(Entry, line.entry) for line in waiting if line.entry not in written]
            register_lines.remove(transaction, waiting)
        if lacking:
            platform.shield_register.append(*lacking)
    return (*register, *lacking)
