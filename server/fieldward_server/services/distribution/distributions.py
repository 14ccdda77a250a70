"""What a practitioner on a device may hold, under one signature (protocol §6)."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from fieldward_server.services.authorities import open_answer_key
from fieldward_server.services.platform import Platform
from fieldward_server.storage import Transaction, grants, partitions
from fieldward_server.storage.authorities import Authority
from fieldward_server.storage.grants import Granted
from fieldward_server.storage.holders import Holder
from fieldward_sync.distribution import MAX_MANIFESTS, Distribution, Manifest, OnLine
from fieldward_sync.encoding import unpack
from fieldward_sync.signing import Signed, sign
from fieldward_sync.ways import KEPT, Way

DISTRIBUTION_SECONDS = 24 * 3600
"""How long a device may take a distribution from the network."""


def with_files(granted: Iterable[Granted]) -> tuple[Granted, ...]:
    """Of what is granted, what a device gets files of."""
    return tuple(each for each in granted if KEPT[Way(each.way)].files)


def held_warm(held: Iterable[Granted]) -> tuple[Granted, ...]:
    """Of that, what a device gets keys of for memory alone."""
    return tuple(each for each in held if not KEPT[Way(each.way)].keys_on_disk)


def state_number(holder: Holder | None, held: Iterable[Granted]) -> int:
    """The state number of the last change that concerned a holder."""
    changed = holder.changed_state if holder else 0
    return max([changed, *(each.published_state for each in held)])


def sign_distribution(
    platform: Platform,
    transaction: Transaction,
    authority: Authority,
    holder: Holder,
    granted: Collection[Granted],
    *,
    left: Iterable[str],
    needed: Collection[str],
    now: int,
) -> Signed | None:
    """All that a holder may hold now; ``left`` is what is on the device, what is shown first.

    What is left and not granted is lost, even where no grant of it is known here: the one that
    brought it may be later than a backup that was restored. ``None`` where a partition that is
    ``needed`` has no files yet.
    """
    held = with_files(granted)
    names = [each.partition_id for each in held]
    packed = partitions.manifests(transaction, authority.authority, names)
    manifests = tuple(unpack(Manifest, each) for each in packed)
    if not {*needed}.intersection(names) <= {each.partition for each in manifests}:
        return None
    lost = (
        *(each for each in left if each not in {it.partition_id for it in granted}),
        *grants.taken(transaction, holder, at_most=MAX_MANIFESTS),
    )
    distribution = Distribution(
        authority=authority.authority,
        incarnation=authority.incarnation,
        device=holder.device,
        generation=holder.generation,
        practitioner=holder.practitioner,
        number=state_number(holder, held),
        issued=now,
        expires=now + DISTRIBUTION_SECONDS,
        manifests=manifests,
        lost=tuple(dict.fromkeys(lost))[:MAX_MANIFESTS],
        on_line=tuple(
            OnLine(each.partition_id, each.title) for each in granted if each not in held
        ),
        warm=tuple(each.partition_id for each in held_warm(held)),
    )
    return sign(distribution, open_answer_key(platform, authority))
