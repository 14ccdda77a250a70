"""One sync: what a device delivers is taken, and it is told what it may hold (protocol §5).

A sync with nothing new only reads. Anything else is one transaction, in which the request's counter
is spent together with its effects.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass

from fieldward_server.services.authentication import Caller, use_counter
from fieldward_server.services.authorities import locked
from fieldward_server.services.custody.coming_back import NOT_GRANTED, next_generation
from fieldward_server.services.custody.hand_overs import hand_over, is_hand_over_due, open_hand_over
from fieldward_server.services.custody.lease_renewal import (
    Renewal,
    is_due,
    refusal,
    renew,
    stored_keys_gone,
)
from fieldward_server.services.custody.redactions import take_confirmations
from fieldward_server.services.custody.standing import (
    CONTACT_SECONDS,
    Standing,
    find_standing,
    standing_of,
)
from fieldward_server.services.distribution.distributions import sign_distribution
from fieldward_server.services.exchange.custody_intake import take_custody
from fieldward_server.services.exchange.edit_intake import EditIntake
from fieldward_server.services.exchange.journal_intake import JournalIntake
from fieldward_server.services.exchange.order_intake import (
    WIPE,
    newly_seen,
    take_receipts,
    take_refusals,
    take_seen,
)
from fieldward_server.services.exchange.unread_notices import read_by, unread_notices
from fieldward_server.services.platform import Platform
from fieldward_server.services.registering import opening
from fieldward_server.storage import Transaction, devices, grants
from fieldward_sync.access import UNDER_WIPE, WipeState
from fieldward_sync.encoding import unpack
from fieldward_sync.errors import CallerMistake
from fieldward_sync.messages import HandOver, SyncAnswer, SyncRequest, Verdict
from fieldward_sync.signing import Signed

MAX_ORDERS = 16


@dataclass(frozen=True)
class _Outcome:
    """What a request came to."""

    verdicts: tuple[Verdict, ...] = ()
    renewed: Renewal | None = None
    lease_refused: str = ""
    next_generation: int = NOT_GRANTED
    hand_over: HandOver | None = None


@dataclass(frozen=True)
class Synchronised:
    """A sync that was answered."""

    answer: SyncAnswer
    complete: bool
    """Nothing is left to do on either side."""


def synchronise(
    platform: Platform, caller: Caller, request: SyncRequest, *, now: int
) -> Synchronised:
    """Take what the device delivers and answer it. Everything taken is durable on return.

    One bad item never blocks the rest (invariant 9). ``NotAuthenticated("counter-used")`` if
    another worker took the same request meanwhile.
    """
    if not _brings(request):
        # Most syncs have nothing new on either side. That was true when it was looked up who signed
        # the request, whatever may have changed since: it need not be looked up again.
        with platform.storage.statements() as transaction:
            standing = standing_of(transaction, caller.signer)
            outcome = _without_effect(platform, transaction, standing, request, now=now)
            if outcome is not None and _is_complete(standing, request):
                return _synchronised(platform, transaction, standing, request, outcome, now=now)
        # A distribution has to be of one moment.
        if outcome is not None:
            with platform.storage.reading() as transaction:
                standing = find_standing(transaction, caller)
                outcome = _without_effect(platform, transaction, standing, request, now=now)
                if outcome is not None:
                    return _synchronised(platform, transaction, standing, request, outcome, now=now)
    with _begun(platform, caller, request) as transaction:
        locked(transaction, caller.authority)
        standing = find_standing(transaction, caller)
        use_counter(transaction, standing.device, caller.counter)
        verdicts = _take(platform, transaction, standing, request, caller.counter, now=now)
        read_by(transaction, standing, request, now=now)
        standing = find_standing(transaction, caller)
        pending = max(0, request.pending_edits - len(verdicts))
        _note_contact(transaction, standing, request, pending_edits=pending, now=now)
        renewed, refused = _renew(platform, transaction, standing, request, now=now)
        generation = _go_on(platform, transaction, standing, request, now=now)
        handed = hand_over(platform, transaction, standing, request, now=now)
        outcome = _Outcome(verdicts, renewed, refused, generation, handed)
        return _synchronised(platform, transaction, standing, request, outcome, now=now)


def _begun(
    platform: Platform, caller: Caller, request: SyncRequest
) -> AbstractContextManager[Transaction]:
    """A transaction. Of all that a sync does, only a next generation opens something."""
    if request.next_journal_key is None:
        return platform.storage.transaction()
    return opening(platform, caller.authority)


def _synchronised(
    platform: Platform,
    transaction: Transaction,
    standing: Standing,
    request: SyncRequest,
    outcome: _Outcome,
    *,
    now: int,
) -> Synchronised:
    answer = _answer(platform, transaction, standing, request, outcome, now=now)
    complete = _is_complete(standing, request) and not outcome.lease_refused
    return Synchronised(answer, complete)


def _brings(request: SyncRequest) -> bool:
    """Whether a request has something to be taken, however the caller stands."""
    delivered = request.journal or request.edits or request.receipts or request.notices_read
    told = request.erased_leases or request.refused_orders or request.lost_edits != 0
    return bool(delivered or told) or request.next_journal_key is not None


def _without_effect(
    platform: Platform,
    transaction: Transaction,
    standing: Standing,
    request: SyncRequest,
    *,
    now: int,
) -> _Outcome | None:
    """What a request comes to that brings nothing and changes nothing; ``None`` if it changes
    something."""
    if request.assurance != standing.device.assurance:
        return None
    if newly_seen(standing.device, standing.orders, up_to=request.orders_seen):
        return None
    if _contact_is_news(standing, request, now=now) or stored_keys_gone(standing, request):
        return None
    if is_hand_over_due(platform, transaction, standing, request, now=now):
        return None
    if not is_due(standing, request, platform.lease_terms, now=now):
        return _Outcome()
    refused = refusal(platform, standing, request, now=now)
    return _Outcome(lease_refused=refused) if refused else None


def _take(
    platform: Platform,
    transaction: Transaction,
    standing: Standing,
    request: SyncRequest,
    counter: int,
    *,
    now: int,
) -> tuple[Verdict, ...]:
    """Take the journal, the edits and what the device says of its orders; the verdicts on edits."""
    device = standing.device
    journal = JournalIntake(transaction, device, now=now)
    journal.take(request.journal)
    if counter > device.counter_high:  # an older request that was overtaken claims less, rightly
        journal.report_shrinking(request.journal_size)
    take_custody(transaction, device, request, now=now)
    take_seen(transaction, device, standing.orders, up_to=request.orders_seen, now=now)
    take_receipts(platform, transaction, device, standing.orders, request.receipts, now=now)
    take_refusals(transaction, device, request.refused_orders, now=now)
    take_confirmations(transaction, standing, request.held, now=now)
    if standing.holder is not None:
        gone = stored_keys_gone(standing, request)
        grants.forget_stored_keys(transaction, standing.holder, gone)
    if not request.edits:
        return ()
    return EditIntake(platform, transaction, standing, now=now).take(request.edits)


def _contact_is_news(standing: Standing, request: SyncRequest, *, now: int) -> bool:
    """Whether it is worth a write that the device was heard, and what it says it still has."""
    device = standing.device
    return (
        now >= device.last_contact + CONTACT_SECONDS
        or request.pending_edits != device.pending_edits
        or request.journal_size != device.journal_size
        or (device.last_complete < device.last_contact and _is_complete(standing, request))
    )


def _note_contact(
    transaction: Transaction,
    standing: Standing,
    request: SyncRequest,
    *,
    pending_edits: int,
    now: int,
) -> None:
    """Keep what the device says of itself; what has just had its verdict waits no more."""
    devices.set_contact(
        transaction,
        standing.device,
        last_contact=now,
        last_complete=now if _is_complete(standing, request) else standing.device.last_complete,
        pending_edits=pending_edits,
        journal_size=request.journal_size,
    )


def _is_complete(standing: Standing, request: SyncRequest) -> bool:
    """Whether nothing is left to do on either side: the device had all when it asked."""
    held = (request.held.incarnation, request.held.number)
    return (
        held == (standing.authority.incarnation, standing.state_number)
        and request.pending_edits == 0
        and request.journal_size == standing.journal.size
        and standing.holder is not None
        and not request.more
    )


def _renew(
    platform: Platform,
    transaction: Transaction,
    standing: Standing,
    request: SyncRequest,
    *,
    now: int,
) -> tuple[Renewal | None, str]:
    """The renewed lease with what comes beside it, or why it was refused."""
    key, holder = request.next_hpke_key, standing.holder
    if (
        key is None
        or holder is None
        or not is_due(standing, request, platform.lease_terms, now=now)
    ):
        return None, ""
    refused = refusal(platform, standing, request, now=now)
    if refused:
        return None, refused
    try:
        warm_key = request.warm_key
        return renew(platform, transaction, standing, holder, key, warm_key, now=now), ""
    except CallerMistake as e:
        return None, e.code


def _go_on(
    platform: Platform,
    transaction: Transaction,
    standing: Standing,
    request: SyncRequest,
    *,
    now: int,
) -> int:
    """The generation that the device goes on as, if it asked."""
    key = request.next_journal_key
    if key is None or standing.holder is None:
        return NOT_GRANTED
    return next_generation(platform, transaction, standing, key, now=now)


def _answer(
    platform: Platform,
    transaction: Transaction,
    standing: Standing,
    request: SyncRequest,
    outcome: _Outcome,
    *,
    now: int,
) -> SyncAnswer:
    authority = standing.authority
    waits = open_hand_over(platform, transaction, standing, now=now)
    knows_trust = request.trust_version >= authority.trust_version
    return SyncAnswer(
        access=standing.access.value,
        journal_next=standing.journal.size,
        journal_epoch=standing.journal.epoch,
        edits_held=standing.edits_held,
        verdicts=outcome.verdicts,
        orders=_open_orders(standing),
        trust=None if knows_trust else unpack(Signed, authority.trust),
        lease=outcome.renewed.lease if outcome.renewed else None,
        lease_refused=outcome.lease_refused,
        distribution=_distribution(platform, transaction, standing, request, now=now),
        backup=authority.backup_begun,
        kept_until=authority.kept_until,
        notices=unread_notices(transaction, standing, request),
        parted=bool(standing.device.parted),
        next_generation=outcome.next_generation,
        warm_keys=outcome.renewed.warm_keys if outcome.renewed else None,
        hand_over_id=waits.invitation.invitation_id if waits else b"",
        hand_over=outcome.hand_over,
        suspended=standing.suspended,
    )


def _open_orders(standing: Standing) -> tuple[Signed, ...]:
    """The wipe first, then the oldest."""
    given = (order for order in standing.orders if order.withdrawn_at is None)
    urgent_first = sorted(given, key=lambda order: (order.kind != WIPE, order.number))
    return tuple(unpack(Signed, order.signed) for order in urgent_first[:MAX_ORDERS])


def _distribution(
    platform: Platform,
    transaction: Transaction,
    standing: Standing,
    request: SyncRequest,
    *,
    now: int,
) -> Signed | None:
    """What the caller may hold, if they do not hold just that and may have it."""
    authority, device, holder = standing.authority, standing.device, standing.holder
    held = (request.held.incarnation, request.held.number)
    if holder is None or request.more or held == (authority.incarnation, standing.state_number):
        return None
    if not standing.rights.pull or WipeState(device.wipe) in UNDER_WIPE:
        return None
    was_restored = request.held.number > 0 and request.held.incarnation < authority.incarnation
    left = sorted(request.held.partitions or (), key=lambda each: not each.feed)
    shown = [each.partition for each in left if each.feed]
    if request.held.partitions is None:
        shown = [each.partition_id for each in standing.held]
    return sign_distribution(
        platform,
        transaction,
        authority,
        holder,
        standing.granted,
        left=[each.partition for each in left],
        # While files are being made anew, none of what it holds is lost.
        needed=shown if was_restored else (),
        now=now,
    )
