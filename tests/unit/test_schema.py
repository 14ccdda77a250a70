"""What a record may hold: D1, D2, D3, D4, D6, D7 and C1, in both shapes, for whole records and for
single edits."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldward_sync import limits
from fieldward_sync.errors import CallerMistake
from fieldward_sync.field_classes import FIELD_RULES
from fieldward_sync.nhs_numbers import nhs_check_digit
from fieldward_sync.records import MAX_CHANGES_IN_AN_EDIT, Value
from fieldward_sync.schema import (
    FieldError,
    FieldsRefused,
    check_edit,
    check_value,
    flatten,
    load_record,
)
from fieldward_sync.views import MAX_VALUES_OF_A_VIEW
from record_examples import RECORD, involvement, record, without


def errors_of(data: Any) -> dict[str, str]:
    with pytest.raises(FieldsRefused) as refusal:
        load_record(data)
    assert refusal.value.code == "invalid-record"
    return dict(refusal.value.field_errors)


def reason_against(path: str, value: object) -> str:
    with pytest.raises(FieldsRefused) as refusal:
        check_value(path, value)
    assert refusal.value.code == "invalid-value"
    assert {error.path for error in refusal.value.field_errors} == {path}
    return refusal.value.field_errors[0].reason


class TestARecord:
    def test_that_is_complete_loads_flat(self) -> None:
        loaded = load_record(record())
        assert (loaded.record_id, loaded.authority) == ("k7f3m2q4x5a6", "E08000003")
        assert loaded.fields["name.family"] == "Okafor"
        assert loaded.fields["involvements/8f2c.phone"] == "07700 900123"
        assert loaded.fields["address"] == RECORD["address"]

    def test_in_its_nested_shape_is_what_was_loaded(self) -> None:
        loaded = load_record(record())
        ours = {"record_id": loaded.record_id, "authority": loaded.authority}
        assert {**ours, **nest(loaded.fields)} == RECORD

    @pytest.mark.parametrize("name", ["record_id", "authority", "name", "born", "sex", "address"])
    def test_lacks_nothing_that_is_required(self, name: str) -> None:
        assert errors_of(without(name))[name] == "Is missing."

    def test_has_no_room_for_notes_anywhere(self) -> None:
        noted = involvement(notes="seems low")
        noted["notes"] = "mother tired"
        assert errors_of(noted) == {
            "notes": "There is no such field.",
            "involvements/8f2c.notes": "There is no such field.",
        }

    def test_tells_all_that_is_wrong_with_it_at_once(self) -> None:
        wrong = record(born="14/03/2021", sex="F", carers={"c1": {"family": "Okafor"}})
        assert set(errors_of(wrong)) == {"born", "sex", "carers/c1.given", "carers/c1.relation"}

    def test_that_is_no_object_is_refused_as_a_whole(self) -> None:
        assert errors_of(["a", "list"]) == {"": "Must be an object."}

    @pytest.mark.parametrize("code", ["E08000039", "E06000052", "E09000025", "E10000016"])
    def test_belongs_to_an_authority_by_its_ons_code(self, code: str) -> None:
        assert load_record(record(authority=code)).authority == code

    @pytest.mark.parametrize(
        "code", ["E05000019", "E0800001", "E080000399", "W06000001", "E0800001٩"]
    )
    def test_belongs_to_no_area_that_is_not_an_authority(self, code: str) -> None:
        assert "authority" in errors_of(record(authority=code))

    @pytest.mark.parametrize("record_id", ["", "A1", "a_b", "a" * 33, "a\n", "é"])
    def test_has_an_id_that_fits_into_a_path(self, record_id: str) -> None:
        assert "record_id" in errors_of(record(record_id=record_id))

    @pytest.mark.parametrize("container", sorted(limits.MAX_MEMBERS))
    def test_holds_a_bounded_number_of_members(self, container: str) -> None:
        member = next(iter(RECORD[container].values()))
        crowd = {f"m{n}": member for n in range(limits.MAX_MEMBERS[container] + 1)}
        assert "more than" in errors_of(record(**{container: crowd}))[container]

    def test_fits_into_one_edit_and_one_view_however_full(self) -> None:
        members = Counter(pattern.partition("/")[0] for pattern in FIELD_RULES)
        fields = sum(count * limits.MAX_MEMBERS.get(name, 1) for name, count in members.items())
        assert 1000 < fields <= min(MAX_CHANGES_IN_AN_EDIT, MAX_VALUES_OF_A_VIEW)

    def test_names_its_members_by_short_plain_ids(self) -> None:
        carer = RECORD["carers"]["c1"]
        assert "carers/(other)" in errors_of(record(carers={"C-1": carer}))

    def test_refused_never_repeats_what_it_held(self) -> None:
        secret = "Rosebud9"
        wrong = record(
            name={"family": secret, "given": secret},
            born=secret,
            nhs_number=secret,
            address={"kind": "current", "lines": [f"{secret}!"], "postcode": secret},
            carers={secret: {secret: secret}},
        )
        wrong[secret] = secret
        with pytest.raises(FieldsRefused) as refusal:
            load_record(wrong)
        assert len(refusal.value.field_errors) >= 8
        told = json.dumps(refusal.value.field_errors) + refusal.value.diagnostics()
        assert secret not in told


class TestTheIdentifier:
    @pytest.mark.parametrize("number", ["9434765919", "9990000018", "4010232137"])
    def test_is_an_nhs_number_whose_check_digit_fits(self, number: str) -> None:
        assert check_value("nhs_number", number) == number

    @pytest.mark.parametrize("place", range(10))
    def test_with_one_digit_mistyped_is_refused(self, place: int) -> None:
        digit = str((int("9434765919"[place]) + 1) % 10)
        reason_against("nhs_number", "9434765919"[:place] + digit + "9434765919"[place + 1 :])

    @pytest.mark.parametrize(
        "number", ["943 476 5919", "943476591", "0000000000", "94347659１9", 9434765919]
    )
    def test_in_another_form_is_refused(self, number: object) -> None:
        reason_against("nhs_number", number)

    def test_has_no_check_digit_where_the_remainder_leaves_none(self) -> None:
        assert nhs_check_digit("943476591") == 9
        assert nhs_check_digit("999000000") is None

    def test_may_be_withheld_for_a_reason(self) -> None:
        withheld = {**without("nhs_number"), "nhs_number_withheld": "detrimental-to-child"}
        assert load_record(withheld).fields["nhs_number_withheld"] == "detrimental-to-child"

    def test_is_never_just_absent(self) -> None:
        assert "nhs_number" in errors_of(without("nhs_number"))

    def test_does_not_stand_beside_a_reason_for_its_absence(self) -> None:
        assert "nhs_number" in errors_of(record(nhs_number_withheld="not-known-in-time"))

    def test_is_replaced_by_a_reason_in_one_edit_or_not_at_all(self) -> None:
        shown: dict[str, Value] = {"nhs_number": "9434765919"}
        reason: dict[str, Value] = {"nhs_number_withheld": "detrimental-to-child"}
        with pytest.raises(FieldsRefused):
            check_edit(reason, shown=shown)
        check_edit({**reason, "nhs_number": None}, shown=shown)


class TestNames:
    @pytest.mark.parametrize(
        "name",
        [
            "O'Brien",
            "O’Brien",
            "Smith-Rowe",
            "St. John",
            "de la Cruz",
            "Łukasz",
            "Nguyễn",
            "محمد",
            "李",
            "प्रिया",
            "Ng",
            "'Abd al-Raḥmān",
            "Ștefan",
        ],
    )
    def test_of_all_communities_are_accepted(self, name: str) -> None:
        assert check_value("name.family", name) == name

    @pytest.mark.parametrize(
        "name",
        [
            "",
            " ",
            "-",
            " Ada",
            "Ada ",
            "Ada  Rose",
            "Ada\n",
            "Ada\x00",
            "Ada\u200b",
            "Ada\u202e",
            "Ada2",
            "Ada; Rose",
            "<b>",
            "Ada?",
            "Ade\u0301",
            "\u3164",
            "Ada\u115f",
            "Ada\ufe0f",
            "Ad\u034fa",
            "Ada\U000e0100",
            "A" * 71,
            "hits her when he has been drinking",
        ],
    )
    def test_that_are_something_else_are_refused(self, name: str) -> None:
        reason_against("name.given", name)

    def test_have_a_named_bound(self) -> None:
        assert check_value("name.family", "A" * limits.MAX_NAME_CHARACTERS)


class TestTheAddress:
    @pytest.mark.parametrize(
        "address",
        [
            {"kind": "current", "lines": ["1 High Street", "Truro"], "postcode": "TR1 2AB"},
            {"kind": "current", "lines": ["Moorings, Canal Basin"]},
            {"kind": "last-known", "lines": ["Flat 3/1 (rear), Bell & Crown Yard"]},
            {"kind": "no-known-address"},
            {"kind": "left-england", "intends_return": "unknown"},
        ],
    )
    def test_is_one_of_four_kinds(self, address: dict[str, object]) -> None:
        assert check_value("address", address) == address

    @pytest.mark.parametrize(
        "address",
        [
            {},
            {"kind": "unknown"},
            {"kind": "current"},
            {"kind": "current", "lines": []},
            {"kind": "current", "lines": ["1 High Street"] * (limits.MAX_ADDRESS_LINES + 1)},
            {"kind": "current", "lines": ["x" * (limits.MAX_ADDRESS_LINE_CHARACTERS + 1)]},
            {"kind": "current", "lines": ["1 High Street\nTruro"]},
            {"kind": "current", "lines": "1 High Street"},
            {"kind": "current", "lines": ["1 High Street"], "intends_return": "yes"},
            {"kind": "no-known-address", "lines": ["1 High Street"]},
            {"kind": "no-known-address", "postcode": "TR1 2AB"},
            {"kind": "left-england"},
            {"kind": "left-england", "intends_return": "maybe"},
            {"kind": "left-england", "intends_return": "no", "postcode": "TR1 2AB"},
            "1 High Street",
        ],
    )
    def test_that_mixes_the_kinds_is_refused(self, address: object) -> None:
        reason_against("address", address)

    def test_is_never_removed_because_its_absence_is_data(self) -> None:
        assert reason_against("address", None) == "Can be changed, but not removed."

    def test_tells_which_part_of_it_is_wrong(self) -> None:
        address = {"kind": "current", "lines": ["1 High Street"], "postcode": "tr12ab"}
        assert reason_against("address", address).startswith("postcode: ")

    @pytest.mark.parametrize(
        "postcode", ["M14 5AB", "S6 2FW", "E6 1SA", "EC1A 1BB", "W1A 1HQ", "DN55 1PT"]
    )
    def test_has_a_postcode_in_its_normal_form(self, postcode: str) -> None:
        check_value("address", {"kind": "current", "lines": ["1"], "postcode": postcode})

    @pytest.mark.parametrize(
        "postcode", ["M145AB", "m14 5ab", "M14  5AB", "Q1 1AA", "M14 5AI", "M14 5AB\n"]
    )
    def test_has_no_postcode_in_another_form(self, postcode: str) -> None:
        reason_against("address", {"kind": "current", "lines": ["1"], "postcode": postcode})


class TestDates:
    @pytest.mark.parametrize("day", ["2024-02-29", limits.EARLIEST_DATE, limits.LATEST_DATE])
    def test_that_exist_are_accepted(self, day: str) -> None:
        assert check_value("born", day) == day

    @pytest.mark.parametrize(
        "day",
        [
            "2023-02-29",
            "20230228",
            "2023-2-8",
            "2023-W05-2",
            "1979-12-31",
            "2100-01-01",
            "２０23-01-01",
        ],
    )
    def test_that_do_not_or_lie_far_away_are_refused(self, day: str) -> None:
        reason_against("born", day)


class TestInvolvements:
    @pytest.mark.parametrize("service", limits.SENSITIVE_SERVICES)
    def test_of_a_sensitive_service_need_a_legal_ground(self, service: str) -> None:
        assert set(errors_of(involvement(service=service))) == {
            "involvements/8f2c.sensitive_ground"
        }
        for ground in limits.SENSITIVE_GROUNDS:
            load_record(involvement(service=service, sensitive_ground=ground))

    def test_are_never_called_sensitive_by_their_author(self) -> None:
        reason_against("involvements/8f2c.service", "sensitive")

    def test_end_after_they_began(self) -> None:
        assert set(errors_of(involvement(ended="2021-03-25"))) == {"involvements/8f2c.ended"}
        load_record(involvement(ended="2021-03-26"))

    def test_keep_their_start_and_can_be_open_again(self) -> None:
        reason_against("involvements/8f2c.since", None)
        assert check_value("involvements/8f2c.ended", None) is None

    @pytest.mark.parametrize("flag", [1, 0, "true", "yes", None])
    def test_are_led_or_not_without_a_third_way(self, flag: object) -> None:
        assert "involvements/8f2c.lead" in errors_of(involvement(lead=flag))

    @pytest.mark.parametrize("phone", ["07700 900123", "0161 496 0123", "+44 7700 900123"])
    def test_have_a_telephone_number(self, phone: str) -> None:
        assert check_value("involvements/8f2c.phone", phone) == phone

    @pytest.mark.parametrize(
        "phone", ["ring after six", "07700  900123", "0770", "07700 900123 x2", "٠7700900123"]
    )
    def test_have_no_remark_in_place_of_a_number(self, phone: str) -> None:
        reason_against("involvements/8f2c.phone", phone)

    @pytest.mark.parametrize("email", ["a@b", "a b@example.org", "@example.org", "a@example.org\n"])
    def test_have_an_address_that_mail_can_reach(self, email: str) -> None:
        reason_against("involvements/8f2c.email", email)

    @pytest.mark.parametrize("team", ["hv-1", "HV 1", "A" * 25, ""])
    def test_have_a_team_by_its_code(self, team: str) -> None:
        reason_against("involvements/8f2c.team", team)


class TestSingleValues:
    @pytest.mark.parametrize("pattern", sorted(FIELD_RULES))
    def test_are_checked_by_the_same_rules_as_in_a_record(self, pattern: str) -> None:
        for wrong in (7.5, ["x"], b"07700 900123", "no such\nvalue"):
            reason_against(pattern.replace("*", "a1"), wrong)

    @pytest.mark.parametrize("pattern", sorted(FIELD_RULES.keys() - {"address"}))
    def test_have_a_bound_on_their_length(self, pattern: str) -> None:
        for filler in ("A", "a", "1", "0 ", "a@a."):
            reason_against(pattern.replace("*", "a1"), filler * 2000)

    def test_at_an_unknown_path_are_refused(self) -> None:
        with pytest.raises(CallerMistake) as refusal:
            check_value("involvements/8f2c.notes", "tired")
        assert refusal.value.code == "unknown-field"

    @pytest.mark.parametrize("path", ["name.given", "sex", "shield", "carers/c1.relation"])
    def test_that_a_record_cannot_be_without_are_not_removed(self, path: str) -> None:
        reason_against(path, None)

    @pytest.mark.parametrize(
        "path", ["school.code", "gp.name", "carers/c1.phone", "assessment_exists"]
    )
    def test_that_a_record_can_be_without_are_removed(self, path: str) -> None:
        assert check_value(path, None) is None


class TestEdits:
    SHOWN = load_record(record()).fields

    def refusals(self, changes: Mapping[str, object]) -> set[str]:
        with pytest.raises(FieldsRefused) as refusal:
            check_edit(changes, shown=self.SHOWN)
        assert refusal.value.code == "invalid-edit"
        return {error.path for error in refusal.value.field_errors}

    def test_of_one_field_need_nothing_else(self) -> None:
        changes = {"involvements/8f2c.phone": "07700 900456"}
        assert check_edit(changes, shown=self.SHOWN) == changes

    def test_that_add_a_member_bring_all_it_needs(self) -> None:
        assert self.refusals({"carers/c2.phone": "07700 900456"}) == {
            "carers/c2.family",
            "carers/c2.given",
            "carers/c2.relation",
        }

    def test_that_leave_a_school_without_a_name_are_refused(self) -> None:
        assert self.refusals({"school.name": None}) == {"school.name"}
        check_edit(
            {"school.name": None, "school.code": None, "school.since": None}, shown=self.SHOWN
        )

    def test_that_make_a_service_sensitive_bring_the_ground(self) -> None:
        change = {"involvements/8f2c.service": "mental-health"}
        assert self.refusals(change) == {"involvements/8f2c.sensitive_ground"}
        check_edit({**change, "involvements/8f2c.sensitive_ground": "consent"}, shown=self.SHOWN)

    def test_that_end_before_the_start_shown_are_refused(self) -> None:
        assert self.refusals({"involvements/8f2c.ended": "2020-01-01"}) == {
            "involvements/8f2c.ended"
        }

    def test_beyond_the_number_of_members_are_refused(self) -> None:
        full: dict[str, object] = {
            f"former_names/n{n}.{part}": "Eze"
            for n in range(limits.MAX_MEMBERS["former_names"])
            for part in ("family", "given")
        }
        assert self.refusals(full) == {"former_names"}

    def test_are_possible_on_a_view_that_hides_a_sensitive_service(self) -> None:
        view: dict[str, Value] = {
            "involvements/9a.service": "sensitive",
            "involvements/9a.since": "2024-05-01",
        }
        check_edit({"involvements/9a.ended": "2025-05-01"}, shown=view)

    def test_do_not_fail_for_older_faults_elsewhere_in_the_record(self) -> None:
        faulty = {**self.SHOWN, "involvements/9a.service": "mental-health"}
        check_edit({"carers/c1.phone": "07700 900456"}, shown=faulty)


def test_a_refusal_tells_a_person_which_field_and_what_to_do() -> None:
    with pytest.raises(FieldsRefused) as refusal:
        check_value("sex", "F")
    assert refusal.value.field_errors == (
        FieldError("sex", "One of: female, male, not-specified."),
    )
    assert "sex: One of: female, male, not-specified." in refusal.value.diagnostics()


MEMBER_IDS = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=16)
PATHS = st.builds(
    lambda pattern, member_id: pattern.replace("*", member_id),
    st.sampled_from(sorted(FIELD_RULES)),
    MEMBER_IDS,
)
ADDRESSES = st.sampled_from([{"kind": "no-known-address"}, RECORD["address"]])


@st.composite
def flat_fields(draw: st.DrawFn) -> dict[str, Value]:
    paths = draw(st.sets(PATHS))
    return {
        path: draw(ADDRESSES if path == "address" else st.text(max_size=20) | st.booleans())
        for path in paths
    }


def nest(flat: Mapping[str, Value]) -> dict[str, Any]:
    """The nested shape of these fields."""
    nested: dict[str, Any] = {}
    for path, value in flat.items():
        *containers, name = re.split(r"[/.]", path)
        inner = nested
        for container in containers:
            inner = inner.setdefault(container, {})
        inner[name] = value
    return nested


@given(flat_fields())
def test_flat_and_nested_are_two_shapes_of_the_same(flat: dict[str, Value]) -> None:
    nested = nest(flat)
    assert flatten(nested) == flat
    assert nest(flatten(nested)) == nested


@given(st.sampled_from(sorted(FIELD_RULES)), st.text(max_size=80))
def test_a_value_that_passes_comes_back_unchanged(pattern: str, text: str) -> None:
    path = pattern.replace("*", "a1")
    try:
        assert check_value(path, text) == text
    except FieldsRefused as refused:
        assert refused.field_errors  # noqa: PT017
