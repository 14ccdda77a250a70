"""A partition's digest, by change."""

from __future__ import annotations

from collections.abc import Iterator

from second_implementation.encoding import pack
from second_implementation.partitions import digest, element
from vectors.cases import Case, Topic, valid
from vectors.topics.world import DIGEST_KEY, view


def _cases() -> Iterator[Case]:
    ada, ben = view("child-1", 3), view("child-2", 1, {"name.given": (1, "Ben")})
    newer = view("child-1", 4, {"name.given": (4, "Adah")})
    for name, why, records in (
        ("none", "no record", []),
        ("one", "one record", [ada]),
        ("two", "two records", [ada, ben]),
        ("turned", "the same in another order", [ben, ada]),
        ("changed", "one of them changed", [newer, ben]),
    ):
        yield valid(
            name,
            why,
            digest_key=DIGEST_KEY,
            records=[
                {
                    "record_id": each[0],
                    "revision": each[1],
                    "view": pack(each),
                    "element": element(DIGEST_KEY, each).to_bytes(32, "big"),
                }
                for each in records
            ],
            digest=digest(DIGEST_KEY, records),
        )


TOPIC = Topic("digest", "a sum of HMACs in Python's integers", _cases)
