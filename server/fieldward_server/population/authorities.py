"""Ten local authorities of England to make populations for.

Codes and names: ONS, *Local Authority Districts (December 2023) Names and Codes in the United
Kingdom*; Sheffield's is the one it had until the boundary change of April 2025 (SI 2024/1328).
Places and their postcode districts: Royal Mail's post towns, as public maps show them. Telephone
numbers: Ofcom's ranges for drama, which are never given to anybody. Shares of communities: rough,
after the ethnic groups of the Census 2021; they only decide which names are drawn.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fieldward_sync.errors import CallerMistake


@dataclass(frozen=True)
class Locality:
    """A neighbourhood or town that a team works in."""

    name: str
    post_town: str
    postcode_district: str

    @property
    def code(self) -> str:
        """Three letters, as they stand in the codes of teams."""
        return "".join(c for c in self.name if c.isalpha())[:3].upper()


@dataclass(frozen=True)
class Authority:
    """A local authority, and what a population needs to know of it."""

    code: str
    name: str
    council: str
    drama_numbers: str
    """The beginning of a range of telephone numbers for drama; three digits follow."""

    localities: tuple[Locality, ...]
    communities: Mapping[str, float]
    """Shares of the communities of ``names``, in any unit."""


def _localities(text: str) -> tuple[Locality, ...]:
    rows = (line.strip().split("|") for line in text.strip().splitlines())
    return tuple(Locality(*row) for row in rows)


_ALL = (
    Authority(
        "E08000039",
        "Sheffield",
        "Sheffield City Council",
        "0114 496 0",
        _localities("""
            Hillsborough|Sheffield|S6
            Burngreave|Sheffield|S4
            Darnall|Sheffield|S9
            Gleadless Valley|Sheffield|S14
            Sharrow|Sheffield|S7
            Parson Cross|Sheffield|S5
            Manor|Sheffield|S2
            Crookes|Sheffield|S10
            Mosborough|Sheffield|S20
            Stocksbridge|Sheffield|S36
            Firth Park|Sheffield|S5
            Woodhouse|Sheffield|S13
            Ecclesall|Sheffield|S11
            Tinsley|Sheffield|S9
            Chapeltown|Sheffield|S35
            Heeley|Sheffield|S8
        """),
        {
            "british": 68,
            "pakistani": 7,
            "eastern-european": 5,
            "arab-and-iranian": 4,
            "somali": 3,
            "west-african": 3,
            "caribbean": 3,
            "punjabi": 0.7,
            "gujarati-and-hindi": 0.7,
            "south-indian-and-tamil": 0.6,
            "chinese-and-vietnamese": 2,
            "bangladeshi": 1,
            "lusophone-and-hispanic": 1,
            "turkish-and-kurdish": 1,
        },
    ),
    Authority(
        "E08000003",
        "Manchester",
        "Manchester City Council",
        "0161 496 0",
        _localities("""
            Moss Side|Manchester|M14
            Longsight|Manchester|M12
            Cheetham Hill|Manchester|M8
            Wythenshawe|Manchester|M22
            Gorton|Manchester|M18
            Levenshulme|Manchester|M19
            Harpurhey|Manchester|M9
            Newton Heath|Manchester|M40
            Rusholme|Manchester|M14
            Openshaw|Manchester|M11
            Hulme|Manchester|M15
            Whalley Range|Manchester|M16
            Chorlton-cum-Hardy|Manchester|M21
            Didsbury|Manchester|M20
            Baguley|Manchester|M23
            Ancoats|Manchester|M4
        """),
        {
            "british": 50,
            "pakistani": 15,
            "west-african": 9,
            "arab-and-iranian": 5,
            "eastern-european": 5,
            "somali": 4,
            "caribbean": 4,
            "punjabi": 0.8,
            "gujarati-and-hindi": 1.2,
            "south-indian-and-tamil": 1,
            "bangladeshi": 2,
            "chinese-and-vietnamese": 3,
            "lusophone-and-hispanic": 2,
            "turkish-and-kurdish": 1,
        },
    ),
    Authority(
        "E09000025",
        "Newham",
        "London Borough of Newham",
        "020 7946 0",
        _localities("""
            East Ham|London|E6
            Stratford|London|E15
            Plaistow|London|E13
            Canning Town|London|E16
            Forest Gate|London|E7
            Manor Park|London|E12
            Beckton|London|E6
            Custom House|London|E16
            Upton Park|London|E13
            West Ham|London|E15
            Little Ilford|London|E12
            Silvertown|London|E16
            Royal Docks|London|E16
        """),
        {
            "bangladeshi": 18,
            "british": 16,
            "punjabi": 2,
            "gujarati-and-hindi": 4,
            "south-indian-and-tamil": 8,
            "pakistani": 11,
            "west-african": 14,
            "eastern-european": 10,
            "caribbean": 5,
            "lusophone-and-hispanic": 4,
            "somali": 3,
            "arab-and-iranian": 2,
            "chinese-and-vietnamese": 2,
            "turkish-and-kurdish": 1,
        },
    ),
    Authority(
        "E06000052",
        "Cornwall",
        "Cornwall Council",
        "01632 960",
        _localities("""
            Camborne|Camborne|TR14
            St Austell|St Austell|PL25
            Truro|Truro|TR1
            Penzance|Penzance|TR18
            Newquay|Newquay|TR7
            Bodmin|Bodmin|PL31
            Falmouth|Falmouth|TR11
            Liskeard|Liskeard|PL14
            Saltash|Saltash|PL12
            Redruth|Redruth|TR15
            Helston|Helston|TR13
            Bude|Bude|EX23
            Launceston|Launceston|PL15
            Hayle|Hayle|TR27
            St Ives|St Ives|TR26
            Wadebridge|Wadebridge|PL27
            Looe|Looe|PL13
            Torpoint|Torpoint|PL11
        """),
        {
            "british": 72,
            "cornish": 23,
            "eastern-european": 2.5,
            "punjabi": 0.1,
            "gujarati-and-hindi": 0.2,
            "south-indian-and-tamil": 0.4,
            "lusophone-and-hispanic": 0.6,
            "chinese-and-vietnamese": 0.4,
            "west-african": 0.4,
            "arab-and-iranian": 0.4,
        },
    ),
    Authority(
        "E08000025",
        "Birmingham",
        "Birmingham City Council",
        "0121 496 0",
        _localities("""
            Sparkbrook|Birmingham|B11
            Alum Rock|Birmingham|B8
            Handsworth|Birmingham|B21
            Small Heath|Birmingham|B10
            Erdington|Birmingham|B23
            Northfield|Birmingham|B31
            Lozells|Birmingham|B19
            Kingstanding|Birmingham|B44
            Ladywood|Birmingham|B16
            Bordesley Green|Birmingham|B9
            Selly Oak|Birmingham|B29
            Shard End|Birmingham|B34
            Castle Vale|Birmingham|B35
            Moseley|Birmingham|B13
            Yardley|Birmingham|B25
            Aston|Birmingham|B6
        """),
        {
            "british": 38,
            "pakistani": 23,
            "punjabi": 4.5,
            "gujarati-and-hindi": 2,
            "south-indian-and-tamil": 0.8,
            "bangladeshi": 6,
            "west-african": 6,
            "caribbean": 6,
            "arab-and-iranian": 4,
            "eastern-european": 4,
            "somali": 3,
            "chinese-and-vietnamese": 1,
            "lusophone-and-hispanic": 1,
        },
    ),
    Authority(
        "E08000035",
        "Leeds",
        "Leeds City Council",
        "0113 496 0",
        _localities("""
            Harehills|Leeds|LS8
            Seacroft|Leeds|LS14
            Beeston|Leeds|LS11
            Armley|Leeds|LS12
            Chapeltown|Leeds|LS7
            Middleton|Leeds|LS10
            Gipton|Leeds|LS9
            Bramley|Leeds|LS13
            Headingley|Leeds|LS6
            Moortown|Leeds|LS17
            Pudsey|Pudsey|LS28
            Rothwell|Leeds|LS26
            Garforth|Leeds|LS25
            Otley|Otley|LS21
            Cross Gates|Leeds|LS15
            Horsforth|Leeds|LS18
        """),
        {
            "british": 74,
            "pakistani": 6,
            "eastern-european": 4,
            "west-african": 5,
            "punjabi": 1.5,
            "gujarati-and-hindi": 0.8,
            "south-indian-and-tamil": 0.7,
            "arab-and-iranian": 3,
            "caribbean": 2,
            "bangladeshi": 1,
            "chinese-and-vietnamese": 1,
            "lusophone-and-hispanic": 1,
        },
    ),
    Authority(
        "E08000032",
        "Bradford",
        "City of Bradford Metropolitan District Council",
        "01632 960",
        _localities("""
            Manningham|Bradford|BD8
            Great Horton|Bradford|BD7
            Keighley|Keighley|BD21
            Holme Wood|Bradford|BD4
            Eccleshill|Bradford|BD2
            Barkerend|Bradford|BD3
            Shipley|Shipley|BD18
            Little Horton|Bradford|BD5
            Wibsey|Bradford|BD6
            Bingley|Bingley|BD16
            Idle|Bradford|BD10
            Thornton|Bradford|BD13
            Heaton|Bradford|BD9
            Ilkley|Ilkley|LS29
            Baildon|Shipley|BD17
        """),
        {
            "british": 50,
            "pakistani": 34,
            "eastern-european": 5,
            "bangladeshi": 3,
            "punjabi": 1.5,
            "gujarati-and-hindi": 1,
            "south-indian-and-tamil": 0.5,
            "arab-and-iranian": 2,
            "west-african": 2,
            "caribbean": 1,
        },
    ),
    Authority(
        "E06000023",
        "Bristol",
        "Bristol City Council",
        "0117 496 0",
        _localities("""
            Easton|Bristol|BS5
            Hartcliffe|Bristol|BS13
            Southmead|Bristol|BS10
            Fishponds|Bristol|BS16
            St Pauls|Bristol|BS2
            Lawrence Weston|Bristol|BS11
            Filwood|Bristol|BS4
            Bedminster|Bristol|BS3
            Lockleaze|Bristol|BS7
            Withywood|Bristol|BS13
            Barton Hill|Bristol|BS5
            Stockwood|Bristol|BS14
            Henbury|Bristol|BS10
            Shirehampton|Bristol|BS11
            Redland|Bristol|BS6
        """),
        {
            "british": 73,
            "somali": 5,
            "eastern-european": 5,
            "caribbean": 5,
            "pakistani": 3,
            "west-african": 3,
            "punjabi": 0.6,
            "gujarati-and-hindi": 0.6,
            "south-indian-and-tamil": 0.8,
            "bangladeshi": 1,
            "arab-and-iranian": 1,
            "chinese-and-vietnamese": 1,
            "lusophone-and-hispanic": 1,
        },
    ),
    Authority(
        "E06000016",
        "Leicester",
        "Leicester City Council",
        "0116 496 0",
        _localities("""
            Belgrave|Leicester|LE4
            Highfields|Leicester|LE2
            Braunstone|Leicester|LE3
            Evington|Leicester|LE5
            New Parks|Leicester|LE3
            Beaumont Leys|Leicester|LE4
            Spinney Hills|Leicester|LE5
            Saffron|Leicester|LE2
            Westcotes|Leicester|LE3
            Rushey Mead|Leicester|LE4
            Eyres Monsell|Leicester|LE2
            Humberstone|Leicester|LE5
            Aylestone|Leicester|LE2
            Knighton|Leicester|LE2
        """),
        {
            "punjabi": 7,
            "gujarati-and-hindi": 27,
            "south-indian-and-tamil": 4,
            "british": 33,
            "pakistani": 5,
            "somali": 5,
            "eastern-european": 6,
            "west-african": 4,
            "bangladeshi": 3,
            "arab-and-iranian": 2,
            "caribbean": 2,
            "lusophone-and-hispanic": 2,
        },
    ),
    Authority(
        "E06000047",
        "County Durham",
        "Durham County Council",
        "0191 498 0",
        _localities("""
            Peterlee|Peterlee|SR8
            Bishop Auckland|Bishop Auckland|DL14
            Stanley|Stanley|DH9
            Consett|Consett|DH8
            Chester-le-Street|Chester le Street|DH3
            Newton Aycliffe|Newton Aycliffe|DL5
            Seaham|Seaham|SR7
            Durham|Durham|DH1
            Spennymoor|Spennymoor|DL16
            Crook|Crook|DL15
            Shildon|Shildon|DL4
            Horden|Peterlee|SR8
            Brandon|Durham|DH7
            Ferryhill|Ferryhill|DL17
            Barnard Castle|Barnard Castle|DL12
        """),
        {
            "british": 95,
            "eastern-european": 2,
            "punjabi": 0.2,
            "gujarati-and-hindi": 0.3,
            "south-indian-and-tamil": 0.5,
            "arab-and-iranian": 1,
            "west-african": 0.5,
            "chinese-and-vietnamese": 0.5,
        },
    ),
)

AUTHORITIES: Mapping[str, Authority] = {authority.code: authority for authority in _ALL}
"""By ONS code, in an order that never changes: NHS numbers are dealt out by it."""


def authority_of(code: str) -> Authority:
    """The authority with this ONS code; ``CallerMistake("unknown-authority")`` if not here."""
    if code not in AUTHORITIES:
        known = ", ".join(f"{a.code} {a.name}" for a in _ALL)
        raise CallerMistake(
            "unknown-authority",
            f"There is no population for {code[:16]!r}.",
            next_step=f"Take one of these: {known}.",
        )
    return AUTHORITIES[code]
