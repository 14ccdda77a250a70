"""``fieldward device``: what there is of devices, and the commands to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import click

from fieldward_server.cli.host import (
    ID,
    PARTITION,
    Host,
    authority_option,
    json_option,
    pass_host,
    practitioner_option,
    reason_option,
)
from fieldward_server.cli.output import moment, show_item, show_items, show_json
from fieldward_server.services.devices import (
    DeviceReport,
    HolderReport,
    WipeReport,
    list_devices,
    order_wipe,
    set_access,
    show_device,
)
from fieldward_server.services.enrolment import invite
from fieldward_sync.access import Access, WipeState

HOUR_SECONDS = 3600


@click.group("device")
def command() -> None:
    """Devices: invite, watch, pause, revoke, wipe."""


@command.command("invite")
@authority_option
@practitioner_option
@click.option(
    "--partition",
    "partitions",
    type=PARTITION,
    multiple=True,
    required=True,
    help="What the device may hold. Can be repeated.",
)
@click.option("--valid-hours", type=click.IntRange(1, 14 * 24), default=72, show_default=True)
@pass_host
def invite_(
    host: Host, authority: str, practitioner: str, partitions: tuple[str, ...], valid_hours: int
) -> None:
    """Print a code that enrols one device of a practitioner, once.

    Hand it over in person or by another way than the device's own: it is all that it takes.

    \b
    Example:
      fieldward device invite --authority E08000039 --practitioner p-17 --partition central-hv
    """
    code = invite(
        host.platform,
        authority=authority,
        practitioner=practitioner,
        partitions=partitions,
        valid_seconds=valid_hours * HOUR_SECONDS,
        actor=host.actor,
        now=host.now(),
    )
    click.echo(code)


@command.command("list")
@authority_option
@json_option
@pass_host
def list_(host: Host, authority: str, as_json: bool) -> None:
    """List an authority's devices, and how each of them stands.

    \b
    Example:
      fieldward device list --authority E08000039
    """
    now = host.now()
    show_items(
        list_devices(host.platform, authority, now=now),
        {
            "device": lambda it: f"{it.device}.{it.generation}",
            "name": lambda it: it.name,
            "access": lambda it: it.access.value,
            "wipe": lambda it: "" if it.wipe is None else wipe_in_words(it.wipe),
            "holders": lambda it: ", ".join(holder.practitioner for holder in it.holders),
            "last contact": lambda it: moment(it.last_contact),
            "last complete": lambda it: moment(it.last_complete),
            "unsent edits": lambda it: it.pending_edits,
            "journal here": lambda it: f"{it.journal_delivered}/{it.journal_size}",
            "incidents": lambda it: it.incidents,
        },
        as_json=as_json,
        nothing="There is no device yet: `fieldward device invite`.",
    )


@command.command()
@click.argument("device", type=ID)
@authority_option
@json_option
@pass_host
def show(host: Host, device: str, authority: str, as_json: bool) -> None:
    """Show a DEVICE: what it holds, until when, and what it has not delivered.

    \b
    Example:
      fieldward device show d-1 --authority E08000039
    """
    report = show_device(host.platform, authority=authority, device=device, now=host.now())
    if as_json:
        show_json(report)
    else:
        show_item(dict(_described(report)))


def _to_a_device(move: Callable[..., None]) -> Callable[..., None]:
    """What every command to a device takes: which one, whose, and why."""
    return click.argument("device", type=ID)(authority_option(reason_option(pass_host(move))))


_yes_option = click.option("--yes", is_flag=True, help="Do not show what is lost and ask first.")


@command.command()
@_to_a_device
def pause(host: Host, device: str, authority: str, reason: str) -> None:
    """Shut the copies on a DEVICE until it is resumed; it may still deliver.

    \b
    Example:
      fieldward device pause d-1 --authority E08000039 --reason on-leave
    """
    _set_access(host, device, authority, reason, Access.PAUSED)


@command.command()
@_to_a_device
def resume(host: Host, device: str, authority: str, reason: str) -> None:
    """Let a paused or draining DEVICE work again.

    \b
    Example:
      fieldward device resume d-1 --authority E08000039 --reason back-from-leave
    """
    _set_access(host, device, authority, reason, Access.ACTIVE)


@command.command()
@_to_a_device
def drain(host: Host, device: str, authority: str, reason: str) -> None:
    """Let a DEVICE read to the end of its lease and deliver, but give it nothing new.

    \b
    Example:
      fieldward device drain d-1 --authority E08000039 --reason replaced
    """
    _set_access(host, device, authority, reason, Access.DRAINING)


@command.command()
@_to_a_device
@_yes_option
def revoke(host: Host, device: str, authority: str, reason: str, yes: bool) -> None:
    """End a DEVICE for good: it gets nothing more, and its edits wait for a person.

    What it holds opens for its holder until the lease closes: `wipe` ends that too.

    \b
    Example:
      fieldward device revoke d-1 --authority E08000039 --reason left-service
    """
    if not yes:
        _ask(host, device, authority, "Revoke it? This is final: who comes back is invited again.")
    _set_access(host, device, authority, reason, Access.REVOKED)


@command.command()
@_to_a_device
@_yes_option
def wipe(host: Host, device: str, authority: str, reason: str, yes: bool) -> None:
    """Order a DEVICE to destroy every key that reads; it may still deliver.

    The order stands until the device's signed receipt has come.

    \b
    Example:
      fieldward device wipe d-1 --authority E08000039 --reason stolen
    """
    if not yes:
        _ask(host, device, authority, "Wipe it? This cannot be taken back.")
    order_wipe(
        host.platform,
        authority=authority,
        device=device,
        actor=host.actor,
        reason=reason,
        now=host.now(),
    )


def wipe_in_words(wipe: WipeReport) -> str:
    """How far a wipe has come, claiming nothing that has no receipt."""
    if wipe.state is WipeState.DONE:
        return f"done, receipt came {moment(wipe.receipt_at)}"
    if wipe.lease_over:
        return "unconfirmed; its leases are over, nothing opens there"
    known = (
        f"seen {moment(wipe.seen_at)}"
        if wipe.state is WipeState.SEEN
        else f"ordered {moment(wipe.ordered_at)}"
    )
    return f"{known}, unconfirmed; unreadable from {moment(wipe.unreadable_from)}"


def _set_access(host: Host, device: str, authority: str, reason: str, access: Access) -> None:
    set_access(
        host.platform,
        authority=authority,
        device=device,
        access=access,
        actor=host.actor,
        reason=reason,
        now=host.now(),
    )


def _ask(host: Host, device: str, authority: str, question: str) -> None:
    """Show what the device holds and has not delivered; go on only if the answer is yes."""
    report = show_device(host.platform, authority=authority, device=device, now=host.now())
    show_item(dict(_described(report)))
    click.confirm(question, abort=True, err=True)


def _described(report: DeviceReport) -> Iterator[tuple[str, object]]:
    yield "device", f"{report.device}, generation {report.generation}"
    yield "name", report.name
    yield "access", report.access.value
    if report.wipe is not None:
        yield "wipe", wipe_in_words(report.wipe)
    yield "device secret kept in", report.assurance
    yield "enrolled", moment(report.enrolled_at)
    yield "last contact", moment(report.last_contact)
    yield "last complete sync", moment(report.last_complete)
    yield "edits not delivered", report.pending_edits
    yield "journal delivered", f"{report.journal_delivered} of {report.journal_size} entries"
    yield "journal sealed", f"{report.journal_sealed} entries"
    yield "incidents", report.incidents
    for holder in report.holders:
        yield f"holder {holder.practitioner}", _holding(holder)


def _holding(holder: HolderReport) -> str:
    return (
        f"{', '.join(holder.partitions) or 'no partition'}: {holder.records} records, "
        f"lease closes {moment(holder.lease_closes)}"
    )
