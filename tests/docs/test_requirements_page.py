"""The page of requirements: every id stands there, with a test that holds it and names it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/requirements.md").read_text()
ROWS = re.findall(r"^\| ((?:[ACDHPRUV]\d+(?:, )?)+) \| .+ \| (.+) \|$", PAGE, re.MULTILINE)
HELD_BY = {each: held for ids, held in ROWS for each in ids.split(", ")}
LAST = {"A": 9, "C": 5, "D": 7, "H": 9, "P": 40, "R": 8, "U": 8, "V": 7}
"""Of each letter the ids go from 1 to this."""

NAMED_TESTS = [
    (each, path, name)
    for each, held in HELD_BY.items()
    for path, name in re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", held)
]


def test_every_requirement_has_a_row() -> None:
    asked = {f"{letter}{number}" for letter, last in LAST.items() for number in range(1, last + 1)}
    assert HELD_BY.keys() == asked


@pytest.mark.parametrize(("requirement", "path", "name"), NAMED_TESTS)
def test_the_tests_of_a_requirement_exist_and_name_it(
    requirement: str, path: str, name: str
) -> None:
    tests = (ROOT / path).read_text()
    assert re.search(rf"\b{requirement}\b|_{requirement.lower()}_", tests)
    assert re.search(rf"^ *def {name}\(", tests, re.MULTILINE) or not name


@pytest.mark.parametrize(
    "requirement", [each for each, held in HELD_BY.items() if "not here" in held]
)
def test_what_is_not_here_says_what_it_would_take(requirement: str) -> None:
    missing = PAGE.partition("## What is not here")[2]
    letter, number = requirement[0], int(requirement[1:])
    ranges = re.findall(rf"\b{letter}(\d+)–{letter}(\d+)\b", missing)
    in_a_range = any(int(first) <= number <= int(last) for first, last in ranges)
    assert in_a_range or re.search(rf"\b{requirement}\b", missing)
