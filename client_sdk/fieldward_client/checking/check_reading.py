"""Checks with a passphrase what can only be checked by opening it, and changes nothing of it.

The passphrase counts as at any unlocking (V7), and nothing opens that could not be read now
(invariant 3); nothing of what is in it is shown.
"""

from __future__ import annotations

from collections.abc import Iterator

from fieldward_client.checking.findings import Finding, finding
from fieldward_client.copies.files import SealedFiles
from fieldward_client.copies.store import Store, stored_distribution
from fieldward_client.disk.clock import TrustedClock
from fieldward_client.disk.folder import Folder
from fieldward_client.keys.attempts import Ladder
from fieldward_client.keys.device_secret import KeyStore, device_secret
from fieldward_client.keys.identity import CONTACT, IDENTITY, Contact, Identity
from fieldward_client.keys.lease import (
    lease_file,
    open_grant,
    open_store_key,
    store_key_file,
    stored_lease,
    with_earlier_keys,
)
from fieldward_client.keys.vault import Vault
from fieldward_client.logs.outbox import OUTBOX, read_content
from fieldward_client.logs.outbox_content import SealedEdit
from fieldward_sync.encoding import decode
from fieldward_sync.errors import AccessClosed, Error, LocalDataDamaged, PeerBrokeProtocol
from fieldward_sync.leases import Lease, LeaseGrant, LeaseSecrets
from fieldward_sync.outbox import MAX_ENTRY_BYTES, Box, open_as_author
from fieldward_sync.records import Proposal
from fieldward_sync.sealing import Entropy
from fieldward_sync.signing import public_key


def check_reading(
    folder: Folder,
    clock: TrustedClock,
    practitioner: str,
    passphrase: str,
    *,
    key_store: KeyStore | None,
    entropy: Entropy,
) -> tuple[Finding, ...]:
    """What a practitioner's own keys find wrong, in a folder that is held and otherwise sound.

    Raises as ``Vault.open``; ``LocalDataDamaged`` if what it needs for that is damaged.
    """
    identity, contact = folder.load(IDENTITY, Identity), folder.load(CONTACT, Contact)
    if identity is None or contact is None:
        raise LocalDataDamaged("file-missing", "There is no device in this folder any more.")
    vault = Vault.open(
        folder,
        identity,
        practitioner,
        passphrase,
        secret=lambda: device_secret(folder, key_store),
        ladder=Ladder(folder, clock, practitioner),
        entropy=entropy,
    )
    where = lease_file(practitioner)
    held = stored_lease(folder, identity, practitioner)
    if held is None or not folder.size(store_key_file(practitioner)):
        return (finding("not-read", where, why="there is no lease here"),)
    stored, lease = held
    try:
        lease.require_reading(clock.now())
        contact.require_reading(practitioner)
    except AccessClosed as e:
        return (finding("not-read", where, why=e.message.rstrip(".")),)
    try:
        secrets = _secrets(stored.grant, lease, vault)
        store_key = open_store_key(
            folder, lease, vault.vault_key, secrets.lease_secret, entropy=entropy
        )
        keys = with_earlier_keys(folder, lease, store_key, secrets)
    except PeerBrokeProtocol as e:
        return (finding("lease-unopened", where, why=e.message.rstrip(".")),)
    distribution = stored_distribution(folder, identity, practitioner)
    store = Store(SealedFiles(folder), keys.ring, distribution)
    try:
        return (
            *_partitions(store),
            *_edits(folder, public_key(vault.signing_key), store_key),
        )
    finally:
        store.close()


def _secrets(grant: LeaseGrant, lease: Lease, vault: Vault) -> LeaseSecrets:
    for seed in vault.lease_seeds:
        try:
            return open_grant(grant, lease, seed)
        except PeerBrokeProtocol:
            continue
    raise PeerBrokeProtocol("lease-unopened", "It was sealed to a key that is not here.")


def _partitions(store: Store) -> Iterator[Finding]:
    for manifest in store.granted():
        try:
            store.prepare(manifest, {}).close()
        except Error as e:
            why = e.message.rstrip(".")
            yield finding("partition-unopened", manifest.partition, title=manifest.title, why=why)


def _edits(folder: Folder, practitioner_key: bytes, store_key: bytes) -> Iterator[Finding]:
    """The edits in this practitioner's boxes: each opens, and is the one its number says."""
    content = read_content(folder)
    for counter, edit in sorted(content.edits.items()):
        header = content.boxes.get(edit.box)
        if header is None:
            continue
        try:
            box = open_as_author(header, practitioner_key=practitioner_key, store_key=store_key)
        except PeerBrokeProtocol:
            continue  # a colleague's, or of before a forgotten passphrase
        if not _opens(box, edit):
            yield finding("edit-unreadable", OUTBOX, count=counter)


def _opens(box: Box, edit: SealedEdit) -> bool:
    try:
        opened = box.open_entry(edit.index, edit.sealed)
        return decode(Proposal, opened, max_bytes=MAX_ENTRY_BYTES).counter == edit.counter
    except PeerBrokeProtocol:
        return False
