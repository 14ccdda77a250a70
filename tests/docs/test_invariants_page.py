"""Every invariant names the tests that stand for it, and they exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/invariants.md").read_text()
SECTIONS = re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)


def test_each_of_the_eleven_invariants_has_tests_and_says_how_they_were_seen_failing() -> None:
    assert [int(section.partition(".")[0]) for section in SECTIONS] == list(range(1, 12))
    for section in SECTIONS:
        assert "`tests/" in section, section
        assert "Seen failing" in section, section


@pytest.mark.parametrize(("path", "name"), sorted(set(NAMED)))
def test_a_test_that_the_page_names_exists(path: str, name: str) -> None:
    assert re.search(rf"^(?:    )?def {name}\(", (ROOT / path).read_text(), re.MULTILINE)


def test_the_readme_lists_the_same_eleven() -> None:
    readme = " ".join((ROOT / "README.md").read_text().split())
    for section in SECTIONS:
        title = section.partition("\n")[0].rstrip(".")
        assert title in readme, title
