"""A device is unlocked, its lease runs out, it is wiped: and the disk fails at any call."""

from __future__ import annotations

from contextlib import suppress

import pytest

from client_world import PHONE
from crashing import Case, Crash, it_reads_after_a_sync, sync
from fieldward_client import AccessClosed, Device


def locked_again(case: Case) -> None:
    device = case.world.ready()
    with device.session("clinic") as session:
        session.open("r-ben")
    device.close()


def unlock(case: Case, device: Device | None) -> None:
    case.world.open().close()


def past_its_last_deadline(case: Case) -> None:
    locked_again(case)
    case.world.clock.advance(hours=24 * 15)


def start_locked(case: Case, device: Device | None) -> None:
    case.world.open(passphrase=None).close()


def no_key_of_the_lease_is_left(case: Case) -> None:
    case.world.open(passphrase=None).close()
    (keys,) = (case.world.home() / "practitioners").iterdir()
    assert not {"lease", "lease.new"} & {path.name for path in keys.iterdir()}
    it_reads_after_a_sync(case)


def test_a_device_that_failed_anywhere_as_it_was_unlocked_reads(crash: Crash) -> None:
    crash.everywhere(locked_again, unlock, it_reads_after_a_sync, least_points=12)


def test_an_expired_lease_leaves_no_key_behind_after_any_failure(  # invariant 3, V1
    crash: Crash,
) -> None:
    crash.everywhere(
        past_its_last_deadline, start_locked, no_key_of_the_lease_is_left, least_points=12
    )


def about_to_be_wiped(case: Case) -> Device:
    device = case.world.ready()
    with device.session("home-visit") as session:
        session.open("r-ada").edit(PHONE, "07700 900444")
    case.accepted.append("07700 900444")
    case.world.authority.order(case.world.known(device).device, "wipe")
    return device


def the_wipe_completes(case: Case) -> None:
    known = case.world.authority.devices["d-1"]
    with suppress(AccessClosed), case.world.open(passphrase=None) as device:
        assert device.sync().outcome.value == "delivered"
    with pytest.raises(AccessClosed, match="wiped"):
        case.world.open(passphrase=None)
    assert [receipt.kind for receipt in known.receipts] == ["wipe"]
    assert case.world.authority.value("r-ada", PHONE) == "07700 900444"
    assert known.journal.size == known.journal.sealed_size == 1
    left = {str(path.relative_to(case.world.home())) for path in case.world.home().rglob("*")}
    assert left <= {"lock", "wipe", "files", "practitioners", "practitioners/p-tablet"}


def test_a_wipe_completes(crash: Crash) -> None:
    crash.everywhere(about_to_be_wiped, sync, the_wipe_completes, least_points=70)
