"""Authorities: their keys, and the trust that their root key signs."""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fieldward_server.services.arguments import check
from fieldward_server.services.platform import Platform
from fieldward_server.storage import Transaction, authorities, devices, events, records
from fieldward_sync.encoding import pack
from fieldward_sync.errors import CallerMistake
from fieldward_sync.keys import KEY_BYTES, hpke_public_key
from fieldward_sync.messages import Trust
from fieldward_sync.names import AuthorityCode
from fieldward_sync.signing import public_key, sign, signing_key

FIRST_INCARNATION = 1
FIRST_TRUST_VERSION = 1

ANSWER_KEY = "answer-key"
EDIT_SEED = "edit-seed"


@dataclass(frozen=True)
class AuthoritySecrets:
    """What the server does not keep: for files outside its data."""

    root_private: bytes
    """Seed of the Ed25519 root key."""
    audit_seed: bytes
    """Opens the look-ups in delivered journals."""


@dataclass(frozen=True)
class AuthorityReport:
    """An authority, for people."""

    authority: str
    name: str
    incarnation: int
    root_key: bytes
    records: int
    devices: int


def create_authority(
    platform: Platform, *, code: str, name: str, now: int, actor: str
) -> AuthoritySecrets:
    """Make an authority and its keys; ``CallerMistake("authority-exists")`` if it has been made."""
    check(AuthorityCode, code, "authority's code")
    root_seed, audit_seed, answer_seed, edit_seed = (platform.entropy(KEY_BYTES) for _ in range(4))
    root = signing_key(root_seed)
    trust = Trust(
        authority=code,
        incarnation=FIRST_INCARNATION,
        version=FIRST_TRUST_VERSION,
        issued=now,
        answer_key=public_key(signing_key(answer_seed)),
        edit_key=hpke_public_key(edit_seed),
        audit_key=hpke_public_key(audit_seed),
    )
    with platform.storage.transaction() as transaction:
        added = authorities.add(
            transaction,
            authority=code,
            name=name,
            incarnation=trust.incarnation,
            root_key=public_key(root),
            trust=pack(sign(trust, root)),
            trust_version=trust.version,
            answer_key=platform.wrap(answer_seed, ANSWER_KEY, code),
            edit_seed=platform.wrap(edit_seed, EDIT_SEED, code),
        )
        if not added:
            raise CallerMistake("authority-exists", f"The authority {code} exists already.")
        events.add(
            transaction, authority=code, at=now, actor=actor, action="authority-made", subject=code
        )
    return AuthoritySecrets(root_seed, audit_seed)


def answer_key(platform: Platform, authority: str) -> Ed25519PrivateKey:
    """The key that signs answers, leases, orders and distributions; opened once per process.

    ``CallerMistake("unknown-authority")`` if there is no such authority.
    """
    if authority in platform.answer_keys:
        return platform.answer_keys[authority]
    with platform.storage.reading() as transaction:
        return open_answer_key(platform, known(authorities.find(transaction, authority), authority))


def open_answer_key(platform: Platform, row: authorities.Authority) -> Ed25519PrivateKey:
    """``answer_key`` for who has read the authority's row."""
    if row.authority not in platform.answer_keys:
        seed = platform.unwrap(row.answer_key, ANSWER_KEY, row.authority)
        platform.answer_keys[row.authority] = signing_key(seed)
    return platform.answer_keys[row.authority]


def open_edit_seed(platform: Platform, row: authorities.Authority) -> bytes:
    """What opens the boxes of edits."""
    return platform.unwrap(row.edit_seed, EDIT_SEED, row.authority)


def list_authorities(platform: Platform) -> tuple[AuthorityReport, ...]:
    """All authorities, by code."""
    with platform.storage.reading() as transaction:
        return tuple(_report(transaction, code) for code in authorities.codes(transaction))


def locked(transaction: Transaction, authority: str) -> authorities.Authority:
    """The authority, locked: nobody else writes for it until the transaction ends.

    Whoever reads something of an authority in order to change it does this first.
    """
    return known(authorities.lock(transaction, authority), authority)


def known(row: authorities.Authority | None, authority: str) -> authorities.Authority:
    """The authority found; ``CallerMistake("unknown-authority")`` if none was."""
    if row is None:
        raise CallerMistake("unknown-authority", f"There is no authority {authority[:16]!r} here.")
    return row


def _report(transaction: Transaction, code: str) -> AuthorityReport:
    row = known(authorities.find(transaction, code), code)
    return AuthorityReport(
        authority=code,
        name=row.name,
        incarnation=row.incarnation,
        root_key=row.root_key,
        records=records.count(transaction, code),
        devices=len({device.device for device in devices.of_authority(transaction, code)}),
    )
