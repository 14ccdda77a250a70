"""The parameters of matching (Fellegi and Sunter, 1969), estimated from a population.

*m* is how often a term agrees so with the record of the child who is meant: children are asked for
as people remember them (``slips``, whose rates are assumptions) and compared with their own
records. *u* is how often it agrees so with somebody else's: the same terms, compared with other
records drawn at random of the same authority, for nobody is searched for in two at once. That rests
on the population alone. Siblings and twins are among those others as often as chance has it: about
once in as many pairs as the authority has children.

Terms are compared as in a search. Names are read there in the way that fits best, exchanged or with
former ones among them, and the weights in force say which that is: parameters that have changed
much are estimated twice. As every record is read in every way, none speaks for a record: *u* of
``order`` is 1, and its weight is what it costs to read names otherwise than they were given.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date
from random import Random
from textwrap import wrap
from typing import Any, Literal

from fieldward_server.population import slips
from fieldward_server.population.days import REFERENCE_DATE
from fieldward_server.population.slips import FORMER_NAME, RATES, Remembered
from fieldward_server.population.views import view_of
from fieldward_sync.errors import CallerMistake
from fieldward_sync.matching.comparison import FIELDS, Comparison
from fieldward_sync.matching.facts import Facts
from fieldward_sync.matching.levels import Level
from fieldward_sync.matching.query import MAX_TERM_WORDS, SEXES, Query
from fieldward_sync.matching.ranking import ORDER

MAX_ASKED = 5_000
"""Children of an authority who are asked for."""
OTHERS_EACH = 20
"""Other records that each of them is compared with."""

Parameters = Mapping[str, Mapping[Level, tuple[float, float]]]
"""For each field and level *m* and *u*."""


def estimate(authorities: Iterable[Sequence[Mapping[str, Any]]], *, seed: int) -> Parameters:
    """The parameters from the nested records of some authorities; one child alone says nothing."""
    chance = Random(seed)
    meant, others = _Tally(), _Tally()
    for records in authorities:
        if len(records) < 2:
            continue
        facts = [Facts.of(view_of(record)) for record in records]
        for number in chance.sample(range(len(records)), min(MAX_ASKED, len(records))):
            # Whom it is taken for is not among the others: that would be agreement by design.
            mistaken, *drawn = chance.sample(range(len(records)), min(OTHERS_EACH, len(records)))
            for query in _Memory(records[number], records[mistaken], chance).queries():
                comparison = Comparison(query, today=REFERENCE_DATE)
                meant.add(comparison, facts[number])
                for other in drawn:
                    if other != number:
                        others.add(comparison, facts[other])
    parameters = {
        field: {level: (meant.share(field, level), others.share(field, level)) for level in levels}
        for field, levels in FIELDS.items()
    }
    ways = {level: (m, 1.0) for level, (m, _) in parameters[ORDER].items()}
    # Of those who have had another name; most children have no such way of being read.
    return {**parameters, ORDER: {**ways, Level.FORMER: (FORMER_NAME, 1.0)}}


def as_module(parameters: Parameters, *, command: str) -> str:
    """The source of ``matching/parameters.py``, which this command is to write."""
    rows = "".join(
        f'    "{field}": {{\n'
        + "".join(
            f'        "{level}": ({_rounded(m)}, {_rounded(u)}),\n'
            for level, (m, u) in levels.items()
        )
        + "    },\n"
        for field, levels in parameters.items()
    )
    wrapped = "\n        ".join(wrap(command, 88))
    return _MODULE.format(command=wrapped, rows=rows)


def _rounded(probability: float) -> str:
    """To three digits, as Python writes it."""
    return repr(float(f"{probability:.3g}"))


_MODULE = '''"""What every agreement is worth (``weights``): published, and never set by hand.

Written by a command, which says what they rest on:

    {command}
"""

from __future__ import annotations

from collections.abc import Mapping

PARAMETERS: Mapping[str, Mapping[str, tuple[float, float]]] = {{
{rows}}}
'''


class _Tally:
    """How often each field agreed at each level."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, Level]] = Counter()

    def add(self, comparison: Comparison, facts: Facts) -> None:
        self._counts.update((each.field, each.level) for each in comparison.of(facts))

    def share(self, field: str, level: Level) -> float:
        """Of all that were compared. Every level counts once more than it was found (Laplace), so
        that none is impossible."""
        every = sum(self._counts[field, each] + 1 for each in FIELDS[field])
        return (self._counts[field, level] + 1) / every


class _Memory:
    """What somebody remembers of a child, and whom they may take it for."""

    def __init__(
        self, child: Mapping[str, Any], another: Mapping[str, Any], chance: Random
    ) -> None:
        self._child = child
        self._another = another
        self._chance = chance

    def queries(self) -> Iterator[Query]:
        """All that is remembered, as far as it can be asked for at once; then a name as far as it
        has been typed, and birth date and postcode in part."""
        remembered = self._remembered()
        yield from _asked({**remembered.terms, **self._further()})
        district = remembered.postcode.partition(" ")[0]
        yield from _asked({"beginning": self._typed(remembered), "postcode": district})
        year, _, birthday = remembered.born.partition("-")
        if "-" in birthday:
            for part in (remembered.born[:7], year, f"--{birthday}"):
                yield from _asked({"born": part})

    def _remembered(self) -> Remembered:
        remembered, another = Remembered.of(self._child), Remembered.of(self._another)
        former = _former_name(self._child)
        if former and self._chance.random() < FORMER_NAME:
            remembered = replace(remembered, family=former["family"], given=former["given"])
        remembered = slips.as_called(remembered, self._chance)
        for field in slips.FIELDS:
            lapse = self._lapse(field)
            if lapse == "other":
                part = self._chance.choice(("family", "given")) if field == "name" else field
                remembered = replace(remembered, **{part: getattr(another, part)})
            elif lapse == "slip":
                remembered = slips.with_slip(remembered, field, self._chance) or remembered
        return remembered

    def _further(self) -> dict[str, str]:
        """The terms beside names, birth date and postcode."""
        terms = {}
        for term, own in _further_terms(self._child).items():
            lapse = self._lapse("name" if term == "former" else term)
            if lapse == "other":
                terms[term] = _further_terms(self._another)[term]
            elif lapse == "slip" and term == "age":
                terms[term] = str(max(0, int(own) + self._chance.choice((-1, 1))))
            elif lapse == "slip":
                terms[term] = slips.text_with_slip(own, self._chance)
            else:
                terms[term] = own
        return terms

    def _lapse(self, field: str) -> Literal["", "slip", "other"]:
        drawn, rate = self._chance.random(), RATES[field]
        if drawn < rate.other:
            return "other"
        return "slip" if drawn < rate.other + rate.slip else ""

    def _typed(self, remembered: Remembered) -> str:
        name = self._chance.choice((remembered.family, remembered.given))
        return name[: self._chance.randint(2, max(2, len(name)))]


def _asked(terms: Mapping[str, str]) -> Iterator[Query]:
    """The query; none where this is too little to ask for, or nothing that could be."""
    short = {term: " ".join(text.split()[:MAX_TERM_WORDS]) for term, text in terms.items()}
    with suppress(CallerMistake):
        yield Query(**short)


def _further_terms(child: Mapping[str, Any]) -> dict[str, str]:
    carers: Mapping[str, Mapping[str, str]] = child.get("carers", {})
    carer = next(iter(carers.values()), {})
    return {
        "former": _former_name(child).get("family", ""),
        "age": str((REFERENCE_DATE - date.fromisoformat(child["born"])).days * 4 // 1461),
        "sex": child["sex"] if child["sex"] in SEXES else "",
        "nhs_number": child.get("nhs_number", ""),
        "carer": f"{carer.get('given', '')} {carer.get('family', '')}",
        "address": " ".join(child["address"].get("lines", [])[:1]),
        "school": child.get("school", {}).get("name", ""),
    }


def _former_name(child: Mapping[str, Any]) -> Mapping[str, str]:
    names: Mapping[str, Mapping[str, str]] = child.get("former_names", {})
    return next(iter(names.values()), {})
