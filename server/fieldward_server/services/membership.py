"""Which rules choose a record for partitions. Pure: a record in, rules out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from fieldward_sync.errors import CallerMistake
from fieldward_sync.limits import LOCATED_KINDS
from fieldward_sync.projection import is_shielded, withdrawn
from fieldward_sync.records import Record

ALL = "all"
"""The rule of a partition that holds the whole authority."""

_RULE = re.compile(r"all|team:[A-Z0-9-]{1,24}|sector:[A-Z]{1,2}[0-9][0-9A-Z]? [0-9]")

_CHOOSING = frozenset(("address", "shield", "team", "ended", "consent_withdrawn"))
"""The last parts of the paths that rules look at."""


def check_rules(rules: Iterable[str]) -> None:
    """Raise ``CallerMistake("rule-malformed")`` unless all of these are rules."""
    for rule in rules:
        if not _RULE.fullmatch(rule):
            raise CallerMistake(
                "rule-malformed",
                f"{rule[:40]!r} is not a rule.",
                next_step="A rule is team:<TEAM>, sector:<OUTWARD> <digit> or all: 'sector:S10 2'.",
            )


def chosen_by_both(some: Sequence[str], others: Sequence[str]) -> tuple[str, ...]:
    """The rules among these that choose only what both of the two choose."""
    if ALL in some:
        return tuple(others)
    if ALL in others:
        return tuple(some)
    return tuple(rule for rule in others if rule in some)


def changes_rules(paths: Iterable[str]) -> bool:
    """Whether a change of these paths may change which rules choose a record."""
    return any(path.rpartition(".")[2] in _CHOOSING for path in paths)


def rules_for(record: Record) -> frozenset[str]:
    """Every rule that chooses this record: each live value counts, those in conflict too.

    A shielded record is in no sector: that it is would say where the child lives (H1).
    """
    sectors = [] if is_shielded(record) else _sectors(record)
    return frozenset([ALL, *_teams(record), *sectors])


def _teams(record: Record) -> list[str]:
    """The teams that are involved now: not ended, and consent not withdrawn (C4)."""
    withdrawals = withdrawn(record)
    members = [path.removesuffix(".team") for path in record.deciding["team"]]
    return [
        f"team:{team}"
        for member in members
        if f"{member}.consent_withdrawn" not in withdrawals and not _has_ended(record, member)
        for team in record.values_at(f"{member}.team")
        if team is not None
    ]


def _has_ended(record: Record, member: str) -> bool:
    ends = record.values_at(f"{member}.ended")
    return bool(ends) and all(end is not None for end in ends)


def _sectors(record: Record) -> list[str]:
    sectors = []
    for address in record.values_at("address"):
        if isinstance(address, dict) and address.get("kind") in LOCATED_KINDS:
            outward, _, inward = str(address.get("postcode", "")).partition(" ")
            if inward:
                sectors.append(f"sector:{outward} {inward[0]}")
    return sectors
