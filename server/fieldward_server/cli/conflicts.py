"""``fieldward conflicts``: fields with several live values, and settling them."""

from __future__ import annotations

from typing import Any

import click
import msgspec

from fieldward_server.cli.disputes import in_words
from fieldward_server.cli.groups import Group
from fieldward_server.cli.options import ID, json_option
from fieldward_server.cli.output import Item, ago, moment, show_done, show_items
from fieldward_server.cli.signed import Commander, signed
from fieldward_sync.limits import SETTLING_REASONS


@click.group("conflicts", cls=Group)
def command() -> None:
    """Fields with several live values, because nobody who wrote one had seen the other."""


@command.command("list")
@signed(must_say_why=True)
@json_option
def list_(call: Commander, as_json: bool) -> None:
    """List an authority's open conflicts: values, and where each comes from.

    This shows what the records hold. "hidden" stands where no device shows the field.

    \b
    Example:
      fieldward conflicts list --authority E08000039 --reason weekly-review
    """
    found = call.pages("conflicts/list", position=lambda it: it["record_id"])
    if as_json:
        show_items(found, {}, as_json=True, nothing="")
        return
    show_items(
        ({**value, "conflict": each} for each in found for value in each["values"]),
        {
            "record": lambda it: it["conflict"]["record_id"],
            "field": lambda it: _field(it["conflict"]),
            "open since": lambda it: ago(it["conflict"]["since"]),
            "disputed": lambda it: in_words(it["conflict"]["disputes"]),
            **value_columns(),
        },
        as_json=False,
        nothing="There is no conflict.",
    )


@command.command()
@click.argument("record", type=ID)
@click.argument("path")
@click.option("--choose", type=click.IntRange(1), help="The number of the value that stands.")
@click.option("--value", "typed", help="Another value that stands instead; an address as JSON.")
@click.option("--remove", is_flag=True, help="No value stands.")
@click.option(
    "--over",
    type=click.IntRange(1),
    multiple=True,
    help="The number of a value that gives way; name each that `conflicts list` shows.",
)
@signed(must_say_why=True, reasons=SETTLING_REASONS)
@json_option
def settle(
    call: Commander,
    record: str,
    path: str,
    choose: int | None,
    typed: str | None,
    remove: bool,
    over: tuple[int, ...],
    as_json: bool,
) -> None:
    """End the conflict at PATH of a RECORD: say which value stands, and over which.

    Nothing is chosen for you, and nothing gives way that you do not name. Whoever wrote a value
    that gives way is told at their next sync.

    \b
    Examples:
      fieldward conflicts settle 6f3k carers/c1.phone --choose 8 --over 5 \\
        --authority E08000039 --reason confirmed-by-family
      fieldward conflicts settle 6f3k born --value 2021-03-04 --over 5 --over 8 \\
        --authority E08000039 --reason confirmed-by-source
    """
    if (choose is not None) + (typed is not None) + remove != 1:
        raise click.UsageError("Give one of --choose, --value and --remove.")
    if choose is None:
        value = None if typed is None else _read(path, typed)
    else:
        value = _chosen(call, record, path, choose)
    shown = sorted({*over, choose} if choose is not None else set(over))
    if not shown:
        raise click.UsageError("Name with --over what gives way.")
    call("conflicts/settle", record=record, path=path, shown=shown, value=_as_json(value))
    show_done(
        {"record_id": record, "path": path, "value": value},
        f"{path} of {record} is settled; whoever wrote what gave way is told at their next sync.",
        as_json=as_json,
    )


def value_columns() -> dict[str, Any]:
    """How a value is shown with where it comes from (R1)."""
    return {
        "no.": "number",
        "value": "value",
        "by": who,
        "on": "actor",
        "received": lambda it: moment(it["received_at"]),
        "basis": "basis",
        "label": "label",
    }


def who(value: Item) -> str:
    """Whoever wrote a value; where it was let in later, who let it in too."""
    people = [value["practitioner"], value["administrator"]]
    return ", by ".join(each for each in people if each) or value["origin"]


def _field(conflict: Item) -> str:
    return f"{conflict['path']} (hidden)" if conflict["hidden"] else str(conflict["path"])


def _chosen(call: Commander, record: str, path: str, number: int) -> object:
    """The value of a number, as the server has it."""
    known = call("records/values", record=record, path=path)
    for value in known["values"]:
        if value["number"] == number:
            return value["value"]
    raise click.UsageError(f"{path} of {record} has no value {number}.")


def _as_json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _read(path: str, typed: str) -> object:
    """A value as it is typed: what is no text is written as JSON."""
    from fieldward_sync.field_classes import field_rule
    from fieldward_sync.schema import is_flag

    pattern = field_rule(path).pattern
    if pattern != "address" and not is_flag(pattern):
        return typed
    try:
        return msgspec.json.decode(typed)
    except msgspec.DecodeError as e:
        raise click.UsageError(f"{path} is written as JSON.") from e
