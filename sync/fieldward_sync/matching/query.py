"""What is remembered of a child: any of these terms, together or alone."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import TypedDict

from fieldward_sync.errors import CallerMistake
from fieldward_sync.matching.birth_dates import BirthDate
from fieldward_sync.matching.folding import compact, name_words
from fieldward_sync.nhs_numbers import is_nhs_number

MAX_TERM_CHARACTERS = 100
MAX_TERM_WORDS = 8
MAX_AGE = 25
"""Years; records are kept no longer (D5)."""
SEXES = ("female", "male")

WORD_TERMS = ("family", "given", "former", "beginning", "carer", "address", "school")
"""The terms that are words."""
_NARROWING = ("given", "family", "born", "postcode", "nhs_number")
"""The terms that tell most children apart, in the order in which they are asked for."""


class Terms(TypedDict, total=False):
    """The terms of a query, by name: see ``Query``."""

    family: str
    given: str
    former: str
    beginning: str
    born: str
    age: str
    sex: str
    postcode: str
    address: str
    nhs_number: str
    carer: str
    school: str


@dataclass(frozen=True)
class Query:
    """What is remembered; every term is text, and empty where nothing is.

    Raises ``CallerMistake``: "search-empty", "search-too-short", "search-too-long",
    "born-malformed", "age-malformed", "sex-unknown", "nhs-number-wrong".
    """

    family: str = ""
    given: str = ""
    """Names in any spelling, present or former ones, in either order."""
    former: str = ""
    """A name that the child had before."""
    beginning: str = ""
    """What has been typed so far: each of its words begins a word of the child's names."""
    born: str = ""
    """Whole or in part: see ``BirthDate.read``."""
    age: str = ""
    """In whole years."""
    sex: str = ""
    postcode: str = ""
    """Whole, or its beginning."""
    address: str = ""
    """Words of the address: a street, a house number, a town."""
    nhs_number: str = ""
    """Whole, blanks or not."""
    carer: str = ""
    """Names of somebody who has parental responsibility or care."""
    school: str = ""
    """Words of the school's name, or its reference number."""

    def __post_init__(self) -> None:
        if not self.terms:
            raise CallerMistake("search-empty", "Give at least one thing to search for.")
        for name, value in self.terms.items():
            if len(value) > MAX_TERM_CHARACTERS or len(value.split()) > MAX_TERM_WORDS:
                raise CallerMistake("search-too-long", f"The search term {name} is too long.")
        self._check_born()
        self._check_others()
        if not self._leads_somewhere:
            raise CallerMistake(
                "search-too-short",
                "This is too little to search by.",
                next_step="Give at least two letters of a name, a birth date or year, or the "
                "beginning of a postcode; an age or a sex alone is too little.",
            )

    @cached_property
    def terms(self) -> dict[str, str]:
        """The terms given, by name: what the journal records."""
        texts = {field.name: getattr(self, field.name) for field in fields(self)}
        # Nobody types NUL, and not every database takes it.
        given = {name: text.replace("\0", "").strip() for name, text in texts.items()}
        return {name: value for name, value in given.items() if value}

    @cached_property
    def compared(self) -> tuple[str, ...]:
        """The terms that say something: words without a letter or digit say nothing of anybody."""
        return tuple(term for term in self.terms if term not in WORD_TERMS or self.words(term))

    @cached_property
    def birth_date(self) -> BirthDate | None:
        """What is remembered of the birth date."""
        return BirthDate.read(self.terms["born"]) if "born" in self.terms else None

    @cached_property
    def years(self) -> int | None:
        """The age that is remembered."""
        return int(self.terms["age"]) if "age" in self.terms else None

    @property
    def place(self) -> str:
        """The postcode, or its beginning, without blanks."""
        return compact(self.terms.get("postcode", ""))

    @property
    def number(self) -> str:
        """The NHS number without blanks."""
        return _number(self.terms.get("nhs_number", ""))

    def words(self, term: str) -> tuple[str, ...]:
        """The folded words of a term."""
        return name_words(self.terms.get(term, ""))

    def narrower(self) -> tuple[str, ...]:
        """What to add where too many fit: terms that were not given, or not whole."""
        whole = set(self.compared)
        if self.birth_date is not None and not self.birth_date.is_whole:
            whole.discard("born")
        if "beginning" in whole:
            return ("beginning",)
        return tuple(name for name in _NARROWING if name not in whole)

    @property
    def _leads_somewhere(self) -> bool:
        return (
            any(len(word) > 1 for term in WORD_TERMS for word in self.words(term))
            or self.birth_date is not None
            or len(self.place) > 1
            or bool(self.number)
        )

    def _check_born(self) -> None:
        if "born" in self.terms and self.birth_date is None:
            raise CallerMistake(
                "born-malformed",
                "This is not a birth date.",
                next_step="Write 2021-03-14 or 14/3/2021, or as much of it as you know: "
                "2021-03, 2021, or --03-14 without the year.",
            )

    def _check_others(self) -> None:
        age = self.terms.get("age", "0")
        if not (age.isascii() and age.isdigit() and int(age) <= MAX_AGE):
            raise CallerMistake("age-malformed", f"An age is in whole years, 0 to {MAX_AGE}.")
        if self.terms.get("sex", SEXES[0]) not in SEXES:
            raise CallerMistake("sex-unknown", f"Write {' or '.join(SEXES)}, or leave it out.")
        if self.number and not is_nhs_number(self.number):
            raise CallerMistake(
                "nhs-number-wrong",
                "This is not an NHS number: it has ten digits, and the last fits the others.",
                next_step="Check it against the letter or card; a digit is wrong or missing.",
            )
        if "beginning" in self.terms and sum(map(len, self.words("beginning"))) < 2:
            raise CallerMistake("search-too-short", "Go on typing: two letters are needed.")


def _number(text: str) -> str:
    return compact(text.replace("-", ""))
