"""Slips: how what people remember of a child differs from what is recorded.

There are five families of them (``FAMILIES``), each with its rules for names, birth dates and
postcodes. One slip is one edit: a rule applied once, at one place. A sound heard as another is one,
however many letters it is written with (Philip, Filip); family and given name exchanged are one; a
name cut short is one, however much of it is gone. A name is the family and the given name together:
one slip in it leaves one of both as it is, or both in each other's place. Case, marks and
punctuation are no slips, nor is anything else that leaves what is compared the same.

Nobody has labelled real enquiries for us. So ``RATES`` says how often something is remembered
wrongly, and ``FAMILIES`` how often in which way: assumptions, put down from general experience with
registers, and all in this file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from random import Random
from typing import Any, Literal, Self

from fieldward_server.population import name_slips, number_slips
from fieldward_sync.matching.folding import compact, name_words

Rule = Callable[[str], Iterable[str]]
"""All the texts that one slip of a kind makes of a text."""

Field = Literal["name", "born", "postcode"]
FIELDS: tuple[Field, ...] = ("name", "born", "postcode")
"""What can carry a slip."""


@dataclass(frozen=True)
class Remembered:
    """What somebody remembers of a child, as a record or a query writes it."""

    family: str = ""
    given: str = ""
    born: str = ""
    postcode: str = ""

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Self:
        """All of it, as a nested record has it; what it lacks is empty."""
        name = record.get("name", {})
        return cls(
            family=name.get("family", ""),
            given=name.get("given", ""),
            born=record.get("born", ""),
            postcode=record.get("address", {}).get("postcode", ""),
        )

    @property
    def terms(self) -> dict[str, str]:
        """The terms of a query for it."""
        return {term: text for term, text in asdict(self).items() if text}

    def knows(self, field: Field) -> bool:
        """Whether there is anything in a field."""
        if field == "name":
            return bool(self.family or self.given)
        return bool(self.born if field == "born" else self.postcode)


@dataclass(frozen=True)
class Family:
    """Slips that come about in one way."""

    name: str
    how: str
    share: int
    """Of a hundred slips, where all are possible."""
    of_names: tuple[Rule, ...] = ()
    of_given_names: tuple[Rule, ...] = ()
    """Beside those of any name."""
    names_exchanged: bool = False
    of_birth_dates: tuple[Rule, ...] = ()
    of_postcodes: tuple[Rule, ...] = ()


FAMILIES: Mapping[str, Family] = {
    family.name: family
    for family in (
        Family(
            "typing",
            "A key beside the right one, a character left out, typed twice, exchanged with the "
            "next, or one too many.",
            share=30,
            of_names=(
                name_slips.neighbouring_key,
                name_slips.left_out,
                name_slips.doubled,
                name_slips.exchanged,
                name_slips.added,
            ),
            of_birth_dates=number_slips.MISTYPED_DATES,
            of_postcodes=number_slips.MISTYPED_POSTCODES,
        ),
        Family(
            "hearing",
            "Spelled by ear: one sound written as another that is heard alike; a number, month or "
            "letter taken for another.",
            share=30,
            of_names=(name_slips.misheard,),
            of_birth_dates=(number_slips.misheard_date,),
            of_postcodes=(number_slips.misheard_postcode,),
        ),
        Family(
            "swapping",
            "Family and given name exchanged, day and month, or two digits or letters beside each "
            "other.",
            share=10,
            names_exchanged=True,
            of_birth_dates=(number_slips.day_for_month, number_slips.digits_exchanged),
            of_postcodes=(number_slips.characters_exchanged,),
        ),
        Family(
            "missing",
            "One half or one of several names not given, or the O', Mc, al- or de before it; the "
            "day of a birth date; the second half of a postcode.",
            share=15,
            of_names=(name_slips.part_missing, name_slips.particle_missing),
            of_birth_dates=(number_slips.without_day,),
            of_postcodes=(number_slips.district_alone,),
        ),
        Family(
            "truncating",
            "The first letters of a name, at least three, or the short form of a given name; year "
            "and month of a birth date; the district of a postcode.",
            share=15,
            of_names=(name_slips.cut_short,),
            of_given_names=(name_slips.short_form,),
            of_birth_dates=(number_slips.without_day,),
            of_postcodes=(number_slips.district_alone,),
        ),
    )
}
"""By name."""


@dataclass(frozen=True)
class Rate:
    """How often something is remembered otherwise than it is recorded."""

    slip: float
    """One slip."""
    other: float
    """Something else altogether: another child's, a former one, a mistake in the record."""


RATES: Mapping[str, Rate] = {
    "name": Rate(slip=0.15, other=0.01),
    "born": Rate(slip=0.10, other=0.01),
    "postcode": Rate(slip=0.10, other=0.06),  # families move: a quarter have since they were seen
    "carer": Rate(slip=0.20, other=0.05),
    "address": Rate(slip=0.20, other=0.06),
    "school": Rate(slip=0.15, other=0.05),
    "age": Rate(slip=0.10, other=0.01),  # a year more or less
    "sex": Rate(slip=0.0, other=0.005),
    "nhs_number": Rate(slip=0.0, other=0.001),  # the check digit finds a slip
}
"""How well people remember. The other name of a child who has had two is asked for as often as
``FORMER_NAME`` says."""

FORMER_NAME = 0.2


@dataclass(frozen=True)
class Habits:
    """How often people who err in nothing say less or otherwise than is recorded."""

    first_given_name_alone: float = 0.5
    """Of those who have several."""
    one_family_name_alone: float = 0.3
    """Of those who have several, or a double-barrelled one."""
    another_form: float = 0.1
    """A short form or another spelling, of a given name that is known under several."""
    another_spelling: float = 0.03
    """The same of a family name."""


HABITS = Habits()


def as_called(remembered: Remembered, chance: Random) -> Remembered:
    """What people call a child whose names they know rightly."""
    given, family = remembered.given, remembered.family
    first, _, further = given.partition(" ")
    if further and chance.random() < HABITS.first_given_name_alone:
        given = first
    halves = family.replace("-", " ").split()
    if len(halves) > 1 and chance.random() < HABITS.one_family_name_alone:
        family = chance.choice(halves)
    if chance.random() < HABITS.another_form:
        given = name_slips.in_another_form(given, chance)
    if chance.random() < HABITS.another_spelling:
        family = name_slips.in_another_form(family, chance)
    return replace(remembered, family=family, given=given)


def with_slip(
    remembered: Remembered, field: Field, chance: Random, *, family: str | None = None
) -> Remembered | None:
    """The same with one slip in a field, of one family or of any, as often as their shares say.

    ``None`` where none is possible: nobody mishears a name of one letter.
    """
    families = [FAMILIES[family]] if family else _in_turn(FAMILIES.values(), chance)
    for each in families:
        slipped = _slip_of(each, remembered, field, chance)
        if slipped is not None:
            return slipped
    return None


def text_with_slip(text: str, chance: Random) -> str:
    """A name or a line with one slip of any family, or as it is where none is possible."""
    for family in _in_turn(FAMILIES.values(), chance):
        for rule in chance.sample(family.of_names, len(family.of_names)):
            if made := _made(rule, text, name_words):
                return chance.choice(made)
    return text


def one_slip_away(remembered: Remembered, field: Field, family: str) -> Iterator[Remembered]:
    """Everything that one slip of a family makes of a field."""
    for rules in _rules(FAMILIES[family], field):
        for rule in rules:
            yield from rule(remembered)


def _slip_of(
    family: Family, remembered: Remembered, field: Field, chance: Random
) -> Remembered | None:
    """One of its slips: the part of a name first, then the rule, then the place."""
    for rules in chance.sample(found := _rules(family, field), len(found)):
        for rule in chance.sample(rules, len(rules)):
            if made := rule(remembered):
                return chance.choice(made)
    return None


_Slips = Callable[[Remembered], list[Remembered]]


def _rules(family: Family, field: Field) -> list[list[_Slips]]:
    """The rules for each part of a field."""
    match field:
        case "born":
            return [[_in_part("born", rule, str) for rule in family.of_birth_dates]]
        case "postcode":
            return [[_in_part("postcode", rule, compact) for rule in family.of_postcodes]]
        case "name":
            of_given = (*family.of_names, *family.of_given_names)
            return [
                [_in_part("family", rule, name_words) for rule in family.of_names],
                [_in_part("given", rule, name_words) for rule in of_given],
                [_exchanged] if family.names_exchanged else [],
            ]


def _in_part(part: str, rule: Rule, compared: Callable[[str], object]) -> _Slips:
    def slips(remembered: Remembered) -> list[Remembered]:
        text: str = getattr(remembered, part)
        return [replace(remembered, **{part: other}) for other in _made(rule, text, compared)]

    return slips


def _made(rule: Rule, text: str, compared: Callable[[str], object]) -> list[str]:
    """What a rule makes of a text, each once, without what is compared as the text itself is."""
    made = dict.fromkeys(rule(text)) if text else {}
    return [other for other in made if compared(other) and compared(other) != compared(text)]


def _exchanged(remembered: Remembered) -> list[Remembered]:
    family, given = remembered.family, remembered.given
    if not (family and given) or name_words(family) == name_words(given):
        return []
    return [replace(remembered, family=given, given=family)]


def _in_turn(families: Iterable[Family], chance: Random) -> list[Family]:
    """All of them in an order drawn by their shares: the first that is possible counts."""
    keyed = [(chance.random() ** (1 / family.share), family) for family in families]
    return [family for _, family in sorted(keyed, key=lambda each: -each[0])]
