"""Which keys of partitions there are, and which of them a device's folder gives."""

from __future__ import annotations

from fieldward_client import Device
from fieldward_client.keys.lease import EarlierKeys, EarlierRing, earlier_keys_file, stored_lease
from fieldward_server.services.distribution.partition_keys import epoch_key
from fieldward_sync.encoding import decode
from fieldward_sync.keys import label
from fieldward_sync.sealing import open_sealed
from service_world import World


def keys_of(world: World, partition: str) -> set[bytes]:
    """All keys that the server has of a partition."""
    with world.platform.storage.reading() as transaction:
        rows = transaction.execute(
            "SELECT epoch FROM partition_key WHERE authority = :authority"
            " AND partition_id = :partition",
            authority=world.authority,
            partition=partition,
        )
        return {
            epoch_key(world.platform, transaction, world.authority, partition, row["epoch"])
            for row in rows
        }


def keys_on_disk(device: Device) -> set[bytes]:
    """All keys of partitions that the folder and the passphrase of who is there give together,
    whatever is in force."""
    here, unlocked = device._installation, device._practitioner
    assert unlocked is not None
    held = stored_lease(here.folder, here.identity, unlocked.id)
    assert held is not None
    stored, lease = held
    secrets, _ = unlocked._open_secrets(stored, lease)
    rings = list(secrets.ring)
    earlier = here.folder.load(earlier_keys_file(unlocked.id), EarlierKeys)
    if earlier is not None:
        context = label(
            "earlier-keys", lease.authority, lease.device, lease.generation, unlocked.id
        )
        opened = open_sealed(unlocked._store_key(lease, secrets), context, earlier.sealed)
        rings += decode(EarlierRing, opened, max_bytes=1 << 20).ring
    return {each.key for keys in rings for each in keys.epochs}
