"""When a partition gets a new image rather than a segment, and what a device then stores at most.

Pure: numbers in, a decision or a bound out. ``docs/bounds.md`` derives one from the other.
"""

from __future__ import annotations

from dataclasses import dataclass

from fieldward_sync.distribution import FileKind

SEGMENT_SHARE = 5
"""A segment names at most this part of its image's records."""
REMOVAL_SECONDS = 20 * 3600
"""How long a removed record may stay in an image: with a run and a sync, gone within a day."""
AHEAD_SECONDS = 60
"""A removal that is said to come later than this was noted by a clock that was wrong, who knows
when."""
FILES_OF_A_PARTITION = 2
"""What a manifest lists at most: an image, and one segment of all changes since."""


@dataclass(frozen=True)
class Sealed:
    """A partition's listed files, and what has happened to it since they were made."""

    image_records: int
    image_feed: int
    listed_feed: int
    """The feed number that the files are at."""
    is_whole: bool
    """Whether files are listed and each of them is there."""


@dataclass(frozen=True)
class Changed:
    """How far a partition's feed has come beyond its image."""

    feed: int
    redaction_feed: int
    records: int
    """How many records have changed since the image, each counted once."""
    first_removal: int | None
    """When the first of those that have left since the image left; ``None`` if none has."""


def due(sealed: Sealed, changed: Changed, *, now: int) -> FileKind | None:
    """The file that a partition needs now; ``None`` if its files are up to the feed and may stay.

    An image: where there is none or a file is lost, where something was hidden, where the segment
    would pass its share, and where a record left too long ago to stay in the image.
    """
    if (
        not sealed.is_whole
        or changed.redaction_feed > sealed.image_feed
        or changed.records > most_changes(sealed.image_records)
        or (changed.first_removal is not None and _is_long_ago(changed.first_removal, now=now))
    ):
        return "image"
    return "segment" if changed.feed > sealed.listed_feed else None


def _is_long_ago(removal: int, *, now: int) -> bool:
    return not now - REMOVAL_SECONDS < removal <= now + AHEAD_SECONDS


def most_changes(image_records: int) -> int:
    """How many records a segment names at most, beside an image of so many."""
    return image_records // SEGMENT_SHARE


def most_rows(records: int) -> int:
    """How many rows the listed files have at most, of a partition of so many records: all that a
    device fetches after any absence, and all that it stores."""
    return records + 2 * (records // (SEGMENT_SHARE - 1))
