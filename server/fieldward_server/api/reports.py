"""Reports of services as JSON has them: objects by field name, bytes in base 64."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import is_dataclass
from typing import Any

import msgspec

_PLAIN = (str, int, bytes, type(None))


def by_name(value: Any) -> Any:
    """A report as an object. The protocol's own values travel as arrays; programs want names."""
    # First, because most values are: to ask whether one is a Mapping takes long.
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, msgspec.Struct):
        return {name: by_name(inner) for name, inner in msgspec.structs.asdict(value).items()}
    if is_dataclass(value):
        return {name: by_name(inner) for name, inner in vars(value).items()}
    if isinstance(value, Mapping):
        return {name: by_name(inner) for name, inner in value.items()}
    if isinstance(value, tuple | list):
        return [by_name(inner) for inner in value]
    return value
