"""When the shield register says something: what closes, before its commit; what opens, after it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import pytest

from broken_commits import failing_commit, killed_after_the_commit
from children import stranger
from field_device import FieldDevice
from fieldward_server.register_entries import (
    AccessChange,
    AdministratorRemoved,
    CapChange,
    Enrolment,
    Entry,
    GrantChange,
    HandOverPrepared,
    Joined,
    RulesChange,
    Shield,
    SuspensionChange,
    WayChange,
    WipeOrder,
    WipeReceipt,
    WipeWithdrawn,
    Withdrawal,
)
from fieldward_server.services.administrators import remove_administrator
from fieldward_server.services.custody.devices import set_access, set_cap
from fieldward_server.services.custody.enrolment import enrol
from fieldward_server.services.custody.hand_overs import prepare_hand_over, withdraw_hand_over
from fieldward_server.services.custody.invitations import NewCode
from fieldward_server.services.custody.practitioners import (
    resume_practitioner,
    suspend_practitioner,
)
from fieldward_server.services.custody.wipes import order_wipe, withdraw_wipe
from fieldward_server.services.distribution.partitions import grant, take
from fieldward_server.services.distribution.rescoping import change_partition
from fieldward_server.services.distribution.ways import set_way
from fieldward_server.services.records.shields import raise_shield, release_likeness, release_shield
from fieldward_server.services.registering import in_order, write_register
from fieldward_server.services.upkeep.restoration import stop_serving
from fieldward_server.shield_register import ShieldRegister
from fieldward_server.storage import devices
from fieldward_sync.access import Access, Receipt
from fieldward_sync.errors import CallerMistake, RetryLater
from fieldward_sync.messages import EnrolRequest, JoinRequest
from fieldward_sync.signing import public_key, sign
from founding import let_in
from service_world import World

CONSENT = "involvements/a1.consent_withdrawn"
CAP = 10_000


class Office:
    """An authority with a child, a caseload, a device in it, and whoever commands."""

    def __init__(self, world: World) -> None:
        self.world = world
        world.load(stranger("r"))
        world.partition("caseload", "team:HV-1")
        world.partition("school", "all")
        world.seal()
        world.practitioner("p-2")
        self.device = world.device("caseload")
        self.device.sync()
        self.invited: EnrolRequest | None = None
        self.joining: JoinRequest | None = None
        self.epoch_key = b""

    def say(self, command: Callable[..., object], **about: Any) -> object:
        """Give a command."""
        return command(
            self.world.platform,
            authority=self.world.authority,
            actor="test",
            reason="test",
            now=self.world.now,
            **about,
        )

    def register(self) -> tuple[Entry, ...]:
        return in_order([self.world.platform.shield_register.read()])

    def invite(self) -> None:
        self.invited = FieldDevice(self.world).enrol_request(self.world.code("caseload"))

    def enrol(self) -> None:
        assert self.invited is not None
        enrol(self.world.platform, self.invited, counter=1, now=self.world.now)

    def invite_to_join(self) -> None:
        self.joining = self.device.join_request(self.world.code(practitioner="p-2"))

    def join(self) -> None:
        assert self.joining is not None
        self.device.join(self.joining)

    def part(self) -> None:
        self.epoch_key = public_key(FieldDevice(self.world).epoch_key)
        with self.world.platform.storage.transaction() as transaction:
            devices.set_parted(transaction, self.device.stored())

    def go_on(self) -> None:
        """As the next generation."""
        self.device.call(self.device.request(next_journal_key=self.epoch_key))

    def obey(self) -> None:
        """The order to wipe."""
        stored = self.device.stored()
        receipt = Receipt(
            stored.authority,
            stored.device,
            stored.generation,
            stored.order_number,
            "wipe",
            self.world.now,
            0,
        )
        self.device.call(self.device.request(receipts=(sign(receipt, self.device.identity),)))


@pytest.fixture
def office(world: World) -> Office:
    return Office(world)


Step = Callable[[Office], object]


@dataclass(frozen=True)
class Case:
    """A command, what goes before it, and what the register is to say of it."""

    before: Step
    command: Step
    says: type[Entry]


def nothing(_: Office) -> None:
    """Goes before."""


def say(command: Callable[..., object], **about: Any) -> Step:
    """A command."""
    return lambda office: office.say(command, **about)


def tell(command: Callable[..., object], **about: Any) -> Step:
    """A command to the device."""
    return lambda office: office.say(command, device=office.device.name, **about)


RAISE, RELEASE = (say(each, record_id="r") for each in (raise_shield, release_shield))
PAUSE, RESUME, DRAIN, REVOKE = (
    tell(set_access, access=access)
    for access in (Access.PAUSED, Access.ACTIVE, Access.DRAINING, Access.REVOKED)
)
WIPE, WITHDRAW_WIPE = tell(order_wipe), tell(withdraw_wipe)
GRANT, TAKE = (tell(each, practitioner="p-1", partition="school") for each in (grant, take))
RAISE_CAP, LOWER_CAP = (tell(set_cap, record_cap=cap) for cap in (2 * CAP, CAP // 2))
TETHER, WARM = (say(set_way, partition="caseload", way=way) for way in ("tethered", "warm"))
PREPARE = tell(prepare_hand_over, practitioner="p-2", partitions=["school"], valid_seconds=3600)
CALL_OFF = tell(withdraw_hand_over)
SUSPEND, READMIT = (
    say(each, practitioner="p-1") for each in (suspend_practitioner, resume_practitioner)
)


def choose(*rules: str) -> Step:
    """Have these rules choose the caseload."""
    return say(change_partition, partition="caseload", rules=rules)


def a_likeness(office: Office) -> None:
    RAISE(office)
    office.world.load({**stranger("r"), "record_id": "second"})


OPENING: Mapping[str, Case] = {
    "a shield is released": Case(RAISE, RELEASE, Shield),
    "a record is another child's": Case(
        a_likeness, say(release_likeness, record="second", like="r"), Shield
    ),
    "a device is enrolled": Case(Office.invite, Office.enrol, Enrolment),
    "a device goes on as its next generation": Case(Office.part, Office.go_on, Enrolment),
    "somebody joins": Case(Office.invite_to_join, Office.join, Joined),
    "a hand-over is prepared": Case(nothing, PREPARE, HandOverPrepared),
    "a device is resumed": Case(PAUSE, RESUME, AccessChange),
    "a practitioner is resumed": Case(SUSPEND, READMIT, SuspensionChange),
    "a paused device may read on": Case(PAUSE, DRAIN, AccessChange),
    "a wipe is withdrawn": Case(WIPE, WITHDRAW_WIPE, WipeWithdrawn),
    "a grant is given": Case(nothing, GRANT, GrantChange),
    "a cap is raised": Case(nothing, RAISE_CAP, CapChange),
    "a partition is widened": Case(nothing, choose("all"), RulesChange),
    "a partition comes onto devices": Case(TETHER, WARM, WayChange),
}
"""Moves to another authority have a contract of their own."""

CLOSING: Mapping[str, Case] = {
    "a shield is raised": Case(nothing, RAISE, Shield),
    "consent is withdrawn": Case(
        nothing, lambda it: it.device.edit("r", CONSENT, "raised"), Withdrawal
    ),
    "a device is paused": Case(nothing, PAUSE, AccessChange),
    "a device is drained": Case(nothing, DRAIN, AccessChange),
    "a device is revoked": Case(nothing, REVOKE, AccessChange),
    "a practitioner is suspended": Case(nothing, SUSPEND, SuspensionChange),
    "a wipe is ordered": Case(nothing, WIPE, WipeOrder),
    "a grant is taken": Case(GRANT, TAKE, GrantChange),
    "a hand-over is withdrawn": Case(PREPARE, CALL_OFF, GrantChange),
    "a cap is lowered": Case(nothing, LOWER_CAP, CapChange),
    "a partition is narrowed": Case(choose("all"), choose("team:HV-1"), RulesChange),
    "a partition leaves devices": Case(nothing, TETHER, WayChange),
    "an administrator is removed": Case(
        lambda it: let_in(
            it.world.platform, it.world.authority, now=it.world.now, administrator="bo-lee"
        ),
        say(remove_administrator, administrator="bo-lee"),
        AdministratorRemoved,
    ),
    "a wipe is obeyed": Case(WIPE, Office.obey, WipeReceipt),  # nothing more comes to the device
}


def full(register: ShieldRegister, *entries: Entry) -> None:
    raise RetryLater("register-refused", "The disk is full.")


@pytest.mark.parametrize("named", OPENING)
def test_what_opens_is_on_the_register_once_it_is_committed_and_not_before(  # 5, 11, H5
    office: Office, named: str
) -> None:
    """Whether its commit fails, its process dies after it, or the register's disk is full: asked
    for again it is not answered before the register has it."""
    case, platform = OPENING[named], office.world.platform
    case.before(office)
    earlier = office.register()
    with failing_commit(platform), pytest.raises(RetryLater, match="database-away"):
        case.command(office)
    assert office.register() == earlier
    with killed_after_the_commit():
        case.command(office)
    assert office.register() == earlier
    with patch.object(ShieldRegister, "append", full):
        with pytest.raises((RetryLater, CallerMistake)) as refused:
            case.command(office)
        assert refused.value.code in {"register-behind", "hand-over-open", "already-decided"}
        with pytest.raises(RetryLater, match="register-refused"):
            write_register(platform, office.world.now)
    assert office.register() == earlier
    assert write_register(platform, office.world.now) == 1
    *before, said = office.register()
    assert (tuple(before), type(said)) == (earlier, case.says)
    assert write_register(platform, office.world.now) == 0


def test_what_closes_is_on_the_register_before_it_is_committed(  # 4, 5, 11, H7
    office: Office,
) -> None:
    """And it does not happen where the register cannot be told. Nothing here is committed but what
    goes before."""
    platform = office.world.platform
    for named, case in CLOSING.items():
        case.before(office)
        earlier, written = office.register(), office.world.written()
        with (
            patch.object(ShieldRegister, "append", full),
            pytest.raises(RetryLater, match="register-refused"),
        ):
            case.command(office)
        assert (office.register(), office.world.written()) == (earlier, written), named
        with failing_commit(platform), pytest.raises(RetryLater, match="database-away"):
            case.command(office)
        assert office.world.written() == written, named
        *before, said = office.register()
        assert (tuple(before), type(said)) == (earlier, case.says), named


def test_what_opens_and_what_closes_are_on_the_register_in_the_order_of_their_commits(
    office: Office,
) -> None:
    """Though whoever opened something died before the register said so."""
    office.invite()
    for opening, closing, kinds in (
        (RELEASE, RAISE, [Shield, Shield]),
        (GRANT, TAKE, [GrantChange, GrantChange]),
        (RAISE_CAP, LOWER_CAP, [CapChange, CapChange]),
        (choose("all"), choose("team:HV-2"), [RulesChange, RulesChange]),
        (WARM, TETHER, [WayChange, WayChange]),
        (WITHDRAW_WIPE, WIPE, [WipeWithdrawn, WipeOrder]),
        (PREPARE, CALL_OFF, [HandOverPrepared, GrantChange]),
        (RESUME, PAUSE, [AccessChange, AccessChange]),
        (READMIT, SUSPEND, [SuspensionChange, SuspensionChange]),
        (Office.enrol, REVOKE, [Enrolment, AccessChange]),
    ):
        before = {
            RELEASE: RAISE,
            WARM: TETHER,
            WITHDRAW_WIPE: WIPE,
            RESUME: PAUSE,
            READMIT: SUSPEND,
        }
        before.get(opening, nothing)(office)
        earlier = office.register()
        with killed_after_the_commit():
            opening(office)
        closing(office)
        said = office.register()[len(earlier) :]
        assert [type(each) for each in said] == kinds
        if opening is WITHDRAW_WIPE:
            WITHDRAW_WIPE(office)  # what is under a wipe is handed over to nobody


def test_what_waits_of_an_authority_that_does_not_serve_is_left_to_its_restore(  # 5
    office: Office,
) -> None:
    """It came from a backup, and the register may have had it and what followed long ago."""
    RAISE(office)
    with killed_after_the_commit():
        RELEASE(office)
    earlier = office.register()
    stop_serving(office.world.platform)
    assert write_register(office.world.platform, office.world.now) == 0
    assert office.register() == earlier


def test_of_other_rules_what_goes_is_said_before_the_commit_and_what_comes_after_it(  # 4
    office: Office,
) -> None:
    choose("team:HV-1", "team:HV-2")(office)
    earlier = office.register()

    def said() -> list[tuple[str, ...]]:
        new = office.register()[len(earlier) :]
        return [each.rules for each in new if isinstance(each, RulesChange)]

    with failing_commit(office.world.platform), pytest.raises(RetryLater):
        choose("team:HV-2", "team:HV-3")(office)
    assert said() == [("team:HV-2",)]
    choose("team:HV-2", "team:HV-3")(office)
    assert said() == [("team:HV-2",), ("team:HV-2",), ("team:HV-2", "team:HV-3")]


def test_who_comes_too_late_to_a_hand_over_loses_it_first_and_is_let_in_after_the_commit(  # P6
    office: Office,
) -> None:
    """One transaction that closes and opens."""
    prepared = office.say(
        prepare_hand_over,
        device=office.device.name,
        practitioner="p-2",
        partitions=["school"],
        valid_seconds=3600,
    )
    assert isinstance(prepared, NewCode)
    office.world.now += 3600
    office.joining = office.device.join_request(prepared.code)
    earlier = office.register()
    with failing_commit(office.world.platform), pytest.raises(RetryLater):
        office.join()
    assert [type(each) for each in office.register()[len(earlier) :]] == [GrantChange]
    office.join()
    assert [type(each) for each in office.register()[len(earlier) :]] == [
        GrantChange,
        GrantChange,
        Joined,
    ]
