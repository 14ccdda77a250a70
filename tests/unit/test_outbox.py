"""Boxes: what is in the outbox opens for its author and the authority, and for nobody else."""

from __future__ import annotations

import os
from typing import Literal

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fieldward_sync.errors import PeerBrokeProtocol
from fieldward_sync.keys import hpke_public_key
from fieldward_sync.outbox import Box, new_box, open_as_author, open_as_authority
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
