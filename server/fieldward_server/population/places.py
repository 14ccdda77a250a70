"""Streets, schools and practices of an authority: the same ones for every seed."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass

from fieldward_server.population.authorities import AUTHORITIES, Authority, Locality
from fieldward_server.population.draws import Draw, between, pick

_STREETS_PER_LOCALITY = 80

_STEMS = """
    Station Church Park Victoria Albert Queen King George Alexandra Albion Alma Balmoral Barrack
    Bath Beech Birch Bridge Broad Brook Burnside Cambridge Castle Cavendish Cedar Cemetery
    Chapel Chatsworth Cherry Chestnut Clarence Clifton Clifford College Cromwell Cross
    Devonshire Edward Elm Empire Fairfield Farm Fern Ferndale Garden Gladstone Glebe Gordon
    Grange Greenhill Grove Hawthorn Hazel Heath High Hill Holly Howard Jubilee Kensington
    Kingsway Lansdowne Laurel Lilac Lime Linden Lorne Manor Mansfield Maple Marlborough Mayfield
    Meadow Mill Montgomery Moor Nelson New Norfolk North Northumberland Oak Oakfield Orchard
    Osborne Oxford Palmerston Pleasant Poplar Portland Primrose Princess Priory Prospect
    Providence Quarry Raleigh Rectory Regent Richmond Ripon Rose Rowan Russell Rutland Salisbury
    School Sidney South Spring Springfield Stafford Stanley Sycamore Tennyson Thornton Trafalgar
    Trinity Union Valley Vernon Vicarage Walnut Warwick Waterloo Wellington West Westfield
    Wharncliffe William Willow Windsor Wood Woodland Woodside York
"""
_STREET_STEMS = tuple(_STEMS.split())
_STREET_KINDS = ("Road", "Street", "Avenue", "Road", "Street", "Close", "Lane", "Drive", "Terrace")
_BLOCK_NAMES = ("Nelson House", "Bevan Court", "Attlee House", "Hanover Court", "Seacole House")
_SAINTS = ("St Mary's", "St Joseph's", "St Thomas'", "Holy Trinity", "St Bede's", "St Anne's")
_SECONDARY_KINDS = ("Academy", "High School", "Community School")
_UNIT_LETTERS = "ABDEFGHJLNPQRSTUWXYZ"  # those a postcode may end with

# Reference numbers of schools from 900000 and codes of practices from Z00000 are not in use: each
# locality has its own twenty of either.
_FIRST_SCHOOL = 900_000
_CODES_PER_LOCALITY = 20
_LOCALITIES_PER_AUTHORITY = 25
_FIRST_SECONDARY = 10


@dataclass(frozen=True)
class Street:
    """A street, and the postcodes along it."""

    name: str
    postcodes: tuple[str, ...]


@dataclass(frozen=True)
class Place:
    """What there is in a locality; schools and practices as a record names them."""

    locality: Locality
    streets: tuple[Street, ...]
    primaries: tuple[Mapping[str, str], ...]
    secondaries: tuple[Mapping[str, str], ...]
    practices: tuple[Mapping[str, str], ...]

    def address(self, draw: Draw, *, kind: str) -> dict[str, object]:
        """Somewhere to live here, as the address of a record."""
        street = pick(draw, self.streets)
        number = 1 + int(140 * draw() * draw())
        if draw() < 0.14:
            lines = [f"Flat {between(draw, 1, 60)}, {pick(draw, _BLOCK_NAMES)}", street.name]
        else:
            lines = [f"{number} {street.name}"]
        if self.locality.name != self.locality.town and draw() < 0.6:
            lines.append(self.locality.name)
        lines.append(self.locality.town)
        postcode = street.postcodes[number % len(street.postcodes)]
        return {"kind": kind, "lines": lines, "postcode": postcode}


def places_of(authority: Authority) -> Mapping[Locality, Place]:
    """Every locality of an authority with its streets, schools and practices."""
    shuffle = random.Random(f"places/{authority.code}")
    first = tuple(AUTHORITIES).index(authority.code) * _LOCALITIES_PER_AUTHORITY
    return {
        locality: _place(locality, number * _CODES_PER_LOCALITY, shuffle)
        for number, locality in enumerate(authority.localities, start=first)
    }


def _place(locality: Locality, serial: int, shuffle: random.Random) -> Place:
    draw = shuffle.random
    stems = shuffle.sample(_STREET_STEMS, _STREETS_PER_LOCALITY)
    kind = pick(draw, _SECONDARY_KINDS)
    secondaries = (f"{locality.name} {kind}", f"{stems[2]} Park Academy")
    return Place(
        locality=locality,
        streets=tuple(_street(stem, locality, draw) for stem in stems),
        primaries=_schools(_FIRST_SCHOOL + serial, _primary_names(locality, stems)),
        secondaries=_schools(_FIRST_SCHOOL + serial + _FIRST_SECONDARY, secondaries),
        practices=tuple(
            {"code": f"Z{serial + number:05d}", "name": name}
            for number, name in enumerate(
                (
                    f"{locality.name} Medical Centre",
                    f"{stems[0]} Road Surgery",
                    f"The {stems[4]} Practice",
                )
            )
        ),
    )


def _schools(first: int, names: tuple[str, ...]) -> tuple[Mapping[str, str], ...]:
    return tuple({"code": str(code), "name": name} for code, name in enumerate(names, start=first))


def _primary_names(locality: Locality, stems: list[str]) -> tuple[str, ...]:
    saint = _SAINTS[len(locality.name) % len(_SAINTS)]
    faith = "Catholic" if saint in ("St Joseph's", "St Bede's") else "C of E"
    return (
        f"{locality.name} Primary School",
        f"{saint} {faith} Primary School, {locality.name}",
        f"{stems[1]} Lane Community Primary School",
        f"{stems[3]} Hill Primary Academy",
    )


def _street(stem: str, locality: Locality, draw: Draw) -> Street:
    sector = pick(draw, locality.postcode_sectors)
    units = tuple(
        f"{sector}{pick(draw, _UNIT_LETTERS)}{pick(draw, _UNIT_LETTERS)}"
        for _ in range(between(draw, 1, 3))
    )
    return Street(f"{stem} {pick(draw, _STREET_KINDS)}", units)
