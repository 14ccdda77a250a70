"""The time for a device that is closed by its clock and has no signal (design §8, V5)."""

from __future__ import annotations

from dataclasses import dataclass

from fieldward_server.services.authorities import locked, open_answer_key
from fieldward_server.services.custody.devices import find_latest
from fieldward_server.services.platform import Platform
from fieldward_server.storage import events, holders, practitioners
from fieldward_sync.access import RIGHTS, Access, WipeState
from fieldward_sync.errors import CallerMistake
from fieldward_sync.time_codes import TimeStatement, time_code


@dataclass(frozen=True)
class TimeCode:
    """What is read out to whoever has the device."""

    code: str
    """In groups, with hyphens between them."""
    time: int
    """The server's time in it, whole seconds since 1970 UTC."""


def tell_time(
    platform: Platform,
    *,
    authority: str,
    device: str,
    challenge: bytes,
    actor: str,
    reason: str,
    now: int,
) -> TimeCode:
    """The code that answers a challenge of a device's latest generation.

    ``CallerMistake``: "unknown-device"; "device-shut" for one that is not to read, however well it
    knows the time: paused, revoked, or asked to be wiped, or everybody there is suspended (A4).
    """
    with platform.storage.transaction() as transaction:
        row = locked(transaction, authority)
        found = find_latest(transaction, authority, device)
        wiped = WipeState(found.wipe) not in (WipeState.NONE, WipeState.WITHDRAWN)
        if wiped or not RIGHTS[Access(found.access)].read:
            raise _shut(device, "asked to be wiped" if wiped else found.access)
        there = {holder.practitioner for holder in holders.of_device(transaction, found)}
        if there <= {*practitioners.suspended_on(transaction, found)}:
            raise _shut(device, "a suspended practitioner's")
        statement = TimeStatement(authority, device, found.generation, challenge, now)
        events.add(
            transaction,
            authority=authority,
            at=now,
            actor=actor,
            action="time-told",
            subject=f"{device} {found.generation}",
            reason=reason,
        )
        return TimeCode(time_code(statement, open_answer_key(platform, row)), now)


def _shut(device: str, state: str) -> CallerMistake:
    return CallerMistake(
        "device-shut",
        f"{device} is {state}: it is not told the time.",
        next_step="Resume it first, if it is to read.",
    )
