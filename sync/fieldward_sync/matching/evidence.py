"""What look-ups in a whole index say of each record, part by part of a query."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from fieldward_sync.matching.key_ranges import KeyRange

Worth = Mapping[str, float]
"""For each part of a query, what it says for a record to be found there, in bits."""


@dataclass(frozen=True)
class Question:
    """Keys that are looked up together, and ranges of keys; and what each says for a record."""

    keys: Mapping[str, Worth] = field(default_factory=dict)
    ranges: Mapping[KeyRange, Worth] = field(default_factory=dict)

    def worth(self, key: str) -> Worth:
        """What a key says that was found."""
        if key in self.keys:
            return self.keys[key]
        for span, worth in self.ranges.items():
            if key in span:
                return worth
        return {}


class Evidence:
    """What has been found so far."""

    def __init__(self) -> None:
        self._best: dict[tuple[str, str], float] = {}

    def note(self, question: Question, found: Iterable[tuple[str, str]]) -> None:
        """Add the keys that a question found, each with the record that has it."""
        for key, record_id in found:
            for part, bits in question.worth(key).items():
                if bits > self._best.get((record_id, part), 0.0):
                    self._best[record_id, part] = bits

    def scores(self) -> dict[str, float]:
        """For each record, what the best of each part adds up to."""
        scores: dict[str, float] = {}
        for (record_id, _), bits in self._best.items():
            scores[record_id] = scores.get(record_id, 0.0) + bits
        return scores
