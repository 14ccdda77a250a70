"""How a population is spread, numbered and written: the same for everybody who makes it."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from fieldward_server.cli.population import command
from fieldward_server.population import AUTHORITIES, Share, generate, ndjson, plan
from fieldward_server.population.blocks import CHILDREN_PER_BLOCK, SERIALS_PER_BLOCK, block_lines
from fieldward_server.population.identifiers import SERIALS, nhs_numbers
from fieldward_sync.errors import CallerMistake
from fieldward_sync.nhs_numbers import nhs_check_digit

SHEFFIELD = "E08000039"


def lines_of(shares: tuple[Share, ...], *, processes: int = 1) -> bytes:
    return b"".join(lines.data for lines in ndjson(shares, processes=processes))


def test_the_same_seed_makes_the_same_children() -> None:
    once, again = (list(generate(authority=SHEFFIELD, children=1500, seed=7)) for _ in "12")
    assert json.dumps(once) == json.dumps(again)


def test_another_seed_makes_other_children() -> None:
    ids = {
        seed: {
            child["record_id"] for child in generate(authority=SHEFFIELD, children=50, seed=seed)
        }
        for seed in (7, 8)
    }
    assert not ids[7] & ids[8]


def test_however_many_processes_work_the_bytes_are_the_same() -> None:
    shares = plan(list(AUTHORITIES)[:40], children=1_000, seed=7)
    alone = lines_of(shares)
    assert alone.count(b"\n") == 1_000
    assert lines_of(shares, processes=3) == alone


def test_a_block_is_the_same_without_those_before_it() -> None:
    (share,) = plan([SHEFFIELD], children=2500, seed=7)
    in_order = [block_lines(share, number) for number in range(share.blocks)]
    assert block_lines(share, 2) == in_order[2]
    assert [data.count(b"\n") for data in in_order] == [1000, 1000, 500]


def test_records_are_written_one_a_line_as_they_are_read() -> None:
    made = list(generate(authority=SHEFFIELD, children=30, seed=7))
    written = lines_of(plan([SHEFFIELD], children=30, seed=7))
    assert [json.loads(line) for line in written.splitlines()] == made


def test_names_are_written_as_they_are_and_not_escaped() -> None:
    written = lines_of(plan([SHEFFIELD], children=2000, seed=7))
    assert b"\\u" not in written
    assert not written.isascii()


@pytest.mark.parametrize("children", [1, 153, 20_000, 909_000])
def test_children_are_spread_by_the_size_of_authorities(children: int) -> None:
    shares = plan(AUTHORITIES, children=children, seed=1)
    assert sum(share.children for share in shares) == children
    residents = sum(authority.residents for authority in AUTHORITIES.values())
    for share in shares:
        fair = children * AUTHORITIES[share.authority].residents / residents
        assert abs(share.children - fair) < 1


def test_an_authority_named_twice_counts_once() -> None:
    assert plan([SHEFFIELD, SHEFFIELD], children=9, seed=1) == plan([SHEFFIELD], children=9, seed=1)


def test_a_population_of_an_unknown_authority_is_refused() -> None:
    with pytest.raises(CallerMistake) as refusal:
        plan(["E08000019"], children=1, seed=7)
    assert refusal.value.code == "unknown-authority"


def test_all_numbers_of_the_range_for_tests_are_valid_and_different() -> None:
    numbers = set(nhs_numbers(first=0, count=SERIALS))
    assert len(numbers) == 909_091
    assert all(number.startswith("999") for number in numbers)
    some = sorted(numbers)[::997]
    assert all(nhs_check_digit(number[:9]) == int(number[9]) for number in some)


def test_every_block_of_the_range_has_numbers_for_all_its_children() -> None:
    for first in range(0, SERIALS, 3701):
        assert len(set(nhs_numbers(first=first, count=SERIALS_PER_BLOCK))) >= CHILDREN_PER_BLOCK


@pytest.mark.parametrize("children", [1000, 880_000])
def test_d7_authorities_of_one_population_share_no_number(children: int) -> None:
    taken: set[int] = set()
    for share in plan(AUTHORITIES, children=children, seed=1):
        places = range(share.first_serial, share.first_serial + share.serials)
        serials = {place % SERIALS for place in places}
        assert len(serials) == share.serials
        assert not serials & taken
        assert not share.without_number
        taken |= serials


def test_d7_children_beyond_the_range_say_that_they_have_no_number() -> None:
    (share,) = plan([SHEFFIELD], children=1_000_000, seed=1)
    assert share.without_number == 1_000_000 - 892_857
    beyond = [json.loads(line) for line in block_lines(share, share.blocks - 1).splitlines()]
    assert not any("nhs_number" in child for child in beyond)
    assert {child["nhs_number_withheld"] for child in beyond} >= {"not-known-in-time"}


def run(*words: str) -> tuple[bytes, str]:
    """Run a command that succeeds: what it prints, and what it says beside that."""
    result = CliRunner().invoke(command, words)
    assert result.exit_code == 0, result.output
    return result.stdout_bytes, result.stderr


def test_the_command_writes_what_the_generator_makes(tmp_path: Path) -> None:
    file = tmp_path / "children.ndjson"
    chosen = ("--authority", SHEFFIELD, "--children", "40", "--seed", "7")
    printed, _ = run("generate", *chosen)
    run("generate", *chosen, "--output", str(file))
    assert printed == file.read_bytes() == lines_of(plan([SHEFFIELD], children=40, seed=7))


def test_the_command_takes_several_authorities_or_all_of_them() -> None:
    printed, _ = run(
        *("generate", "--authority", SHEFFIELD, "--authority", "E08000038"),
        *("--children", "40"),
    )
    found = [json.loads(line)["authority"] for line in io.BytesIO(printed)]
    assert found == ["E08000038"] * 12 + [SHEFFIELD] * 28
    printed, _ = run("generate", "--authority", "all", "--children", "3000")
    found = [json.loads(line)["authority"] for line in io.BytesIO(printed)]
    assert len(found) == 3000
    assert set(found) >= AUTHORITIES.keys() - {"E06000053", "E09000001"}  # too small for so few


def test_the_command_says_when_numbers_run_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fieldward_server.cli.population.ndjson", lambda *_, **__: iter(()))
    _, said = run("generate", "--authority", SHEFFIELD, "--children", "1000000")
    assert "107,143 children have no NHS number" in said
    _, said = run("generate", "--authority", SHEFFIELD, "--children", "892000")
    assert said == ""


def test_the_command_refuses_what_is_no_authoritys_code() -> None:
    result = CliRunner().invoke(command, ["generate", "--authority", "Leeds", "--children", "1"])
    assert result.exit_code == 2
    assert "Leeds" in result.output


def test_the_command_lists_the_authorities() -> None:
    printed, _ = run("authorities", "--json")
    listed = {it["code"]: it for line in printed.splitlines() if (it := json.loads(line))}
    assert listed.keys() == AUTHORITIES.keys()
    assert listed[SHEFFIELD] == {"code": SHEFFIELD, "name": "Sheffield", "residents": 557_000}
    table, _ = run("authorities")
    assert "Westmorland and Furness" in table.decode()
