"""The authority, device, practitioner and partition that most cases are about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from second_implementation.encoding import document
from second_implementation.keys import HybridKey, signed, signing_public
from vectors.cases import secret

AUTHORITY = "E08000039"
INCARNATION = 1
DEVICE, GENERATION = "d-0102030405", 1
PRACTITIONER = "p-17"
PARTITION = "hv-1"
NOW = 1_800_000_000
HOUR, DAY = 3600, 86_400

ROOT_SEED, ANSWER_SEED = secret("root key"), secret("answer key")
IDENTITY_SEED, SIGNING_SEED = secret("identity key"), secret("signing key")
JOURNAL_SEED = secret("journal epoch 0")
EDIT_SEED, AUDIT_SEED = secret("edit key"), secret("audit key")
PRACTITIONER_HPKE_SEED = secret("practitioner's key")
ENQUIRY_ANSWER_SEED = secret("enquiry's answer key")
STORE_KEY, LEASE_SECRET = secret("store key"), secret("lease secret")
PARTITION_KEY, DIGEST_KEY = secret("partition key"), secret("digest key")
EPOCH = 2

ROOT_KEY, ANSWER_KEY = signing_public(ROOT_SEED), signing_public(ANSWER_SEED)
IDENTITY_KEY, SIGNING_KEY = signing_public(IDENTITY_SEED), signing_public(SIGNING_SEED)

ME = {
    "authority": AUTHORITY,
    "incarnation": INCARNATION,
    "device": DEVICE,
    "generation": GENERATION,
    "practitioner": PRACTITIONER,
}
"""Whom something is meant for."""
OTHERS = {
    "authority": "E06000001",
    "incarnation": 2,
    "device": "d-other",
    "generation": 2,
    "practitioner": "p-18",
}
"""Somebody else, in every way."""


def trust_document(
    incarnation: int = INCARNATION, version: int = 1, authority: str = AUTHORITY
) -> bytes:
    """A trust's bytes."""
    return document(
        "trust",
        authority,
        incarnation,
        version,
        NOW,
        ANSWER_KEY,
        HybridKey.of(EDIT_SEED).public,
        HybridKey.of(AUDIT_SEED).public,
    )


TRUST = trust_document()


def order(number: int = 7, kind: str = "wipe", device: str = DEVICE) -> bytes:
    """An order's bytes."""
    return document("order", AUTHORITY, device, GENERATION, number, kind, NOW)


def trust() -> list[bytes]:
    """The signed trust."""
    return signed(ROOT_SEED, TRUST)


def view(record_id: str, revision: int, changed: Mapping[str, Any] | None = None) -> list[Any]:
    """A view of a child; what is changed is number and value by path."""
    values = {
        "born": (1, "2021-03-04"),
        "name.family": (1, "Okafor"),
        "name.given": (1, "Ada"),
        **(changed or {}),
    }
    return [record_id, revision, False, [[path, *values[path]] for path in sorted(values)]]
