"""Quick draws from tables: one random number each, whatever the weights.

A *draw* is a function that returns a number from 0 up to 1, such as ``random.Random(seed).random``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

Item = TypeVar("Item")
Draw = Callable[[], float]


def pick(draw: Draw, items: Sequence[Item]) -> Item:
    """One of some items, each as likely as any other."""
    return items[int(draw() * len(items))]


def between(draw: Draw, first: int, last: int) -> int:
    """A whole number from the first to the last, both included."""
    return first + int(draw() * (last - first + 1))


def by_share(shares: dict[Item, int]) -> tuple[Item, ...]:
    """Each item as often as its share says, for fair draws."""
    return tuple(item for item, share in shares.items() for _ in range(share))


def by_rank(items: Sequence[Item]) -> tuple[Item, ...]:
    """Items in order of frequency, repeated so that a fair draw gives the first ones more often."""
    return tuple(
        item for rank, item in enumerate(items) for _ in range(max(1, round(12 / (1 + rank / 8))))
    )
