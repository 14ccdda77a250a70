"""Disputes: marked by people on devices and in the office, decided in the office alone (R2)."""

from __future__ import annotations

from typing import Any

import pytest

from children import AUTHORITY, PHONE, child
from field_device import FieldDevice
from fieldward_server.services.events import list_events
from fieldward_server.services.exchange.inbox import list_inbox
from fieldward_server.services.records.conflicts import list_conflicts
from fieldward_server.services.records.disputes import (
    OpenDispute,
    decide_dispute,
    list_disputes,
    raise_dispute,
)
from fieldward_server.services.records.reading import record_history, value_history
from fieldward_server.services.records.shields import raise_shield, release_shield
from fieldward_sync.disputes import Dispute, disputes_in, new_dispute
from fieldward_sync.errors import CallerMistake
from fieldward_sync.limits import MAX_MEMBERS
from fieldward_sync.messages import Verdict
from fieldward_sync.records import ProposedChange, Value
from fieldward_sync.schema import FieldsRefused
from service_world import World

TODAY = "2027-01-15"
COMMAND = {"authority": AUTHORITY, "actor": "jo", "reason": "letter-from-family"}
MINE, THEIRS = "07700 900777", "07700 900888"
NOWHERE: Value = {"kind": "no-known-address"}


@pytest.fixture
def ann(world: World) -> FieldDevice:
    world.load(child("c1"), child("c2"))
    world.partition("caseload", "team:HV-1")
    return world.device("caseload")


def disputed(world: World, path: str = "born", by: str = "carer", record: str = "c1") -> str:
    return raise_dispute(world.platform, record=record, path=path, by=by, now=world.now, **COMMAND)


def decided(world: World, dispute: str, outcome: str, record: str = "c1") -> None:
    decide_dispute(
        world.platform, record=record, dispute=dispute, outcome=outcome, now=world.now, **COMMAND
    )


def shown(world: World, record: str = "c1") -> tuple[Dispute, ...]:
    """The disputes that devices are shown."""
    return disputes_in({value.path: value.value for value in world.view(record).values})


def on_the_device(world: World, ann: FieldDevice, record: str = "c1") -> tuple[Dispute, ...]:
    """The disputes that a device reads after a sync."""
    world.seal()
    ann.sync()
    view = ann.contents("caseload")[record]
    return disputes_in({value.path: value.value for value in view.values})


def waiting(world: World) -> tuple[OpenDispute, ...]:
    return list_disputes(world.platform, AUTHORITY)


def mark(member: str, path: str, **changed: str) -> tuple[ProposedChange, ...]:
    """What a device proposes that marks a value."""
    fields = new_dispute(member, path=path, since=TODAY, by="carer")
    fields |= {f"disputes/{member}.{name}": value for name, value in changed.items()}
    return tuple(ProposedChange(each, value) for each, value in fields.items())


def marked(ann: FieldDevice, member: str, path: str, **changed: str) -> Verdict:
    """A device marks a value; the verdict."""
    edit = ann.proposal("c1", "born", "", changes=mark(member, path, **changed))
    (verdict,) = ann.deliver(edit)
    return verdict


def refused(code: str) -> Any:
    return pytest.raises(CallerMistake, check=lambda e: e.code == code)


# --- In the office ---


def test_a_dispute_is_shown_beside_the_value_with_date_and_outcome(
    world: World, ann: FieldDevice
) -> None:
    """R2."""
    dispute = disputed(world, "address")
    assert shown(world) == (Dispute(dispute, "address", TODAY, "carer", "open", ""),)
    world.now += 3 * 24 * 3600
    decided(world, dispute, "not-upheld")
    assert shown(world) == (
        Dispute(dispute, "address", TODAY, "carer", "not-upheld", "2027-01-18"),
    )
    assert world.view("c1").text("born") == "2021-03-04"


def test_a_dispute_travels_in_images_and_segments(world: World, ann: FieldDevice) -> None:
    world.load(*(child(f"other{n}") for n in range(40)))  # else a change would be a new image
    early = disputed(world, "address")
    assert [each.dispute_id for each in on_the_device(world, ann)] == [early]
    late = disputed(world, "born", record="c2")
    assert [each.dispute_id for each in on_the_device(world, ann, "c2")] == [late]
    assert ann.distribution is not None
    assert [len(each.files) for each in ann.distribution.manifests] == [2]


def test_open_disputes_are_listed_with_their_age_and_what_stands(
    world: World, ann: FieldDevice
) -> None:
    by_carer, by_child = disputed(world, "address"), disputed(world, PHONE, "subject", "c2")
    decided(world, disputed(world, "sex", "other"), "withdrawn")
    first, second = waiting(world)
    assert (first.dispute.dispute_id, first.received_at) == (by_carer, world.now)
    assert (first.administrator, first.practitioner, first.hidden) == ("jo", None, False)
    assert (second.dispute.dispute_id, second.record_id) == (by_child, "c2")
    assert [value.value for value in second.values] == ["07700 900001"]
    assert list_disputes(world.platform, AUTHORITY, after="c1") == (second,)
    assert list_disputes(world.platform, AUTHORITY, limit=1) == (first,)
    decided(world, by_child, "upheld", "c2")
    assert waiting(world) == (first,)
    decided(world, by_carer, "upheld")
    late = disputed(world, record="c2")
    (only,) = list_disputes(world.platform, AUTHORITY, limit=1)  # a decided one takes no place
    assert only.dispute.dispute_id == late


def test_a_conflict_says_that_its_field_is_disputed(world: World, ann: FieldDevice) -> None:
    world.practitioner("p-2")
    ben = world.device("caseload", practitioner="p-2")
    mine, theirs = ann.proposal("c1", PHONE, MINE), ben.proposal("c1", PHONE, THEIRS)
    ann.deliver(mine)
    ben.deliver(theirs)
    dispute = disputed(world, PHONE)
    (conflict,) = list_conflicts(world.platform, AUTHORITY)
    assert [each.dispute_id for each in conflict.disputes] == [dispute]


def test_the_history_keeps_every_dispute(world: World, ann: FieldDevice) -> None:
    first = disputed(world, "born")
    decided(world, first, "not-upheld")
    second = disputed(world, "born")
    known = record_history(world.platform, authority=AUTHORITY, record_id="c1")
    assert {each.dispute_id for each in known.disputes} == {first, second}
    values = value_history(world.platform, authority=AUTHORITY, record_id="c1", path="born")
    assert values.disputes == known.disputes
    assert (
        value_history(world.platform, authority=AUTHORITY, record_id="c1", path="sex").disputes
        == ()
    )


def test_disputes_are_recorded_under_the_administrators_name(
    world: World, ann: FieldDevice
) -> None:
    decided(world, disputed(world, "born"), "upheld")
    done = list_events(world.platform, AUTHORITY)[-2:]
    assert [(each.actor, each.action, each.subject, each.reason) for each in done] == [
        ("jo", "dispute-raised", "c1 born", COMMAND["reason"]),
        ("jo", "dispute-upheld", "c1 born", COMMAND["reason"]),
    ]


def test_what_cannot_be_disputed_is_refused(world: World, ann: FieldDevice) -> None:
    with refused("unknown-record"):
        disputed(world, record="nobody")
    with refused("unknown-field"):
        disputed(world, "notes")
    with refused("no-value"):
        disputed(world, "nhs_number")
    dispute = disputed(world)
    with refused("already-disputed"):
        disputed(world)
    for path in ("shield", f"disputes/{dispute}.by", "involvements/a1.sensitive_ground"):
        with refused("not-disputable"):
            disputed(world, path)
    assert len(shown(world)) == 1
    disputed(world, by="subject")


def test_a_dispute_is_decided_once(world: World, ann: FieldDevice) -> None:
    dispute = disputed(world)
    with refused("unknown-dispute"):
        decided(world, "nothing", "upheld")
    with refused("unknown-dispute"):
        decided(world, dispute, "upheld", "c2")
    decided(world, dispute, "upheld")
    with refused("already-decided"):
        decided(world, dispute, "not-upheld")
    disputed(world)


def test_nothing_is_called_corrected_that_still_stands(world: World, ann: FieldDevice) -> None:
    dispute = disputed(world, PHONE)
    with refused("not-corrected"):
        decided(world, dispute, "corrected")
    ann.edit("c1", PHONE, MINE)
    decided(world, dispute, "corrected")
    assert [each.outcome for each in shown(world)] == ["corrected"]


def test_a_record_holds_so_many_disputes_and_no_more(world: World, ann: FieldDevice) -> None:
    for _ in range(MAX_MEMBERS["disputes"]):
        decided(world, disputed(world), "withdrawn")
    with pytest.raises(FieldsRefused):
        disputed(world)
    assert len(shown(world)) == MAX_MEMBERS["disputes"]


def test_more_than_a_record_holds_can_be_brought_by_files_and_are_decided(world: World) -> None:
    of = {"path": "born", "since": "2026-01-01", "by": "carer"}
    for file in "ab":
        world.load(child("c3", disputes={f"{file}{n}": of for n in range(20)}))
    with pytest.raises(FieldsRefused, match="more than 32"):
        disputed(world, record="c3", path="sex")
    decided(world, "a1", "upheld", record="c3")
    assert len(list_disputes(world.platform, AUTHORITY)) == 39


def test_a_file_brings_disputes_that_are_sound(world: World) -> None:
    of = {"path": "address", "since": TODAY, "by": "carer"}
    one, half, odd = world.load(
        child("c3", disputes={"d1": of}),
        child("c4", disputes={"d1": {**of, "outcome": "upheld"}}),
        child("c5", disputes={"d1": {**of, "path": "disputes/d1.by"}}),
    )
    assert (one.outcome, half.field, odd.field) == (
        "created",
        "disputes/d1.ended",
        "disputes/d1.path",
    )
    assert [each.record_id for each in waiting(world)] == ["c3"]


# --- On a device ---


def test_a_practitioner_marks_a_value_and_sees_the_outcome(world: World, ann: FieldDevice) -> None:
    assert marked(ann, "d1", "address").outcome == "merged"
    (found,) = waiting(world)
    assert (found.practitioner, found.administrator) == ("p-1", None)
    decided(world, "d1", "not-upheld")
    assert [each.outcome for each in on_the_device(world, ann)] == ["not-upheld"]


def test_how_a_dispute_ended_is_not_for_a_device_to_say(world: World, ann: FieldDevice) -> None:
    marked(ann, "d1", "address")
    over = {"outcome": "withdrawn", "ended": TODAY}
    assert marked(ann, "d2", "born", **over).code == "server-only-field"
    (verdict,) = ann.deliver(ann.proposal("c1", "disputes/d1.outcome", "withdrawn"))
    assert verdict.code == "server-only-field"
    assert [each.outcome for each in shown(world)] == ["open"]
    assert len(list_inbox(world.platform, AUTHORITY)) == 2


def test_what_a_dispute_is_about_stays(world: World, ann: FieldDevice) -> None:
    """Else a decided one could be turned on another value, or one's own on one that is hidden."""
    marked(ann, "d1", "address")
    for path, value in (("path", "born"), ("since", "2020-01-01"), ("by", "subject")):
        (verdict,) = ann.deliver(ann.proposal("c1", f"disputes/d1.{path}", value))
        assert verdict.code == "server-only-field"
    assert marked(ann, "d1", "born").code == "server-only-field"
    assert [(each.path, each.by) for each in shown(world)] == [("address", "carer")]


def test_a_device_disputes_only_what_there_can_be(world: World, ann: FieldDevice) -> None:
    for path in ("shield", "disputes/d1.by", "notes", "involvements/a1.consent_withdrawn"):
        assert marked(ann, "d1", path).code == "invalid-value"
    assert shown(world) == ()


def test_a_device_with_a_fast_clock_does_not_stop_the_decision(
    world: World, ann: FieldDevice
) -> None:
    marked(ann, "d1", "address", since="2027-02-01")
    decided(world, "d1", "upheld")
    assert [(each.since, each.ended) for each in shown(world)] == [("2027-02-01", "2027-02-01")]


# --- Hidden with its value ---


def shield(world: World, do: Any = raise_shield) -> None:
    do(world.platform, record_id="c1", now=world.now, **COMMAND)


def test_a_shield_hides_the_dispute_with_the_value_and_erases_it_from_devices(
    world: World, ann: FieldDevice
) -> None:
    """H1, H7: the redaction covers both."""
    secret, open_to_all = disputed(world, "address"), disputed(world, "born", "subject")
    assert len(on_the_device(world, ann)) == 2
    shield(world)
    assert [each.dispute_id for each in on_the_device(world, ann)] == [open_to_all]
    assert ann.distribution is not None
    assert [len(each.files) for each in ann.distribution.manifests] == [1]  # a new image
    assert secret.encode() not in ann.contents("caseload")["c1"].to_bytes()
    assert {each.dispute.dispute_id: each.hidden for each in waiting(world)} == {
        secret: True,
        open_to_all: False,
    }
    shield(world, release_shield)
    assert len(shown(world)) == 2


def test_a_dispute_of_a_hidden_value_changes_nothing_that_is_shown(
    world: World, ann: FieldDevice
) -> None:
    """H1, H2: neither view nor verdict says that there is such a value, or such a dispute."""
    shield(world)
    before = world.view("c1")
    dispute = disputed(world, "address")
    decided(world, dispute, "upheld")
    assert world.view("c1").values == before.values
    of_a_value, of_nothing = marked(ann, "d1", "address"), marked(ann, "d2", "school.code")
    assert (of_a_value.outcome, of_a_value.code) == (of_nothing.outcome, of_nothing.code)
    assert world.view("c1").values == before.values
    assert not world.misfiled()


def test_a_dispute_of_a_masked_service_is_hidden(world: World, ann: FieldDevice) -> None:
    """C2."""
    member = {"service": "mental-health", "sensitive_ground": "consent", "since": "2026-01-05"}
    world.load(child("c6", involvements={"m1": member}))
    disputed(world, "involvements/m1.service", record="c6")
    since = disputed(world, "involvements/m1.since", record="c6")
    assert [each.dispute_id for each in shown(world, "c6")] == [since]


def test_withdrawn_consent_hides_what_was_disputed_of_it(world: World, ann: FieldDevice) -> None:
    """C4."""
    disputed(world, PHONE)
    assert len(shown(world)) == 1
    ann.edit("c1", "involvements/a1.consent_withdrawn", "raised")
    assert shown(world) == ()


# --- Found all the same ---


def test_a_disputed_value_is_found_and_one_that_was_replaced_is_not(
    world: World, ann: FieldDevice
) -> None:
    """Issue 4, R2."""
    dispute = disputed(world, "name.family")
    assert found(ann, "Okafor")
    decided(world, dispute, "upheld")
    assert found(ann, "Okafor")
    ann.edit("c1", "name.family", "Adeyemi")
    assert not found(ann, "Okafor")
    assert found(ann, "Adeyemi")
    assert not world.misfiled()


def found(ann: FieldDevice, family: str) -> bool:
    """Whether an enquiry finds the child under a name."""
    ann.sync()
    return "c1" in [hit.record_id for hit in ann.enquire(family=family, born="2021-03-04").hits]
