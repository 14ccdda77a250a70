"""A population to play with: made-up children who could live in England.

Nobody in it exists. The same arguments give the same records, byte for byte, however many
processes make them.
"""

from __future__ import annotations

import gc
import multiprocessing
import signal
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import accumulate
from typing import NamedTuple

from fieldward_server.population import blocks
from fieldward_server.population.authorities import AUTHORITIES, authority_of
from fieldward_server.population.blocks import Record, Share, block_lines, block_of
from fieldward_server.population.identifiers import SERIALS

_BLOCKS_AT_A_TIME = 4
"""For a process: what blocks have in common is then mostly made once."""

_WAITING = 2
"""For each process: enough that none is idle, few enough that memory does not grow."""


_Block = tuple[Share, int]


class Lines(NamedTuple):
    """Some records as NDJSON."""

    records: int
    data: bytes


def generate(*, authority: str, children: int, seed: int) -> Iterator[Record]:
    """Nested records of so many children of one authority, siblings one after the other.

    ``CallerMistake("unknown-authority")`` if it is none of ``AUTHORITIES``.
    """
    (share,) = plan([authority], children=children, seed=seed)
    return records_of(share)


def records_of(share: Share) -> Iterator[Record]:
    """The nested records of a share, siblings one after the other."""
    return (record for block in range(share.blocks) for record in block_of(share, block))


def plan(authorities: Iterable[str], *, children: int, seed: int) -> tuple[Share, ...]:
    """So many children, spread over these authorities by their residents.

    Each authority's NHS numbers begin where its share of all England's begins, and go on to where
    the next one of these authorities begins: within a population they are all different.
    ``CallerMistake("unknown-authority")`` if one is none of ``AUTHORITIES``.
    """
    codes = sorted({authority_of(code).code for code in authorities})
    counts = _spread(children, [AUTHORITIES[code].residents for code in codes])
    starts = [_FIRST_SERIALS[code] for code in codes]
    ends = [*starts[1:], starts[0] + SERIALS]
    before = accumulate(counts, initial=0)
    return tuple(
        Share(code, seed, count, first_child, first_serial=start, serials=end - start)
        for code, count, first_child, start, end in zip(
            codes, counts, before, starts, ends, strict=False
        )
        if count
    )


def ndjson(shares: Sequence[Share], *, processes: int = 1) -> Iterator[Lines]:
    """All records of these shares, in order."""
    todo = [(share, block) for share in shares for block in range(share.blocks)]
    # Less is made sooner than another process starts.
    processes = min(processes, len(todo) // _BLOCKS_AT_A_TIME)
    made = _made_by_processes(todo, processes) if processes > 1 else _made(todo)
    for (share, block), data in zip(todo, made, strict=True):
        yield Lines(share.children_in(block), data)


def _made(todo: Sequence[_Block]) -> Iterator[bytes]:
    for share, block in todo:
        yield block_lines(share, block)


def _made_at_once(todo: Sequence[_Block]) -> list[bytes]:
    return list(_made(todo))


def _made_by_processes(todo: Sequence[_Block], processes: int) -> Iterator[bytes]:
    # Not a plain fork: the caller may have threads, as a progress bar has.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([blocks.__name__])
    pool = ProcessPoolExecutor(processes, context, initializer=_begin_work)
    waiting: deque[Future[list[bytes]]] = deque()
    try:
        for first in range(0, len(todo), _BLOCKS_AT_A_TIME):
            part = todo[first : first + _BLOCKS_AT_A_TIME]
            waiting.append(pool.submit(_made_at_once, part))
            if len(waiting) > processes * _WAITING:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _begin_work() -> None:
    """In each process, once."""
    # Records hold no cycles, and looking for some takes a fifth of the time.
    gc.disable()
    # Whoever presses Ctrl-C means the process that shares out the work.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _spread(total: int, weights: Sequence[int]) -> list[int]:
    """A total in parts after these weights; the parts that lose most by rounding get the rest."""
    of_all = sum(weights)
    parts = [total * weight // of_all for weight in weights]
    by_loss = sorted(range(len(weights)), key=lambda i: -(total * weights[i] % of_all))
    for i in by_loss[: total - sum(parts)]:
        parts[i] += 1
    return parts


def _first_serials() -> dict[str, int]:
    residents = [authority.residents for authority in AUTHORITIES.values()]
    before = accumulate(residents, initial=0)
    return {
        code: SERIALS * count // sum(residents)
        for code, count in zip(AUTHORITIES, before, strict=False)
    }


_FIRST_SERIALS = _first_serials()
