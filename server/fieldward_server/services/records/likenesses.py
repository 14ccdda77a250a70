"""Which records may be of the same child as one that is shielded (H5).

An unshielded duplicate would show where a shielded child lives. So each record is compared, as it
is made, changed or shielded, in memory, with the shielded ones: they are few. What counts is what
the shielded one shows, in the one matching that every search uses.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

from fieldward_server.services.records.duplicates import MAX_QUERIES, queries_for
from fieldward_server.services.records.index_search import day_of
from fieldward_server.services.records.known_records import KnownRecord
from fieldward_server.storage import Transaction, likenesses, records, search_keys
from fieldward_server.storage.likenesses import DIFFERENT, SAME
from fieldward_server.storage.search_keys import Asked, Span
from fieldward_sync.errors import CallerMistake
from fieldward_sync.matching.comparison import Comparison, total
from fieldward_sync.matching.facts import Facts
from fieldward_sync.matching.index_keys import index_keys
from fieldward_sync.matching.key_ranges import KeyRange
from fieldward_sync.matching.query import Query
from fieldward_sync.projection import is_shielded
from fieldward_sync.views import View

PROBABLE_BITS = 18
"""What agrees by so many bits is taken for the same child until a person says otherwise: among
73,000 children (16 bits) more likely than not. Names and birth date that agree weigh 29; names and
a slip in the date 20; a new family name with the same carer 27; a twin 18 and more."""

_MAX_ROWS = 10_000
_DATE = len(" 2021-03-14")
"""At the end of a key."""
_IDENTIFYING = ("name.", "former_names/", "born", "sex", "carers/", "shield")
"""How the paths begin of what a shielded record can be compared by, and of the shield itself."""


@dataclass(frozen=True)
class Likeness:
    """A record that may be of the same child as a shielded one."""

    record_id: str
    like_id: str
    bits: float


def identifies(paths: Iterable[str]) -> bool:
    """Whether a change of these paths may make a record like another, or shield it."""
    return any(path.startswith(_IDENTIFYING) for path in paths)


class Likenesses:
    """The likenesses among the records of one authority, which the transaction has locked."""

    def __init__(self, transaction: Transaction, authority: str, *, now: int) -> None:
        self._transaction = transaction
        self._authority = authority
        self._today = day_of(now)
        self._shielded: _Shielded | None = None
        self._open: dict[str, _Shown] = {}
        """Those that were examined and are not shielded: the database may not have them yet. And
        what was read of others to compare it."""

    def among(self, examined: Collection[KnownRecord]) -> tuple[Likeness, ...]:
        """Which records are to be shielded now that these are as they are: each with the shielded
        one that it is most like. Pairs that a person has told apart are left out."""
        shielded, raised, others = self._read_shielded(), set[str](), set[str]()
        for known in examined:
            record_id, shown = known.record.record_id, _Shown(known.view_bytes, known.index_keys)
            if is_shielded(known.record):
                self._open.pop(record_id, None)
                shielded.put(record_id, shown)
                raised.add(record_id)
            else:
                shielded.remove(record_id)
                self._open[record_id] = shown
                others.add(record_id)
        if not shielded.shown:
            return ()
        for record_id in raised:
            self._read_open(_blocks(shielded.shown[record_id].keys))
        # The shielded are few, so they are what the others are looked up among.
        pairs = {
            (like_id, record_id)
            for record_id in (self._open if raised else others)
            for like_id in shielded.near(self._open[record_id].keys)
            if like_id in raised or record_id in others
        }
        found = [each for each in map(self._compare, sorted(pairs)) if each is not None]
        return self._best(found) if found else ()

    def _read_open(self, blocks: frozenset[str]) -> None:
        """Read the unshielded records that share any of these, but those that were examined."""
        dated = [key for key in blocks if key.startswith("d")]
        ranges = (KeyRange.beginning(f"{pair} ") for pair in blocks if pair.startswith("f"))
        spans = [Span(each.first, each.past) for each in ranges]
        (found,) = search_keys.look_up(
            self._transaction, self._authority, [Asked(dated, spans)], limit=_MAX_ROWS
        )
        unread = {record_id for _, record_id in found.rows} - self._open.keys()
        unread -= self._read_shielded().shown.keys()
        stored = records.views(self._transaction, self._authority, sorted(unread))
        self._open.update((record_id, _read(view)) for record_id, view in stored.items())

    def _compare(self, pair: tuple[str, str]) -> Likeness | None:
        like_id, record_id = pair
        facts = Facts.of(View.read(self._open[record_id].view))
        bits = max(
            (
                total(Comparison(query, today=self._today).of(facts))
                for query in _queries(self._read_shielded().shown[like_id].view)
            ),
            default=0.0,
        )
        return Likeness(record_id, like_id, bits) if bits >= PROBABLE_BITS else None

    def _best(self, found: Iterable[Likeness]) -> tuple[Likeness, ...]:
        """For each record the shielded one it is most like, but for pairs that were judged.

        That a record waits for a judgement because of another does not hold the other.
        """
        by_record = defaultdict[str, list[Likeness]](list)
        for each in found:
            by_record[each.record_id].append(each)
        judged: set[tuple[str, str]] = set()
        for row in likenesses.concerning(self._transaction, self._authority, by_record.keys()):
            if row.decision == DIFFERENT:
                judged |= {(row.record_id, row.like_id), (row.like_id, row.record_id)}
            elif row.decision != SAME:
                judged.add((row.like_id, row.record_id))
        left = (
            [each for each in likely if (record_id, each.like_id) not in judged]
            for record_id, likely in sorted(by_record.items())
        )
        return tuple(max(each, key=lambda it: (it.bits, it.like_id)) for each in left if each)

    def _read_shielded(self) -> _Shielded:
        if self._shielded is None:
            self._shielded = _Shielded()
            stored = records.shielded_views(self._transaction, self._authority)
            for record_id, view in stored.items():
                self._shielded.put(record_id, _read(view))
        return self._shielded


class _Shown(NamedTuple):
    """What a record can be compared by, and found."""

    view: bytes
    """As it is stored."""
    keys: frozenset[str]


class _Shielded:
    """What shielded records show, and which of them share enough with another to be compared."""

    def __init__(self) -> None:
        self.shown: dict[str, _Shown] = {}
        self._by_block = defaultdict[str, set[str]](set)

    def put(self, record_id: str, shown: _Shown) -> None:
        """Have a record found by what it shows."""
        self.remove(record_id)
        self.shown[record_id] = shown
        for block in _blocks(shown.keys):
            self._by_block[block].add(record_id)

    def remove(self, record_id: str) -> None:
        """Have a record found no more; one that is not there is none."""
        if shown := self.shown.pop(record_id, None):
            for block in _blocks(shown.keys):
                self._by_block[block].discard(record_id)

    def near(self, keys: frozenset[str]) -> set[str]:
        """The records that share enough with the one that has these keys."""
        by_block = self._by_block
        return {each for block in by_block.keys() & _undated(keys) for each in by_block[block]}


@lru_cache(maxsize=4096)
def _read(view: bytes) -> _Shown:
    """What a stored view shows; the same few are read with every batch that is loaded."""
    return _Shown(view, index_keys(View.read(view)))


@lru_cache(maxsize=4096)
def _blocks(keys: frozenset[str]) -> frozenset[str]:
    """What others are to share with a shielded record that has these keys: a name with a birth
    date, its day and month exchanged too, or both names without the date.

    Two records that share neither do not agree by ``PROBABLE_BITS``.
    """
    blocks = _undated(key for key in keys if key[0] in "df")
    return blocks | {f"{key[:-5]}{key[-2:]}-{key[-5:-3]}" for key in blocks if key[0] == "d"}


def _undated(keys: Iterable[str]) -> frozenset[str]:
    """These keys, those of both names without the date."""
    return frozenset([key[:-_DATE] if key[0] == "f" else key for key in keys])


@lru_cache(maxsize=4096)
def _queries(view: bytes) -> tuple[Query, ...]:
    """The queries for a shielded view, if it shows enough."""
    try:
        return tuple(islice(queries_for(View.read(view)), MAX_QUERIES))
    except CallerMistake:
        return ()
