"""All of England in a folder: the same files however often it is interrupted, each whole or not
there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from fieldward_server.cli.population import command
from fieldward_server.population import AUTHORITIES, Country, ndjson, plan
from fieldward_sync.errors import CallerMistake

CHILDREN = 2_000


def begun(folder: Path, *, children: int = CHILDREN, seed: int = 7) -> Country:
    return Country.begin(folder, children=children, seed=seed)


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Country:
    country = begun(tmp_path_factory.mktemp("whole") / "england")
    assert sum(country.make(processes=1)) == CHILDREN
    return country


def test_every_authority_has_a_file_of_its_own_children(whole: Country) -> None:
    made = contents(whole.folder)
    made.pop("population.json")
    assert set(made) == {f"{share.authority}.ndjson" for share in whole.shares}
    assert len(made) > 150  # all but the smallest two, at this size
    for name, data in made.items():
        assert {json.loads(line)["authority"] for line in data.splitlines()} == {name[:9]}
    in_one_file = ndjson(plan(AUTHORITIES, children=CHILDREN, seed=7))
    assert b"".join(made[name] for name in sorted(made)) == b"".join(it.data for it in in_one_file)


@pytest.mark.parametrize("blocks", [1, 60])
def test_an_interrupted_run_goes_on_where_it_was_and_comes_to_the_same(
    whole: Country, tmp_path: Path, blocks: int
) -> None:
    interrupted = begun(tmp_path)
    under_way = interrupted.make(processes=1)
    for _ in range(blocks):
        next(under_way)
    del under_way
    # A block of a small authority is its whole file, written once the next is asked for.
    there = [share for share in interrupted.shares if interrupted.file(share).exists()]
    assert len(there) == blocks - 1
    when = {share: interrupted.file(share).stat().st_mtime_ns for share in there}
    rest = sum(begun(interrupted.folder).make(processes=1))
    assert rest == CHILDREN - sum(share.children for share in there)
    assert {share: interrupted.file(share).stat().st_mtime_ns for share in there} == when
    assert contents(interrupted.folder) == contents(whole.folder)


def test_a_file_that_is_there_is_whole(tmp_path: Path) -> None:
    country = begun(tmp_path, children=60_000)
    large = max(country.shares, key=lambda share: share.children)
    assert large.blocks > 1
    alone = Country(tmp_path, large.children, (large,))
    under_way = alone.make(processes=1)
    for _ in range(large.blocks):
        next(under_way)
        assert not alone.file(large).exists()
    assert list(under_way) == []
    assert alone.file(large).read_bytes().count(b"\n") == large.children


@pytest.mark.parametrize("other", [{"seed": 8}, {"children": CHILDREN + 1}])
def test_two_populations_do_not_share_a_folder(tmp_path: Path, other: dict[str, int]) -> None:
    begun(tmp_path)
    with pytest.raises(CallerMistake) as refused:
        begun(tmp_path, **other)
    assert refused.value.code == "other-population"


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(CallerMistake, match="something else"):
        begun(tmp_path)
    assert contents(tmp_path) == {"notes.txt": b"mine"}


def test_the_command_makes_all_of_england_and_then_nothing_more(tmp_path: Path) -> None:
    words = ["generate", "--england", "--children", "300", "--output", str(tmp_path / "england")]
    first, second = (CliRunner().invoke(command, words) for _ in "12")
    assert (first.exit_code, second.exit_code) == (0, 0), first.output
    assert "300 of them made just now" in first.stderr
    assert "0 of them made just now" in second.stderr


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ([], "whose-children"),
        (["--england", "--authority", "all"], "whose-children"),
        (["--england"], "no-folder"),
        (["--authority", "all"], "how-many"),
    ],
)
def test_what_is_not_said_is_asked_for(words: list[str], code: str) -> None:
    result = CliRunner().invoke(command, ["generate", *words])
    assert isinstance(result.exception, CallerMistake)
    assert result.exception.code == code
