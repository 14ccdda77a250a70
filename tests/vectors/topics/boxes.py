"""Boxes of the outbox, and what is sealed in them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from second_implementation.encoding import document
from second_implementation.keys import label, signed, signing_public
from second_implementation.sealing import seal
from vectors.cases import Case, Topic, changed, hpke_sealed, refused, secret, valid
from vectors.outcomes import Outcome
from vectors.topics.world import (
    AUDIT_SEED,
    AUTHORITY,
    DEVICE,
    EDIT_SEED,
    GENERATION,
    NOW,
    PRACTITIONER,
    SIGNING_KEY,
    SIGNING_SEED,
    STORE_KEY,
)


def box_id(kind: str) -> bytes:
    """The id of a kind's box."""
    return secret(f"{kind} box", 16)


def header(kind: str) -> bytes:
    """A box header's bytes."""
    whose = (AUTHORITY, DEVICE, GENERATION, PRACTITIONER, kind, box_id(kind))
    binding, content_key = label("box", *whose), secret(f"{kind} content key")
    for_authority = hpke_sealed(EDIT_SEED if kind == "edits" else AUDIT_SEED, binding, content_key)
    for_store = seal(STORE_KEY, binding, secret("store salt", 24), content_key)
    return document("box", *whose, for_authority, for_store if kind == "edits" else b"")


def signed_header(kind: str) -> list[bytes]:
    """It, signed."""
    return signed(SIGNING_SEED, header(kind))


def sealed_entry(kind: str, index: int, plaintext: bytes) -> bytes:
    """An entry of a kind's box."""
    binding = hashlib.sha256(header(kind)).digest()
    nonce = index.to_bytes(12, "big")
    return AESGCM(secret(f"{kind} content key")).encrypt(nonce, plaintext, binding)


def proposal(counter: int) -> bytes:
    """An edit."""
    changes = [["involvements/a1.phone", "0114 496 0002", [1], []]]
    return document("proposal", counter, 1, "child-1", changes, PRACTITIONER, NOW, "home-visit", 3)


def look_up() -> bytes:
    """A look-up."""
    return document(
        "look-up",
        "search",
        "shown",
        PRACTITIONER,
        None,
        "home-visit",
        NOW,
        {"family": "Okafor", "born": "2021-03"},
        ["child-1"],
        [],
        secret("query", 16),
    )


def _cases() -> Iterator[Case]:
    def box(kind: str, index: int, plaintext: bytes, /, **part: Any) -> dict[str, Any]:
        payload, signature = signed_header(kind)
        return {
            "header": payload,
            "signature": signature,
            "practitioner_key": SIGNING_KEY,
            "seed": EDIT_SEED if kind == "edits" else AUDIT_SEED,
            "index": index,
            "sealed": sealed_entry(kind, index, plaintext),
            **part,
        }

    edit, search = proposal(7), look_up()
    for index in (0, 300):
        yield valid(
            f"edit-{index}",
            "opens with the edit key, and for its author with the store key",
            **box("edits", index, edit),
            store_key=STORE_KEY,
            opened=edit,
        )
    yield valid("look-up", "opens with the audit key", **box("journal", 0, search), opened=search)
    broken = Outcome.SEAL_BROKEN
    payload, signature = signed_header("edits")
    sealed = sealed_entry("edits", 0, edit)
    for name, why, code, part in (
        ("moved", "in another place", broken, {"index": 1}),
        ("changed", "a bit of it", broken, {"sealed": changed(sealed)}),
        (
            "another-box",
            "sealed in another box",
            broken,
            {"sealed": sealed_entry("journal", 0, edit)},
        ),
        ("another-authority", "opened with the audit key", broken, {"seed": AUDIT_SEED}),
        (
            "another-store-key",
            "read back with another store key",
            broken,
            {"store_key": secret("another store key")},
        ),
        (
            "another-author",
            "signed by somebody else",
            Outcome.SIGNATURE_WRONG,
            {"practitioner_key": signing_public(secret("another practitioner"))},
        ),
        ("forged", "the header changed", Outcome.SIGNATURE_WRONG, {"header": changed(payload)}),
        (
            "header-signature",
            "the signature changed",
            Outcome.SIGNATURE_WRONG,
            {"signature": changed(signature)},
        ),
    ):
        yield refused(name, why, code, **box("edits", 0, edit, **part))
    for name, why, number in (
        ("readdressed", "another generation's header over the same keys", 2),
        ("renamed", "another practitioner's", 3),
    ):
        fields: list[Any] = [AUTHORITY, DEVICE, GENERATION, PRACTITIONER, "edits", box_id("edits")]
        fields[number] = 2 if number == 2 else "p-18"
        genuine = header("edits")
        tail = genuine[genuine.index(box_id("edits")) + 16 :]
        start = document("box", *fields, b"", b"")
        moved = start[: -len(b"\xc4\x00\xc4\x00")] + tail
        wrapped = signed(SIGNING_SEED, moved)
        yield refused(
            name, why, broken, **box("edits", 0, edit, header=wrapped[0], signature=wrapped[1])
        )


TOPIC = Topic("boxes", "documents, HPKE and seals by hand; AES-GCM by cryptography", _cases)
