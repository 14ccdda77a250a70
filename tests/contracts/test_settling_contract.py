"""Conflicts that are settled, refused edits that are let in, and who is told of it (R1, P1, P3)."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from children import AUTHORITY, PHONE, child, stranger
from field_device import FieldDevice
from fieldward_server.services.custody.devices import set_access
from fieldward_server.services.distribution.partitions import take
from fieldward_server.services.exchange import unread_notices
from fieldward_server.services.exchange.inbox import InboxEntry, admit, decline, list_inbox
from fieldward_server.services.records.conflicts import Conflict, list_conflicts, settle
from fieldward_server.services.records.provenance import HistoricValue
from fieldward_server.services.records.reading import value_history
from fieldward_server.services.records.shields import raise_shield, release_shield
from fieldward_sync.access import Access
from fieldward_sync.errors import CallerMistake
from fieldward_sync.messages import Notice
from fieldward_sync.records import ProposedChange, Value
from service_world import World

MINE, THEIRS, OTHER = "07700 900777", "07700 900888", "07700 900999"
COMMAND = {"authority": AUTHORITY, "actor": "jo"}


@pytest.fixture
def ann(world: World) -> FieldDevice:
    world.load(child("c1"), stranger("c2"))
    world.partition("caseload", "team:HV-1")
    return world.device("caseload")


@pytest.fixture
def ben(world: World, ann: FieldDevice) -> FieldDevice:
    world.practitioner("p-2")
    return world.device("caseload", practitioner="p-2")


def in_conflict(ann: FieldDevice, ben: FieldDevice, record_id: str = "c1") -> None:
    """Two people write at one path without having seen each other's value."""
    mine = ann.proposal(record_id, PHONE, MINE)
    theirs = ben.proposal(record_id, PHONE, THEIRS)
    assert ann.deliver(mine)[0].outcome == "merged"
    assert ben.deliver(theirs)[0].outcome == "conflict"


def conflicts(world: World) -> tuple[Conflict, ...]:
    return list_conflicts(world.platform, AUTHORITY)


def settled(
    world: World, value: Value, shown: Iterable[int], *, record: str = "c1", path: str = PHONE
) -> None:
    settle(
        world.platform,
        record=record,
        path=path,
        shown=tuple(shown),
        value=value,
        reason="confirmed-by-family",
        now=world.now,
        **COMMAND,
    )


def history(world: World, path: str = PHONE) -> list[HistoricValue]:
    return list(
        value_history(world.platform, authority=AUTHORITY, record_id="c1", path=path).values
    )


def told(device: FieldDevice) -> list[tuple[str, str | None, int]]:
    """Kind, path and edit of each notice that a sync brings."""
    return [(n.kind, n.path, n.counter) for n in notices(device)]


def notices(device: FieldDevice) -> tuple[Notice, ...]:
    return device.sync().notices


def standing(world: World, path: str = PHONE) -> list[Value]:
    return [found.value for found in world.view("c1").at(path)]


# --- Labels ---


def test_an_edit_whose_author_was_shown_everything_has_no_label(
    world: World, ann: FieldDevice
) -> None:
    ann.edit("c1", PHONE, MINE)
    assert [value.label for value in history(world)] == ["", ""]


def test_edits_made_apart_of_different_fields_are_parallel_and_clash_with_nothing(
    world: World, ann: FieldDevice, ben: FieldDevice
) -> None:
    mine, theirs = ann.proposal("c1", PHONE, MINE), ben.proposal("c1", "sex", "male")
    ann.deliver(mine)
    ben.deliver(theirs)
    assert history(world, "sex")[-1].label == "parallel"
    assert conflicts(world) == ()


def test_edits_made_apart_of_one_field_are_a_conflict_unless_they_say_the_same(
    world: World, ann: FieldDevice, ben: FieldDevice
) -> None:
    in_conflict(ann, ben)
    assert [value.label for value in history(world)] == ["", "", "conflict"]
    same = [ann.proposal("c2", PHONE, MINE), ben.proposal("c2", PHONE, MINE)]
    ann.deliver(same[0])
    ben.deliver(same[1])
    c2 = value_history(world.platform, authority=AUTHORITY, record_id="c2", path=PHONE)
    assert c2.values[-1].label == "parallel"


def test_an_edit_over_ones_own_that_are_on_the_way_is_an_offline_update(
    world: World, ann: FieldDevice
) -> None:
    first = ann.proposal("c1", PHONE, MINE)
    change = ProposedChange(PHONE, OTHER, (1,), (first.counter,))
    ann.deliver(first, ann.proposal("c1", PHONE, OTHER, changes=(change,)))
    assert [value.label for value in history(world)] == ["", "", "offline-update"]


def test_a_file_knows_what_the_file_before_it_said_and_no_more(
    world: World, ann: FieldDevice
) -> None:
    ann.edit("c1", PHONE, MINE)
    world.load(child("c1", sex="male"))
    assert history(world, "sex")[-1].label == "parallel"


# --- History (R1) ---


def test_every_value_is_kept_with_who_on_what_when_why_and_what_replaced_it(  # P23
    world: World, ann: FieldDevice, ben: FieldDevice
) -> None:
    in_conflict(ann, ben)
    world.now += 60
    settled(world, THEIRS, (2, 3))
    first, mine, theirs, last = history(world)
    assert (first.origin, first.administrator, first.basis) == ("load", "test", "routine")
    assert (first.replaced_by, mine.replaced_by, last.replaced_by) == ((2, 3), (4,), ())
    assert (mine.practitioner, mine.actor) == ("p-1", f"{ann.name}.1")
    assert (mine.basis, mine.base, mine.received_at) == ("home-visit", 1, world.now - 60)
    assert (theirs.value, theirs.practitioner) == (THEIRS, "p-2")
    assert (last.origin, last.administrator, last.basis) == ("server", "jo", "confirmed-by-family")
    assert (last.practitioner, last.received_at, last.label) == (None, world.now, "")


def test_a_history_is_of_a_record_and_a_field_that_there_are(
    world: World, ann: FieldDevice
) -> None:
    with pytest.raises(CallerMistake, match="unknown-field"):
        history(world, "favourite_colour")
    with pytest.raises(CallerMistake, match="unknown-record"):
        value_history(world.platform, authority=AUTHORITY, record_id="c9", path=PHONE)


# --- Settling ---


def test_all_values_are_kept_until_somebody_settles_and_the_author_of_the_other_is_told(
    world: World, ann: FieldDevice, ben: FieldDevice
) -> None:
    in_conflict(ann, ben)
    (conflict,) = conflicts(world)
    assert [(v.number, v.value) for v in conflict.values] == [(2, MINE), (3, THEIRS)]
    settled(world, THEIRS, (2, 3))
    assert (conflicts(world), standing(world)) == ((), [THEIRS])
    (notice,) = notices(ann)
    assert (notice.kind, notice.record_id, notice.path) == ("settled", "c1", PHONE)
    assert (notice.actor, notice.counter) == (f"{ann.name}.1", 1)
    assert notice.reason == "confirmed-by-family"
    assert notices(ben) == ()


def test_a_notice_is_repeated_until_it_was_read_and_then_never_again(
    world: World, ann: FieldDevice, ben: FieldDevice
) -> None:
    in_conflict(ann, ben)
    settled(world, OTHER, (2, 3))
    (notice,) = notices(ann)
    assert notices(ann) == (notice,)
    assert ben.sync(notices_read=(notice.id,)).notices != ()  # it is not theirs to read
    assert notices(ann) == (notice,)
    assert ann.sync(notices_read=(notice.id,)).notices == ()
    assert notices(ann) == ()
    assert len(notices(ben)) == 1


def test_a_notice_reaches_its_author_on_another_device_and_no_locked_one(
    world: World, ann: FieldDevice, ben: FieldDevice
) -> None:
    in_conflict(ann, ben)
    settled(world, THEIRS, (2, 3))
    assert ann.sync(role="device", next_hpke_key=None).notices == ()
    other = world.device("caseload")
    assert [(n.actor, n.counter) for n in notices(other)] == [(f"{ann.name}.1", 1)]


def test_a_practitioner_who_settles_has_the_others_told(  # P23
    world: World, ann: FieldDevice, ben: FieldDevice
) -> None:
    in_conflict(ann, ben)
    ann.edit("c1", PHONE, OTHER)
    assert conflicts(world) == ()
    assert [(n.kind, n.path, n.reason) for n in notices(ben)] == [
        ("settled", PHONE, "settled-by-colleague")
    ]
    assert notices(ann) == ()


def test_nobody_settles_over_what_they_were_not_shown(
    world: World, ann: FieldDevice, ben: FieldDevice
) -> None:
    in_conflict(ann, ben)
    for shown in ((2,), (3,), (1, 2, 3)):
        with pytest.raises(CallerMistake, match="not-as-shown"):
            settled(world, OTHER, shown)
    with pytest.raises(CallerMistake, match="not-in-conflict"):
        settled(world, "male", (1,), path="sex")
    with pytest.raises(CallerMistake):
        settled(world, "no number", (2, 3))
    assert len(conflicts(world)) == 1


def test_who_lost_where_a_shield_hides_it_is_told_once_it_is_shown_again(  # invariant 4
    world: World, ann: FieldDevice, ben: FieldDevice
) -> None:
    in_conflict(ann, ben)
    shield(world)
    assert [conflict.hidden for conflict in conflicts(world)] == [True]
    settled(world, THEIRS, (2, 3))
    assert told(ann) == []
    release_shield(world.platform, record_id="c1", reason="over", now=world.now, **COMMAND)
    assert told(ann) == [("settled", PHONE, 1)]


def test_a_notice_of_what_is_hidden_or_taken_meanwhile_is_held_back(  # invariant 4
    world: World, ann: FieldDevice, ben: FieldDevice
) -> None:
    in_conflict(ann, ben)
    in_conflict(ann, ben, "c2")
    settled(world, THEIRS, (2, 3))
    settled(world, THEIRS, (2, 3), record="c2")
    assert len(notices(ann)) == 2
    shield(world)
    assert [notice.record_id for notice in notices(ann)] == ["c2"]
    grant = {"partition": "caseload", "device": ann.name, "practitioner": "p-1"}
    take(world.platform, **grant, reason="moved", now=world.now, **COMMAND)
    assert notices(ann) == ()


def test_notices_that_are_held_back_hold_back_no_later_one(
    world: World, ann: FieldDevice, ben: FieldDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many they are: who changes caseloads leaves some unread for good."""
    monkeypatch.setattr(unread_notices, "AT_ONCE", 1)
    in_conflict(ann, ben)
    in_conflict(ann, ben, "c2")
    settled(world, THEIRS, (2, 3))
    shield(world)
    world.now += 60
    settled(world, THEIRS, (2, 3), record="c2")
    assert [notice.record_id for notice in notices(ann)] == ["c2"]


def test_conflicts_are_listed_page_by_page_and_none_is_missed(
    world: World, ann: FieldDevice, ben: FieldDevice
) -> None:
    in_conflict(ann, ben)
    in_conflict(ann, ben, "c2")
    (first,) = list_conflicts(world.platform, AUTHORITY, limit=1)
    (second,) = list_conflicts(world.platform, AUTHORITY, limit=1, after=first.record_id)
    assert (first.record_id, second.record_id) == ("c1", "c2")
    assert list_conflicts(world.platform, AUTHORITY, after=second.record_id) == ()


# --- The inbox (P1, P3, P17, P25) ---


def inbox(world: World, which: str = "open") -> tuple[InboxEntry, ...]:
    return list_inbox(world.platform, AUTHORITY, which=which)


def refused(world: World, ann: FieldDevice) -> None:
    """An edit that comes when its author's device has been revoked."""
    proposal = ann.proposal("c1", PHONE, MINE)
    set_access(
        world.platform,
        device=ann.name,
        access=Access.REVOKED,
        reason="left",
        now=world.now,
        **COMMAND,
    )
    assert ann.deliver(proposal)[0].code == "revoked"


def let_in(world: World, number: int = 1) -> None:
    admit(world.platform, number=number, reason="checked-with-author", now=world.now, **COMMAND)


def test_a_refused_edit_is_let_in_as_an_edit_of_the_servers_that_names_it(
    world: World, ann: FieldDevice
) -> None:
    refused(world, ann)
    assert [(entry.number, entry.code, entry.decision) for entry in inbox(world)] == [
        (1, "revoked", "")
    ]
    let_in(world)
    assert standing(world) == [MINE]
    last = history(world)[-1]
    assert (last.actor, last.admitted_from) == ("server.1", f"{ann.name}.1/1")
    assert (last.practitioner, last.administrator) == ("p-1", "jo")
    assert (last.basis, last.base) == ("checked-with-author", 1)
    assert inbox(world) == ()
    assert [entry.decision for entry in inbox(world, "all")] == ["admitted"]


def test_its_author_is_told_on_the_device_they_have_now(world: World, ann: FieldDevice) -> None:
    refused(world, ann)
    let_in(world)
    assert notices(ann) == ()  # revoked: nothing comes down
    assert told(world.device("caseload")) == [("admitted", None, 1)]


def test_what_came_meanwhile_stands_beside_what_is_let_in(
    world: World, ann: FieldDevice, ben: FieldDevice
) -> None:
    refused(world, ann)
    ben.edit("c1", PHONE, THEIRS)
    let_in(world)
    (conflict,) = conflicts(world)
    assert [(v.value, v.label) for v in conflict.values] == [(THEIRS, ""), (MINE, "conflict")]
    world.now += 60
    settled(world, THEIRS, [v.number for v in conflict.values])
    assert told(world.device("caseload")) == [("admitted", None, 1), ("settled", PHONE, 1)]


def test_what_no_field_may_hold_is_not_let_in_and_stays_in_the_inbox(
    world: World, ann: FieldDevice
) -> None:
    first = ann.proposal("c1", PHONE, "not a number")
    change = ProposedChange(PHONE, OTHER, (1,), (first.counter,))
    second = ann.proposal("c1", PHONE, OTHER, changes=(change,))
    assert [verdict.outcome for verdict in ann.deliver(first, second)] == ["refused", "merged"]
    with pytest.raises(CallerMistake):
        let_in(world)
    assert [entry.number for entry in inbox(world)] == [1]


def test_an_edit_over_a_refused_one_replaces_it_once_it_is_let_in(
    world: World, ann: FieldDevice
) -> None:
    first = ann.proposal("c1", PHONE, MINE)
    change = ProposedChange(PHONE, OTHER, (1,), (first.counter,))
    second = ann.proposal("c1", PHONE, OTHER, changes=(change,))
    where = {"partition": "caseload", "device": ann.name, "practitioner": "p-1"}
    take(world.platform, **where, reason="moved", now=world.now, **COMMAND)
    assert [v.code for v in ann.deliver(first, second)] == ["out-of-scope"] * 2
    let_in(world, 2)
    let_in(world, 1)
    assert standing(world) == [OTHER]
    assert [value.replaced_by for value in history(world)] == [(2, 3), (), (2,)]


def test_a_refused_edit_is_decided_once_and_kept_for_ever(world: World, ann: FieldDevice) -> None:
    refused(world, ann)
    decline(world.platform, number=1, reason="made-by-mistake", now=world.now, **COMMAND)
    with pytest.raises(CallerMistake, match="already-decided"):
        let_in(world)
    with pytest.raises(CallerMistake, match="unknown-item"):
        let_in(world, 2)
    assert inbox(world) == ()
    (kept,) = inbox(world, "all")
    assert (kept.decision, kept.code) == ("declined", "revoked")
    assert kept.proposal is not None
    assert told(world.device("caseload")) == [("declined", None, 1)]


def test_what_does_not_open_is_not_let_in(world: World, ann: FieldDevice) -> None:
    ann.deliver(b"no edit")
    with pytest.raises(CallerMistake, match="edit-unreadable"):
        let_in(world)


def test_no_edit_that_is_let_in_releases_a_shield(world: World, ann: FieldDevice) -> None:  # H5
    shield(world)
    assert ann.edit("c1", "shield", "released").code == "server-only-field"
    with pytest.raises(CallerMistake, match="shield-release"):
        let_in(world)
    assert world.view("c1").shielded


def test_what_is_let_in_replaces_nothing_that_is_hidden(world: World, ann: FieldDevice) -> None:
    refused(world, ann)
    shield(world)
    let_in(world)
    assert [value.replaced_by for value in history(world)] == [(), ()]


def test_the_inbox_is_listed_page_by_page(world: World, ann: FieldDevice) -> None:
    for value in ("one", "two"):
        ann.edit("c1", PHONE, value)
    (first,) = list_inbox(world.platform, AUTHORITY, limit=1)
    (second,) = list_inbox(world.platform, AUTHORITY, limit=1, after=first.number)
    assert (first.counter, second.counter) == (1, 2)
    assert list_inbox(world.platform, AUTHORITY, after=second.number) == ()


def shield(world: World) -> None:
    raise_shield(world.platform, record_id="c1", reason="court-order", now=world.now, **COMMAND)
