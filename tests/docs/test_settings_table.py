"""The operations page says what each setting is by default, and what it may be."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fieldward_server.config import load_config
from fieldward_sync.errors import CallerMistake

PAGE = Path(__file__).parents[2] / "docs/operations.md"
HERE = Path("fieldward-data").absolute()
SECONDS = {"h": 3600, "d": 24 * 3600}
IN_WORDS = {
    "fieldward-data": str(HERE),
    "SQLite in the data folder": f"sqlite:///{HERE}/fieldward.db",
    "in the data folder": str(HERE / "master.key"),
    "beside the master key": str(HERE / "shield-register"),
    "the address listened on": "",
    "empty": "",
    "none": "",
    "half of threads": "4",
    "lease_destroys_seconds and 48 h": str((14 * 24 + 48) * 3600),
}


def rows() -> list[tuple[str, str, str]]:
    """Each setting of the table, with its meaning and the default that is said."""
    table = PAGE.read_text().partition("| setting |")[2].partition("\n\n")[0]
    found = []
    for line in table.splitlines()[2:]:
        names, meaning, default = line.strip("| ").split(" | ")
        defaults = default.replace("`", "").split(", ")
        each = re.findall(r"`([a-z_]+)`", names)
        assert len(each) == len(defaults), line
        found += [(name, meaning, said) for name, said in zip(each, defaults, strict=True)]
    return found


def meant(said: str) -> str:
    if said in IN_WORDS:
        return IN_WORDS[said]
    if span := re.fullmatch(r"(\d+) ([hd])", said):
        return str(int(span[1]) * SECONDS[span[2]])
    return re.sub(r"(?<=\d),(?=\d{3})", "", said)


@pytest.mark.parametrize(("setting", "said"), [(name, said) for name, _, said in rows()])
def test_a_setting_is_by_default_what_the_page_says(setting: str, said: str) -> None:
    assert str(getattr(load_config(None, {}), setting)) == meant(said)


BOUNDS = [
    (name, int(low), int(high.replace(",", "")))
    for name, meaning, _ in rows()
    for low, high in re.findall(r": (\d+) to ([\d,]*\d)\b", meaning)
]


@pytest.mark.parametrize(("setting", "low", "high"), BOUNDS)
def test_a_setting_may_be_what_the_page_says_and_no_less_or_more(
    setting: str, low: int, high: int
) -> None:
    def given(value: int) -> int:
        config = load_config(None, {f"FIELDWARD_{setting.upper()}": str(value)})
        return int(getattr(config, setting))

    assert (given(low), given(high)) == (low, high)
    for beyond in (low - 1, high + 1):
        with pytest.raises(CallerMistake, match="config-wrong"):
            given(beyond)


def test_the_bounds_of_three_settings_are_said() -> None:
    assert len(BOUNDS) == 3
