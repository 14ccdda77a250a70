"""A passphrase that is changed or guessed where the disk fails at any call."""

from __future__ import annotations

from contextlib import suppress

from client_world import PASSPHRASE
from crashing import Case, Crash, ready
from fieldward_client import AccessClosed, Device
from fieldward_client.keys.attempts import LAST_ATTEMPT, WAITS

NEW_PASSPHRASE = "another four words entirely"


def change_passphrase(case: Case, device: Device | None) -> None:
    assert device is not None
    device.change_passphrase(PASSPHRASE, NEW_PASSPHRASE)


def exactly_one_passphrase_opens_it(case: Case) -> None:
    opens = []
    for passphrase in (PASSPHRASE, NEW_PASSPHRASE):
        with suppress(AccessClosed), case.world.open(passphrase=passphrase) as device:
            opens.append(passphrase)
            with device.session("clinic") as session:
                session.open("r-ada")
            assert device.sync().outcome.value == "complete"
    assert len(opens) == 1


def test_the_old_passphrase_or_the_new_one_opens_a_device_never_neither(crash: Crash) -> None:
    crash.everywhere(ready, change_passphrase, exactly_one_passphrase_opens_it, least_points=15)


def almost_too_many(case: Case) -> None:
    """One more wrong passphrase, and the lease is erased."""
    case.world.ready().close()
    for number in range(1, LAST_ATTEMPT):
        with suppress(AccessClosed):
            case.world.open(passphrase="wrong from the start")
        case.world.clock.advance(seconds=WAITS.get(number, 0))


def guess_once_more(case: Case, device: Device | None) -> None:
    with suppress(AccessClosed):
        case.world.open(passphrase="wrong to the end")
        raise AssertionError("it opened")
    case.accepted.append("an answer")


def an_answer_has_cost_the_lease(case: Case) -> None:
    with case.world.open(passphrase=None) as device:
        status = device.status()
        assert status.passphrase is not None
        if case.accepted:
            assert (status.lease, status.passphrase.left) == (None, 0)
        else:
            assert status.passphrase.left or status.lease is None
        case.world.clock.advance(seconds=status.passphrase.wait_seconds)
    with case.world.open() as device:
        assert device.sync().outcome.value == "complete"
        with device.session("clinic") as session:
            session.open("r-ada")


def test_no_failure_gives_an_attempt_at_a_passphrase_back(  # V7
    crash: Crash,
) -> None:
    crash.everywhere(almost_too_many, guess_once_more, an_answer_has_cost_the_lease)
