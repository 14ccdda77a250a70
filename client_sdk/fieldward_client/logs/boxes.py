"""The boxes of an unlocked session: what is looked up and edited is sealed in them."""

from __future__ import annotations

from fieldward_sync.encoding import decode
from fieldward_sync.outbox import Box, BoxHeader
from fieldward_sync.signing import MAX_SIGNED_BYTES, Signed


class OpenBox:
    """A box that is being filled. Its content key is in memory alone and dies with it."""

    def __init__(self, box: Box) -> None:
        self._box = box
        self._next_index = 0

    @property
    def id(self) -> bytes:
        """What entries name it by."""
        return self._box.header.box

    @property
    def signed_header(self) -> Signed:
        """What has to be stored and delivered before the first entry."""
        return self._box.signed_header

    def seal_next(self, plaintext: bytes) -> tuple[int, bytes]:
        """Seal an entry, and the index it has in the box: used once, even if it is never stored."""
        index = self._next_index
        self._next_index += 1
        return index, self._box.seal_entry(index, plaintext)


def read_box(header: Signed) -> BoxHeader:
    """What a box's header says; its signature is for those to check who open the box."""
    return decode(BoxHeader, header.payload, max_bytes=MAX_SIGNED_BYTES)
