"""``records merge``, ``records split`` and ``shield alike`` as a user types them (H5)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from children import stranger
from office import Administrator, Office

WHY = ("--reason", "same-child")
MERGE = ("records", "merge", "r-1", "r-2", *WHY)
SPLIT = ("records", "split", "r-2", "r-9", "--copy", "name.family", *WHY)


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with Office.open(tmp_path_factory.mktemp("office")) as opened:
        yield opened


@pytest.fixture
def mo(office: Office) -> Administrator:
    """Has two records, each with a team of its own."""
    mo = office.administrator()
    mo.loads("r-2")
    nurse = {"service": "health-visiting", "team": "HV-2", "since": "2021-04-01"}
    given(mo, stranger("r-1", sex="male", involvements={"b1": nurse}))
    return mo


def given(mo: Administrator, *records: dict[str, object]) -> None:
    """Load these records."""
    file = mo.folder / "more.ndjson"
    file.write_text("".join(json.dumps({**it, "authority": mo.authority}) + "\n" for it in records))
    mo.does("records", "load", str(file))


def history(mo: Administrator, record: str) -> dict[str, Any]:
    (known,) = mo.reads("records", "history", record, *WHY)
    return known


def brought(mo: Administrator) -> str:
    """What the nurse of r-1 is called in r-2, once they are merged."""
    edits = [edit for edit in history(mo, "r-2")["edits"] if edit["from_record"] == "r-1"]
    paths = [change["path"] for edit in edits for change in edit["changes"]]
    (team,) = [path for path in paths if path.endswith(".team")]
    return str(team.removesuffix(".team"))


def test_a_merge_shows_what_it_comes_to_and_asks(mo: Administrator) -> None:
    refused = mo.types(*MERGE, keys="n\n")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "Nothing was changed" in refused.stderr
    assert history(mo, "r-1")["merged_into"] == ""
    merged = mo.types(*MERGE, keys="y\n")
    assert (merged.exit_code, merged.stdout) == (0, "r-1 goes on in r-2.\n")
    said = merged.stderr
    assert "in conflict then" in said
    assert "name.family, name.given, sex" in said
    assert "shielded then     no" in said
    assert "Merge r-1 into r-2?" in said
    assert "records split" in said, "how a wrong one is undone"
    told = mo.does("records", "history", "r-2", *WHY)
    assert "r-1" in next(line for line in told.splitlines() if line.startswith("was also"))
    (came,) = [line for line in told.splitlines() if f"{brought(mo)}.team" in line]
    assert came.split()[-1] == "r-1", "where it came from"
    assert "goes on in" in mo.does("records", "history", "r-1", *WHY)
    mo.is_refused(*MERGE, "--yes", code="already-merged")


def test_what_a_merge_came_to_can_be_read_by_a_program_whether_or_not_it_asks(
    mo: Administrator,
) -> None:
    asked = mo.types(*MERGE, "--json", keys="y\n")
    (came,) = [json.loads(line) for line in asked.stdout.splitlines()]
    assert (came["record_id"], came["into_id"], came["shielded"]) == ("r-1", "r-2", False)
    assert "involvements/b1.team" in came["coming"]
    nurse = brought(mo)
    (came,) = mo.reads(*SPLIT, "--move", nurse, "--yes")
    assert came["moving"] == [f"{nurse}.{it}" for it in ("service", "since", "team")]
    assert came["copying"] == ["name.family"]


def test_nobody_can_be_asked_in_a_script(mo: Administrator) -> None:
    result = mo.types(*MERGE)
    assert result.exit_code == 2
    assert "--yes" in result.stderr
    assert history(mo, "r-1")["merged_into"] == ""


def test_a_split_shows_what_it_comes_to_and_asks(mo: Administrator) -> None:
    mo.does(*MERGE, "--yes")
    mo.does("shield", "raise", "r-2", *WHY)
    nurse = brought(mo)
    split = mo.types(*SPLIT, "--move", nurse, keys="y\n")
    assert (split.exit_code, split.stdout) == (0, "r-9 is a record of its own.\n")
    assert f"{nurse}.service, {nurse}.since, {nurse}.team" in " ".join(split.stderr.split())
    assert "is copied" in split.stderr
    assert "shielded, both  yes" in split.stderr
    assert history(mo, "r-9")["shielded"]
    assert not [e for e in history(mo, "r-2")["edits"] if e["from_record"] == "r-9"]
    came_from = {e["from_record"] for e in history(mo, "r-9")["edits"]}
    assert came_from == {"", "r-2"}, "its shield is its own"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("merge", "r-1", "r-1"), "same-record"),
        (("merge", "r-1", "r-8"), "unknown-record"),
        (("split", "r-2", "r-1", "--move", "sex"), "record-exists"),
        (("split", "r-2", "r-9", "--move", "involvements/a9"), "nothing-there"),
        (("split", "r-2", "r-9", "--copy", "shield"), "not-movable"),
        (("split", "r-2", "r-9", "--move", "sex", "--copy", "sex"), "named-twice"),
    ],
)
def test_what_cannot_be_is_refused_before_anybody_is_asked(
    mo: Administrator, words: tuple[str, ...], code: str
) -> None:
    mo.is_refused("records", *words, *WHY, code=code)


def test_a_split_without_a_field_says_how_it_is_called(mo: Administrator) -> None:
    result = mo.types("records", "split", "r-2", "r-9", *WHY)
    assert result.exit_code == 2
    assert "--move" in result.stderr


def test_a_second_entry_of_a_shielded_child_waits_in_a_list_and_is_decided(
    mo: Administrator,
) -> None:
    twins = [{**stranger("r-2"), "record_id": f"r-{number}"} for number in (3, 4)]
    assert mo.does("shield", "alike", *WHY) == "No record waits to be compared.\n"
    mo.does("shield", "raise", "r-2", *WHY)
    given(mo, *twins)
    found = mo.reads("shield", "alike", *WHY)
    assert [(it["record_id"], it["like_id"]) for it in found] == [("r-3", "r-2"), ("r-4", "r-2")]
    assert all(it["like_is_shielded"] and it["bits"] >= 18 for it in found)
    table = mo.does("shield", "alike", *WHY)
    heading, first, _ = [line.split() for line in table.splitlines() if any(map(str.isalpha, line))]
    assert heading == ["record", "like", "shielded", "record", "which", "since"]
    assert [*first[:3], " ".join(first[3:6])] == ["r-3", "30", "bits", "r-2 is shielded"]
    mo.does("shield", "same", "r-3", "r-2", *WHY)
    mo.does("shield", "different", "r-4", "r-2", *WHY)
    (again,) = mo.reads("shield", "alike", *WHY)  # nobody has compared it with that one yet
    assert (again["record_id"], again["like_id"]) == ("r-4", "r-3")
    mo.does("shield", "different", "r-4", "r-3", *WHY)
    assert mo.reads("shield", "alike", *WHY) == []
    assert [history(mo, it)["shielded"] for it in ("r-3", "r-4")] == [True, False]
    mo.is_refused("shield", "same", "r-4", "r-2", *WHY, code="already-decided")
    mo.is_refused("shield", "same", "r-1", "r-2", *WHY, code="unknown-likeness")
