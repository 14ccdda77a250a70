"""A record's schema, in its two shapes, and the rules that hold across fields (D1-D7, C1).

*Nested* is what people load: objects within objects, sets as objects by member id. *Flat* is what
merges: path to value (``field_classes`` has the paths). Nothing here is free text (D2), every
length is bounded in ``limits``, and no message repeats a value: values are children's data.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

from marshmallow import RAISE, Schema, ValidationError, fields, validate, validates_schema
from marshmallow.types import ErrorMessages

from fieldward_sync import limits
from fieldward_sync.errors import CallerMistake
from fieldward_sync.field_classes import (
    FIELD_RULES,
    MEMBER_ID,
    SETS,
    FieldClass,
    disputable_paths,
    field_rule,
)
from fieldward_sync.records import Value
from fieldward_sync.sound_types import soundness
from fieldward_sync.written_values import DAY, LINE, NAME, ORGANISATION, POSTCODE, check_nhs_number

_MISSING: ErrorMessages = {"required": "Is missing.", "null": "Leave it out instead of null."}
_NOT_TEXT: ErrorMessages = {**_MISSING, "invalid": "Must be text."}
_NOT_A_FLAG: ErrorMessages = {**_MISSING, "invalid": "Must be true or false."}
_NOT_LINES: ErrorMessages = {**_MISSING, "invalid": "Must be a list of lines."}
_NOT_MEMBERS: ErrorMessages = {**_MISSING, "invalid": "Must be an object, by id."}
_NOT_OURS = {"unknown": "There is no such field.", "type": "Must be an object."}


class _Text(fields.String):
    default_error_messages = _NOT_TEXT

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str):  # marshmallow's own would decode bytes
            raise self.make_error("invalid")
        return value


class _Flag(fields.Boolean):
    default_error_messages = _NOT_A_FLAG

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> bool:
        if not isinstance(value, bool):  # marshmallow's own would take "yes" and 1
            raise self.make_error("invalid")
        return value


def _code(codes: tuple[str, ...], *, required: bool = False) -> _Text:
    return _Text(required=required, validate=validate.OneOf(codes, error="One of: {choices}."))


def _shaped(
    pattern: str, words: str, *, max_characters: int | None = None, required: bool = False
) -> _Text:
    shape = validate.Regexp(rf"(?:{pattern})\Z", error=words)
    length = [validate.Length(max=max_characters)] if max_characters else []
    return _Text(required=required, validate=[*length, shape])


def _object(schema: type[Schema], *, required: bool = False) -> fields.Nested:
    return fields.Nested(schema, required=required, error_messages=_MISSING)


def _members(container: str, schema: type[Schema]) -> fields.Dict:
    at_most = limits.MAX_MEMBERS[container]
    member_id = _shaped(MEMBER_ID.pattern, "An id has 1 to 16 of a-z and 0-9.")
    return fields.Dict(
        keys=member_id,
        values=_object(schema),
        validate=validate.Length(max=at_most, error="There are more than {max}."),
        error_messages=_NOT_MEMBERS,
    )


class _Strict(Schema):
    class Meta:
        unknown = RAISE

    error_messages = _NOT_OURS


class NameSchema(_Strict):
    """A person's name, now or formerly."""

    family = _Text(required=True, validate=NAME)
    given = _Text(required=True, validate=NAME)


class AddressSchema(_Strict):
    """Where a child lives, or in which way that is not known: one unit (D1, D3)."""

    kind = _code(limits.ADDRESS_KINDS, required=True)
    lines = fields.List(
        _Text(validate=LINE),
        validate=validate.Length(1, limits.MAX_ADDRESS_LINES, error="Write {min} to {max} lines."),
        error_messages=_NOT_LINES,
    )
    postcode = _shaped(POSTCODE, "Write a postcode in capitals with one space, as in M14 5AB.")
    intends_return = _code(limits.RETURN_INTENTIONS)

    @validates_schema
    def _check_kind(self, data: Mapping[str, object], **_: object) -> None:
        _check_address_kind(data)


def _check_address_kind(data: Mapping[str, object]) -> None:
    located = data["kind"] in limits.LOCATED_KINDS
    if located != ("lines" in data) or ("postcode" in data and not located):
        raise ValidationError(
            "Lines, and a postcode if known, belong to the kinds "
            f"{' and '.join(limits.LOCATED_KINDS)} and to no other."
        )
    if (data["kind"] == "left-england") != ("intends_return" in data):
        raise ValidationError("intends_return belongs to the kind left-england and no other.")


class SchoolSchema(_Strict):
    """The school, by its unique reference number (URN)."""

    code = _shaped("[0-9]{6}", "A school's reference number has six digits.", required=True)
    name = _Text(required=True, validate=ORGANISATION)
    since = _Text(validate=DAY)


class PracticeSchema(_Strict):
    """The general practice, by its organisation code (ODS)."""

    code = _shaped("[A-Z][0-9]{5}", "A practice's code is a letter and five digits.", required=True)
    name = _Text(required=True, validate=ORGANISATION)


_PHONE = _shaped(
    r"(?:\+[1-9]|0)[0-9](?: ?[0-9]){7,13}",
    "Write a telephone number in digits and single spaces, from 0 or +.",
    max_characters=limits.MAX_PHONE_CHARACTERS,
)


class CarerSchema(NameSchema):
    """Somebody with parental responsibility or care (D1)."""

    relation = _code(limits.CARER_RELATIONS, required=True)
    phone = _PHONE
    ended = _Text(validate=DAY)


class InvolvementSchema(_Strict):
    """A service that works with the child, since when, and until when (D4)."""

    service = _code(limits.SERVICES, required=True)
    role = _code(limits.ROLES)
    organisation = _Text(validate=ORGANISATION)
    team = _shaped("[A-Z0-9-]{1,24}", "A team's code has 1 to 24 of A-Z, 0-9 and hyphens.")
    practitioner = _Text(validate=NAME)
    phone = _PHONE
    email = _shaped(
        r"[A-Za-z0-9._%+'-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+",
        "Write an e-mail address, as in a.okafor@example.org.",
        max_characters=limits.MAX_EMAIL_CHARACTERS,
    )
    since = _Text(required=True, validate=DAY)
    ended = _Text(validate=DAY)
    lead = _Flag()
    sensitive_ground = _code(limits.SENSITIVE_GROUNDS)
    consent_withdrawn = _code(limits.LATCH_VALUES)


class DisputeSchema(_Strict):
    """That somebody says a value is wrong or out of date, and what came of it (R2)."""

    path = _shaped(
        disputable_paths(), "Write the path of a field that can be disputed.", required=True
    )
    since = _Text(required=True, validate=DAY)
    by = _code(limits.DISPUTED_BY, required=True)
    outcome = _code(limits.DISPUTE_OUTCOMES)
    ended = _Text(validate=DAY)


class RecordSchema(_Strict):
    """A record in its nested shape."""

    record_id = _shaped("[a-z0-9-]{1,32}", "An id has 1 to 32 of a-z, 0-9 and -.", required=True)
    authority = _shaped(
        "E(?:0[6-9]|10)[0-9]{6}",
        "An authority is named by its ONS code, as in E08000039.",
        required=True,
    )
    name = _object(NameSchema, required=True)
    born = _Text(required=True, validate=DAY)
    sex = _code(limits.SEXES, required=True)
    nhs_number = _Text(validate=check_nhs_number)
    nhs_number_withheld = _code(limits.WITHHELD_REASONS)
    address = _object(AddressSchema, required=True)
    school = _object(SchoolSchema)
    gp = _object(PracticeSchema)
    former_names = _members("former_names", NameSchema)
    carers = _members("carers", CarerSchema)
    involvements = _members("involvements", InvolvementSchema)
    assessment_exists = _Flag()
    shield = _code(limits.LATCH_VALUES)
    disputes = _members("disputes", DisputeSchema)


_RECORD = RecordSchema()


def _schema_field(pattern: str) -> fields.Field[Any]:
    schema: Schema = _RECORD
    *containers, name = re.split(r"/\*\.|\.", pattern)
    for container in containers:
        field = schema.fields[container]
        nested = field.value_field if isinstance(field, fields.Dict) else field
        schema = cast(fields.Nested, nested).schema
    return schema.fields[name]


_FIELDS = {pattern: _schema_field(pattern) for pattern in FIELD_RULES}
_ADDRESS_FIELDS = {f"address.{name}": field for name, field in AddressSchema().fields.items()}


def _required_of_each() -> dict[str, tuple[str, ...]]:
    required: dict[str, tuple[str, ...]] = {}
    for pattern, field in _FIELDS.items():
        group, dot, name = pattern.partition(".")
        if dot and field.required:
            container = group.partition("/")[0]
            required[container] = (*required.get(container, ()), name)
    return required


_REQUIRED = _required_of_each()
"""For each set of members, and each object, the fields that one of them must have."""


def _is_in_every_record(pattern: str) -> bool:
    container = pattern.partition(".")[0]
    return "/" not in pattern and _RECORD.fields[container].required and _FIELDS[pattern].required


REQUIRED_FIELDS = frozenset(
    {
        "record_id",
        "authority",
        *(pattern for pattern in FIELD_RULES if _is_in_every_record(pattern)),
    }
)
"""The fields without which there is no record."""


def is_flag(pattern: str) -> bool:
    """Whether a field is true or false; all others are text, but for the address."""
    return isinstance(_FIELDS.get(pattern), _Flag)


def codes_of(pattern: str) -> tuple[str, ...]:
    """The codes of which a field, or a part of an address, is one; empty where it is no code."""
    field = _FIELDS.get(pattern) or _ADDRESS_FIELDS.get(pattern)
    return tuple(
        str(code)
        for validator in (field.validators if field else ())
        if isinstance(validator, validate.OneOf)
        for code in validator.choices
    )


def _stays(pattern: str) -> bool:
    """Whether a field once set can be changed but not removed."""
    container = re.split(r"/|\.", pattern)[0]
    part_of_what_stays = container in SETS or _RECORD.fields[container].required
    is_latch = FIELD_RULES[pattern].field_class is FieldClass.LATCH
    return is_latch or (_FIELDS[pattern].required and part_of_what_stays)


_STAYING = frozenset(pattern for pattern in FIELD_RULES if _stays(pattern))


class FieldError(NamedTuple):
    """What is wrong with one field, in plain words; the path is empty for the whole record."""

    path: str
    reason: str


class FieldsRefused(CallerMistake):
    """Some fields are not as they should be; ``field_errors`` names each."""

    def __init__(self, code: str, field_errors: Iterable[FieldError]) -> None:
        self.field_errors = tuple(field_errors)
        told = " ".join(f"{path or 'The record'}: {why}" for path, why in self.field_errors[:5])
        super().__init__(code, told)


def _errors_in(messages: object, *keys: object) -> Iterator[FieldError]:
    """Marshmallow's tree of messages as a list."""
    if isinstance(messages, Mapping):
        for key, inner in messages.items():
            yield from _errors_in(inner, *keys, key)
    else:
        path, below = _path_of(keys)
        for reason in cast(list[str], messages):
            yield FieldError(path, f"{below}: {reason}" if below else reason)


def _path_of(keys: tuple[object, ...]) -> tuple[str, str]:
    """The path that marshmallow's keys mean, and what lies below it inside an address."""
    # Keys of the sender's own choosing may say anything: only those that look like ours are told.
    words = [str(key) if re.fullmatch(r"[a-z0-9_]{1,32}", str(key)) else "(other)" for key in keys]
    words = [word for word in words if word != "_schema"]
    if words[:1] == ["address"]:
        return "address", ".".join(words[1:])
    if words and words[0] in SETS and len(words) > 1:
        member = f"{words[0]}/{words[1]}"
        return ".".join([member, *words[3:]]), ""  # between them stands "key" or "value"
    return ".".join(words), ""


@dataclass(frozen=True)
class FlatRecord:
    """A record as it merges: what it is called, whose it is, and its values by path."""

    record_id: str
    authority: str
    fields: Mapping[str, Value]


def load_record(data: Mapping[str, object]) -> FlatRecord:
    """A nested record, checked and flattened; ``FieldsRefused("invalid-record")`` tells all that
    is wrong with it."""
    return load_sound_record(data) or load_judged_record(data)


def load_judged_record(data: Mapping[str, object]) -> FlatRecord:
    """``load_record`` by the schema alone, which explains every fault."""
    try:
        loaded = _RECORD.load(data)
    except ValidationError as e:
        raise FieldsRefused("invalid-record", _errors_in(e.messages)) from e
    record_id, authority = loaded.pop("record_id"), loaded.pop("authority")
    flat = flatten(loaded)
    if errors := [*_identifier_errors(flat), *_group_errors(_by_group(flat))]:
        raise FieldsRefused("invalid-record", errors)
    return FlatRecord(record_id, authority, flat)


_is_sound = soundness(_RECORD, left_out=[check_nhs_number])


def load_sound_record(data: Mapping[str, object]) -> FlatRecord | None:
    """``load_record`` for a record in which nothing is wrong, in a tenth of the time; ``None`` for
    one that the schema has to judge."""
    if not _is_sound(data):
        return None
    sound: Mapping[str, Any] = data
    try:
        _check_address_kind(sound["address"])
        if "nhs_number" in sound:
            check_nhs_number(sound["nhs_number"])
    except ValidationError:
        return None
    if not isinstance(sound["address"].get("lines", []), list):
        return None  # msgspec takes a tuple for a list
    flat = flatten(sound)
    if any(_identifier_errors(flat)) or any(_group_errors(sound.get("involvements", {}))):
        return None
    if "disputes" in sound and any(_group_errors(_by_group(flat))):
        return None
    return FlatRecord(str(flat.pop("record_id")), str(flat.pop("authority")), flat)


def flatten(nested: Mapping[str, Any]) -> dict[str, Value]:
    """The fields of a nested record by path. Checks nothing."""
    flat: dict[str, Value] = {}
    for name, value in nested.items():
        if name == "address" or isinstance(value, str) or not isinstance(value, (dict, Mapping)):
            flat[name] = value
        elif name in SETS:
            for member_id, member in value.items():
                prefix = f"{name}/{member_id}."
                for field, v in member.items():
                    flat[prefix + field] = v
        else:
            for field, v in value.items():
                flat[f"{name}.{field}"] = v
    return flat


def check_value(path: str, value: object) -> Value:
    """A value fit to stand at a path; ``None`` removes what may be removed.

    Raises ``CallerMistake("unknown-field")``, or ``FieldsRefused("invalid-value")`` saying why.
    """
    pattern = field_rule(path).pattern
    if value is None:
        if pattern in _STAYING:
            raise FieldsRefused(
                "invalid-value", [FieldError(path, "Can be changed, but not removed.")]
            )
        return None
    try:
        return cast(Value, _FIELDS[pattern].deserialize(value))
    except ValidationError as e:
        found = _errors_in(e.messages, *(["address"] if path == "address" else []))
        raise FieldsRefused("invalid-value", [FieldError(path, why) for _, why in found]) from e


def check_edit(changes: Mapping[str, object], *, shown: Mapping[str, Value]) -> dict[str, Value]:
    """The values of an edit, checked each, and together with what its author was shown.

    Rules across fields are applied only where the edit touches them: a view may be redacted, and
    a record may carry older faults that are not this author's to mend. Raises as ``check_value``,
    or ``FieldsRefused("invalid-edit")``.
    """
    checked = {path: check_value(path, value) for path, value in changes.items()}
    after = {**shown, **checked}
    touched = {path.partition(".")[0] for path in checked}
    beside = tuple(f"{group}." for group in touched)
    near = {path: v for path, v in shown.items() if path in touched or path.startswith(beside)}
    groups = _by_group({**near, **checked})
    added = groups.keys() - _by_group(near).keys()
    errors = [*_group_errors(groups), *_incomplete(groups), *_crowded(after, added)]
    if touched & {"nhs_number", "nhs_number_withheld"}:
        errors += _identifier_errors(after)
    if errors:
        raise FieldsRefused("invalid-edit", errors)
    return checked


def _by_group(flat: Mapping[str, Value]) -> dict[str, dict[str, Value]]:
    """The fields of each member (``carers/a1``), of each object (``school``), and whatever stands
    for itself."""
    groups: dict[str, dict[str, Value]] = {}
    for path, value in flat.items():
        group, _, field = path.partition(".")
        if value is not None:
            groups.setdefault(group, {})[field] = value
    return groups


def _identifier_errors(flat: Mapping[str, Value]) -> Iterator[FieldError]:
    """D7: the NHS number, or the reason why there is none."""
    if (flat.get("nhs_number") is None) == (flat.get("nhs_number_withheld") is None):
        yield FieldError(
            "nhs_number", "Give the number, or the reason why there is none: one of the two."
        )


def _group_errors(groups: Mapping[str, Mapping[str, Value]]) -> Iterator[FieldError]:
    for group, held in groups.items():
        if held.get("service") in limits.SENSITIVE_SERVICES and "sensitive_ground" not in held:
            yield FieldError(
                f"{group}.sensitive_ground", "A sensitive service needs its legal ground (C1)."
            )
        if group.startswith("disputes/") and ("outcome" in held) != ("ended" in held):
            yield FieldError(f"{group}.ended", "An outcome has its day, and a day its outcome.")
        since, ended = held.get("since"), held.get("ended")
        if isinstance(since, str) and isinstance(ended, str) and ended < since:
            yield FieldError(f"{group}.ended", "It cannot have ended before it began.")


def _incomplete(groups: Mapping[str, Mapping[str, Value]]) -> Iterator[FieldError]:
    for group, held in groups.items():
        for name in _REQUIRED.get(group.partition("/")[0], ()):
            if name not in held:
                yield FieldError(f"{group}.{name}", "Is missing.")


def _crowded(after: Mapping[str, Value], added: Iterable[str]) -> Iterator[FieldError]:
    """Sets that become larger than they may be by members that are added: one that was, by a load
    or a merge, may be mended in all that it holds."""
    for container in sorted({group.partition("/")[0] for group in added} & SETS):
        at_most = limits.MAX_MEMBERS[container]
        if len(_held_in(after, container)) > at_most:
            yield FieldError(container, f"There are more than {at_most}.")


def _held_in(flat: Mapping[str, Value], container: str) -> set[str]:
    """The members that a set has."""
    beginning = f"{container}/"
    return {
        path.partition(".")[0]
        for path, value in flat.items()
        if value is not None and path.startswith(beginning)
    }
