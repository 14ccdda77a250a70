"""Enrolling, being handed a device and joining on one: what fails on the way is repeated, and loses
nothing."""

from __future__ import annotations

from contextlib import suppress

import pytest

from client_world import PASSPHRASE, PHONE, SERVER_URL
from crashing import Case, Crash
from faulty_disk import OUTLIVED
from fieldward_client import AccessClosed, CallerMistake, Device, RefusedByServer


def nobody(case: Case) -> None:
    """Before there is a device."""


def enrol(case: Case, device: Device | None) -> None:
    world = case.world
    code = world.authority.invite("p-tablet", "p-west")
    case.shown.append((code, ()))
    Device.enrol(
        world.home(),
        SERVER_URL,
        code,
        passphrase=PASSPHRASE,
        clock=world.clock,
        transport=world.authority,
    ).close()


def the_same_call_enrols(case: Case) -> None:
    world = case.world
    code = case.shown[0][0]
    with suppress(CallerMistake):  # it was enrolled already, and the failure came after that
        Device.enrol(
            world.home(),
            SERVER_URL,
            code,
            passphrase=PASSPHRASE,
            clock=world.clock,
            transport=world.authority,
        ).close()
    with world.open() as device:
        assert device.sync().outcome.value == "complete"
        with device.session("clinic") as session:
            assert session.search(family="Okafor")
    assert len(world.authority.devices) == 1
    assert not (world.home() / "enrolling").exists()


def test_a_broken_enrolment_is_repeated(crash: Crash) -> None:
    crash.everywhere(nobody, enrol, the_same_call_enrols, least_points=80)


NEXTS_PASSPHRASE = "the next one's own words"


def about_to_be_handed_over(case: Case) -> Device:
    """What opens with the code waits; there is no signal from here on."""
    device = case.world.ready()
    code = case.world.authority.hand_over(case.world.known(device).device, "p-next")
    assert device.sync().outcome.value == "complete"
    case.backups.append((code,))
    case.world.authority.offline = True
    return device


def take_over(case: Case, device: Device | None) -> None:
    assert device is not None
    ((code,),) = case.backups
    device.join(str(code), passphrase=NEXTS_PASSPHRASE)
    with device.session("home-visit") as session:
        child = session.open("r-ada")
        with suppress(*OUTLIVED):
            child.edit(PHONE, "07700 900777")
            case.accepted.append("07700 900777")


def they_read_and_what_they_typed_arrives(case: Case) -> None:
    world, ((code,),) = case.world, case.backups
    with world.open(passphrase=None) as device:
        if "p-next" in device.practitioners:
            device.unlock(NEXTS_PASSPHRASE, "p-next")
        else:
            assert device.join(str(code), passphrase=NEXTS_PASSPHRASE) == "p-next"
        with device.session("clinic") as session:
            session.open("r-ada").edit(PHONE, "07700 900888")
        device.unlock(PASSPHRASE, "p-tablet")
        world.authority.offline = False
        assert device.sync().outcome.value == "complete"
        known = world.known(device)
        look_ups = world.authority.look_ups(known.device)
    assert {each.action for each in look_ups} == {"take-over", "open"}
    arrived = [proposal.changes[0].value for proposal, _ in known.verdicts.values()]
    assert [each for each in arrived if each in case.accepted] == case.accepted
    assert arrived[-1] == "07700 900888"
    assert not (world.home() / "hand-over").exists()


def test_a_broken_hand_over_is_repeated_and_loses_nothing(  # P6, invariants 1 and 2
    crash: Crash,
) -> None:
    crash.everywhere(
        about_to_be_handed_over, take_over, they_read_and_what_they_typed_arrives, least_points=50
    )


BENS = "ben's own four words"


def with_an_edit_of_hers(case: Case) -> Device:
    """A device whose first practitioner has typed something that was not sent."""
    device = case.world.ready()
    with device.session("home-visit") as session:
        session.open("r-ada").edit(PHONE, "07700 900777")
    return device


def join(case: Case, device: Device | None, who: str = "p-ben") -> None:
    assert device is not None
    code = case.world.authority.invite(who, "p-west")
    case.shown.append((code, ()))
    device.join(code, passphrase=BENS)


def join_again(case: Case, device: Device | None) -> None:
    """She has forgotten her passphrase, and comes back with a code."""
    join(case, device, "p-tablet")


def repeat_the_call(case: Case) -> None:
    with case.world.open(passphrase=None) as device, suppress(RefusedByServer):
        device.join(case.shown[0][0], passphrase=BENS)  # refused if it was done already


def opens_reads_and_syncs(case: Case, who: str, passphrase: str) -> None:
    with case.world.open(passphrase=passphrase, practitioner=who) as device:
        report = device.sync()
        assert report.outcome.value == "complete", report
        with device.session("clinic") as session:
            assert session.search(family="Okafor")


def both_have_keys_of_their_own(case: Case) -> None:
    repeat_the_call(case)
    opens_reads_and_syncs(case, "p-ben", BENS)
    opens_reads_and_syncs(case, "p-tablet", PASSPHRASE)
    nothing_of_the_attempt_is_left(case, "p-ben", "p-tablet")


def she_is_back(case: Case) -> None:
    repeat_the_call(case)
    opens_reads_and_syncs(case, "p-tablet", BENS)
    with pytest.raises(AccessClosed, match="passphrase-wrong"):
        case.world.open()
    nothing_of_the_attempt_is_left(case, "p-tablet")


def nothing_of_the_attempt_is_left(case: Case, *people: str) -> None:
    assert {path.name for path in (case.world.home() / "practitioners").iterdir()} == {*people}
    assert not (case.world.home() / "joining").exists()
    assert case.world.authority.value("r-ada", PHONE) == "07700 900777", "invariant 1"


def test_a_broken_joining_is_repeated_and_takes_nothing_from_who_was_here(crash: Crash) -> None:
    crash.everywhere(with_an_edit_of_hers, join, both_have_keys_of_their_own, least_points=30)


def test_who_comes_back_with_new_keys_comes_back_after_any_failure(crash: Crash) -> None:
    crash.everywhere(with_an_edit_of_hers, join_again, she_is_back, least_points=40)
