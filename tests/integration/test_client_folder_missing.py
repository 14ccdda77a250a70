"""The card that a device lies on was taken out, or its folder moved: nothing is written beside it,
nothing is said to be kept that is not, and nobody is told that it was wiped."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from client_world import PASSPHRASE, PHONE, World
from fieldward_client import CallerMistake, Child, Device, LocalDataDamaged, Session, SyncOutcome


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path, monkeypatch)


def take_out(world: World) -> Path:
    aside = world.home().with_name("card")
    world.home().rename(aside)
    return aside


@pytest.mark.parametrize(
    "call",
    [
        Device.sync,
        Device.status,
        Device.pending,
        Device.notices,
        lambda device: device.unlock(PASSPHRASE),
        lambda device: device.session("clinic"),
    ],
)
def test_a_device_whose_folder_is_not_there_says_so(
    world: World, call: Callable[[Device], object]
) -> None:
    device = world.ready()
    take_out(world)
    with pytest.raises(LocalDataDamaged) as refused:
        call(device)
    assert (refused.value.code, bool(refused.value.next_step)) == ("folder-missing", True)
    assert not world.home().exists()


def test_it_is_locked_all_the_same(world: World) -> None:
    device = world.ready()
    aside = take_out(world)
    with pytest.raises(LocalDataDamaged, match="folder-missing"):
        device.lock()
    aside.rename(world.home())
    assert device.status().locked


def test_it_is_closed_where_it_was_and_opens_again_where_it_is_put_back(world: World) -> None:
    device = world.ready()
    with device.session("home-visit") as session:
        session.open("r-ada").edit(PHONE, "07700 900123")
        aside = take_out(world)
    device.close()
    assert not world.home().exists(), "half a device would be found there"
    with pytest.raises(CallerMistake, match="not-enrolled"):
        world.open()
    aside.rename(world.home())
    report = world.open().sync()
    assert (report.outcome, report.edits_sent) == (SyncOutcome.COMPLETE, 1)


def search(session: Session, _: Child) -> None:
    session.search(family="Okafor")


def edit(_: Session, child: Child) -> None:
    child.edit(PHONE, "07700 900123")


@pytest.mark.parametrize("call", [search, edit])
def test_what_nobody_would_find_again_is_not_accepted(  # invariants 1 and 2
    world: World, call: Callable[[Session, Child], None]
) -> None:
    """On Unix, a file that was deleted can still be written to by whoever has it open."""
    device = world.ready()
    with device.session("home-visit") as session:
        child = session.open("r-ada")
        shutil.rmtree(world.home())
        with pytest.raises(LocalDataDamaged, match="folder-missing"):
            call(session, child)
    device.close()
    assert not world.home().exists()
