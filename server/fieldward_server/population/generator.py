"""A population to play with: made-up children who could live in England.

Nobody in it exists. The same arguments give the same records, byte for byte.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import TextIO

from fieldward_server.population.authorities import AUTHORITIES, authority_of
from fieldward_server.population.families import Child, Families, Family
from fieldward_server.population.homes import Home
from fieldward_server.population.identifiers import by_id, nhs_numbers, record_id
from fieldward_server.population.involvements import Involvements
from fieldward_server.population.places import places_of
from fieldward_server.population.schooling import school_of
from fieldward_server.population.teams import Workforce
from fieldward_sync.limits import RAISED

REFERENCE_DATE = date(2026, 9, 30)
"""The day on which the children are 0 to 17 years old."""

_FAMILIES_PER_SHIELDED_ONE = 350  # H8: fewer than 0.5 % of the records are shielded

_ASSESSING = {"social-care", "early-help", "special-educational-needs"}


def generate(
    *, authority: str, children: int, seed: int, reference: date = REFERENCE_DATE
) -> Iterator[dict[str, object]]:
    """Nested records of so many children of one authority, siblings one after the other.

    ``authority`` is one of ``AUTHORITIES``, else ``CallerMistake("unknown-authority")``. The NHS
    numbers are of the test range and last for 900,000 children.
    """
    return _Population(authority, children=children, seed=seed, reference=reference).records()


def write_ndjson(records: Iterable[Mapping[str, object]], stream: TextIO) -> int:
    """Write one record a line, in UTF-8 JSON without escapes; returns how many."""
    count = 0
    for record in records:
        stream.write(json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n")
        count += 1
    return count


class _Population:
    def __init__(self, code: str, *, children: int, seed: int, reference: date) -> None:
        authority = authority_of(code)
        self._code = code
        self._children = children
        self._seed = seed
        self._reference = reference
        self._rng = random.Random(f"{code}/{seed}")
        self._workforce = Workforce.of(authority, children=children, rng=self._rng)
        self._places = places_of(authority)
        self._families = Families(authority, reference=reference, rng=self._rng)
        self._involvements = Involvements(self._workforce, reference=reference, rng=self._rng)
        self._numbers = nhs_numbers(block=tuple(AUTHORITIES).index(code))

    def records(self) -> Iterator[dict[str, object]]:
        index = 0
        for number, family in enumerate(self._families, start=_FAMILIES_PER_SHIELDED_ONE // 2):
            shielded = number % _FAMILIES_PER_SHIELDED_ONE == 0
            home = Home.drawn(self._rng, self._workforce, self._places)
            for child in family.children:
                if index == self._children:
                    return
                record = self._record(index, child, family, home)
                yield {**record, "shield": RAISED} if shielded else record
                index += 1

    def _record(self, index: int, child: Child, family: Family, home: Home) -> dict[str, object]:
        rng = self._rng
        record: dict[str, object] = {
            "record_id": record_id(authority=self._code, seed=self._seed, index=index),
            "authority": self._code,
            "name": {"family": child.family, "given": child.given},
            "born": child.born.isoformat(),
            "sex": child.sex if rng.random() > 0.001 else "not-specified",
            **self._identifier(),
            "address": dict(home.address),
        }
        school = school_of(child.born, home, reference=self._reference, rng=rng)
        if school is not None:
            record["school"] = school
        if rng.random() < 0.98:
            record["gp"] = {"code": home.practice.code, "name": home.practice.name}
        if child.former_family is not None:
            former = {"family": child.former_family, "given": child.given}
            record["former_names"] = by_id([former], rng)
        record["carers"] = by_id((dict(carer) for carer in family.carers), rng)
        involvements = self._involvements.of(child, home, looked_after=family.looked_after)
        record["involvements"] = by_id(involvements, rng)
        if any(held["service"] in _ASSESSING for held in involvements):
            record["assessment_exists"] = rng.random() < 0.7
        return record

    def _identifier(self) -> dict[str, str]:
        chance = self._rng.random()
        if chance < 0.002:
            return {"nhs_number_withheld": "detrimental-to-child"}
        if chance < 0.009:
            return {"nhs_number_withheld": "not-known-in-time"}
        return {"nhs_number": next(self._numbers)}
