"""Arguments from people and programs, held against the protocol's own shapes."""

from __future__ import annotations

from typing import Any

import msgspec

from fieldward_sync.errors import CallerMistake


def check(kind: Any, value: object, what: str) -> None:
    """Raise ``CallerMistake("argument-malformed")`` unless ``value`` fits a type of ``names``."""
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as e:
        raise CallerMistake("argument-malformed", f"The {what} is not one: {e}.") from e
