"""Matching a half-remembered child: folded names and prefixes, birth date, postcode, NHS number.

One module for every place that matches. Keys are computed once, when a view enters an image; a
search turns into a few key ranges whose records are then ranked. Only what the view shows is
matched (H2): what a shield hides was never in it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from enum import Enum

from rapidfuzz import process
from rapidfuzz.distance import JaroWinkler

from fieldward_sync.errors import CallerMistake
from fieldward_sync.views import View, texts

NAME_PREFIX_CHARACTERS = 3
NAME_FLOOR = 0.8
"""Below this similarity (Jaro–Winkler, 0 to 1) two names are not the same name misspelt."""
MAX_TERM_CHARACTERS = 100
MAX_HITS = 20


class KeyKind(Enum):
    """What a search key was made from."""

    NAME = "name"
    BORN = "born"
    POSTCODE = "postcode"
    NHS_NUMBER = "nhs"


@dataclass(frozen=True)
class KeyRange:
    """All keys of one kind that begin with a prefix."""

    kind: KeyKind
    prefix: str


@dataclass(frozen=True)
class NameLike:
    """All name keys that begin with a folded word, or could be it misspelt."""

    word: str

    def among(self, names: Sequence[str]) -> list[str]:
        """Those of these keys."""
        near = process.extract(
            self.word,
            names,
            scorer=JaroWinkler.normalized_similarity,
            score_cutoff=NAME_FLOOR,
            limit=None,
        )
        beginning = (name for name in names if name.startswith(self.word))
        return list(dict.fromkeys((*(name for name, _, _ in near), *beginning)))


Need = KeyRange | NameLike


@dataclass(frozen=True)
class Query:
    """What is remembered. Names in any spelling; ``born`` whole or in part (``2021``, ``2021-03``);
    a postcode whole or its beginning; an NHS number whole."""

    family: str = ""
    given: str = ""
    born: str = ""
    postcode: str = ""
    nhs_number: str = ""

    def __post_init__(self) -> None:
        if not self.terms:
            raise CallerMistake("search-empty", "Give at least one thing to search for.")
        for name, value in self.terms.items():
            if len(value) > MAX_TERM_CHARACTERS:
                raise CallerMistake("search-too-long", f"The search term {name} is too long.")
        if not self.ranges():
            raise CallerMistake(
                "search-too-short",
                "This is too little to search by.",
                next_step="Give at least two letters of a name, a year, or a postcode area.",
            )

    @property
    def terms(self) -> dict[str, str]:
        """The terms given, by name: what the journal records."""
        given = {field.name: getattr(self, field.name).strip() for field in fields(self)}
        return {name: value for name, value in given.items() if value}

    def ranges(self) -> tuple[KeyRange, ...]:
        """Where candidates are looked for: a record that matches well has a key in one of these."""
        names = (KeyRange(KeyKind.NAME, word[:NAME_PREFIX_CHARACTERS]) for word in self._words())
        return tuple(dict.fromkeys((*names, *self._exact())))

    def needs(self) -> tuple[Need, ...]:
        """A record that fits at all has a key for each of these: the others need not be read."""
        return (*self._exact(), *(NameLike(word) for word in self._words()))

    def _words(self) -> list[str]:
        words = (*name_words(self.family), *name_words(self.given))
        return [word for word in words if len(word) > 1]

    def _exact(self) -> list[KeyRange]:
        exact = (
            KeyRange(KeyKind.BORN, self.born.strip()),
            KeyRange(KeyKind.POSTCODE, compact(self.postcode)),
            KeyRange(KeyKind.NHS_NUMBER, compact(self.nhs_number)),
        )
        return [key for key in exact if len(key.prefix) > 1]


@dataclass(frozen=True)
class Match:
    """How well a view fits a query, from 0 to 1, and which of its terms agreed."""

    score: float
    agreed: tuple[str, ...]


def fold(text: str) -> str:
    """Letters and digits alone, without case and marks (P35): ``O'Brien`` → ``obrien``."""
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return "".join(character for character in decomposed if character.isalnum())


def name_words(text: str) -> tuple[str, ...]:
    """The folded words of a name, hyphenated halves apart."""
    words = (fold(word) for word in text.replace("-", " ").split())
    return tuple(word for word in words if word)


def compact(text: str) -> str:
    """A postcode or number without blanks, in capitals."""
    return "".join(text.split()).upper()


def keys(view: View) -> Iterator[tuple[KeyKind, str]]:
    """The search keys of a view; each live value of a conflict has its own."""
    for value in view.values:
        if not isinstance(value.value, (str, dict)):
            continue
        if _is_name(value.path) and isinstance(value.value, str):
            yield from ((KeyKind.NAME, word) for word in name_words(value.value))
        elif value.path == "born":
            yield KeyKind.BORN, str(value.value)
        elif value.path == "nhs_number":
            yield KeyKind.NHS_NUMBER, str(value.value)
        elif value.path == "address" and isinstance(value.value, dict):
            postcode = value.value.get("postcode")
            if isinstance(postcode, str):
                yield KeyKind.POSTCODE, compact(postcode)


def match(query: Query, view: View) -> Match | None:
    """How well the view fits, or ``None`` where a term given plainly disagrees."""
    found = {name: _agreement(name, term, view) for name, term in query.terms.items()}
    if any(agreement == 0 for agreement in found.values()):
        return None
    score = sum(found.values()) / len(found)
    return Match(score, tuple(sorted(name for name, value in found.items() if value == 1)))


def rank(query: Query, views: Iterable[View]) -> tuple[tuple[View, Match], ...]:
    """The views that fit, best first, at most ``MAX_HITS``."""
    matched = ((view, match(query, view)) for view in views)
    fitting = [(view, fit) for view, fit in matched if fit is not None]
    fitting.sort(key=lambda pair: (-pair[1].score, pair[0].record_id))
    return tuple(fitting[:MAX_HITS])


def _agreement(name: str, term: str, view: View) -> float:
    match name:
        case "family" | "given":
            values = texts(v for v in view.values if _is_name(v.path, part=name))
            return max((_name_agreement(term, value) for value in values), default=0.0)
        case "born":
            return float(any(value.startswith(term) for value in texts(view.at("born"))))
        case "nhs_number":
            return float(compact(term) in texts(view.at("nhs_number")))
    postcodes = (key for kind, key in keys(view) if kind is KeyKind.POSTCODE)
    return float(any(postcode.startswith(compact(term)) for postcode in postcodes))


def _name_agreement(term: str, value: str) -> float:
    """Of the words asked for, how well the worst is met by the words there are."""
    words, there = name_words(term), name_words(value)
    if not words or not there:
        return 0.0
    agreement = min(max(_word_agreement(word, other) for other in there) for word in words)
    return agreement if agreement >= NAME_FLOOR else 0.0


def _word_agreement(word: str, other: str) -> float:
    if other.startswith(word):
        return 1.0
    return JaroWinkler.normalized_similarity(word, other)


def _is_name(path: str, *, part: str | None = None) -> bool:
    """Whether a path holds the child's own present or former name, or the named part of it."""
    owner, _, last = path.rpartition(".")
    return (owner == "name" or owner.startswith("former_names/")) and (part in (None, last))
