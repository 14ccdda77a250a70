"""One search, however many lists it shows while it is typed, and what it costs of the lease's
look-ups (design §9)."""

from __future__ import annotations

from collections.abc import Iterable

from fieldward_sync.matching.ranking import MAX_HITS


class Asked:
    """A query: its lists cost one look-up together, as one list of a search does.

    Lists that narrow down show the same children again. One that has shown more than a page of
    them was several searches, and costs one look-up a page: or a single query, typed over and over,
    would list all that is held.
    """

    def __init__(self, query_id: bytes) -> None:
        self.id = query_id
        self._shown: frozenset[str] = frozenset()
        self._paid = 0

    def cost(self, record_ids: Iterable[str]) -> int:
        """What a further list of these costs."""
        pages = -(-len(self._shown.union(record_ids)) // MAX_HITS)
        return max(1, pages) - self._paid

    def show(self, record_ids: Iterable[str]) -> None:
        """A list of these has been paid for."""
        self._paid += self.cost(record_ids)
        self._shown = self._shown.union(record_ids)
