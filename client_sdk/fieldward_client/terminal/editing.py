"""``fieldward field edit``: correct one field of an entry, or settle a conflict at it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.text import Text

from fieldward_client import CallerMistake, Child, Status, Value
from fieldward_client.terminal import asking
from fieldward_client.terminal.card import whose
from fieldward_client.terminal.header import GOOD
from fieldward_client.terminal.looking import open_child
from fieldward_client.terminal.opening import look_up_options, looking
from fieldward_client.terminal.printing import say, show_json
from fieldward_client.terminal.wording import ADDRESS, all_in_words, in_words, read_value
from fieldward_sync.encoding import pack
from fieldward_sync.field_classes import field_rule
from fieldward_sync.schema import check_value


@click.command()
@click.argument("record", required=False)
@click.argument("path", required=False)
@click.argument("value", required=False)
@click.option("--remove", is_flag=True, help="Leave no value there.")
@click.option(
    "--replaces",
    multiple=True,
    metavar="VALUE",
    help="What you were shown there; in a conflict, each value of it. If that is still what "
    "stands, nothing is asked. Empty for nothing.",
)
@look_up_options
def edit(
    record: str | None,
    path: str | None,
    value: str | None,
    remove: bool,
    replaces: tuple[str, ...],
    folder: Path,
    reason: str | None,
    on_behalf_of: str | None,
    as_json: bool,
) -> None:
    """Correct one field of an entry, or settle a conflict at it.

    The field at PATH of a RECORD becomes VALUE; what it replaces is shown before. PATH is as
    `fieldward field show` prints it: carers/c1.phone. In a conflict every value is shown, and
    nothing is chosen for you. What is left out is asked for. What you typed is kept on this device
    at once, and sent with the next sync.

    \b
    Example:
      fieldward field edit r-00017 carers/c1.phone "07700 900123"
    """
    if remove and value is not None:
        raise click.UsageError("Give a VALUE or --remove, not both.")
    with looking(folder, reason, on_behalf_of) as (device, session):
        child = open_child(session, record)
        path = path or asking.path()
        stood = standing(child, path)
        _require_begun(child, path)
        if replaces:
            _require_as_shown(path, replaces, stood)
        if remove:
            new = None
        elif value is not None:
            new = read_value(path, value)
        else:
            new = _asked_for(path, stood)
        check_value(path, new)  # nobody is asked to confirm what cannot be
        if not replaces:
            doubt = _doubt(path, new, device.status())
            asking.confirm(
                f"{whose(child)}: {doubt}{_question(path, new, stood)}",
                instead="Nobody can be asked here: --replaces says what you were shown there.",
            )
        if path in child.conflicts:
            child.settle(path, new)
        else:
            child.edit(path, new)
    if as_json:
        show_json({"record_id": child.record_id, "path": path, "value": new, "replaced": stood})
    else:
        said = f"{path} is now {in_words(new)}; it was {all_in_words(stood)}."
        say(Text(said, GOOD), "Kept on this device; it is sent with the next sync.")


def standing(child: Child, path: str) -> tuple[Value, ...]:
    """What stands at a path, every value of a conflict; ``None`` alone where there is nothing.

    ``CallerMistake("unknown-field")`` for a path that no record has.
    """
    field_rule(path)
    return child.conflicts.get(path) or (child.values.get(path),)


def _require_begun(child: Child, path: str) -> None:
    """One field alone begins no carer, service or school: what each must have comes together."""
    group, dot, _ = path.rpartition(".")
    if dot and not any(shown.startswith(f"{group}.") for shown in child.fields):
        raise CallerMistake(
            "not-in-entry",
            f"There is no {group} in this entry.",
            next_step="Type the path as the entry shows it. Your authority enters a new one.",
        )


def _asked_for(path: str, stood: Sequence[Value]) -> Value:
    """A new value, or one of those in conflict: none of them is offered before another (P24)."""
    if len(stood) > 1:
        options = [*map(in_words, stood), "something else"]
        heading = f"{path} is in conflict: whoever wrote one of these had not seen the others."
        chosen = asking.choose(heading, "Which is right", options)
        if chosen < len(stood):
            return stood[chosen]
    elif stood[0] is not None:
        asking.tell(f"{path} is {in_words(stood[0])}.")
    if path == ADDRESS:
        return asking.address()

    def check(typed: str) -> None:
        check_value(path, read_value(path, typed))

    return read_value(path, asking.ask("New value", check=check))


def _doubt(path: str, new: Value, status: Status) -> str:
    """What is likely to be a slip, though it can be."""
    if path != "born" or status.now is None:
        return ""
    today = datetime.fromtimestamp(status.now, UTC).date().isoformat()
    return "That day is yet to come. " if str(new) > today else ""


def _question(path: str, new: Value, stood: Sequence[Value]) -> str:
    """What is about to happen, with everything that would be replaced."""
    if len(stood) > 1:
        told = "".join(f"\n  ≠ {in_words(value)}" for value in stood)
        return (
            f"{path} is in conflict:{told}\nEnd it, with {in_words(new)} in place of all of them?"
        )
    if stood[0] is None:
        return f"Nothing stands at {path}. Set it to {in_words(new)}?"
    return f"Replace {in_words(stood[0])} by {in_words(new)} at {path}?"


def _require_as_shown(path: str, replaces: Sequence[str], stood: Sequence[Value]) -> None:
    """Nobody replaces what they were not shown, a program on their behalf neither."""
    shown = {pack(read_value(path, typed) if typed else None) for typed in replaces}
    if shown != {pack(value) for value in stood}:
        raise CallerMistake(
            "not-as-shown",
            f"Something else stands at {path} than --replaces says; nothing was changed.",
            next_step="Open the entry again with `fieldward field show`, and decide anew.",
        )
