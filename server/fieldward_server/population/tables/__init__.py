"""What the population is drawn from, as tables: authorities, localities, communities, names.

``authorities.csv``: the 153 authorities with children's services, by the code each has had since
April 2025 (ONS, *Local Authority Districts* and *Counties and Unitary Authorities (April 2025)
Names and Codes*), called as people call them; residents in thousands at the Census of 2021 (ONS,
TS001, counted again for the authorities formed in 2023); the beginning of a range of telephone
numbers that Ofcom keeps for drama, the area's own where it has one; and the name of a mix.

``localities.csv``: places of each authority with a code for their teams, the town a letter would
name, the postcode district and those of its sectors that lie around the place and in the
authority. Places: GeoNames (CC BY 4.0), and for the cities put down from general knowledge. Which
districts and sectors lie where: ONS, National Statistics Postcode Directory of 2026 (OGL v3.0:
contains OS, Royal Mail and National Statistics data, Crown copyright and database right). The town
is the largest place of the district, which is not always Royal Mail's post town.

``mixes.csv``: shares of communities, in any unit, roughly after the ethnic groups of the Census of
2021. They only decide which names are drawn.

``names.toml``: the names of each community.
"""

from __future__ import annotations

from importlib import resources


def read_table(name: str) -> str:
    """The text of one of these files."""
    return (resources.files(__name__) / name).read_text(encoding="utf-8")
