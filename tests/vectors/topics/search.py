"""Search keys of a view."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from second_implementation.encoding import pack
from vectors.cases import Case, Topic, valid

Value = tuple[str, int, Any]


def _view(values: Sequence[Value], *, shielded: bool = False) -> bytes:
    return pack(["a", 2, shielded, [list(value) for value in sorted(values, key=lambda v: v[:2])]])


def _named(family: str, given: str = "Ada") -> list[Value]:
    return [("name.family", 1, family), ("name.given", 1, given)]


def _cases() -> Iterator[Case]:
    for name, why, values, keys in (
        *_names(),
        *_other_kinds(),
        *_several_values(),
    ):
        yield valid(name, why, view=_view(values), keys=sorted(keys))
    yield valid(
        "shielded",
        "a view without what the shield hides: there is nothing to make such keys from",
        view=_view(
            [*_named("Okafor"), ("born", 1, "2021-03-04"), ("shield", 2, "raised")], shielded=True
        ),
        keys=["b2021-03-04", "nada", "nokafor"],
    )


def _names() -> Iterator[tuple[str, str, list[Value], list[str]]]:
    for name, why, family, given, keys in (
        ("plain", "both names", "Okafor", "Ada", ["nokafor", "nada"]),
        (
            "apostrophe-hyphen-marks",
            "punctuation goes, a hyphen parts",
            "O’Brien-Nuñez",
            "Zoë  Ann",
            ["nobrien", "nnunez", "nzoe", "nann"],
        ),
        (
            "other-dashes",
            "U+2010, U+2011, U+2013, a stroke and a comma part too",
            "A\u2010Be\u2011Ce\u2013De/Ef,Ge",
            "Ada",
            ["na", "nbe", "nce", "nde", "nef", "nge", "nada"],
        ),
        ("decomposed", "marks that stand apart", "Nun\u0303ez", "Ada", ["nnunez", "nada"]),
        (
            "letters-that-do-not-decompose",
            "stroked letters, a ligature, a thorn",
            "Łukaszewicz-Sørensen",
            "Æthel Þóra",
            ["nlukaszewicz", "nsorensen", "naethel", "nthora"],
        ),
        ("sharp-s", "full case folding", "Groß", "GROẞ", ["ngross"]),
        ("greek", "another script", "Παπαδόπουλος", "Ἀδα", ["npapadopoylos", "nada"]),
        ("cyrillic", "another script", "Щербакова", "Юлия", ["nshcherbakova", "nyuliya"]),
        ("arabic", "another script", "محمد", "علي", ["nmhmd", "nly"]),
        ("nothing-left", "a name of which folding leaves nothing has no key", "’", "Ada", ["nada"]),
        ("digits", "a digit is kept", "Okafor 2nd", "Ada", ["nokafor", "n2nd", "nada"]),
    ):
        yield name, why, _named(family, given), keys


def _other_kinds() -> Iterator[tuple[str, str, list[Value], list[str]]]:
    located = {"kind": "current", "lines": ["Flat 2b, 1 High St", "Leeds"], "postcode": "M14 5AB"}
    yield "born", "as it is", [("born", 1, "2021-03-04")], ["b2021-03-04"]
    yield "nhs-number", "as it is", [("nhs_number", 1, "9990000018")], ["h9990000018"]
    yield (
        "address",
        "the postcode without its blank; the lines' words, but for those that begin with a digit",
        [("address", 1, located)],
        ["pM145AB", "aflat", "ahigh", "ast", "aleeds"],
    )
    yield (
        "address-last-known",
        "the last known address is found by as well",
        [("address", 1, {**located, "kind": "last-known"})],
        ["pM145AB", "aflat", "ahigh", "ast", "aleeds"],
    )
    yield "no-address", "nothing to go by", [("address", 1, {"kind": "no-known-address"})], []
    yield (
        "carer",
        "family and given name, and nothing else of a carer",
        [
            ("carers/c1.family", 1, "Poole"),
            ("carers/c1.given", 1, "Zoë"),
            ("carers/c1.phone", 1, "0114 496 0000"),
            ("carers/c1.relation", 1, "mother"),
        ],
        ["cpoole", "czoe"],
    )
    yield (
        "school",
        "the name without the words of every school, and the code",
        [
            ("school.code", 1, "123456"),
            ("school.name", 1, "St Mary’s Church of England Primary School"),
            ("school.since", 1, "2025-09-01"),
        ],
        ["smarys", "sengland", "s123456"],
    )
    yield (
        "nothing-else",
        "nothing of involvements, the practice, the sex",
        [
            ("gp.code", 1, "P84001"),
            ("gp.name", 1, "Elm House"),
            ("involvements/a1.practitioner", 1, "Jo Poole"),
            ("sex", 1, "female"),
        ],
        [],
    )


def _several_values() -> Iterator[tuple[str, str, list[Value], list[str]]]:
    yield (
        "former",
        "former names are names",
        [
            *_named("Okafor"),
            ("former_names/f1.family", 1, "Adeyemi"),
            ("former_names/f1.given", 1, "Ada"),
        ],
        ["nadeyemi", "nada", "nokafor"],
    )
    yield (
        "conflict",
        "every live value has its keys",
        [
            ("name.family", 1, "Okafor"),
            ("name.family", 2, "Okafor-Lee"),
            ("born", 1, "2021-03-04"),
            ("born", 2, "2021-04-03"),
        ],
        ["nokafor", "nlee", "b2021-03-04", "b2021-04-03"],
    )
    yield (
        "removed",
        "nothing of what was removed",
        [("name.family", 1, "Okafor"), ("name.given", 2, None), ("address", 2, None)],
        ["nokafor"],
    )


TOPIC = Topic("search", "written down from the rules of folding", _cases)
