"""What ``docs/bounds.md`` says each table grows with."""

from __future__ import annotations

import re
from pathlib import Path

RULES = {"what there is", "absence", "enrolments", "edits", "look-ups", "commands", "restores"}

_PAGE = Path(__file__).parents[2] / "docs/bounds.md"
_LINE = re.compile(r"^\| (?P<rule>[a-z -]+) \| (?P<tables>`[a-z_`, ]+`) \|", re.MULTILINE)


def rules() -> list[tuple[str, str]]:
    """Each rule and a table that follows it."""
    found = _LINE.finditer(_PAGE.read_text())
    return [
        (line["rule"], table)
        for line in found
        if line["rule"] in RULES
        for table in re.findall("`([a-z_]+)`", line["tables"])
    ]


def tables_by(rule: str) -> set[str]:
    """The tables that follow a rule."""
    return {table for named, table in rules() if named == rule}
