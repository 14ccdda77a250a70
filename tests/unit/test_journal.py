"""The journal: what is in it cannot be changed, dropped or reordered unseen (invariant 8)."""

from __future__ import annotations

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fieldward_sync.encoding import encode
from fieldward_sync.errors import PeerBrokeProtocol
from fieldward_sync.journal import EntryItem, JournalHead, SealItem
from fieldward_sync.leases import NOTHING_SPENT
from fieldward_sync.signing import public_key, sign

FIRST, SECOND = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
EMPTY = JournalHead.first("d-1", 1, public_key(FIRST))
BOX = b"b" * 16


def entry(head: JournalHead, body: bytes = b"sealed look-up") -> EntryItem:
    return head.entry(box=BOX, index=head.size, spent=NOTHING_SPENT, body=body)


def with_entries(head: JournalHead, count: int) -> JournalHead:
    for number in range(count):
        head = head.take_entry(entry(head, f"look-up {number}".encode()))
    return head


def seal(head: JournalHead, key: Ed25519PrivateKey = FIRST) -> SealItem:
    closing = head.closing(closed_at=1_000, next_public_key=public_key(SECOND))
    return SealItem(sign(closing, key))


def test_a_sealed_epoch_hands_over_to_the_next_key() -> None:
    head = with_entries(EMPTY, 3)
    closed = head.take_seal(seal(head))
    assert (closed.size, closed.sealed_size, closed.epoch) == (3, 3, 1)
    again = with_entries(closed, 2)
    assert again.take_seal(seal(again, SECOND)).sealed_size == 5


def changed(item: EntryItem, **fields: object) -> EntryItem:
    header = msgspec.structs.replace(item.read_header(), **fields)
    return EntryItem(encode(header), item.body)


@pytest.mark.parametrize(
    ("item", "code"),
    [
        (changed(entry(EMPTY), sequence=1), "journal-gap"),
        (changed(entry(EMPTY), epoch=1), "journal-epoch"),
        (changed(entry(EMPTY), device="d-2"), "journal-misaddressed"),
        (changed(entry(EMPTY), generation=2), "journal-misaddressed"),
        (EntryItem(entry(EMPTY).header, b"another body"), "journal-body"),
        (EntryItem(entry(EMPTY).header + b"\x00", b"sealed look-up"), "malformed"),
    ],
    ids=["a gap", "another epoch", "another device", "another generation", "a body", "a byte"],
)
def test_an_entry_is_refused_for(item: EntryItem, code: str) -> None:
    with pytest.raises(PeerBrokeProtocol) as refusal:
        EMPTY.take_entry(item)
    assert refusal.value.code == code


def test_an_entry_that_came_before_is_not_taken_twice() -> None:
    head = EMPTY.take_entry(entry(EMPTY))
    with pytest.raises(PeerBrokeProtocol) as refusal:
        head.take_entry(entry(EMPTY))
    assert refusal.value.code == "journal-gap"


def test_a_seal_over_fewer_other_or_reordered_entries_is_refused() -> None:
    head = with_entries(EMPTY, 3)
    shorter = with_entries(EMPTY, 2)
    other = with_entries(EMPTY, 2)
    other = other.take_entry(entry(other, b"never shown"))
    for wrong in (shorter, other):
        with pytest.raises(PeerBrokeProtocol) as refusal:
            head.take_seal(seal(wrong))
        assert refusal.value.code == "journal-seal"


def test_a_seal_over_nothing_new_is_refused() -> None:
    sealed = with_entries(EMPTY, 2)
    sealed = sealed.take_seal(seal(sealed))
    for head, key in ((EMPTY, FIRST), (sealed, SECOND)):
        with pytest.raises(PeerBrokeProtocol) as refusal:
            head.take_seal(seal(head, key))
        assert refusal.value.code == "journal-seal"


def test_an_epoch_is_sealed_once_and_by_its_own_key() -> None:
    head = with_entries(EMPTY, 1)
    closed = head.take_seal(seal(head))
    for replayed in (seal(head), seal(closed, FIRST)):
        with pytest.raises(PeerBrokeProtocol) as refusal:
            closed.take_seal(replayed)
        assert refusal.value.code == "signature-wrong"
