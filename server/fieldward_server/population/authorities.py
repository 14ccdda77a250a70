"""The local authorities of England that look after children, and where their families live."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from fieldward_server.population.tables import read_table
from fieldward_sync.errors import CallerMistake


@dataclass(frozen=True)
class Locality:
    """A neighbourhood or town that a team works in."""

    code: str
    """Three letters, as they stand in the codes of teams; no other of the authority has them."""

    name: str
    town: str
    """The larger place that a letter names too."""

    postcode_sectors: tuple[str, ...]

    @property
    def postcode_district(self) -> str:
        """The first half of its postcodes."""
        return self.postcode_sectors[0].partition(" ")[0]


@dataclass(frozen=True)
class Authority:
    """A local authority, and what a population needs to know of it."""

    code: str
    name: str
    council: str
    residents: int
    """Of every age, in thousands."""

    drama_numbers: str
    """The beginning of a range of telephone numbers for drama; three digits follow."""

    localities: tuple[Locality, ...]
    communities: Mapping[str, int]
    """Shares of the communities, in any unit."""


def _read() -> dict[str, Authority]:
    localities = defaultdict(list)
    for row in _rows("localities.csv"):
        sectors = tuple(f"{row['district']} {digit}" for digit in row["sectors"])
        locality = Locality(row["code"], row["name"], row["town"], sectors)
        localities[row["authority"]].append(locality)
    mixes = {
        row.pop("mix"): {name: int(share) for name, share in row.items() if share != "0"}
        for row in _rows("mixes.csv")
    }
    return {
        row["code"]: Authority(
            code=row["code"],
            name=row["name"],
            council=row["council"],
            residents=int(row["thousands"]),
            drama_numbers=row["drama_numbers"],
            localities=tuple(localities[row["code"]]),
            communities=mixes[row["mix"]],
        )
        for row in _rows("authorities.csv")
    }


def _rows(name: str) -> Iterable[dict[str, str]]:
    return csv.DictReader(read_table(name).splitlines())


AUTHORITIES: Mapping[str, Authority] = _read()
"""By ONS code, and in the order of the codes."""


def authority_of(code: str) -> Authority:
    """The authority with this ONS code; ``CallerMistake("unknown-authority")`` if there is none."""
    if code not in AUTHORITIES:
        raise CallerMistake(
            "unknown-authority",
            f"{code[:16]!r} is not the code of an authority of England with children's services.",
            next_step="fieldward population authorities lists them all.",
        )
    return AUTHORITIES[code]
