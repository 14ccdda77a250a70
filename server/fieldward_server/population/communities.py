"""The communities of England, as far as names go: who bears which, and how they are handed on."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fieldward_server.population.draws import by_rank
from fieldward_server.population.tables import read_table


@dataclass(frozen=True)
class Community:
    """The names that families of one community bear and give, commonest first."""

    family: tuple[str, ...]
    girls: tuple[str, ...]
    boys: tuple[str, ...]
    women: tuple[str, ...]
    """Given names of the parents' generation."""

    men: tuple[str, ...]
    girls_second: tuple[str, ...] = ()
    boys_second: tuple[str, ...] = ()
    """Further given names, where they are usual."""

    women_family: tuple[str, ...] = ()
    """Family names that only women bear."""

    women_keep_their_names: bool = False
    """Whether a mother usually bears another family name than her husband and children."""

    patronymic: bool = False
    """Whether a child's second name is its father's given name."""

    recorded_either_way: bool = False
    """Whether clerks often take the family name for the given one."""

    def by_frequency(self) -> Community:
        """These names, each repeated so that a fair draw gives the first ones more often."""
        return Community(
            family=by_rank(self.family),
            girls=by_rank(self.girls),
            boys=by_rank(self.boys),
            women=by_rank(self.women),
            men=by_rank(self.men),
            girls_second=by_rank(self.girls_second),
            boys_second=by_rank(self.boys_second),
            women_family=by_rank(self.women_family),
            women_keep_their_names=self.women_keep_their_names,
            patronymic=self.patronymic,
            recorded_either_way=self.recorded_either_way,
        )


def _read() -> dict[str, Community]:
    written = tomllib.loads(read_table("names.toml"))
    return {name: _community(told, written) for name, told in written.items()}


def _community(told: Mapping[str, Any], written: Mapping[str, Mapping[str, Any]]) -> Community:
    """One section of the file; the lists it lacks are those of the community it is ``like``."""
    fields: dict[str, Any] = {**written[told["like"]], **told} if "like" in told else {**told}
    fields.pop("like", None)
    for key, value in fields.items():
        if isinstance(value, str):
            fields[key] = _names(value)
    return Community(**fields)


def _names(text: str) -> tuple[str, ...]:
    return tuple(" ".join(name.split()) for name in text.split(","))


COMMUNITIES: Mapping[str, Community] = _read()

DRAWN: Mapping[str, Community] = {
    name: community.by_frequency() for name, community in COMMUNITIES.items()
}
"""The same, to draw from."""


def _feminine(family: str) -> str:
    if family == "Singh":
        return "Kaur"
    return f"{family[:-1]}a" if family.endswith(("ski", "cki", "dzki")) else family


_FEMININE = {
    family: form
    for community in COMMUNITIES.values()
    for family in community.family
    if (form := _feminine(family)) != family
}


def feminine(family: str) -> str:
    """The form a family name takes for a woman, in Polish and among Sikhs; else the same."""
    return _FEMININE.get(family, family)
