"""The commands of administrators over HTTP: signed, checked, recorded, each of the whole table."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from api_actors import (
    AUTHORITY,
    PARTITION,
    PRACTITIONER,
    START,
    Administrator,
    Board,
    FieldDevice,
    require_signed,
    synced,
)
from children import child
from fieldward_server.api.admin_commands import COMMANDS
from fieldward_server.api.commands import Call
from fieldward_server.services.events import list_events
from fieldward_sync.encoding import encode
from fieldward_sync.messages import MAX_COMMAND_BYTES, administrator_key_id
from fieldward_sync.signing import public_key
from founding import ADMINISTRATOR, found, let_in
from postgres import fresh_database

LEEDS = "E08000035"

SAMPLES: dict[str, Any] = {
    "administrator": "bo-lee",
    "after": 3,
    "again_by": START + 60,
    "by": "carer",
    "challenge": "5a" * 10,
    "copying": ["/carers/ann"],
    "device": "d-1",
    "dispute": "d1",
    "giver": AUTHORITY,
    "into": "c2",
    "like": "c2",
    "limit": 10,
    "number": 3,
    "outcome": "upheld",
    "path": "born",
    "shown": [2, 3],
    "value": '"2021-03-04"',
    "which": "all",
    "lines": ["{}"],
    "moving": ["/involvements/i1"],
    "name": "Bo Lee",
    "employer": "Community Health",
    "manager": "Joan Reid",
    "new": "c9",
    "partition": "central",
    "partitions": [PARTITION],
    "practitioner": PRACTITIONER,
    "public_key": "ab" * 32,
    "record": "c1",
    "record_cap": 20_000,
    "role": "health-visitor",
    "taker": AUTHORITY,
    "root_key": "ab" * 32,
    "rules": ["all"],
    "team": "HV-1",
    "title": "Central",
    "trained_until": START,
    "trust": "93",
    "valid_seconds": 60,
    "verb": "pause",
    "vetted_until": START,
    "way": "tethered",
}
"""A value that fits each field; what it names need not be there."""


def sample(command: str) -> dict[str, Any]:
    """Fields that fit a command."""
    if command == "journal/delivered":
        return {"device": "d-1", "after": "d-1.1.0"}
    if command in ("conflicts/list", "disputes/list", "shield/alike", "shield/list"):
        return {"after": "c1", "limit": 10}
    if command == "records/transfers":
        return {"after": "0a", "limit": 10, "which": "all"}
    if command == "device/loss-records":
        return {"device": "d-1", "after": "c1"}
    return {name: SAMPLES[name] for name in COMMANDS[command].takes}


def fitting_reason(command: str) -> str:
    """A reason that the command takes."""
    return next(iter(COMMANDS[command].reasons), "complaint-17")


@pytest.fixture(params=["sqlite", "postgresql"])
def board(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Board]:
    on_postgres = request.param == "postgresql"
    board = Board(tmp_path, request.getfixturevalue("postgres_database") if on_postgres else None)
    yield board
    board.close()


@pytest.fixture(scope="module")
def one_board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Board]:
    """One for all tests that change nothing, or nothing that matters to another."""
    board = Board(tmp_path_factory.mktemp("board"))
    yield board
    board.close()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared_board(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Board]:
    """The same, on both databases."""
    with ExitStack() as stack:
        url = None
        if request.param == "postgresql":
            url = stack.enter_context(fresh_database(request.getfixturevalue("postgres")))
        board = Board(tmp_path_factory.mktemp("board"), url)
        stack.callback(board.close)
        yield board


@pytest.fixture
def administrator(board: Board) -> Administrator:
    return Administrator.of(board)


def recorded(board: Board, authority: str = AUTHORITY) -> list[tuple[str, str, str, str]]:
    """Who did what to what and why."""
    found = list_events(board.platform, authority)
    return [(it.actor, it.action, it.subject, it.reason) for it in found]


# --- Every command of the table ---


@dataclass(frozen=True)
class Mistaken:
    """A body that a command must refuse, with the field that must be named."""

    command: str
    field: str
    body: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.command} {self.field}"


def _mistaken(command: str) -> Iterator[Mistaken]:
    fitting = {"reason": fitting_reason(command), **sample(command)}
    yield Mistaken(command, "colour", {**fitting, "colour": "red"})
    needed = [name for name, field in COMMANDS[command].schema.fields.items() if field.required]
    assert "reason" in needed
    for name in needed:
        yield Mistaken(command, name, {n: value for n, value in fitting.items() if n != name})
    for name in fitting:
        yield Mistaken(command, name, {**fitting, name: None})
        yield Mistaken(command, name, {**fitting, name: {"of": "another kind"}})
    if COMMANDS[command].shows_content:
        yield Mistaken(command, "reason", {**fitting, "reason": "routine"})
    yield Mistaken(command, "reason", {**fitting, "reason": "Because I can"})
    if COMMANDS[command].reasons:
        yield Mistaken(command, "reason", {**fitting, "reason": "complaint-17"})


MISTAKEN = [mistaken for command in COMMANDS for mistaken in _mistaken(command)]


@pytest.mark.parametrize("mistaken", MISTAKEN, ids=str)
def test_a_mistake_in_a_command_is_refused_and_its_field_named(
    one_board: Board, mistaken: Mistaken
) -> None:
    before = one_board.contents()
    problem = Administrator.of(one_board).refused(
        mistaken.command, body=msgspec.json.encode(mistaken.body)
    )
    assert (problem["status"], problem["code"]) == (400, "argument-malformed")
    assert [it["field"].partition(".")[0] for it in problem["mistakes"]] == [mistaken.field]
    assert all(it["reason"] for it in problem["mistakes"])
    assert one_board.contents() == before


def test_all_mistakes_of_a_command_are_told_at_once(one_board: Board) -> None:
    problem = Administrator.of(one_board).refused(
        "partition/create", reason="", partition="Central!", title="a\nb", rules=[], colour="red"
    )
    told = {it["field"] for it in problem["mistakes"]}
    assert told == {"reason", "partition", "title", "rules", "colour"}


def test_of_many_lines_those_that_are_no_text_are_named(one_board: Board) -> None:
    problem = Administrator.of(one_board).refused("records/load", lines=["{}", 1, "{}", {}])
    assert [it["field"] for it in problem["mistakes"]] == ["lines.1", "lines.3"]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_in_the_log_with_name_and_reason_before_it_runs(
    shared_board: Board, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A8, invariant 8: whoever looks cannot do it unseen, whatever becomes of the command."""
    board, administrator = shared_board, Administrator.of(shared_board)
    seen: list[tuple[str, str, str, str]] = []

    def watch(*args: Any) -> Any:
        seen.extend(recorded(board)[-1:])
        return Call(*args)

    monkeypatch.setattr("fieldward_server.api.admin_api.Call", watch)
    reason = fitting_reason(command)
    request = administrator.signed(command, reason=reason, **sample(command))
    response = request.send(board.client)
    require_signed(board, request, response)
    assert response.status_code in {200, 400, 409}, response.text
    about = " ".join(str(sample(command)[name]) for name in COMMANDS[command].about)
    assert seen == [(ADMINISTRATOR, command, about, reason)]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_opens_to_no_other_key(shared_board: Board, command: str) -> None:
    board = shared_board
    device, stranger = FieldDevice.enrolled(board), Ed25519PrivateKey.generate()
    founder = Administrator.of(board)
    signers = [
        Administrator(board, stranger),
        Administrator(board, device.identity),
        Administrator(board, device.practitioner_key),
    ]
    before = board.contents()
    requests = [it.signed(command, reason="audit", **sample(command)) for it in signers]
    for key_id in (device.key_id(), device.identity_key_id(), founder.key_id()):
        for key in (device.identity, device.practitioner_key):
            signer = Administrator(board, key)
            requests.append(
                signer.signed(command, key_id=key_id, reason="audit", **sample(command))
            )
    for request in requests:
        response = request.send(board.client)
        assert response.status_code == 401, response.text
    assert board.contents() == before


def test_an_administrators_key_opens_no_device_route(board: Board) -> None:
    device, founder = FieldDevice.enrolled(board), Administrator.of(board)
    body = encode(device.sync_request())
    for key_id in (founder.key_id(), device.key_id(), device.identity_key_id()):
        request = device.signed(body, key=founder.key, key_id=key_id)
        assert request.send(board.client).status_code == 401


# --- What is refused at the door ---


def test_a_body_that_is_no_json_object_is_refused(one_board: Board) -> None:
    administrator = Administrator.of(one_board)
    before = one_board.contents()
    for body, code in (
        (b"", "malformed"),
        (b"{", "malformed"),
        (b"\xff", "malformed"),
        (b"[" * 100_000, "malformed"),
        (b'{"reason": "\\ud800"}', "malformed"),
        (b"[]", "argument-malformed"),
        (b"7", "argument-malformed"),
        (b'"text"', "argument-malformed"),
        (b"null", "argument-malformed"),
    ):
        assert administrator.refused("device/list", body=body)["code"] == code, body
    form = administrator.signed("device/list", reason="audit").with_headers(
        content_type="application/x-www-form-urlencoded"
    )
    assert form.send(one_board.client).get_json()["code"] == "wrong-media-type"
    assert one_board.contents() == before


def test_a_command_may_be_long_and_no_longer(one_board: Board) -> None:
    administrator = Administrator.of(one_board)
    fitting = b'{"reason":"audit"' + b" " * (MAX_COMMAND_BYTES - 18) + b"}"
    assert len(fitting) == MAX_COMMAND_BYTES
    sent = administrator.signed("device/list", body=fitting).send(one_board.client)
    assert sent.status_code == 200
    longer = administrator.signed("device/list", body=fitting + b" ")
    assert longer.send(one_board.client).get_json()["code"] == "too-large"


def test_a_strangers_long_body_is_not_read(one_board: Board) -> None:
    class Unread:
        def read(self, *_: int) -> bytes:
            raise AssertionError("The body was read.")

        readline = read

    stranger = Administrator(one_board, Ed25519PrivateKey.generate())
    request = stranger.signed("device/list", body=bytes(1_000_000))
    response = one_board.client.post(
        request.path,
        headers=request.headers,
        environ_overrides={"wsgi.input": Unread(), "CONTENT_LENGTH": "1000000"},
    )
    assert response.get_json()["code"] == "unknown-key"


def test_an_unknown_command_is_told_to_be_one(one_board: Board) -> None:
    administrator = Administrator.of(one_board)
    assert administrator.refused("device/explode")["code"] == "not-found"
    listing = replace(administrator.signed("device/list", reason="audit"), method="GET")
    assert listing.send(one_board.client).get_json()["code"] == "signature-wrong"


def test_a_command_is_carried_out_once_by_all_workers_together(
    board: Board, administrator: Administrator
) -> None:
    request = administrator.signed("device/list", reason="audit")
    other_worker = board.another_application().test_client()
    assert request.send(board.client).status_code == 200
    for client in (board.client, other_worker):
        response = request.send(client)
        require_signed(board, request, response)
        problem = response.get_json()
        assert (problem["status"], problem["code"]) == (409, "counter-used")
        assert problem["last_counter"] == administrator.counter
    assert [action for _, action, _, _ in recorded(board)].count("device/list") == 1


def test_commands_may_overtake_each_other_within_a_window(
    board: Board, administrator: Administrator
) -> None:
    for counter in (50_000, 49_936, 49_999):
        sent = administrator.signed("device/list", reason="audit", counter=counter)
        assert sent.send(board.client).status_code == 200
    late = administrator.signed("device/list", reason="audit", counter=49_935)
    assert late.send(board.client).get_json()["code"] == "counter-used"


# --- A hostile administrator ---


def founder_of_leeds(board: Board) -> Administrator:
    """Somebody of another authority on the same server."""
    secrets = found(board.platform, LEEDS, name="Leeds", now=START)
    return Administrator(board, secrets.administrator_key, authority=LEEDS)


@pytest.fixture(scope="module")
def hostile(shared_board: Board) -> Administrator:
    return founder_of_leeds(shared_board)


@pytest.mark.parametrize("command", COMMANDS)
def test_nobody_commands_for_an_authority_that_is_not_theirs(
    shared_board: Board, hostile: Administrator, command: str
) -> None:
    board, leeds = shared_board, hostile
    before = board.contents()
    fields = {"reason": fitting_reason(command), **sample(command)}
    in_their_own_name = leeds.signed(command, path_authority=AUTHORITY, **fields)
    as_if_they_were_ours = leeds.signed(
        command,
        path_authority=AUTHORITY,
        key_id=administrator_key_id(AUTHORITY, public_key(leeds.key)),
        **fields,
    )
    as_one_of_ours = leeds.signed(
        command,
        path_authority=AUTHORITY,
        key_id=Administrator.of(board).key_id(),
        **fields,
    )
    codes = [
        request.send(board.client).get_json()["code"]
        for request in (in_their_own_name, as_if_they_were_ours, as_one_of_ours)
    ]
    assert codes == ["foreign-authority", "unknown-key", "signature-wrong"]
    assert board.contents() == before


def test_no_command_takes_a_line_out_of_the_log(board: Board, administrator: Administrator) -> None:
    """Invariant 8: what an administrator looked at stays known, whatever they do next."""
    administrator.call("records/load", lines=[msgspec.json.encode(child("c1")).decode()])
    administrator.call("records/history", record="c1", reason="curious")
    log = list_events(board.platform, AUTHORITY)
    for command in COMMANDS:
        administrator.signed(command, reason=fitting_reason(command), **sample(command)).send(
            board.client
        )
        after = list_events(board.platform, AUTHORITY)
        assert after[: len(log)] == log, command
        assert len(after) > len(log), command
        log = after
    assert (ADMINISTRATOR, "records/history", "c1", "curious") in recorded(board)


def test_what_cannot_be_recorded_is_not_shown(
    board: Board, administrator: Administrator, monkeypatch: pytest.MonkeyPatch
) -> None:
    administrator.call("records/load", lines=[msgspec.json.encode(child("c1")).decode()])

    def fails(*_: object, **__: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr("fieldward_server.storage.events.add", fails)
    response = administrator.signed("records/history", record="c1", reason="audit").send(
        board.client
    )
    assert response.status_code == 500
    assert "Okafor" not in response.text


# --- What commands do ---


def test_an_authority_is_founded_by_its_first_administrator(board: Board) -> None:
    leeds = Administrator(board, let_in(board.platform, LEEDS, now=START), authority=LEEDS)

    def told(command: str, **fields: Any) -> Any:
        request = leeds.signed(command, reason="routine", **fields)
        return request.send(board.client).get_json()

    assert told("device/list")["code"] == "not-founded"
    assert told("authority/trust")["code"] == "not-founded"
    assert told("authority/show")["founded"] is False
    keys = told("authority/keys")
    assert len(bytes.fromhex(keys["answer_key"])) == 32
    assert len(bytes.fromhex(keys["edit_key"])) == 1216
    assert keys["incarnation"] == 1
    actions = [action for _, action, _, _ in recorded(board, LEEDS)]
    assert actions == [
        "authority-prepared",
        "administrator-added",
        "device/list",
        "authority/trust",
        "authority/show",
        "authority/keys",
    ]


def test_an_administrator_who_was_removed_commands_nothing(
    board: Board, administrator: Administrator
) -> None:
    key = Ed25519PrivateKey.generate()
    second = Administrator(board, key)
    administrator.call(
        "administrator/add",
        administrator="bo-lee",
        name="Bo Lee",
        public_key=public_key(key).hex(),
    )
    second.call("device/list")
    assert second.refused("administrator/remove", administrator="nobody")["status"] == 400
    second.call("administrator/remove", administrator=ADMINISTRATOR)
    assert administrator.refused("device/list")["code"] == "unknown-key"
    assert second.refused("administrator/remove", administrator="bo-lee")["code"] == (
        "last-administrator"
    )
    listed = second.call("administrator/list")["items"]
    assert [(it["administrator"], it["removed_at"]) for it in listed] == [
        (ADMINISTRATOR, START),
        ("bo-lee", None),
    ]


def test_a_device_is_invited_watched_and_wiped(board: Board, administrator: Administrator) -> None:
    invited = administrator.call(
        "device/invite", practitioner=PRACTITIONER, partitions=[PARTITION], valid_seconds=60
    )
    device = FieldDevice.enrolled(board, invited["code"])
    (listed,) = administrator.call("device/list")["items"]
    assert (listed["device"], listed["access"]) == (device.device, "active")
    for verb, access in (("pause", "paused"), ("resume", "active"), ("drain", "draining")):
        assert administrator.call(f"device/{verb}", device=device.device) == {}
        assert administrator.call("device/show", device=device.device)["access"] == access
    administrator.call("device/wipe", device=device.device, reason="stolen")
    administrator.call("device/revoke", device=device.device, reason="stolen")
    shown = administrator.call("device/show", device=device.device)
    assert (shown["access"], shown["wipe"]["state"]) == ("revoked", "ordered")
    done = [(action, reason) for _, action, _, reason in recorded(board)]
    assert ("wipe-ordered", "stolen") in done
    assert ("access-revoked", "stolen") in done
    assert synced(device.sync().send(board.client)).access == "revoked"


def test_records_are_loaded_shielded_and_looked_at(
    board: Board, administrator: Administrator
) -> None:
    lines = [msgspec.json.encode(child(f"c{n}")).decode() for n in range(3)]
    verdicts = administrator.call("records/load", lines=[*lines[:2], "", "{", lines[2]])["verdicts"]
    assert [(it["line"], it["outcome"]) for it in verdicts] == [
        (1, "created"),
        (2, "created"),
        (4, "refused"),
        (5, "created"),
    ]
    administrator.call("shield/raise", record="c1", reason="court-order")
    history = administrator.call("records/history", record="c1")
    assert history["shielded"] is True
    assert {change["path"] for edit in history["edits"] for change in edit["changes"]} >= {
        "name.family",
        "shield",
    }
    administrator.call("shield/release", record="c1", reason="order-lifted")
    assert administrator.call("records/history", record="c1")["shielded"] is False
    assert administrator.refused("records/history", record="nobody")["code"] == "unknown-record"


def test_a_partition_is_made_granted_sealed_and_taken_back(
    board: Board, administrator: Administrator
) -> None:
    device = FieldDevice.enrolled(board)
    made = administrator.call(
        "partition/create", partition="central", title="Central", rules=["all"]
    )
    assert made == {"records": 0}
    granted = {"partition": "central", "device": device.device, "practitioner": PRACTITIONER}
    administrator.call("grant/give", **granted)
    assert administrator.call("partition/seal") == {"files": 2}
    listed = {it["partition"]: it for it in administrator.call("partition/list")["items"]}
    assert (listed["central"]["files"], listed["central"]["holders"]) == (1, 1)
    administrator.call("grant/take", **granted, reason="left-team")
    listed = {it["partition"]: it for it in administrator.call("partition/list")["items"]}
    assert listed["central"]["holders"] == 0


def test_a_change_is_previewed_made_and_held_within_the_cap(
    board: Board, administrator: Administrator
) -> None:
    """D6: by commands alone, previews on record and without effect."""
    lines = [msgspec.json.encode(child(f"c{n}")).decode() for n in range(3)]
    administrator.call("records/load", lines=lines)
    administrator.call("partition/create", partition="north", title="N", rules=["sector:M14 5"])
    administrator.call("partition/create", partition="south", title="S", rules=["sector:S1 2"])
    invited = administrator.call(
        "device/invite",
        practitioner=PRACTITIONER,
        partitions=["south"],
        valid_seconds=60,
        record_cap=2,
    )
    device = FieldDevice.enrolled(board, invited["code"]).device
    granted: dict[str, Any] = {"partition": "north", "device": device, "practitioner": PRACTITIONER}
    preview = administrator.call("grant/preview", **granted)
    assert (preview["change"], preview["records_coming"]) == ("grant/give", 3)
    problem = administrator.refused("grant/give", **granted)
    assert (problem["status"], problem["code"]) == (409, "over-cap")
    rules: dict[str, Any] = {"partition": "south", "rules": ["all"]}
    (touched,) = administrator.call("partition/preview", **rules)["devices"]
    assert touched == {
        "device": device,
        "generation": 1,
        "practitioners": [PRACTITIONER],
        "records_now": 0,
        "records_then": 3,
        "by_way_now": {"offline": 0, "warm": 0, "tethered": 0},
        "by_way_then": {"offline": 3, "warm": 0, "tethered": 0},
        "record_cap": 2,
        "over_cap": True,
        "unsent_edits": 0,
    }
    assert administrator.refused("partition/change", **rules)["code"] == "over-cap"
    raised: dict[str, Any] = {"device": device, "record_cap": 10_001}
    routine = administrator.refused("device/cap", **raised, reason="routine")
    assert routine["code"] == "reason-needed"
    administrator.call("device/cap", **raised, reason="whole-authority")
    assert administrator.call("partition/change", **rules, reason="merged") == {"records": 3}
    shown = administrator.call("device/show", device=device)
    assert (shown["records"], shown["record_cap"]) == (3, 10_001)
    done = [(action, subject, reason) for _, action, subject, reason in recorded(board)]
    assert ("cap-set", f"{device} 1 10001", "whole-authority") in done
    assert ("grant/preview", f"north {PRACTITIONER} {device}", "audit") in done


def test_sealing_by_command_leaves_other_authorities_alone(
    board: Board, administrator: Administrator
) -> None:
    made = founder_of_leeds(board).signed(
        "partition/create", reason="routine", partition="all", title="All", rules=["all"]
    )
    assert made.send(board.client).status_code == 200
    assert administrator.call("partition/seal") == {"files": 1}


def test_events_are_read_in_pages_or_from_the_end(
    board: Board, administrator: Administrator
) -> None:
    for _ in range(5):
        administrator.call("device/list")
    everything = list_events(board.platform, AUTHORITY)
    last = administrator.call("authority/events", limit=2)["items"]
    assert [it["number"] for it in last] == [len(everything), len(everything) + 1]
    assert last[-1]["action"] == "authority/events"
    first = administrator.call("authority/events", after=0, limit=3)["items"]
    assert [it["number"] for it in first] == [1, 2, 3]
    following = administrator.call("authority/events", after=3, limit=1)["items"]
    assert [it["number"] for it in following] == [4]
