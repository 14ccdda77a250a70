"""The one table of field classes: what merges how, who writes it, who sees it (design §5)."""

from __future__ import annotations

import pytest

from fieldward_sync.errors import CallerMistake
from fieldward_sync.field_classes import (
    FIELD_RULES,
    SETS,
    Disclosure,
    FieldClass,
    Writer,
    check_writer,
    field_rule,
    split_member,
)
from fieldward_sync.schema import RecordSchema


def patterns_of_the_schema() -> set[str]:
    patterns = set()
    for name, field in RecordSchema().fields.items():
        member = getattr(field, "value_field", None)
        inner = getattr(member or field, "schema", None)
        if name == "address" or inner is None:
            patterns.add(name)
        else:
            joint = f"{name}/*." if member else f"{name}."
            patterns |= {joint + inner_name for inner_name in inner.fields}
    return patterns - {"record_id", "authority"}


def seen(*, on: str) -> set[str]:
    return {
        pattern for pattern, rule in FIELD_RULES.items() if getattr(rule, on) is Disclosure.SHOWN
    }


def test_the_table_has_a_row_for_every_field_of_the_schema_and_no_other() -> None:
    assert set(FIELD_RULES) == patterns_of_the_schema()


def test_a_shielded_record_shows_what_h1_allows_and_nothing_else() -> None:
    assert seen(on="on_shielded") == {
        "name.family",
        "name.given",
        "born",
        "sex",
        "carers/*.family",
        "carers/*.given",
        "carers/*.relation",
        "shield",
    }


def test_a_dispute_is_shown_or_hidden_with_its_value_and_by_no_rule_of_its_own() -> None:
    """R2"""
    follows = {p for p, rule in FIELD_RULES.items() if rule.on_shielded is Disclosure.FOLLOWS}
    assert follows == {pattern for pattern in FIELD_RULES if pattern.startswith("disputes/")}
    assert all(FIELD_RULES[p].on_sensitive is Disclosure.FOLLOWS for p in follows)


def test_nothing_can_be_disputed_that_hides_or_would_say_what_was_hidden() -> None:
    assert {p for p, rule in FIELD_RULES.items() if not rule.disputable} == {
        "shield",
        "involvements/*.consent_withdrawn",
        "involvements/*.sensitive_ground",
        *(pattern for pattern in FIELD_RULES if pattern.startswith("disputes/")),
    }


def test_nothing_is_masked_on_a_shielded_record_because_a_mask_says_that_there_is_a_value() -> None:
    assert Disclosure.MASKED not in {rule.on_shielded for rule in FIELD_RULES.values()}


def test_of_a_sensitive_involvement_an_ordinary_reader_sees_only_that_and_when() -> None:
    of_involvements = {p for p in FIELD_RULES if p.startswith("involvements/")}
    assert seen(on="on_sensitive") & of_involvements == {
        "involvements/*.since",
        "involvements/*.ended",
    }
    masked = {p for p, rule in FIELD_RULES.items() if rule.on_sensitive is Disclosure.MASKED}
    assert masked == {"involvements/*.service"}


def test_the_address_is_one_unit() -> None:
    assert field_rule("address").field_class is FieldClass.UNIT


@pytest.mark.parametrize(
    "path", ["carers/a1.phone", "involvements/8f2c.ended", "former_names/x.given"]
)
def test_what_belongs_to_a_member_of_a_set_is_classed_so(path: str) -> None:
    assert field_rule(path).field_class is FieldClass.SET_MEMBER
    assert path.partition("/")[0] in SETS


@pytest.mark.parametrize("path", ["shield", "involvements/8f2c.consent_withdrawn"])
def test_anybody_raises_a_latch_and_only_the_server_releases_it(path: str) -> None:
    assert field_rule(path).field_class is FieldClass.LATCH
    check_writer(path, "raised", Writer.PRACTITIONER)
    check_writer(path, "released", Writer.SERVER)
    with pytest.raises(CallerMistake) as refusal:
        check_writer(path, "released", Writer.PRACTITIONER)
    assert refusal.value.code == "server-only"


@pytest.mark.parametrize("path", ["nhs_number", "nhs_number_withheld"])
def test_the_identifier_is_never_set_from_a_device(path: str) -> None:
    with pytest.raises(CallerMistake) as refusal:
        check_writer(path, "9990000018", Writer.PRACTITIONER)
    assert refusal.value.code == "server-only"


@pytest.mark.parametrize(
    "path",
    [
        "",
        "notes",
        "name",
        "name.middle",
        "address.lines",
        "involvements",
        "involvements/8f2c",
        "involvements/8f2c.notes",
        "involvements/*.phone",
        "involvements/8F2C.phone",
        "involvements/.phone",
        "involvements/abcdefghijklmnopq.phone",
        "involvements/8f2c.phone.extra",
        "involvements/8f2c\n.phone",
        "carers/a1.name.family",
        "shield/a1.given",
    ],
)
def test_a_path_that_names_no_field_is_refused(path: str) -> None:
    with pytest.raises(CallerMistake) as refusal:
        field_rule(path)
    assert refusal.value.code == "unknown-field"


def test_a_members_path_comes_apart_into_set_id_and_field() -> None:
    assert split_member("carers/a1.phone") == ("carers", "a1", "phone")
    assert split_member("school.name") is None
