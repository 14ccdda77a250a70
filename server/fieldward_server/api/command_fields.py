"""The kinds of fields that commands take: how each is checked, and how JSON Schema says it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, get_args

from marshmallow import Schema, ValidationError, fields, validate

MAX_TEXT_CHARACTERS = 100


class Hex(fields.Field[bytes]):
    """Bytes, as so many lower-case hexadecimal digits."""

    def __init__(self, *, least: int, most: int) -> None:
        super().__init__(required=True)
        number = f"{2 * least}" if least == most else f"{2 * least},{2 * most}"
        self.digits = re.compile(f"[0-9a-f]{{{number}}}")

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> bytes:
        if not isinstance(value, str) or len(value) % 2 or not self.digits.fullmatch(value):
            raise ValidationError("Not the hexadecimal digits that belong here.")
        return bytes.fromhex(value)


def shaped(pattern: str) -> validate.Regexp:
    r"""A check that a text is of the form between ``\A`` and ``\Z``."""
    form = pattern.removeprefix(r"\A").removesuffix(r"\Z")
    escaped = form.replace("{", "{{").replace("}", "}}")
    return validate.Regexp(pattern, error=f"Not of the form {escaped}.")


def identifier(kind: Any, *, required: bool = True) -> fields.String:
    """A field of one of the shapes in ``fieldward_sync.names``."""
    (pattern,) = (bound.pattern for bound in get_args(kind)[1:])
    return fields.String(required=required, validate=shaped(pattern))


def text() -> fields.String:
    """A field for a name or a title: one line."""
    pattern = rf"\A[^\x00-\x1f\x7f-\x9f\u2028\u2029]{{1,{MAX_TEXT_CHARACTERS}}}\Z"
    one_line = validate.Regexp(
        pattern, error=f"Not one line of 1 to {MAX_TEXT_CHARACTERS} characters."
    )
    return fields.String(required=True, validate=one_line)


def one_of(words: tuple[str, ...]) -> fields.String:
    """A field for one word of a closed list."""
    return fields.String(required=True, validate=validate.OneOf(words, error="One of: {choices}."))


def whole(*, least: int = 0, most: int = 2**53 - 1, required: bool = True) -> fields.Integer:
    """A field for a whole number."""
    return fields.Integer(strict=True, required=required, validate=validate.Range(least, most))


def json_text(*, most: int) -> fields.String:
    """A field for a value in JSON, which the service checks."""
    pattern = rf"\A[^\x00-\x1f\x7f]{{1,{most}}}\Z"
    check = validate.Regexp(pattern, error=f"Not JSON of 1 to {most} characters in one line.")
    return fields.String(required=True, validate=check)


def many(inner: fields.Field[Any], *, most: int, least: int = 1) -> fields.List[Any]:
    """A field for ``least`` to ``most`` of these."""
    return fields.List(inner, required=True, validate=validate.Length(least, most))


def described_fields(schema: Schema) -> dict[str, Any]:
    """The bodies that a schema takes, in JSON Schema."""
    return {
        "type": "object",
        "properties": {name: _described(field) for name, field in schema.fields.items()},
        "required": [name for name, field in schema.fields.items() if field.required],
        "additionalProperties": False,
    }


def _described(field: fields.Field[Any]) -> dict[str, Any]:
    checks = {type(check): check for check in field.validators}
    match field:
        case fields.Integer():
            within: Any = checks[validate.Range]
            return {"type": "integer", "minimum": within.min, "maximum": within.max}
        case fields.List():
            number: Any = checks[validate.Length]
            return {
                "type": "array",
                "items": _described(field.inner),
                "minItems": number.min,
                "maxItems": number.max,
            }
        case Hex():
            return {"type": "string", "pattern": f"^{field.digits.pattern}$"}
        case _:
            shape: Any = checks.get(validate.Regexp)
            pattern = shape and {"pattern": _in_ecmascript(shape.regex.pattern)}
            choice: Any = checks.get(validate.OneOf)
            words = choice and {"enum": list(choice.choices)}
            return {"type": "string", **(pattern or {}), **(words or {})}


def _in_ecmascript(pattern: str) -> str:
    """A pattern as JSON Schema writes it."""
    return pattern.replace(r"\A", "^").replace(r"\Z", "$")
