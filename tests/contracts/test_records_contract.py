"""Loading records: a verdict for each line, and nothing undone that people did since."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from copy import copy
from dataclasses import replace
from threading import Lock
from typing import Any

import pytest

from children import AUTHORITY, PHONE, child, stranger
from field_device import FieldDevice
from fieldward_server.register_entries import Shield
from fieldward_server.services.events import list_events
from fieldward_server.services.records import known_records, loading
from fieldward_server.services.records.conflicts import list_conflicts
from fieldward_server.services.records.known_records import find_records
from fieldward_server.services.records.merges import merge
from fieldward_server.services.records.reading import record_history
from fieldward_server.services.records.record_rows import WORTH_WRITING_AHEAD
from fieldward_server.services.records.shields import raise_shield, release_shield
from fieldward_server.storage import departures, feed_changes, records
from fieldward_server.storage.departures import StoredDeparture
from fieldward_sync import limits
from fieldward_sync.encoding import pack
from fieldward_sync.errors import CallerMistake, RetryLater
from fieldward_sync.versions import Dot
from service_world import World


@pytest.fixture
def device(world: World) -> FieldDevice:
    world.load(child("c1"))
    world.partition("caseload", "all")
    return world.device("caseload")


def value(world: World, path: str = PHONE) -> object:
    (found,) = world.view("c1").at(path)
    return found.value


def with_phone(phone: str) -> dict[str, object]:
    involvement = {"service": "health-visiting", "team": "HV-1", "since": "2021-04-01"}
    return child("c1", involvements={"a1": {**involvement, "phone": phone}})


def test_a_record_is_created_then_unchanged_then_changed(world: World) -> None:
    lines = (child("c1"), json.dumps(child("c1")), child("c1", sex="male"))
    assert [verdict.outcome for verdict in world.load(*lines)] == [
        "created",
        "unchanged",
        "changed",
    ]
    history = record_history(world.platform, authority=AUTHORITY, record_id="c1")
    assert [edit.origin for edit in history.edits] == ["load", "load"]
    assert [change.path for change in history.edits[1].changes] == ["sex"]
    assert (history.revision, history.conflicts) == (2, ())


def test_loading_a_file_again_writes_nothing(world: World) -> None:
    world.load(child("c1"), child("c2"))
    before = world.written()
    assert {verdict.outcome for verdict in world.load(child("c1"), child("c2"))} == {"unchanged"}
    assert world.written() == before


def test_an_old_file_does_not_undo_what_a_practitioner_corrected(
    world: World, device: FieldDevice
) -> None:
    device.edit("c1", PHONE, "07700 900777")
    assert world.load(child("c1"))[0].outcome == "unchanged"
    assert value(world) == "07700 900777"


def test_a_new_file_and_a_correction_that_it_did_not_know_of_conflict(
    world: World, device: FieldDevice
) -> None:
    device.edit("c1", PHONE, "07700 900777")
    assert world.load(with_phone("07700 900888"))[0].outcome == "changed"
    (conflict,) = list_conflicts(world.platform, AUTHORITY)
    assert {v.value for v in conflict.values} == {"07700 900777", "07700 900888"}
    world.load(with_phone("07700 900999"))
    (conflict,) = list_conflicts(world.platform, AUTHORITY)
    assert {v.value for v in conflict.values} == {"07700 900777", "07700 900999"}


def test_a_file_that_says_what_a_practitioner_said_changes_nothing(
    world: World, device: FieldDevice
) -> None:
    device.edit("c1", PHONE, "07700 900777")
    assert world.load(with_phone("07700 900777"))[0].outcome == "unchanged"


def test_an_nhs_number_takes_the_place_of_the_reason_for_its_absence(world: World) -> None:
    world.load(child("c1"))
    numbered = {**child("c1"), "nhs_number": "9434765919"}
    del numbered["nhs_number_withheld"]
    for outcome in ("changed", "unchanged"):
        assert world.load(numbered)[0].outcome == outcome
    assert value(world, "nhs_number") == "9434765919"
    assert value(world, "nhs_number_withheld") is None


def test_what_a_file_does_not_mention_stays(world: World) -> None:
    world.load(child("c1", gp={"code": "P12345", "name": "High Street Surgery"}))
    assert world.load(child("c1"))[0].outcome == "unchanged"
    assert value(world, "gp.name") == "High Street Surgery"


def test_a_file_raises_a_shield_and_never_releases_one(world: World) -> None:
    world.load(child("c1", shield="raised"))
    assert world.view("c1").shielded
    for shield in ("released", "raised"):
        assert world.load(child("c1", shield=shield))[0].outcome == "unchanged"
        assert world.view("c1").shielded


@pytest.mark.parametrize("shield", ["released", None])
def test_a_shield_that_an_administrator_raised_outlives_every_import(
    world: World, shield: str | None
) -> None:
    world.load(child("c1"))
    raise_shield(
        world.platform,
        authority=AUTHORITY,
        record_id="c1",
        actor="test",
        reason="court-order",
        now=world.now,
    )
    world.load(child("c1", sex="male", **({"shield": shield} if shield else {})))
    assert world.view("c1").shielded


def test_a_shield_is_raised_once_and_released_by_name(world: World) -> None:
    world.load(child("c1"))
    command = {"authority": AUTHORITY, "record_id": "c1", "actor": "kim", "reason": "order"}
    for change in (raise_shield, raise_shield, release_shield, release_shield):
        change(world.platform, **command, now=world.now)
    done = [e for e in list_events(world.platform, AUTHORITY) if e.subject == "c1"]
    assert [(e.action, e.actor, e.reason) for e in done] == [
        ("shield-raised", "kim", "order"),
        ("shield-released", "kim", "order"),
    ]
    assert not world.view("c1").shielded
    with pytest.raises(CallerMistake, match="unknown-record"):
        raise_shield(world.platform, **{**command, "record_id": "c9"}, now=world.now)


def test_a_record_with_a_whole_childhoods_involvements_is_loaded_as_one_edit(world: World) -> None:
    involvement = {"service": "health-visiting", "since": "2021-04-01", "phone": "07700 900001"}
    many = {f"i{n}": involvement for n in range(limits.MAX_MEMBERS["involvements"])}
    assert world.load(child("c1", involvements=many))[0].outcome == "created"
    assert len([v for v in world.view("c1").values if v.path.endswith(".phone")]) == len(many)
    assert [edit.number for edit in record_history(**named(world, "c1")).edits] == [1]
    assert world.load(child("c1", involvements=many))[0].outcome == "unchanged"


def test_a_record_larger_than_a_view_is_refused_and_the_rest_loaded(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known_records, "MAX_VALUES_OF_A_VIEW", 20)
    many = {f"i{n}": {"service": "midwifery", "since": "2021-04-01"} for n in range(10)}
    verdicts = world.load(child("c1", involvements=many), child("c2"))
    assert [verdict.outcome for verdict in verdicts] == ["refused", "created"]
    with pytest.raises(CallerMistake, match="unknown-record"):
        record_history(world.platform, authority=AUTHORITY, record_id="c1")


@pytest.mark.parametrize(
    ("line", "record_id", "field"),
    [
        ("{", "", ""),
        ("[]", "", ""),
        ('"c1"', "", ""),
        ("[" * 100_000, "", ""),
        (json.dumps({"record_id": "c9"}), "c9", "authority"),
        (json.dumps(child("c9", born="yesterday")), "c9", "born"),
        (json.dumps(child("c9", notes="shy")), "c9", "notes"),
        (json.dumps(child("c9", authority="E06000001")), "c9", "authority"),
        (json.dumps(child("C9")), "C9", "record_id"),
    ],
)
def test_a_bad_line_is_refused_by_name_and_blocks_no_other(
    world: World, line: str, record_id: str, field: str
) -> None:
    verdicts = world.load(child("c1"), line, "  \n", child("c2"))
    assert [(v.line, v.outcome) for v in verdicts] == [
        (1, "created"),
        (2, "refused"),
        (4, "created"),
    ]
    assert (verdicts[1].record_id, verdicts[1].field) == (record_id, field)
    assert verdicts[1].reason


def _doubled(key: str, instead: str) -> str:
    """A line with a key once more, before what it really says."""
    return json.dumps(child("c9")).replace(f'"{key}":', f'"{key}": {instead}, "{key}":', 1)


@pytest.mark.parametrize(
    "line",
    [
        _doubled("born", '"2020-01-01"'),
        _doubled("involvements", '{"a9": {"service": "midwifery", "since": "2021-04-01"}}'),
        _doubled("a1", '{"service": "midwifery", "since": "2021-04-01"}'),
        _doubled("lines", '["9 Low Road"]').replace(": ", "  :  "),
    ],
)
def test_what_a_line_says_twice_is_not_lost_without_a_word(world: World, line: str) -> None:
    """A reader of JSON keeps the last of two: an involvement would be gone (D4)."""
    (verdict,) = world.load(line)
    assert (verdict.outcome, verdict.record_id) == ("refused", "c9")
    assert "twice" in verdict.reason


@pytest.mark.parametrize("blank", ["", " ", "\n ", "\t  "])
def test_a_line_says_nothing_twice_however_it_is_spaced(world: World, blank: str) -> None:
    line = json.dumps(child("c9", gp={"code": "P12345", "name": "High Street Surgery"}))
    (verdict,) = world.load(line.replace(":", f"{blank}:{blank}"))
    assert verdict.outcome == "created"


def test_records_of_another_authority_are_refused(world: World) -> None:
    lines = [child("c1", authority="E06000001"), child("c2")]
    verdicts = world.load(*lines)
    assert [(v.outcome, v.field) for v in verdicts] == [("refused", "authority"), ("created", "")]


def test_many_lines_are_loaded_in_their_order(world: World) -> None:
    verdicts = world.load(*(child(f"c{n}") for n in range(450)))
    assert [verdict.line for verdict in verdicts] == list(range(1, 451))
    assert {verdict.outcome for verdict in verdicts} == {"created"}


# --- What happens between reading and locking ---


def meanwhile(
    monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object], *, times: int = 1
) -> None:
    """Have something happen after a load has read its records, before it has locked them."""
    drafts, left = loading._drafts, [happens] * times

    def interrupted(*args: Any) -> Any:
        found = drafts(*args)
        if left:
            left.pop()()
        return found

    monkeypatch.setattr(loading, "_drafts", interrupted)


def other_worker(world: World) -> World:
    """The same service in another process."""
    other = copy(world)
    other.platform = replace(world.platform, loading=Lock())
    return other


def test_a_process_loads_one_batch_at_a_time_and_another_process_meanwhile(world: World) -> None:
    with ThreadPoolExecutor(1) as pool:
        with world.platform.loading:
            waiting = pool.submit(world.load, child("c1"))
            assert other_worker(world).load(child("c2"))[0].outcome == "created"
            assert not wait([waiting], timeout=0.1).done
        assert waiting.result()[0].outcome == "created"


@pytest.mark.usefixtures("written_ahead")
def test_an_edit_that_arrives_while_a_file_is_loaded_is_not_replaced_unseen(
    world: World, device: FieldDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    meanwhile(monkeypatch, lambda: device.edit("c1", PHONE, "07700 900777"))
    assert world.load(with_phone("07700 900888"))[0].outcome == "changed"
    (conflict,) = list_conflicts(world.platform, AUTHORITY)
    assert {v.value for v in conflict.values} == {"07700 900777", "07700 900888"}
    assert world.view("c1").revision == 3


@pytest.mark.usefixtures("written_ahead")
def test_a_record_that_another_load_brings_meanwhile_is_not_made_twice(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.partition("caseload", "all")
    other = other_worker(world)
    meanwhile(monkeypatch, lambda: other.load(child("c1"), child("c2")))
    assert [verdict.outcome for verdict in world.load(child("c1"), child("c3"))] == [
        "unchanged",
        "created",
    ]
    assert [e.number for e in record_history(**named(world, "c1")).edits] == [1]
    assert world.stored_partition("caseload").records == 3


def depart(world: World, record_id: str) -> None:
    """Note that a record went to another authority, of which a restored backup has nothing."""
    with world.platform.storage.transaction() as transaction:
        departures.add(
            transaction, [StoredDeparture(AUTHORITY, record_id, "E08000035", pack(()), world.now)]
        )


@pytest.mark.usefixtures("written_ahead")
def test_a_record_that_went_elsewhere_is_not_made_again_though_nothing_is_left_of_it(
    world: World,
) -> None:
    depart(world, "c1")
    outcomes = [verdict.outcome for verdict in world.load(child("c1"), child("c2"))]
    assert outcomes == ["refused", "created"]
    assert strays(world) == []


def test_a_record_that_goes_elsewhere_meanwhile_is_not_made_again(
    world: World, monkeypatch: pytest.MonkeyPatch, written_ahead: bool
) -> None:
    meanwhile(monkeypatch, lambda: depart(world, "c1"))
    lines = child("c1"), child("c2")
    if written_ahead:
        with pytest.raises(RetryLater, match="elsewhere"):
            world.load(*lines)
    assert [verdict.outcome for verdict in world.load(*lines)] == ["refused", "created"]
    assert strays(world) == []


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_of_two_loads_that_bring_the_same_records_at_once_one_is_told_to_come_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite lets one write at a time."""
    other, lines = other_worker(world), [child(f"c{n}") for n in range(WORTH_WRITING_AHEAD)]
    revisions, left = records.revisions, [lambda: other.load(*lines)]

    def interrupted(*args: Any) -> dict[str, int]:
        found = revisions(*args)
        if left:
            left.pop()()
        return found

    monkeypatch.setattr(records, "revisions", interrupted)
    with pytest.raises(RetryLater, match="at this moment"):
        world.load(*lines)
    assert {verdict.outcome for verdict in world.load(*lines)} == {"unchanged"}
    assert strays(world) == []


@pytest.mark.usefixtures("written_ahead")
def test_a_partition_that_is_made_meanwhile_gets_every_change(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.load(child("c1"))
    meanwhile(monkeypatch, lambda: world.partition("caseload", "all"))
    world.load(child("c1", sex="male"), child("c2"))
    with world.platform.storage.reading() as transaction:
        changes = feed_changes.since(transaction, AUTHORITY, "caseload", after=1)
    assert [(change.number, change.record_id) for change in changes] == [(2, "c1"), (3, "c2")]


@pytest.mark.usefixtures("written_ahead")
def test_a_shield_that_is_raised_meanwhile_hides_what_is_loaded(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.load(child("c1"))
    command = {"authority": AUTHORITY, "record_id": "c1", "actor": "kim", "reason": "order"}
    meanwhile(monkeypatch, lambda: raise_shield(world.platform, **command, now=world.now))
    moved = {"kind": "current", "lines": ["9 Low Road"], "postcode": "S1 2AB"}
    assert world.load(child("c1", address=moved))[0].outcome == "changed"
    assert world.view("c1").shielded
    assert not world.view("c1").at("address")


@pytest.mark.usefixtures("written_ahead")
def test_the_register_names_the_raise_that_a_file_made(world: World) -> None:
    """Else a restore would raise anew what has been released since."""
    world.load(child("c1", shield="raised"))
    (raised,) = [e for e in world.platform.shield_register.read() if isinstance(e, Shield)]
    (edit,) = record_history(world.platform, authority=AUTHORITY, record_id="c1").edits
    assert raised.dots == (Dot(edit.actor, edit.counter),)


@pytest.mark.usefixtures("written_ahead")
def test_what_is_loaded_while_its_record_is_merged_reaches_the_survivor(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.load(stranger("c1"), stranger("c2"))
    into = {"authority": AUTHORITY, "record": "c1", "into": "c2", "actor": "kim", "reason": "same"}
    meanwhile(monkeypatch, lambda: merge(world.platform, **into, now=world.now))
    moved = {"kind": "current", "lines": ["9 Low Road"], "postcode": "S1 2AB"}
    assert world.load(stranger("c1", address=moved))[0].outcome == "changed"
    assert moved in [value.value for value in world.view("c2").at("address")]
    assert world.view("c1").values == ()


def named(world: World, record_id: str) -> dict[str, Any]:
    return {"platform": world.platform, "authority": AUTHORITY, "record_id": record_id}


@pytest.mark.usefixtures("written_ahead")
@pytest.mark.parametrize("lines_at_once", [1, 4, 500])
def test_it_does_not_matter_how_many_lines_are_loaded_at_once(
    world: World, monkeypatch: pytest.MonkeyPatch, lines_at_once: int
) -> None:
    """One table of what is stored, whatever is worked out beforehand, alone or together."""
    monkeypatch.setattr(loading, "LINES_IN_A_TRANSACTION", lines_at_once)
    world.partition("caseload", "team:HV-1", "sector:M14 5")
    world.partition("sensitive", "team:MH-1")
    sensitive = {"service": "mental-health", "team": "MH-1", "since": "2021-04-01"}
    ended = {"service": "midwifery", "team": "HV-1", "since": "2021-04-01", "ended": "2021-05-01"}
    lines = (
        child("c1"),
        child("c2", involvements={"a1": {**sensitive, "sensitive_ground": "consent"}}),
        child("c1", sex="male"),
        stranger("c3", shield="raised"),
        child("c1", involvements={"a1": ended}, address={"kind": "no-known-address"}),
        child("c4", former_names={"f1": {"family": "Eze", "given": "Ada"}}),
        stranger("c3", sex="male"),
        child("c1"),
    )
    outcomes = [verdict.outcome for verdict in world.load(*lines)]
    new, changed = "created", "changed"
    assert outcomes == [new, new, changed, new, changed, new, changed, changed]
    assert strays(world) == []
    revisions = [world.view(c).revision for c in ("c1", "c2", "c3", "c4")]
    assert revisions == [4, 1, 2, 1]
    assert [world.stored_partition(p).records for p in ("caseload", "sensitive")] == [4, 1]
    world.seal()
    device = world.device("caseload", "sensitive")
    device.sync()
    assert device.contents("caseload") == {c: world.view(c) for c in ("c1", "c2", "c3", "c4")}


def strays(world: World) -> list[tuple[str, str]]:
    """Rows of records and partitions that belong to nothing: no reference in the schema forbids
    them, because databases look for each row on its own."""
    wanted = {
        "edit": ("record_id", "record"),
        "record_rule": ("record_id", "record"),
        "search_key": ("record_id", "record"),
        "member": ("record_id", "record"),
        "feed": ("record_id", "record"),
        "record": ("record_id", "edit"),
        "partition_rule": ("partition_id", "partition"),
    }
    both = [*wanted.items(), ("member", ("partition_id", "partition"))]
    found = []
    with world.platform.storage.reading() as transaction:
        for table, (column, other) in [*both, ("feed", ("partition_id", "partition"))]:
            # Names of our own.
            rows = transaction.execute(
                f"SELECT {column} FROM {table} t WHERE NOT EXISTS (SELECT 1 FROM {other} o"  # noqa: S608
                f" WHERE o.authority = t.authority AND o.{column} = t.{column})"
            )
            found += [(table, str(row[column])) for row in rows]
    return found


def test_every_rule_that_is_stored_chooses_its_record(world: World) -> None:
    world.partition("caseload", "all")
    world.load(child("c1"), child("c2", shield="raised"), child("c3", involvements={}))
    world.load(child("c1", address={"kind": "no-known-address"}))
    with world.platform.storage.reading() as transaction:
        stored = {
            (row["record_id"], row["rule"])
            for row in transaction.execute("SELECT record_id, rule FROM record_rule")
        }
        known = find_records(transaction, AUTHORITY, ["c1", "c2", "c3"])
    assert stored == {(c, rule) for c, record in known.items() for rule in record.rules}
    assert ("c1", "sector:M14 5") not in stored
    assert strays(world) == []
