"""An authority's log of on-line enquiries: sealed to its audit key, in order, none left out (U1).

The web workers write it and cannot read it. Every entry is a leaf of one RFC 6962 tree, so that one
that was changed, removed or moved is found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from fieldward_server.storage import Transaction, enquiries
from fieldward_server.storage.authorities import Authority
from fieldward_server.storage.enquiries import StoredEnquiry
from fieldward_sync.encoding import decode, encode, unpack
from fieldward_sync.enquiries import Enquirer, EnquiryLogHead, seal_look_up
from fieldward_sync.errors import PeerBrokeProtocol
from fieldward_sync.journal import LookUp
from fieldward_sync.keys import HpkeRecipient, hpke_recipient
from fieldward_sync.messages import Trust
from fieldward_sync.signing import Signed

MAX_HEAD_BYTES = 4096
ENTRIES_AT_A_TIME = 1000


@dataclass(frozen=True)
class LogReport:
    """A log that was checked from its first entry to its last."""

    size: int
    damage: str
    """Why what is stored is not what was written; empty where it is."""


def seal(authority: Authority, enquirer: Enquirer, look_ups: Iterable[LookUp]) -> tuple[bytes, ...]:
    """Look-ups as the log will keep them."""
    audit_key = _audit_key(authority.trust, authority.root_key)
    return tuple(seal_look_up(each, audit_key, enquirer=enquirer) for each in look_ups)


@lru_cache(maxsize=1024)
def _audit_key(trust: bytes, root_key: bytes) -> HpkeRecipient:
    signed: Signed = unpack(Signed, trust)
    return hpke_recipient(signed.open(Trust, root_key).audit_key)


@dataclass(frozen=True)
class LockedLog:
    """An authority's log, to which nobody else adds until the transaction ends."""

    transaction: Transaction
    enquirer: Enquirer
    stored_head: Callable[[], bytes]

    def append(self, sealed: Iterable[bytes]) -> None:
        """Put sealed look-ups on record, one after the other."""
        transaction, enquirer, head = self.transaction, self.enquirer, _read(self.stored_head())
        for body in sealed:
            header = head.header(body, enquirer=enquirer)
            stored = StoredEnquiry(
                authority=enquirer.authority,
                sequence=head.size,
                device=enquirer.device,
                generation=enquirer.generation,
                header=header,
                body=body,
            )
            enquiries.append(transaction, stored)
            head = head.take(header, body)
        enquiries.set_head(transaction, enquirer.authority, encode(head))


def lock(transaction: Transaction, enquirer: Enquirer) -> LockedLog:
    """The log of an enquirer's authority; nobody has waited for it yet."""
    first = encode(EnquiryLogHead.first(enquirer.authority))
    head = enquiries.lock(transaction, enquirer.authority, first_head=first)
    return LockedLog(transaction, enquirer, head)


def entries(
    transaction: Transaction, authority: str, *, device: str | None = None, first: int = 0
) -> Iterator[StoredEnquiry]:
    """An authority's entries, or one device's, from number ``first`` on."""
    while True:
        found = (
            enquiries.following(transaction, authority, first=first, at_most=ENTRIES_AT_A_TIME)
            if device is None
            else enquiries.of_device(
                transaction, authority, device, first=first, at_most=ENTRIES_AT_A_TIME
            )
        )
        yield from found
        if len(found) < ENTRIES_AT_A_TIME:
            return
        first = found[-1].sequence + 1


def verify(transaction: Transaction, authority: str) -> LogReport | None:
    """Check an authority's log from its first entry; ``None`` where nobody has enquired."""
    replayed, damage = EnquiryLogHead.first(authority), ""
    try:
        for entry in entries(transaction, authority):
            replayed = replayed.take(entry.header, entry.body)
        if replayed != _read_head(transaction, authority):
            damage = "It does not come to what was written."
    except PeerBrokeProtocol as e:
        damage = e.message
    return LogReport(replayed.size, damage) if replayed.size or damage else None


def _read_head(transaction: Transaction, authority: str) -> EnquiryLogHead:
    head = enquiries.head(transaction, authority)
    return EnquiryLogHead.first(authority) if head is None else _read(head)


def _read(head: bytes) -> EnquiryLogHead:
    return decode(EnquiryLogHead, head, max_bytes=MAX_HEAD_BYTES)
