"""Boxes as they are delivered: whose they say they are, and whether that is true."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

from fieldward_server.storage import Transaction, holders
from fieldward_server.storage.devices import Device
from fieldward_server.storage.holders import Holder
from fieldward_sync.encoding import decode
from fieldward_sync.errors import PeerBrokeProtocol
from fieldward_sync.outbox import BoxHeader, BoxKind
from fieldward_sync.signing import MAX_SIGNED_BYTES, Signed, verify


def find_owner(
    transaction: Transaction, device: Device, signed: Signed, *, kind: BoxKind
) -> Holder:
    """The practitioner whose box this says it is, on this device, with the key that they had when
    they sealed it: it may be one from before a passphrase was forgotten. Its signature is for the
    caller to check.

    ``PeerBrokeProtocol`` for another device's box, one of another kind, or nobody's.
    """
    header = decode(BoxHeader, signed.payload, max_bytes=MAX_SIGNED_BYTES)
    meant = (header.authority, header.device, header.generation, header.kind)
    if meant != (device.authority, device.device, device.generation, kind):
        raise PeerBrokeProtocol("box-misaddressed", "This box is of another device or kind.")
    owner = holders.find(
        transaction, device.authority, device.device, device.generation, header.practitioner
    )
    if owner is None:
        raise PeerBrokeProtocol("box-misaddressed", "This box is of nobody on this device.")
    former = holders.former_keys(transaction, owner)
    return next(_signers(signed, owner, former), owner) if former else owner


def verified_header(
    transaction: Transaction, device: Device, signed: Signed, *, kind: BoxKind
) -> BoxHeader:
    """A box's header, once its owner's signature holds; ``PeerBrokeProtocol`` else."""
    owner = find_owner(transaction, device, signed, kind=kind)
    verify(owner.signing_key, signed.signature, signed.payload)
    return decode(BoxHeader, signed.payload, max_bytes=MAX_SIGNED_BYTES)


def _signers(signed: Signed, owner: Holder, former: tuple[bytes, ...]) -> Iterator[Holder]:
    """The owner, with each of their keys that signed this."""
    for key in (owner.signing_key, *former):
        with suppress(PeerBrokeProtocol):
            verify(key, signed.signature, signed.payload)
            yield replace(owner, signing_key=key)
