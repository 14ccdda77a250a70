"""The identifiers of the protocol, each with its shape. See the words in ``docs/protocol.md``.

All of them consist of characters that need no escaping in a path, a file name or a header.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

AuthorityCode = Annotated[str, Meta(pattern=r"\AE[0-9]{8}\Z")]
"""A local authority, by its ONS code."""

RecordId = Annotated[str, Meta(pattern=r"\A[a-z0-9-]{1,32}\Z")]
PartitionId = Annotated[str, Meta(pattern=r"\A[a-z0-9-]{1,48}\Z")]
PractitionerId = Annotated[str, Meta(pattern=r"\A[a-z0-9-]{1,32}\Z")]
AdministratorId = Annotated[str, Meta(pattern=r"\A[a-z0-9-]{1,32}\Z")]
DeviceId = Annotated[str, Meta(pattern=r"\A[a-z0-9-]{1,32}\Z")]
PersonId = Annotated[str, Meta(pattern=r"\A[a-z0-9-]{1,32}(?:@E[0-9]{8})?\Z")]
"""Who made an edit: a practitioner or administrator. One of another authority, whose edit came with
its record, has that authority's code behind an ``@``."""

Actor = Annotated[str, Meta(pattern=r"\A[a-z0-9-]{1,32}\.[0-9]{1,9}\Z")]
"""Who makes edits: a device and its generation, or an authority's server and its incarnation."""

Code = Annotated[str, Meta(pattern=r"\A[a-z0-9-]{0,48}\Z")]
"""A word of a closed list: a reason, an error code, an outcome. Empty means none."""

Count = Annotated[int, Meta(ge=0, le=2**53 - 1)]
"""A number that only counts up; small enough for every JSON and SQL reader."""

Seconds = Count
"""A time: whole seconds since 1970-01-01 UTC."""

HASH_BYTES = 32
Hash = Annotated[bytes, Meta(min_length=HASH_BYTES, max_length=HASH_BYTES)]
Key = Annotated[bytes, Meta(min_length=32, max_length=32)]
PublicKey = Annotated[bytes, Meta(min_length=32, max_length=32)]
"""An Ed25519 public key."""

HpkePublicKey = Annotated[bytes, Meta(min_length=1216, max_length=1216)]
"""ML-KEM-768 encapsulation key (1,184 bytes) and X25519 public key (32 bytes)."""

Signature = Annotated[bytes, Meta(min_length=64, max_length=64)]
QUERY_ID_BYTES = 16
QueryId = Annotated[bytes, Meta(min_length=QUERY_ID_BYTES, max_length=QUERY_ID_BYTES)]
"""What ties the look-ups of one search together: random."""

FileName = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]
"""A sealed file's name: the SHA-256 of its bytes."""

SERVER = "server"


def device_actor(device: str, generation: int) -> str:
    """The actor that a device of this generation is."""
    return f"{device}.{generation}"


def server_actor(incarnation: int) -> str:
    """The actor that the authority's server of this incarnation is."""
    return f"{SERVER}.{incarnation}"
