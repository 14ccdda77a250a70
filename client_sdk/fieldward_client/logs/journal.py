"""The journal on the device: write-ahead, in epochs, each closed by one seal (design §9).

An entry is durable before the result it tells of leaves the SDK. Closing an epoch takes three
durable steps: the next key is stored; the seal is stored; the key that made it is erased. The last
stores the key after the next in the same write, so that the first is done before it is needed. At
start a stored seal wins, so that no epoch is ever closed twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import reduce
from typing import ClassVar

from fieldward_client.disk.folder import Folder
from fieldward_client.disk.frames import FrameFile, read_frames
from fieldward_client.keys.identity import Identity
from fieldward_client.logs.boxes import OpenBox, read_box
from fieldward_sync.encoding import Message, Part, decode, encode, pack, unpack
from fieldward_sync.errors import LocalDataDamaged, PeerBrokeProtocol
from fieldward_sync.journal import (
    EPOCH_ENTRIES,
    EPOCH_SECONDS,
    BoxItem,
    EntryItem,
    EpochSeal,
    JournalHead,
    JournalItem,
    LookUp,
    SealItem,
)
from fieldward_sync.keys import KEY_BYTES
from fieldward_sync.leases import NOTHING_SPENT, Spent
from fieldward_sync.names import Count, Key, PractitionerId
from fieldward_sync.sealing import Entropy
from fieldward_sync.signing import MAX_SIGNED_BYTES, public_key, sign, signing_key

JOURNAL, EPOCH_KEY = "journal", "journal-key"
KEPT_BYTES = 1 << 20
"""What a restored server will not ask for again goes once the file is this long, and half of it."""
MOST_BYTES = 16 << 20
"""From here on what was delivered goes, whether or not a backup holds it."""


class EpochKey(Message, frozen=True):
    """The seed of the open epoch's key, and of the next one's.

    Whoever copies this file can close the open epoch in the device's place, with a next key of
    their choice: that they know the device's own gives them nothing more. What is sealed cannot be
    made again with it.
    """

    marker: ClassVar[bytes] = b"fieldward/journal-key/1"
    epoch: Count
    seed: Key
    next_seed: Key | None = None

    def __repr__(self) -> str:
        return f"EpochKey({self.epoch}, …)"


class JournalBase(Part, frozen=True, tag="base"):
    """The journal's head before the first item that is still kept, and what had been spent."""

    head: JournalHead
    spent: dict[PractitionerId, Spent]


class Journal:
    """A device's open journal."""

    def __init__(self, folder: Folder, identity: Identity, *, entropy: Entropy) -> None:
        """Open the journal; a torn tail, which told of nothing that was shown, is cut.

        A damaged one opens too, so that what is good of it can be delivered; nothing is written to
        it any more.
        """
        self._folder = folder
        self._entropy = entropy
        self._file = FrameFile(folder, JOURNAL)
        self._fault = "a part of it is damaged" if self._file.broken else ""
        self._items: list[JournalItem] = []
        base = self._read_base(identity)
        self._base = self._head = base.head
        self._spent: dict[str, Spent] = dict(base.spent)
        self._owners: dict[bytes, str] = {}
        """Whose each box is."""
        self._replay()
        self._key = self._load_key()
        self._promote_key()
        # Entries that a crash left unsealed are closed before the next one is written.
        self._opened_at = None if self.is_sealed else 0

    @classmethod
    def create(
        cls, folder: Folder, head: JournalHead, seed: bytes, next_seed: bytes | None = None
    ) -> None:
        """An empty journal, its first epoch's key as it was registered."""
        FrameFile.create(folder, JOURNAL, [pack(JournalBase(head, {}))]).close()
        folder.store(EPOCH_KEY, EpochKey(head.epoch, seed, next_seed))

    @property
    def size(self) -> int:
        """Entries so far, delivered or not."""
        return self._head.size

    @property
    def is_sealed(self) -> bool:
        """Whether every entry is covered by a seal."""
        return self._head.size == self._head.sealed_size

    def is_delivered(self, sequence: int, epoch: int) -> bool:
        """Whether a server that waits for this entry and this epoch's seal has everything."""
        return self.is_sealed and (sequence, epoch) >= (self._head.size, self._head.epoch)

    @property
    def torn_bytes(self) -> int:
        """What a crash left unfinished at the end, and opening cut off."""
        return self._file.torn_bytes

    def spent(self, practitioner: str) -> Spent:
        """What this practitioner's last entry says that they have spent of their lease."""
        return self._spent.get(practitioner, NOTHING_SPENT)

    def write(self, look_ups: Sequence[LookUp], box: OpenBox, *, spent: Spent, now: int) -> None:
        """Make look-ups durable, in one write, with what has been spent by then; until it is done
        nothing of them may be shown.

        Raises ``LocalDataDamaged`` if they cannot be written.
        """
        self._require_whole()
        if self._epoch_is_over(now):
            self.seal(now)
        head = self._head
        items: list[JournalItem] = [] if self._has(box) else [BoxItem(box.signed_header)]
        for look_up in look_ups:
            index, body = box.seal_next(encode(look_up))
            item = head.entry(box=box.id, index=index, spent=spent, body=body)
            items.append(item)
            head = head.take_entry(item)
        self._append(items, head)
        self._opened_at = now if self._opened_at is None else self._opened_at

    def seal(self, now: int) -> None:
        """Close the open epoch, if it has entries."""
        if self.is_sealed:
            return
        self._require_whole()
        self._promote_key()
        next_seed = self._next_seed()
        closing = self._head.closing(
            closed_at=now, next_public_key=public_key(signing_key(next_seed))
        )
        item = SealItem(sign(closing, signing_key(self._key.seed)))
        self._append([item], self._head.take_seal(item))
        self._promote_key()
        self._opened_at = None

    def due(self, sequence: int, epoch: int) -> tuple[JournalItem, ...]:
        """What a server lacks that waits for this entry and for this epoch's seal, in order.

        An entry's box comes with it, even if it has been delivered before.
        """
        kept = self._items[self._first_due(sequence, epoch) :]
        return (*self._missing_box(kept), *kept)

    def prune(self, covered: tuple[int, int], delivered: tuple[int, int]) -> None:
        """Let go of what the server's backups have, once that is half of a long file.

        Both are an entry and an epoch: up to where the backups have the journal, and the server.
        """
        if len(self._file) < KEPT_BYTES or self._fault:
            return
        first = self._first_due(*(delivered if len(self._file) >= MOST_BYTES else covered))
        if first * 2 < len(self._items):
            return
        base = reduce(take_item, self._items[:first], self._base)
        kept = [*self._missing_box(self._items[first:]), *self._items[first:]]
        # First: of what a failure may leave out of the file, nothing is to count as in it.
        self._base, self._items = base, kept
        self._file.rewrite([pack(JournalBase(base, self._spent)), *(pack(item) for item in kept)])

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _read_base(self, identity: Identity) -> JournalBase:
        try:
            base: JournalBase = unpack(JournalBase, self._file.payloads[0])
        except (IndexError, PeerBrokeProtocol):
            self._fault = "its beginning is gone"
            head = JournalHead.first(identity.device, identity.generation, bytes(KEY_BYTES))
            return JournalBase(head, {})
        return base

    def _replay(self) -> None:
        try:
            for payload in self._file.payloads[1:]:
                item: JournalItem = unpack(JournalItem, payload)
                self._head = take_item(self._head, item)
                self._keep(item)
        except PeerBrokeProtocol:
            self._fault = "an entry is missing or damaged"

    def _load_key(self) -> EpochKey:
        key = EpochKey(self._head.epoch, bytes(KEY_BYTES))
        with suppress(LocalDataDamaged):  # what was written is delivered all the same
            key = self._folder.load(EPOCH_KEY, EpochKey) or key
        seed = key.seed if key.epoch == self._head.epoch else key.next_seed
        if seed is None or public_key(signing_key(seed)) != self._head.epoch_key:
            self._fault = self._fault or "its key does not belong to it"
        return key

    def _next_seed(self) -> bytes:
        """The next key's seed, stored."""
        key = self._key
        if key.next_seed is not None:
            return key.next_seed
        seed = self._entropy(KEY_BYTES)
        self._keep_key(EpochKey(key.epoch, key.seed, seed))
        return seed

    def _promote_key(self) -> None:
        """Where a seal is stored, it wins: go on with the next key, and erase the one it used."""
        if self._key.next_seed is not None and self._key.epoch < self._head.epoch:
            after_next = self._entropy(KEY_BYTES)
            self._keep_key(EpochKey(self._head.epoch, self._key.next_seed, after_next))

    def _epoch_is_over(self, now: int) -> bool:
        entries = self._head.size - self._head.sealed_size
        too_old = self._opened_at is not None and now - self._opened_at >= EPOCH_SECONDS
        return entries >= EPOCH_ENTRIES or (entries > 0 and too_old)

    def _require_whole(self) -> None:
        if self._fault:
            raise LocalDataDamaged(
                "journal-damaged",
                f"The record of look-ups cannot be continued: {self._fault}.",
                next_step="Sync to deliver what is left; then the device must be enrolled again.",
            )

    def _append(self, items: Sequence[JournalItem], head: JournalHead) -> None:
        self._file.append(*(pack(item) for item in items))
        for item in items:
            self._keep(item)
        self._head = head

    def _keep(self, item: JournalItem) -> None:
        self._items.append(item)
        match item:
            case BoxItem():
                box = read_box(item.header)
                self._owners[box.box] = box.practitioner
            case EntryItem():
                header = item.read_header()
                if header.box in self._owners:
                    self._spent[self._owners[header.box]] = header.spent

    def _keep_key(self, key: EpochKey) -> None:
        self._folder.store(EPOCH_KEY, key)
        self._key = key

    def _first_due(self, sequence: int, epoch: int) -> int:
        # From the end: most of what is kept has been delivered long ago.
        first = len(self._items)
        for place in reversed(range(first)):
            item = self._items[place]
            if isinstance(item, BoxItem):
                continue
            if not _is_due(item, sequence, epoch):
                break
            first = place
        return first

    def _missing_box(self, items: Sequence[JournalItem]) -> tuple[BoxItem, ...]:
        """The box of the first entry among these, unless it is among them."""
        first = next((item for item in items if isinstance(item, EntryItem)), None)
        if first is None:
            return ()
        wanted = first.read_header().box
        boxes = [item for item in self._items if isinstance(item, BoxItem)]
        return tuple(b for b in boxes if read_box(b.header).box == wanted and b not in items)[:1]

    def _has(self, box: OpenBox) -> bool:
        return BoxItem(box.signed_header) in self._items


def read_size(folder: Folder) -> int:
    """The entries of a journal that nobody opens to write, as far as they can be counted."""
    size = 0
    for payload in read_frames(folder.read(JOURNAL) or b"").payloads:
        with suppress(PeerBrokeProtocol):
            frame = unpack(JournalBase | JournalItem, payload)
            if isinstance(frame, JournalBase):
                size = frame.head.size
            size += isinstance(frame, EntryItem)
    return size


def due_after(items: Sequence[JournalItem], due: tuple[int, int]) -> tuple[int, int]:
    """The entry and the epoch due next for a server that has these items, and all before
    ``due``."""
    sequence, epoch = due
    for item in items:
        match item:
            case EntryItem():
                sequence = max(sequence, item.read_header().sequence + 1)
            case SealItem():
                epoch = max(epoch, _read_seal(item).epoch + 1)
    return sequence, epoch


def take_item(head: JournalHead, item: JournalItem) -> JournalHead:
    """The head after an item; ``PeerBrokeProtocol`` if it is not what comes next."""
    match item:
        case EntryItem():
            return head.take_entry(item)
        case SealItem():
            return head.take_seal(item)
    return head


def _is_due(item: JournalItem, sequence: int, epoch: int) -> bool:
    match item:
        case EntryItem():
            return item.read_header().sequence >= sequence
        case SealItem():
            return _read_seal(item).epoch >= epoch
    return False


def _read_seal(item: SealItem) -> EpochSeal:
    return decode(EpochSeal, item.seal.payload, max_bytes=MAX_SIGNED_BYTES)
