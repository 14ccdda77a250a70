"""The sealed outbox: what a device still has to deliver, safe from whoever holds the device.

A *box* holds the entries of one kind written in one unlocked session. Its content key is random,
wrapped once to the authority (for edits also to the store key, so that the author can read them
back) and its header is signed once by the practitioner; entries are sealed with the content key.
The content key lives only in memory, so that no nonce is ever used twice: after a restart there is
a new box.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, ClassVar, Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Meta

from fieldward_sync.encoding import Message, encode
from fieldward_sync.errors import CallerMistake, PeerBrokeProtocol
from fieldward_sync.keys import KEY_BYTES, hpke_open, hpke_seal, label
from fieldward_sync.names import AuthorityCode, Count, DeviceId, PractitionerId
from fieldward_sync.records import MAX_CHANGES_IN_A_PROPOSAL, Proposal
from fieldward_sync.sealing import Entropy, open_sealed, seal
from fieldward_sync.signing import Signed, sign

BOX_ID_BYTES = 16
MAX_ENTRY_BYTES = 16 * 1024
"""Of an entry, sealed."""
TAG_BYTES = 16
NONCE_BYTES = 12

BoxKind = Literal["edits", "journal"]
BoxId = Annotated[bytes, Meta(min_length=BOX_ID_BYTES, max_length=BOX_ID_BYTES)]


class BoxHeader(Message, frozen=True):
    """Whose box this is, and its content key wrapped for those who may open it."""

    marker: ClassVar[bytes] = b"fieldward/box/1"
    authority: AuthorityCode
    device: DeviceId
    generation: Count
    practitioner: PractitionerId
    kind: BoxKind
    box: BoxId
    for_authority: Annotated[bytes, Meta(max_length=2048)]
    for_store: Annotated[bytes, Meta(max_length=256)]
    """Empty for a journal: its holder may not read past look-ups."""


@dataclass(frozen=True)
class Box:
    """An open box: what it takes to seal and open its entries."""

    signed_header: Signed
    header: BoxHeader
    content_key: bytes

    def seal_entry(self, index: int, plaintext: bytes) -> bytes:
        """Seal entry ``index``; an index is used once in the life of a box."""
        return self._cipher.encrypt(_nonce(index), plaintext, self._binding)

    def open_entry(self, index: int, sealed: bytes) -> bytes:
        """Entry ``index``; ``PeerBrokeProtocol("seal-broken")`` if it was changed or moved."""
        try:
            return self._cipher.decrypt(_nonce(index), sealed, self._binding)
        except InvalidTag as e:
            raise PeerBrokeProtocol("seal-broken", f"Entry {index} of a box does not open.") from e

    @cached_property
    def _cipher(self) -> AESGCM:
        return AESGCM(self.content_key)

    @cached_property
    def _binding(self) -> bytes:
        return hashlib.sha256(self.signed_header.payload).digest()


def new_box(
    kind: BoxKind,
    *,
    authority: str,
    device: str,
    generation: int,
    practitioner: str,
    authority_key: bytes,
    store_key: bytes | None,
    signing_key: Ed25519PrivateKey,
    entropy: Entropy,
) -> Box:
    """A box for one unlocked session, its content key wrapped to the authority's public key (of a
    journal: its audit key) and, where ``store_key`` is given, to that."""
    box, content_key = entropy(BOX_ID_BYTES), entropy(KEY_BYTES)
    binding = _box_label(authority, device, generation, practitioner, kind, box)
    header = BoxHeader(
        authority=authority,
        device=device,
        generation=generation,
        practitioner=practitioner,
        kind=kind,
        box=box,
        for_authority=hpke_seal(authority_key, info=binding, plaintext=content_key),
        for_store=seal(store_key, binding, content_key, entropy=entropy) if store_key else b"",
    )
    return Box(sign(header, signing_key), header, content_key)


def edit_entry(proposal: Proposal) -> bytes:
    """What is sealed of an edit. ``CallerMistake`` for one that its authority could not read, and
    so would have no verdict for: "edit-empty", "edit-too-large"."""
    content = encode(proposal)
    if not proposal.changes:
        raise CallerMistake("edit-empty", "An edit sets one field at least.")
    count = len(proposal.changes)
    if count > MAX_CHANGES_IN_A_PROPOSAL or len(content) > MAX_ENTRY_BYTES - TAG_BYTES:
        raise CallerMistake(
            "edit-too-large",
            f"{count} fields are too many for one edit: it has {MAX_CHANGES_IN_A_PROPOSAL} at most,"
            f" and {MAX_ENTRY_BYTES // 1024} KB.",
            next_step="Make several edits of it, with what belongs together in one.",
        )
    return content


def open_as_authority(signed_header: Signed, *, practitioner_key: bytes, seed: bytes) -> Box:
    """A delivered box, opened with the authority's key once its signature holds."""
    header = signed_header.open(BoxHeader, practitioner_key)
    content_key = hpke_open(seed, info=_header_label(header), sealed=header.for_authority)
    return Box(signed_header, header, content_key)


def open_as_author(signed_header: Signed, *, practitioner_key: bytes, store_key: bytes) -> Box:
    """A box of one's own, opened with the store key."""
    header = signed_header.open(BoxHeader, practitioner_key)
    return Box(
        signed_header, header, open_sealed(store_key, _header_label(header), header.for_store)
    )


def _header_label(header: BoxHeader) -> bytes:
    return _box_label(
        header.authority,
        header.device,
        header.generation,
        header.practitioner,
        header.kind,
        header.box,
    )


def _box_label(
    authority: str, device: str, generation: int, practitioner: str, kind: str, box: bytes
) -> bytes:
    return label("box", authority, device, generation, practitioner, kind, box)


def _nonce(index: int) -> bytes:
    return index.to_bytes(NONCE_BYTES, "big")
