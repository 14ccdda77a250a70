"""How names, lines of an address, dates and numbers are written (D2): validators that say what is
wrong in plain words, each with the shape that what is right usually has.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date

from marshmallow import ValidationError

from fieldward_sync import limits
from fieldward_sync.nhs_numbers import has_nhs_number_shape, is_nhs_number
from fieldward_sync.sound_types import Usually

_NAME_PUNCTUATION = frozenset(" '’-.")
_LINE_PUNCTUATION = _NAME_PUNCTUATION | frozenset("0123456789,/&()")

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

# Letters and marks that Unicode has shown as nothing (Default_Ignorable_Code_Point): two names that
# differ by one look the same, and one of nothing else looks like none.
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)

# The pattern of BS 7666 for postcodes, as GOV.UK published it, without Girobank's own.
POSTCODE = (
    r"(?:[A-PR-UWYZ][0-9][0-9]?|[A-PR-UWYZ][A-HK-Y][0-9][0-9]?"
    r"|[A-PR-UWYZ][0-9][A-HJKPSTUW]|[A-PR-UWYZ][A-HK-Y][0-9][ABEHMNPRVWXY])"
    r" [0-9][ABD-HJLNP-UW-Z]{2}"
)


def check_nhs_number(number: str) -> None:
    """A validator: ten digits, of which the last fits the others."""
    if is_nhs_number(number):
        return
    if not has_nhs_number_shape(number):
        raise ValidationError("Write the NHS number as ten digits without spaces.")
    raise ValidationError("This is not an NHS number: its last digit does not fit the others.")


def _check_date(text: str) -> None:
    try:
        # fromisoformat also reads "20260930" and "2026-W40-3".
        real = bool(_DATE.fullmatch(text) and date.fromisoformat(text))
    except ValueError:
        real = False
    if not real:
        raise ValidationError("Write a date that exists as YYYY-MM-DD.")
    if not limits.EARLIEST_DATE <= text <= limits.LATEST_DATE:
        raise ValidationError(f"Dates lie from {limits.EARLIEST_DATE} to {limits.LATEST_DATE}.")


def _check_name(text: str) -> None:
    _check_words(text, punctuation=_NAME_PUNCTUATION, max_characters=limits.MAX_NAME_CHARACTERS)
    if text.count(" ") >= limits.MAX_NAME_WORDS:
        raise ValidationError(f"A name has at most {limits.MAX_NAME_WORDS} words.")


def _check_line(text: str) -> None:
    _check_words(
        text, punctuation=_LINE_PUNCTUATION, max_characters=limits.MAX_ADDRESS_LINE_CHARACTERS
    )


def _check_organisation(text: str) -> None:
    _check_words(
        text, punctuation=_LINE_PUNCTUATION, max_characters=limits.MAX_ORGANISATION_CHARACTERS
    )


def _check_words(text: str, *, punctuation: frozenset[str], max_characters: int) -> None:
    """Letters and marks of any script with some punctuation, in one spelling only."""
    if not text or len(text) > max_characters:
        raise ValidationError(f"Write 1 to {max_characters} characters.")
    if not text.isalpha() and not all(
        c in punctuation or c.isalpha() or unicodedata.category(c)[0] == "M" for c in text
    ):
        allowed = "".join(sorted(punctuation - set(" 0123456789")))
        digits = ", digits" if "0" in punctuation else ""
        raise ValidationError(f"Use only letters{digits}, single spaces and {allowed}")
    if _UNSEEN.search(text):
        raise ValidationError("There is a character in it that cannot be seen.")
    if not any(c.isalnum() for c in text):
        raise ValidationError("There is no letter in it.")
    if text != text.strip(" ") or "  " in text:
        raise ValidationError("Leave out spaces at the ends and double ones.")
    if not unicodedata.is_normalized("NFC", text):
        raise ValidationError("Use composed characters (Unicode NFC).")


# Letters that are one code point each in their composed form.
_LETTERS = "A-Za-zÀ-ÖØ-öø-ɏḀ-ỿ"


def _usual_words(letters: str, between: str, *, at_most: int | str = "") -> str:
    """The shape of words with one mark of ``between`` after each but the last."""
    return f"['’]?[{letters}]+(?:{between}[{letters}]+){{0,{at_most}}}"


NAME = Usually(
    _usual_words(_LETTERS, "(?:[.]? |['’-])", at_most=limits.MAX_NAME_WORDS - 1),
    _check_name,
    max_characters=limits.MAX_NAME_CHARACTERS,
)
"""A part of a person's name."""
LINE = Usually(
    _usual_words(f"0-9{_LETTERS}", "(?:[.,]? |['’/-])"),
    _check_line,
    max_characters=limits.MAX_ADDRESS_LINE_CHARACTERS,
)
"""A line of an address."""
ORGANISATION = Usually(
    _usual_words(f"0-9{_LETTERS}", "(?:[.,]? |['’/-])"),
    _check_organisation,
    max_characters=limits.MAX_ORGANISATION_CHARACTERS,
)
"""What an organisation is called."""
DAY = Usually(
    "20[0-9]{2}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)"
    "|(?:0[13578]|1[02])-31)|20(?:[02468][048]|[13579][26])-02-29",
    _check_date,
    max_characters=10,
)
"""A day, as YYYY-MM-DD."""
