"""The tables of the protocol's document that come from the code.

A chapter marks their places with ``<!-- from the code: name -->`` … ``<!-- end -->``.
``python tests/protocol_pages/tables.py`` writes them anew.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields as fields_of
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parents[1])

from fieldward_server.api.admin_commands import COMMANDS
from fieldward_server.api.command_fields import described_fields
from fieldward_sync import limits
from fieldward_sync.access import MOVES, RIGHTS, WIPE_MOVES
from fieldward_sync.custody import OUTCOMES, Aftermath
from fieldward_sync.field_classes import FIELD_RULES
from fieldward_sync.http_signatures import signature_base
from fieldward_sync.journal import REASONS
from fieldward_sync.leases import ALLOWED
from fieldward_sync.schema import AddressSchema, codes_of
from fieldward_sync.ways import KEPT
from protocol_pages.reports import ANSWERS, REPORTS
from vectors.files import TOPICS
from vectors.outcomes import Outcome
from vectors.topics.http_signatures import signed_answer, signed_request
from vectors.topics.world import ANSWER_SEED, SIGNING_SEED

CHAPTERS = Path(__file__).parents[2] / "docs" / "protocol"
_BLOCK = re.compile(r"<!-- from the code: ([a-z-]+) -->\n(.*?)<!-- end -->", re.DOTALL)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = (heads, ["---"] * len(heads), *rows)
    return "".join(f"| {' | '.join(line)} |\n" for line in lines).replace("| --- ", "|---")


def yes(flag: bool) -> str:
    """How a flag is shown."""
    return "yes" if flag else "no"


def rights() -> str:
    return table(
        ("access", "reads", "renews", "pulls", "its edits merge"),
        (
            (f"`{access.value}`", *map(yes, (may.read, may.renew, may.pull, may.edits_merge)))
            for access, may in RIGHTS.items()
        ),
    )


def moves() -> str:
    return _moves(MOVES)


def custody() -> str:
    names = [field.name for field in fields_of(Aftermath)]
    return table(
        ("what happens", *(name.replace("_", " ") for name in names)),
        (
            (f"`{what}`", *(getattr(outcome, name) for name in names))
            for what, outcome in OUTCOMES.items()
        ),
    )


def wipe_moves() -> str:
    return _moves(WIPE_MOVES)


def _moves(machine: Any) -> str:
    """A state machine; its states in the order of their enum."""
    return table(
        ("from", "to"),
        (
            (f"`{old.value}`", ", ".join(f"`{new.value}`" for new in type(old) if new in after))
            for old, after in machine.items()
        ),
    )


def ways() -> str:
    return table(
        ("way", "files on the disk", "keys on the disk", "keys in an open session's memory"),
        (
            (
                f"`{way.value}`",
                *map(yes, (kept.files, kept.keys_on_disk, kept.keys_in_memory)),
            )
            for way, kept in KEPT.items()
        ),
    )


def lease_states() -> str:
    until = {
        "active": "before `warns`",
        "warning": "before `closes`",
        "expired": "before `destroys`",
        "destroyed": "from then on",
    }
    return table(
        ("state", "when", "read", "deliver", "keep keys"),
        (
            (f"`{state.value}`", until[state.value], *map(yes, vars(may).values()))
            for state, may in ALLOWED.items()
        ),
    )


def fields() -> str:
    return table(
        ("path", "class", "written by", "shielded", "sensitive"),
        (
            (
                f"`{rule.pattern}`",
                rule.field_class.value,
                rule.written_by.value,
                rule.on_shielded.value,
                rule.on_sensitive.value,
            )
            for rule in FIELD_RULES.values()
        ),
    )


def words() -> str:
    """The paths whose values are words, each with the list that they are of."""
    lists = {value: name for name, value in vars(limits).items() if isinstance(value, tuple)}
    paths = (*FIELD_RULES, *(f"address.{part}" for part in AddressSchema().fields))
    return table(
        ("path", "list"),
        ((f"`{path}`", f"`{lists[codes]}`") for path in paths if (codes := codes_of(path))),
    )


def bounds() -> str:
    """Every limit: numbers, dates, and lists of words."""
    return table(("limit", "value"), ((f"`{name}`", value) for name, value in _bounds()))


def _bounds() -> Iterator[tuple[str, str]]:
    for name, value in vars(limits).items():
        if not name.isupper():
            continue
        if isinstance(value, tuple):
            yield name, " ".join(f"`{each}`" for each in value)
        elif isinstance(value, dict):
            yield name, ", ".join(f"{each} {most}" for each, most in value.items())
        else:
            yield name, f"`{value}`" if isinstance(value, str) else str(value)


def reasons() -> str:
    return " ".join(f"`{reason}`" for reason in sorted(REASONS)) + "\n"


def outcomes() -> str:
    return " ".join(f"`{outcome.value}`" for outcome in Outcome) + "\n"


def topics() -> str:
    return table(
        ("file", "cases", "made"),
        (
            (f"`{t.name}.json`", str(len(json.loads(t.path.read_text())["cases"])), t.source)
            for t in TOPICS
        ),
    )


def example() -> str:
    """A request and its answer, as the vectors have them."""
    request, answer = signed_request(), signed_answer()
    return "\n".join(
        (
            f"The practitioner's seed is `{SIGNING_SEED.hex()}`, the answer key's seed",
            f"`{ANSWER_SEED.hex()}`. The request",
            "",
            *_indented(
                f"POST {request['path']}",
                *(f"{name}: {value}" for name, value in request["headers"].items()),
                f"body: {request['body'].hex()}",
            ),
            "",
            "signs these bytes:",
            "",
            *_indented(*_base(request).splitlines()),
            "",
            "and this answers it:",
            "",
            *_indented(
                str(answer["status"]),
                *(f"{name}: {value}" for name, value in answer["headers"].items()),
                f"body: {answer['body'].hex()}",
            ),
            "",
        )
    )


def _base(request: dict[str, Any]) -> str:
    """What a request's signature covers."""
    headers = request["headers"]
    return signature_base(
        (
            ('"@method"', request["method"]),
            ('"@authority"', request["authority"]),
            ('"@path"', request["path"]),
            ('"@query"', f"?{request['query']}"),
            ('"content-digest"', headers["content-digest"]),
            ('"fieldward-counter"', headers["fieldward-counter"]),
        ),
        headers["signature-input"].removeprefix("fw="),
    ).decode()


def _indented(*lines: str) -> Iterator[str]:
    return (f"    {line}" for line in lines)


def commands() -> str:
    return table(
        ("command", "body besides `reason`", "", "what for"),
        (
            (
                f"`{name}`",
                "; ".join(_described(command)) or "none",
                ", ".join(
                    word
                    for word, applies in (
                        ("*why*", command.shows_content),
                        ("*early*", command.before_founding),
                        ("`SETTLING_REASONS`", command.reasons == limits.SETTLING_REASONS),
                    )
                    if applies
                ),
                command.summary,
            )
            for name, command in COMMANDS.items()
        ),
    )


def _described(command: Any) -> Iterator[str]:
    described = described_fields(command.schema)
    for name, field in described["properties"].items():
        if name != "reason":
            optional = "" if name in described["required"] else " (optional)"
            yield f"`{name}` {_shape(field)}{optional}"


def _shape(field: dict[str, Any]) -> str:
    match field:
        case {"type": "array"}:
            return f"{field['minItems']}–{field['maxItems']} of {_shape(field['items'])}"
        case {"type": "integer"}:
            return f"{field['minimum']}–{field['maximum']}"
        case {"enum": words}:
            return " / ".join(f"`{word}`" for word in words)
        case {"pattern": pattern} if "u2028" in pattern:
            return "one line of 1–100 characters"
        case {"pattern": pattern}:
            return f"`{pattern.removeprefix('^').removesuffix('$')}`".replace("|", "\\|")
    return "text"


def answers() -> str:
    return table(("command", "answers"), ((f"`{name}`", told) for name, told in ANSWERS.items()))


def reports() -> str:
    return "\n".join(
        f"### `{kind.__name__}`\n{(kind.__doc__ or '').splitlines()[0]}\n\n"
        + table(
            ("field", "type"),
            ((f"`{name}`", str(worded).replace("|", "or")) for name, worded in _fields_of(kind)),
        )
        for kind in REPORTS
    )


def _fields_of(kind: type[Any]) -> Iterator[tuple[str, str]]:
    yield from kind.__annotations__.items()


TABLES: dict[str, Callable[[], str]] = {
    "answers": answers,
    "commands": commands,
    "example": example,
    "fields": fields,
    "lease-states": lease_states,
    "ways": ways,
    "limits": bounds,
    "moves": moves,
    "outcomes": outcomes,
    "reasons": reasons,
    "reports": reports,
    "rights": rights,
    "custody": custody,
    "topics": topics,
    "wipe-moves": wipe_moves,
    "words": words,
}


def blocks(text: str) -> dict[str, str]:
    """The tables in a chapter, by name."""
    return dict(_BLOCK.findall(text))


def rewritten(text: str) -> str:
    """A chapter with its tables as they are now."""
    return _BLOCK.sub(
        lambda found: f"<!-- from the code: {found[1]} -->\n{TABLES[found[1]]()}<!-- end -->",
        text,
    )


if __name__ == "__main__":
    for chapter in CHAPTERS.glob("*.md"):
        chapter.write_text(rewritten(chapter.read_text()))
