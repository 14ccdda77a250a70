"""How large everything is: as promised, or just large enough to see that it runs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """The sizes of one run."""

    records: int = 73_000
    """In the large partition."""
    caseload: int = 1_000
    changes: int = 730
    """Records changed, and edits made without signal."""
    many: int = 100_000
    """Held where a sync with nothing new must cost what it costs with a caseload."""
    quiet_syncs: int = 500
    devices: tuple[int, ...] = (1, 10, 100)
    """Of one partition."""
    rush: int = 200
    """Devices that make their first sync at once."""
    look_ups: int = 300
    searches: int = 1_500
    """Of each way of asking."""
    typing: int = 10_000
    """In a partition in which names are found while they are typed."""
    index: int = 1_100_000
    """In an authority's whole index, which enquiries search."""
    enquiries_a_second: int = 50
    """ContactPoint's peak."""
    enquiry_seconds: int = 60
    """For how long they come in."""
    coming_and_going: int = 1_000
    """Devices that there are at any time of ten years."""
    rounds: int = 3
    """Of what is measured more than once; the median counts."""
    generated: int = 200_000
    loaded: int = 20_000
    """Loaded into each database to see how fast that is."""


FULL = Scale()
SMALL = Scale(
    records=120,
    caseload=40,
    changes=12,
    many=150,
    quiet_syncs=5,
    devices=(1, 3),
    rush=5,
    look_ups=5,
    searches=8,
    typing=100,
    index=1_500,
    enquiry_seconds=1,
    coming_and_going=4,
    rounds=1,
    generated=200,
    loaded=100,
)
