"""What a device says of how it keeps its keys: where its secret lies, and whose passphrase was
guessed at until the lease was erased (V7)."""

from __future__ import annotations

from fieldward_server.storage import Transaction, devices, events
from fieldward_server.storage.devices import Device
from fieldward_sync.messages import SyncRequest

GUESSED = "passphrase-guessed"


def take_custody(
    transaction: Transaction, device: Device, request: SyncRequest, *, now: int
) -> None:
    """Keep it; each erased lease opens an incident, once."""
    if request.assurance != device.assurance:
        devices.set_assurance(transaction, device, request.assurance)
    for erased in request.erased_leases:
        events.open_incident(
            transaction,
            authority=device.authority,
            device=device.device,
            generation=device.generation,
            kind=GUESSED,
            detail=f"{erased.practitioner} {erased.at}",
            at=now,
        )
