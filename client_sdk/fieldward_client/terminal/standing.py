"""``fieldward field status`` and ``pending``: how the device stands, and what waits on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import click
from rich.text import Text

from fieldward_client import AccessClosed, Device, Notice, PendingEdit, Status, Way
from fieldward_client.terminal.header import ATTENTION, QUIET, header
from fieldward_client.terminal.opening import folder_option, json_option, locked, unlocked
from fieldward_client.terminal.printing import say, show_json, table, whole
from fieldward_client.terminal.wording import in_words, many, moment, refusal_in_words

REFUSED = "red"
_DECISIONS = {
    "settled": "{which}: {path} of {record} was in conflict, and another value than yours stands",
    "admitted": "{which} of {record}, which was refused, was let in",
    "declined": "{which} of {record}, which was refused, stays out; it is kept at the authority",
}


@click.command()
@folder_option
@json_option
def status(folder: Path, as_json: bool) -> None:
    """Say when the copy ends, how old it is, and what waits.

    It needs no passphrase, and shows nothing of any child.

    \b
    Example:
      fieldward field status
    """
    with locked(folder) as device:
        found = device.status()
    if as_json:
        show_json(found)
    else:
        say(*header(found), *_details(found))


@click.command()
@click.option("--locked", "stay_locked", is_flag=True, help="Without the passphrase: numbers only.")
@folder_option
@json_option
def pending(stay_locked: bool, folder: Path, as_json: bool) -> None:
    """List the edits that wait to be sent, and those that were refused.

    Also what became of your edits later: what is shown here counts as read, and is not shown again.

    \b
    Example:
      fieldward field pending
    """
    with locked(folder) if stay_locked else unlocked(folder) as device:
        edits, found = device.pending(), device.status()
        notices = () if stay_locked else _notices(device)
        if as_json:
            for each in (*edits, *notices):
                show_json(each)
        else:
            say(*header(found))
            if edits:
                rows = (_row(edit, found) for edit in edits)
                say(table("Edit", "State", whole("Record"), "Change", "Made", rows=rows))
            say(*(_told(notice, found.now) for notice in notices))
        if notices:
            device.mark_read(*notices)


def _details(found: Status) -> Iterator[Text]:
    for partition in found.partitions:
        if partition.way is Way.TETHERED:
            yield Text(f"{partition.title}: on line only, ask with enquire")
            continue
        if partition.waits:
            warm = partition.way is Way.WARM
            opens = "held warm, opens with a sync" if warm else "opens once the lease is renewed"
            yield Text(f"{partition.title}: {opens}")
            continue
        made = moment(partition.made, now=found.now or partition.made)
        entries = many(partition.records, "entry", "entries")
        yield Text(f"{partition.title}: {entries}, as the server had them {made}")
    yield Text(f"Look-ups on record: {found.look_ups}, {found.look_ups_delivered} of them sent")
    if found.lease is not None:
        left, allowed = found.lease.look_ups_left, found.lease.look_ups
        yield Text(f"Look-ups left until the next renewal: {left} of {allowed}")
    if found.hand_over_until is not None:
        until = moment(found.hand_over_until, now=found.now or found.hand_over_until)
        yield Text(f"A hand-over waits here for its code until {until}")
    who = f", for {found.practitioner}" if found.practitioner else ""
    yield Text(f"Device {found.device} of {found.authority}{who}", QUIET)


def _notices(device: Device) -> tuple[Notice, ...]:
    """What can be read of them now: the count in the header says that there are some."""
    with suppress(AccessClosed):
        return device.notices()
    return ()


def _told(notice: Notice, now: int | None) -> Text:
    which = f"Edit {notice.edit}" if notice.edit is not None else "Your edit on another device"
    at = moment(notice.at, now=now or notice.at)
    said = _DECISIONS[notice.kind].format(which=which, record=notice.record_id, path=notice.path)
    return Text(f"{said} ({notice.reason}, {at}).", ATTENTION)


def _row(edit: PendingEdit, status: Status) -> tuple[Text, ...]:
    is_present = edit.generation == status.generation
    style = REFUSED if edit.state == "refused" else QUIET
    state = f"{edit.state}: {refusal_in_words(edit.code)}" if edit.code else edit.state
    changes = (
        ("(locked)" if is_present else "(sealed)")
        if edit.changes is None
        else "; ".join(f"{path}: {in_words(value)}" for path, value in edit.changes.items())
    )
    made = "" if edit.made_at is None else moment(edit.made_at, now=status.now or edit.made_at)
    return (
        Text(f"{edit.counter}" if is_present else f"{edit.counter} of an old copy"),
        Text(state, style),
        Text(edit.record_id or ""),
        Text(changes),
        Text(made),
    )
