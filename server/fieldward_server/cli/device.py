"""``fieldward device``: what there is of devices, and the commands to them."""

from __future__ import annotations

from collections.abc import Iterator

import click

from fieldward_server.cli.custody import holding_in_words, show_custody, show_loss, tell_custody
from fieldward_server.cli.groups import Group
from fieldward_server.cli.options import ID, PARTITION, json_option, practitioner_option
from fieldward_server.cli.output import (
    Item,
    ago,
    moment,
    show_done,
    show_item,
    show_items,
    show_json,
)
from fieldward_server.cli.previews import by_way_in_words, go_on
from fieldward_server.cli.signed import Commander, signed
from fieldward_sync.access import WipeState
from fieldward_sync.time_codes import read_challenge

HOUR_SECONDS = 3600
GROUPS_IN_A_LINE = 4
"""Of a time code: as many as the terminal of a device asks for at once."""

_device_argument = click.argument("device", type=ID)
_partitions_option = click.option(
    "--partition",
    "partitions",
    type=PARTITION,
    multiple=True,
    required=True,
    help="What they may hold there. Can be repeated.",
)
_valid_option = click.option(
    "--valid-hours",
    type=click.IntRange(1, 14 * 24),
    default=72,
    show_default=True,
    help="How long the code is good.",
)
_yes_option = click.option("--yes", is_flag=True, help="Do not show what is lost and ask first.")


@click.group("device", cls=Group)
def command() -> None:
    """Devices: invite, hand over, watch, pause, revoke, wipe."""


@command.command()
@practitioner_option
@_partitions_option
@click.option(
    "--cap",
    type=click.IntRange(1),
    help="How many records it may hold: more than 10,000 for a --reason.",
)
@_valid_option
@signed()
@json_option
def invite(
    call: Commander,
    practitioner: str,
    partitions: tuple[str, ...],
    cap: int | None,
    valid_hours: int,
    as_json: bool,
) -> None:
    """Print a code that enrols one device of a practitioner, once.

    Hand it over in person or by another way than the device's own: it is all that it takes.

    \b
    Example:
      fieldward device invite --authority E08000039 --practitioner ann --partition central
    """
    invitation = call(
        "device/invite",
        practitioner=practitioner,
        partitions=partitions,
        valid_seconds=valid_hours * HOUR_SECONDS,
        **({} if cap is None else {"record_cap": cap}),
    )
    show_done(invitation, invitation["code"], as_json=as_json)
    if not as_json:
        _say_how_long(valid_hours)


@command.command("hand-over")
@_device_argument
@practitioner_option
@_partitions_option
@_valid_option
@signed()
@json_option
def hand_over(
    call: Commander,
    device: str,
    practitioner: str,
    partitions: tuple[str, ...],
    valid_hours: int,
    as_json: bool,
) -> None:
    """Print a code that hands a DEVICE over to a practitioner, without signal.

    Sync the device once after this. From then on the code opens what waits there, once, until the
    hours are over; then its lease closes. Whoever has the device and the code can read: give the
    code to the practitioner alone, and not with the device.

    \b
    Example:
      fieldward device hand-over d-1 --authority E08000039 --practitioner ben --partition central
    """
    prepared = call(
        "device/hand-over",
        device=device,
        practitioner=practitioner,
        partitions=partitions,
        valid_seconds=valid_hours * HOUR_SECONDS,
    )
    show_done(prepared, prepared["code"], as_json=as_json)
    if not as_json:
        _say_how_long(valid_hours)


@command.command("withdraw-hand-over")
@_device_argument
@signed(must_say_why=True)
@json_option
def withdraw_hand_over(call: Commander, device: str, as_json: bool) -> None:
    """Withdraw the hand-over that was prepared for a DEVICE.

    It goes from the device with its next sync; one that is not synced keeps it to the end of its
    lease. Who has used the code already still delivers what they typed, and reads no more.

    \b
    Example:
      fieldward device withdraw-hand-over d-1 --authority E08000039 --reason plans-changed
    """
    call("device/withdraw-hand-over", device=device)
    show_done(
        {"device": device},
        f"The hand-over of {device} is withdrawn; it goes from there with the next sync.",
        as_json=as_json,
    )


@command.command("list")
@signed()
@json_option
def list_(call: Commander, as_json: bool) -> None:
    """List an authority's devices and how each stands; `show` says more of one.

    First come those that are to be shut and may still read, then those over their cap, then all
    others in use, the longest unheard first; last what is over: wiped, revoked, replaced.

    \b
    Example:
      fieldward device list --authority E08000039
    """
    show_items(
        call.items("device/list"),
        {
            "device": lambda it: f"{it['device']}.{it['generation']}",
            "name": "name",
            "holders": lambda it: ", ".join(_who(holder) for holder in it["holders"]),
            "access": _access_in_words,
            "seen": lambda it: ago(it["last_contact"]),
            "unsent": "pending_edits",
            "incidents": "incidents",
        },
        as_json=as_json,
        nothing="There is no device yet: `fieldward device invite`.",
    )


@command.command()
@_device_argument
@signed()
@json_option
def show(call: Commander, device: str, as_json: bool) -> None:
    """Show a DEVICE: what it holds, until when, and what it has not delivered.

    \b
    Example:
      fieldward device show d-1 --authority E08000039
    """
    report = call("device/show", device=device)
    if as_json:
        show_json(report)
    else:
        show_item(dict(_described(report)))


@command.command()
@_device_argument
@click.argument("verb", type=click.Choice(["pause", "drain", "revoke", "wipe"]))
@signed()
@json_option
def preview(call: Commander, device: str, verb: str, as_json: bool) -> None:
    """Say what a VERB would mean for a DEVICE, before it is done.

    What is held there, unsent and exposed until when, and what becomes of all of it.

    \b
    Example:
      fieldward device preview d-1 wipe --authority E08000039
    """
    show_custody(call("device/preview", device=device, verb=verb), as_json=as_json)


@command.command("loss-report")
@_device_argument
@signed(must_say_why=True)
@json_option
def loss_report(call: Commander, device: str, as_json: bool) -> None:
    """Say what is known of a lost DEVICE, and what is not: journal, lease, records.

    \b
    Example:
      fieldward device loss-report d-1 --authority E08000039 --reason reported-lost
    """
    report = call("device/loss-report", device=device)
    records = call.pages("device/loss-records", device=device, position=lambda it: it["record"])
    show_loss(report, records, as_json=as_json)


@command.command()
@_device_argument
@_yes_option
@signed(must_say_why=True)
@json_option
def pause(call: Commander, device: str, yes: bool, as_json: bool) -> None:
    """Shut the copies on a DEVICE until it is resumed; it may still deliver.

    \b
    Example:
      fieldward device pause d-1 --authority E08000039 --reason on-leave
    """
    if not yes:
        _ask(call, device, "pause", "Pause it?")
    call("device/pause", device=device)
    show_done(
        {"device": device},
        f"{device} is paused: at its next contact its copies shut.",
        as_json=as_json,
    )


@command.command()
@_device_argument
@signed(must_say_why=True)
@json_option
def resume(call: Commander, device: str, as_json: bool) -> None:
    """Let a paused or draining DEVICE work again.

    \b
    Example:
      fieldward device resume d-1 --authority E08000039 --reason back-from-leave
    """
    call("device/resume", device=device)
    show_done({"device": device}, f"{device} works again from its next sync.", as_json=as_json)


@command.command()
@_device_argument
@_yes_option
@signed(must_say_why=True)
@json_option
def drain(call: Commander, device: str, yes: bool, as_json: bool) -> None:
    """Let a DEVICE read to the end of its lease and deliver, but give it nothing new.

    \b
    Example:
      fieldward device drain d-1 --authority E08000039 --reason replaced
    """
    if not yes:
        _ask(call, device, "drain", "Drain it?")
    call("device/drain", device=device)
    show_done(
        {"device": device},
        f"{device} drains: it reads to the end of its lease, delivers, and gets nothing new.",
        as_json=as_json,
    )


@command.command()
@_device_argument
@click.argument("records", type=click.IntRange(1))
@signed(must_say_why=True)
@json_option
def cap(call: Commander, device: str, records: int, as_json: bool) -> None:
    """Let a DEVICE hold at most so many RECORDS, instead of 10,000.

    \b
    Example:
      fieldward device cap d-1 80000 --authority E08000039 --reason whole-authority
    """
    call("device/cap", device=device, record_cap=records)
    show_done(
        {"device": device, "record_cap": records},
        f"{device} may hold {records:,} records.",
        as_json=as_json,
    )


@command.command("time-code")
@_device_argument
@click.argument("challenge", nargs=-1, required=True)
@signed(must_say_why=True)
@json_option
def time_code(call: Commander, device: str, challenge: tuple[str, ...], as_json: bool) -> None:
    """Print the code that tells a DEVICE the time, for the CHALLENGE it shows.

    For a device that is closed by its clock and has no signal. It makes no lease longer.
    Be sure who is calling. Read it out group by group: the device finds a slip in its group.

    \b
    Example:
      fieldward device time-code d-1 000GG-40R4S-0M30V-E2098 \\
        --authority E08000039 --reason no-signal
    """
    raw = read_challenge(" ".join(challenge))
    answer = call("device/time-code", device=device, challenge=raw.hex())
    groups = answer["code"].split("-")
    lines = range(0, len(groups), GROUPS_IN_A_LINE)
    show_done(
        answer,
        *("  ".join(groups[first : first + GROUPS_IN_A_LINE]) for first in lines),
        as_json=as_json,
    )


@command.command()
@_device_argument
@_yes_option
@signed(must_say_why=True)
@json_option
def revoke(call: Commander, device: str, yes: bool, as_json: bool) -> None:
    """End a DEVICE for good: it gets nothing more, and its edits wait for a person.

    What it holds opens for its holder until the lease closes: `wipe` ends that too.

    \b
    Example:
      fieldward device revoke d-1 --authority E08000039 --reason left-service
    """
    if not yes:
        _ask(call, device, "revoke", "Revoke it? This is final: who comes back is invited again.")
    call("device/revoke", device=device)
    show_done(
        {"device": device},
        f"{device} is revoked: it gets nothing more. What it still delivers waits in `inbox list`.",
        as_json=as_json,
    )


@command.command()
@_device_argument
@_yes_option
@signed(must_say_why=True)
@json_option
def wipe(call: Commander, device: str, yes: bool, as_json: bool) -> None:
    """Order a DEVICE to destroy every key that reads; it may still deliver.

    The order stands until the device's signed receipt has come: `device show` tells. Until the
    device has seen it, `device withdraw-wipe` takes it back.

    \b
    Example:
      fieldward device wipe d-1 --authority E08000039 --reason stolen
    """
    if not yes:
        _ask(call, device, "wipe", "Wipe it?")
    ordered = call("device/wipe", device=device)
    if ordered["waits"]:
        click.echo(
            "Many devices were wiped within the hour: this waits for another administrator,"
            f" who gives `fieldward device confirm-wipe {device} --reason WHY`.",
            err=True,
        )
    said = () if ordered["waits"] else (_ordered(device),)
    show_done({"device": device, **ordered}, *said, as_json=as_json)


@command.command("confirm-wipe")
@_device_argument
@_yes_option
@signed(must_say_why=True)
@json_option
def confirm_wipe(call: Commander, device: str, yes: bool, as_json: bool) -> None:
    """Order the wipe of a DEVICE that another administrator has asked for.

    \b
    Example:
      fieldward device confirm-wipe d-1 --authority E08000039 --reason team-stolen
    """
    if not yes:
        _ask(call, device, "wipe", "Wipe it?")
    call("device/confirm-wipe", device=device)
    show_done({"device": device}, _ordered(device), as_json=as_json)


@command.command("withdraw-wipe")
@_device_argument
@signed(must_say_why=True)
@json_option
def withdraw_wipe(call: Commander, device: str, as_json: bool) -> None:
    """Take back the wipe of a DEVICE that it has not seen.

    \b
    Example:
      fieldward device withdraw-wipe d-1 --authority E08000039 --reason found
    """
    call("device/withdraw-wipe", device=device)
    show_done({"device": device}, f"The wipe of {device} is withdrawn.", as_json=as_json)


def wipe_in_words(wipe: Item) -> str:
    """How far a wipe has come, claiming nothing that has no receipt."""
    state = WipeState(wipe["state"])
    if state is WipeState.DONE:
        return f"done, receipt came {moment(wipe['receipt_at'])}"
    if state is WipeState.WITHDRAWN:
        return f"withdrawn {moment(wipe['withdrawn_at'])}"
    if state is WipeState.WAITING:
        return (
            f"{wipe['asked_by']} asked for it; waits for another administrator until"
            f" {moment(wipe['waits_until'])}"
        )
    until = moment(wipe["unreadable_from"])
    if wipe["lease_over"]:
        return f"unconfirmed; its leases are over, unreadable from {until}"
    known = (
        f"seen {moment(wipe['seen_at'])}"
        if state is WipeState.SEEN
        else f"ordered {moment(wipe['ordered_at'])}"
    )
    return f"{known}, unconfirmed; unreadable from {until}"


def _say_how_long(valid_hours: int) -> None:
    """On stderr: what is printed is the code and nothing else."""
    click.echo(f"Good once, within {valid_hours} hours.", err=True)


def _ordered(device: str) -> str:
    return (
        f"The wipe of {device} is ordered, and not yet done: it is once the device's receipt has"
        f" come. `fieldward device show {device}` tells."
    )


def _ask(call: Commander, device: str, verb: str, question: str) -> None:
    """Show what the verb would mean; go on only if the answer is yes."""
    tell_custody(call("device/preview", device=device, verb=verb))
    go_on(question)


def _had_everything(seconds: int) -> str:
    """A device that has just fetched says with its next sync that it has all of it."""
    return moment(seconds) if seconds else "not known before its next sync"


def _who(holder: Item) -> str:
    return f"{holder['practitioner']}{' (suspended)' if holder['suspended'] else ''}"


def _access_in_words(device: Item) -> str:
    """A wipe that was ordered outlasts every other state, and is only done with a receipt."""
    access = device["access"]
    if device["records"] > device["record_cap"]:
        access = f"{access}, over cap"
    if device["wipe"] is None:
        return str(access)
    words = {
        WipeState.DONE: "wiped",
        WipeState.WAITING: f"{access}, wipe waits",
        WipeState.WITHDRAWN: f"{access}, wipe withdrawn",
    }
    unconfirmed = "unconfirmed, lease over" if device["wipe"]["lease_over"] else "unconfirmed"
    return words.get(WipeState(device["wipe"]["state"]), f"wipe {unconfirmed}")


def _described(report: Item) -> Iterator[tuple[str, object]]:
    yield "device", f"{report['device']}, generation {report['generation']}"
    yield "name", report["name"]
    yield "access", report["access"]
    if report["wipe"] is not None:
        yield "wipe", wipe_in_words(report["wipe"])
    yield "device secret kept in", report["assurance"]
    yield "enrolled", moment(report["enrolled_at"])
    yield "last contact", moment(report["last_contact"])
    yield "had everything", _had_everything(report["last_complete"])
    yield "records", f"{by_way_in_words(report['by_way'])}, at most {report['record_cap']}"
    yield "edits not delivered", report["pending_edits"]
    yield (
        "journal delivered",
        f"{report['journal_delivered']} of {report['journal_size']} entries",
    )
    yield "journal sealed", f"{report['journal_sealed']} entries"
    yield "incidents", report["incidents"]
    for holder in report["holders"]:
        yield f"holder {holder['practitioner']}", holding_in_words(holder)
