"""What a device says of itself at any time, locked or not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal

from fieldward_client.copies.notices import Notices
from fieldward_client.copies.store import stored_distribution
from fieldward_client.enrolled.generations import left
from fieldward_client.enrolled.installation import Installation
from fieldward_client.enrolled.practitioner import Practitioner
from fieldward_client.enrolled.wipe import is_wiped
from fieldward_client.keys.identity import Contact
from fieldward_client.keys.lease import stored_lease
from fieldward_client.logs.outbox_content import OutboxContent
from fieldward_sync.errors import AccessClosed, LocalDataDamaged
from fieldward_sync.leases import Lease, LeaseState
from fieldward_sync.messages import DEVICE_KEY
from fieldward_sync.records import Proposal, Value
from fieldward_sync.ways import Way


@dataclass(frozen=True)
class LeaseStatus:
    """How long the copy can still be read; times in seconds since 1970 UTC."""

    state: LeaseState | None
    """``None`` while the clock is not trusted."""
    issued: int
    warns: int
    closes: int
    """When the copy shuts."""
    destroys: int
    """When the keys are erased."""
    counts_down: bool
    """Whether half of its time has passed: from then on show what is left (V4)."""
    seconds_left: int | None
    """Until the copy shuts; ``None`` while the clock is not trusted."""
    look_ups: int
    """How many look-ups it allows until it is renewed."""
    look_ups_left: int


@dataclass(frozen=True)
class PassphraseStatus:
    """What a practitioner's passphrase has been through since it was last right (V7)."""

    wrong: int
    left: int
    """How many more may be wrong before the lease is erased; 0 once it has been."""
    wait_seconds: int
    """Before the next can be tried."""


@dataclass(frozen=True)
class PartitionStatus:
    """One partition that may be held on this device."""

    partition: str
    title: str
    way: Way
    """How it is held; of a tethered one nothing is here, and the rest is 0."""
    waits: bool
    """Its keys are not here: a sync of an unlocked session brings them, as soon as the lease is
    renewed. So it is at each unlocking with one that is held warm."""
    records: int
    feed: int
    made: int
    """When the server made this state of it, in seconds since 1970 UTC."""


@dataclass(frozen=True)
class Status:
    """Where a device stands. Times are in seconds since 1970 UTC, ``None`` for never."""

    authority: str
    device: str
    generation: int
    practitioner: str | None
    """Whose lease and partitions these are; ``None`` if it is open for no one in particular."""
    locked: bool
    wiped: bool
    access: Literal["active", "paused", "draining", "revoked"]
    suspended: bool
    """Nothing is to be read in the practitioner's name (A4), whatever the device's access."""
    now: int | None
    """The trusted time; ``None`` while there is none, and then nothing can be read."""
    lease: LeaseStatus | None
    passphrase: PassphraseStatus | None
    """``None`` where nobody is named, or the device was wiped."""
    last_tried: int | None
    last_complete: int | None
    pending_edits: int
    """Edits of theirs the server has not been heard to have, counted from the queue itself, what
    an earlier generation left included (P12); of all practitioners where nobody is named."""
    pending_edits_of_others: int
    """The same of whoever else uses the device; more is not told of them (P30)."""
    refused_edits: int
    lost_edits: int | None
    """Edits of whomever that were accepted on this device and are damaged or gone, as far as the
    server is not known to have them; ``None``: there may be some, nobody knows how many (U4)."""
    conflicts: int | None
    """Records that show a conflict; ``None`` while records cannot be read."""
    notices: int
    """What became of edits after their verdicts, unread: see ``Device.notices``."""
    partitions: tuple[PartitionStatus, ...]
    look_ups: int
    """Entries in the journal."""
    look_ups_delivered: int
    pending_look_ups: int
    """Entries of whomever the server has not been heard to have, those of earlier generations
    included."""
    room_left: int | None
    """Bytes that the disk has left, ``None`` if it does not say. What is kept for look-ups and
    edits is not counted (P34)."""
    hand_over_until: int | None
    """Until when a hand-over waits here for its code (P6); ``None`` if none does."""


@dataclass(frozen=True)
class PendingEdit:
    """An edit that is unsent or was refused; what it says is there while it can be read."""

    generation: int
    """The device's when it was made: what an old copy had not delivered goes up under its own."""
    counter: int
    """Its number in that generation."""
    state: Literal["unsent", "refused"]
    code: str
    """Why it was refused."""
    record_id: str | None
    changes: Mapping[str, Value] | None = field(repr=False)
    made_at: int | None


def read_status(
    installation: Installation, practitioner_id: str | None, practitioner: Practitioner | None
) -> Status:
    """The device's status, for whom it is open."""
    identity, contact, journal = installation.identity, installation.contact, installation.journal
    now, before = _trusted_now(installation), left(installation)
    outboxes = (*(each.outbox for each in before), installation.outbox.content)
    unsent = [(outbox, edit.counter) for outbox in outboxes for edit in outbox.undelivered]
    refused = [(outbox, counter) for outbox in outboxes for counter in outbox.refused]
    own = sum(outbox.is_of(counter, practitioner_id) for outbox, counter in unsent)
    delivered = min(contact.journal_next, journal.size)
    return Status(
        authority=identity.authority,
        device=identity.device,
        generation=identity.generation,
        practitioner=practitioner_id,
        locked=practitioner is None,
        wiped=is_wiped(installation),
        access=contact.access,
        suspended=practitioner_id in contact.suspended,
        now=now,
        lease=_lease_status(installation, practitioner_id, now),
        passphrase=_passphrase_status(installation, practitioner_id),
        last_tried=_last_tried(contact, practitioner_id),
        last_complete=contact.last_complete.get(practitioner_id) if practitioner_id else None,
        pending_edits=own,
        pending_edits_of_others=len(unsent) - own,
        refused_edits=sum(outbox.is_of(counter, practitioner_id) for outbox, counter in refused),
        lost_edits=_lost(outboxes),
        conflicts=_conflicts(practitioner),
        notices=_notices(installation, practitioner_id),
        partitions=_partitions(installation, practitioner_id, practitioner),
        look_ups=journal.size,
        look_ups_delivered=delivered,
        pending_look_ups=journal.size - delivered + sum(each.unsent_look_ups for each in before),
        room_left=installation.folder.room_left,
        hand_over_until=_hand_over_until(installation),
    )


def read_pending(
    installation: Installation, practitioner_id: str | None, practitioner: Practitioner | None
) -> tuple[PendingEdit, ...]:
    """Every edit of theirs that is unsent, or was refused and not decided since, in the order of
    making: one does not see another's (P30)."""
    own = {proposal.counter: proposal for proposal in _proposals(practitioner)}
    present, outbox = installation.identity.generation, installation.outbox.content
    return (
        *(  # what was typed in an earlier generation is readable to nobody here any more
            edit
            for each in left(installation)
            for edit in _pending(each.generation, each.outbox, practitioner_id, {})
        ),
        *_pending(present, outbox, practitioner_id, own),
    )


def _pending(
    generation: int,
    outbox: OutboxContent,
    practitioner_id: str | None,
    readable: Mapping[int, Proposal],
) -> Iterator[PendingEdit]:
    unsent = {edit.counter: "" for edit in outbox.undelivered}
    for counter, code in sorted({**unsent, **outbox.refused}.items()):
        if outbox.is_of(counter, practitioner_id):
            proposal = readable.get(counter)
            yield PendingEdit(
                generation=generation,
                counter=counter,
                state="refused" if counter in outbox.refused else "unsent",
                code=code,
                record_id=proposal.record_id if proposal else None,
                changes=_changes(proposal) if proposal else None,
                made_at=proposal.made_at if proposal else None,
            )


def _hand_over_until(installation: Installation) -> int | None:
    with suppress(LocalDataDamaged):  # the next sync brings it again
        waits = installation.hand_over()
        return waits.lease.closes if waits else None
    return None


def _changes(proposal: Proposal) -> dict[str, Value]:
    return {change.path: change.value for change in proposal.changes}


def _lost(outboxes: Iterable[OutboxContent]) -> int | None:
    lost = [outbox.lost_count for outbox in outboxes]
    return None if None in lost else sum(filter(None, lost))


def _proposals(practitioner: Practitioner | None) -> tuple[Proposal, ...]:
    if practitioner is not None:
        with suppress(AccessClosed, LocalDataDamaged):
            return practitioner.holdings().proposals
    return ()


def _conflicts(practitioner: Practitioner | None) -> int | None:
    if practitioner is not None:
        with suppress(AccessClosed, LocalDataDamaged):
            return len(practitioner.holdings().conflicts())
    return None


def _can_open(practitioner: Practitioner | None) -> frozenset[str] | None:
    """The partitions whose keys are here; ``None`` if nothing can be read now."""
    if practitioner is not None:
        with suppress(AccessClosed, LocalDataDamaged):
            granted = practitioner.holdings().store.granted()
            return frozenset(each.partition for each in granted)
    return None


def _notices(installation: Installation, practitioner_id: str | None) -> int:
    if practitioner_id is None:
        return 0
    return Notices(installation.folder, installation.identity, practitioner_id).unread


def _last_tried(contact: Contact, practitioner_id: str | None) -> int | None:
    """When they tried last, or the locked device in everybody's name (P27)."""
    tried = (contact.last_tried.get(who, 0) for who in (practitioner_id or DEVICE_KEY, DEVICE_KEY))
    return max(tried) or None


def _trusted_now(installation: Installation) -> int | None:
    with suppress(AccessClosed):
        return installation.clock.now()
    return None


def _passphrase_status(
    installation: Installation, practitioner_id: str | None
) -> PassphraseStatus | None:
    if practitioner_id not in installation.practitioners() or is_wiped(installation):
        return None
    ladder = installation.ladder(practitioner_id)
    return PassphraseStatus(ladder.attempts.wrong, ladder.left, ladder.wait_seconds)


def _lease_status(
    installation: Installation, practitioner_id: str | None, now: int | None
) -> LeaseStatus | None:
    lease = _lease(installation, practitioner_id)
    if lease is None:
        return None
    spent = installation.journal.spent(lease.practitioner)
    return LeaseStatus(
        state=lease.state(now) if now is not None else None,
        issued=lease.issued,
        warns=lease.warns,
        closes=lease.closes,
        destroys=lease.destroys,
        counts_down=now is not None and now >= lease.half_life,
        seconds_left=max(0, lease.closes - now) if now is not None else None,
        look_ups=lease.look_ups,
        look_ups_left=lease.look_ups_left(spent),
    )


def _lease(installation: Installation, practitioner_id: str | None) -> Lease | None:
    if practitioner_id is not None:
        with suppress(LocalDataDamaged):
            held = stored_lease(installation.folder, installation.identity, practitioner_id)
            return held[1] if held else None
    return None


def _partitions(
    installation: Installation, practitioner_id: str | None, practitioner: Practitioner | None
) -> tuple[PartitionStatus, ...]:
    distribution = None
    if practitioner_id is not None:
        with suppress(LocalDataDamaged):
            distribution = stored_distribution(
                installation.folder, installation.identity, practitioner_id
            )
    if distribution is None:
        return ()
    can_open = _can_open(practitioner)
    listed = frozenset(each.partition for each in distribution.manifests)
    shut = frozenset(distribution.warm) if can_open is None else listed - can_open
    here = (
        PartitionStatus(
            each.partition,
            each.title,
            Way.WARM if each.partition in distribution.warm else Way.OFFLINE,
            waits=each.partition in shut,
            records=each.records,
            feed=each.feed,
            made=each.made,
        )
        for each in distribution.manifests
    )
    on_line = (
        PartitionStatus(
            each.partition, each.title, Way.TETHERED, waits=False, records=0, feed=0, made=0
        )
        for each in distribution.on_line
    )
    return (*here, *on_line)
