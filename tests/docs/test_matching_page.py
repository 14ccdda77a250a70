"""What the page on matching says of terms, levels and numbers is what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fieldward_sync.matching.candidates import MAX_CANDIDATES
from fieldward_sync.matching.index_stages import MAX_ROWS
from fieldward_sync.matching.levels import LEVELS
from fieldward_sync.matching.query import Query, Terms
from fieldward_sync.matching.ranking import BEHIND_BITS, FLOOR, MAX_HITS

PAGE = (Path(__file__).parents[2] / "docs/matching.md").read_text()


def first_column(heading: str) -> list[str]:
    """The words of a table's first column, in their order."""
    told = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    cells = re.findall(r"^\| (`[^|]+) \|", told, re.MULTILINE)
    return [word for cell in cells for word in re.findall("`([a-z_-]+)`", cell)]


def test_every_term_is_explained() -> None:
    assert first_column("What may be asked") == list(Terms.__annotations__)


def test_every_level_is_explained_in_the_order_of_closeness() -> None:
    assert first_column("Levels") == [level.value for level in LEVELS]


def test_what_may_be_added_stands_in_its_order() -> None:
    words = {"given": "given name", "family": "family name", "born": "whole birth date"}
    words |= {"postcode": "postcode", "nhs_number": "NHS number"}
    asked = Query(carer="Okafor").narrower()
    assert ", ".join(words[term] for term in asked) in " ".join(PAGE.split())


@pytest.mark.parametrize(
    "words",
    [
        f"At most {MAX_HITS} are shown",
        f"the best {MAX_CANDIDATES} records",
        f"each of its questions reads {MAX_ROWS:,} rows at most",
    ],
)
def test_a_number_on_the_page_is_the_one_in_the_code(words: str) -> None:
    assert words in " ".join(PAGE.split())


def test_floor_and_cut_are_those_that_the_page_has_in_words() -> None:
    assert (FLOOR, BEHIND_BITS) == (0.3, 10.0)
    assert "Below three tenths nothing is shown" in PAGE
    assert "What weighs ten bits less than the best" in PAGE
