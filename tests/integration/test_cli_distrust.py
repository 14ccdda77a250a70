"""An administrator's line: an answer counts if it is the authority's, and for what was asked."""

from __future__ import annotations

import http.client
import json
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from msgspec import structs

from fieldward_server.cli.administration import Administration
from fieldward_server.cli.administrator_key import read_key_file
from fieldward_server.cli.key_files import ROOT, read_key
from fieldward_server.cli.known_authorities import KnownAuthorities, KnownAuthority
from fieldward_sync.encoding import pack
from fieldward_sync.errors import RetryLater
from fieldward_sync.invitations import fingerprint
from fieldward_sync.signing import public_key, sign, signing_key
from office import PASSPHRASE, Administrator, Keyboard, Office
from served import free_port, serving


@dataclass(frozen=True)
class Answer:
    """An answer on its way."""

    path: str
    status: int
    headers: dict[str, str]
    body: bytes


class Way:
    """Somebody between the administrators and their server, who may change what it answers."""

    def __init__(self) -> None:
        self.port = free_port()
        self.server = ""
        self.passed: list[Answer] = []
        self.tamper: Callable[[Answer], Answer] = lambda answer: answer

    def carry(self, path: str, headers: dict[str, str], body: bytes) -> Answer:
        """Carry a request there, and what comes back, or what is made of it."""
        connection = http.client.HTTPConnection(self.server)
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        kept = {name: value for name, value in answer.getheaders() if name not in _HOP}
        passing = Answer(path, answer.status, kept, answer.read())
        connection.close()
        self.passed.append(passing)
        return self.tamper(passing)


_HOP = frozenset({"Content-Length", "Connection", "Date", "Server"})


@pytest.fixture(scope="module")
def way() -> Iterator[Way]:
    way = Way()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answer = way.carry(self.path, dict(self.headers.items()), body)
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            pass

    listener = ThreadingHTTPServer(("127.0.0.1", way.port), Handler)
    thread = Thread(target=listener.serve_forever, daemon=True)
    thread.start()
    yield way
    listener.shutdown()
    thread.join()
    listener.server_close()


@pytest.fixture(scope="module")
def office(way: Way, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    folder = tmp_path_factory.mktemp("office")
    with Office.open(folder, public=f"127.0.0.1:{way.port}") as office:
        way.server = office.listens_on
        yield office


@pytest.fixture
def mo(office: Office) -> Administrator:
    """The administrator of a new authority."""
    return office.administrator()


@contextmanager
def tampering(way: Way, how: Callable[[Answer], Answer]) -> Iterator[None]:
    """For the length of the block every answer is changed."""
    honest, way.tamper = way.tamper, how
    try:
        yield
    finally:
        way.tamper = honest


def line_of(administrator: Administrator) -> Administration:
    """Their line to the server, without the command line around it."""
    return Administration(
        administrator.settings["FIELDWARD_SERVER"],
        read_key_file(administrator.folder / "key", lambda: PASSPHRASE),
        known_authorities(administrator),
        tell=lambda text: None,
    )


def known_authorities(administrator: Administrator) -> KnownAuthorities:
    return KnownAuthorities(administrator.folder / "known-authorities")


def unsigned(answer: Answer) -> Answer:
    bare = {name: it for name, it in answer.headers.items() if "signature" not in name.lower()}
    return replace(answer, headers=bare)


@pytest.mark.parametrize(
    ("tamper", "code"),
    [
        (lambda answer: replace(answer, body=answer.body.replace(b'"records":0', b'"records":1')),
         "digest-wrong"),
        (lambda answer: replace(answer, status=201), "not-this-server"),
        (unsigned, "not-this-server"),
        (lambda answer: Answer("", 200, {}, b'{"items": []}'), "not-this-server"),
        (lambda answer: Answer("", 404, {}, b"<html>Not here</html>"), "not-this-server"),
        (lambda answer: Answer("", 302, {"Location": "http://[::1]/"}, b""), "not-this-server"),
    ],
    ids=["another body", "another status", "unsigned", "made up", "another server", "elsewhere"],
)  # fmt: skip
def test_an_answer_that_is_not_the_authoritys_is_refused(
    tamper: Callable[[Answer], Answer], code: str, mo: Administrator, way: Way
) -> None:
    with tampering(way, tamper):
        mo.is_refused("authority", "show", code=code)
    assert mo.does("authority", "show")


def test_an_answer_to_something_else_is_refused(mo: Administrator, way: Way) -> None:
    mo.does("device", "list")
    earlier = way.passed[-1]
    with tampering(way, lambda answer: earlier if answer.path == earlier.path else answer):
        mo.is_refused("device", "list", code="signature-wrong")


def test_an_answer_of_another_version_is_told_as_one(
    mo: Administrator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was a traceback."""
    mo.does("authority", "show")
    monkeypatch.setattr(Administration, "call", lambda *_, **__: {"items": [{}], "after": None})
    key = mo.folder / "keys" / f"{mo.authority}-audit-key"
    words = ("journal", "show", "--audit-key", str(key), "--reason", "complaint")
    mo.is_refused(*words, code="malformed")


def test_a_busy_gateway_is_something_that_passes(mo: Administrator, way: Way) -> None:
    with tampering(way, lambda answer: Answer("", 502, {}, b"<html>Bad gateway</html>")):
        away = mo.types("device", "list")
    assert (away.exit_code, "[server-busy]" in away.stderr) == (3, True)


def test_a_line_that_goes_while_tls_begins_speaks_of_no_certificate(mo: Administrator) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def break_off() -> None:
            for _ in range(3):  # it is tried again
                connection, _ = server.accept()
                with connection:
                    connection.recv(4096)

        Thread(target=break_off, daemon=True).start()
        mo.settings["FIELDWARD_SERVER"] = f"https://localhost:{server.getsockname()[1]}"
        with pytest.raises(RetryLater, match="no-answer"):
            line_of(mo).trust(mo.authority)


@pytest.mark.parametrize("founded", [True, False])
def test_whoever_answers_everything_with_a_page_is_not_believed_at_the_first_meeting_either(
    founded: bool, office: Office, way: Way
) -> None:
    mo = office.administrator() if founded else office.bootstrapped()
    known_authorities(mo).path(mo.authority).unlink(missing_ok=True)

    def with_a_page(answer: Answer) -> Answer:
        if not founded and answer.path.endswith("/authority/trust"):
            return answer
        return Answer("", 200, {}, b"<html>Welcome to the guests' network</html>")

    with tampering(way, with_a_page):
        mo.is_refused("device", "list", code="not-this-server")


def test_keys_are_kept_where_an_authority_may_have_been_founded_on_them(
    office: Office, way: Way
) -> None:
    """A gateway gives up, but the server went on: without its root key it is never restored."""
    mo = office.bootstrapped()
    gave_up = Answer("", 504, {}, b"<html>Gateway timeout</html>")
    words = ("authority", "create", "--name", "Sheffield", "--secrets", str(mo.folder / "keys"))
    with tampering(way, lambda it: gave_up if it.path.endswith("/create") else it):
        away = mo.types(*words)
    assert (away.exit_code, "[server-busy]" in away.stderr) == (3, True)
    (shown,) = mo.reads("authority", "show")
    assert shown["founded"]
    root_file = mo.folder / "keys" / f"{mo.authority}-{ROOT}"
    root = signing_key(read_key(root_file, purpose=ROOT, authority=mo.authority))
    assert fingerprint(public_key(root)).hex() == shown["root_fingerprint"]


def test_the_first_answer_brings_the_root_key_and_its_fingerprint_is_shown(
    mo: Administrator,
) -> None:
    (shown,) = mo.reads("authority", "show")
    known_authorities(mo).path(mo.authority).unlink()
    met = mo.types("device", "list")
    assert (met.exit_code, shown["root_fingerprint"] in met.stderr) == (0, True)
    assert mo.types("device", "list").stderr == ""


def test_a_root_key_that_its_authority_did_not_have_before_is_refused(
    mo: Administrator, office: Office, tmp_path: Path
) -> None:
    """Somebody else's server, which knows the administrator's key and holds the same authority."""
    with Office.open(tmp_path) as impostor:
        there = impostor.newcomer(mo.authority)
        there.does(
            *("administrator", "bootstrap", "mo", "--name", "Mo Malik"),
            *("--public-key", mo.public_key_file),
        )
        there.settings["FIELDWARD_KEY"] = mo.settings["FIELDWARD_KEY"]
        mo.settings["FIELDWARD_SERVER"] = impostor.url
        unfounded = mo.types("device", "list")
        assert (unfounded.exit_code, "[authority-gone]" in unfounded.stderr) == (1, True)
        other_folder = there.folder / "other"
        other_folder.mkdir()
        for name in ("key", "key.pub"):
            shutil.copy(mo.folder / name, other_folder / name)
        there.settings["FIELDWARD_KEY"] = str(other_folder / "key")
        keys = str(there.folder / "keys")
        there.does("authority", "create", "--name", "Sheffield", "--secrets", keys)
        mo.is_refused("device", "list", code="root-key-changed")
    mo.settings["FIELDWARD_SERVER"] = office.url
    assert mo.types("device", "list").exit_code == 0


def test_what_is_known_of_an_authority_is_not_believed_once_it_was_changed(
    mo: Administrator, office: Office
) -> None:
    path = known_authorities(mo).path(mo.authority)
    known = json.loads(path.read_text())
    path.write_text(json.dumps({**known, "root_key": bytes(32).hex()}))
    mo.is_refused("device", "list", code="known-authority")
    path.write_text("")
    mo.is_refused("device", "list", code="known-authority")


def test_somebody_whom_nobody_added_is_refused(mo: Administrator, office: Office) -> None:
    stranger = office.newcomer(mo.authority)
    stranger.is_refused("device", "list", code="unknown-key")


def test_nobody_commands_for_another_authority(mo: Administrator, office: Office) -> None:
    other = office.administrator()
    assert mo.types("device", "list", "--authority", other.authority).exit_code == 1


def test_one_administrator_adds_another_and_removes_them(mo: Administrator, office: Office) -> None:
    jo = office.newcomer(mo.authority)
    mo.does(
        *("administrator", "add", "jo", "--name", "Jo Lee"),
        *("--public-key", jo.public_key_file),
    )
    jo.does("device", "list")
    assert [it["administrator"] for it in jo.reads("administrator", "list")] == ["jo", "mo"]
    jo.does("administrator", "remove", "mo", "--reason", "left-service")
    mo.is_refused("device", "list", code="unknown-key")
    jo.is_refused(
        *("administrator", "remove", "jo", "--reason", "left-service"), code="last-administrator"
    )


def test_commands_do_not_cross_a_network_in_the_open(mo: Administrator) -> None:
    mo.settings["FIELDWARD_SERVER"] = "http://index.example"
    mo.is_refused("device", "list", code="server-not-private")


def test_over_a_network_a_root_key_vouches_for_no_server_that_was_not_compared(
    office: Office, way: Way
) -> None:
    """The name is this machine's, but not one that says so; nothing is founded without a look."""
    mo = office.newcomer()
    told = mo.does("administrator", "bootstrap", "mo", "--name", "Mo Malik")
    (printed,) = [word.strip(".") for word in told.split() if len(word.strip(".")) == 32]
    words = ("authority", "create", "--name", "Sheffield", "--secrets", str(mo.folder / "keys"))
    mo.is_refused(*words, "--server-key", printed[::-1], code="server-key")
    assert not (mo.folder / "keys").exists()
    mo.does(*words, "--server-key", printed)


def test_several_threads_of_several_programs_command_at_the_same_time(mo: Administrator) -> None:
    """Their counters overtake each other; every command is carried out once."""
    lines = [line_of(mo) for _ in range(3)]
    before = len(mo.reads("authority", "events", "--limit", "1000"))

    def command(number: int) -> None:
        lines[number % len(lines)].call("device/list", authority=mo.authority, reason="routine")

    with ThreadPoolExecutor(9) as pool:
        list(pool.map(command, range(90)))
    assert len(mo.reads("authority", "events", "--limit", "1000")) == before + 90 + 1


def test_a_counter_of_a_clock_that_was_ahead_is_gone_beyond(
    mo: Administrator, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as ahead_of_time:
        ahead_of_time.setattr(time, "time_ns", lambda: 5 * 10**18)  # in the year 2128
        ahead = line_of(mo)
    ahead.call("device/list", authority=mo.authority, reason="routine")
    line_of(mo).call("device/list", authority=mo.authority, reason="routine")


def remember(mo: Administrator, *, version: int) -> None:
    """Have them know their authority by a trust of this version, in which another key answered."""
    known = known_authorities(mo).find(mo.authority)
    assert known is not None
    root_file = mo.folder / "keys" / f"{mo.authority}-{ROOT}"
    root_seed = read_key(root_file, purpose=ROOT, authority=mo.authority)
    trust = structs.replace(
        known.trust, version=version, answer_key=public_key(signing_key(bytes(32)))
    )
    signed = pack(sign(trust, signing_key(root_seed)))
    known_authorities(mo).keep(KnownAuthority(known.root_key, signed, trust))


def test_a_key_that_the_root_key_has_put_in_the_place_of_another_is_believed(
    mo: Administrator,
) -> None:
    remember(mo, version=0)
    assert mo.types("device", "list").stderr == ""
    known = known_authorities(mo).find(mo.authority)
    assert known is not None
    assert known.trust.version == 1


def test_a_key_of_the_past_is_not_believed_again(mo: Administrator) -> None:
    remember(mo, version=2)
    mo.is_refused("device", "list", code="trust-rolled-back")


def renewing(mo: Administrator, *words: str) -> tuple[str, ...]:
    root_key = str(mo.folder / "keys" / f"{mo.authority}-{ROOT}")
    return ("authority", "renew-keys", "--root-key", root_key, "--reason", "key-exposed", *words)


def test_who_renews_keys_keeps_the_audit_key_that_another_has_put_in_force(
    mo: Administrator, office: Office, tmp_path: Path
) -> None:
    """Else look-ups would be sealed again to whoever was to read no more of them."""
    jo = office.newcomer(mo.authority)
    added = ("--name", "Jo Lee", "--public-key", jo.public_key_file)
    mo.does("administrator", "add", "jo", *added)
    jo.does("device", "list")
    mo.does(*renewing(mo, "--new-audit-key", str(tmp_path)))
    mine = known_authorities(mo).find(mo.authority)
    jo.does(*renewing(mo))
    theirs = known_authorities(jo).find(mo.authority)
    assert mine is not None
    assert theirs is not None
    assert theirs.trust.version == mine.trust.version + 1
    assert theirs.trust.audit_key == mine.trust.audit_key


@pytest.mark.parametrize("changed", [{"version": 2**53 - 1}, {"incarnation": 2}])
def test_the_root_key_signs_no_number_that_does_not_follow_the_one_in_force(
    mo: Administrator, changed: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that somebody else has would have the last word: no trust comes after the highest
    version there is, and a new incarnation has devices deliver to whoever asked for it."""
    call = Administration.call

    def told(line: Administration, command: str, /, **named: Any) -> dict[str, Any]:
        result = call(line, command, **named)
        return result | changed if command == "authority/prepare-keys" else result

    with monkeypatch.context() as patched:
        patched.setattr(Administration, "call", told)
        mo.is_refused(*renewing(mo), code="trust-unbelievable")
    mo.does(*renewing(mo))


def test_after_a_restore_the_administrator_goes_on_as_before(tmp_path: Path) -> None:
    office = Office(tmp_path)
    log = tmp_path / "log"
    with serving(office.operator.settings, log):
        mo = office.settled()
        mo.does("backup", str(tmp_path / "backup"))
    restored = {
        **office.operator.settings,
        "FIELDWARD_DATA_FOLDER": str(tmp_path / "restored"),
        "FIELDWARD_MASTER_KEY_FILE": str(tmp_path / "data" / "master.key"),
    }
    root_key = str(mo.folder / "keys" / f"{mo.authority}-{ROOT}")
    Keyboard(restored).does("restore", str(tmp_path / "backup"), "--root-key", root_key)
    with serving(restored, log):
        (shown,) = mo.reads("authority", "show")
    assert (shown["incarnation"], shown["records"]) == (2, 3)
