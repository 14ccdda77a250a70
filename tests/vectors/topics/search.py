"""Search keys of a view."""

from __future__ import annotations

from collections.abc import Iterator

from second_implementation.encoding import pack
from vectors.cases import Case, Topic, valid
from vectors.topics.world import view


def _cases() -> Iterator[Case]:
    located = {"kind": "current", "lines": ["1 High St"], "postcode": "M14 5AB"}
    born = ["born", "2021-03-04"]
    for name, why, found, keys in (
        (
            "plain",
            "names and birth date",
            view("a", 1),
            [["name", "okafor"], ["name", "ada"], born],
        ),
        (
            "apostrophe-hyphen-marks",
            "folded words",
            view("a", 1, {"name.family": (1, "O’Brien-Nuñez"), "name.given": (1, "Zoë  Ann")}),
            [["name", "obrien"], ["name", "nunez"], ["name", "zoe"], ["name", "ann"], born],
        ),
        (
            "sharp-s",
            "full case folding",
            view("a", 1, {"name.family": (1, "Groß"), "name.given": (1, "Ἀδα")}),
            [["name", "gross"], ["name", "αδα"], born],
        ),
        (
            "address-and-number",
            "the postcode without its blank",
            view("a", 1, {"address": (2, located), "nhs_number": (1, "9990000018")}),
            [
                ["name", "okafor"],
                ["name", "ada"],
                born,
                ["postcode", "M145AB"],
                ["nhs", "9990000018"],
            ],
        ),
    ):
        yield valid(name, why, view=pack(found), keys=sorted(keys))
    former = [
        "a",
        2,
        False,
        [
            ["carers/c1.family", 1, "Poole"],
            ["former_names/f1.family", 1, "Adeyemi"],
            ["name.family", 1, "Okafor"],
            ["name.family", 2, "Okafor-Lee"],
            ["name.given", 2, None],
        ],
    ]
    yield valid(
        "former-conflict-removed",
        "former names and every live value; nothing of carers, nothing of what was removed",
        view=pack(former),
        keys=[["name", "adeyemi"], ["name", "lee"], ["name", "okafor"]],
    )


TOPIC = Topic("search", "written down from the rules of folding", _cases)
