"""The numbers a device may use once: of its requests, and of its edits.

They are reserved durably, some at a time, before any of them is used.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import ClassVar

import msgspec

from fieldward_client.disk.folder import Folder
from fieldward_sync.encoding import Message
from fieldward_sync.errors import LocalDataDamaged, PeerBrokeProtocol
from fieldward_sync.names import Count

FILE = "counters"
REQUESTS_AT_A_TIME = 64
EDITS_AT_A_TIME = 64
MOST_SKIPPED = 1 << 32
"""No copy of a folder falls so far behind. A number that is skipped is gone for good: a server that
names the last there is would leave none to deliver with."""


class Reserved(Message, frozen=True):
    """Up to which number each kind may have been used."""

    marker: ClassVar[bytes] = b"fieldward/counters/1"
    requests: Count
    edits: Count


class Counters:
    """Hands out each number once."""

    def __init__(self, folder: Folder, *, last_edit: int | None) -> None:
        """``last_edit`` is the last edit's number if that is known for certain; if the outbox was
        damaged it is ``None``, and all that was reserved counts as used."""
        self._folder = folder
        self._reserved = Reserved(requests=0, edits=0)
        with suppress(LocalDataDamaged):  # the server says which it has seen
            self._reserved = folder.load(FILE, Reserved) or self._reserved
        self._request = self._reserved.requests
        self._edit = self._reserved.edits if last_edit is None else last_edit

    def next_request(self) -> int:
        """A number for a request: higher than all before."""
        if self._request == self._reserved.requests:
            self._reserve(requests=self._request + REQUESTS_AT_A_TIME)
        self._request += 1
        return self._request

    @contextmanager
    def edit(self) -> Iterator[int]:
        """A number for an edit that is made durable inside the block; used only if it was."""
        if self._edit >= self._reserved.edits:
            self._reserve(edits=self._edit + EDITS_AT_A_TIME)
        yield self._edit + 1
        self._edit += 1

    def skip_edits(self, used: int) -> None:
        """The server has edits up to ``used``: what this folder does not know of, another copy of
        it has numbered. ``PeerBrokeProtocol("counter-unbelievable")`` where none can have."""
        _require_believable(self._edit, used)
        self._edit = max(self._edit, used)

    def skip_requests(self, used: int) -> None:
        """The server has seen requests up to ``used``. Raises as ``skip_edits``."""
        _require_believable(self._request, used)
        if used > self._reserved.requests:
            self._reserve(requests=used)
        self._request = max(self._request, used)

    def _reserve(self, **upto: int) -> None:
        reserved = msgspec.structs.replace(self._reserved, **upto)
        self._folder.store(FILE, reserved)
        self._reserved = reserved


def _require_believable(own: int, used: int) -> None:
    if used > own + MOST_SKIPPED:
        raise PeerBrokeProtocol(
            "counter-unbelievable", "The server names a number that no device can have come to."
        )
