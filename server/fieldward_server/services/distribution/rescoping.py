"""Re-scoping: other rules for a partition, whose records come and go through its feed."""

from __future__ import annotations

from collections.abc import Sequence

from fieldward_server.register_entries import RulesChange
from fieldward_server.services.authorities import locked
from fieldward_server.services.distribution.feeds import Feed
from fieldward_server.services.distribution.holdings import rules_previewed
from fieldward_server.services.distribution.partitions import find_partition
from fieldward_server.services.membership import check_rules, chosen_by_both
from fieldward_server.services.platform import Platform
from fieldward_server.services.registering import opening, register
from fieldward_server.storage import Transaction, events, memberships, partitions


def change_partition(
    platform: Platform,
    *,
    authority: str,
    partition: str,
    rules: Sequence[str],
    actor: str,
    reason: str,
    now: int,
) -> int:
    """Have these rules, and no others, choose a partition's records; how many they are now.

    All of it happens at once, and devices follow at their next sync. The same rules again change
    nothing. ``CallerMistake``: "unknown-partition", "rule-malformed", "over-cap" where a device
    would hold more records than its cap.
    """
    check_rules(rules)
    with opening(platform, authority) as transaction:
        locked(transaction, authority)
        before = find_partition(transaction, authority, partition)
        earlier = partitions.rules_of(transaction, authority, partition)
        if set(rules) == set(earlier):
            return before.records
        rules_previewed(
            transaction, authority, partition, rules, change="partition/change"
        ).require_caps()
        rescope(platform, transaction, authority, partition, rules, now=now)
        _register(platform, transaction, authority, partition, earlier, rules)
        events.add(
            transaction,
            authority=authority,
            at=now,
            actor=actor,
            action="partition-changed",
            subject=partition,
            reason=reason,
        )
        return find_partition(transaction, authority, partition).records


def rescope(
    platform: Platform,
    transaction: Transaction,
    authority: str,
    partition: str,
    rules: Sequence[str],
    *,
    now: int,
) -> None:
    """Have these rules choose a partition's records, whoever holds it and however many they are."""
    feed = Feed(platform, transaction, authority, partition)
    for member in memberships.going(transaction, authority, partition, rules):
        feed.remove(member.record_id, before=member.element, hides=False, now=now)
    for record in memberships.coming(transaction, authority, partition, rules):
        feed.put(record.record_id, record.revision, record.view, before=None, hides=False, now=now)
    feed.write()
    partitions.set_rules(transaction, authority, partition, rules)


def _register(
    platform: Platform,
    transaction: Transaction,
    authority: str,
    partition: str,
    earlier: Sequence[str],
    rules: Sequence[str],
) -> None:
    """What goes is on the register before the commit and what comes after it, where both do."""
    kept = chosen_by_both(earlier, rules)
    steps = [step for step in (kept, tuple(rules)) if set(step) != set(earlier)]
    register(
        platform,
        transaction,
        *(RulesChange(authority, partition, step) for step in dict.fromkeys(steps)),
        before=RulesChange(authority, partition, tuple(earlier)),
    )
