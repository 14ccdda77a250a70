"""What becomes of a device's holdings when an administrator, or time, acts: the table (design §8).

Revoke and wipe are different verbs with different ends (P37); the same words stand in previews,
in ``docs/protocol/orders.md`` and in the test that walks the table with a real device.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Aftermath:
    """What becomes of what a device holds, once it has heard.

    It hears at its next contact; one that has none reads on to the end of its lease, whatever was
    done here.
    """

    reading: str
    pulling: str
    pushing: str
    unsent_edits: str
    journal: str
    keys: str


_DELIVERS = "goes on, without passphrase too"
_DELIVERED = "is delivered"
_MERGE = "merge"
_STAY = "stay until the lease destroys them; no new lease comes"

OUTCOMES = {
    "pause": Aftermath("stops", "stops", _DELIVERS, _MERGE, _DELIVERED, _STAY),
    "resume": Aftermath(
        "goes on; after the lease, from the next sync",
        "goes on; what is held is not fetched again",
        _DELIVERS,
        _MERGE,
        _DELIVERED,
        "stay; the lease is renewed",
    ),
    "drain": Aftermath(
        "goes on until the lease closes", "stops", _DELIVERS, _MERGE, _DELIVERED, _STAY
    ),
    "suspend": Aftermath(
        "stops for who is suspended; whoever shares the device reads on",
        "stops for who is suspended; goes on for the others",
        _DELIVERS,
        _MERGE,
        _DELIVERED,
        _STAY,
    ),
    "revoke": Aftermath(
        "stops for good",
        "stops for good",
        _DELIVERS,
        "wait in the inbox for a person",
        _DELIVERED,
        "erased with the sealed files; the partitions get new ones",
    ),
    "wipe": Aftermath(
        "stops for good",
        "stops for good",
        "goes on without passphrase until all is delivered",
        _MERGE,
        "is delivered, then erased",
        "erased first, then the sealed files, the identity last; the partitions get new ones",
    ),
    "expiry": Aftermath(
        "stops until a sync renews the lease",
        "goes on with that sync",
        _DELIVERS,
        _MERGE,
        _DELIVERED,
        "stay until the lease destroys them",
    ),
    "re-scope": Aftermath(
        "goes on for what is left, stops for what is lost",
        "goes on for what is left",
        _DELIVERS,
        "merge for what is left, wait in the inbox for what is lost",
        _DELIVERED,
        "those of what is lost are erased; the partition gets a new one",
    ),
    "hand-over": Aftermath(
        "the one who comes reads what they are granted; the other as before, until taken back",
        "goes on for each",
        "goes on for both, sealed apart",
        "merge under the name of who typed them",
        "is delivered, naming who looked",
        "of their own for each; the other's do not open with them",
    ),
}
"""By what happens. *Suspend* is of a practitioner (A4); *regain* is ``resume``; after a revocation
it is a new invitation."""
