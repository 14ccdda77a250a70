"""``fieldward records load`` against a served service: what is good is loaded, the rest kept."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from children import child
from office import Administrator, Office

HEADER = (
    "record_id;authority;name.family;name.given;born;sex;nhs_number_withheld;address.kind;"
    "address.lines/1;involvements/a1.service;involvements/a1.team;involvements/a1.since\r\n"
)


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with Office.open(tmp_path_factory.mktemp("office")) as opened:
        yield opened


@pytest.fixture
def mo(office: Office) -> Administrator:
    return office.administrator()


def row(mo: Administrator, record_id: str, *, born: str = "2021-03-04") -> str:
    return (
        f"{record_id};{mo.authority};O’Neill;Zoë;{born};female;not-known-in-time;current;"
        "1 High Street;health-visiting;HV-1;2021-04-01\r\n"
    )


def line(mo: Administrator, record_id: str, **changed: object) -> str:
    return json.dumps(child(record_id, authority=mo.authority, **changed)) + "\n"


def written(mo: Administrator, name: str, *lines: str | bytes) -> Path:
    file = mo.folder / name
    file.write_bytes(b"".join(x if isinstance(x, bytes) else x.encode() for x in lines))
    return file


def load(mo: Administrator, file: Path, *words: str) -> tuple[int, dict[str, Any], str]:
    """Exit code, counts, and what was said on stderr."""
    result = mo.types("records", "load", str(file), "--json", *words)
    assert result.stdout, result.output
    return result.exit_code, json.loads(result.stdout), result.stderr


def verdicts_in(file: Path) -> list[dict[str, Any]]:
    return [json.loads(each) for each in file.read_text().splitlines()]


def test_what_is_refused_is_kept_as_it_stood_mended_and_loaded(mo: Administrator) -> None:
    bad = line(mo, "r-2", born="yesterday")
    file = written(
        mo, "pop.ndjson", line(mo, "r-1"), bad, "\n", b'{"x": "\xe9"}\n', line(mo, "r-3")
    )
    code, counts, said = load(mo, file, "--verdicts", str(mo.folder / "verdicts"))
    rejects = mo.folder / "pop.ndjson.rejects"
    assert (code, counts["created"], counts["refused"]) == (1, 2, 2)
    assert counts["rejects"] == str(rejects)
    assert str(rejects) in said
    assert rejects.read_bytes() == bad.encode() + b'{"x": "\xe9"}\n'
    told = verdicts_in(mo.folder / "verdicts")
    assert [(v["line"], v["outcome"], v["field"], v["rejects_line"]) for v in told] == [
        (1, "created", "", None),
        (2, "refused", "born", 1),
        (4, "refused", "", 2),
        (5, "created", "", None),
    ]
    assert "yesterday" not in (mo.folder / "verdicts").read_text()
    rejects.write_text(line(mo, "r-2"))
    assert load(mo, rejects)[:2] == (
        0,
        {"created": 1, "changed": 0, "unchanged": 0, "refused": 0, "rejects": None},
    )


def test_a_table_from_a_spreadsheet_is_loaded_and_what_is_refused_kept_under_its_header(
    mo: Administrator,
) -> None:
    mark = b"\xef\xbb\xbf"
    rows = [row(mo, "t-1"), row(mo, "t-2", born="04/03/2021"), row(mo, "t-3")]
    file = written(mo, "children.csv", mark, HEADER, *rows)
    code, counts, said = load(mo, file)
    assert (code, counts["created"], counts["refused"]) == (1, 2, 1)
    assert "line 3: born: " in said
    rejects = mo.folder / "children.csv.rejects"
    assert rejects.read_bytes() == mark + HEADER.encode() + rows[1].encode()
    rejects.write_bytes(rejects.read_bytes().replace(b"04/03/2021", b"2021-03-04"))
    assert load(mo, rejects)[1]["created"] == 1
    (known,) = mo.reads("records", "history", "t-2", "--reason", "check")
    assert {"path": "name.given", "replaces": [], "value": "Zoë"} in known["edits"][0]["changes"]


def test_a_file_loaded_twice_or_in_two_formats_doubles_nothing(
    mo: Administrator, office: Office
) -> None:
    lines = [line(mo, f"d-{n}") for n in range(30)]
    file = written(mo, "pop.ndjson", *lines)
    assert load(mo, file)[1]["created"] == 30
    before = edits_of(office, mo)
    assert load(mo, file)[1]["unchanged"] == 30
    interrupted = written(mo, "again.ndjson", *lines[:10], line(mo, "d-30"))
    assert load(mo, interrupted)[1] == {
        "created": 1,
        "changed": 0,
        "unchanged": 10,
        "refused": 0,
        "rejects": None,
    }
    assert edits_of(office, mo) == before + 1
    assert mo.reads("authority", "show")[0]["records"] == 31


def edits_of(office: Office, mo: Administrator) -> int:
    with closing(sqlite3.connect(office.folder / "data" / "fieldward.db")) as connection:
        query = "SELECT count(*) FROM edit WHERE authority = ?"
        (count,) = connection.execute(query, (mo.authority,)).fetchone()
        return int(count)


def test_many_rows_are_loaded_by_several_calls_in_their_order(mo: Administrator) -> None:
    lines = [line(mo, f"m-{n}") for n in range(2300)]
    late = line(mo, "m-0", sex="male")
    file = written(mo, "pop.ndjson", *lines, late)
    verdict_file = mo.folder / "verdicts"
    code, counts, _ = load(mo, file, "--verdicts", str(verdict_file))
    assert (code, counts["created"], counts["changed"]) == (0, 2300, 1)
    assert [verdict["line"] for verdict in verdicts_in(verdict_file)] == list(range(1, 2302))
    (known,) = mo.reads("records", "history", "m-0", "--reason", "check")
    assert [len(edit["changes"]) for edit in known["edits"]][1:] == [1]


def test_records_are_read_from_standard_input(mo: Administrator) -> None:
    words = ("records", "load", "-", "--format", "csv", "--json")
    rejects = mo.folder / "bad"
    result = mo.types(
        *words, "--rejects", str(rejects), keys=HEADER + row(mo, "s-1") + row(mo, "S2")
    )
    assert json.loads(result.stdout)["created"] == 1
    assert rejects.read_bytes() == (HEADER + row(mo, "S2")).encode()


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("empty.ndjson", "", "no-records"),
        ("blank.ndjson", "\n \n", "no-records"),
        ("empty.csv", "", "no-header"),
        ("header.csv", HEADER, "no-records"),
        ("columns.csv", "name,birthday\nAda,2021\n", "columns"),
    ],
)
def test_a_file_without_a_record_is_refused_in_plain_words(
    mo: Administrator, name: str, content: str, code: str
) -> None:
    mo.is_refused("records", "load", str(written(mo, name, content)), code=code)
    assert list(mo.folder.glob("*.rejects")) == []


def test_a_file_that_is_there_is_not_written_over(mo: Administrator) -> None:
    file, precious = written(mo, "pop.ndjson", line(mo, "p-1")), written(mo, "precious", "mended")
    mo.is_refused("records", "load", str(file), "--rejects", str(precious), code="rejects-file")
    assert precious.read_text() == "mended"
    assert load(mo, file)[1]["created"] == 1


def test_the_columns_are_listed_for_people_and_programs(mo: Administrator) -> None:
    listed = {each["column"]: each for each in mo.reads("records", "columns")}
    assert listed["born"] == {"column": "born", "required": True, "codes": []}
    assert listed["sex"]["codes"] == ["female", "male", "not-specified"]
    assert listed["involvements/*.lead"]["codes"] == ["true", "false"]
    assert "left-england" in listed["address.kind"]["codes"]
    assert "involvements/*.service" in mo.does("records", "columns")


def test_every_call_is_on_record_and_so_is_what_it_changed(mo: Administrator) -> None:
    file = written(mo, "pop.ndjson", line(mo, "e-1"))
    for _ in range(2):
        load(mo, file, "--reason", "census")
    events = [
        (event["actor"], event["action"], event["subject"], event["reason"])
        for event in mo.reads("authority", "events")
        if "load" in event["action"]
    ]
    assert events == [
        ("mo", "records/load", "", "census"),
        ("mo", "records-loaded", "1", "census"),
        ("mo", "records/load", "", "census"),
    ]
