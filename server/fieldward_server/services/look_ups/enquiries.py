"""On-line enquiries: a practitioner asks for a child who is not on the device.

The look-up is on record before it is answered, refused ones and those that find nothing included
(U1). Whoever asks sees what an ordinary reader sees of the authority's records, and no more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from functools import partial
from typing import Literal

from fieldward_server.services.authentication import Caller, spend_counter
from fieldward_server.services.authorities import known, open_edit_key
from fieldward_server.services.custody.practitioners import barred_by
from fieldward_server.services.look_ups import enquiry_limit, enquiry_log
from fieldward_server.services.platform import Platform
from fieldward_server.services.records.hits import hit_of
from fieldward_server.services.records.index_search import search_index
from fieldward_server.storage import Transaction, departures, merges, records
from fieldward_server.storage.authorities import Authority
from fieldward_server.storage.devices import Device
from fieldward_server.storage.holders import Holder
from fieldward_server.storage.practitioners import Practitioner
from fieldward_sync.access import RIGHTS, UNDER_WIPE, Access, WipeState
from fieldward_sync.enquiries import (
    Enquired,
    Enquirer,
    Enquiry,
    EnquiryAnswer,
    EnquiryRequest,
    open_enquiry,
    seal_answer,
)
from fieldward_sync.errors import CallerMistake, Error, PeerBrokeProtocol, RefusedByServer
from fieldward_sync.journal import MAX_FIELDS_OF_A_LOOK_UP, REASONS, LookUp
from fieldward_sync.matching.query import Query
from fieldward_sync.views import View

Outcome = Literal["shown", "nothing", "too-many"]

_TERMS = frozenset(field.name for field in fields(Query))

_NOT_NOW = {
    "paused": ("This device is paused.", "Ask your sync administrator to resume it."),
    "draining": (
        "This device is given nothing new any more.",
        "Read what it holds until its lease ends, and ask your sync administrator for another.",
    ),
    "revoked": ("This device has been revoked.", "Ask your sync administrator for another."),
    "wiped": ("A wipe of this device was ordered.", "Ask your sync administrator for another."),
    "suspended": ("You are suspended.", "Ask your manager."),
    "vetting-over": ("Your vetting has run out.", "Have it renewed and recorded (A6)."),
    "training-over": ("Your training has run out.", "Take it, and have it recorded (A6)."),
    "assurance-too-low": (
        "This device keeps its secret in a file, which is refused here.",
        "Use a device with a key store of its platform. If this one has it by now, sync first.",
    ),
}


@dataclass(frozen=True)
class Answered:
    """An enquiry that was answered."""

    answer: EnquiryAnswer
    outcome: Outcome


@dataclass(frozen=True)
class _Asker:
    """Who asks, as they were found when their signature was looked at."""

    authority: Authority
    device: Device
    holder: Holder
    practitioner: Practitioner | None

    @property
    def enquirer(self) -> Enquirer:
        return Enquirer(
            self.authority.authority,
            self.authority.incarnation,
            self.device.device,
            self.device.generation,
            self.holder.practitioner,
        )

    def made(self, device: Device, *, now: int) -> int:
        """How many enquiries theirs were that count, by the device's row."""
        return enquiry_limit.made(device.enquiries or b"", self.holder.practitioner, now=now)

    def one_more(self, *, now: int) -> Callable[[bytes], bytes]:
        """What the device's count of enquiries becomes with another of theirs."""
        return partial(enquiry_limit.with_one_more, practitioner=self.holder.practitioner, now=now)


def enquire(platform: Platform, caller: Caller, request: EnquiryRequest, *, now: int) -> Answered:
    """Answer one enquiry, which is durably on record before this returns or refuses.

    Raises ``RefusedByServer`` where this practitioner or device may not enquire now,
    ``CallerMistake`` for a reason, terms or a key that are none, ``PeerBrokeProtocol`` where the
    enquiry does not open, and ``NotAuthenticated("counter-used")`` if another worker took it.
    """
    # All that takes long comes first, while others may write. Whatever changes meanwhile is shown
    # as it is by then: whether a record is still here is looked up after the record itself.
    asker = _asker(caller)
    with platform.storage.statements() as transaction:
        worked_out = _work_out(platform, transaction, asker, request, now=now)
    limit = platform.lease_terms.look_ups
    with platform.storage.transaction() as transaction:
        counted = isinstance(worked_out.result, Answered)
        spent = spend_counter(
            transaction,
            asker.device,
            caller.counter,
            enquiries=asker.one_more(now=now) if counted else None,
        )
        log = enquiry_log.lock(transaction, asker.enquirer)  # after the device, and waited for once
        device = spent()
        if counted:
            # What has changed meanwhile counts.
            refused = _shut_out(device)
            if refused is None and asker.made(device, now=now) > limit:
                refused = enquiry_limit.used_up(limit)
            if refused is not None:
                worked_out = _refuse(asker, worked_out.enquiry, refused, now=now)
        log.append(worked_out.sealed_look_ups)
    if isinstance(worked_out.result, Error):
        raise worked_out.result
    return worked_out.result


def _asker(caller: Caller) -> _Asker:
    if caller.holder is None:
        raise RefusedByServer(
            "practitioner-needed",
            "An enquiry is signed with a practitioner's key, not with the device's.",
            next_step="Unlock the device and ask again.",
        )
    row = known(caller.signer.authority, caller.authority)
    return _Asker(row, caller.found, caller.holder, caller.signer.practitioner)


@dataclass(frozen=True)
class _WorkedOut:
    """What an enquiry comes to, and what is to go on record of it."""

    enquiry: Enquiry
    result: Answered | Error
    sealed_look_ups: tuple[bytes, ...]


def _work_out(
    platform: Platform,
    transaction: Transaction,
    asker: _Asker,
    request: EnquiryRequest,
    *,
    now: int,
) -> _WorkedOut:
    enquiry = _open(platform, asker, request)
    limit = platform.lease_terms.look_ups
    refused = _shut_out(asker.device) or _refusal(platform, asker, enquiry, now=now)
    if refused is None and asker.made(asker.device, now=now) >= limit:
        refused = enquiry_limit.used_up(limit)
    if refused is not None:
        return _refuse(asker, enquiry, refused, now=now)
    try:
        enquired = _answer(transaction, asker, enquiry, now=now)
        answer = seal_answer(enquired, enquiry, enquirer=asker.enquirer)
    except CallerMistake as e:
        return _refuse(asker, enquiry, e, now=now)
    look_ups = _look_ups(asker, enquiry, enquired, now=now)
    sealed = enquiry_log.seal(asker.authority, asker.enquirer, look_ups)
    return _WorkedOut(enquiry, Answered(answer, enquired.outcome), sealed)


def _refuse(asker: _Asker, enquiry: Enquiry, refused: Error, *, now: int) -> _WorkedOut:
    look_ups = _look_ups(asker, enquiry, None, now=now)
    sealed = enquiry_log.seal(asker.authority, asker.enquirer, look_ups)
    return _WorkedOut(enquiry, refused, sealed)


def _open(platform: Platform, asker: _Asker, request: EnquiryRequest) -> Enquiry:
    key = open_edit_key(platform, asker.authority)
    try:
        return open_enquiry(request, key, enquirer=asker.enquirer)
    except PeerBrokeProtocol as e:
        # After a restore the device knows the incarnation that was, until its next sync.
        raise PeerBrokeProtocol(
            e.code, e.message, next_step="Sync, which brings the keys in force, and ask again."
        ) from e


def _shut_out(device: Device) -> RefusedByServer | None:
    """Why nothing is answered on this device; ``None`` if it may be."""
    access = Access(device.access)
    if not RIGHTS[access].enquire:
        return _not_now(access.value)
    if WipeState(device.wipe) in UNDER_WIPE:
        return _not_now("wiped")
    return None


def _refusal(platform: Platform, asker: _Asker, enquiry: Enquiry, *, now: int) -> Error | None:
    """Why this practitioner is not answered, whatever is asked; ``None`` if they may be."""
    if platform.demands_more(asker.device.assurance):
        return _not_now("assurance-too-low")
    if code := barred_by(asker.practitioner, now=now):
        return _not_now(code)
    if enquiry.reason not in REASONS:
        return CallerMistake("reason-unknown", f"A reason is one of: {', '.join(sorted(REASONS))}.")
    return None


def _not_now(code: str) -> RefusedByServer:
    message, next_step = _NOT_NOW[code]
    return RefusedByServer(code, message, next_step=next_step)


def _answer(transaction: Transaction, asker: _Asker, enquiry: Enquiry, *, now: int) -> Enquired:
    """What is found; ``CallerMistake`` for terms that nobody can be searched by."""
    if enquiry.record_id is not None:
        return _opened(transaction, asker, enquiry.record_id)
    if not enquiry.terms.keys() <= _TERMS:
        raise CallerMistake("term-unknown", f"A term is one of: {', '.join(sorted(_TERMS))}.")
    query = Query(**enquiry.terms)
    ranking = search_index(transaction, asker.authority.authority, query, now=now)
    if ranking.too_many:
        return Enquired("too-many", query.narrower(), (), None)
    hits = tuple(hit_of(view, match) for view, match in ranking.found)
    return Enquired("shown" if hits else "nothing", (), hits, None)


def _opened(transaction: Transaction, asker: _Asker, record_id: str) -> Enquired:
    code = asker.authority.authority
    found = records.find(transaction, code, record_id)
    # Of one that was merged into another, or has moved, nobody is told so (H6).
    if found is None or any(
        elsewhere.among(transaction, code, [record_id]) for elsewhere in (merges, departures)
    ):
        return Enquired("nothing", (), (), None)
    return Enquired("shown", (), (), View.read(found.view))


def _look_ups(
    asker: _Asker, enquiry: Enquiry, enquired: Enquired | None, *, now: int
) -> Iterator[LookUp]:
    """What goes on record of an enquiry, ``None`` of a refused one: several look-ups where a record
    has more fields than one of them can name."""
    opened = (enquiry.record_id,) if enquiry.record_id is not None else ()
    hits = tuple(hit.record_id for hit in enquired.hits) if enquired else ()
    view = enquired.view if enquired else None
    shown = tuple(view.by_path()) if view else ()
    for start in range(0, max(1, len(shown)), MAX_FIELDS_OF_A_LOOK_UP):
        yield LookUp(
            action="open" if opened else "search",
            outcome=enquired.outcome if enquired else "refused",
            practitioner=asker.holder.practitioner,
            on_behalf_of=enquiry.on_behalf_of,
            reason=enquiry.reason,
            at=now,
            terms=dict(enquiry.terms),
            records=opened or hits,
            fields=shown[start : start + MAX_FIELDS_OF_A_LOOK_UP],
            query=enquiry.query,
        )
