"""How a device stands, in the few lines above everything it shows (requirements §3, 5.1).

Offline is normal and stays grey; amber is for what somebody must see to. No I/O here.
"""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from fieldward_client import LeaseState, LeaseStatus, PassphraseStatus, Status
from fieldward_client.terminal.wording import many, moment, span

GOOD, QUIET, ATTENTION, URGENT = "green", "bright_black", "yellow", "bold yellow"

ACCESS_IN_WORDS = {
    "paused": "Your administrator has paused this device: nothing can be read until it is resumed; "
    "what you typed is still sent.",
    "draining": "This device is being replaced: it sends, and gets nothing new.",
    "revoked": "This device was ended by your administrator; what you typed is still sent.",
}
SUSPENDED = (
    "You are suspended: nothing can be read in your name until your administrator lifts that; what "
    "you typed is still sent. Ask your manager."
)
LAST_PART = 10
"""In the last tenth of its time a copy's end is marked once more, and of its look-ups told."""

LITTLE_ROOM_BYTES = 20 * 10**6
"""Twice what a copy of 73,000 records takes."""


def header(status: Status) -> Iterator[Text]:
    """When the copy ends, how old it is, and what waits."""
    if status.wiped:
        yield Text("This device was wiped by its administrator; nothing can be read.", ATTENTION)
    elif status.access in ACCESS_IN_WORDS:
        yield Text(ACCESS_IN_WORDS[status.access], ATTENTION)
    if status.suspended and not status.wiped:
        yield Text(SUSPENDED, ATTENTION)
    if not (status.wiped or status.suspended or status.access == "paused" or _is_ended(status)):
        yield copys_end(status.lease, status.now)
    if not status.wiped:
        yield from _last_look_ups(status.lease)
        yield from _wrong_passphrases(status.passphrase)
        yield from _little_room(status.room_left)
    yield Text(" · ").join([*_age(status), *_waiting(status)])
    yield from _lost(status.lost_edits)


def _is_ended(status: Status) -> bool:
    """Whether it was revoked and knows it: then no sync brings its copy back."""
    return status.access == "revoked" and status.lease is None


def copys_end(lease: LeaseStatus | None, now: int | None) -> Text:
    """When the copy on this device can no longer be read, and what happens then."""
    if lease is None:
        return Text("There is no copy here to read: sync while you have signal.", ATTENTION)
    if now is None or lease.state is None:
        return Text(
            "The clock is not trusted: your copy is closed until you sync, whatever it says. "
            "Without signal, ask your office for the time: `fieldward field time ask`.",
            ATTENTION,
        )
    closes = moment(lease.closes, now=now)
    match lease.state:
        case LeaseState.ACTIVE:
            return Text(f"Your copy ends {closes} ({span(lease.closes - now)})")
        case LeaseState.WARNING:
            left = lease.closes - now
            last = left * LAST_PART <= lease.closes - lease.issued
            return Text(
                f"Your copy ends {closes} ({span(left)}). Sync before then, or it closes.",
                URGENT if last else ATTENTION,
            )
        case LeaseState.EXPIRED:
            return Text(
                f"Your copy closed {closes}. Sync to open it again; what you typed is kept. "
                f"Its keys are erased {moment(lease.destroys, now=now)}.",
                ATTENTION,
            )
        case LeaseState.DESTROYED:
            return Text(
                "Your copy's keys have been erased. Sync to read again; what you typed is kept.",
                ATTENTION,
            )


def _last_look_ups(lease: LeaseStatus | None) -> Iterator[Text]:
    """That few look-ups are left, or none, before either is met at a doorstep."""
    if lease is None or lease.look_ups_left * LAST_PART > lease.look_ups:
        return
    if lease.look_ups_left:
        yield Text(f"{many(lease.look_ups_left, 'look-up')} left. Sync for more.", ATTENTION)
    else:
        yield Text("No look-ups are left: sync before you search or open again.", ATTENTION)


def _wrong_passphrases(found: PassphraseStatus | None) -> Iterator[Text]:
    """That somebody has tried to get in, and what is left to whoever types next (V7)."""
    if found is None or not found.wrong:
        return
    tried = many(found.wrong, "wrong passphrase")
    wait = f"; the next can be tried in {span(found.wait_seconds)}" if found.wait_seconds else ""
    if found.left:
        yield Text(f"{tried}: {found.left} more shut your copy until a sync{wait}.", ATTENTION)
    else:
        yield Text(f"{tried}: your copy is shut until the right one and a sync{wait}.", ATTENTION)


def _little_room(left: int | None) -> Iterator[Text]:
    """That the disk is nearly full, while something can still be looked up (P34)."""
    if left is not None and left < LITTLE_ROOM_BYTES:
        yield Text(
            f"The disk is nearly full ({left // 10**6} MB left): make room, or nothing new comes,"
            " and before long nothing can be looked up.",
            ATTENTION,
        )


def _age(status: Status) -> Iterator[Text]:
    """When a sync was last complete, and when one was last tried: not the same (P16)."""
    complete, tried, now = status.last_complete, status.last_tried, status.now
    if now is None:
        return
    if complete is None:
        yield Text("Never synced in full", ATTENTION)
    else:
        yield Text(f"Synced {_ago(now - complete)}", QUIET)
    if tried is not None and tried != complete:
        yield Text(f"last tried {_ago(now - tried)}", QUIET)


def _waiting(status: Status) -> Iterator[Text]:
    others = status.pending_edits_of_others
    if status.pending_edits:
        yield Text(f"{_edits_wait(status.pending_edits)} to be sent", QUIET)
    elif others:
        yield Text("All of your edits sent", QUIET)
    elif status.pending_look_ups:
        yield Text("All edits sent", QUIET)
    elif status.lost_edits == 0:
        yield Text("Everything sent", GOOD)
    if others:
        yield Text(f"{_edits_wait(others)} of others here", QUIET)
    if status.refused_edits:
        yield Text(f"{many(status.refused_edits, 'edit')} refused: see pending", ATTENTION)
    if status.notices:
        yield Text(f"{many(status.notices, 'notice')}: see pending", ATTENTION)
    if status.conflicts:
        yield Text(f"{many(status.conflicts, 'child', 'children')} in conflict", ATTENTION)


def _edits_wait(edits: int) -> str:
    return f"{many(edits, 'edit')} {'waits' if edits == 1 else 'wait'}"


def _lost(edits: int | None) -> Iterator[Text]:
    """That something typed is gone, before anything is said to be sent (U4)."""
    if edits is None:
        yield Text("Edits may be lost here, nobody knows how many: see fsck", URGENT)
    elif edits:
        yield Text(f"{many(edits, 'edit')} lost here, damaged on the disk: see fsck", URGENT)


def _ago(seconds: int) -> str:
    return "just now" if seconds < 60 else f"{span(seconds)} ago"
