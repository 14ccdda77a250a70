"""Every table has a rule that says what its rows grow with, in ``docs/bounds.md``."""

from __future__ import annotations

from pathlib import Path

from fieldward_server.storage import open_storage
from growth import RULES, rules


def test_every_table_of_the_schema_says_by_what_rule_it_grows(tmp_path: Path) -> None:
    storage = open_storage(f"sqlite:///{tmp_path / 'fieldward.db'}")
    storage.migrate()
    tables = storage.tables()
    storage.close()
    named = [table for _, table in rules()]
    assert sorted(named) == sorted(tables)
    assert {rule for rule, _ in rules()} == RULES
