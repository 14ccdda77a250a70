"""An authority's keys take each other's place: the root key, which is elsewhere, says so.

New keys are prepared here, vouched for where the root key is, and put in force here, all at once.
Devices and administrators follow by the root key: a stolen server key does not rotate itself.
"""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fieldward_server.register_entries import KeysRenewed
from fieldward_server.services.authorities import (
    ANSWER_KEY,
    EDIT_SEED,
    locked,
    unwrap_answer_key,
)
from fieldward_server.services.platform import Platform
from fieldward_server.services.registering import register
from fieldward_server.storage import Transaction, authorities, events, orders, succession
from fieldward_server.storage.authorities import Authority
from fieldward_server.storage.succession import PreparedKeys
from fieldward_sync.access import Order
from fieldward_sync.encoding import decode, pack, unpack
from fieldward_sync.errors import CallerMistake, PeerBrokeProtocol
from fieldward_sync.invitations import fingerprint
from fieldward_sync.keys import KEY_BYTES, hpke_public_key, hpke_seal
from fieldward_sync.messages import Trust
from fieldward_sync.signing import MAX_SIGNED_BYTES, Signed, public_key, sign, signing_key


@dataclass(frozen=True)
class Successors:
    """Keys that wait to be put in force, and the trust that they follow."""

    answer_key: bytes
    edit_key: bytes
    incarnation: int
    version: int
    """Of the trust that is to name them."""

    def require_following(self, before: Trust) -> None:
        """Raise ``PeerBrokeProtocol("trust-unbelievable")`` unless they come right after the trust
        in force, which the root key has signed. A server that is somebody else's would have it sign
        the last version there is, or a new incarnation."""
        if (self.incarnation, self.version) != (before.incarnation, before.version + 1):
            raise PeerBrokeProtocol(
                "trust-unbelievable",
                "The keys that wait there do not follow those in force.",
                next_step="Another administrator may have renewed them just now: give the command "
                "again. If it comes back, the server is not yours alone any more.",
            )

    def trust(self, *, authority: str, audit_key: bytes, issued: int) -> Trust:
        """What the root key has to sign, so that they are put in force."""
        return Trust(
            authority=authority,
            incarnation=self.incarnation,
            version=self.version,
            issued=issued,
            answer_key=self.answer_key,
            edit_key=self.edit_key,
            audit_key=audit_key,
        )


def prepare_successors(
    platform: Platform, *, authority: str, actor: str, reason: str, now: int
) -> Successors:
    """Make the keys that are to follow, in the place of any that wait: these may have been copied
    since they were made, with all else that is here."""
    answer_seed, edit_seed = platform.entropy(KEY_BYTES), platform.entropy(KEY_BYTES)
    with platform.storage.transaction() as transaction:
        row = locked(transaction, authority)
        prepared = PreparedKeys(
            authority,
            platform.wrap(answer_seed, ANSWER_KEY, authority),
            platform.wrap(edit_seed, EDIT_SEED, authority),
        )
        succession.prepare(transaction, prepared)
        events.add(
            transaction,
            authority=authority,
            at=now,
            actor=actor,
            action="keys-prepared",
            subject=authority,
            reason=reason,
        )
        return _successors(platform, row, prepared)


def put_in_force(
    platform: Platform, *, authority: str, trust: bytes, actor: str, reason: str, now: int
) -> None:
    """Put the prepared keys in force; ``trust`` is the packed ``Signed`` ``Trust`` that names them,
    and perhaps another audit key.

    Answers, leases and orders are signed with the new key from here on, orders that wait included;
    edits that were sealed to the old key still open. ``CallerMistake``: "no-successors",
    "trust-wrong", "key-malformed"; ``PeerBrokeProtocol`` for a signature that does not hold.
    """
    with platform.storage.transaction() as transaction:
        row = locked(transaction, authority)
        prepared = succession.prepared(transaction, authority)
        if prepared is None:
            raise CallerMistake(
                "no-successors",
                "No keys wait to be put in force.",
                next_step="Run the command from its beginning.",
            )
        signed: Signed = unpack(Signed, trust)
        opened = signed.open(Trust, row.root_key)
        expected = _successors(platform, row, prepared).trust(
            authority=authority, audit_key=opened.audit_key, issued=opened.issued
        )
        if opened != expected:
            raise CallerMistake(
                "trust-wrong",
                "This trust does not name the keys that wait here.",
                next_step="Another administrator may be renewing them: look, and run the command "
                "from its beginning.",
            )
        # A device that could not seal to it would fail at its first look-up.
        hpke_seal(opened.audit_key, info=b"", plaintext=b"")
        renewed = KeysRenewed(
            authority, opened.version, prepared.answer_key, prepared.edit_seed, trust
        )
        register(platform, transaction, renewed)
        follow(platform, transaction, row, renewed)
        events.add(
            transaction,
            authority=authority,
            at=now,
            actor=actor,
            action="keys-renewed",
            subject=fingerprint(opened.answer_key).hex(),
            reason=reason,
        )


def follow(
    platform: Platform, transaction: Transaction, row: Authority, renewed: KeysRenewed
) -> None:
    """Store that these keys follow those of an authority; orders that wait are signed anew."""
    succession.succeed(
        transaction,
        row.authority,
        answer_key=renewed.answer_key,
        edit_seed=renewed.edit_seed,
    )
    authorities.set_trust(
        transaction,
        row.authority,
        incarnation=row.incarnation,
        trust=renewed.trust,
        trust_version=renewed.trust_version,
    )
    answer_key = unwrap_answer_key(platform, row.authority, renewed.answer_key)
    _sign_open_orders(transaction, row.authority, answer_key)


def _successors(platform: Platform, row: Authority, prepared: PreparedKeys) -> Successors:
    answer_seed = platform.unwrap(prepared.answer_key, ANSWER_KEY, row.authority)
    edit_seed = platform.unwrap(prepared.edit_seed, EDIT_SEED, row.authority)
    return Successors(
        answer_key=public_key(signing_key(answer_seed)),
        edit_key=hpke_public_key(edit_seed),
        incarnation=row.incarnation,
        version=row.trust_version + 1,
    )


def _sign_open_orders(transaction: Transaction, authority: str, key: Ed25519PrivateKey) -> None:
    """What waits for its receipt was signed with a key that nobody is to trust any more."""
    for stored in orders.all_open(transaction, authority):
        signed: Signed = unpack(Signed, stored.signed)
        order = decode(Order, signed.payload, max_bytes=MAX_SIGNED_BYTES)
        orders.replace_signed(transaction, stored, signed=pack(sign(order, key)))
