"""What a view says that can be compared.

Every live value of a conflict counts, and one that is disputed counts like any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from fieldward_sync.limits import SEXES
from fieldward_sync.views import View

NOT_SPECIFIED = SEXES[-1]

_LISTS = {
    "name.family": "families",
    "name.given": "givens",
    "born": "days",
    "sex": "sexes",
    "nhs_number": "numbers",
    "school.name": "schools",
    "school.code": "schools",
}
"""Path to the list that its values go into."""


@dataclass
class Facts:
    """The values of one view, by what they are of, as records write them."""

    families: list[str] = field(default_factory=list)
    givens: list[str] = field(default_factory=list)
    former_families: list[str] = field(default_factory=list)
    former_givens: list[str] = field(default_factory=list)
    days: list[str] = field(default_factory=list)
    """Of birth."""
    sexes: list[str] = field(default_factory=list)
    """Where they are specified."""
    postcodes: list[str] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)
    """The lines of each together."""
    numbers: list[str] = field(default_factory=list)
    """NHS numbers."""
    schools: list[str] = field(default_factory=list)
    """Names and reference numbers."""
    carer_names: list[tuple[str, str]] = field(default_factory=list)
    """Path and value of each part of a carer's name."""

    @classmethod
    def of(cls, view: View) -> Facts:
        """What this view says."""
        facts = cls()
        for shown in view.values:
            path, value = shown.path, shown.value
            if isinstance(value, str):
                if (name := _LISTS.get(path)) is not None:
                    getattr(facts, name).append(value)
                elif not path.startswith("involvements/"):  # most values; nobody looks for them
                    facts._note_member(path, value)
            elif isinstance(value, dict) and path == "address":
                facts._note_address(value)
        facts.sexes = [sex for sex in facts.sexes if sex != NOT_SPECIFIED]
        return facts

    @property
    def names(self) -> Iterable[str]:
        """Every name that the child has or had, its parts apart."""
        return (*self.families, *self.givens, *self.former_families, *self.former_givens)

    @property
    def carers(self) -> Iterator[str]:
        """Given and family name of each person together, for each pair of live values."""
        people: dict[str, dict[str, list[str]]] = {}
        for path, value in self.carer_names:
            person, _, part = path.rpartition(".")
            people.setdefault(person, {}).setdefault(part, []).append(value)
        for parts in people.values():
            for given in parts.get("given", [""]):
                for family in parts.get("family", [""]):
                    yield f"{given} {family}"

    def _note_member(self, path: str, value: str) -> None:
        if path.startswith("carers/"):
            if path.endswith((".family", ".given")):
                self.carer_names.append((path, value))
        elif path.startswith("former_names/"):
            is_family = path.endswith(".family")
            (self.former_families if is_family else self.former_givens).append(value)

    def _note_address(self, address: Mapping[str, str | list[str]]) -> None:
        postcode, lines = address.get("postcode"), address.get("lines")
        if isinstance(postcode, str):
            self.postcodes.append("".join(postcode.split()))
        if isinstance(lines, list):
            self.addresses.append(" ".join(lines))
