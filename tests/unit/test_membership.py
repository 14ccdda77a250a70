"""Which rules choose a record for partitions."""

from __future__ import annotations

import pytest

from fieldward_server.services.membership import changes_rules, rules_for
from fieldward_sync.field_classes import FIELD_RULES
from fieldward_sync.records import Change, Edit, Record, Value
from fieldward_sync.versions import Dot

HERE: Value = {"kind": "current", "lines": ["1 High Street"], "postcode": "M14 5AB"}
INVOLVED: dict[str, Value] = {
    "involvements/a1.team": "HV-1",
    "involvements/a1.service": "health-visiting",
}


def record(*edits: dict[str, Value]) -> Record:
    """A record of these edits, none of which replaces another."""
    return Record.of(
        "c1",
        (
            Edit(
                Dot("server.1", number),
                "c1",
                tuple(Change(path, value) for path, value in values.items()),
                None,
                0,
            )
            for number, values in enumerate(edits, start=1)
        ),
    )


def test_every_record_is_in_the_whole_authority() -> None:
    assert rules_for(record({"sex": "female"})) == {"all"}


def test_a_team_that_is_involved_has_the_record() -> None:
    assert rules_for(record(INVOLVED)) == {"all", "team:HV-1"}


def test_a_team_whose_involvement_has_ended_has_not() -> None:
    assert rules_for(record({**INVOLVED, "involvements/a1.ended": "2026-01-31"})) == {"all"}


def test_an_end_that_somebody_took_back_is_in_doubt_so_the_team_keeps_the_record() -> None:
    ended: dict[str, Value] = {"involvements/a1.ended": "2026-01-31"}
    taken_back: dict[str, Value] = {"involvements/a1.ended": None}
    assert "team:HV-1" in rules_for(record(INVOLVED, ended, taken_back))


def test_a_team_whose_consent_was_withdrawn_has_not() -> None:
    withdrawn: dict[str, Value] = {**INVOLVED, "involvements/a1.consent_withdrawn": "raised"}
    assert rules_for(record(withdrawn)) == {"all"}


def test_a_record_whose_team_is_in_conflict_is_in_both() -> None:
    other: dict[str, Value] = {"involvements/a1.team": "HV-2"}
    assert rules_for(record(INVOLVED, other)) == {"all", "team:HV-1", "team:HV-2"}


def test_an_address_is_in_its_postcodes_sector() -> None:
    assert rules_for(record({"address": HERE})) == {"all", "sector:M14 5"}


def test_an_address_without_a_postcode_is_in_no_sector() -> None:
    unknown: dict[str, Value] = {"address": {"kind": "no-known-address"}}
    without: dict[str, Value] = {"address": {"kind": "current", "lines": ["1 High Street"]}}
    assert rules_for(record(unknown)) == rules_for(record(without)) == {"all"}


def test_a_shield_takes_a_record_out_of_its_sector_but_not_from_its_team() -> None:
    shielded = record({"address": HERE, "shield": "raised"}, INVOLVED)
    assert rules_for(shielded) == {"all", "team:HV-1"}


@pytest.mark.parametrize("path", [pattern.replace("*", "a1") for pattern in FIELD_RULES])
def test_a_field_that_does_not_change_rules_chooses_nothing(path: str) -> None:
    """Whoever changes it is not asked again which partitions the record is in (R8)."""
    before = rules_for(record({**INVOLVED, "address": HERE}))
    elsewhere: Value = {"kind": "current", "lines": ["2 Low Road"], "postcode": "LS1 4AP"}
    for value in ("HV-2", "raised", "2026-01-31", "gp", elsewhere):
        after = rules_for(record({**INVOLVED, "address": HERE}, {path: value}))
        assert after == before or changes_rules([path])
