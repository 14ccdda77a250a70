"""The records of an authority in blocks of a thousand: each can be made by itself.

A block depends on its share of the population and on its number: never on the blocks before it or
on who makes it.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import msgspec

from fieldward_server.population.authorities import Authority, Locality, authority_of
from fieldward_server.population.days import WRITTEN
from fieldward_server.population.draws import Draw, between, pick
from fieldward_server.population.families import Child, Families, Family
from fieldward_server.population.homes import Home
from fieldward_server.population.identifiers import identity, nhs_numbers
from fieldward_server.population.involvements import Involvements
from fieldward_server.population.places import Place, places_of
from fieldward_server.population.schooling import school_of
from fieldward_server.population.teams import Workforce
from fieldward_sync.limits import RAISED

Record = dict[str, object]

CHILDREN_PER_BLOCK = 1_000

SERIALS_PER_BLOCK = 1_120
"""Serials of NHS numbers: a thousand of them have a check digit, and a few children no number."""

# H8: 0.45 % of a population's records are shielded, by whole families, which have so many children
# each. What a block has of them is settled beforehand: neither chance nor large families exceed it.
_SHIELDED_OF_2000 = 9
_SHIELDED_FAMILIES: tuple[tuple[tuple[int, ...], ...], ...] = (
    ((),),
    ((1,),),
    ((1, 1), (2,)),
    ((3,), (1, 2), (2, 1)),
    ((2, 1, 1), (1, 3), (2, 2)),
    ((2, 3), (1, 2, 2), (3, 1, 1)),
)
_SEARCHED_FOR_THE_LAST = 0.2
"""Of a block: where a family of that size is still to be found."""

_ASSESSING = frozenset(("social-care", "early-help", "special-educational-needs"))

_encode_lines = msgspec.json.Encoder().encode_lines


@dataclass(frozen=True)
class Share:
    """An authority's part of a population."""

    authority: str
    seed: int
    children: int
    first_child: int
    """How many children of the population come before them."""

    first_serial: int
    """Of its NHS numbers (``identifiers``)."""

    serials: int
    """How many it may use; children beyond are without a number, and the record says why."""

    @property
    def blocks(self) -> int:
        """How many blocks it has; the last one may be a smaller one."""
        return -(-self.children // CHILDREN_PER_BLOCK)

    @property
    def without_number(self) -> int:
        """About how many children are beyond its NHS numbers."""
        return max(0, self.children - self.serials * CHILDREN_PER_BLOCK // SERIALS_PER_BLOCK)

    def children_in(self, block: int) -> int:
        """How many children a block has."""
        return min(CHILDREN_PER_BLOCK, self.children - block * CHILDREN_PER_BLOCK)


def block_of(share: Share, number: int) -> list[Record]:
    """The nested records of a block, siblings one after the other.

    What siblings have in common is the same object in each: copy a record before you change it.
    """
    return _Block(share, number).records()


def block_lines(share: Share, number: int) -> bytes:
    """The same as NDJSON."""
    return _encode_lines(block_of(share, number))


@dataclass(frozen=True)
class _Setting:
    """What the blocks of a share have in common."""

    authority: Authority
    workforce: Workforce
    places: Mapping[Locality, Place]

    @classmethod
    @lru_cache(maxsize=2)
    def of(cls, share: Share) -> _Setting:
        authority = authority_of(share.authority)
        draw = random.Random(f"{share.authority}/{share.seed}").random
        workforce = Workforce.of(authority, children=share.children, draw=draw)
        return cls(authority, workforce, places_of(authority))


class _Block:
    def __init__(self, share: Share, number: int) -> None:
        setting = _Setting.of(share)
        draw = random.Random(f"{share.authority}/{share.seed}/{number}").random
        serial = number * SERIALS_PER_BLOCK
        self._share = share
        self._number = number
        self._draw: Draw = draw
        self._workforce = setting.workforce
        self._places = setting.places
        self._families = Families(setting.authority, draw)
        self._involvements = Involvements(setting.workforce, draw)
        self._nhs_numbers = nhs_numbers(
            first=share.first_serial + serial,
            count=max(0, min(SERIALS_PER_BLOCK, share.serials - serial)),
        )

    def records(self) -> list[Record]:
        children = self._share.children_in(self._number)
        to_shield = self._to_shield(children)
        records: list[Record] = []
        for family in self._families:
            if len(records) >= children:
                break
            home = Home.drawn(self._draw, self._workforce, self._places)
            made = [
                self._record(place, child, family, home)
                for place, child in enumerate(family.children, start=len(records))
            ]
            if to_shield and to_shield[0][0] <= len(records) and to_shield[0][1] == len(made):
                del to_shield[0]
                for record in made:
                    record["shield"] = RAISED
            records += made
        return records[:children]

    def _to_shield(self, children: int) -> list[tuple[int, int]]:
        """After how many children the next family of such a size is to be shielded."""
        before = self._share.first_child + self._number * CHILDREN_PER_BLOCK
        quota = (before + children) * _SHIELDED_OF_2000 // 2000 - before * _SHIELDED_OF_2000 // 2000
        sizes = pick(self._draw, _SHIELDED_FAMILIES[quota])
        last = int(children * (1 - _SEARCHED_FOR_THE_LAST))
        places = sorted(between(self._draw, 0, last) for _ in sizes)
        return list(zip(places, sizes, strict=True))

    def _record(self, place: int, child: Child, family: Family, home: Home) -> Record:
        draw, share = self._draw, self._share
        record_id, ids = identity(
            authority=share.authority,
            seed=share.seed,
            index=self._number * CHILDREN_PER_BLOCK + place,
        )
        name, former = child.name, child.former_name
        record: Record = {
            "record_id": record_id,
            "authority": share.authority,
            "name": {"family": name[0], "given": name[1]},
            "born": WRITTEN[child.born],
            "sex": child.sex if draw() > 0.001 else "not-specified",
        }
        self._identify(record)
        record["address"] = home.address
        school = school_of(child.born, home, draw=draw)
        if school is not None:
            record["school"] = school
        if draw() < 0.98:
            record["gp"] = home.practice
        if former is not None:
            record["former_names"] = {ids[8]: {"family": former[0], "given": former[1]}}
        record["carers"] = dict(zip(ids[5:], family.carers, strict=False))
        involvements = self._involvements.of(child.born, home, looked_after=family.looked_after)
        record["involvements"] = dict(zip(ids, involvements, strict=False))
        for held in involvements:
            if held["service"] in _ASSESSING:
                record["assessment_exists"] = draw() < 0.7
                break
        return record

    def _identify(self, record: Record) -> None:
        chance = self._draw()
        if chance < 0.002:
            record["nhs_number_withheld"] = "detrimental-to-child"
        elif chance < 0.009 or (number := next(self._nhs_numbers, None)) is None:
            record["nhs_number_withheld"] = "not-known-in-time"
        else:
            record["nhs_number"] = number
