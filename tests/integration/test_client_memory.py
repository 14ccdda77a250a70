"""What a locked device still has in memory, whoever holds on to a session (invariant 3)."""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import FunctionType, ModuleType

import msgspec
import pytest

from client_world import PHONE, World
from fieldward_client import AccessClosed, Device
from fieldward_sync.keys import KEY_BYTES

IDLE_SECONDS = 600


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    world = World(tmp_path, monkeypatch)
    world.authority.terms = replace(world.authority.terms, idle_seconds=IDLE_SECONDS)
    return world


def like_keys(*roots: object) -> set[bytes]:
    """What is as long as a key, of all that can be reached from here without leaving for the
    program's own modules and classes."""
    seen, left, found = {id(root) for root in roots}, list(roots), set()
    while left:
        here = left.pop()
        if isinstance(here, bytes) and len(here) == KEY_BYTES:
            found.add(here)
        for each in _reached_from(here):
            if id(each) not in seen and not isinstance(each, ModuleType | type):
                seen.add(id(each))
                left.append(each)
    return found


def _reached_from(here: object) -> Sequence[object]:
    if isinstance(here, msgspec.Struct):  # of which the collector need not know all
        return msgspec.structs.astuple(here)
    if isinstance(here, FunctionType):
        return here.__closure__ or ()
    return gc.get_referents(here)


def by_lock(_: World, device: Device) -> None:
    device.lock()


def by_closing(_: World, device: Device) -> None:
    device.close()


def by_itself(world: World, device: Device) -> None:
    world.clock.advance(seconds=IDLE_SECONDS)
    assert device.status().locked


@pytest.mark.parametrize("locks", [by_lock, by_closing, by_itself])
def test_a_session_that_is_kept_past_the_lock_has_no_keys(
    world: World, locks: Callable[[World, Device], None]
) -> None:
    world.ready().close()
    with world.open(passphrase=None) as never_unlocked:
        readable_by_anybody = like_keys(never_unlocked)
    device = world.open()
    with device.session("home-visit") as session:
        session.open("r-ada").edit(PHONE, "07700 900123")
        assert session.search(family="Okafor")
        public = like_keys(device._installation.journal, session._practitioner.lease)
        keys = like_keys(session) - readable_by_anybody - public
        assert len(keys) > 3, "the vault's, and what they open"
        locks(world, device)
        assert not like_keys(session, device) & keys
        with pytest.raises(AccessClosed, match="locked"):
            session.search(family="Okafor")
