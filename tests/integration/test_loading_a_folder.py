"""``fieldward records load-folder`` against a served service: all authorities, each file once."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from children import child
from fieldward_server.cli import administration
from fieldward_sync.errors import RetryLater
from office import Administrator, Office

SHEFFIELD, LEEDS, NOBODYS = "E08000039", "E08000035", "E06000001"


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with Office.open(tmp_path) as opened:
        yield opened


@pytest.fixture
def mo(office: Office) -> Administrator:
    """Somebody with one key, whom two authorities have let in (decision 0005)."""
    mo = office.newcomer(SHEFFIELD)
    for code in (SHEFFIELD, LEEDS):
        mo.settings["FIELDWARD_AUTHORITY"] = code
        mo.does("administrator", "bootstrap", "mo", "--name", "Mo Malik")
        secrets = str(mo.folder / f"keys-{code}")
        mo.does("authority", "create", "--name", code, "--secrets", secrets)
    mo.settings.pop("FIELDWARD_AUTHORITY")
    return mo


def written(folder: Path, authority: str, *record_ids: str, **changed: object) -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / f"{authority}.ndjson"
    children = (child(it, authority=authority, **changed) for it in record_ids)
    file.write_text("".join(f"{json.dumps(each)}\n" for each in children))
    return file


def load(mo: Administrator, folder: Path) -> tuple[int, dict[str, dict[str, Any]]]:
    """Exit code, and what became of each file."""
    result = mo.types("records", "load-folder", str(folder), "--json")
    told = [json.loads(line) for line in result.stdout.splitlines()]
    return result.exit_code, {each["authority"]: each for each in told}


def edits_in(office: Office) -> int:
    with closing(sqlite3.connect(office.folder / "data" / "fieldward.db")) as connection:
        (count,) = connection.execute("SELECT count(*) FROM edit").fetchone()
        return int(count)


def test_each_file_goes_to_its_authority_and_one_that_fails_stops_no_other(
    mo: Administrator, tmp_path: Path
) -> None:
    folder = tmp_path / "england"
    written(folder, SHEFFIELD, "s-1", "s-2")
    written(folder, NOBODYS, "n-1")
    bad = written(folder, LEEDS, "l-1", "l-2", born="yesterday")
    with bad.open("a") as file:
        file.write(json.dumps(child("l-3", authority=LEEDS)) + "\n")
    code, told = load(mo, folder)
    assert code == 1
    assert {it: each["outcome"] for it, each in told.items()} == {
        SHEFFIELD: "loaded",
        NOBODYS: "failed",
        LEEDS: "loaded",
    }
    assert told[SHEFFIELD]["rows"] == {"created": 2}
    assert told[LEEDS]["rows"] == {"created": 1, "refused": 2}
    assert Path(told[LEEDS]["rejects"]).read_text().count("\n") == 2
    assert "administrator" in told[NOBODYS]["reason"]


def test_a_file_that_cannot_be_read_stops_no_other_whatever_is_wrong_with_it(
    mo: Administrator, tmp_path: Path
) -> None:
    """Invariant 9."""
    folder = tmp_path / "england"
    named = written(folder, SHEFFIELD, "s-1")
    named.rename(named.with_suffix(".NDJSON"))
    (folder / f"{LEEDS}.csv").mkdir()
    (folder / f"{LEEDS}.CSV").write_bytes(b"record_id,authority\rl-1,E08000035\r")
    code, told = load(mo, folder)
    assert code == 1
    assert told[LEEDS]["outcome"] == "failed"
    assert told[SHEFFIELD]["rows"] == {"created": 1}


def test_what_has_been_loaded_is_passed_over_until_it_changes(
    mo: Administrator, office: Office, tmp_path: Path
) -> None:
    folder = tmp_path / "england"
    for code in (SHEFFIELD, LEEDS):
        written(folder, code, f"{code.lower()}-1")
    assert load(mo, folder)[0] == 0
    before = edits_in(office)
    exit_code, told = load(mo, folder)
    assert (exit_code, {each["outcome"] for each in told.values()}) == (0, {"loaded-before"})
    written(folder, LEEDS, f"{LEEDS.lower()}-1", "l-2")
    told = load(mo, folder)[1]
    assert told[SHEFFIELD]["outcome"] == "loaded-before"
    assert told[LEEDS]["rows"] == {"created": 1, "unchanged": 1}
    assert edits_in(office) == before + 1


def test_a_run_that_was_interrupted_goes_on_and_doubles_nothing(
    mo: Administrator, office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "england"
    written(folder, LEEDS, *(f"l-{number}" for number in range(30)))
    written(folder, SHEFFIELD, *(f"s-{number}" for number in range(2_500)))
    monkeypatch.setattr("fieldward_server.cli.record_loading.CALLS_AT_ONCE", 1)
    monkeypatch.setattr("fieldward_server.cli.record_loading.PAUSES_SECONDS", ())
    with monkeypatch.context() as patch:
        patch.setattr(administration.Administration, "call", _away_after(4))
        code, told = load(mo, folder)
    assert (code, set(told)) == (3, {LEEDS})  # to be tried again
    before = edits_in(office)
    assert 30 < before < 2_530
    code, told = load(mo, folder)
    assert code == 0
    assert told[LEEDS]["outcome"] == "loaded-before"
    assert told[SHEFFIELD]["rows"] == {"unchanged": before - 30, "created": 2_530 - before}
    assert edits_in(office) == 2_530


def _away_after(calls: int) -> Any:
    """A line to the server that breaks once so many commands have come through."""
    through, original = iter(range(calls)), administration.Administration.call

    def call(self: Any, command: str, /, **named: Any) -> dict[str, Any]:
        if next(through, None) is None:
            raise RetryLater("offline", "No server answers.")
        return original(self, command, **named)

    return call


def test_what_was_loaded_elsewhere_does_not_count(mo: Administrator, tmp_path: Path) -> None:
    """Another server, or one that was restored: its root key or incarnation is another."""
    folder = tmp_path / "england"
    written(folder, SHEFFIELD, "s-1")
    assert load(mo, folder)[0] == 0
    notes = folder / "loaded.json"
    for changed in ({"root_key": "00"}, {"incarnation": 0}):
        kept = json.loads(notes.read_text())
        kept[f"{SHEFFIELD}.ndjson"] |= changed
        notes.write_text(json.dumps(kept))
        assert load(mo, folder)[1][SHEFFIELD]["rows"] == {"unchanged": 1}


def test_notes_that_cannot_be_read_and_a_folder_without_files_are_said(
    mo: Administrator, tmp_path: Path
) -> None:
    folder = tmp_path / "england"
    folder.mkdir()
    (folder / "readme.ndjson").touch()
    mo.is_refused("records", "load-folder", str(folder), code="no-records")
    written(folder, SHEFFIELD, "s-1")
    (folder / "loaded.json").write_text("{")
    mo.is_refused("records", "load-folder", str(folder), code="loaded-notes")
