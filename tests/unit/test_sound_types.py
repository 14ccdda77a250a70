"""What is told to be sound at first sight is what the schema takes; all else is left to it."""

from __future__ import annotations

import copy
import re
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldward_server.population import generate
from fieldward_sync import limits, schema
from fieldward_sync.encoding import pack
from fieldward_sync.field_classes import FIELD_RULES
from fieldward_sync.schema import (
    FieldsRefused,
    load_judged_record,
    load_record,
    load_sound_record,
)
from fieldward_sync.sound_types import Usually
from fieldward_sync.written_values import DAY, LINE, NAME, ORGANISATION
from record_examples import RECORD, involvement, record, without


def named(family: str) -> dict[str, Any]:
    return {**RECORD, "name": {"family": family, "given": "Ada"}}


PARTS: list[tuple[str, ...]] = [
    *((name,) for name in RECORD),
    ("nhs_number_withheld",),
    ("shield",),
    ("notes",),
    *(("name", name) for name in ("family", "given", "notes")),
    *(("address", name) for name in ("kind", "lines", "postcode", "intends_return", "notes")),
    *(("school", name) for name in RECORD["school"]),
    *(("gp", name) for name in RECORD["gp"]),
    *(("former_names", "f1", name) for name in ("family", "given")),
    *(("carers", "c1", name) for name in ("family", "relation", "phone", "ended")),
    *(("involvements", "8f2c", name) for name in RECORD["involvements"]["8f2c"]),
    *(("involvements", "8f2c", name) for name in ("ended", "sensitive_ground")),
    *(("disputes", "d1", name) for name in ("path", "since", "by", "outcome", "ended")),
    ("involvements", "b2"),
    ("carers", "C-2"),
]
ABSENT = object()
VALUES = st.one_of(
    st.text(max_size=12),
    st.text("Aaé'’-. ,/&3()\n\u0301", max_size=12),
    st.from_regex(r"\A(19|20)[0-9]{2}-[0-3][0-9]-[0-3][0-9]\Z"),
    st.from_regex(r"\A[3-9][0-9]{9}\Z"),
    st.sampled_from(
        [
            ABSENT,
            None,
            True,
            1,
            2.5,
            {},
            [],
            ("1 High Street",),
            {"kind": "no-known-address"},
            {"kind": "left-england", "intends_return": "no"},
            ["1 High Street", "Truro"],
            "mental-health",
            "consent",
            "upheld",
            "address",
            "disputes/d1.path",
            "9434765919",
            "A" * 35 + " " + "B" * 34,
            "one two three four five six seven",
            "2000-02-29",
            "2100-02-28",
            "1979-12-31",
            {"service": "midwifery", "since": "2021-03-26", "ended": "2021-03-25"},
            {"family": "Okafor", "given": "Ngozi", "relation": "mother"},
            {f"m{n}": {"family": "Eze", "given": "Ada"} for n in range(17)},
        ]
    ),
)


def altered(changes: list[tuple[tuple[str, ...], Any]]) -> dict[str, Any]:
    """A good record with these changes at these places, where there are such."""
    data = record()
    for keys, value in changes:
        inner: Any = data
        for key in keys[:-1]:
            inner = inner.get(key) if isinstance(inner, dict) else None
        if isinstance(inner, dict) and value is ABSENT:
            inner.pop(keys[-1], None)
        elif isinstance(inner, dict):
            inner[keys[-1]] = value
    return data


@settings(max_examples=600)
@given(st.lists(st.tuples(st.sampled_from(PARTS), VALUES), max_size=3))
def test_what_is_told_to_be_sound_is_what_the_schema_loads(
    changes: list[tuple[tuple[str, ...], Any]],
) -> None:
    data = altered(changes)
    if found := load_sound_record(copy.deepcopy(data)):
        judged = load_judged_record(data)
        assert found == judged
        assert pack(found.fields) == pack(judged.fields)


@given(st.sampled_from(sorted(FIELD_RULES)), st.text("Aaé'’-. ,/&3()7@\u0301", max_size=70))
def test_no_text_is_told_to_be_sound_that_the_schema_refuses(pattern: str, text: str) -> None:
    *containers, name = re.split(r"/\*\.|\.", pattern)
    keys = (*containers, *(("8f2c",) if "*" in pattern else ()), name)
    members = {"carers": "c1", "former_names": "f1", "disputes": "d1"}
    keys = tuple(members.get(containers[0], key) if key == "8f2c" else key for key in keys)
    data = altered([(keys, text)])
    if found := load_sound_record(data):
        assert found == load_judged_record(data)


@pytest.mark.parametrize("day", ["2000-02-29", "2023-02-29", "2024-04-31", "2024-12-31"])
def test_days_are_told_as_the_calendar_has_them(day: str) -> None:
    data = record(born=day)
    try:
        judged = load_judged_record(data)
    except FieldsRefused:
        assert load_sound_record(data) is None
    else:
        assert load_sound_record(data) == judged


@pytest.mark.parametrize("usually", [NAME, LINE, ORGANISATION, DAY])
@given(data=st.data())
def test_what_has_the_usual_shape_is_right_by_the_check_that_it_is_spared(
    usually: Usually, data: st.DataObject
) -> None:
    """The schema is spared the same check, so it could not tell."""
    shaped = st.from_regex(usually.shape, fullmatch=True)
    usually.check(data.draw(shaped.filter(lambda text: len(text) <= usually.max_characters)))


def test_every_letter_that_is_taken_on_sight_is_one_in_its_composed_form() -> None:
    taken = [
        chr(code)
        for code in range(0x110000)
        if not 0xD800 <= code < 0xE000 and load_sound_record(named(chr(code))) is not None
    ]
    assert len(taken) > 500
    assert all(letter.isalpha() and unicodedata.is_normalized("NFC", letter) for letter in taken)


@pytest.mark.parametrize(
    "wrong",
    [
        involvement(ended="2021-03-25"),
        involvement(service="mental-health"),
        record(nhs_number_withheld="not-known-in-time"),
        record(nhs_number="9434765918"),
        without("nhs_number"),
        record(address={"kind": "no-known-address", "postcode": "TR1 2AB"}),
        record(address={"kind": "current", "lines": ("1 High Street",)}),
        record(born="2024-04-31"),
        record(born="2023-02-29"),
        record(born="1979-12-31"),
        named("one two three four five six seven"),
        named("A" * (limits.MAX_NAME_CHARACTERS + 1)),
        record(gp={"code": "Z00001", "name": "A" * (limits.MAX_ORGANISATION_CHARACTERS + 1)}),
    ],
)
def test_what_is_wrong_is_left_to_the_schema(wrong: dict[str, Any]) -> None:
    assert load_sound_record(wrong) is None


def test_a_sound_record_is_loaded_without_the_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(schema, "load_judged_record")
    assert load_record(record()).record_id == RECORD["record_id"]


def test_nearly_all_records_are_told_without_the_schema() -> None:
    """Else loading would be as slow as the schema, and nothing would say so."""
    generated = generate(authority="E08000039", children=1000, seed=7)
    judged = [data for data in generated if load_sound_record(data) is None]
    assert len(judged) <= 20


@pytest.mark.parametrize("names", [("load_record", "load_sound"), ("index_keys", "index_stages")])
def test_no_device_loads_whole_records_or_makes_keys_of_an_index(names: tuple[str, str]) -> None:
    """What was found to be sound, and how names sound, is remembered; a device's memory is to
    forget names."""
    root = Path(__file__).parents[2]

    def asks(package: str) -> bool:
        sources = [file.read_text() for file in (root / package).rglob("*.py")]
        assert sources
        return any(name in source for source in sources for name in names)

    assert asks("server/fieldward_server")
    assert not asks("client_sdk/fieldward_client")
