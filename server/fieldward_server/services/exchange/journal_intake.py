"""Taking in journals: what is new and in order is stored, what contradicts is kept and reported.

An entry that has been acknowledged cannot be changed, removed or reordered unseen (invariant 8).
A device that contradicts what it delivered has *parted* from it: its folder is an old copy. Its
journal takes nothing any more, and all else that it brings is kept beside what stands there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from fieldward_server.services.custody.standing import read_head
from fieldward_server.services.exchange.boxes import verified_header
from fieldward_server.storage import Transaction, devices, events, journals
from fieldward_server.storage.devices import Device
from fieldward_server.storage.journals import Journal, StoredEntry
from fieldward_sync.encoding import decode, encode, pack
from fieldward_sync.errors import PeerBrokeProtocol
from fieldward_sync.journal import BoxItem, EntryItem, EpochSeal, JournalHead, JournalItem, SealItem
from fieldward_sync.signing import MAX_SIGNED_BYTES

GAP = "journal-gap"


class JournalIntake:
    """Takes the journal items of one request into one device's journal, its authority locked."""

    def __init__(self, transaction: Transaction, device: Device, *, now: int) -> None:
        self._transaction = transaction
        self._device = device
        self._journal = Journal(device.authority, device.device, device.generation)
        self._now = now
        self._head = read_head(device)
        self._boxes: set[bytes] = set()
        self._parted = bool(device.parted)

    def take(self, items: Sequence[JournalItem]) -> JournalHead:
        """Store what is new, up to the first item that does not belong there; the head after it.

        A gap is no misdeed: requests get lost, and the answer says what is due. Whatever else does
        not fit opens an incident. Either way the device sends again, and gets no lease before.
        """
        before = self._head
        for item in items:
            try:
                self._take(item)
            except PeerBrokeProtocol as e:
                if e.code != GAP:
                    self._open_incident(e.code, f"where entry {self._head.size} is due")
                if not self._parted:  # of an old copy all that can be is kept: it comes once
                    break
        if self._head != before:
            devices.set_journal_head(self._transaction, self._device, encode(self._head))
        return self._head

    def report_shrinking(self, claimed_size: int) -> None:
        """Open an incident if the device has fewer entries than it has delivered."""
        if claimed_size < self._head.size:
            self._part()
            self._open_incident("journal-shrunk", f"{claimed_size} of {self._head.size}")

    def _take(self, item: JournalItem) -> None:
        match item:
            case BoxItem():
                self._take_box(item)
            case EntryItem():
                self._take_entry(item)
            case SealItem():
                self._take_seal(item)

    def _take_box(self, item: BoxItem) -> None:
        header = verified_header(self._transaction, self._device, item.header, kind="journal")
        journals.add_box(self._transaction, self._journal, box=header.box, header=pack(item.header))

    def _take_entry(self, item: EntryItem) -> None:
        header = item.read_header()
        new = StoredEntry(header.sequence, item.header, item.body)
        is_closed = header.epoch < self._head.epoch  # by a seal that knew of no such entry
        if header.sequence < self._head.size or is_closed or self._parted:
            known = journals.entry(self._transaction, self._journal, header.sequence)
            self._compare(known, new, item, where=f"entry {header.sequence}")
            return
        if header.sequence > self._head.size:
            raise PeerBrokeProtocol(GAP, "An entry came before the one that is due.")
        self._require_box(header.box)
        self._head = self._head.take_entry(item)
        journals.add_entry(self._transaction, self._journal, new, received_at=self._now)

    def _take_seal(self, item: SealItem) -> None:
        epoch = decode(EpochSeal, item.seal.payload, max_bytes=MAX_SIGNED_BYTES).epoch
        if epoch < self._head.epoch or self._parted:
            known = journals.seal(self._transaction, self._journal, epoch)
            self._compare(known, pack(item.seal), item, where=f"seal {epoch}")
            return
        if epoch > self._head.epoch:
            raise PeerBrokeProtocol(GAP, "A seal came before the one that is due.")
        self._head = self._head.take_seal(item)
        journals.add_seal(
            self._transaction,
            self._journal,
            epoch=epoch,
            signed=pack(item.seal),
            received_at=self._now,
        )

    def _require_box(self, box: bytes) -> None:
        """Without its box's header nobody could ever open the entry."""
        if box not in self._boxes:
            if not journals.has_box(self._transaction, self._journal, box):
                raise PeerBrokeProtocol("journal-box", "An entry came without its box.")
            self._boxes.add(box)

    def _compare(
        self, known: object, delivered: object, item: EntryItem | SealItem, *, where: str
    ) -> None:
        """The same again is fine; something else in its place is a fork, and both are kept."""
        if known == delivered:
            return
        self._part()
        packed = pack(item)
        journals.add_fork(
            self._transaction,
            self._journal,
            item_hash=hashlib.sha256(packed).digest(),
            item=packed,
            received_at=self._now,
        )
        self._open_incident("journal-fork", where)

    def _part(self) -> None:
        if not self._parted:
            devices.set_parted(self._transaction, self._device)
            self._parted = True

    def _open_incident(self, kind: str, detail: str) -> None:
        events.open_incident(self._transaction, self._device, kind, detail, at=self._now)
