"""Writing in the shield register what has been committed, and nothing that was not.

What closes is written before its commit, behind all that waits of its authority: so nothing is
overtaken by it, or overtakes it. What opens waits in the database, in the transaction that does
it, and is written after the commit by whoever comes first: the command itself, before it is
answered; whatever closes something afterwards, or goes on from it; a job; a restore. Which is which
is a table (``openings``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from operator import itemgetter

from fieldward_server.register_entries import Entry, WrittenAt
from fieldward_server.services.openings import opens
from fieldward_server.services.platform import Platform
from fieldward_server.storage import Transaction, authorities, register_lines
from fieldward_sync.encoding import pack, unpack
from fieldward_sync.errors import LocalDataDamaged, RetryLater


@contextmanager
def opening(platform: Platform, authority: str) -> Iterator[Transaction]:
    """A transaction that may open something for an authority: past the end of its block that is
    committed, and on the register.

    ``RetryLater("register-behind")`` if it is committed and the register does not say so yet.
    """
    with platform.storage.transaction() as transaction:
        yield transaction
    try:
        write_committed(platform, authority)
    except (RetryLater, LocalDataDamaged) as e:
        raise RetryLater(
            "register-behind",
            f"It is done, but the shield register does not say so yet: {e.message}",
            next_step="See to the register's disk and the database. Nothing is to be repeated: a"
            " job writes it. Until then a restore would undo it.",
        ) from e


def register(
    platform: Platform, transaction: Transaction, *entries: Entry, before: Entry | None = None
) -> None:
    """Have the register say this of an authority that the transaction has locked: what closes from
    now on, what opens once the transaction is committed, which is then an ``opening``.

    ``before`` is an entry of how it was, for kinds that have to know. What opens comes last in a
    transaction: what closes after it would be written with it. Raises as ``ShieldRegister.append``.
    """
    closing = [entry for entry in entries if not opens(entry, before)]
    if closing:
        write_down(platform, transaction, closing[0].authority, *closing)
    for entry in entries:
        if opens(entry, before):
            register_lines.add(transaction, entry.authority, pack(entry))


def write_down(platform: Platform, transaction: Transaction, authority: str, *then: Entry) -> int:
    """Write what waits of an authority that the transaction has locked, and then these; how many
    lines had waited. A line may be written twice, should this transaction fail.

    Raises as ``ShieldRegister.append``.
    """
    waiting = register_lines.of_authority(transaction, authority)
    if waiting or then:
        entries: tuple[Entry, ...] = tuple(unpack(Entry, line.entry) for line in waiting)
        platform.shield_register.append(_written_at(transaction, authority), *entries, *then)
    register_lines.remove(transaction, waiting)
    return len(waiting)


def write_committed(platform: Platform, authority: str) -> int:
    """The same in a transaction of its own; nothing for an authority that does not serve, whose
    restore sees to it."""
    with platform.storage.transaction() as transaction:
        row = authorities.lock(transaction, authority)
        if row is None or not row.is_serving:
            return 0
        return write_down(platform, transaction, authority)


def write_register(platform: Platform, now: int) -> int:
    """Job: write whatever waits, of all authorities; how many lines."""
    with platform.storage.reading() as transaction:
        waiting = register_lines.waiting(transaction)
    return sum(write_committed(platform, code) for code in waiting)


def in_order(registers: Sequence[Iterable[Entry]]) -> tuple[Entry, ...]:
    """What one register says, or those of several hosts say of each authority in the order in which
    it was written: the last word is the last."""
    placed: list[tuple[str, tuple[int, int], Entry]] = []
    for register in registers:
        reached: dict[str, tuple[int, int]] = {}
        for entry in register:
            code = entry.authority
            so_far = reached.get(code, (0, 0))
            if isinstance(entry, WrittenAt):
                # Lower where what is written before it was not committed.
                reached[code] = max(so_far, (entry.incarnation, entry.state))
            else:
                placed.append((code, so_far, entry))
    if len(registers) > 1:
        placed.sort(key=itemgetter(0, 1))
    return tuple(entry for _, _, entry in placed)


def complete(platform: Platform, said: Sequence[Entry]) -> tuple[Entry, ...]:
    """Before a restore: all that the register has said, and what waits in the backup and was not
    written since, which is written now. What was said before counts as written: it may have been
    taken back since. Raises as ``ShieldRegister.append``."""
    written = {pack(entry) for entry in said}
    lacking: list[Entry] = []
    with platform.storage.transaction() as transaction:
        for code in register_lines.waiting(transaction):
            authorities.lock(transaction, code)
            waiting = register_lines.of_authority(transaction, code)
            new = [unpack(Entry, line.entry) for line in waiting if line.entry not in written]
            lacking += [_written_at(transaction, code), *new] if new else []
            register_lines.remove(transaction, waiting)
        if lacking:
            platform.shield_register.append(*lacking)
    return (*said, *lacking)


def _written_at(transaction: Transaction, authority: str) -> WrittenAt:
    state = authorities.next_state(transaction, authority)
    row = authorities.find(transaction, authority)
    return WrittenAt(authority, row.incarnation if row else 0, state)
