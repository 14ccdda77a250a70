"""Wrong passphrases climb a ladder and end in the loss of the lease (V7); the right one is changed
without losing anything (A2, invariant 1)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from client_world import PASSPHRASE, PHONE, World
from fieldward_client import AccessClosed, CallerMistake, Device
from fieldward_client.keys import passphrases
from fieldward_client.keys.attempts import LAST_ATTEMPT, WAIT_WITHOUT_LEASE, WAITS, attempts_file
from fieldward_client.keys.lease import lease_file
from fieldward_client.keys.vault import vault_file

WRONG = "correct horse battery stable"
NEW = "another four words entirely"


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """Its device has synced and holds an edit that was not sent."""
    made = World(tmp_path, monkeypatch)
    with made.ready() as device, device.session("home-visit") as session:
        session.open("r-ada").edit(PHONE, "07700 900123")
    return made


def file(world: World, name: str) -> Path:
    return world.home() / name


def guess(world: World, passphrase: str = WRONG) -> AccessClosed:
    with pytest.raises(AccessClosed, match="passphrase") as refused:
        world.open(passphrase=passphrase)
    return refused.value


def wrong(world: World, times: int) -> None:
    """So many wrong ones, each as soon as the wait before it is over."""
    for _ in range(times):
        with locked(world) as device:
            found = device.status().passphrase
        assert found is not None
        world.clock.advance(seconds=found.wait_seconds)
        assert guess(world).code == "passphrase-wrong"


def locked(world: World) -> Device:
    return world.open(passphrase=None)


def lease_is_here(world: World) -> bool:
    return file(world, lease_file("p-tablet")).exists()


def test_each_wrong_passphrase_waits_as_long_as_the_table_says(world: World) -> None:  # V7
    for number in range(1, LAST_ATTEMPT):
        assert guess(world).code == "passphrase-wrong"
        with locked(world) as device:
            found = device.status().passphrase
        assert found is not None
        assert (found.wrong, found.left) == (number, LAST_ATTEMPT - number)
        assert found.wait_seconds == WAITS.get(number, 0)
        if found.wait_seconds:
            world.clock.advance(seconds=found.wait_seconds - 1)
            early = guess(world, PASSPHRASE)
            assert early.code == "passphrase-wait", "not even the right one is tried"
            assert "a second" in early.message
            world.clock.advance(seconds=1)
    assert lease_is_here(world)


@pytest.mark.parametrize("typed", [None, PASSPHRASE.encode()])
def test_what_is_no_text_costs_no_attempt_and_unlocks_nothing(world: World, typed: Any) -> None:
    with locked(world) as device:
        with pytest.raises(CallerMistake, match="not-text"):
            device.unlock(typed)
        device.unlock(PASSPHRASE)
        for old, new in ((typed, NEW), (PASSPHRASE, typed)):
            with pytest.raises(CallerMistake, match="not-text"):
                device.change_passphrase(old, new)
        found = device.status().passphrase
    assert found is not None
    assert found.wrong == 0


def test_the_right_passphrase_begins_the_ladder_anew(world: World) -> None:
    wrong(world, LAST_ATTEMPT - 1)
    world.clock.advance(seconds=WAITS[LAST_ATTEMPT - 1])
    with world.open() as device:
        found = device.status().passphrase
    assert found is not None
    assert (found.wrong, found.left, found.wait_seconds) == (0, LAST_ATTEMPT, 0)


def test_the_last_wrong_one_erases_the_lease_and_a_sync_brings_it_back(  # V7, design §7
    world: World,
) -> None:
    wrong(world, LAST_ATTEMPT)
    assert not lease_is_here(world)
    assert guess(world, PASSPHRASE).code == "passphrase-wait"
    world.clock.advance(seconds=WAIT_WITHOUT_LEASE)
    with world.open() as device:
        with device.session("clinic") as session, pytest.raises(AccessClosed, match="no-lease"):
            session.open("r-ada")
        report = device.sync()
        assert (report.outcome.value, report.bytes_fetched) == ("complete", 0)
        with device.session("clinic") as session:
            assert session.open("r-ada")[PHONE] == "07700 900123"
    assert world.authority.value("r-ada", PHONE) == "07700 900123", "invariant 1"


def test_after_the_last_the_ladder_goes_on(world: World) -> None:
    wrong(world, LAST_ATTEMPT + 2)
    assert guess(world).code == "passphrase-wait"


def test_what_was_typed_goes_up_from_a_device_that_nobody_can_open(world: World) -> None:
    wrong(world, LAST_ATTEMPT)
    with locked(world) as device:
        assert device.sync().edits_sent == 1
    assert world.authority.value("r-ada", PHONE) == "07700 900123"


def test_who_kills_the_process_has_used_the_attempt_up(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def kill(*_: object, **__: object) -> bytes:
        raise Killed

    for _ in range(LAST_ATTEMPT):
        with locked(world) as device:
            found = device.status().passphrase
        assert found is not None
        world.clock.advance(seconds=found.wait_seconds)
        with monkeypatch.context() as patch:
            patch.setattr(passphrases, "unlock_key", kill)
            with pytest.raises(Killed):
                world.open()
    locked(world).close()
    assert not lease_is_here(world)


def test_no_clock_that_is_set_shortens_a_wait(world: World) -> None:
    wrong(world, 9)
    for off in (-86_400, 86_400 * 30):
        world.clock.wall_is_off_by = off
        assert guess(world).code == "passphrase-wait"
    world.clock.wall_is_off_by = 0
    world.clock.restart()
    world.clock.advance(seconds=WAITS[9] - 1)
    assert guess(world).code == "passphrase-wait", "a restart begins the wait again"
    world.clock.advance(seconds=1)
    with world.open():
        pass


def test_neither_an_old_vault_nor_a_lost_count_gives_attempts_back(world: World) -> None:
    vault = file(world, vault_file("p-tablet"))
    before = vault.read_bytes()
    wrong(world, 9)
    vault.write_bytes(before)
    assert guess(world).code == "passphrase-wait"
    count = file(world, attempts_file("p-tablet"))
    for is_gone in (True, False):
        if is_gone:
            count.unlink()
        else:
            count.write_bytes(b"?")
        with locked(world) as device:
            found = device.status().passphrase
        assert found is not None
        assert found.left == 1
    world.clock.restart()
    assert guess(world).code == "passphrase-wait"


def test_somebody_else_is_not_asked_for_and_leaves_no_trace(world: World) -> None:
    with pytest.raises(CallerMistake, match="practitioner-unknown"):
        Device.open(world.home(), "p-9", WRONG, clock=world.clock, transport=world.authority)
    assert [path.name for path in file(world, "practitioners").iterdir()] == ["p-tablet"]


# --- Another passphrase -------------------------------------------------------------------------


def test_a_changed_passphrase_opens_all_that_the_old_one_did(world: World) -> None:
    with world.open() as device:
        device.change_passphrase(PASSPHRASE, NEW)
        assert device.sync().outcome.value == "complete", "the open device goes on"
    assert guess(world, PASSPHRASE).code == "passphrase-wrong"
    with world.open(passphrase=NEW) as device, device.session("clinic") as session:
        assert session.open("r-ada")[PHONE] == "07700 900123"


def test_it_can_be_changed_when_the_lease_is_over(world: World) -> None:
    world.clock.advance(days=15)
    with world.open() as device:
        device.change_passphrase(PASSPHRASE, NEW)
    with world.open(passphrase=NEW) as device:
        assert device.sync().outcome.value == "complete"
        with device.session("clinic") as session:
            assert session.open("r-ada")[PHONE] == "07700 900123"


def test_who_finds_the_device_unlocked_cannot_make_it_theirs(world: World) -> None:
    with world.open() as device:
        with pytest.raises(AccessClosed, match="passphrase-wrong"):
            device.change_passphrase(WRONG, NEW)
        with pytest.raises(CallerMistake, match="passphrase-short"):
            device.change_passphrase(PASSPHRASE, "short")
        for number in range(2, LAST_ATTEMPT + 1):
            world.clock.advance(seconds=WAITS.get(number - 1, 0))
            with pytest.raises(AccessClosed, match="passphrase-wrong"):
                device.change_passphrase(WRONG, NEW)
        assert device.status().locked
        assert not lease_is_here(world)
        with pytest.raises(AccessClosed, match="locked"):
            device.session("clinic")


# --- Locked and unlocked ------------------------------------------------------------------------


def test_a_locked_device_stays_open_to_deliver_and_to_be_unlocked(world: World) -> None:
    with world.open() as device:
        with device.session("clinic") as session:
            session.open("r-ada")
            device.lock()
            with pytest.raises(AccessClosed, match="locked"):
                session.open("r-ada")
        assert device.status().locked
        assert device.sync().edits_sent == 1
        with pytest.raises(AccessClosed, match="passphrase-wrong"):
            device.unlock(WRONG)
        device.unlock(PASSPHRASE)
        with device.session("clinic") as session:
            session.open("r-ada")
