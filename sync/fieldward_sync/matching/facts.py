"""What a view says that can be compared.

Every live value of a conflict counts, and one that is disputed counts like any other. Most values
of a view are of no use here, and most queries ask for a few of the others: each is read when
somebody asks for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from fieldward_sync.limits import SEXES
from fieldward_sync.matching.key_ranges import PAST_ANY_LETTER
from fieldward_sync.views import View, ViewValue

NOT_SPECIFIED = SEXES[-1]
_NAMES = ("name.family", "name.given", "former_names/")
_COMPARED_WITH: Mapping[str, Sequence[str]] = {
    "family": _NAMES,
    "given": _NAMES,
    "former": ("former_names/",),
    "beginning": _NAMES,
    "born": ("born",),
    "age": ("born",),
    "sex": ("sex",),
    "postcode": ("address",),
    "address": ("address",),
    "nhs_number": ("nhs_number",),
    "carer": ("carers/",),
    "school": ("school.name", "school.code"),
}


def compared_with(terms: Iterable[str]) -> frozenset[str]:
    """The paths that terms of a query are compared with, and the collections, by how the paths of
    their members begin: of a view that is only compared, nothing else need be there."""
    return frozenset(path for term in terms for path in _COMPARED_WITH[term])


class Facts:
    """The values of one view, by what they are of, as records write them."""

    def __init__(self, values: Sequence[ViewValue]) -> None:
        self._values = values

    @classmethod
    def of(cls, view: View) -> Facts:
        """What this view says."""
        return cls(view.values)

    @property
    def families(self) -> Sequence[str]:
        """Family names in force."""
        return self._at("name.family")

    @property
    def givens(self) -> Sequence[str]:
        """Given names in force."""
        return self._at("name.given")

    @property
    def former_names(self) -> tuple[Sequence[str], Sequence[str]]:
        """Family names, and given names, from before."""
        families, givens = list[str](), list[str]()
        for path, name in self._below("former_names/"):
            (families if path.endswith(".family") else givens).append(name)
        return families, givens

    @property
    def names(self) -> Sequence[str]:
        """Every name that the child has or had, its parts apart."""
        former_families, former_givens = self.former_names
        return (*self.families, *self.givens, *former_families, *former_givens)

    @property
    def days(self) -> Sequence[str]:
        """Of birth."""
        return self._at("born")

    @property
    def sexes(self) -> Sequence[str]:
        """Where they are specified."""
        return [sex for sex in self._at("sex") if sex != NOT_SPECIFIED]

    @property
    def postcodes(self) -> Sequence[str]:
        """Without blanks."""
        codes = (address.get("postcode") for address in self._addresses)
        return ["".join(code.split()) for code in codes if isinstance(code, str)]

    @property
    def addresses(self) -> Sequence[str]:
        """The lines of each together."""
        every = (address.get("lines") for address in self._addresses)
        return [" ".join(lines) for lines in every if isinstance(lines, list)]

    @property
    def numbers(self) -> Sequence[str]:
        """NHS numbers."""
        return self._at("nhs_number")

    @property
    def schools(self) -> Sequence[str]:
        """Names and reference numbers."""
        return (*self._at("school.name"), *self._at("school.code"))

    @property
    def carers(self) -> Iterator[str]:
        """Given and family name of each person together, for each pair of live values."""
        people: dict[str, dict[str, list[str]]] = {}
        for path, value in self._below("carers/"):
            person, _, part = path.rpartition(".")
            if part in ("given", "family"):
                people.setdefault(person, {}).setdefault(part, []).append(value)
        for parts in people.values():
            for given in parts.get("given", [""]):
                for family in parts.get("family", [""]):
                    yield f"{given} {family}"

    @property
    def _addresses(self) -> Sequence[Mapping[str, str | list[str]]]:
        values = self._values
        return [v.value for v in values if v.path == "address" and isinstance(v.value, dict)]

    def _at(self, path: str) -> Sequence[str]:
        """The texts at a path."""
        return [v.value for v in self._values if v.path == path and isinstance(v.value, str)]

    def _below(self, member: str) -> Sequence[tuple[str, str]]:
        """The paths below this one, each with a text."""
        past = member + PAST_ANY_LETTER  # to compare is twice as fast as ``startswith``
        return [
            (v.path, v.value)
            for v in self._values
            if member < v.path < past and isinstance(v.value, str)
        ]
