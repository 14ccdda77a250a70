"""What a device says of how it keeps what it has: where its secret lies, whose passphrase was
guessed at until the lease was erased (V7), and how many edits its disk has lost (U4)."""

from __future__ import annotations

from fieldward_server.storage import Transaction, devices, events
from fieldward_server.storage.devices import Device
from fieldward_sync.messages import SyncRequest

GUESSED = "passphrase-guessed"
EDITS_LOST = "edits-lost"


def take_custody(
    transaction: Transaction, device: Device, request: SyncRequest, *, now: int
) -> None:
    """Keep it; each erased lease and each number of lost edits opens an incident, once."""
    if request.assurance != device.assurance:
        devices.set_assurance(transaction, device, request.assurance)
    for erased in request.erased_leases:
        guessed = f"{erased.practitioner} {erased.at}"
        events.open_incident(transaction, device, GUESSED, guessed, at=now)
    if request.lost_edits != 0:
        count = "count unknown" if request.lost_edits is None else str(request.lost_edits)
        events.open_incident(transaction, device, EDITS_LOST, count, at=now)
