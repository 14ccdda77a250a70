"""Authorities: their keys, and the trust that their root key signs."""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fieldward_server.register_entries import Begun
from fieldward_server.services.arguments import check
from fieldward_server.services.platform import Platform
from fieldward_server.services.registering import register
from fieldward_server.storage import (
    Transaction,
    administrators,
    authorities,
    devices,
    events,
    incarnations,
    records,
    succession,
)
from fieldward_sync.encoding import unpack
from fieldward_sync.errors import CallerMistake, RetryLater
from fieldward_sync.invitations import fingerprint
from fieldward_sync.keys import (
    KEY_BYTES,
    HpkePrivateKey,
    hpke_private_key,
    hpke_public_key,
    hpke_seal,
)
from fieldward_sync.messages import Trust
from fieldward_sync.names import AuthorityCode
from fieldward_sync.signing import Signed, public_key, signing_key

FIRST_INCARNATION = 1
FIRST_TRUST_VERSION = 1

ANSWER_KEY = "answer-key"
EDIT_SEED = "edit-seed"


@dataclass(frozen=True)
class AuthorityKeys:
    """What the first trust has to name: made here, and vouched for by a root key kept elsewhere."""

    answer_key: bytes
    edit_key: bytes
    incarnation: int

    def first_trust(self, *, authority: str, audit_key: bytes, issued: int) -> Trust:
        """The trust to sign with a new root key, so that the authority can be founded."""
        return Trust(
            authority=authority,
            incarnation=self.incarnation,
            version=FIRST_TRUST_VERSION,
            issued=issued,
            answer_key=self.answer_key,
            edit_key=self.edit_key,
            audit_key=audit_key,
        )


@dataclass(frozen=True)
class AuthorityReport:
    """An authority, for people."""

    authority: str
    name: str
    incarnation: int
    founded: bool
    root_fingerprint: str
    """In hex; empty until it is founded."""
    records: int
    devices: int
    administrators: int
    """Those who may command."""


@dataclass(frozen=True)
class PublishedTrust:
    """What a stranger needs to verify an authority's answers, once they trust the root key."""

    root_key: bytes
    trust: bytes
    """The packed ``Signed`` ``Trust``."""


def prepare_authority(
    platform: Platform, *, authority: str, actor: str, reason: str, now: int
) -> bool:
    """Make an authority with the keys that stay here, for an administrator to found. Whether it
    was made: one that is there stays as it is."""
    check(AuthorityCode, authority, "authority's code")
    answer_seed, edit_seed = platform.entropy(KEY_BYTES), platform.entropy(KEY_BYTES)
    with platform.storage.transaction() as transaction:
        added = authorities.add(
            transaction,
            authority=authority,
            incarnation=FIRST_INCARNATION,
            answer_key=platform.wrap(answer_seed, ANSWER_KEY, authority),
            edit_seed=platform.wrap(edit_seed, EDIT_SEED, authority),
        )
        if added:
            begun = Begun(authority, FIRST_INCARNATION, FIRST_TRUST_VERSION)
            register(platform, transaction, begun)
            incarnations.begin(transaction, authority, FIRST_INCARNATION, at=now)
            incarnations.serve(transaction, authority, FIRST_INCARNATION)
            events.add(
                transaction,
                authority=authority,
                at=now,
                actor=actor,
                action="authority-prepared",
                subject=authority,
                reason=reason,
            )
    return added


def authority_keys(platform: Platform, authority: str) -> AuthorityKeys:
    """What the first trust has to name; ``CallerMistake("authority-founded")`` once it is there."""
    with platform.storage.reading() as transaction:
        row = known(authorities.find(transaction, authority), authority)
    _require_unfounded(row)
    return _keys(platform, row)


def found_authority(
    platform: Platform,
    *,
    authority: str,
    name: str,
    root_key: bytes,
    trust: bytes,
    actor: str,
    reason: str,
    now: int,
) -> None:
    """Found an authority on a root key, which the server never sees: ``trust`` is the packed
    ``Signed`` first ``Trust``.

    ``CallerMistake``: "authority-founded", "trust-wrong" for any but the first trust of this
    authority's own keys, "key-malformed" for an audit key that nothing can be sealed to;
    ``PeerBrokeProtocol`` for bytes that are none or a signature that does not hold.
    """
    signed: Signed = unpack(Signed, trust)
    opened = signed.open(Trust, root_key)
    with platform.storage.transaction() as transaction:
        row = locked(transaction, authority)
        _require_unfounded(row)
        expected = _keys(platform, row).first_trust(
            authority=authority, audit_key=opened.audit_key, issued=opened.issued
        )
        if opened != expected:
            raise CallerMistake(
                "trust-wrong", "This trust does not name the keys that the authority has here."
            )
        # A device that could not seal to it would fail at its first look-up.
        hpke_seal(opened.audit_key, info=b"", plaintext=b"")
        authorities.found(
            transaction,
            authority=authority,
            name=name,
            root_key=root_key,
            trust=trust,
            trust_version=opened.version,
        )
        events.add(
            transaction,
            authority=authority,
            at=now,
            actor=actor,
            action="authority-founded",
            subject=fingerprint(root_key).hex(),
            reason=reason,
        )


def published_trust(platform: Platform, authority: str) -> PublishedTrust:
    """The trust that holds now; ``CallerMistake``: "unknown-authority", "not-founded"."""
    with platform.storage.reading() as transaction:
        row = known(authorities.find(transaction, authority), authority)
    require_founded(row)
    return PublishedTrust(row.root_key, row.trust)


def show_authority(platform: Platform, authority: str) -> AuthorityReport:
    """An authority, and how much there is of it; ``CallerMistake("unknown-authority")``."""
    with platform.storage.reading() as transaction:
        row = known(authorities.find(transaction, authority), authority)
        return AuthorityReport(
            authority=authority,
            name=row.name,
            incarnation=row.incarnation,
            founded=row.is_founded,
            root_fingerprint=fingerprint(row.root_key).hex() if row.is_founded else "",
            records=records.count(transaction, authority),
            devices=len({it.device for it in devices.of_authority(transaction, authority)}),
            administrators=sum(
                it.removed_at is None for it in administrators.of_authority(transaction, authority)
            ),
        )


def answer_key(platform: Platform, authority: str) -> Ed25519PrivateKey:
    """The key that signs answers, leases, orders and distributions. It is read each time:
    another process may have put the next one in force.

    ``CallerMistake("unknown-authority")`` if there is no such authority.
    """
    with platform.storage.reading() as transaction:
        return open_answer_key(platform, known(authorities.find(transaction, authority), authority))


def open_answer_key(platform: Platform, row: authorities.Authority) -> Ed25519PrivateKey:
    """``answer_key`` for who has read the authority's row."""
    return unwrap_answer_key(platform, row.authority, row.answer_key)


def unwrap_answer_key(platform: Platform, authority: str, wrapped: bytes) -> Ed25519PrivateKey:
    """``answer_key`` for who has read it."""
    if wrapped not in platform.answer_keys:
        seed = platform.unwrap(wrapped, ANSWER_KEY, authority)
        platform.answer_keys[wrapped] = signing_key(seed)
    return platform.answer_keys[wrapped]


def open_edit_seed(platform: Platform, row: authorities.Authority) -> bytes:
    """What opens the boxes of edits that were sealed to the key in force."""
    return platform.unwrap(row.edit_seed, EDIT_SEED, row.authority)


def open_edit_key(platform: Platform, row: authorities.Authority) -> HpkePrivateKey:
    """What opens enquiries: opened once per process, and again when another comes into force."""
    wrapped, key = platform.edit_keys.get(row.authority, (None, None))
    if key is None or wrapped != row.edit_seed:
        key = hpke_private_key(open_edit_seed(platform, row))
        platform.edit_keys[row.authority] = row.edit_seed, key
    return key


def open_earlier_edit_seeds(
    platform: Platform, transaction: Transaction, authority: str
) -> tuple[bytes, ...]:
    """What opens the boxes of edits that were sealed to keys before that, the latest first."""
    return tuple(
        platform.unwrap(wrapped, EDIT_SEED, authority)
        for wrapped in succession.earlier_edit_seeds(transaction, authority)
    )


def locked(transaction: Transaction, authority: str) -> authorities.Authority:
    """The authority, locked: nobody else writes for it until the transaction ends.

    Whoever reads something of an authority in order to change it does this first.
    """
    return known(authorities.lock(transaction, authority), authority)


def lock_all(transaction: Transaction, *codes: str) -> dict[str, authorities.Authority]:
    """These authorities, locked in the order of their codes, so that nobody who locks several waits
    for somebody who waits for them."""
    return {code: locked(transaction, code) for code in sorted({*codes})}


def known(row: authorities.Authority | None, authority: str) -> authorities.Authority:
    """The authority found; ``CallerMistake("unknown-authority")`` if none was, and
    ``RetryLater("restore-unfinished")`` while nothing may be served for it."""
    if row is None:
        raise CallerMistake("unknown-authority", f"There is no authority {authority[:16]!r} here.")
    if not row.is_serving:
        raise RetryLater(
            "restore-unfinished",
            "The database was restored from a backup and does not serve yet.",
            next_step="The operator finishes it with `fieldward restore`; nothing is lost.",
        )
    return row


def require_founded(row: authorities.Authority) -> None:
    """``CallerMistake("not-founded")`` for an authority that no root key has vouched for yet."""
    if not row.is_founded:
        raise CallerMistake(
            "not-founded",
            f"The authority {row.authority} has no keys of its own yet.",
            next_step="Found it first: `fieldward authority create`.",
        )


def _keys(platform: Platform, row: authorities.Authority) -> AuthorityKeys:
    return AuthorityKeys(
        answer_key=public_key(open_answer_key(platform, row)),
        edit_key=hpke_public_key(open_edit_seed(platform, row)),
        incarnation=row.incarnation,
    )


def _require_unfounded(row: authorities.Authority) -> None:
    if row.is_founded:
        raise CallerMistake(
            "authority-founded",
            f"The authority {row.authority} has been founded.",
            next_step="Use it as it is: its root key cannot be replaced.",
        )
