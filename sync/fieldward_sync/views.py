"""A view: what an ordinary reader may see of a record, as images and segments carry it.

In a view the edits that set values are small numbers local to the record; a device names them back
when it replaces what it was shown, and never learns who made them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated

from msgspec import Meta

from fieldward_sync.encoding import Part, pack, unpack
from fieldward_sync.names import Count, RecordId
from fieldward_sync.records import Path, Value, differ

MAX_VIEW_BYTES = 64 * 1024
MAX_VALUES_OF_A_VIEW = 2048


class ViewValue(Part, frozen=True):
    """A live value, and the record's own number of the edit that set it."""

    path: Path
    number: Count
    value: Value


class View(Part, frozen=True):
    """One record as one reader may see it, at one revision."""

    record_id: RecordId
    revision: Count
    shielded: bool
    values: Annotated[tuple[ViewValue, ...], Meta(max_length=MAX_VALUES_OF_A_VIEW)]
    """In the order of their paths; several of one path that differ are a conflict."""

    @classmethod
    def read(cls, data: bytes) -> View:
        """The view that ``to_bytes`` wrote; ``PeerBrokeProtocol`` for anything else."""
        view: View = unpack(cls, data)
        return view

    def to_bytes(self) -> bytes:
        """The view's only encoding: what digests cover."""
        return pack(self)

    def at(self, path: str) -> tuple[ViewValue, ...]:
        """The live values at a path."""
        return tuple(value for value in self.values if value.path == path)

    def by_path(self) -> Mapping[str, tuple[ViewValue, ...]]:
        """All paths with their live values."""
        found: dict[str, list[ViewValue]] = {}
        for value in self.values:
            found.setdefault(value.path, []).append(value)
        return {path: tuple(values) for path, values in found.items()}

    def text(self, path: str) -> str:
        """The first value at a path as text, empty where there is none."""
        return next((str(v.value) for v in self.at(path) if v.value is not None), "")

    @property
    def conflicts(self) -> tuple[str, ...]:
        """The paths with several different live values."""
        if len({value.path for value in self.values}) == len(self.values):
            return ()
        several = ((p, values) for p, values in self.by_path().items() if len(values) > 1)
        return tuple(path for path, values in several if differ(v.value for v in values))


def texts(values: Iterable[ViewValue]) -> tuple[str, ...]:
    """The string values among these."""
    return tuple(value.value for value in values if isinstance(value.value, str))
