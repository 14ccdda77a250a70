"""An entry as a person reads it, each value behind the path that changes it. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from fieldward_client import Child, Status
from fieldward_client.looking.session import STALE_SECONDS
from fieldward_client.terminal.header import ATTENTION, QUIET
from fieldward_client.terminal.wording import dispute_in_words, in_words, moment, span
from fieldward_sync.disputes import field_of, is_of_dispute
from fieldward_sync.field_classes import (
    FIELD_RULES,
    SENSITIVE_SERVICE_SHOWN_AS,
    field_rule,
    split_member,
)

ROOT = ""
"""The group of the fields that belong to no other: name, birth date, address."""

_ORDER = {pattern: place for place, pattern in enumerate(FIELD_RULES)}
_PATH_WIDTH = 20
_SHIELD = "shield"


def card(child: Child, status: Status) -> Iterator[Text]:
    """The whole entry; of a shielded child what may be said, and whom to call (H1)."""
    yield Text(f"\n{whose(child)}", "bold").append(f"   {child.record_id}", QUIET)
    if child.shielded:
        yield Text(
            "SHIELDED: it is hidden where this child can be found, and who works with them.\n"
            f"Call the management team of {status.authority}; only they may say more.",
            ATTENTION,
        )
    for group, paths in _groups(child).items():
        if group != ROOT:
            ended = "  (ended)" if _has_ended(child, group) else ""
            yield Text(f"{group}{ended}", QUIET)
        for path in paths:
            yield from _row(child, group, path)
        if child.values.get(f"{group}.service") == SENSITIVE_SERVICE_SHOWN_AS:
            yield Text(
                "  A service is involved that may not be named here: ask the management team.",
                ATTENTION,
            )
    yield as_at(child.as_at, status)


def whose(child: Child) -> str:
    """A child's name, as far as it is not in conflict."""
    parts = (child.values.get(path) for path in ("name.given", "name.family"))
    return " ".join(in_words(part) for part in parts if part) or "(name in conflict)"


def as_at(seconds: int, status: Status) -> Text:
    """How old what is shown is; stale after a day without a complete sync."""
    age = max(0, (status.now or seconds) - seconds)
    told = "just now" if age < 60 else f"{span(age)} old"
    style = ATTENTION if age > STALE_SECONDS else QUIET
    return Text(f"As at {moment(seconds, now=seconds + age)} ({told}).", style)


def _groups(child: Child) -> dict[str, list[str]]:
    """The paths with a value or a dispute, by group, in the table's order; what has ended comes
    last (D4)."""
    held = {*child.values, *child.conflicts, *child.disputes}
    groups: dict[str, list[str]] = {}
    for path in sorted(held, key=lambda path: (_ORDER[field_rule(path).pattern], path)):
        # The one is said above, the others beside what they are about.
        if path != _SHIELD and not is_of_dispute(path):
            groups.setdefault(_group(path), []).append(path)
    return dict(sorted(groups.items(), key=lambda item: _place(child, *item)))


def _place(child: Child, group: str, paths: list[str]) -> tuple[bool, bool, int, str]:
    first = min(_ORDER[field_rule(path).pattern] for path in paths)
    return group != ROOT, _has_ended(child, group), first, group


def _has_ended(child: Child, group: str) -> bool:
    return f"{group}.ended" in child.values


def _group(path: str) -> str:
    if member := split_member(path):
        return f"{member[0]}/{member[1]}"
    group, dot, _ = path.partition(".")
    return group if dot and group != "name" else ROOT


def _row(child: Child, group: str, path: str) -> Iterator[Text]:
    row = Text(f"  {path.removeprefix(group):<{_PATH_WIDTH}} ")
    if path in child.conflicts:
        row.append("in conflict: somebody must settle it", ATTENTION)
    else:
        row.append(in_words(child.values.get(path)), "bold")
    if path in child.pending:
        row.append("  (not sent yet)", QUIET)
    yield row
    for value in child.conflicts.get(path, ()):
        yield Text(f"  {'':<{_PATH_WIDTH}} ≠ ").append(in_words(value), "bold")
    for dispute in child.disputes.get(path, ()):
        sent = field_of(dispute.dispute_id, "path") not in child.pending
        yield Text(f"  {'':<{_PATH_WIDTH}} ").append(
            dispute_in_words(dispute, sent=sent), ATTENTION if dispute.is_open else QUIET
        )
