"""The types of fields: what fits their shapes and what just does not."""

from __future__ import annotations

from collections.abc import Iterator

from vectors.cases import Case, Topic, refused, valid
from vectors.outcomes import Outcome

GOOD: dict[str, tuple[object, ...]] = {
    "AuthorityCode": ("E08000039",),
    "RecordId": ("a", "child-0001", "x" * 32),
    "PartitionId": ("hv-1", "x" * 48),
    "PractitionerId": ("p-17",),
    "DeviceId": ("d-0102030405",),
    "Actor": ("d-0102030405.1", "server.999999999"),
    "Code": ("", "home-visit", "x" * 48),
    "Count": (0, 2**53 - 1),
    "FileName": ("0123456789abcdef" * 4,),
}
BAD: dict[str, tuple[object, ...]] = {
    "AuthorityCode": ("E0800003", "e08000039", "E08000039\n", "W06000015"),
    "RecordId": ("", "x" * 33, "Child", "a b", "a\n", "ä"),
    "PartitionId": ("", "x" * 49, "hv/1"),
    "PractitionerId": ("", "p_17"),
    "DeviceId": ("", "d.1"),
    "Actor": ("d-1", "d-1.", "d-1.1234567890", "d-1.1\n"),
    "Code": ("x" * 49, "home visit"),
    "Count": (-1, 2**53, True, "1"),
    "FileName": ("0123456789ABCDEF" * 4, "0123456789abcdef" * 3),
}


def _cases() -> Iterator[Case]:
    for kind, values in GOOD.items():
        for value in values:
            yield valid(f"{kind}: {value!r}", "fits", type=kind, value=value)
    for kind, values in BAD.items():
        for value in values:
            yield refused(
                f"{kind}: {value!r}", "does not fit", Outcome.MALFORMED, type=kind, value=value
            )


TOPIC = Topic("names", "written down from the table of types", _cases)
