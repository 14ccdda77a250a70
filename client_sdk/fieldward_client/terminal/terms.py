"""What may be remembered of a child: the options of a look-up, and its questions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

import click

from fieldward_client import CallerMistake
from fieldward_client.terminal import asking
from fieldward_sync.matching.query import SEXES, Query

Command = TypeVar("Command", bound=Callable[..., Any])


class Term(NamedTuple):
    """One thing that may be remembered."""

    question: str
    help: str


USUAL = {
    "family": Term("Family name", "Family name, in any spelling; former ones count."),
    "given": Term("Given name", "Given name, in any spelling or short form."),
    "born": Term("Born (14/3/2021, 3/2021 or 2021)", "14/3/2021, 2021-03-14, or part: 2021-03."),
    "postcode": Term("Postcode, or its beginning", "A postcode, or its beginning."),
}
"""What everybody is asked for."""

FURTHER = {
    "age": Term("Age in years", "In whole years."),
    "sex": Term(f"Sex ({' or '.join(SEXES)})", f"{' or '.join(SEXES).capitalize()}."),
    "former": Term("A former name", "A name that the child had before."),
    "carer": Term("A carer's name", "Names of somebody who cares for the child."),
    "school": Term("School", "Words of the school's name, or its number."),
    "address": Term("Words of the address", "Words of the address: street, number, town."),
    "nhs-number": Term("NHS number", "An NHS number, whole."),
}
"""What is asked for only if somebody says that they know it."""

_ALONE_TOO_LITTLE = "search-too-short"


def term_options(command: Command) -> Command:
    """``--family`` and all the others."""
    for name, term in reversed((USUAL | FURTHER).items()):
        command = click.option(f"--{name}", help=term.help)(command)
    return command


def given(options: Mapping[str, str | None]) -> dict[str, str]:
    """The terms that the command line had."""
    return {name: term for name, term in options.items() if term}


def asked_for() -> dict[str, str]:
    """What somebody remembers, asked for piece by piece."""
    asking.tell("What do you remember? Enter passes over a question.")
    terms = {name: _ask(name, term) for name, term in USUAL.items()}
    return terms | _asked_for_among(FURTHER)


def asked_for_more(known: Mapping[str, str]) -> dict[str, str]:
    """What somebody remembers besides."""
    return _asked_for_among(
        {name: term for name, term in (USUAL | FURTHER).items() if not known.get(_key(name))}
    )


def _asked_for_among(offered: Mapping[str, Term]) -> dict[str, str]:
    """What is remembered of the terms that somebody says they know."""
    left, terms = dict(offered), dict[str, str]()
    asking.tell(f"Also: {', '.join(left)}.")
    while left and (name := asking.word_of(list(left), "Add one of them (Enter: none)")):
        terms[_key(name)] = _ask(name, left.pop(name))
    return terms


def _ask(name: str, term: Term) -> str:
    def check(typed: str) -> None:
        try:
            Query(**{_key(name): typed})
        except CallerMistake as e:
            if e.code != _ALONE_TOO_LITTLE:  # with others it may be enough
                raise

    return asking.ask(term.question, default="", check=check)


def _key(name: str) -> str:
    return name.replace("-", "_")
