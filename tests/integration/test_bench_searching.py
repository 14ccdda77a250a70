"""How searches are measured: children are asked for as it says, a whole index is filled in once."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from itertools import islice, pairwise
from pathlib import Path
from random import Random

import pytest
from bench import national, whole_index
from bench.names_abroad import LATIN, OTHER_SCRIPTS, Names, in_english, renamed, unmarked
from bench.remembering import (
    TWO_OF_THREE,
    WAYS,
    Asked,
    Result,
    Score,
    Way,
    ask,
    in_the_open,
    recall,
)
from bench.whole_index import WholeIndex

from fieldward_server.population import generate
from fieldward_server.population.slips import FIELDS, Remembered
from fieldward_server.population.views import view_of
from fieldward_server.storage import Storage, open_storage
from fieldward_sync.matching.folding import fold
from fieldward_sync.matching.index_keys import index_keys
from fieldward_sync.matching.query import Query
from fieldward_sync.matching.ranking import Match, Ranking
from fieldward_sync.views import View

CHILDREN = list(generate(authority="E08000039", children=120, seed=5))


def wrong_fields(child: Remembered, recalled: Remembered) -> list[str]:
    return [
        field
        for field in FIELDS
        if recalled.knows(field)
        and (
            (child.family, child.given) != (recalled.family, recalled.given)
            if field == "name"
            else getattr(child, field) != getattr(recalled, field)
        )
    ]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_as_many_fields_as_a_way_says_are_wrong_and_no_others_given(way: Way) -> None:
    chance = Random(3)
    asked_for = 0
    for child in map(Remembered.of, CHILDREN):
        recalled = recall(child, way, chance) if child.postcode else None
        if recalled is not None:
            asked_for += 1
            assert [field for field in FIELDS if recalled.knows(field)] == list(way.fields)
            assert len(wrong_fields(child, recalled)) == way.wrong
    assert asked_for > 80


def test_a_way_may_say_what_is_never_wrong_and_of_which_family_slips_are() -> None:
    chance = Random(4)
    way = Way("by beginnings", FIELDS, 1, family="truncating", right=("name",))
    for child in map(Remembered.of, CHILDREN):
        if child.postcode:
            recalled = recall(child, way, chance)
            assert recalled is not None
            assert (recalled.family, recalled.given) == (child.family, child.given)
            assert (len(recalled.born) == 7) != (" " not in recalled.postcode)


def test_nobody_is_asked_for_who_has_a_shield_or_lacks_what_is_given() -> None:
    chance = Random(5)
    asked = ask(islice(in_the_open(CHILDREN, chance), 300), TWO_OF_THREE, chance)
    ids = {each.record_id for each in asked}
    there = {child["record_id"]: child for child in CHILDREN}
    assert len(ids) > 60
    assert all("shield" not in there[each] for each in ids)
    assert all("postcode" in json.dumps(there[each]) for each in ids)


def test_a_score_says_where_who_was_meant_stood_and_how_much_was_shown() -> None:
    score = Score(
        [
            Result(1, 3, too_many=False),
            Result(4, 9, too_many=False),
            Result(0, 0, too_many=True),
            Result(0, 0, too_many=False),
        ]
    )
    shown = {row.row.partition(": ")[2]: row.value for row in score.rows("x")}
    assert shown == {
        "recall at 1": 25,
        "recall at 5": 50,
        "recall at 10": 50,
        "at most 5 shown": 75,
        "more is asked for": 25,
        "nothing shown": 25,
    }
    budgets = {row.row: row.holds for row in score.budgeted_rows("x", first=25, few=80)}
    assert budgets["x: recall at 1"] is True
    assert budgets["x: at most 5 shown"] is False
    assert budgets["x: recall at 5"] is None


def test_what_is_too_little_to_search_by_finds_nobody() -> None:
    view = view_of(CHILDREN[0])

    def search(_: Query) -> Ranking:
        return Ranking(((view, Match(1.0, 1.0, {})),))

    asked = [Asked(view.record_id, {"family": "Ng"}), Asked(view.record_id, {"sex": "male"})]
    score = Score.of(asked, search, searches=2)
    assert score.results == [Result(1, 1, too_many=False), Result(0, 0, too_many=False)]


@pytest.mark.parametrize("locale", [*LATIN, *OTHER_SCRIPTS])
def test_every_country_has_names_of_its_own(locale: str) -> None:
    names = Names.of(locale)
    every = {*names.families, *names.girls, *names.boys}
    assert len(every) > 20
    assert all(fold(unmarked(name)) for name in every)
    in_latin = sum(unmarked(name).isascii() for name in every) / len(every)
    assert in_latin > 0.95 if locale in LATIN else in_latin < 0.05


def test_those_who_live_together_keep_one_family_name() -> None:
    there = list(renamed(CHILDREN, Names.put_down()))
    for one, other in pairwise(there):
        if one["address"] == other["address"]:
            assert one["name"]["family"] == other["name"]["family"]
    assert len({child["name"]["family"] for child in there}) > 20
    assert all(in_english(child["name"]["given"]).isascii() for child in there)


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Storage]:
    """An empty database."""
    opened = open_storage(f"sqlite:///{tmp_path / 'index.db'}")
    opened.migrate()
    yield opened
    opened.close()


def test_a_whole_index_that_was_interrupted_anywhere_goes_on_and_ends_whole(
    tmp_path: Path, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whole_index, "BLOCKS_IN_A_BATCH", 60)
    monkeypatch.setattr(whole_index, "KEYS_AT_ONCE", 500)
    index = WholeIndex(tmp_path / "index", children=306)
    assert len(list(islice(index.make(), 1))) == 1
    list(index.make())
    assert list(index.make()) == []
    for steps in range(1, 6):
        assert len(list(islice(index.fill(storage), steps))) == steps
    list(index.fill(storage))
    with storage.reading() as transaction:
        views = transaction.execute("SELECT record_id, view FROM record")
        kept = transaction.execute("SELECT record_id, key FROM search_key")
    assert len(views) == 306
    expected = {
        (view.record_id, key)
        for view in (View.read(row["view"]) for row in views)
        for key in index_keys(view)
    }
    assert len(kept) == len(expected)
    assert {(row["record_id"], row["key"]) for row in kept} == expected


def test_the_national_run_is_kept_and_measures_no_database_twice(
    capsys: pytest.CaptureFixture[str],
) -> None:
    # Not pytest's own folders: the database's user may not enter them.
    with tempfile.TemporaryDirectory(prefix="fieldward-") as folder:
        os.chmod(folder, 0o755)
        kept = Path(folder) / "national.json"
        asked = ["--small", "--folder", folder, "--output", str(kept)]
        assert national.main(asked) == 0
        assert "SQLite: filled in" in capsys.readouterr().out
        rows = json.loads(kept.read_text())["rows"]
        assert {"SQLite", "PostgreSQL"} == {
            database
            for database in ("SQLite", "PostgreSQL")
            for row in rows
            if database in row["row"]
        }
        assert national.main(asked) == 0
        assert capsys.readouterr().out == ""
        assert json.loads(kept.read_text())["rows"] == rows
