"""Invitations, found by an id that does not say whose they are."""

from __future__ import annotations

from dataclasses import dataclass

from fieldward_server.storage.driver import Transaction


@dataclass(frozen=True)
class Invitation:
    """An invitation as stored; ``proof_key`` is wrapped."""

    authority: str
    invitation_id: bytes
    practitioner: str
    partitions: bytes
    proof_key: bytes
    expires: int
    used_for: bytes
    """Empty until its use, as are the device and its generation."""
    device: str
    generation: int
    record_cap: int
    """How many records the device may hold."""
    hpke_key: bytes | None
    """Of a hand-over, what it is sealed to. Such an invitation names its device from the start."""


def add(
    transaction: Transaction,
    *,
    authority: str,
    invitation_id: bytes,
    practitioner: str,
    partitions: bytes,
    proof_key: bytes,
    expires: int,
    record_cap: int,
    device: str = "",
    generation: int = 0,
    hpke_key: bytes | None = None,
) -> None:
    """Store a new invitation; to a hand-over, with its device and what it is sealed to."""
    transaction.execute(
        "INSERT INTO invitation (authority, invitation_id, practitioner, partitions, proof_key,"
        " expires, used_for, device, generation, record_cap, hpke_key) VALUES (:authority,"
        " :invitation_id, :practitioner, :partitions, :proof_key, :expires, :used_for, :device,"
        " :generation, :record_cap, :hpke_key)",
        authority=authority,
        invitation_id=invitation_id,
        practitioner=practitioner,
        partitions=partitions,
        proof_key=proof_key,
        expires=expires,
        used_for=b"",
        device=device,
        generation=generation,
        record_cap=record_cap,
        hpke_key=hpke_key,
    )


def find(transaction: Transaction, invitation_id: bytes) -> Invitation | None:
    """The invitation of this id, of whichever authority."""
    rows = transaction.execute(
        "SELECT * FROM invitation WHERE invitation_id = :invitation_id",
        invitation_id=invitation_id,
    )
    return Invitation(**rows[0]) if rows else None


def use(
    transaction: Transaction,
    *,
    authority: str,
    invitation_id: bytes,
    used_for: bytes,
    device: str,
    generation: int,
) -> None:
    """Record which request an invitation was used for, and which device came of it."""
    transaction.execute(
        "UPDATE invitation SET used_for = :used_for, device = :device, generation = :generation"
        " WHERE authority = :authority AND invitation_id = :invitation_id",
        authority=authority,
        invitation_id=invitation_id,
        used_for=used_for,
        device=device,
        generation=generation,
    )


def forget(transaction: Transaction, authority: str, *, before: int, at_most: int) -> int:
    """Remove some invitations that ran out before this time; how many went. A hand-over may have
    been opened without anybody hearing of it: until it was, its code is kept."""
    rows = transaction.execute(
        "DELETE FROM invitation WHERE authority = :authority AND invitation_id IN"
        " (SELECT invitation_id FROM invitation WHERE authority = :authority"
        "  AND expires < :before AND (hpke_key IS NULL OR used_for <> :unused) LIMIT :at_most)"
        " RETURNING invitation_id",
        authority=authority,
        before=before,
        unused=b"",
        at_most=at_most,
    )
    return len(rows)
