"""What an ordinary reader may see: shields, sensitive services, withdrawn consent."""

from __future__ import annotations

from fieldward_sync.field_classes import FIELD_RULES, FieldClass
from fieldward_sync.projection import conflicts, is_shielded, project, settled_by_rule
from fieldward_sync.records import Change, Edit, Record, Value
from fieldward_sync.versions import Dot
from fieldward_sync.views import View

ADDRESS: Value = {"kind": "current", "lines": ["1 Moss Lane"], "postcode": "M14 5AB"}
LOADED: dict[str, Value] = {
    "name.family": "Okafor",
    "name.given": "Ada",
    "born": "2021-03-04",
    "sex": "female",
    "nhs_number": "9990000018",
    "address": ADDRESS,
    "former_names/a.family": "Smith",
    "carers/a.family": "Okafor",
    "carers/a.relation": "mother",
    "carers/a.phone": "07700 900123",
    "involvements/hv.service": "health-visiting",
    "involvements/hv.phone": "0161 496 0000",
    "involvements/mh.service": "mental-health",
    "involvements/mh.organisation": "Moss Lane Clinic",
    "involvements/mh.phone": "0161 496 0001",
    "involvements/mh.since": "2024-01-01",
    "involvements/mh.sensitive_ground": "consent",
}


NOTHING_SENSITIVE = {p: v for p, v in LOADED.items() if not p.startswith("involvements/mh.")}


def record(*edits: tuple[str, dict[str, Value]], loaded: dict[str, Value] = LOADED) -> Record:
    made = [
        Edit(
            Dot(actor, number),
            "r-1",
            tuple(Change(path, value) for path, value in values.items()),
            "p-1",
            0,
        )
        for number, (actor, values) in enumerate([("server.1", loaded), *edits], start=1)
    ]
    return Record.of("r-1", made)


def view(of: Record) -> View:
    return project(of, {dot: number for number, dot in enumerate(sorted(of.edits), 1)}, 1)


def shown(of: Record) -> dict[str, Value]:
    return {value.path: value.value for value in view(of).values}


def test_an_ordinary_record_shows_all_but_the_sensitive_service() -> None:
    seen = shown(record())
    hidden = {
        "involvements/mh.organisation",
        "involvements/mh.phone",
        "involvements/mh.sensitive_ground",
    }
    assert set(seen) == set(LOADED) - hidden
    assert seen["involvements/mh.service"] == "sensitive"  # C2
    assert seen["involvements/mh.since"] == "2024-01-01"


def test_a_shielded_record_shows_who_the_child_is_and_not_where() -> None:  # H1
    shielded = record(("server.1", {"shield": "raised"}))
    assert is_shielded(shielded)
    assert view(shielded).shielded
    assert set(shown(shielded)) == {
        "name.family",
        "name.given",
        "born",
        "sex",
        "carers/a.family",
        "carers/a.relation",
        "shield",
    }


def test_no_hidden_value_is_in_the_bytes_of_a_view() -> None:  # H3
    data = view(record(("server.1", {"shield": "raised"}))).to_bytes()
    for hidden in (b"Moss Lane", b"M14", b"9990000018", b"Smith", b"07700", b"Clinic", b"mental"):
        assert hidden not in data


def test_a_shield_holds_while_any_raise_is_unreleased() -> None:  # invariant 5, H5
    raised = record(("server.1", {"shield": "raised"}), ("d-ada.1", {"shield": "raised"}))
    release = Edit(
        Dot("server.1", 9),
        "r-1",
        (Change("shield", "released", (Dot("server.1", 2),)),),
        None,
        0,
    )
    assert is_shielded(raised.with_edit(release))
    both = Edit(
        Dot("server.1", 9),
        "r-1",
        (Change("shield", "released", (Dot("d-ada.1", 3), Dot("server.1", 2))),),
        None,
        0,
    )
    assert not is_shielded(raised.with_edit(both))


def test_several_raises_of_a_shield_are_no_conflict() -> None:
    several = record(("server.1", {"shield": "raised"}), ("d-ada.1", {"shield": "released"}))
    assert conflicts(several) == ()
    assert is_shielded(several)


def test_latches_and_no_other_fields_are_settled_by_rule() -> None:  # invariant 5
    for pattern, rule in FIELD_RULES.items():
        is_latch = rule.field_class is FieldClass.LATCH
        assert settled_by_rule(pattern.replace("*", "a1")) == is_latch, pattern


def test_a_record_in_which_nothing_is_sensitive_is_shown_whole() -> None:
    assert shown(record(loaded=NOTHING_SENSITIVE)) == NOTHING_SENSITIVE


def test_a_latch_at_rest_is_not_shown() -> None:
    released = record(("server.1", {"shield": "released"}), loaded=NOTHING_SENSITIVE)
    assert shown(released) == NOTHING_SENSITIVE


def test_where_nothing_is_sensitive_a_shield_and_withdrawn_consent_hide_as_well() -> None:  # H1, C4
    shielded = record(("server.1", {"shield": "raised"}), loaded=NOTHING_SENSITIVE)
    assert not {"address", "involvements/hv.service"} & shown(shielded).keys()
    withdrawn: dict[str, Value] = {"involvements/hv.consent_withdrawn": "raised"}
    without = record(("dev-1.1", withdrawn), loaded=NOTHING_SENSITIVE)
    assert not [path for path in shown(without) if path.startswith("involvements/")]


def test_withdrawn_consent_takes_the_whole_involvement_away() -> None:  # C4
    withdrawn = record(("server.1", {"involvements/mh.consent_withdrawn": "raised"}))
    assert not [path for path in shown(withdrawn) if path.startswith("involvements/mh")]
    assert "involvements/hv.phone" in shown(withdrawn)


def test_a_service_that_one_side_of_a_conflict_calls_sensitive_is_masked() -> None:
    doubtful = record(("d-ada.1", {"involvements/hv.service": "sexual-health"}))
    assert shown(doubtful)["involvements/hv.service"] == "sensitive"
    assert "involvements/hv.phone" not in shown(doubtful)


def test_a_ground_that_one_side_of_a_conflict_took_away_masks_all_the_same() -> None:  # C2
    doubtful = record(
        ("d-ada.1", {"involvements/hv.sensitive_ground": None}),
        ("d-ben.1", {"involvements/hv.sensitive_ground": "suspected-significant-harm"}),
    )
    assert shown(doubtful)["involvements/hv.service"] == "sensitive"
    assert "involvements/hv.sensitive_ground" not in shown(doubtful)
    assert "involvements/hv.phone" not in shown(doubtful)


def test_both_values_of_a_conflict_are_shown_with_their_numbers() -> None:
    disputed = record(("d-ada.1", {"name.given": "Adah"}))
    assert view(disputed).conflicts == ("name.given",)
    assert {value.value for value in view(disputed).at("name.given")} == {"Ada", "Adah"}
    assert len({value.number for value in view(disputed).at("name.given")}) == 2


def test_a_dispute_that_does_not_say_what_it_is_about_is_not_shown_where_anything_is_hidden() -> (
    None
):
    stray: dict[str, Value] = {"disputes/d1.by": "carer", "shield": "raised"}
    assert "disputes/d1.by" not in shown(record(("d-ada.1", stray)))
