"""What a person is asked for when a command was not told. Questions go to stderr."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from fieldward_client import REASONS, CallerMistake, Value
from fieldward_client.keys.passphrases import check_passphrase
from fieldward_client.terminal.wording import ADDRESS, as_postcode
from fieldward_sync import limits
from fieldward_sync.field_classes import field_rule
from fieldward_sync.schema import check_value

PASSPHRASE_VARIABLE = "FIELDWARD_DEVICE_PASSPHRASE_FILE"
"""Names a file with the device's passphrase: another one than an administrator's key has."""


def tell(line: str) -> None:
    """What one needs to know before an answer."""
    click.echo(line, err=True)


def can_ask() -> bool:
    """Whether somebody sits there."""
    return sys.stdin.isatty()


def ask(
    question: str, *, default: str | None = None, check: Callable[[str], object] | None = None
) -> str:
    """One line; with a ``default``, Enter alone gives that. What ``check`` raises of anything else
    is told, and the question asked again."""

    def read(typed: str) -> str:
        if check is not None and typed.strip():
            try:
                check(typed)
            except CallerMistake as e:
                raise click.UsageError(e.message) from e
        return typed.strip()

    answer: str = _prompt(question, default=default, show_default=False, value_proc=read)
    return answer


def path() -> str:
    """Which field of an entry is meant."""
    return ask("Path, as the entry shows it", check=field_rule)


def lines(question: str) -> Iterator[str]:
    """What is typed, line after line, up to an empty one or the end of what is piped in."""
    while True:
        try:
            typed = str(click.prompt(question, default="", show_default=False, err=True)).strip()
        except click.Abort:
            if can_ask():
                raise
            return
        if not typed:
            return
        yield typed


def word_of(words: Sequence[str], question: str) -> str:
    """One of some words, or nothing."""

    def check(typed: str) -> None:
        if typed.strip().lower() not in words:
            raise CallerMistake("unknown-word", f"Type one of: {', '.join(words)}.")

    return ask(question, default="", check=check).lower()


def confirm(question: str, *, instead: str) -> None:
    """Go on only after a yes that was typed: there is no default (P24). Where nobody can be asked,
    ``instead`` says how a program answers beforehand."""
    if not _prompt(f"{question} (yes or no)", instead=instead, type=click.BOOL):
        raise CallerMistake("not-confirmed", "Nothing was changed.", next_step="All is as it was.")


def who(people: Sequence[str]) -> str:
    """Who of those with keys on this device is using it."""
    return people[choose("Several people use this device.", "Who are you", people)]


def passphrase() -> str:
    """The passphrase that opens the device: from the file that is named, or typed unseen."""
    return _from_file() or _typed("Passphrase")


def new_passphrase() -> str:
    """A passphrase for a new device, typed twice."""
    return _from_file() or _typed(
        "Choose a passphrase, three random words or more", twice="The same again"
    )


def another_passphrase() -> str:
    """A passphrase in the place of the old one, typed twice."""
    return _typed("Choose the new passphrase, three random words or more", twice="The same again")


def reason() -> str:
    """Why somebody looks: a number or a word from the list (U2)."""
    return _choose_word(
        "Why do you look? This goes on record with every look-up.", "Reason", sorted(REASONS)
    )


def choose(heading: str, question: str, options: Sequence[str]) -> int:
    """The place of one of some options, chosen by its number from 1 or typed out."""
    tell(heading)
    for number, option in enumerate(options, start=1):
        tell(f"  {number:2} {option}")

    def read(typed: str) -> int:
        if typed.isdecimal() and 1 <= int(typed) <= len(options):
            return int(typed) - 1
        if typed in options:
            return options.index(typed)
        raise click.UsageError(f"Type a number from 1 to {len(options)}.")

    chosen: int = _prompt(question, value_proc=read)
    return chosen


def which_to_open(count: int) -> int:
    """The number of one of the hits on the screen; 0 for none, and where nobody can be asked."""
    if not can_ask():
        return 0
    chosen: int = _prompt(
        "Open which? Its number (Enter: none)",
        type=click.IntRange(0, count),
        default=0,
        show_default=False,
    )
    return chosen


def address() -> Value:
    """An address, part by part."""
    kind = _choose_word("What is known of the address?", "Kind", limits.ADDRESS_KINDS)
    if kind == "left-england":
        returns = _choose_word(
            "Is the child to return within three years?", "Return", limits.RETURN_INTENTIONS
        )
        return {"kind": kind, "intends_return": returns}
    if kind not in limits.LOCATED_KINDS:
        return {"kind": kind}
    lines = [ask("First line")]
    while len(lines) < limits.MAX_ADDRESS_LINES and (
        line := ask("Next line (Enter: no more)", default="")
    ):
        lines.append(line)

    def check(typed: str) -> None:
        check_value(ADDRESS, {"kind": kind, "lines": lines, "postcode": as_postcode(typed)})

    postcode = as_postcode(ask("Postcode (Enter: not known)", default="", check=check))
    return {"kind": kind, "lines": lines, **({"postcode": postcode} if postcode else {})}


def _choose_word(heading: str, question: str, words: Sequence[str]) -> str:
    return words[choose(heading, question, words)]


def _from_file() -> str | None:
    """The first line of the file that the environment names, if it does."""
    named = os.environ.get(PASSPHRASE_VARIABLE)
    if not named:
        return None
    try:
        lines = Path(named).read_text().splitlines()
    except (OSError, UnicodeDecodeError) as e:
        raise _no_passphrase_in(named) from e
    if not lines or not lines[0]:
        raise _no_passphrase_in(named)
    return lines[0]


def _no_passphrase_in(file: str | Path) -> CallerMistake:
    return CallerMistake(
        "passphrase-file",
        f"{file} cannot be read, or there is no passphrase in its first line.",
        next_step=f"Name another with {PASSPHRASE_VARIABLE}, or unset that and be asked.",
    )


def _typed(question: str, *, twice: str | None = None) -> str:
    def read(typed: str) -> str:
        if twice:
            try:
                check_passphrase(typed)
            except CallerMistake as e:
                raise click.UsageError(f"{e.message} {e.next_step}") from e
        return typed

    typed: str = _prompt(
        question, hide_input=True, confirmation_prompt=twice or False, value_proc=read
    )
    return typed


def _prompt(question: str, *, instead: str = "", **options: Any) -> Any:
    """What is typed at a question. Where nobody can be asked, the command was wrongly called: it
    should have said so itself, or what is said ``instead``."""
    try:
        return click.prompt(question, err=True, **options)
    except click.Abort as e:
        if can_ask():
            raise
        raise click.UsageError(
            instead
            or f"Nobody can be asked here: {question!r}. Say it on the command line; a passphrase, "
            f"in the file that {PASSPHRASE_VARIABLE} names."
        ) from e
