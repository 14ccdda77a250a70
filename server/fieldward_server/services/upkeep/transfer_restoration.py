"""What a restore makes of records that were handed to another authority (D6, design §8).

Each authority takes up its own side, when its turn comes: whoever gave a record last has a closed
copy of it, and whoever took it last has it, with all edits that the backup has of it anywhere. So
it is never served by two, whichever authority of the database is let serve first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from msgspec.structs import replace

from fieldward_server.register_entries import Entry, Moved, Shield
from fieldward_server.services.platform import Platform
from fieldward_server.services.records.book import Book
from fieldward_server.services.records.carrying import carry_in, here_already, leave_behind
from fieldward_server.services.records.crossings import crossed_dot
from fieldward_server.services.records.transfers import ACCEPTED, LAPSED, OFFERED
from fieldward_server.storage import Transaction, transfers
from fieldward_server.storage.authorities import Authority
from fieldward_server.storage.transfers import StoredTransfer


def hold_transfers(
    platform: Platform,
    transaction: Transaction,
    row: Authority,
    register: Iterable[Entry],
    *,
    now: int,
) -> None:
    """Make what the register says of records that moved hold for one authority, and let the offers
    lapse that wait: nobody knows what became of them since the backup."""
    # Whoever goes on asks anew: of a record that the backup lacks, it does not know that it left.
    book = Book(platform, transaction, row, now=now)
    moves, own = _in_order(register), row.authority
    concerned = [move for move in moves if own in (move.authority, move.giver)]
    for record_id, last in {move.record_id: move for move in concerned}.items():
        known = book.find(record_id)
        if last.authority == own:
            if not here_already(known):
                carry_in(transaction, book, record_id, givers=_givers(moves, last))
        elif known is None or known.departed_from is None:
            leave_behind(
                transaction,
                book,
                record_id,
                taker=last.authority,
                partitions=last.left,
                now=last.at,
            )
    book.write()
    for move in concerned:
        transfers.put(transaction, _accepted(move, own))
    for waiting in transfers.of_authority(transaction, own, state=OFFERED):
        transfers.put(transaction, waiting._replace(state=LAPSED, ended_at=now))


def shields_elsewhere(register: Sequence[Entry], own: str) -> Iterator[Shield]:
    """What the register says of shields of records that are here, where they came from; by the
    names that raises have here. A raise is the same wherever it is released."""
    moves = _in_order(register)
    last = {each.record_id: each for each in moves if own in (each.authority, each.giver)}
    came = {each.record_id: _givers(moves, each) for each in last.values() if each.authority == own}
    for entry in register:
        if isinstance(entry, Shield) and entry.authority in came.get(entry.record_id, ()):
            dots = tuple(crossed_dot(dot, entry.authority, own) for dot in entry.dots)
            yield replace(entry, authority=own, dots=dots)


def _in_order(register: Iterable[Entry]) -> Sequence[Moved]:
    """By when they happened: the registers of several hosts follow one another."""
    moves = [entry for entry in register if isinstance(entry, Moved)]
    return sorted(moves, key=lambda move: move.at)


def _givers(moves: Sequence[Moved], last: Moved) -> tuple[str, ...]:
    """Every authority by way of which a record came, the nearest first: the backup may have its
    edits with any of them."""
    came = {last.authority: None}
    for move in reversed(moves[: moves.index(last) + 1]):
        if move.record_id == last.record_id and move.authority in came:
            came[move.giver] = None
    return tuple(code for code in came if code != last.authority)


def _accepted(move: Moved, authority: str) -> StoredTransfer:
    return StoredTransfer(
        authority=authority,
        transfer_id=move.transfer_id,
        record_id=move.record_id,
        giver=move.giver,
        taker=move.authority,
        state=ACCEPTED,
        offered_at=move.offered_at,
        ended_at=move.at,
    )
