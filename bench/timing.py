"""How long things take."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import quantiles
from typing import Any

from fieldward_client.keys import passphrases


@dataclass
class Took:
    """Seconds, added up."""

    seconds: float = 0.0


@contextmanager
def timed() -> Iterator[Took]:
    """Time the block."""
    took, began = Took(), time.perf_counter()
    yield took
    took.seconds = time.perf_counter() - began


@contextmanager
def timed_argon2id() -> Iterator[Took]:
    """Time what the block spends in Argon2id alone: its cost is chosen, not suffered."""
    where: Any = passphrases
    original: Callable[..., bytes] = where.unlock_key
    took = Took()

    def unlock_key(*arguments: Any, **named: Any) -> bytes:
        began = time.perf_counter()
        key = original(*arguments, **named)
        took.seconds += time.perf_counter() - began
        return key

    where.unlock_key = unlock_key
    try:
        yield took
    finally:
        where.unlock_key = original


def percentiles(seconds: Sequence[float]) -> tuple[float, float]:
    """The 50th and the 99th."""
    cuts = quantiles(seconds, n=100, method="inclusive")
    return cuts[49], cuts[98]
