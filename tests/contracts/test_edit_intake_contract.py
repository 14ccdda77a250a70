"""Edits that devices deliver: verdicts, the inbox, and what never happens to a record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

from children import AUTHORITY, PHONE, TEAM, child, stranger
from field_device import FieldDevice
from fieldward_server.services.exchange.inbox import admit, list_inbox
from fieldward_server.services.records.conflicts import list_conflicts
from fieldward_server.services.records.reading import record_history
from fieldward_server.services.records.shields import raise_shield, release_shield
from fieldward_server.storage import devices
from fieldward_sync.access import Access
from fieldward_sync.limits import MAX_MEMBERS
from fieldward_sync.messages import BoxPart, Verdict
from fieldward_sync.records import ProposedChange, Value
from fieldward_sync.signing import sign, signing_key
from service_world import World

NEW_PHONE = "07700 900777"


@pytest.fixture
def device(world: World) -> FieldDevice:
    world.load(child("c1"), child("c2"), child("elsewhere", involvements={}))
    world.partition("caseload", "team:HV-1")
    return world.device("caseload")


def refused(world: World) -> list[tuple[int | None, str]]:
    """Counter and reason of everything in the inbox."""
    return [(entry.counter, entry.code) for entry in list_inbox(world.platform, AUTHORITY)]


def value(world: World, record_id: str, path: str = PHONE) -> object:
    """What a reader sees at a path that is not in conflict."""
    (found,) = world.view(record_id).at(path)
    return found.value


def test_an_edit_merges_and_names_where_it_will_arrive(world: World, device: FieldDevice) -> None:
    verdict = device.edit("c1", PHONE, NEW_PHONE)
    assert (verdict.outcome, verdict.number, verdict.code) == ("merged", 2, "")
    assert [(feed.partition, feed.number) for feed in verdict.feeds] == [("caseload", 2)]
    assert value(world, "c1") == NEW_PHONE
    assert world.stored_partition("caseload").feed == 2


def test_the_same_edit_again_gets_the_same_verdict(world: World, device: FieldDevice) -> None:
    part = device.boxed(device.proposal("c1", PHONE, NEW_PHONE))
    first = device.sync(edits=(part,)).verdicts
    device.edit("c1", PHONE, "07700 900778")
    assert device.sync(edits=(part,)).verdicts == first
    assert value(world, "c1") == "07700 900778"
    assert device.sync().edits_held == 2


def test_a_refused_edit_again_gets_the_same_verdict(world: World, device: FieldDevice) -> None:
    part = device.boxed(device.proposal("elsewhere", "born", "2020-01-01"))
    first = device.sync(edits=(part, part)).verdicts
    assert [verdict.code for verdict in first] == ["out-of-scope"] * 2
    assert refused(world) == [(1, "out-of-scope")]


def test_two_edits_of_one_field_that_nobody_had_shown_the_other_conflict(
    world: World, device: FieldDevice
) -> None:
    world.practitioner("p-2")
    other = world.device("caseload", practitioner="p-2")
    mine = device.proposal("c1", PHONE, NEW_PHONE)
    theirs = other.proposal("c1", PHONE, "07700 900888")
    assert device.deliver(mine)[0].outcome == "merged"
    assert other.deliver(theirs)[0].outcome == "conflict"
    (conflict,) = list_conflicts(world.platform, AUTHORITY)
    assert (conflict.record_id, conflict.path) == ("c1", PHONE)
    assert [(v.value, v.practitioner, v.label) for v in conflict.values] == [
        (NEW_PHONE, "p-1", ""),
        ("07700 900888", "p-2", "conflict"),
    ]


def test_a_person_settles_a_conflict_by_an_edit_that_was_shown_both(
    world: World, device: FieldDevice
) -> None:
    for phone in (NEW_PHONE, "07700 900888"):
        device.edit("c1", PHONE, phone, shown=[1])
    assert len(list_conflicts(world.platform, AUTHORITY)) == 1
    assert device.edit("c1", PHONE, "07700 900999").outcome == "merged"
    assert list_conflicts(world.platform, AUTHORITY) == ()
    assert value(world, "c1") == "07700 900999"


@dataclass(frozen=True)
class Bad:
    """An edit that is refused, and why."""

    code: str
    record_id: str = "c1"
    path: str = PHONE
    value: Any = NEW_PHONE
    shown: tuple[int, ...] = (1,)
    changed: tuple[tuple[str, Any], ...] = ()


BAD = {
    "of a record in no partition of theirs": Bad("out-of-scope", record_id="elsewhere"),
    "of a record that does not exist": Bad("unknown-record", record_id="nobody"),
    "replacing a version that does not exist": Bad("unknown-version", shown=(7,)),
    "replacing what was masked": Bad("unknown-version", shown=(0,)),
    "no telephone number": Bad("invalid-value", value="after six"),
    "of a field that does not exist": Bad("invalid-value", path="notes", value="shy"),
    "removing what has to stay": Bad("invalid-value", path="born", value=None),
    "of a member without its required fields": Bad(
        "invalid-value", path="involvements/b2.phone", shown=()
    ),
    "of the NHS number": Bad("server-only-field", path="nhs_number", value="9434765919"),
    "releasing a shield": Bad("server-only-field", path="shield", value="released", shown=()),
    "releasing a withdrawn consent": Bad(
        "server-only-field",
        path="involvements/a1.consent_withdrawn",
        value="released",
        shown=(),
    ),
    "of an incarnation to come": Bad("malformed", changed=(("incarnation", 2),)),
    "in somebody else's name": Bad("malformed", changed=(("practitioner", "p-2"),)),
    "setting a field twice": Bad(
        "invalid-value",
        changed=(
            (
                "changes",
                (ProposedChange(PHONE, NEW_PHONE, (1,)), ProposedChange(PHONE, "07700 9009", (1,))),
            ),
        ),
    ),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_a_bad_edit_is_refused_kept_and_blocks_no_other(
    world: World, device: FieldDevice, bad: Bad
) -> None:
    edits = (
        device.proposal("c1", "sex", "male"),
        device.proposal(bad.record_id, bad.path, bad.value, shown=bad.shown, **dict(bad.changed)),
        device.proposal("c2", "sex", "male"),
    )
    verdicts = device.deliver(*edits)
    assert [verdict.outcome for verdict in verdicts] == ["merged", "refused", "merged"]
    assert verdicts[1].code == bad.code
    assert refused(world) == [(2, bad.code)]
    assert [entry.proposal for entry in list_inbox(world.platform, AUTHORITY)] == [edits[1]]
    assert [value(world, record, "sex") for record in ("c1", "c2")] == ["male", "male"]
    assert device.sync().edits_held == 3


def test_another_content_under_the_same_dot_goes_to_the_inbox_and_opens_an_incident(
    world: World, device: FieldDevice
) -> None:
    first = device.proposal("c1", PHONE, NEW_PHONE)
    device.deliver(first)
    second = msgspec.structs.replace(first, record_id="c2")
    for _ in range(2):
        (verdict,) = device.deliver(second)
        assert (verdict.outcome, verdict.code) == ("refused", "dot-reused")
    assert refused(world) == [(1, "dot-reused")]
    assert world.incidents() == ["dot-reused"]
    assert value(world, "c2") == "07700 900001"
    assert device.deliver(first)[0].outcome == "merged"


def test_a_refused_dot_with_another_content_is_reused_too(
    world: World, device: FieldDevice
) -> None:
    first = device.proposal("elsewhere", "sex", "male")
    device.deliver(first)
    (verdict,) = device.deliver(msgspec.structs.replace(first, record_id="c1"))
    assert verdict.code == "dot-reused"
    assert value(world, "c1", "sex") == "female"
    assert device.deliver(first)[0].code == "out-of-scope"


def test_the_edits_of_a_revoked_device_wait_in_the_inbox(world: World, device: FieldDevice) -> None:
    device.set_access(Access.REVOKED)
    answer = device.sync(edits=(device.boxed(device.proposal("c1", PHONE, NEW_PHONE)),))
    assert [verdict.code for verdict in answer.verdicts] == ["revoked"]
    assert (answer.access, answer.lease, answer.lease_refused) == ("revoked", None, "revoked")
    assert answer.distribution is None
    assert refused(world) == [(1, "revoked")]
    assert value(world, "c1") == "07700 900001"


def test_the_edits_of_a_paused_device_merge(world: World, device: FieldDevice) -> None:
    device.set_access(Access.PAUSED)
    assert device.edit("c1", PHONE, NEW_PHONE).outcome == "merged"


def test_an_edit_of_what_was_lost_meanwhile_is_refused_and_kept(
    world: World, device: FieldDevice
) -> None:
    proposal = device.proposal("c1", PHONE, NEW_PHONE)
    device.loses("caseload")
    assert device.deliver(proposal)[0].code == "out-of-scope"
    assert refused(world) == [(1, "out-of-scope")]


def test_edits_reach_the_server_signed_with_the_devices_key_alone(
    world: World, device: FieldDevice
) -> None:
    part = device.boxed(device.proposal("c1", PHONE, NEW_PHONE))
    answer = device.sync(role="device", edits=(part,))
    assert [verdict.outcome for verdict in answer.verdicts] == ["merged"]
    assert (answer.lease, answer.lease_refused, answer.distribution) == (None, "", None)


def test_edits_that_overtake_each_other_are_all_held_once_the_gap_is_closed(
    world: World, device: FieldDevice
) -> None:
    first, second, third = (
        device.boxed(device.proposal("c1", PHONE, f"07700 90000{n}")) for n in range(3)
    )
    assert device.sync(edits=(third,)).edits_held == 0
    assert device.sync(edits=(first,)).edits_held == 1
    assert device.sync(edits=(second,)).edits_held == 3


def test_what_is_known_of_a_devices_edits_grows_with_gaps_and_not_with_edits(
    world: World, device: FieldDevice
) -> None:
    """A number that was reserved and never used keeps a gap open for good."""

    def kept() -> bytes:
        with world.platform.storage.reading() as transaction:
            found = devices.find(transaction, AUTHORITY, device.name, device.generation)
        assert found is not None
        return found.edits_ahead

    device.edit_counter += 1
    device.edit("c1", PHONE, "07700 900001")
    after_one = kept()
    for number in range(30):
        device.edit("c1", PHONE, f"07700 9000{number:02}")
    assert len(kept()) == len(after_one)
    assert device.sync().edits_held == 0


def broken_seal(device: FieldDevice) -> BoxPart:
    part = device.boxed(device.proposal("c1", PHONE, NEW_PHONE))
    first = part.entries[0]
    return msgspec.structs.replace(part, entries=(first[:-1] + bytes([first[-1] ^ 1]),))


def wrong_signature(device: FieldDevice) -> BoxPart:
    part = device.boxed(device.proposal("c1", PHONE, NEW_PHONE))
    other = sign(device.edits_box.header, signing_key(bytes(32)))
    return msgspec.structs.replace(part, header=other)


def journal_box(device: FieldDevice) -> BoxPart:
    part = device.boxed(device.proposal("c1", PHONE, NEW_PHONE))
    return msgspec.structs.replace(part, header=device.journal_box.signed_header)


def no_proposal(device: FieldDevice) -> BoxPart:
    return device.boxed(b"fieldward/proposal/1\nrubbish")


@pytest.mark.parametrize("unreadable", [broken_seal, wrong_signature, journal_box, no_proposal])
def test_what_does_not_open_is_kept_and_blocks_no_other(
    world: World, device: FieldDevice, unreadable: Any
) -> None:
    part = unreadable(device)
    good = device.boxed(device.proposal("c2", PHONE, NEW_PHONE))
    for _ in range(2):
        answer = device.sync(edits=(part, good))
        assert [verdict.outcome for verdict in answer.verdicts] == ["merged"]
    (kept,) = list_inbox(world.platform, AUTHORITY)
    assert (kept.counter, kept.proposal) == (None, None)
    assert world.incidents() == ["edit-unreadable"]


# --- Shields (invariant 5) ---


def shield(world: World, record_id: str = "c1") -> None:
    raise_shield(
        world.platform,
        authority=AUTHORITY,
        record_id=record_id,
        actor="test",
        reason="court-order",
        now=world.now,
    )


def release(world: World) -> None:
    release_shield(
        world.platform,
        authority=AUTHORITY,
        record_id="c1",
        actor="test",
        reason="ended",
        now=world.now,
    )


def test_nobody_replaces_an_address_that_is_hidden_from_them(
    world: World, device: FieldDevice
) -> None:
    loaded = value(world, "c1", "address")
    shield(world)
    verdict = device.edit("c1", "address", {"kind": "no-known-address"}, shown=(1,))
    assert verdict.outcome == "merged"
    (conflict,) = list_conflicts(world.platform, AUTHORITY)
    assert conflict.path == "address"
    kept = [live.value for live in conflict.values]
    assert len(kept) == 2
    assert loaded in kept
    assert {"kind": "no-known-address"} in kept


def test_a_shield_hides_where_a_child_is_and_never_comes_off_by_an_edit(
    world: World, device: FieldDevice
) -> None:
    shield(world)
    numbers = range(1, 10)
    attempts = (
        device.proposal("c1", "shield", "released", shown=(2,)),
        device.proposal("c1", "shield", None, shown=(2,)),
        device.proposal("c1", "shield", "raised", shown=(2,)),
        *(device.proposal("c1", "shield", "released", shown=(n,)) for n in numbers),
    )
    device.deliver(*attempts)
    view = world.view("c1")
    assert view.shielded
    assert not view.at("address")
    assert not view.at(PHONE)
    assert record_history(world.platform, authority=AUTHORITY, record_id="c1").shielded


@pytest.mark.parametrize("ahead", [0, 1])
@pytest.mark.parametrize(("path", "value"), [("shield", "raised"), ("born", "2020-01-01")])
def test_no_edit_replaces_itself_or_what_its_author_has_yet_to_write(
    world: World, device: FieldDevice, path: str, value: str, ahead: int
) -> None:
    """It would be nowhere: a shield would come off by being raised (invariant 5)."""
    shield(world)
    numbers = [live.number for live in world.view("c1").at(path)]
    changes = (ProposedChange(path, value, tuple(numbers), own=(device.edit_counter + 1 + ahead,)),)
    first = device.proposal("c1", "", "", shown=(), changes=changes)
    verdicts = device.deliver(first, device.proposal("c1", path, value))
    assert [verdict.code for verdict in verdicts] == ["unknown-version", ""]
    assert [live.value for live in world.view("c1").at(path)] == [value]
    assert world.view("c1").shielded
    (waiting,) = list_inbox(world.platform, AUTHORITY)
    admit(
        world.platform,
        authority=AUTHORITY,
        number=waiting.number,
        actor="kim",
        reason="checked-with-author",
        now=world.now,
    )
    assert {live.value for live in world.view("c1").at(path)} == {value}
    assert world.view("c1").shielded


def test_a_raise_that_no_release_has_named_holds(world: World, device: FieldDevice) -> None:
    late = device.proposal("c1", "shield", "raised", shown=())
    assert device.edit("c1", "shield", "raised").outcome == "merged"
    assert world.view("c1").shielded
    release(world)
    assert not world.view("c1").shielded
    device.deliver(late)
    assert world.view("c1").shielded


def test_a_verdict_does_not_tell_of_a_hidden_value(world: World, device: FieldDevice) -> None:
    moved: Value = {"kind": "current", "lines": ["9 Low Road"], "postcode": "S1 2AB"}
    blind = device.proposal("c1", "address", moved, shown=())
    shield(world)
    assert device.deliver(blind)[0].outcome == "merged"
    conflicts = list_conflicts(world.platform, AUTHORITY)
    assert [conflict.path for conflict in conflicts] == ["address"]
    assert not world.view("c1").at("address")


FORMER: dict[str, Value] = {"family": "Mensah", "given": "Ada"}
NURSE: dict[str, Value] = {"service": "school-nursing", "since": "2026-01-05"}


def in_a_set(container: str, members: int, fields: dict[str, Value]) -> dict[str, Value]:
    """The paths of so many members that are added."""
    return {
        f"{container}/n{number}.{name}": value
        for number in range(members)
        for name, value in fields.items()
    }


@pytest.mark.parametrize(
    "asked",
    [
        {"school.name": "High Road Primary"},
        {"school.since": "2026-01-05"},
        {"involvements/z9.phone": NEW_PHONE},
        {"involvements/z9.ended": "2026-03-01"},
        in_a_set("former_names", MAX_MEMBERS["former_names"], FORMER),
        in_a_set("former_names", 1, FORMER),
        {"involvements/z9.consent_withdrawn": "raised"},
    ],
    ids=["school", "since", "involvement", "its end", "all names", "a name", "consent"],
)
def test_a_verdict_does_not_tell_whether_there_is_anything_hidden(
    world: World, device: FieldDevice, asked: dict[str, Value]
) -> None:
    """H1: an edit asks of a shielded child whether they go to school, or were called otherwise."""
    more = {
        "school": {"code": "107140", "name": "Low Road Primary"},
        "former_names": {"f1": FORMER},
        "involvements": {"a1": {**NURSE, "team": TEAM}, "z9": NURSE},
    }
    world.load(stranger("little"), stranger("much", **more))
    verdicts: list[Verdict] = []
    for record in ("little", "much"):
        shield(world, record)
        changes = tuple(ProposedChange(path, value) for path, value in asked.items())
        verdicts += device.deliver(device.proposal(record, "", "", shown=(), changes=changes))
    assert len({(verdict.outcome, verdict.code) for verdict in verdicts}) == 1


def test_what_is_hidden_from_all_may_be_mended_by_who_wrote_it(
    world: World, device: FieldDevice
) -> None:
    shield(world)
    fields = in_a_set("involvements", 1, NURSE)
    changes = tuple(ProposedChange(path, value) for path, value in fields.items())
    added, mended = (
        device.proposal("c1", PHONE, "", shown=(), changes=changes),
        device.proposal("c1", "involvements/n0.phone", NEW_PHONE, shown=()),
    )
    assert [verdict.outcome for verdict in device.deliver(added, mended)] == ["merged"] * 2
    world.practitioner("p-2")
    other = world.device("caseload", practitioner="p-2")
    assert other.edit("c1", "involvements/n0.phone", NEW_PHONE, shown=()).code == "invalid-value"


def test_consent_is_withdrawn_though_a_shield_hides_of_what(
    world: World, device: FieldDevice
) -> None:
    """C4: whoever was told so before they heard of the shield; it holds once that has ended."""
    shield(world)
    withdrawn = device.edit("c1", "involvements/a1.consent_withdrawn", "raised", shown=())
    assert withdrawn.outcome == "merged"
    release(world)
    assert not world.view("c1").at(PHONE)
