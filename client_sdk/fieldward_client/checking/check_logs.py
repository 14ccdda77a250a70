"""Checks journal and outbox as they lie on the disk, frame by frame, without opening them to write.

A torn tail is what a crash leaves. All else was done to the file: a frame that was cut out, changed
or moved shows by numbers (outbox) or by the chain of hashes and seals (journal).
"""

from __future__ import annotations

from collections.abc import Iterator

from fieldward_client.checking.findings import Finding, finding
from fieldward_client.disk.folder import Folder
from fieldward_client.disk.frames import Scan, read_frames
from fieldward_client.keys.identity import Contact, Identity
from fieldward_client.logs.boxes import read_box
from fieldward_client.logs.journal import EPOCH_KEY, JOURNAL, EpochKey, JournalBase, take_item
from fieldward_client.logs.outbox import OUTBOX, read_made
from fieldward_client.logs.outbox_content import OutboxContent
from fieldward_sync.encoding import unpack
from fieldward_sync.errors import LocalDataDamaged, PeerBrokeProtocol
from fieldward_sync.journal import BoxItem, EntryItem, JournalHead, JournalItem
from fieldward_sync.signing import public_key, signing_key

_NUMBERS_TOLD = 10


def check_outbox(folder: Folder, reserved: int | None, prefix: str) -> Iterator[Finding]:
    """The outbox; ``reserved`` is up to where numbers of edits were reserved, if that is known."""
    data, where = folder.read(OUTBOX), prefix + OUTBOX
    if data is None:
        return
    scan = read_frames(data)
    made = read_made(folder)
    content = OutboxContent(scan.payloads, made=made, broken=scan.broken)
    yield from _frames(data, scan, where)
    if not scan.broken and not content.is_whole:
        yield finding("frames-damaged", where)
    if not content.is_in_order:
        yield finding("edits-out-of-order", where)
    if not content.is_lost_count_known:
        yield finding("edits-lost-unknown", where)
    elif content.lost:
        told = ", ".join(map(str, content.lost[:_NUMBERS_TOLD]))
        more = " and more" if len(content.lost) > _NUMBERS_TOLD else ""
        yield finding("edits-lost", where, count=len(content.lost), numbers=told + more)
    highest = max([made or 0, *content.edits])
    if reserved is not None and highest > reserved:
        yield finding("counters-behind", where, count=highest)


def check_journal(
    folder: Folder, identity: Identity, contact: Contact | None, prefix: str
) -> Iterator[Finding]:
    """The journal: order, hashes, seals, its key, and how far the server has it."""
    data, where = folder.read(JOURNAL), prefix + JOURNAL
    if data is None:
        return
    scan = read_frames(data)
    yield from _frames(data, scan, where)
    try:
        head = _replayed(scan, identity)
    except PeerBrokeProtocol as e:
        yield finding("journal-broken", where, why=e.message.rstrip("."))
        return
    if not _has_key(folder, head):
        yield finding("journal-broken", prefix + EPOCH_KEY, why="its key does not belong to it")
    if contact is not None and contact.journal_next > head.size:
        yield finding("journal-behind", where, count=contact.journal_next - head.size)


def _frames(data: bytes, scan: Scan, where: str) -> Iterator[Finding]:
    torn = len(data) - scan.good_bytes
    if scan.broken:
        yield finding("frames-damaged", where)
    elif torn:
        yield finding("torn-tail", where, count=torn)


def _replayed(scan: Scan, identity: Identity) -> JournalHead:
    """The head after all items; ``PeerBrokeProtocol`` where one is not what comes next."""
    if not scan.payloads:
        raise PeerBrokeProtocol("journal-empty", "its beginning is gone")
    base = unpack(JournalBase, scan.payloads[0])
    head: JournalHead = base.head
    if (head.device, head.generation) != (identity.device, identity.generation):
        raise PeerBrokeProtocol("journal-misaddressed", "it is another device's")
    boxes: set[bytes] = set()
    for payload in scan.payloads[1:]:
        item: JournalItem = unpack(JournalItem, payload)
        match item:
            case BoxItem():
                boxes.add(read_box(item.header).box)
            case EntryItem():
                if item.read_header().box not in boxes:
                    raise PeerBrokeProtocol("journal-box", "the key of an entry is gone")
        head = take_item(head, item)
    return head


def _has_key(folder: Folder, head: JournalHead) -> bool:
    try:
        key = folder.load(EPOCH_KEY, EpochKey)
    except LocalDataDamaged:
        return True  # the document's form was found damaged already
    if key is None:
        return True  # that it is missing, too
    seed = key.seed if key.epoch == head.epoch else key.next_seed
    return seed is not None and public_key(signing_key(seed)) == head.epoch_key
