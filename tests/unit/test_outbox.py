"""Boxes: what is in the outbox opens for its author and the authority, and for nobody else."""

from __future__ import annotations

import os
from typing import Literal

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fieldward_sync.encoding import decode
from fieldward_sync.errors import CallerMistake, PeerBrokeProtocol
from fieldward_sync.keys import hpke_public_key
from fieldward_sync.outbox import (
    MAX_ENTRY_BYTES,
    Box,
    edit_entry,
    new_box,
    open_as_author,
    open_as_authority,
)
from fieldward_sync.records import MAX_CHANGES_IN_A_PROPOSAL, Proposal, ProposedChange
from fieldward_sync.signing import Signed, public_key

SIGNING = Ed25519PrivateKey.generate()
AUTHORITY_SEED = b"a" * 32
STORE_KEY = b"s" * 32


def box(kind: Literal["edits", "journal"] = "edits") -> Box:
    return new_box(
        kind,
        authority="E08000039",
        device="d-1",
        generation=1,
        practitioner="p-1",
        authority_key=hpke_public_key(AUTHORITY_SEED),
        store_key=STORE_KEY if kind == "edits" else None,
        signing_key=SIGNING,
        entropy=os.urandom,
    )


def test_author_and_authority_read_what_was_written() -> None:
    written = box()
    sealed = [written.seal_entry(index, f"edit {index}".encode()) for index in range(3)]
    author = open_as_author(
        written.signed_header, practitioner_key=public_key(SIGNING), store_key=STORE_KEY
    )
    authority = open_as_authority(
        written.signed_header, practitioner_key=public_key(SIGNING), seed=AUTHORITY_SEED
    )
    for reader in (author, authority):
        assert [reader.open_entry(i, entry) for i, entry in enumerate(sealed)] == [
            b"edit 0",
            b"edit 1",
            b"edit 2",
        ]


def test_whatever_is_accepted_as_an_edit_is_one_that_the_authority_can_read() -> None:
    full = edit(*(change(n, letters=30) for n in range(MAX_CHANGES_IN_A_PROPOSAL)))
    sealed = box().seal_entry(0, edit_entry(full))
    assert len(sealed) <= MAX_ENTRY_BYTES
    assert decode(Proposal, edit_entry(full), max_bytes=MAX_ENTRY_BYTES) == full
    with pytest.raises(CallerMistake, match="edit-empty"):
        edit_entry(edit())
    for changes in (
        tuple(change(n, letters=1) for n in range(MAX_CHANGES_IN_A_PROPOSAL + 1)),
        tuple(change(n, letters=70) for n in range(MAX_CHANGES_IN_A_PROPOSAL)),
    ):
        with pytest.raises(CallerMistake, match="edit-too-large"):
            edit_entry(edit(*changes))


def edit(*changes: ProposedChange) -> Proposal:
    return Proposal(1, 1, "r-1", changes, "p-1", 1_700_000_000, "home-visit")


def change(number: int, *, letters: int) -> ProposedChange:
    """One with letters of four bytes."""
    return ProposedChange(f"involvements/n{number}.organisation", "\U00020000" * letters)


def test_the_holder_of_a_device_cannot_read_a_journal_back() -> None:
    written = box("journal")
    assert written.header.for_store == b""
    with pytest.raises(PeerBrokeProtocol):
        open_as_author(
            written.signed_header, practitioner_key=public_key(SIGNING), store_key=STORE_KEY
        )


def test_an_entry_changed_moved_or_of_another_box_does_not_open() -> None:
    written, other = box(), box()
    sealed = written.seal_entry(0, b"edit")
    flipped = bytes([sealed[0] ^ 1]) + sealed[1:]
    for reader, index, data in [(written, 0, flipped), (written, 1, sealed), (other, 0, sealed)]:
        with pytest.raises(PeerBrokeProtocol) as refusal:
            reader.open_entry(index, data)
        assert refusal.value.code == "seal-broken"


def test_a_box_that_somebody_else_signed_is_refused() -> None:
    written = box()
    forged = Signed(
        written.signed_header.payload,
        Ed25519PrivateKey.generate().sign(written.signed_header.payload),
    )
    with pytest.raises(PeerBrokeProtocol) as refusal:
        open_as_authority(forged, practitioner_key=public_key(SIGNING), seed=AUTHORITY_SEED)
    assert refusal.value.code == "signature-wrong"


def test_a_box_opens_for_nobody_elses_key() -> None:
    with pytest.raises(PeerBrokeProtocol):
        open_as_authority(box().signed_header, practitioner_key=public_key(SIGNING), seed=b"b" * 32)
    with pytest.raises(PeerBrokeProtocol):
        open_as_author(
            box().signed_header, practitioner_key=public_key(SIGNING), store_key=b"x" * 32
        )
