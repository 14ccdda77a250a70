"""Partitions: which records they hold, and who may hold them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import reduce

from fieldward_server.register_entries import GrantChange
from fieldward_server.services.arguments import check
from fieldward_server.services.authorities import locked
from fieldward_server.services.distribution.holdings import (
    Preview,
    grant_previewed,
    rules_previewed,
)
from fieldward_server.services.distribution.partition_keys import (
    begin_epoch,
    digest_key,
    new_digest_key,
)
from fieldward_server.services.membership import check_rules
from fieldward_server.services.platform import Platform
from fieldward_server.services.registering import opening, register
from fieldward_server.storage import (
    Transaction,
    authorities,
    devices,
    events,
    grants,
    holders,
    losses,
    memberships,
    partitions,
)
from fieldward_server.storage.holders import Holder
from fieldward_server.storage.memberships import Member
from fieldward_server.storage.partitions import Partition
from fieldward_sync import digest
from fieldward_sync.distribution import Manifest
from fieldward_sync.encoding import pack, unpack
from fieldward_sync.errors import CallerMistake
from fieldward_sync.leases import MAX_PARTITIONS_OF_A_PRACTITIONER
from fieldward_sync.names import PartitionId

MAX_TITLE_CHARACTERS = 100
FIRST_FEED = 1
"""The number of a partition's making: the records there are then need no entries of their own."""


@dataclass(frozen=True)
class PartitionReport:
    """A partition, for people."""

    authority: str
    partition: str
    title: str
    rules: tuple[str, ...]
    way: str
    """How devices hold it."""
    records: int
    feed: int
    """Changes so far."""
    published_feed: int | None
    """The feed number that its files are at; ``None`` before the first."""
    key_epoch: int
    files: int
    sealed_bytes: int
    holders: int
    """Practitioners on devices that may hold it now."""


def create_partition(
    platform: Platform,
    *,
    authority: str,
    partition: str,
    title: str,
    rules: Sequence[str],
    actor: str,
    reason: str,
    now: int,
) -> int:
    """Make a partition of the records that any of these rules choose; how many they are now.

    A rule is ``team:<TEAM>``, ``sector:<OUTWARD> <digit>`` (as in ``sector:M14 5``) or ``all``.
    ``CallerMistake``: "partition-exists", "rule-malformed", "unknown-authority".
    """
    check(PartitionId, partition, "partition's id")
    if len(title) > MAX_TITLE_CHARACTERS:
        raise CallerMistake("argument-malformed", "The partition's title is too long.")
    check_rules(rules)
    with platform.storage.transaction() as transaction:
        locked(transaction, authority)
        made = _add_empty(platform, transaction, authority, partition, title)
        partitions.set_rules(transaction, authority, partition, rules)
        chosen = _fill(platform, transaction, made, rules)
        events.add(
            transaction,
            authority=authority,
            at=now,
            actor=actor,
            action="partition-made",
            subject=partition,
            reason=reason,
        )
    return chosen


def preview_rules(
    platform: Platform, *, authority: str, partition: str, rules: Sequence[str]
) -> Preview:
    """What it would touch that these rules choose a partition's records: one that is to be made,
    or one that there is. ``CallerMistake("rule-malformed")``."""
    check_rules(rules)
    with platform.storage.reading() as transaction:
        is_there = partitions.find(transaction, authority, partition) is not None
        change = "partition/change" if is_there else "partition/create"
        return rules_previewed(transaction, authority, partition, rules, change=change)


def grant(
    platform: Platform,
    *,
    authority: str,
    device: str,
    practitioner: str,
    partition: str,
    actor: str,
    reason: str,
    now: int,
) -> None:
    """Let a practitioner hold a partition on a device. Given again, it changes nothing.

    ``CallerMistake("over-cap")`` where the device would hold more records than its cap.
    """
    with opening(platform, authority) as transaction:
        locked(transaction, authority)
        holder = find_holder(transaction, authority, device, practitioner)
        find_partition(transaction, authority, partition)
        check_number(
            {partition, *(held.partition_id for held in grants.of_holder(transaction, holder))}
        )
        grant_previewed(transaction, holder, partition, given=True).require_caps()
        if grants.give(transaction, holder, partition, at=now):
            _granted_anew(transaction, holder)
            register(platform, transaction, _grant_change(holder, partition, given=True))
            _tell(
                transaction,
                holder,
                partition,
                action="grant-given",
                actor=actor,
                reason=reason,
                now=now,
            )


def take(
    platform: Platform,
    *,
    authority: str,
    device: str,
    practitioner: str,
    partition: str,
    actor: str,
    reason: str,
    now: int,
) -> None:
    """End a grant: the partition is lost at the next sync, and its next key epoch begins.
    Taken again, it changes nothing."""
    with platform.storage.transaction() as transaction:
        locked(transaction, authority)
        holder = find_holder(transaction, authority, device, practitioner)
        if end_grant(platform, transaction, holder, partition, now=now):
            _tell(
                transaction,
                holder,
                partition,
                action="grant-taken",
                actor=actor,
                reason=reason,
                now=now,
            )


def end_grant(
    platform: Platform, transaction: Transaction, holder: Holder, partition: str, *, now: int
) -> bool:
    """Have a holder lose a partition, whose next key epoch begins; whether there was a grant."""
    if not grants.take(transaction, holder, partition, at=now):
        return False
    _granted_anew(transaction, holder)
    begin_epoch(platform, transaction, find_partition(transaction, holder.authority, partition))
    register(platform, transaction, _grant_change(holder, partition, given=False))
    return True


def given_again(
    transaction: Transaction, holder: Holder | None, named: Collection[str]
) -> tuple[GrantChange, ...]:
    """For the register, which has that these were taken from a holder, before they are given with
    an invitation: a restore holds to the last word on each grant."""
    had = losses.grants(transaction, holder) if holder else ()
    taken = {each.partition_id for each in had if each.taken_at is not None}
    return tuple(
        _grant_change(holder, partition, given=True)
        for partition in named
        if holder and partition in taken
    )


def preview_grant(
    platform: Platform, *, authority: str, device: str, practitioner: str, partition: str
) -> Preview:
    """What it would touch to give this grant; where it has been given, to take it."""
    with platform.storage.reading() as transaction:
        holder = find_holder(transaction, authority, device, practitioner)
        find_partition(transaction, authority, partition)
        held = [granted.partition_id for granted in grants.of_holder(transaction, holder)]
        return grant_previewed(transaction, holder, partition, given=partition not in held)


def list_partitions(platform: Platform, authority: str) -> tuple[PartitionReport, ...]:
    """An authority's partitions, by id."""
    with platform.storage.reading() as transaction:
        return tuple(
            _report(transaction, partition)
            for partition in partitions.of_authority(transaction, authority)
        )


def find_partition(transaction: Transaction, authority: str, partition: str) -> Partition:
    """A partition; ``CallerMistake("unknown-partition")`` if there is none."""
    found = partitions.find(transaction, authority, partition)
    if found is None:
        raise CallerMistake(
            "unknown-partition",
            f"There is no partition {partition[:48]!r}.",
            next_step="`fieldward partition list` has them all.",
        )
    return found


def check_number(held: Collection[str]) -> None:
    """Raise ``CallerMistake("too-many-partitions")`` for more than one practitioner may hold."""
    if len(held) > MAX_PARTITIONS_OF_A_PRACTITIONER:
        raise CallerMistake(
            "too-many-partitions",
            f"A practitioner holds at most {MAX_PARTITIONS_OF_A_PRACTITIONER} partitions.",
        )


def find_holder(transaction: Transaction, authority: str, device: str, practitioner: str) -> Holder:
    """A practitioner on a device's latest generation; ``CallerMistake("unknown-holder")`` else."""
    latest = devices.latest(transaction, authority, device)
    found = latest and holders.find(transaction, authority, device, latest.generation, practitioner)
    if not found:
        raise CallerMistake(
            "unknown-holder", f"{practitioner[:32]!r} is not enrolled on {device[:32]!r}."
        )
    return found


def _add_empty(
    platform: Platform, transaction: Transaction, authority: str, partition: str, title: str
) -> Partition:
    added = partitions.add(
        transaction,
        authority=authority,
        partition_id=partition,
        title=title,
        digest_key=new_digest_key(platform, authority, partition),
        digest=digest.EMPTY,
        file_epochs=pack(()),
    )
    if not added:
        raise CallerMistake(
            "partition-exists",
            f"The partition {partition} exists already.",
            next_step="`fieldward partition change` gives it other rules; or choose another id.",
        )
    begin_epoch(platform, transaction, find_partition(transaction, authority, partition))
    return find_partition(transaction, authority, partition)


def _fill(
    platform: Platform, transaction: Transaction, partition: Partition, rules: Sequence[str]
) -> int:
    """Take in the records that are there."""
    key = digest_key(platform, partition)
    chosen = {
        record.record_id: digest.element(key, record.record_id, record.revision, record.view)
        for record in memberships.coming(
            transaction, partition.authority, partition.partition_id, rules
        )
    }
    memberships.add(
        transaction,
        [
            Member(partition.authority, partition.partition_id, record_id, element)
            for record_id, element in chosen.items()
        ],
    )
    partitions.advance(
        transaction,
        partition,
        feed=FIRST_FEED,
        records=len(chosen),
        digest=reduce(digest.added, chosen.values(), digest.EMPTY),
        redaction_feed=partition.redaction_feed,
    )
    return len(chosen)


def _granted_anew(transaction: Transaction, holder: Holder) -> None:
    state = authorities.next_state(transaction, holder.authority)
    holders.set_changed_state(transaction, holder, state)


def _grant_change(holder: Holder, partition: str, *, given: bool) -> GrantChange:
    return GrantChange(
        holder.authority, holder.device, holder.generation, holder.practitioner, partition, given
    )


def _tell(
    transaction: Transaction,
    holder: Holder,
    partition: str,
    *,
    action: str,
    actor: str,
    reason: str,
    now: int,
) -> None:
    events.add(
        transaction,
        authority=holder.authority,
        at=now,
        actor=actor,
        action=action,
        subject=f"{partition} {holder.practitioner} {holder.device}",
        reason=reason,
    )


def _report(transaction: Transaction, partition: Partition) -> PartitionReport:
    authority, partition_id = partition.authority, partition.partition_id
    manifest: Manifest | None = unpack(Manifest, partition.manifest) if partition.manifest else None
    files = manifest.files if manifest else ()
    return PartitionReport(
        authority=authority,
        partition=partition_id,
        title=partition.title,
        rules=partitions.rules_of(transaction, authority, partition_id),
        way=partition.way,
        records=partition.records,
        feed=partition.feed,
        published_feed=manifest.feed if manifest else None,
        key_epoch=partition.key_epoch,
        files=len(files),
        sealed_bytes=sum(file.sealed_bytes for file in files),
        holders=grants.count_holders(transaction, authority, partition_id),
    )
