"""The whole index of an authority, millions of records large: made, kept, and filled in by batches.

Through the book a record takes a millisecond and more, for its edits, feeds and partitions; an
enquiry reads none of these. So only the tables that it reads are filled, through the storage layer:
records with their views, and search keys. The children are those of all of England, and all belong
to one authority: that is the harder case.

What was done is found again by the next run: each batch in files of a folder; in a database the
records of a batch, which go in in one transaction, and the search keys, which go in in their own
order, so that the last one says where to go on.
"""

from __future__ import annotations

import heapq
import multiprocessing
import os
import zlib
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from random import Random

import msgspec

from bench.remembering import Child
from children import AUTHORITY
from fieldward_server.population import AUTHORITIES, Share, plan
from fieldward_server.population.blocks import block_of
from fieldward_server.population.views import view_of
from fieldward_server.storage import Storage, Transaction, records, search_keys
from fieldward_server.storage.records import StoredRecord
from fieldward_server.storage.search_keys import SearchKey
from fieldward_sync.matching.index_keys import index_keys

SEED = 7
BLOCKS_IN_A_BATCH = 100
"""A block has a thousand children at most. More in one transaction meet fewer pages twice."""
KEYS_AT_ONCE = 500_000
CHILDREN_OF_A_BLOCK = 20
"""Of those who are drawn: to make a block takes as long as to make one of its children."""

_encode = msgspec.msgpack.encode
_decode = msgspec.msgpack.Decoder(list[StoredRecord]).decode

Block = tuple[Share, int]


@dataclass(frozen=True)
class Batch:
    """Some blocks, and the files that they are kept in."""

    blocks: tuple[Block, ...]
    records_file: Path
    keys_file: Path

    def make(self) -> None:
        """Make the files."""
        made, keys = [], []
        for share, number in self.blocks:
            for child in block_of(share, number):
                view = view_of(child)
                made.append(
                    StoredRecord(
                        AUTHORITY, view.record_id, 1, view.to_bytes(), int(view.shielded), 0
                    )
                )
                keys += [f"{key}\t{view.record_id}\n" for key in index_keys(view)]
        made.sort(key=lambda record: record.record_id)
        _keep(self.keys_file, "".join(sorted(keys)).encode())
        _keep(self.records_file, zlib.compress(_encode(made), level=1))

    def records(self) -> list[StoredRecord]:
        """Its records, by their ids."""
        return _decode(zlib.decompress(self.records_file.read_bytes()))


class WholeIndex:
    """So many children, in files of a folder."""

    def __init__(self, folder: Path, *, children: int) -> None:
        shares = plan(AUTHORITIES, children=children, seed=SEED)
        self._blocks = [(share, number) for share in shares for number in range(share.blocks)]
        self.children = children
        folder.mkdir(parents=True, exist_ok=True)
        starts = range(0, len(self._blocks), BLOCKS_IN_A_BATCH)
        self._batches = [
            Batch(
                tuple(self._blocks[start : start + BLOCKS_IN_A_BATCH]),
                folder / f"{number:04}.records",
                folder / f"{number:04}.keys",
            )
            for number, start in enumerate(starts)
        ]

    def make(self) -> Iterator[str]:
        """Make the files that are not there, on every core; says how far it is."""
        unmade = [batch for batch in self._batches if not batch.records_file.exists()]
        if not unmade:
            return
        # Not a plain fork: whoever measures has threads.
        context = multiprocessing.get_context("forkserver")
        with ProcessPoolExecutor(len(os.sched_getaffinity(0)), context) as pool:
            for number, _ in enumerate(pool.map(Batch.make, unmade), start=1):
                yield f"made {number} of {len(unmade)} batches"

    def fill(self, storage: Storage) -> Iterator[str]:
        """Fill a database in; says how far it is."""
        for number, batch in enumerate(self._batches, start=1):
            kept = batch.records()
            with storage.transaction() as transaction:
                if records.find(transaction, AUTHORITY, kept[0].record_id) is None:
                    records.add(transaction, kept)
            yield f"filled in {number} of {len(self._batches)} batches"
        with ExitStack() as resources:
            files = [resources.enter_context(b.keys_file.open()) for b in self._batches]
            yield from _fill_keys(storage, heapq.merge(*files))

    def drawn(self, chance: Random) -> Iterator[Child]:
        """Children whose records have no shield, at random; several of a block together."""
        while True:
            children = block_of(*chance.choice(self._blocks))
            for child in chance.sample(children, min(CHILDREN_OF_A_BLOCK, len(children))):
                if "shield" not in child:
                    yield child


def _fill_keys(storage: Storage, lines: Iterator[str]) -> Iterator[str]:
    with storage.reading() as transaction:
        last = _last_key(transaction)
    rows = (SearchKey(AUTHORITY, *line.rstrip("\n").split("\t")) for line in lines if line > last)
    count = 0
    while batch := list(islice(rows, KEYS_AT_ONCE)):
        with storage.transaction() as transaction:
            search_keys.add(transaction, batch)
        count += len(batch)
        yield f"filled in {count:,} search keys, up to {batch[-1].key!r}"


def _last_key(transaction: Transaction) -> str:
    """The last one there is, as a line of the files."""
    rows = transaction.execute(
        "SELECT key, record_id FROM search_key WHERE authority = :authority"
        " ORDER BY authority DESC, key DESC, record_id DESC LIMIT 1",
        authority=AUTHORITY,
    )
    return "".join(f"{row['key']}\t{row['record_id']}\n" for row in rows)


def _keep(file: Path, data: bytes) -> None:
    """Whole or not at all."""
    unfinished = file.with_suffix(".unfinished")
    unfinished.write_bytes(data)
    unfinished.replace(file)
