"""How previews of a device's end, and reports of a lost one, read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import click

from fieldward_server.cli.output import Item, moment, show_item, show_items, show_json
from fieldward_server.cli.previews import by_way_in_words
from fieldward_sync.ways import Way

_ONLY_OPEN = "and only in a session that was open already"


def show_custody(preview: Item, *, as_json: bool) -> None:
    """What pausing, draining, revoking or wiping a device would mean."""
    if as_json:
        show_json(preview)
    else:
        show_item(dict(_previewed(preview)))


def tell_custody(preview: Item) -> None:
    """The same on stderr, before a question."""
    show_item(dict(_previewed(preview)), err=True)


def show_loss(report: Item, records: Iterable[Item], *, as_json: bool) -> None:
    """What is known of a lost device, and a table of the records that could be read since; how many
    could not is told, and which is for programs."""
    every = list(records)
    if as_json:
        show_json({**report, "records": every})
        return
    readable = [it for it in every if it["readable"]]
    show_item(dict(_lost(report)))
    show_items(
        readable,
        {
            "record": "record",
            "readable": _until,
            "partitions": lambda it: ", ".join(_with_ways(it)),
        },
        as_json=False,
        nothing="None could be read since the device was last heard.",
    )
    click.echo(f"{len(every) - len(readable):,} of {len(every):,} records could not.")


def holding_in_words(holder: Item) -> str:
    """What a practitioner holds on a device, and until when."""
    closes = holder["lease_closes"]
    lease = f"lease closes {moment(closes)}" if closes else "no lease yet, nothing opens"
    hand_over = ""
    if holder["awaited"]:
        hand_over = "; awaited, the code opens it"
    elif holder["withdrawn"]:
        hand_over = (
            "; withdrawn, the code opens it until the device syncs" if closes else "; withdrawn"
        )
    return (
        f"{', '.join(_with_ways(holder)) or 'no partition'}: {holder['records']} records, "
        f"{lease}{hand_over}{'; suspended' if holder['suspended'] else ''}"
    )


def _previewed(preview: Item) -> Iterator[tuple[str, object]]:
    yield "device", f"{preview['device']}, generation {preview['generation']}, {preview['name']}"
    yield "access", preview["access"]
    if not preview["allowed"]:
        yield preview["verb"], "changes nothing, or is refused: it is so already, or for good"
    if preview["needs_second"]:
        yield "second administrator", "needed: many devices were wiped within the hour"
    yield from (
        ("records", by_way_in_words(preview["by_way"])),
        ("edits not delivered", f"{preview['unsent_edits']}, as it said last"),
        ("look-ups not delivered", f"{preview['unsent_look_ups']}, as it said last"),
        ("last contact", moment(preview["last_contact"])),
        ("journal delivered", _last_entry(preview)),
        ("worst case, readable until", _bound(preview["exposed_until"])),
        ("keys there until", _bound(preview["keys_until"])),
    )
    for holder in preview["holders"]:
        yield f"holder {holder['practitioner']}", holding_in_words(holder)
    for what, becomes in preview["aftermath"].items():
        yield f"then {what.replace('_', ' ')}", becomes


def _lost(report: Item) -> Iterator[tuple[str, object]]:
    proof = {
        "receipt": "by its signed receipt",
        "lease": "by the end of its last lease",
        "no-lease": "it never had a lease",
    }[report["proved_by"]]
    yield from (
        ("device", f"{report['device']}, generation {report['generation']}, {report['name']}"),
        ("access", report["access"]),
        ("last contact", moment(report["last_contact"])),
        ("edits not delivered", f"{report['unsent_edits']} as it said last; maybe more since"),
        ("journal delivered", _last_entry(report)),
        ("last seal", _last_seal(report)),
        ("look-ups lost", _missing(report)),
        ("incidents", report["incidents"]),
        ("unreadable from", f"{moment(report['unreadable_from'])}, {proof}"),
    )
    for each in report["held"]:
        verb = "could open" if each["awaited"] else "held"
        yield f"{each['practitioner']} {verb} {each['partition']}", _held(each)
    yield "hidden, may be left there", len(report["hidden"])


def _bound(seconds: int) -> str:
    """Until "never" could be taken for always."""
    return moment(seconds) if seconds else "nothing opens there"


def _until(record: Item) -> str:
    until = f"until {moment(record['until'])}"
    return until if Way.OFFLINE.value in record["ways"] else f"{until}, {_ONLY_OPEN}"


def _with_ways(it: Item) -> Iterator[str]:
    """Partitions, each with how it is held where it is not offline."""
    for partition, way in zip(it["partitions"], it["ways"], strict=True):
        yield partition if way == Way.OFFLINE.value else f"{partition} ({way})"


def _last_entry(report: Item) -> str:
    return f"{report['journal_delivered']} entries, the last {moment(report['last_entry_at'])}"


def _last_seal(report: Item) -> str:
    if not report["last_seal_received"]:
        return "none"
    return (
        f"over {report['journal_sealed']} entries, closed {moment(report['last_seal_at'])} by its"
        f" clock, came {moment(report['last_seal_received'])}"
    )


def _missing(report: Item) -> str:
    """U4: never nothing where something may be missing."""
    count = report["look_ups_missing_count"]
    return {
        "none": "none",
        "counted": f"{count}, and no more",
        "at-least": f"{count} known of; whatever was looked up since: count unknown",
    }[report["look_ups_missing"]]


def _held(held: Item) -> str:
    ends = ", ".join(
        f"{what} {moment(held[key])}"
        for what, key in (("taken", "taken_at"), ("gone, as it said,", "gone_at"))
        if held[key]
    )
    until = held["readable_until"]
    reads = f"readable until {moment(until)}" if until else "never readable there"
    if held["way"] != Way.OFFLINE.value:
        reads = f"{held['way']}, {reads}"
    if held["way"] == Way.WARM.value and until:
        reads = f"{reads}, {_ONLY_OPEN}"
    return f"given {moment(held['given_at'])}; {ends + '; ' if ends else ''}{reads}"
