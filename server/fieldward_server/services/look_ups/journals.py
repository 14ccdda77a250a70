"""Journals, and the log of what was asked on line: whether they hold together, and what is in them,
sealed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, islice
from operator import attrgetter
from typing import NamedTuple

from fieldward_server.services.authorities import known
from fieldward_server.services.custody.devices import unknown_device
from fieldward_server.services.custody.standing import read_head
from fieldward_server.services.exchange.boxes import find_owner
from fieldward_server.services.look_ups import enquiry_log
from fieldward_server.services.look_ups.sealed_look_ups import (
    SealedBox,
    SealedEnquiry,
    SealedLookUp,
    SealedPage,
)
from fieldward_server.services.platform import Platform
from fieldward_server.storage import Transaction, authorities, devices, journals
from fieldward_server.storage.devices import Device
from fieldward_server.storage.journals import Journal, StoredEntry
from fieldward_sync.encoding import decode, unpack
from fieldward_sync.errors import PeerBrokeProtocol
from fieldward_sync.journal import EntryItem, EpochSeal, JournalHead, JournalItem, SealItem
from fieldward_sync.names import SERVER
from fieldward_sync.signing import MAX_SIGNED_BYTES, Signed

ENTRIES_AT_A_TIME = 1000
ENTRIES_OF_A_PAGE = 1000

POSITION = r"\A(?:[a-z0-9-]{1,32}\.[0-9]{1,9}(?:\.[0-9a-f]{64})?|online)\.[0-9]{1,15}\Z"
"""Where a page begins: device, generation and, among what is kept beside the journal, an item's
hash; then the sequence number. Or, in the authority's own log, which comes after all devices,
``online`` and sequence number."""


class _Position(NamedTuple):
    """Where a page begins."""

    device: str = ""
    generation: int = 0
    sequence: int = 0
    fork: bytes = b""
    """Among what is kept beside the journal: from the item with this hash on."""
    online: int = 0
    """In the authority's own log."""

    @classmethod
    def on_line(cls, sequence: int) -> _Position:
        """Past all devices."""
        return cls("~", online=sequence)

    @classmethod
    def read(cls, position: str) -> _Position:
        """What was written as ``POSITION`` says."""
        *place, sequence = position.split(".")
        if place == ["online"]:
            return cls.on_line(int(sequence))
        device, generation, *fork = place
        return cls(device, int(generation), int(sequence), bytes.fromhex("".join(fork)))

    def __str__(self) -> str:
        if self == self.on_line(self.online):
            return f"online.{self.online}"
        fork = f".{self.fork.hex()}" if self.fork else ""
        return f"{self.device}.{self.generation}{fork}.{self.sequence}"


_Placed = Iterator[tuple[_Position, SealedLookUp | SealedEnquiry]]


@dataclass(frozen=True)
class JournalReport:
    """A journal that was checked from its first entry to its last.

    That of the device ``server`` is the authority's own log of what was asked on line, its
    generation the incarnation that there is now. Nothing seals it.
    """

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
    damage: str
    """Why what is stored is not what was acknowledged; empty where it is."""


def verify_journals(
    platform: Platform, authority: str, *, device: str | None = None
) -> tuple[JournalReport, ...]:
    """Check delivered journals from their first entry: order, hashes, and every seal's signature;
    last, unless one device's were asked for, the authority's own log.

    A damaged one stops no other. ``CallerMistake("unknown-device")``.
    """
    with platform.storage.reading() as transaction:
        reports = [_verify(transaction, it) for it in _devices(transaction, authority, device)]
        own_log = None if device else _verify_own_log(transaction, authority)
    return (*reports, own_log) if own_log else tuple(reports)


def list_sealed_look_ups(
    platform: Platform, authority: str, *, device: str | None = None, after: str | None = None
) -> SealedPage:
    """Look-ups, delivered or made on line, sealed: a page of them, from the first, or from where
    another page says that the next begins. ``CallerMistake("unknown-device")``."""
    start = _Position() if after is None else _Position.read(after)
    with platform.storage.reading() as transaction:
        chosen = _devices(transaction, authority, device)
        waiting: _Placed = chain(
            (each for it in chosen for each in _sealed(transaction, it, start)),
            _enquiries(transaction, authority, device, start.online),
        )
        entries = tuple(entry for _, entry in islice(waiting, ENTRIES_OF_A_PAGE))
        following = next(waiting, None)
        delivered = (entry for entry in entries if isinstance(entry, SealedLookUp))
        # What is kept beside a journal is found by its hash, and read in the order of its making.
        items = tuple(
            sorted(delivered, key=attrgetter("device", "generation", "forked", "sequence"))
        )
        shown = {(it.device, it.generation) for it in items}
        boxes = tuple(
            box
            for it in chosen
            if (it.device, it.generation) in shown
            for box in _boxes(transaction, it, items)
        )
    enquiries = tuple(entry for entry in entries if isinstance(entry, SealedEnquiry))
    return SealedPage(items, boxes, enquiries, str(following[0]) if following else None)


def _devices(transaction: Transaction, authority: str, device: str | None) -> tuple[Device, ...]:
    """All of an authority's, or one device in all its generations."""
    found = devices.of_authority(transaction, authority)
    if device is None:
        return found
    chosen = tuple(it for it in found if it.device == device)
    if not chosen:
        raise unknown_device(device)
    return chosen


def _verify(transaction: Transaction, device: Device) -> JournalReport:
    journal = Journal(device.authority, device.device, device.generation)
    acknowledged = read_head(device)
    head, last_seal_at, damage = acknowledged, 0, ""
    try:
        head, last_seal_at = _replay(transaction, device, journal)
    except PeerBrokeProtocol as e:
        damage = e.message
    if not damage and head != acknowledged:
        damage = "It does not come to what was acknowledged."
    return JournalReport(
        device=device.device,
        generation=device.generation,
        size=head.size,
        sealed_size=head.sealed_size,
        epochs=head.epoch,
        last_seal_at=last_seal_at,
        forks=journals.forks(transaction, journal),
        damage=damage,
    )


def _verify_own_log(transaction: Transaction, authority: str) -> JournalReport | None:
    checked = enquiry_log.verify(transaction, authority)
    if checked is None:
        return None
    return JournalReport(
        device=SERVER,
        generation=known(authorities.find(transaction, authority), authority).incarnation,
        size=checked.size,
        sealed_size=0,
        epochs=0,
        last_seal_at=0,
        forks=0,
        damage=checked.damage,
    )


def _replay(transaction: Transaction, device: Device, journal: Journal) -> tuple[JournalHead, int]:
    """The head that everything stored adds up to, and the time of the last seal."""
    acknowledged = read_head(device).size
    head = JournalHead.first(device.device, device.generation, device.journal_key)
    last_seal_at = 0
    for signed in journals.seals(transaction, journal):
        item = SealItem(unpack(Signed, signed))
        seal = decode(EpochSeal, item.seal.payload, max_bytes=MAX_SIGNED_BYTES)
        # A seal is not verified before its entries are in: it may claim any size.
        last = min(seal.size, acknowledged)
        for entry in _entries(transaction, journal, first=head.size, last=last):
            head = head.take_entry(EntryItem(entry.header, entry.body))
        head, last_seal_at = head.take_seal(item), seal.closed_at
    for entry in _entries(transaction, journal, first=head.size, last=acknowledged):
        head = head.take_entry(EntryItem(entry.header, entry.body))
    return head, last_seal_at


def _entries(
    transaction: Transaction, journal: Journal, *, first: int, last: int
) -> Iterator[StoredEntry]:
    for start in range(first, last, ENTRIES_AT_A_TIME):
        yield from journals.entries(
            transaction, journal, first=start, last=min(last, start + ENTRIES_AT_A_TIME)
        )


def _sealed(transaction: Transaction, device: Device, start: _Position) -> _Placed:
    """A device's entries from this position on; all of them, or none, if it lies elsewhere. Then
    those that are kept beside its journal."""
    here = _Position(device.device, device.generation)
    if here[:2] < start[:2]:
        return
    first, fork = (start.sequence, start.fork) if here[:2] == start[:2] else (0, b"")
    journal = Journal(device.authority, device.device, device.generation)
    if not fork:
        for entry in _entries(transaction, journal, first=first, last=read_head(device).size):
            sealed = SealedLookUp(
                device.device,
                device.generation,
                entry.sequence,
                entry.header,
                entry.body,
                forked=False,
            )
            yield here._replace(sequence=entry.sequence), sealed
    for item_hash, sealed in _forked(transaction, journal, first=fork):
        yield here._replace(sequence=sealed.sequence, fork=item_hash), sealed


def _forked(
    transaction: Transaction, journal: Journal, *, first: bytes
) -> Iterator[tuple[bytes, SealedLookUp]]:
    """The entries that came from old copies of a device's folder, with their hashes. One that
    somebody has damaged is among them, and does not open."""
    while True:
        found = journals.forked(transaction, journal, first=first, at_most=ENTRIES_AT_A_TIME + 1)
        for item_hash, item in found[:ENTRIES_AT_A_TIME]:
            sequence, header, body = 0, b"", b""
            with suppress(PeerBrokeProtocol):
                read: JournalItem = unpack(JournalItem, item)
                if not isinstance(read, EntryItem):
                    continue
                sequence, header, body = read.read_header().sequence, read.header, read.body
            yield (
                item_hash,
                SealedLookUp(
                    journal.device, journal.generation, sequence, header, body, forked=True
                ),
            )
        if len(found) <= ENTRIES_AT_A_TIME:
            return
        first = found[-1][0]


def _enquiries(transaction: Transaction, authority: str, device: str | None, first: int) -> _Placed:
    """The authority's own log from this entry on; of one device, what was asked with it."""
    for entry in enquiry_log.entries(transaction, authority, device=device, first=first):
        sealed = SealedEnquiry(
            entry.device, entry.generation, entry.sequence, entry.header, entry.body
        )
        yield _Position.on_line(entry.sequence), sealed


def _boxes(
    transaction: Transaction, device: Device, items: tuple[SealedLookUp, ...]
) -> Iterator[SealedBox]:
    """The boxes of these entries of a device. Without its box an entry is only seen to be there."""
    used = {
        read.box
        for it in items
        if (it.device, it.generation) == (device.device, device.generation)
        and (read := it.read_header())
    }
    journal = Journal(device.authority, device.device, device.generation)
    for box, header in journals.boxes(transaction, journal).items():
        # A header that somebody has damaged keeps its own entries shut, and no others.
        with suppress(PeerBrokeProtocol):
            if box in used:
                owner = find_owner(transaction, device, unpack(Signed, header), kind="journal")
                yield SealedBox(device.device, device.generation, box, header, owner.signing_key)
