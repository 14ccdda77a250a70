"""Marshmallow schemas as quick questions: whether a value is sound, not what is wrong with it.

Marshmallow explains every fault, and takes its time for that even where there is none. msgspec
looks at the same rules ten times as fast, and the texts that have to have a shape come back again
and again: teams, organisations, dates, names. What is made here says of no value that the schema
would refuse that it is sound; marshmallow remains the judge of all others.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import lru_cache
from types import GenericAlias
from typing import Annotated, Any, Literal

import msgspec
from marshmallow import Schema, fields, validate
from msgspec import UNSET, Meta, UnsetType, defstruct

REMEMBERED_TEXTS = 8192
"""Of each field, that were found to have its shape or not. They stay for the life of the process,
names among them: nothing on a device, whose memory is to forget them, may ask."""


class Usually:
    """A validator with a shape and a length that sound values usually have, and unsound ones
    never."""

    def __init__(self, shape: str, check: Callable[[str], None], *, max_characters: int) -> None:
        self.shape = re.compile(rf"(?:{shape})\Z")
        self.max_characters = max_characters
        self.check = check

    def __call__(self, text: str) -> None:
        if len(text) > self.max_characters or not self.shape.match(text):
            self.check(text)


Validator = Callable[[Any], Any]
Question = Callable[[Any], object]
"""Something true is yes."""


def soundness(schema: Schema, *, left_out: Collection[Validator] = ()) -> Question:
    """Whether a value has the fields of a schema and no others, each sound.

    Its rules across fields (``validates_schema``) and the validators ``left_out`` are not in it:
    they are the caller's to apply.
    """
    kind = _type_of_object(schema, left_out)
    has_shapes = _question_of_object(schema, left_out) or _nothing_asked

    def is_sound(value: Any) -> bool:
        try:
            msgspec.convert(value, kind)
        except msgspec.ValidationError:
            return False
        return bool(has_shapes(value))

    return is_sound


# --- What msgspec answers: fields, types, codes and lengths --------------------------------------


def _type_of_object(schema: Schema, left_out: Collection[Validator]) -> Any:
    def declared(name: str, field: fields.Field[Any]) -> tuple[str, Any] | tuple[str, Any, Any]:
        kind = _type_of(field, left_out)
        return (name, kind) if field.required else (name, kind | UnsetType, UNSET)

    return defstruct(
        type(schema).__name__,
        [declared(name, field) for name, field in schema.fields.items()],
        forbid_unknown_fields=True,
        kw_only=True,
    )


def _type_of(field: Any, left_out: Collection[Validator]) -> Any:
    validators = [v for v in field.validators if v not in left_out]
    match field:
        case fields.Nested():
            return _type_of_object(field.schema, left_out)
        case fields.Dict():
            parts = (field.key_field, field.value_field)
            members = GenericAlias(dict, tuple(_type_of(part, left_out) for part in parts))
            return _constrained(members, validators)
        case fields.List():
            return _constrained(GenericAlias(list, (_type_of(field.inner, left_out),)), validators)
        case fields.Boolean():
            return bool
        case fields.String():
            return _constrained(str, validators)
    raise TypeError(f"there is no type for {type(field).__name__}")


def _constrained(kind: Any, validators: Iterable[Validator]) -> Any:
    """The type with what these validators ask of it, but for shapes."""
    for validator in validators:
        match validator:
            case validate.OneOf():
                kind = Literal[tuple(validator.choices)]
            case validate.Length():
                bounds = Meta(min_length=validator.min, max_length=validator.max)
                kind = Annotated[kind, bounds]
            case Usually():
                kind = Annotated[kind, Meta(max_length=validator.max_characters)]
            case validate.Regexp():
                pass
            case _:
                raise TypeError(f"there is no type for what {validator!r} asks")
    return kind


# --- What is remembered: shapes of texts ---------------------------------------------------------


def _nothing_asked(_value: object) -> bool:
    return True


def _question_of_object(schema: Schema, left_out: Collection[Validator]) -> Question | None:
    found = ((name, _question_of(field, left_out)) for name, field in schema.fields.items())
    questions = {name: question for name, question in found if question}

    def have_shapes(values: Mapping[str, Any]) -> bool:
        for name, value in values.items():
            if name in questions and not questions[name](value):
                return False
        return True

    return have_shapes if questions else None


def _question_of(field: Any, left_out: Collection[Validator]) -> Question | None:
    """What has to be asked of a value whose type is right; ``None`` where that is nothing."""
    match field:
        case fields.Nested():
            return _question_of_object(field.schema, left_out)
        case fields.Dict():
            of_key = _question_of(field.key_field, left_out) or _nothing_asked
            of_member = _question_of(field.value_field, left_out) or _nothing_asked
            return lambda members: (
                all(map(of_key, members)) and all(map(of_member, members.values()))
            )
        case fields.List():
            of_each = _question_of(field.inner, left_out)
            return of_each and (lambda values: all(map(of_each, values)))
        case fields.String():
            return _question_of_text([v for v in field.validators if v not in left_out])
    return None


def _question_of_text(validators: Iterable[Validator]) -> Question | None:
    shapes = [
        validator.regex if isinstance(validator, validate.Regexp) else validator.shape
        for validator in validators
        if isinstance(validator, validate.Regexp | Usually)
    ]
    if not shapes:
        return None
    if len(shapes) > 1:
        raise TypeError("a text has one shape")
    # The match itself is remembered: a step in Python would cost more than matching does.
    return lru_cache(REMEMBERED_TEXTS)(shapes[0].match)
