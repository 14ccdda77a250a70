"""On-line enquiries against real server processes: answered, signed, sealed, taken once, kept."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from api_actors import AUTHORITY, Administrator, Board, FieldDevice, Signed
from children import child
from databases import NewDatabase
from field_device import HOST
from fieldward_client import Device
from fieldward_server.services.custody.devices import set_access
from fieldward_server.services.look_ups.journals import list_sealed_look_ups, verify_journals
from fieldward_server.services.look_ups.sealed_look_ups import open_look_ups
from fieldward_server.services.records.loading import load_records
from fieldward_sync.access import Access
from fieldward_sync.enquiries import read_header
from fieldward_sync.errors import RefusedByServer
from fieldward_sync.http_signatures import verify_answer
from fieldward_sync.journal import LookUp
from http_server import Answer, Server, serving
from loop import Loop
from office import Office
from postgres import fresh_database

ADA = {"family": "Okafor", "given": "Ada", "born": "2021-03-04"}


@contextmanager
def board_on(folder: Path, database_url: str | None) -> Iterator[Board]:
    """A service with one child."""
    began = int(time.time())
    board = Board(folder / "data", database_url, began=began, public_authority=HOST, workers="2")
    load(board, "ada")
    try:
        yield board
    finally:
        board.close()


def load(board: Board, record_id: str) -> None:
    """Load a child."""
    (verdict,) = load_records(
        board.platform,
        [child(record_id)],
        authority=AUTHORITY,
        actor="test",
        reason="routine",
        now=board.clock(),
    )
    assert verdict.outcome == "created"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def board(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Board]:
    with ExitStack() as stack:
        url = None
        if request.param == "postgresql":
            url = stack.enter_context(fresh_database(request.getfixturevalue("postgres")))
        yield stack.enter_context(board_on(tmp_path_factory.mktemp("board"), url))


@pytest.fixture(scope="module")
def server(board: Board, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(board, tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture
def device(board: Board) -> FieldDevice:
    board.clock.seconds = int(time.time())
    return FieldDevice.enrolled(board)


def ask(server: Server, board: Board, request: Signed) -> Answer:
    """Send an enquiry; the answer is the authority's, to exactly this request."""
    answer = server.send(request)
    verify_answer(
        answer.headers,
        status=answer.status,
        body=answer.body,
        request_signature=request.headers["signature"],
        public_keys=board.answer_keys(),
    )
    return answer


def look_ups(board: Board, device: FieldDevice) -> list[LookUp]:
    """What is on record of a device's enquiries."""
    page = list_sealed_look_ups(board.platform, AUTHORITY, device=device.device)
    opened = [it.look_up for it in open_look_ups(page, [board.secrets.audit_seed])]
    return [it for it in opened if it is not None]


def test_a_child_is_found_and_opened_over_the_wire_where_nobody_can_read_along(
    server: Server, board: Board, device: FieldDevice
) -> None:
    search = device.enquiry(ADA)
    answer = ask(server, board, search)
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/vnd.fieldward+msgpack"
    enquired = device.answer_to(answer.body)
    assert [hit.record_id for hit in enquired.hits] == ["ada"]
    opened = ask(server, board, device.enquiry({}, record_id="ada"))
    view = device.answer_to(opened.body).view
    assert view is not None
    assert view.text("name.family") == "Okafor"
    for seen in (search.body, answer.body, opened.body):
        for told in (b"Okafor", b"2021-03-04", b"07700", b"ada"):
            assert told not in seen
    assert [(it.action, it.outcome) for it in look_ups(board, device)] == [
        ("search", "shown"),
        ("open", "shown"),
    ]


def test_an_enquiry_is_answered_once_by_all_workers_together(
    server: Server, board: Board, device: FieldDevice
) -> None:
    request = device.enquiry(ADA)
    answers = [ask(server, board, request) for _ in range(8)]
    assert [answer.status for answer in answers] == [200] + 7 * [409]
    assert len(look_ups(board, device)) == 1


def test_a_refusal_says_why_and_what_to_do_and_is_on_record(
    server: Server, board: Board, device: FieldDevice
) -> None:
    set_access(
        board.platform,
        authority=AUTHORITY,
        device=device.device,
        access=Access.PAUSED,
        actor="test",
        reason="lost",
        now=board.clock(),
    )
    answer = ask(server, board, device.enquiry(ADA))
    problem = json.loads(answer.body)
    assert (answer.status, problem["code"]) == (403, "paused")
    assert "resume" in problem["next_step"]
    assert problem["type"] == "/problems/paused"
    assert [(it.outcome, it.terms) for it in look_ups(board, device)] == [("refused", ADA)]


@pytest.mark.parametrize(
    ("terms", "reason", "code"),
    [
        (ADA, "curiosity", "reason-unknown"),
        ({"sex": "male"}, "clinic", "search-too-short"),
        ({"hair": "red"}, "clinic", "term-unknown"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_a_mistake_is_told_with_its_code(
    server: Server,
    board: Board,
    device: FieldDevice,
    terms: dict[str, str],
    reason: str,
    code: str,
) -> None:
    answer = ask(server, board, device.enquiry(terms, reason=reason))
    assert (answer.status, json.loads(answer.body)["code"]) == (400, code)


def test_the_devices_own_key_and_a_strangers_seal_open_nothing(
    server: Server, board: Board, device: FieldDevice
) -> None:
    body = device.enquiry(ADA).body
    as_device = device.signed(
        body, path="/v1/enquiries", key=device.identity, key_id=device.identity_key_id()
    )
    answer = ask(server, board, as_device)
    assert (answer.status, json.loads(answer.body)["code"]) == (403, "practitioner-needed")
    stranger = FieldDevice.enrolled(board)
    answer = ask(server, board, stranger.signed(body, path="/v1/enquiries"))
    assert (answer.status, json.loads(answer.body)["code"]) == (400, "seal-broken")
    assert look_ups(board, device) == look_ups(board, stranger) == []


def test_what_was_answered_is_on_record_whatever_becomes_of_the_server(tmp_path: Path) -> None:
    """Invariant 11: killed as soon as the answer is there."""
    with board_on(tmp_path, None) as board:
        device = FieldDevice.enrolled(board)
        for number in range(1, 4):
            with serving(board, tmp_path) as server:
                assert server.send(device.enquiry(ADA)).status == 200
                server.process.kill()
            assert len(look_ups(board, device)) == number
        reports = verify_journals(board.platform, AUTHORITY)
        assert [it.damage for it in reports] == ["", ""]


def test_an_administrator_lists_what_may_be_of_the_same_child_over_http(board: Board) -> None:
    """A8: with a reason, and on record before it is answered."""
    board.clock.seconds = int(time.time())
    administrator = Administrator.of(board)
    load(board, "ada-2")
    found = administrator.call("records/duplicates", record="ada")
    assert [hit["record_id"] for hit in found["likely"]] == ["ada-2"]
    assert found["likely"][0]["agreement"]["family"] == "exact"
    refused = administrator.refused("records/duplicates", record="ada", reason="routine")
    assert refused["code"] == "argument-malformed"


def test_a_family_is_told_who_looked_off_line_and_on_line(tmp_path: Path) -> None:
    """U1, U8: with the two commands that an administrator has for it."""
    with Office.open(tmp_path) as office:
        mo = office.settled()
        children = mo.folder / "alike.ndjson"
        alike = (child(record_id, authority=mo.authority) for record_id in ("t-1", "t-2"))
        children.write_text("".join(f"{json.dumps(each)}\n" for each in alike))
        mo.does("records", "load", str(children))
        meant = {"family": "Okafor", "given": "Ada", "born": "2021-03-04"}
        mo.does("partition", "seal")
        code = mo.does("device", "invite", "--practitioner", "p-17", "--partition", "all-of-it")
        device = Device.enrol(
            tmp_path / "device", office.url, code.split()[-1], passphrase="correct horse battery"
        )
        device.sync()
        with device.session(reason="home-visit") as session:
            session.search(**meant)
        with device.session(reason="duty-desk") as session:
            session.enquire(**meant)
            session.open_enquired("t-2")
        device.sync()
        name = device.status().device
        device.close()
        audit_key = str(mo.folder / "keys" / f"{mo.authority}-audit-key")
        shown = ("journal", "show", "--audit-key", audit_key, "--reason", "family-request")
        asked = mo.reads(*shown)
        assert [(it["online"], it["look_up"]["reason"]) for it in asked] == [
            (False, "home-visit"),
            (True, "duty-desk"),
            (True, "duty-desk"),
        ]
        opened = [it for it in asked if "t-2" in it["look_up"]["records"]]
        assert mo.reads(*shown, "--record", "t-2") == opened
        assert mo.reads(*shown, "--record", "r-1") == []
        assert {it["device"] for it in asked} == {name}
        assert asked[1]["look_up"]["query"] == asked[2]["look_up"]["query"] != ""
        table = mo.does(*shown)
        assert len(re.findall("on line", table)) == 2
        assert len(re.findall("off line", table)) == 1
        verified = {it["device"]: it for it in mo.reads("journal", "verify")}
        assert (verified["server"]["size"], verified["server"]["damage"]) == (2, "")
        assert verified[name]["size"] == 1
        (hit, *_) = json.loads(
            mo.does("records", "duplicates", "t-1", "--reason", "data-quality", "--json")
        )["likely"]
        assert hit["record_id"] == "t-2"
        said = mo.does("records", "duplicates", "t-1", "--reason", "data-quality")
        assert "family: exact" in said


def test_a_restore_goes_on_with_the_log_that_the_backup_has(
    tmp_path: Path, new_database: NewDatabase
) -> None:
    loop = Loop(tmp_path / "loop", new_database())
    loop.load(child("ada"))
    loop.partition("nobody", "team:NONE")
    device, _ = loop.enrol("ann", "p-17", "nobody")
    device.sync()

    def enquire() -> str:
        with device.session(reason="duty-desk") as session:
            return session.enquire(**ADA).answer.value

    assert enquire() == "shown"
    backup = loop.back_up()
    assert enquire() == "shown"
    loop.lose_database(new_database())
    loop.restore(backup)
    # The seal names an incarnation that is over, until the device has heard of the next.
    with pytest.raises(RefusedByServer, match="seal-broken"):
        enquire()
    device.sync()
    assert enquire() == "shown"
    assert loop.misfiled() == set()
    page = list_sealed_look_ups(loop.platform, AUTHORITY)
    incarnations = [read_header(it.header).incarnation for it in page.enquiries]
    assert incarnations == [1, 2]
    assert all(it.look_up for it in open_look_ups(page, [loop.secrets.audit_seed]))
    (own_log,) = [it for it in verify_journals(loop.platform, AUTHORITY) if it.device == "server"]
    assert (own_log.size, own_log.generation, own_log.damage) == (2, 2, "")
    device.close()
    loop.close()
