"""Look-ups as they leave the server, sealed, and as the audit key opens them.

Nothing here reads a database: whoever holds the audit key opens a page far from the server, which
never has that key.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from fieldward_sync.encoding import decode, unpack
from fieldward_sync.enquiries import open_look_up, read_header
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
    forked: bool
    """Kept beside the journal, where another entry stands or none did: from an old copy."""

    def read_header(self) -> EntryHeader | None:
        """The header; ``None`` for one that somebody has damaged."""
        try:
            return EntryItem(self.header, self.body).read_header()
        except PeerBrokeProtocol:
            return None


@dataclass(frozen=True)
class SealedEnquiry:
    """An entry of the authority's own log: a look-up that was made on line."""

    device: str
    generation: int
    sequence: int
    header: bytes
    body: bytes


@dataclass(frozen=True)
class SealedPage:
    """Some entries: by device, in their order, those from old copies last; then the authority's.

    With the boxes that they need."""

    items: tuple[SealedLookUp, ...]
    boxes: tuple[SealedBox, ...]
    enquiries: tuple[SealedEnquiry, ...]
    after: str | None
    """Where the next page begins; ``None``: this is the last."""


@dataclass(frozen=True)
class DeliveredLookUp:
    """A look-up as it came to the server."""

    device: str
    generation: int
    sequence: int
    """In the device's journal or, of one that was made on line, in the authority's log."""
    online: bool
    forked: bool
    """Made on a copy of the device's folder, and kept beside its journal."""
    look_up: LookUp | None
    """``None`` where the entry does not open: what a device seals, only the auditor finds out."""


def require_audit_seed(trust: Trust, audit_seeds: Iterable[bytes]) -> None:
    """Raise ``CallerMistake("audit-seed-wrong")`` unless one of these is the seed of the key that
    look-ups are sealed to now."""
    if trust.audit_key not in map(hpke_public_key, audit_seeds):
        raise CallerMistake(
            "audit-seed-wrong", f"This is not the seed of {trust.authority}'s audit key."
        )


def open_look_ups(page: SealedPage, audit_seeds: Sequence[bytes]) -> Iterator[DeliveredLookUp]:
    """The look-ups of a page, opened with the authority's audit seeds: the one in force, and those
    that were so when the oldest of them were sealed."""
    boxes = {(it.device, it.generation, it.box): _open_box(it, audit_seeds) for it in page.boxes}
    for sealed in page.items:
        yield DeliveredLookUp(
            sealed.device,
            sealed.generation,
            sealed.sequence,
            False,
            sealed.forked,
            _look_up(sealed, boxes),
        )
    for enquiry in page.enquiries:
        yield DeliveredLookUp(
            enquiry.device,
            enquiry.generation,
            enquiry.sequence,
            True,
            False,
            _enquired(enquiry, audit_seeds),
        )


def _enquired(sealed: SealedEnquiry, audit_seeds: Sequence[bytes]) -> LookUp | None:
    for seed in audit_seeds:
        with suppress(PeerBrokeProtocol):
            enquirer = read_header(sealed.header).enquirer
            return open_look_up(sealed.body, seed, enquirer=enquirer)
    return None


def _open_box(sealed: SealedBox, audit_seeds: Sequence[bytes]) -> Box | None:
    for seed in audit_seeds:
        with suppress(PeerBrokeProtocol):
            header: Signed = unpack(Signed, sealed.header)
            return open_as_authority(header, practitioner_key=sealed.practitioner_key, seed=seed)
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
