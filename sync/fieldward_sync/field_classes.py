"""How each field of a record merges, who may write it, and who sees it: one table (design §5).

A path names one value of a record: ``born``, ``name.family``, ``involvements/8f2c.phone``. A
pattern is a path with ``*`` for a member's id. Settling by class is the server's work alone.
"""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass
from enum import Enum

from fieldward_sync.errors import CallerMistake
from fieldward_sync.limits import RELEASED

MEMBER_ID = re.compile(r"[a-z0-9]{1,16}")

SENSITIVE_SERVICE_SHOWN_AS = "sensitive"
"""What an ordinary reader sees in place of the name of a sensitive service (C2)."""


class FieldClass(Enum):
    """How several live values of a field settle."""

    PLAIN = "plain"
    """All of them are kept until a person settles it."""

    UNIT = "unit"
    """One tagged value, replaced as a whole and settled like a plain one (D3)."""

    SET_MEMBER = "set-member"
    """A plain field of a member of a set. Members are added by id, ended by date and never
    deleted (D4), so additions made apart never conflict."""

    FIXED = "fixed"
    """A field of a member of a set that says what the member is about: set when it is added, and
    from a device never after (R2)."""

    LATCH = "latch"
    """Raised while any raise is unreleased; the server alone releases (H5, C4)."""


class Writer(Enum):
    """Whose edits may set a field."""

    PRACTITIONER = "practitioner"
    SERVER = "server"


class Disclosure(Enum):
    """What an ordinary reader gets of a field."""

    SHOWN = "shown"
    MASKED = "masked"
    """That there is a value, not which: ``SENSITIVE_SERVICE_SHOWN_AS`` stands in its place."""

    HIDDEN = "hidden"
    FOLLOWS = "follows"
    """Shown where the value that it is about is shown, hidden wherever that is not: ``projection``
    finds out."""


@dataclass(frozen=True)
class FieldRule:
    """One row of the table."""

    pattern: str
    field_class: FieldClass
    written_by: Writer = Writer.PRACTITIONER
    on_shielded: Disclosure = Disclosure.HIDDEN
    """What a shielded record shows (H1)."""

    on_sensitive: Disclosure = Disclosure.SHOWN
    """What an involvement of a sensitive service shows (C2)."""

    disputable: bool = True
    """Whether a dispute may be about it (R2)."""


_PLAIN, _UNIT, _MEMBER, _FIXED, _LATCH = FieldClass
_SHOWN, _MASKED, _HIDDEN, _FOLLOWS = Disclosure


def _of_a_dispute(field: str, kind: FieldClass, by: Writer = Writer.PRACTITIONER) -> FieldRule:
    return FieldRule(f"disputes/*.{field}", kind, by, _FOLLOWS, _FOLLOWS, disputable=False)


FIELD_RULES = {
    rule.pattern: rule
    for rule in (
        FieldRule("name.family", _PLAIN, on_shielded=_SHOWN),
        FieldRule("name.given", _PLAIN, on_shielded=_SHOWN),
        FieldRule("born", _PLAIN, on_shielded=_SHOWN),
        FieldRule("sex", _PLAIN, on_shielded=_SHOWN),
        # The number and the reason for its absence exclude each other, which merging path by path
        # could not keep: so both come from the authority alone.
        FieldRule("nhs_number", _PLAIN, Writer.SERVER),
        FieldRule("nhs_number_withheld", _PLAIN, Writer.SERVER),
        FieldRule("address", _UNIT),
        FieldRule("school.code", _PLAIN),
        FieldRule("school.name", _PLAIN),
        FieldRule("school.since", _PLAIN),
        FieldRule("gp.code", _PLAIN),
        FieldRule("gp.name", _PLAIN),
        FieldRule("former_names/*.family", _MEMBER),
        FieldRule("former_names/*.given", _MEMBER),
        FieldRule("carers/*.family", _MEMBER, on_shielded=_SHOWN),
        FieldRule("carers/*.given", _MEMBER, on_shielded=_SHOWN),
        FieldRule("carers/*.relation", _MEMBER, on_shielded=_SHOWN),
        FieldRule("carers/*.phone", _MEMBER),
        FieldRule("carers/*.ended", _MEMBER),
        FieldRule("involvements/*.service", _MEMBER, on_sensitive=_MASKED),
        FieldRule("involvements/*.role", _MEMBER, on_sensitive=_HIDDEN),
        FieldRule("involvements/*.organisation", _MEMBER, on_sensitive=_HIDDEN),
        FieldRule("involvements/*.team", _MEMBER, on_sensitive=_HIDDEN),
        FieldRule("involvements/*.practitioner", _MEMBER, on_sensitive=_HIDDEN),
        FieldRule("involvements/*.phone", _MEMBER, on_sensitive=_HIDDEN),
        FieldRule("involvements/*.email", _MEMBER, on_sensitive=_HIDDEN),
        FieldRule("involvements/*.since", _MEMBER),
        FieldRule("involvements/*.ended", _MEMBER),
        FieldRule("involvements/*.lead", _MEMBER, on_sensitive=_HIDDEN),
        # Disputed by disputing the service. A dispute of the ground would say, once the service has
        # been corrected, that it had been a sensitive one.
        FieldRule(
            "involvements/*.sensitive_ground", _MEMBER, on_sensitive=_HIDDEN, disputable=False
        ),
        FieldRule(
            "involvements/*.consent_withdrawn", _LATCH, on_sensitive=_HIDDEN, disputable=False
        ),
        FieldRule("assessment_exists", _PLAIN),
        FieldRule("shield", _LATCH, on_shielded=_SHOWN, disputable=False),
        # Anybody may say that a value is disputed; how that ended is for the authority to say.
        _of_a_dispute("path", _FIXED),
        _of_a_dispute("since", _FIXED),
        _of_a_dispute("by", _FIXED),
        _of_a_dispute("outcome", _MEMBER, Writer.SERVER),
        _of_a_dispute("ended", _MEMBER, Writer.SERVER),
    )
}
"""Every field a record has, by its pattern."""


SETS = frozenset(pattern.partition("/")[0] for pattern in FIELD_RULES if "/" in pattern)
"""The fields of a record that hold members by id."""


def split_member(path: str) -> tuple[str, str, str] | None:
    """The set, member id and field that a path names; ``None`` unless it names a set's member."""
    container, _, rest = path.partition("/")
    member_id, dot, field = rest.partition(".")
    if dot and MEMBER_ID.fullmatch(member_id):
        return container, member_id, field
    return None


_SINGLE_RULES = {pattern: rule for pattern, rule in FIELD_RULES.items() if "*" not in pattern}
_MEMBER_RULES = {tuple(p.split("/*.")): rule for p, rule in FIELD_RULES.items() if "*" in p}


def field_rule(path: str) -> FieldRule:
    """The row of the table for a path; ``CallerMistake("unknown-field")`` if there is none."""
    # Asked for every field of every record, hence not by a pattern put together each time.
    if rule := _SINGLE_RULES.get(path):
        return rule
    container, _, rest = path.partition("/")
    member_id, _, field = rest.partition(".")
    rule = _MEMBER_RULES.get((container, field))
    if rule is None or not MEMBER_ID.fullmatch(member_id):
        raise CallerMistake("unknown-field", f"A record has no field {path[:80]!r}.")
    return rule


def disputable_paths() -> str:
    """The pattern of the paths that a dispute may be about."""
    any_member = MEMBER_ID.pattern
    patterns = (re.escape(rule.pattern) for rule in FIELD_RULES.values() if rule.disputable)
    return "|".join(pattern.replace(re.escape("*"), any_member) for pattern in patterns)


def check_writer(path: str, value: object, writer: Writer) -> None:
    """Refuse a value that only the server may set, as ``CallerMistake("server-only")``.

    Anybody may raise a latch, because that only ever hides; to release it is the server's (H5).
    """
    rule = field_rule(path)
    if writer is Writer.SERVER:
        return
    if rule.written_by is Writer.SERVER:
        raise CallerMistake(
            "server-only",
            f"{path} is set by the responsible authority, not from a device.",
            next_step="Ask your sync administrator to correct it.",
        )
    if rule.field_class is FieldClass.LATCH and value == RELEASED:
        raise CallerMistake(
            "server-only",
            f"{path} can be raised here, but only an administrator releases it.",
            next_step="Ask your sync administrator to release it.",
        )


def check_fixed(path: str, held: Container[str]) -> None:
    """Refuse a practitioner's change of what was fixed when its member was added, as
    ``CallerMistake("server-only")``; ``held`` are the paths at which the record has values."""
    if field_rule(path).field_class is FieldClass.FIXED and path in held:
        raise CallerMistake(
            "server-only",
            f"{path} stays as it was written first.",
            next_step="Add another one instead.",
        )
