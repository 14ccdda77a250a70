"""Where to look for what a query says in an image, and what it is worth to be found there."""

from __future__ import annotations

from collections.abc import Mapping

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
