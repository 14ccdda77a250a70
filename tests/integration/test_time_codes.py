"""The time by voice: a code restores trust in the clock, once, and nothing else (V5, P33)."""

from __future__ import annotations

from pathlib import Path

import pytest

from client_world import PASSPHRASE, PHONE, World
from fieldward_client import AccessClosed, CallerMistake, Device, SyncOutcome
from fieldward_client.checking.check import check_folder
from fieldward_client.disk.clock import TrustedClock
from fieldward_client.disk.folder import Folder
from fieldward_client.enrolled.time_asked import TIME_ASKED
from fieldward_client.keys.lease import lease_file
from fieldward_sync.time_codes import VALID_SECONDS

DAY = 86_400


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path, monkeypatch)


@pytest.fixture
def tablet(world: World) -> Device:
    """A device without signal whose clock was set back a day, an edit in its outbox."""
    device = world.ready()
    with device.session("home-visit") as session:
        session.open("r-ada").edit(PHONE, "07700 900123")
    world.clock.wall_is_off_by = -DAY
    world.authority.offline = True
    return device


def reads(device: Device) -> bool:
    with device.session("clinic") as session:
        try:
            session.open("r-ada")
        except AccessClosed:
            return False
    return True


def refusal(device: Device, code: str) -> str:
    with pytest.raises(CallerMistake) as refused:
        device.take_time(code)
    assert not reads(device)
    return refused.value.code


def test_a_code_opens_what_the_clock_has_closed_and_leaves_the_lease_as_it_was(
    world: World, tablet: Device
) -> None:
    assert not reads(tablet)
    lease = (world.home() / lease_file("p-tablet")).read_bytes()
    shown = tablet.ask_for_time()
    world.clock.advance(seconds=300)
    tablet.take_time(world.authority.time_code("d-1", shown))
    assert reads(tablet)
    assert (world.home() / lease_file("p-tablet")).read_bytes() == lease
    status = tablet.status()
    assert status.lease is not None
    world.clock.true_time = status.lease.closes
    assert not reads(tablet)
    again = tablet.ask_for_time()
    tablet.take_time(world.authority.time_code("d-1", again))
    assert not reads(tablet), "what is over stays over"
    world.authority.offline = False
    assert tablet.sync().outcome is SyncOutcome.COMPLETE
    assert world.authority.value("r-ada", PHONE) == "07700 900123"


def test_a_code_that_was_held_back_sets_no_clock_back(world: World, tablet: Device) -> None:
    """Invariant 3: else each hour of waiting would be an hour of reading."""
    status = tablet.status()
    assert status.lease is not None
    world.clock.true_time = status.lease.closes - VALID_SECONDS
    code = world.authority.time_code("d-1", tablet.ask_for_time())
    world.clock.advance(seconds=VALID_SECONDS)
    tablet.take_time(code)
    assert tablet.status().now == world.clock.true_time
    assert not reads(tablet)


def test_a_code_is_used_once(world: World, tablet: Device) -> None:
    code = world.authority.time_code("d-1", tablet.ask_for_time())
    tablet.take_time(code)
    assert reads(tablet)
    world.clock.wall_is_off_by -= DAY
    assert refusal(tablet, code) == "time-not-asked"
    tablet.ask_for_time()
    assert refusal(tablet, code) == "time-code-wrong"


def test_its_challenge_is_gone_before_it_is_believed(
    world: World, tablet: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = world.authority.time_code("d-1", tablet.ask_for_time())

    def no_more(*_: object) -> None:
        assert not (world.home() / TIME_ASKED).exists()
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(TrustedClock, "contact", no_more)
        with pytest.raises(KeyboardInterrupt):
            tablet.take_time(code)
    assert refusal(tablet, code) == "time-not-asked"


def test_a_code_for_another_challenge_device_or_generation_is_refused(
    world: World, tablet: Device
) -> None:
    authority, before = world.authority, tablet.ask_for_time()
    shown = tablet.ask_for_time()
    assert refusal(tablet, authority.time_code("d-1", before)) == "time-code-wrong"
    assert refusal(tablet, authority.time_code("d-2", shown)) == "time-code-wrong"
    assert refusal(tablet, authority.time_code("d-1", shown, generation=2)) == "time-code-wrong"
    code = authority.time_code("d-1", shown)
    assert refusal(tablet, code[:-1] + ("0" if code[-1] != "0" else "1")) == "code-mistyped"
    tablet.take_time(code)
    assert reads(tablet), "a wrong code spends nothing"


def test_a_challenge_is_good_for_an_hour_and_until_the_machine_is_restarted(
    world: World, tablet: Device
) -> None:
    code = world.authority.time_code("d-1", tablet.ask_for_time())
    world.clock.advance(seconds=VALID_SECONDS + 1)
    assert refusal(tablet, code) == "time-asked-before"
    code = world.authority.time_code("d-1", tablet.ask_for_time())
    tablet.close()
    world.clock.restart()
    tablet = world.open()
    assert refusal(tablet, code) == "time-asked-before"


def test_a_device_that_is_opened_again_still_waits_for_its_code(
    world: World, tablet: Device
) -> None:
    code = world.authority.time_code("d-1", tablet.ask_for_time())
    tablet.close()
    folder = Folder(world.home())
    assert check_folder(folder, TrustedClock(folder, world.clock)).findings == ()
    tablet = world.open()
    tablet.take_time(code)
    assert reads(tablet)


def test_a_wiped_device_waits_for_none(world: World, tablet: Device) -> None:
    tablet.ask_for_time()
    world.authority.offline = False
    world.authority.order("d-1", "wipe")
    assert tablet.sync().wiped
    tablet.close()
    assert {path.name for path in world.home().rglob("*") if path.is_file()} == {"lock", "wipe"}


def test_a_locked_device_neither_asks_nor_takes(world: World, tablet: Device) -> None:
    code = world.authority.time_code("d-1", tablet.ask_for_time())
    tablet.lock()
    with pytest.raises(AccessClosed, match="locked"):
        tablet.ask_for_time()
    with pytest.raises(AccessClosed, match="locked"):
        tablet.take_time(code)
    tablet.unlock(PASSPHRASE)
    tablet.take_time(code)
    assert reads(tablet)
