"""Streets, schools and practices of an authority: the same ones for every seed."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass

from fieldward_server.population.authorities import AUTHORITIES, Authority, Locality

_STREETS_PER_LOCALITY = 100

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
_UNIT_LETTERS = "ABDEFGHJLNPQRSTUWXYZ"  # those a postcode may end with


@dataclass(frozen=True)
class Street:
    """A street, and the postcodes along it."""

    name: str
    postcodes: tuple[str, ...]


@dataclass(frozen=True)
class Organisation:
    """A school or a practice, as a record names it."""

    code: str
    name: str


@dataclass(frozen=True)
class Place:
    """What there is in a locality."""

    locality: Locality
    streets: tuple[Street, ...]
    primaries: tuple[Organisation, ...]
    secondary: Organisation
    practices: tuple[Organisation, ...]

    def address(self, rng: random.Random) -> dict[str, object]:
        """Somewhere to live here, as the current address of a record."""
        street = rng.choice(self.streets)
        number = int(rng.triangular(1, 140, 20))
        lines = [f"{number} {street.name}"]
        if rng.random() < 0.14:
            block = rng.choice(_BLOCK_NAMES)
            lines = [f"Flat {rng.randint(1, 60)}, {block}", street.name]
        if self.locality.name != self.locality.post_town and rng.random() < 0.6:
            lines.append(self.locality.name)
        lines.append(self.locality.post_town)
        postcode = street.postcodes[number % len(street.postcodes)]
        return {"kind": "current", "lines": lines, "postcode": postcode}


def places_of(authority: Authority) -> Mapping[Locality, Place]:
    """Every locality of an authority with its streets, schools and practices."""
    rng = random.Random(f"places/{authority.code}")
    serial = tuple(AUTHORITIES).index(authority.code) * 1000
    places = {}
    for locality in authority.localities:
        places[locality] = _place(locality, serial, rng)
        serial += 10
    return places


def _place(locality: Locality, serial: int, rng: random.Random) -> Place:
    stems = rng.sample(_STREET_STEMS, _STREETS_PER_LOCALITY)
    kind = rng.choice(("Academy", "High School", "Community School"))
    return Place(
        locality=locality,
        streets=tuple(_street(stem, locality, rng) for stem in stems),
        primaries=tuple(
            Organisation(f"{900_000 + serial + place:06d}", name)
            for place, name in enumerate(_primary_names(locality, stems))
        ),
        secondary=Organisation(f"{900_000 + serial + 9:06d}", f"{locality.name} {kind}"),
        practices=tuple(
            Organisation(f"Z{serial + place:05d}", name)
            for place, name in enumerate(
                (f"{locality.name} Medical Centre", f"{stems[0]} {_STREET_KINDS[0]} Surgery")
            )
        ),
    )


def _primary_names(locality: Locality, stems: list[str]) -> tuple[str, ...]:
    saint = _SAINTS[len(locality.name) % len(_SAINTS)]
    faith = "Catholic" if saint in ("St Joseph's", "St Bede's") else "C of E"
    return (
        f"{locality.name} Primary School",
        f"{saint} {faith} Primary School, {locality.name}",
        f"{stems[1]} Lane Community Primary School",
    )


def _street(stem: str, locality: Locality, rng: random.Random) -> Street:
    sector = f"{locality.postcode_district} {rng.randint(1, 4)}"
    units = [
        f"{sector}{rng.choice(_UNIT_LETTERS)}{rng.choice(_UNIT_LETTERS)}"
        for _ in range(rng.randint(1, 3))
    ]
    return Street(f"{stem} {rng.choice(_STREET_KINDS)}", tuple(units))
