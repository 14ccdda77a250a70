"""Wrapping every key at rest anew, under the master key that is in force."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from fieldward_server.register_entries import (
    Enrolment,
    Entry,
    HandOverPrepared,
    Joined,
    KeysRenewed,
)
from fieldward_server.services.authorities import ANSWER_KEY, EDIT_SEED
from fieldward_server.services.custody.invitations import PROOF_KEY
from fieldward_server.services.custody.lease_renewal import LEASE_SECRET
from fieldward_server.services.distribution.partition_keys import DIGEST_KEY, PARTITION_KEY
from fieldward_server.services.platform import Platform
from fieldward_server.services.registering import write_down
from fieldward_server.storage import Transaction, authorities, wrapped_keys
from fieldward_server.storage.driver import Row, Value
from fieldward_server.storage.wrapped_keys import Place


@dataclass(frozen=True)
class _Kind:
    """Wrapped keys of one purpose: where they are, and what each is bound to."""

    purpose: str
    place: Place
    bound_to: Callable[[Row], tuple[str | int, ...]]


def _bound_to_its_row(purpose: str, place: Place) -> _Kind:
    return _Kind(purpose, place, lambda row: tuple(row[name] for name in place.key))


def _bound_to_authority(
    purpose: str, table: str, column: str, *, key: tuple[str, ...] = ()
) -> _Kind:
    return _Kind(purpose, Place(table, key, column), lambda _: ())


_HOLDER = ("device", "generation", "practitioner")

KINDS = (
    _bound_to_authority(ANSWER_KEY, "authority", "answer_key"),
    _bound_to_authority(EDIT_SEED, "authority", "edit_seed"),
    _bound_to_authority(ANSWER_KEY, "prepared_keys", "answer_key"),
    _bound_to_authority(EDIT_SEED, "prepared_keys", "edit_seed"),
    _bound_to_authority(EDIT_SEED, "earlier_edit_seed", "edit_seed", key=("trust_version",)),
    _bound_to_its_row(DIGEST_KEY, Place("partition", ("partition_id",), "digest_key")),
    _bound_to_its_row(PARTITION_KEY, Place("partition_key", ("partition_id", "epoch"), "wrapped")),
    _bound_to_its_row(LEASE_SECRET, Place("holder", _HOLDER, "lease_secret")),
    _Kind(
        PROOF_KEY,
        Place("invitation", ("invitation_id",), "proof_key"),
        lambda row: (row["invitation_id"].hex(),),
    ),
)
"""All that the master key wraps in the database."""


def rewrap(platform: Platform) -> int:
    """Wrap all that any master key wrapped under the one in force, in the database and in the
    shield register; how many keys there were. May be repeated at any point.

    ``PeerBrokeProtocol("seal-broken")`` where a key is under a master key that is not there: of
    that authority nothing is changed.
    """
    count = 0
    with platform.storage.reading() as transaction:
        codes = authorities.codes(transaction)
    for authority in codes:
        with platform.storage.transaction() as transaction:
            row = authorities.lock(transaction, authority)
            if row is not None and row.is_serving:  # what waits has wrapped keys in it, too
                write_down(platform, transaction, authority)
            count += sum(_rewrap(platform, transaction, authority, kind) for kind in KINDS)
    platform.shield_register.rewrite(lambda entry: _with_rewrapped(platform, entry))
    return count


def _rewrap(platform: Platform, transaction: Transaction, authority: str, kind: _Kind) -> int:
    rows: list[dict[str, Value]] = []
    for row in wrapped_keys.read(transaction, authority, kind.place):
        wrapped = row[kind.place.column]
        again = _again(platform, wrapped, kind.purpose, authority, *kind.bound_to(row))
        rows.append({**row, kind.place.column: again})
    wrapped_keys.replace(transaction, authority, kind.place, rows)
    return len(rows)


def _with_rewrapped(platform: Platform, entry: Entry) -> Entry:
    def again(wrapped: bytes, purpose: str, *bound_to: str | int) -> bytes:
        return _again(platform, wrapped, purpose, entry.authority, *bound_to)

    match entry:
        case Enrolment() | HandOverPrepared() | Joined():
            bound_to = (entry.device, entry.generation, entry.practitioner)
            if entry.lease_secret:
                secret = again(entry.lease_secret, LEASE_SECRET, *bound_to)
                entry = msgspec.structs.replace(entry, lease_secret=secret)
            if isinstance(entry, HandOverPrepared):
                proof_key = again(entry.proof_key, PROOF_KEY, entry.invitation_id.hex())
                entry = msgspec.structs.replace(entry, proof_key=proof_key)
            return entry
        case KeysRenewed():
            return msgspec.structs.replace(
                entry,
                answer_key=again(entry.answer_key, ANSWER_KEY),
                edit_seed=again(entry.edit_seed, EDIT_SEED),
            )
        case _:
            return entry


def _again(
    platform: Platform, wrapped: bytes, purpose: str, authority: str, *bound_to: str | int
) -> bytes:
    secret = platform.unwrap(wrapped, purpose, authority, *bound_to)
    return platform.wrap(secret, purpose, authority, *bound_to)
