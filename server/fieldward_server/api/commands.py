"""What a command of administrators is: its fields, how they are checked, and what runs it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from fieldward_server.api.command_fields import shaped
from fieldward_server.services.platform import Platform
from fieldward_sync.errors import CallerMistake
from fieldward_sync.messages import ROUTINE
from fieldward_sync.problems import Mistake

MAX_MISTAKES = 100


class CommandMalformed(CallerMistake):
    """A command's body is not as it should be; ``mistakes`` says where and why."""

    def __init__(self, mistakes: tuple[Mistake, ...]) -> None:
        super().__init__("argument-malformed", "The command's fields are not as they should be.")
        self.mistakes = mistakes


@dataclass(frozen=True)
class Call:
    """One call of a command: who, whose, why, when, and its checked fields."""

    platform: Platform
    authority: str
    administrator: str
    reason: str
    now: int
    """Whole seconds since 1970 UTC."""
    fields: Mapping[str, Any]

    @property
    def effect(self) -> dict[str, Any]:
        """What every service that changes something is told."""
        return {
            "authority": self.authority,
            "actor": self.administrator,
            "reason": self.reason,
            "now": self.now,
        }


@dataclass(frozen=True)
class Command:
    """One command of the table."""

    summary: str
    run: Callable[[Call], object]
    """Its result: a report or mapping, a tuple of items, or ``None``."""
    takes: Mapping[str, fields.Field[Any]]
    """Its fields, but for the reason."""
    about: tuple[str, ...] = ()
    """The fields that tell the event log what it is about."""
    shows_content: bool = False
    """It shows what records, edits or journals hold, so a person has to say why (A8)."""
    reasons: tuple[str, ...] = ()
    """The only reasons it takes, where there is a closed list of them."""
    before_founding: bool = False
    """It works before the authority has been founded."""

    def read(self, body: object) -> dict[str, Any]:
        """The checked fields of a body, its reason among them; ``CommandMalformed``."""
        try:
            read: dict[str, Any] = self.schema.load(body)  # type: ignore[arg-type] # it checks
        except ValidationError as e:
            raise CommandMalformed(tuple(_mistakes(e.messages))[:MAX_MISTAKES]) from e
        return read

    @cached_property
    def schema(self) -> Schema:
        """What bodies are checked against."""
        return Schema.from_dict({**self.takes, "reason": self._reason()})()

    def subject(self, read: Mapping[str, Any]) -> str:
        """What a checked body is about."""
        return " ".join(str(read[name]) for name in self.about if name in read)

    def _reason(self) -> fields.String:
        if self.reasons:
            return fields.String(
                required=True, validate=validate.OneOf(self.reasons, error="One of: {choices}.")
            )
        checks: list[Any] = [shaped(r"\A[a-z0-9-]{1,48}\Z")]
        if self.shows_content:
            checks.append(
                validate.NoneOf([ROUTINE], error="This shows what is held: say why in one word.")
            )
        return fields.String(required=True, validate=checks)


def answered_by(service: Callable[..., object]) -> Callable[[Call], object]:
    """Answered by a service that changes nothing; it names the command's fields as they are."""
    return lambda call: service(call.platform, authority=call.authority, **call.fields)


def answered_now_by(service: Callable[..., object]) -> Callable[[Call], object]:
    """Answered by such a service to which it matters what time it is."""
    return lambda call: service(
        call.platform, authority=call.authority, now=call.now, **call.fields
    )


def carried_out_by(
    service: Callable[..., object], *, gives: str | None = None
) -> Callable[[Call], object]:
    """Carried out by a service that is told who commands it, and why. ``gives`` is what its result
    is called in the answer, where it is no report by itself."""

    def run(call: Call) -> object:
        result = service(call.platform, **call.fields, **call.effect)
        return result if gives is None else {gives: result}

    return run


def _mistakes(messages: Any, *keys: str) -> Iterator[Mistake]:
    """Marshmallow's tree of messages as a list."""
    if isinstance(messages, Mapping):
        for key, inner in messages.items():
            # A field of the sender's own making may be called anything.
            known = re.fullmatch(r"[a-z0-9_]{1,32}", str(key))
            below = () if key == "_schema" else (str(key) if known else "(other)",)
            yield from _mistakes(inner, *keys, *below)
    else:
        for reason in messages:
            yield Mistake(".".join(keys), reason)
