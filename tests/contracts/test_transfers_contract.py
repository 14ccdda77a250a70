"""A child moves: one authority hands the record to another in two steps (D6, R8, H5)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import pytest

from broken_commits import failing_commit, killed_after_the_commit
from children import AUTHORITY, PHONE, stranger
from field_device import FieldDevice
from fieldward_server.register_entries import Entry, Moved, Shield
from fieldward_server.services.authorities import locked
from fieldward_server.services.custody.redactions import find_reached
from fieldward_server.services.distribution.partitions import take
from fieldward_server.services.events import list_events
from fieldward_server.services.exchange.forwarding import forward
from fieldward_server.services.exchange.inbox import admit, list_inbox
from fieldward_server.services.records.book import Book
from fieldward_server.services.records.conflicts import list_conflicts, settle
from fieldward_server.services.records.disputes import raise_dispute
from fieldward_server.services.records.duplicates import find_duplicates
from fieldward_server.services.records.known_records import find_records
from fieldward_server.services.records.merges import merge, preview_merge
from fieldward_server.services.records.reading import record_history, value_history
from fieldward_server.services.records.shields import raise_shield, release_shield
from fieldward_server.services.records.splits import preview_split, split
from fieldward_server.services.records.transfers import (
    ENDINGS,
    accept,
    decline,
    list_transfers,
    offer,
    preview_accept,
    preview_offer,
    withdraw,
)
from fieldward_server.services.registering import write_register
from fieldward_server.shield_register import ShieldRegister
from fieldward_sync.errors import CallerMistake, RetryLater
from fieldward_sync.projection import withdrawn
from fieldward_sync.records import Change
from service_world import World

LEEDS = "E08000035"
CONSENT = "involvements/a1.consent_withdrawn"
MINE = "07700 900077"


def told(world: World) -> dict[str, Any]:
    """What every command of this authority's administrator is told."""
    return {
        "platform": world.platform,
        "authority": world.authority,
        "actor": f"jo-{world.authority.lower()}",
        "reason": "moved-house",
        "now": world.now,
    }


def steps(giver: World, taker: World, record: str = "r") -> None:
    """Both steps: offered, and accepted."""
    offer(**told(giver), record=record, taker=taker.authority)
    accept(**told(taker), record=record, giver=giver.authority)


def is_open(world: World, record: str = "r") -> bool:
    """Whether an authority is responsible for a record."""
    with world.platform.storage.reading() as transaction:
        known = find_records(transaction, world.authority, [record]).get(record)
    return known is not None and not known.is_closed


def responsible(*worlds: World, record: str = "r") -> list[str]:
    return [world.authority for world in worlds if is_open(world, record)]


def values(world: World, path: str, record: str = "r") -> set[object]:
    return {value.value for value in world.view(record).at(path)}


def audited(world: World) -> list[tuple[str, str]]:
    """Who took which step, as an authority's event log has it."""
    return [
        (event.actor, event.action)
        for event in list_events(world.platform, world.authority)
        if event.action.startswith("record-")
    ]


@pytest.fixture
def leeds(world: World) -> World:
    """The authority that a child moves to."""
    made = world.neighbour(LEEDS)
    made.partition("theirs", "sector:M14 5")
    return made


@pytest.fixture
def ann(world: World) -> FieldDevice:
    """Holds the child where it lived before."""
    world.load(stranger("r"), stranger("s"))
    world.partition("ours", "team:HV-1")
    world.seal()
    device = world.device("ours")
    device.sync()
    return device


def test_a_record_goes_when_the_taker_accepts_and_not_before(  # D6
    world: World, leeds: World, ann: FieldDevice
) -> None:
    before = world.view("r")
    offer(**told(world), record="r", taker=LEEDS)
    assert responsible(world, leeds) == [AUTHORITY]
    assert world.view("r") == before
    accept(**told(leeds), record="r", giver=AUTHORITY)
    assert responsible(world, leeds) == [LEEDS]
    assert leeds.view("r") == before
    assert not world.misfiled()


def test_old_devices_lose_the_child_in_one_sync_and_new_ones_read_it_after_one(  # R8
    world: World, leeds: World, ann: FieldDevice
) -> None:
    bo = leeds.device("theirs")
    steps(world, leeds)
    world.seal()
    ann.sync()
    bo.sync()
    assert set(ann.contents("ours")) == {"s"}
    assert set(bo.contents("theirs")) == {"r"}


def test_what_old_devices_had_is_hidden_and_gone_as_any_redaction(  # H7
    world: World, leeds: World, ann: FieldDevice
) -> None:
    before = world.stored_partition("ours")
    steps(world, leeds)
    assert world.stored_partition("ours").key_epoch == before.key_epoch + 1
    world.seal()
    for stage in ("open", "gone"):
        (reached,) = find_reached(world.platform, authority=AUTHORITY, record="r", now=world.now)
        assert (reached.device, reached.stage) == (ann.name, stage)
        ann.sync()
        ann.sync()


def test_each_step_is_on_record_with_both_and_says_whose_it_was(
    world: World, leeds: World, ann: FieldDevice
) -> None:
    offer(**told(world), record="r", taker=LEEDS)
    decline(**told(leeds), record="r", giver=AUTHORITY)
    steps(world, leeds)
    jo, mo = f"jo-{AUTHORITY.lower()}", f"jo-{LEEDS.lower()}"
    assert audited(world) == [
        (jo, "record-offered"),
        (f"{mo}@{LEEDS}", "record-declined"),
        (jo, "record-offered"),
        (f"{mo}@{LEEDS}", "record-accepted"),
    ]
    assert audited(leeds) == [
        (f"{jo}@{AUTHORITY}", "record-offered"),
        (mo, "record-declined"),
        (f"{jo}@{AUTHORITY}", "record-offered"),
        (mo, "record-accepted"),
    ]
    for each in (world, leeds):
        all_of_them = list_transfers(each.platform, each.authority, which="all")
        assert {it.state for it in all_of_them} == {"declined", "accepted"}
        assert list_transfers(each.platform, each.authority) == ()


def test_offers_are_listed_in_the_order_in_which_they_were_made(
    world: World, leeds: World, ann: FieldDevice
) -> None:
    for record in ("s", "r"):
        for _ in range(3):
            offer(**told(world), record=record, taker=LEEDS)
            withdraw(**told(world), record=record, taker=LEEDS)
            world.now += 1
    listed = list_transfers(world.platform, AUTHORITY, which="all")
    assert [it.record_id for it in listed] == ["s", "s", "s", "r", "r", "r"]
    assert [it.offered_at for it in listed] == sorted(it.offered_at for it in listed)
    rest = list_transfers(world.platform, AUTHORITY, which="all", after=listed[2].transfer_id)
    assert rest == listed[3:]


@pytest.mark.parametrize("ending", ["declined", "withdrawn"])
def test_an_offer_that_ended_changes_nothing_and_cannot_be_accepted(
    world: World, leeds: World, ann: FieldDevice, ending: str
) -> None:
    before = world.view("r")
    offer(**told(world), record="r", taker=LEEDS)
    if ENDINGS[ending] == "taker":
        decline(**told(leeds), record="r", giver=AUTHORITY)
    else:
        withdraw(**told(world), record="r", taker=LEEDS)
    assert responsible(world, leeds) == [AUTHORITY]
    assert world.view("r") == before
    for again in (accept, decline):
        with pytest.raises(CallerMistake, match="no-offer"):
            again(**told(leeds), record="r", giver=AUTHORITY)
    with pytest.raises(CallerMistake, match="no-offer"):
        withdraw(**told(world), record="r", taker=LEEDS)


def test_nobody_takes_what_was_not_offered_to_them(
    world: World, leeds: World, ann: FieldDevice
) -> None:
    bradford = world.neighbour("E08000032")
    with pytest.raises(CallerMistake, match="no-offer"):
        accept(**told(leeds), record="r", giver=AUTHORITY)
    offer(**told(world), record="r", taker=LEEDS)
    for other in (bradford, world):
        with pytest.raises(CallerMistake, match="no-offer"):
            accept(**told(other), record="r", giver=AUTHORITY)
    assert responsible(world, leeds, bradford) == [AUTHORITY]


def test_what_cannot_be_offered_is_refused_and_nothing_changes(
    world: World, leeds: World, ann: FieldDevice
) -> None:
    world.load(stranger("old"))
    merge(**told(world), record="old", into="s")
    offer(**told(world), record="r", taker=LEEDS)
    before = world.written()
    for changed, code in (
        ({"taker": AUTHORITY}, "same-authority"),
        ({"taker": "E08000001"}, "unknown-authority"),
        ({"record": "nobody"}, "unknown-record"),
        ({"record": "old"}, "already-merged"),
        ({}, "already-offered"),
    ):
        with pytest.raises(CallerMistake, match=code):
            offer(**told(world) | {"record": "r", "taker": LEEDS} | changed)
    assert world.written() == before


def test_another_record_of_that_id_is_never_mixed_with_it(
    world: World, leeds: World, ann: FieldDevice
) -> None:
    leeds.load(stranger("r", authority=LEEDS, name={"family": "Nowak", "given": "Jan"}))
    offer(**told(world), record="r", taker=LEEDS)
    refused(leeds, giver=AUTHORITY, record="r")


def test_another_record_of_an_id_that_has_left_is_never_mixed_with_it(
    world: World, leeds: World, ann: FieldDevice
) -> None:
    """It would come home with the edits of two children."""
    bradford = world.neighbour("E08000032")
    bradford.load(stranger("r", authority="E08000032", name={"family": "Nowak", "given": "Jan"}))
    steps(world, leeds)
    offer(**told(bradford), record="r", taker=AUTHORITY)
    refused(world, giver=bradford.authority, record="r")
    steps(leeds, world)
    assert is_open(world)


def test_the_id_of_a_record_that_was_merged_and_left_stays_closed(
    world: World, leeds: World, ann: FieldDevice
) -> None:
    """Where the two were taken apart again under the old ids: one would come home shown nowhere."""
    merge(**told(world), record="s", into="r")
    steps(world, leeds)
    split(**told(leeds), record="r", new="s", moving=["sex"], copying=["name.family"])
    offer(**told(leeds), record="s", taker=AUTHORITY)
    refused(world, giver=LEEDS, record="s")
    assert is_open(leeds, "s")


def refused(taker: World, *, giver: str, record: str) -> None:
    about = {"authority": taker.authority, "record": record, "giver": giver}
    assert preview_accept(taker.platform, **about).is_there_already
    before = taker.written()
    with pytest.raises(CallerMistake, match="record-exists"):
        accept(**told(taker), record=record, giver=giver)
    assert taker.written() == before


def moves_written(world: World) -> list[tuple[str, str]]:
    """Who gave a record to whom, as the shield register has it."""
    register = world.platform.shield_register.read()
    return [(entry.giver, entry.authority) for entry in register if isinstance(entry, Moved)]


def test_an_accept_that_fails_leaves_the_giver_responsible_and_is_nowhere(
    world: World, leeds: World, ann: FieldDevice
) -> None:
    """At no moment is nobody responsible, or both."""
    offer(**told(world), record="r", taker=LEEDS)
    before = world.written()
    with failing_commit(leeds.platform), pytest.raises(RetryLater, match="database-away"):
        accept(**told(leeds), record="r", giver=AUTHORITY)
    assert world.written() == before
    assert responsible(world, leeds) == [AUTHORITY]
    assert moves_written(world) == []
    accept(**told(leeds), record="r", giver=AUTHORITY)
    assert responsible(world, leeds) == [LEEDS]
    assert moves_written(world) == [(AUTHORITY, LEEDS)]


def full(register: ShieldRegister, *entries: Entry) -> None:
    raise RetryLater("register-refused", "The disk is full.")


def test_what_the_register_could_not_take_is_said_and_written_later(
    world: World, leeds: World, ann: FieldDevice
) -> None:
    offer(**told(world), record="r", taker=LEEDS)
    with patch.object(ShieldRegister, "append", full):
        with pytest.raises(RetryLater, match="register-behind"):
            accept(**told(leeds), record="r", giver=AUTHORITY)
        with pytest.raises(RetryLater, match="register-refused"):
            write_register(world.platform, world.now)
    assert responsible(world, leeds) == [LEEDS]
    assert write_register(world.platform, world.now) == 1
    assert moves_written(world) == [(AUTHORITY, LEEDS)]
    assert write_register(world.platform, world.now) == 0


def test_the_register_says_how_a_record_came_before_it_says_how_it_went_on(
    world: World, leeds: World, ann: FieldDevice
) -> None:
    with killed_after_the_commit():
        steps(world, leeds)
    assert moves_written(world) == []
    steps(leeds, world)
    assert moves_written(world) == [(AUTHORITY, LEEDS), (LEEDS, AUTHORITY)]


def test_the_register_says_how_a_record_came_before_that_it_is_shielded(  # H5, invariant 5
    world: World, leeds: World, ann: FieldDevice
) -> None:
    with killed_after_the_commit():
        steps(world, leeds)
    raise_shield(**told(leeds), record_id="r")
    written = world.platform.shield_register.read()
    assert [type(it) for it in written if isinstance(it, Moved | Shield)] == [Moved, Shield]


def test_a_shielded_child_moves_shielded_and_is_in_no_sector(  # H1, H5, invariant 5
    world: World, leeds: World, ann: FieldDevice
) -> None:
    leeds.partition("everybody", "all")
    bo = leeds.device("everybody", "theirs")
    raise_shield(**told(world), record_id="r")
    steps(world, leeds)
    assert leeds.view("r").shielded
    assert not leeds.view("r").at("address")
    leeds.seal()
    bo.sync()
    assert bo.contents("theirs") == {}
    assert bo.contents("everybody")["r"].shielded
    assert (LEEDS, "r", True) in {
        (entry.authority, entry.record_id, entry.raised)
        for entry in world.platform.shield_register.read()
        if isinstance(entry, Shield)
    }
    release_shield(**told(leeds), record_id="r")
    assert not leeds.view("r").shielded


def test_a_second_entry_of_a_shielded_child_is_shielded_where_the_child_comes_to(  # H5
    world: World, leeds: World, ann: FieldDevice
) -> None:
    leeds.load({**stranger("r"), "record_id": "second", "authority": LEEDS})
    raise_shield(**told(world), record_id="r")
    steps(world, leeds)
    assert leeds.view("second").shielded


def test_withdrawn_consent_and_what_is_in_conflict_go_with_the_record(  # C4
    world: World, leeds: World, ann: FieldDevice
) -> None:
    ann.deliver(ann.proposal("r", "sex", "male"), ann.proposal("r", "sex", "female", shown=()))
    ann.edit("r", CONSENT, "raised")
    in_conflict = world.view("r").conflicts
    steps(world, leeds)
    assert leeds.view("r").conflicts == in_conflict
    assert not values(leeds, PHONE)
    with world.platform.storage.reading() as transaction:
        known = find_records(transaction, LEEDS, ["r"])["r"]
    assert withdrawn(known.record) == {CONSENT}
    assert list_conflicts(world.platform, AUTHORITY) == ()


def test_nobody_of_the_taker_is_told_what_became_of_somebody_elses_edit(
    world: World, leeds: World, ann: FieldDevice
) -> None:
    """Both authorities have a practitioner ``p-1``."""
    ann.deliver(ann.proposal("r", "sex", "male"), ann.proposal("r", "sex", "female", shown=()))
    steps(world, leeds)
    bo = leeds.device("theirs")
    shown = [live.number for live in leeds.view("r").at("sex")]
    settle(**told(leeds), record="r", path="sex", shown=shown, value="female")
    assert leeds.view("r").conflicts == ()
    assert bo.sync().notices == ()


def test_where_a_value_comes_from_is_said_with_the_authority_that_it_comes_from(  # R1
    world: World, leeds: World, ann: FieldDevice
) -> None:
    ann.edit("r", PHONE, MINE)
    steps(world, leeds)
    history = value_history(leeds.platform, authority=LEEDS, record_id="r", path=PHONE)
    assert [(it.origin, it.practitioner, it.actor) for it in history.values] == [
        ("moved", None, f"server-{AUTHORITY.lower()}.1"),
        ("moved", f"p-1@{AUTHORITY}", f"{ann.name}-{AUTHORITY.lower()}.1"),
    ]
    assert history.values[0].administrator == f"test@{AUTHORITY}"


READING: dict[str, Callable[[World], object]] = {
    "history": lambda it: record_history(it.platform, authority=it.authority, record_id="r"),
    "values": lambda it: value_history(
        it.platform, authority=it.authority, record_id="r", path="born"
    ),
    "duplicates": lambda it: find_duplicates(
        it.platform, authority=it.authority, record_id="r", now=it.now
    ),
    "merge": lambda it: merge(**told(it), record="r", into="s"),
    "merge into it": lambda it: merge(**told(it), record="s", into="r"),
    "preview of a merge": lambda it: preview_merge(
        it.platform, authority=it.authority, record="r", into="s"
    ),
    "preview of a split": lambda it: preview_split(
        it.platform, authority=it.authority, record="r", new="n", moving=["sex"], copying=[]
    ),
    "shield": lambda it: raise_shield(**told(it), record_id="r"),
    "dispute": lambda it: raise_dispute(**told(it), record="r", path="born", by="carer"),
    "offer": lambda it: offer(**told(it), record="r", taker=LEEDS),
    "preview of an offer": lambda it: preview_offer(
        it.platform, authority=it.authority, record="r", taker=LEEDS
    ),
}


def test_what_the_giver_keeps_is_read_by_nobody_and_takes_nothing(
    world: World, leeds: World, ann: FieldDevice
) -> None:
    steps(world, leeds)
    before = world.written()
    for reads in READING.values():
        with pytest.raises(CallerMistake, match="record-moved"):
            reads(world)
    with world.platform.storage.transaction() as transaction:
        book = Book(world.platform, transaction, locked(transaction, AUTHORITY), now=world.now)
        left, changes = find_records(transaction, AUTHORITY, ["r"])["r"], [Change("sex", "male")]
        with pytest.raises(CallerMistake, match="record-moved"):
            book.accept_as_server(left, changes, administrator="jo", basis="test")
    assert world.written() == before


def test_the_giver_finds_it_by_nothing_and_shows_it_to_nobody(
    world: World, leeds: World, ann: FieldDevice
) -> None:
    family = str(world.view("r").at("name.family")[0].value)
    born = str(world.view("r").at("born")[0].value)
    assert [hit.record_id for hit in ann.enquire(family=family, born=born).hits] == ["r"]
    steps(world, leeds)
    assert ann.enquire(family=family, born=born).hits == ()
    assert ann.open_on_line("r").outcome == "nothing"
    assert world.view("r").values == ()


def test_a_file_of_the_givers_does_not_make_the_record_again(
    world: World, leeds: World, ann: FieldDevice
) -> None:
    steps(world, leeds)
    for line in (stranger("r"), stranger("r", sex="male")):
        (verdict,) = world.load(line)
        assert verdict.outcome == "refused"
    assert responsible(world, leeds) == [LEEDS]


def test_a_late_edit_of_the_givers_device_waits_and_names_no_destination(  # invariant 1
    world: World, leeds: World, ann: FieldDevice
) -> None:
    late, elsewhere = ann.proposal("r", PHONE, MINE), ann.proposal("r", "sex", "male")
    steps(world, leeds)
    answer = ann.sync(edits=(ann.boxed(late),))
    assert [(v.outcome, v.code) for v in answer.verdicts] == [("refused", "record-moved")]
    assert LEEDS.encode() not in repr(answer).encode()
    assert ann.deliver(late) == answer.verdicts  # the same again is the same
    (kept,) = list_inbox(world.platform, AUTHORITY)
    assert kept.proposal == late
    # Who never held it is not told that it moved.
    world.partition("none", "team:NOBODY")
    other = world.device("none")
    foreign = other.proposal("r", "sex", "male", shown=elsewhere.changes[0].shown)
    assert other.deliver(foreign)[0].code == "out-of-scope"


def forwarded(world: World, number: int = 1) -> None:
    forward(**told(world), number=number)


def test_an_edit_of_ones_own_record_is_not_forwarded(
    world: World, leeds: World, ann: FieldDevice
) -> None:
    take(**told(world), device=ann.name, practitioner="p-1", partition="ours")
    ann.deliver(ann.proposal("r", PHONE, MINE))
    with pytest.raises(CallerMistake, match="not-moved"):
        forwarded(world)


def test_a_late_edit_is_forwarded_and_replaces_what_its_author_was_shown(  # invariant 1
    world: World, leeds: World, ann: FieldDevice
) -> None:
    late = ann.proposal("r", PHONE, MINE)
    steps(world, leeds)
    ann.deliver(late)
    with pytest.raises(CallerMistake, match="record-moved"):
        admit(**told(world), number=1)
    forwarded(world)
    assert values(leeds, PHONE) == {MINE}
    history = value_history(leeds.platform, authority=LEEDS, record_id="r", path=PHONE)
    last = history.values[-1]
    assert (last.practitioner, last.admitted_from) == (
        f"p-1@{AUTHORITY}",
        f"{ann.name}-{AUTHORITY.lower()}.1/1",
    )
    assert last.administrator == f"jo-{AUTHORITY.lower()}@{AUTHORITY}"
    (kept,) = list_inbox(world.platform, AUTHORITY, which="all")
    assert kept.decision == "forwarded"
    assert [notice.kind for notice in ann.sync().notices] == ["admitted"]
    assert [event.action for event in list_events(leeds.platform, LEEDS)][-1] == "edit-forwarded"
    with pytest.raises(CallerMistake, match="already-decided"):
        forwarded(world)


def test_a_forwarded_edit_replaces_nothing_that_is_hidden_where_the_child_is_now(  # invariant 5
    world: World, leeds: World, ann: FieldDevice
) -> None:
    late = ann.proposal("r", "address", {"kind": "no-known-address"})
    steps(world, leeds)
    ann.deliver(late)
    raise_shield(**told(leeds), record_id="r")
    forwarded(world)
    release_shield(**told(leeds), record_id="r")
    assert len(leeds.view("r").at("address")) == 2


def test_a_late_edit_finds_the_record_wherever_it_has_gone_since(
    world: World, leeds: World, ann: FieldDevice
) -> None:
    """Merged before it left, handed on, merged again, and home under another id."""
    bradford = world.neighbour("E08000032")
    bradford.load(stranger("b", authority="E08000032"))
    nurse = {"service": "health-visiting", "team": "HV-1", "since": "2021-04-01"}
    world.load(stranger("s", involvements={"a1": {**nurse, "phone": "07700 900002"}}))
    late, later = ann.proposal("s", PHONE, MINE), ann.proposal("s", "sex", "male")
    merge(**told(world), record="s", into="r")
    steps(world, leeds)
    steps(leeds, bradford)
    merge(**told(bradford), record="r", into="b")
    ann.deliver(late, later)
    forwarded(world)
    there = [live.value for live in bradford.view("b").values]
    assert MINE in there
    assert "07700 900002" not in there  # though it stands under another name than where it was seen
    steps(bradford, world, "b")
    forwarded(world, 2)
    assert "male" in values(world, "sex", "b")
    assert responsible(world, leeds, bradford, record="b") == [AUTHORITY]


def test_what_was_merged_into_it_goes_with_it(world: World, leeds: World, ann: FieldDevice) -> None:
    late = ann.proposal("s", PHONE, MINE)
    merge(**told(world), record="s", into="r")
    steps(world, leeds)
    with pytest.raises(CallerMistake, match="record-moved"):
        record_history(world.platform, authority=AUTHORITY, record_id="s")
    assert ann.deliver(late)[0].code == "record-moved"


def test_a_child_who_comes_home_has_everything_that_was_written_on_the_way(
    world: World, leeds: World, ann: FieldDevice
) -> None:
    bradford = world.neighbour("E08000032")
    ann.edit("r", PHONE, "07700 900011")
    steps(world, leeds)
    raise_shield(**told(leeds), record_id="r")
    steps(leeds, bradford)
    steps(bradford, world)
    assert responsible(world, leeds, bradford) == [AUTHORITY]
    assert world.view("r").shielded
    release_shield(**told(world), record_id="r")
    assert values(world, PHONE) == {"07700 900011"}
    history = record_history(world.platform, authority=AUTHORITY, record_id="r")
    assert [(it.number, it.actor) for it in history.edits] == [
        (1, "server.1"),
        (2, f"{ann.name}.1"),
        (3, f"server-{LEEDS.lower()}.1"),
        (4, "server.1"),
    ]
    world.seal()
    ann.sync()
    assert set(ann.contents("ours")) == {"r", "s"}
    assert ann.edit("r", PHONE, MINE).outcome == "merged"


def test_the_preview_says_what_it_comes_to_on_ones_own_side(
    world: World, leeds: World, ann: FieldDevice
) -> None:
    leeds.partition("their-team", "team:HV-1")
    ann.sync(pending_edits=3)
    given = preview_offer(world.platform, authority=AUTHORITY, record="r", taker=LEEDS)
    assert (given.partitions, given.devices, given.unsent_edits) == (("ours",), 1, 3)
    assert (given.edits, given.shielded, given.teams) == (1, False, ())
    with pytest.raises(CallerMistake, match="no-offer"):
        preview_accept(leeds.platform, authority=LEEDS, record="r", giver=AUTHORITY)
    offer(**told(world), record="r", taker=LEEDS)
    taken = preview_accept(leeds.platform, authority=LEEDS, record="r", giver=AUTHORITY)
    assert taken.partitions == ("their-team", "theirs")
    assert taken.teams == ("team:HV-1",)
    assert (taken.devices, taken.unsent_edits) == (0, 0)
    raise_shield(**told(world), record_id="r")
    assert preview_accept(
        leeds.platform, authority=LEEDS, record="r", giver=AUTHORITY
    ).partitions == ("their-team",)
