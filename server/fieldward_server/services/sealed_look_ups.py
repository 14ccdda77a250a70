"""Delivered look-ups as they leave the server, sealed, and as the audit key opens them.

Nothing here reads a database: whoever holds the audit key opens a page far from the server, which
never has that key.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fieldward_sync.encoding import decode, unpack
from fieldward_sync.errors import CallerMistake, PeerBrokeProtocol
from fieldward_sync.journal import EntryHeader, EntryItem, LookUp
from fieldward_sync.keys import hpke_public_key
from fieldward_sync.messages import Trust
from fieldward_sync.outbox import MAX_ENTRY_BYTES, Box, open_as_authority
from fieldward_sync.signing import Signed


@dataclass(frozen=True)
class SealedBox:
    """What opens entries of one box, for who holds the audit key."""

    device: str
    generation: int
    box: bytes
    header: bytes
    """The packed ``Signed`` header."""
    practitioner_key: bytes
    """Of the practitioner whose box it says it is."""


@dataclass(frozen=True)
class SealedLookUp:
    """An entry as it was delivered."""

    device: str
    generation: int
    sequence: int
    header: bytes
    body: bytes

    def read_header(self) -> EntryHeader | None:
        """The header; ``None`` for one that somebody has damaged."""
        try:
            return EntryItem(self.header, self.body).read_header()
        except PeerBrokeProtocol:
            return None


@dataclass(frozen=True)
class SealedPage:
    """Some delivered entries, by device and in their order, with the boxes they need."""

    items: tuple[SealedLookUp, ...]
    boxes: tuple[SealedBox, ...]
    after: str | None
    """Where the next page begins; ``None``: this is the last."""


@dataclass(frozen=True)
class DeliveredLookUp:
    """A look-up as it was delivered."""

    device: str
    generation: int
    sequence: int
    look_up: LookUp | None
    """``None`` where the entry does not open: what a device seals, only the auditor finds out."""


def require_audit_seed(trust: Trust, audit_seed: bytes) -> None:
    """Raise ``CallerMistake("audit-seed-wrong")`` unless look-ups are sealed to this seed's key."""
    if trust.audit_key != hpke_public_key(audit_seed):
        raise CallerMistake(
            "audit-seed-wrong", f"This is not the seed of {trust.authority}'s audit key."
        )


def open_look_ups(page: SealedPage, audit_seed: bytes) -> Iterator[DeliveredLookUp]:
    """The look-ups of a page, opened with the authority's audit seed."""
    boxes = {(it.device, it.generation, it.box): _open_box(it, audit_seed) for it in page.boxes}
    for sealed in page.items:
        yield DeliveredLookUp(
            sealed.device, sealed.generation, sealed.sequence, _look_up(sealed, boxes)
        )


def _open_box(sealed: SealedBox, audit_seed: bytes) -> Box | None:
    try:
        header: Signed = unpack(Signed, sealed.header)
        return open_as_authority(header, practitioner_key=sealed.practitioner_key, seed=audit_seed)
    except PeerBrokeProtocol:
        return None


def _look_up(
    sealed: SealedLookUp, boxes: Mapping[tuple[str, int, bytes], Box | None]
) -> LookUp | None:
    header = sealed.read_header()
    box = header and boxes.get((sealed.device, sealed.generation, header.box))
    if not header or not box:
        return None
    try:
        opened = box.open_entry(header.index, sealed.body)
        return decode(LookUp, opened, max_bytes=MAX_ENTRY_BYTES)
    except PeerBrokeProtocol:
        return None
