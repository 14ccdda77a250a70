"""Delivered journals: whether they hold together, and what is in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fieldward_server.services.authorities import known
from fieldward_server.services.boxes import find_owner
from fieldward_server.services.devices import known_device
from fieldward_server.services.journal_intake import read_head
from fieldward_server.services.platform import Platform
from fieldward_server.storage import Transaction, authorities, devices, journals
from fieldward_server.storage.devices import Device
from fieldward_server.storage.journals import Journal, StoredEntry
from fieldward_sync.encoding import decode, unpack
from fieldward_sync.errors import CallerMistake, LocalDataDamaged, PeerBrokeProtocol
from fieldward_sync.journal import EntryItem, EpochSeal, JournalHead, LookUp, SealItem
from fieldward_sync.keys import hpke_public_key
from fieldward_sync.messages import Trust
from fieldward_sync.outbox import MAX_ENTRY_BYTES, Box, open_as_authority
from fieldward_sync.signing import MAX_SIGNED_BYTES, Signed

ENTRIES_AT_A_TIME = 1000


@dataclass(frozen=True)
class JournalReport:
    """A journal that was checked from its first entry to its last."""

    device: str
    generation: int
    size: int
    sealed_size: int
    epochs: int
    """Closed ones."""
    last_seal_at: int
    """By the device's clock; 0 if there is none."""
    forks: int
    """Entries or seals that came a second time with other content."""


@dataclass(frozen=True)
class DeliveredLookUp:
    """A look-up as it was delivered."""

    device: str
    generation: int
    sequence: int
    look_up: LookUp | None
    """``None`` where the entry does not open: what a device seals, only the auditor finds out."""


def verify_journal(
    platform: Platform, *, authority: str, device: str, generation: int
) -> JournalReport:
    """Check a delivered journal from its first entry: order, hashes, and every seal's signature.

    ``LocalDataDamaged("journal-damaged")`` where what is stored is not what was delivered.
    """
    with platform.storage.reading() as transaction:
        found = known_device(transaction, authority, device, generation)
        journal = Journal(authority, device, generation)
        try:
            head, last_seal_at = _replay(transaction, found, journal)
        except PeerBrokeProtocol as e:
            raise _damaged(found, e.message) from e
        if head != read_head(found):
            raise _damaged(found, "It does not come to what was acknowledged.")
        return JournalReport(
            device=device,
            generation=generation,
            size=head.size,
            sealed_size=head.sealed_size,
            epochs=head.epoch,
            last_seal_at=last_seal_at,
            forks=journals.forks(transaction, journal),
        )


def read_look_ups(
    platform: Platform, *, authority: str, audit_seed: bytes, device: str | None = None
) -> Iterator[DeliveredLookUp]:
    """All delivered look-ups, by device and in their order, opened with the authority's audit seed.

    ``CallerMistake("audit-seed-wrong")`` for another seed.
    """
    with platform.storage.reading() as transaction:
        _check_seed(transaction, authority, audit_seed)
        for found in devices.of_authority(transaction, authority):
            if device in (None, found.device):
                yield from _read(transaction, found, audit_seed)


def _replay(transaction: Transaction, device: Device, journal: Journal) -> tuple[JournalHead, int]:
    """The head that everything stored adds up to, and the time of the last seal."""
    head = JournalHead.first(device.device, device.generation, device.journal_key)
    last_seal_at = 0
    for signed in journals.seals(transaction, journal):
        item = SealItem(unpack(Signed, signed))
        seal = decode(EpochSeal, item.seal.payload, max_bytes=MAX_SIGNED_BYTES)
        for entry in _entries(transaction, journal, first=head.size, last=seal.size):
            head = head.take_entry(EntryItem(entry.header, entry.body))
        head, last_seal_at = head.take_seal(item), seal.closed_at
    for entry in _entries(transaction, journal, first=head.size, last=read_head(device).size):
        head = head.take_entry(EntryItem(entry.header, entry.body))
    return head, last_seal_at


def _entries(
    transaction: Transaction, journal: Journal, *, first: int, last: int
) -> Iterator[StoredEntry]:
    for start in range(first, last, ENTRIES_AT_A_TIME):
        yield from journals.entries(
            transaction, journal, first=start, last=min(last, start + ENTRIES_AT_A_TIME)
        )


def _check_seed(transaction: Transaction, authority: str, audit_seed: bytes) -> None:
    row = known(authorities.find(transaction, authority), authority)
    signed: Signed = unpack(Signed, row.trust)
    if signed.open(Trust, row.root_key).audit_key != hpke_public_key(audit_seed):
        raise CallerMistake("audit-seed-wrong", f"This is not the seed of {authority}'s audit key.")


def _read(transaction: Transaction, device: Device, audit_seed: bytes) -> Iterator[DeliveredLookUp]:
    journal = Journal(device.authority, device.device, device.generation)
    boxes = {
        box: _open_box(transaction, device, unpack(Signed, header), audit_seed)
        for box, header in journals.boxes(transaction, journal).items()
    }
    for entry in _entries(transaction, journal, first=0, last=read_head(device).size):
        yield DeliveredLookUp(
            device.device, device.generation, entry.sequence, _look_up(entry, boxes)
        )


def _open_box(
    transaction: Transaction, device: Device, header: Signed, audit_seed: bytes
) -> Box | None:
    try:
        owner = find_owner(transaction, device, header, kind="journal")
        return open_as_authority(header, practitioner_key=owner.signing_key, seed=audit_seed)
    except PeerBrokeProtocol:
        return None


def _look_up(entry: StoredEntry, boxes: Mapping[bytes, Box | None]) -> LookUp | None:
    header = EntryItem(entry.header, entry.body).read_header()
    box = boxes.get(header.box)
    try:
        opened = box and box.open_entry(header.index, entry.body)
        return decode(LookUp, opened, max_bytes=MAX_ENTRY_BYTES) if opened else None
    except PeerBrokeProtocol:
        return None


def _damaged(device: Device, why: str) -> LocalDataDamaged:
    return LocalDataDamaged(
        "journal-damaged",
        f"The journal of {device.device} generation {device.generation} does not hold: {why}",
        next_step="Keep the database as it is and compare it with a backup.",
    )
