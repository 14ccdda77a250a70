"""Where to look for what a query says, and what it is worth to a record to be found there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fieldward_sync.matching.key_ranges import KeyRange

LEAST_BITS = 1.0
"""What is worth less is not looked up: many records have it, and it parts none of them."""


class Need:
    """Where records are found that agree with one part of a query: what the best of these keys
    that it has is worth to a record, in bits."""

    def __init__(
        self,
        keys: Mapping[str, float] | None = None,
        ranges: Mapping[KeyRange, float] | None = None,
    ) -> None:
        self.keys = {key: bits for key, bits in (keys or {}).items() if bits >= LEAST_BITS}
        self.ranges = {span: bits for span, bits in (ranges or {}).items() if bits >= LEAST_BITS}

    def worth(self, key: str) -> float:
        """What a key is worth here."""
        if key in self.keys:
            return self.keys[key]
        return max((bits for span, bits in self.ranges.items() if key in span), default=0.0)


class Evidence:
    """What has been found of each record, part by part of a query."""

    def __init__(self) -> None:
        self._best: dict[tuple[str, str], float] = {}

    def note(self, part: str, need: Need, found: Iterable[tuple[str, str]]) -> None:
        """Add the keys and records that were found where a part of the query said."""
        for key, record_id in found:
            worth = need.worth(key)
            if worth > self._best.get((record_id, part), 0.0):
                self._best[record_id, part] = worth

    def scores(self) -> dict[str, float]:
        """For each record, what the best of each part adds up to."""
        scores: dict[str, float] = {}
        for (record_id, _), bits in self._best.items():
            scores[record_id] = scores.get(record_id, 0.0) + bits
        return scores
