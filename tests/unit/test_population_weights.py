"""The parameters of matching: estimated by a command, and in the form that the package has them."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from click.testing import CliRunner

from fieldward_server.cli.population import command
from fieldward_server.population import generate
from fieldward_server.population.estimation import as_module, estimate
from fieldward_sync.matching import parameters as published
from fieldward_sync.matching.comparison import FIELDS
from fieldward_sync.matching.parameters import PARAMETERS

ASKED = ("weights", "--authority", "E08000039", "--children", "60", "--seed", "3")


@pytest.fixture(scope="module")
def written() -> str:
    done = CliRunner().invoke(command, ASKED)
    assert done.exit_code == 0, done.output
    return done.stdout


def read(module: str) -> dict[str, dict[str, tuple[float, float]]]:
    (table,) = [it for it in ast.parse(module).body if isinstance(it, ast.AnnAssign)]
    assert table.value is not None
    found: dict[str, dict[str, tuple[float, float]]] = ast.literal_eval(table.value)
    return found


def test_what_is_published_has_the_form_of_what_the_command_writes(written: str) -> None:
    committed = Path(published.__file__).read_text()
    anew, there = read(written), read(committed)
    assert [(field, list(levels)) for field, levels in anew.items()] == [
        (field, list(levels)) for field, levels in there.items()
    ]
    assert committed.partition("\n\n")[0] == written.partition("\n\n")[0]
    assert "fieldward population weights --" in committed


def test_it_says_what_it_rests_on(written: str) -> None:
    assert f"fieldward population {' '.join(ASKED)}" in written


def test_every_field_and_level_that_is_compared_has_its_probabilities(written: str) -> None:
    found = read(written)
    assert {field: tuple(levels) for field, levels in found.items()} == {
        field: tuple(map(str, levels)) for field, levels in FIELDS.items()
    }
    for levels in found.values():
        assert all(0 < m <= 1 and 0 < u <= 1 for m, u in levels.values())


def test_the_same_children_make_the_same_parameters(written: str) -> None:
    records = list(generate(authority="E08000039", children=60, seed=3))
    (line,) = [line for line in written.splitlines() if "fieldward population" in line]
    assert as_module(estimate([records], seed=3), command=line.strip()) == written


def test_one_child_alone_is_compared_with_nobody() -> None:
    (record,) = generate(authority="E08000039", children=1, seed=3)
    assert estimate([[record]], seed=3) == estimate([], seed=3)


@pytest.mark.parametrize("field", ["family", "given", "born", "postcode", "nhs_number", "sex"])
def test_to_agree_exactly_speaks_for_a_record_and_to_differ_against_it(field: str) -> None:
    m, u = PARAMETERS[field]["exact"]
    assert m > u
    m, u = PARAMETERS[field]["different"]
    assert m < u
