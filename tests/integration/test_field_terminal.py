"""``fieldward field``: a health visitor at a terminal, against a server on loopback."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from client_world import cheap_unlock_key
from fieldward_client import Device
from fieldward_client import device as device_module
from fieldward_client import vault as vault_module
from fieldward_client.terminal import command
from fieldward_server.cli.root import root
from fieldward_server.services.devices import order_wipe, set_access
from fieldward_sync.access import Access
from fieldwork import AUTHORITY, PHONE, child
from loop_over_http import HttpLoop, http_loop

PASSPHRASE = "correct horse battery staple"
DAY = 24 * 3600
TERMINAL_COLUMNS = 80


class HealthVisitor:
    """Ann, at the keyboard of her own device."""

    def __init__(self, loop: HttpLoop, home: Path) -> None:
        self.loop = loop
        self.home = home
        self.folder = home / "data" / "fieldward" / "device"
        self._passphrase_file = home / "passphrase"

    def types(self, *words: str, keys: str = "") -> Result:
        """Run a command, whatever comes of it; its keys begin with the passphrase."""
        return self._run(words, keys, None)

    def does(self, *words: str, keys: str = "") -> str:
        """Run a command that succeeds without being asked for the passphrase; what it says."""
        self._passphrase_file.write_text(PASSPHRASE + "\n")
        result = self._run(words, keys, str(self._passphrase_file))
        assert result.exit_code == 0, result.output
        return result.stdout

    def fails(self, *words: str, keys: str = "") -> Result:
        """Run a command that ends with another exit code than 0."""
        self._passphrase_file.write_text(PASSPHRASE + "\n")
        result = self._run(words, keys, str(self._passphrase_file))
        assert result.exit_code != 0
        return result

    def reads(self, *words: str, keys: str = "") -> list[dict[str, Any]]:
        """The values that a command prints for programs."""
        return [json.loads(line) for line in self.does(*words, "--json", keys=keys).splitlines()]

    def enrols(self) -> str:
        """Ann's device, with an invitation to the partition West."""
        code = self.loop.code("west", practitioner="p-1")
        keys = f"{self.loop.url}\n{code}\n"
        return self.does("enrol", "--name", "ann-tablet", keys=keys)

    def _run(self, words: tuple[str, ...], keys: str, passphrase_file: str | None) -> Result:
        environ = {
            "HOME": str(self.home),
            "XDG_DATA_HOME": str(self.home / "data"),
            "TMPDIR": str(self.home),
            "FIELDWARD_DEVICE_PASSPHRASE_FILE": passphrase_file,
            "FIELDWARD_SERVER": None,
        }
        result = CliRunner().invoke(root, ["field", *words], input=keys, env=environ)
        assert result.exception is None or isinstance(result.exception, SystemExit), repr(
            result.exception
        )
        return result


@pytest.fixture
def loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HttpLoop]:
    """Three children in the partition West. Commands go by the loop's clock."""
    monkeypatch.setattr(vault_module, "unlock_key", cheap_unlock_key)
    with http_loop(tmp_path / "loop") as loop:
        monkeypatch.setattr(device_module, "SystemClock", lambda: loop.clock)
        loop.load(
            child("r-ada"),
            child("r-eve", name={"family": "Okafor", "given": "Eve"}),
            child("r-ben", name={"family": "O’Brien", "given": "Ben"}, shield="raised"),
        )
        loop.partition("west", "all")
        yield loop


@pytest.fixture
def newcomer(loop: HttpLoop, tmp_path: Path) -> HealthVisitor:
    """Somebody without a device."""
    (tmp_path / "home").mkdir()
    return HealthVisitor(loop, tmp_path / "home")


@pytest.fixture
def ann(newcomer: HealthVisitor) -> HealthVisitor:
    """Somebody whose device has synced."""
    newcomer.enrols()
    newcomer.does("sync")
    return newcomer


def edit_by_a_colleague(loop: HttpLoop, value: str) -> None:
    """Ben, on a device of his own, writes Ada's phone number and delivers it."""
    loop.practitioner("ben")
    with Device.enrol(
        loop.folder / "ben",
        loop.url,
        loop.code("west", practitioner="ben"),
        passphrase=PASSPHRASE,
        clock=loop.clock,
    ) as device:
        device.sync()
        with device.session(reason="clinic") as session:
            session.open("r-ada").edit(PHONE, value)
        device.sync()


def command_to(ann: HealthVisitor, order: Callable[..., object], **details: object) -> None:
    """An administrator commands Ann's device."""
    order(
        ann.loop.platform,
        authority=AUTHORITY,
        device=ann.reads("status")[0]["device"],
        actor="test",
        reason="test",
        now=ann.loop.now,
        **details,
    )


def in_conflict(ann: HealthVisitor) -> None:
    """Ann and a colleague have written Ada's phone number, neither knowing of the other."""
    edit_by_a_colleague(ann.loop, "07700 900555")
    ann.does("edit", "r-ada", PHONE, "07700 900123", "--reason=clinic", keys="yes\n")
    ann.does("sync")
    ann.loop.seal()
    ann.does("sync")


# --- Enrolling ---


def test_a_new_user_is_asked_for_everything_and_told_what_comes_next(
    newcomer: HealthVisitor,
) -> None:
    code = newcomer.loop.code("west", practitioner="p-1")
    said = newcomer.types(
        *("enrol", "--name", "ann-tablet"),
        keys=f"{newcomer.loop.url}\n{code}\nshort\n{PASSPHRASE}\nanother one\n"
        f"{PASSPHRASE}\n{PASSPHRASE}\n",
    )
    assert said.exit_code == 0, said.output
    assert "three random words" in said.output  # the short one was not taken
    assert "do not match" in said.output
    assert f"of {AUTHORITY}, for p-1" in said.stdout
    assert "fieldward field sync" in said.stdout
    assert PASSPHRASE not in said.output
    assert (newcomer.folder / "identity").exists()


def test_a_mistyped_code_is_known_before_a_passphrase_is_thought_of(
    newcomer: HealthVisitor,
) -> None:
    said = newcomer.types("enrol", "NOT-A-CODE", "--server", newcomer.loop.url)
    assert (said.exit_code, "[code-mistyped]" in said.stderr) == (1, True)
    assert "assphrase" not in said.output


def test_a_code_is_taken_once(ann: HealthVisitor, tmp_path: Path) -> None:
    code = ann.loop.code("west", practitioner="p-1")
    enrol = ("enrol", code, "--server", ann.loop.url, "--name", "second", "--folder")
    ann.does(*enrol, str(tmp_path / "second"))
    assert "[invitation-" in ann.fails(*enrol, str(tmp_path / "third")).stderr


def test_without_signal_enrolling_says_so_and_goes_on_later(newcomer: HealthVisitor) -> None:
    code = newcomer.loop.code("west", practitioner="p-1")
    enrol = ("enrol", code, "--server", newcomer.loop.url, "--name", "ann-tablet")
    newcomer.loop.signal = False
    assert newcomer.fails(*enrol).exit_code == 3
    newcomer.loop.signal = True
    newcomer.does(*enrol)


@pytest.mark.parametrize("typed", ["sync", "status", "pending", "search", "show r-1", "edit r-1"])
def test_without_a_device_every_command_says_how_to_make_one(
    typed: str, newcomer: HealthVisitor
) -> None:
    said = newcomer.types(*typed.split())
    assert said.exit_code == 1
    assert "[not-enrolled]" in said.stderr
    assert "fieldward field enrol" in said.stderr


# --- Looking ---


def test_a_search_tells_twins_apart_and_fits_a_terminal(ann: HealthVisitor) -> None:
    said = ann.does("search", "--family", "okafr", "--reason", "clinic")
    assert "Your copy ends" in said
    for words in ("Okafor, Ada", "Okafor, Eve", "2021-03-04", "M14", "r-ada", "r-eve"):
        assert words in said
    assert "like 1" in said
    assert "like 2" in said
    assert "Some are alike" in said
    assert max(map(len, said.splitlines())) <= TERMINAL_COLUMNS


def test_long_names_and_many_namesakes_still_fit_a_terminal(ann: HealthVisitor) -> None:
    name = {
        "family": "Oluwaseun-Montgomery Kazlauskas-Wiśniewski",
        "given": "Maximiliana Anastasia Róisín Philomena",
    }
    ann.loop.load(*(child(f"r-{10**20 + n}", name=name, shield="raised") for n in range(5)))
    ann.loop.seal()
    ann.does("sync")
    said = ann.does("search", "--family", "kazlauskas", "--reason", "clinic")
    assert max(map(len, said.splitlines())) <= TERMINAL_COLUMNS
    assert "…" not in said
    assert f"r-{10**20 + 4}" in said  # what is to be typed is never broken in two
    assert "like 4" in said


def test_a_search_asks_for_what_is_remembered_and_why_and_nothing_stays_in_a_history(
    ann: HealthVisitor,
) -> None:
    reason, terms = "3\n", "okafor\nAda\n\n\n\n"
    said = ann.types("search", keys=f"{PASSPHRASE}\n{reason}{terms}")
    assert said.exit_code == 0, said.output
    assert "This goes on record" in said.stderr
    assert "Okafor, Ada" in said.stdout
    assert ann.reads("status")[0]["look_ups"] == 1


def test_not_on_this_device_is_another_answer_than_no_such_child(ann: HealthVisitor) -> None:
    said = ann.does("search", "--family", "Nobody", "--reason", "clinic")
    assert "Not on this device." in said
    assert "does not mean that there is no such child" in " ".join(said.split())
    assert "[not-held]" in ann.fails("show", "r-nobody", "--reason", "clinic").stderr


def test_each_look_up_is_on_record_before_it_is_shown_the_refused_ones_too(
    ann: HealthVisitor,
) -> None:
    """Invariant 2"""
    ann.does("search", "--family", "okafor", "--reason", "clinic")
    ann.does("show", "r-ada", "--reason", "clinic", "--on-behalf-of", "p-9")
    ann.loop.clock.wall += 4 * DAY
    assert "[lease-over]" in ann.fails("show", "r-ada", "--reason", "clinic").stderr
    assert ann.reads("status")[0]["look_ups"] == 3


def test_an_entry_is_shown_by_the_paths_that_change_it(ann: HealthVisitor) -> None:
    said = ann.does("show", "r-ada", "--reason", "clinic")
    for words in ("Ada Okafor", "1 High Street, M14 5AB", "involvements/a1", ".phone", "As at"):
        assert words in said
    (read,) = ann.reads("show", "r-ada", "--reason", "clinic")
    assert read["values"][PHONE] == "07700 900001"


def test_a_shielded_card_says_what_may_be_said_and_whom_to_call(ann: HealthVisitor) -> None:
    """H1"""
    said = ann.does("show", "r-ben", "--reason", "clinic")
    assert "SHIELDED" in said
    assert f"Call the management team of {AUTHORITY}" in said
    assert "High Street" not in said
    assert "involvements" not in said
    assert "shielded" in ann.does("search", "--family", "obrien", "--reason", "clinic")


def test_a_sensitive_service_is_mentioned_and_not_named(ann: HealthVisitor) -> None:
    """C2"""
    ann.loop.load(
        child(
            "r-zoe",
            involvements={
                "b1": {
                    "service": "mental-health",
                    "sensitive_ground": "consent",
                    "organisation": "Elm House",
                    "since": "2023-01-01",
                }
            },
        )
    )
    ann.loop.seal()
    ann.does("sync")
    said = ann.does("show", "r-zoe", "--reason", "clinic")
    assert "ask the management team" in said
    assert "mental" not in said
    assert "Elm House" not in said


def test_what_has_ended_is_shown_last_and_said_to_have_ended(ann: HealthVisitor) -> None:
    """D4"""
    ann.loop.load(
        child(
            "r-zoe",
            involvements={
                "a1": {"service": "portage", "since": "2022-01-01", "ended": "2023-01-01"},
                "b1": {"service": "health-visiting", "since": "2021-01-01"},
            },
        )
    )
    ann.loop.seal()
    ann.does("sync")
    said = ann.does("show", "r-zoe", "--reason", "clinic")
    assert said.index("involvements/b1") < said.index("involvements/a1  (ended)")


def test_a_copy_that_is_a_day_old_says_so(ann: HealthVisitor) -> None:
    ann.loop.clock.wall += DAY + 3600
    said = ann.does("show", "r-ada", "--reason", "clinic")
    assert "1 d 1 h old" in said
    assert "Synced 1 d 1 h ago" in said


def test_after_the_lease_nothing_is_shown_and_the_status_says_what_to_do(
    ann: HealthVisitor,
) -> None:
    """Invariant 3"""
    ann.loop.clock.wall += 4 * DAY
    said = ann.fails("search", "--family", "okafor", "--reason", "clinic")
    assert said.exit_code == 1
    assert "Okafor" not in said.output
    assert "Connect and sync" in said.stderr
    assert "Your copy closed" in ann.does("status")
    ann.does("sync")
    assert "Okafor, Ada" in ann.does("search", "--family", "okafor", "--reason", "clinic")


# --- Editing ---


def test_an_edit_says_what_it_replaces_and_is_kept_until_it_is_sent(ann: HealthVisitor) -> None:
    said = ann.types(
        *("edit", "r-ada", PHONE, "07700 900123", "--reason=clinic"), keys=f"{PASSPHRASE}\nyes\n"
    )
    assert "Ada Okafor: Replace 07700 900001 by 07700 900123" in said.stderr
    assert "it was 07700 900001" in said.stdout
    assert "1 edit waits to be sent" in ann.does("status")
    assert "(not sent yet)" in ann.does("show", "r-ada", "--reason", "clinic")
    assert PHONE in ann.does("pending")
    ann.does("sync")
    assert ann.reads("pending") == []
    assert ann.loop.view("r-ada").text(PHONE) == "07700 900123"


def test_an_edit_is_not_made_without_a_typed_yes(ann: HealthVisitor) -> None:
    """P24: Enter alone chooses nothing."""
    edit = ("edit", "r-ada", PHONE, "07700 900123", "--reason=clinic")
    assert "[not-confirmed]" in ann.fails(*edit, keys="no\n").stderr
    assert ann.fails(*edit, keys="\n").exit_code == 2
    assert ann.reads("pending") == []


def test_a_conflict_is_shown_and_settled_only_by_a_choice(ann: HealthVisitor) -> None:
    """P24, P25: nobody's value is chosen for them."""
    in_conflict(ann)
    assert "1 child in conflict" in ann.does("search", "--family=okafor", "--reason=clinic")
    said = ann.does("show", "r-ada", "--reason", "clinic")
    assert "in conflict" in said
    assert "≠ 07700 900123" in said
    assert "≠ 07700 900555" in said
    edit = ("edit", "r-ada", PHONE, "--reason=clinic")
    ann.fails(*edit, keys="\nyes\n")
    ann.fails(*edit, keys="1\nno\n")
    assert ann.reads("pending") == []
    ann.does(*edit, keys="3\n07700 900777\nyes\n")
    ann.does("sync")
    ann.loop.seal()
    ann.does("sync")
    (read,) = ann.reads("show", "r-ada", "--reason", "clinic")
    assert (read["conflicts"], read["values"][PHONE]) == ({}, "07700 900777")


def test_a_program_names_what_it_was_shown_and_replaces_nothing_else(ann: HealthVisitor) -> None:
    edit = ("edit", "r-ada", PHONE, "07700 900123", "--reason=clinic", "--json", "--replaces")
    assert "[not-as-shown]" in ann.fails(*edit, "07700 900999").stderr
    assert "[not-as-shown]" in ann.fails(*edit, "").stderr
    assert json.loads(ann.does(*edit, "07700 900001"))["replaced"] == ["07700 900001"]


def test_a_program_settles_a_conflict_by_naming_every_value_of_it(ann: HealthVisitor) -> None:
    in_conflict(ann)
    edit = ("edit", "r-ada", PHONE, "07700 900123", "--reason=clinic", "--replaces=07700 900123")
    assert "[not-as-shown]" in ann.fails(*edit).stderr
    ann.does(*edit, "--replaces=07700 900555")
    (read,) = ann.reads("show", "r-ada", "--reason", "clinic")
    assert read["conflicts"] == {}


def test_an_address_is_asked_for_part_by_part(ann: HealthVisitor) -> None:
    ann.does(
        *("edit", "r-ada", "address", "--reason=clinic"),
        keys="last-known\n2 Low Road\nSheffield\n\ns1 2ab\nyes\n",
    )
    said = ann.does("show", "r-ada", "--reason", "clinic")
    assert "last known: 2 Low Road, Sheffield, S1 2AB" in said
    asked = ann.types("edit", "r-ada", "address", "--reason=clinic", keys=f"{PASSPHRASE}\n")
    assert "address is last known: 2 Low Road" in asked.stderr  # told before it is replaced
    ann.does("edit", "r-ada", "address", "--reason=clinic", keys="4\n3\nyes\n")
    assert "left England" in ann.does("show", "r-ada", "--reason", "clinic")


def test_a_value_is_removed_in_so_many_words(ann: HealthVisitor) -> None:
    ann.does("edit", "r-ada", PHONE, "--remove", "--reason=clinic", keys="yes\n")
    (read,) = ann.reads("show", "r-ada", "--reason", "clinic")
    assert PHONE not in read["values"]
    said = ann.fails("edit", "r-ada", PHONE, "0114 496 0000", "--remove", "--reason=clinic")
    assert said.exit_code == 2


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        ("shoe_size", "12", "unknown-field"),
        ("sex", "blue", "invalid-value"),
        ("nhs_number_withheld", "detrimental-to-child", "server-only"),
        ("involvements/a1.lead", "perhaps", "not-yes-or-no"),
        ("address", "1 High Street", "not-an-address"),
    ],
)
def test_what_cannot_be_is_refused_in_words_and_changes_nothing(
    path: str, value: str, code: str, ann: HealthVisitor
) -> None:
    said = ann.fails("edit", "r-ada", path, value, "--reason=clinic", keys="yes\n")
    assert (said.exit_code, f"[{code}]" in said.stderr) == (1, True)
    assert ann.reads("pending") == []


def test_a_refused_edit_is_listed_with_its_reason(ann: HealthVisitor) -> None:
    """Invariant 9"""
    ann.does("edit", "r-ada", PHONE, "07700 900123", "--reason=clinic", keys="yes\n")
    command_to(ann, set_access, access=Access.REVOKED)
    ann.does("sync")
    said = ann.does("status")
    assert "ended by your administrator" in said
    assert "1 edit refused" in said
    (edit,) = ann.reads("pending", "--locked")
    assert (edit["state"], edit["code"]) == ("refused", "revoked")


# --- Syncing, and where the device stands ---


def test_being_offline_is_told_calmly_and_is_exit_code_3(ann: HealthVisitor) -> None:
    ann.loop.signal = False
    said = ann.fails("sync")
    assert said.exit_code == 3
    assert "Nothing is lost" in said.stdout
    assert said.stderr == ""
    (report,) = [json.loads(line) for line in ann.fails("sync", "--json").stdout.splitlines()]
    assert (report["outcome"], report["error"]["code"]) == ("offline", "offline")
    assert "Okafor, Ada" in ann.does("search", "--family", "okafor", "--reason", "clinic")


def test_a_sync_says_what_was_sent_and_what_somebody_else_wrote_too(ann: HealthVisitor) -> None:
    edit_by_a_colleague(ann.loop, "07700 900555")
    ann.does("edit", "r-ada", PHONE, "07700 900123", "--reason=clinic", keys="yes\n")
    said = ann.does("sync")
    assert "Sent 1 edit and" in said
    assert "Edit 1: somebody else wrote there too" in said


def test_the_status_and_a_locked_sync_need_no_passphrase(ann: HealthVisitor) -> None:
    ann.does("edit", "r-ada", PHONE, "07700 900123", "--reason=clinic", keys="yes\n")
    assert "1 edit waits" in ann.types("status").stdout
    said = ann.types("sync", "--locked")
    assert (said.exit_code, "Everything was sent" in said.stdout) == (0, True)
    assert json.loads(ann.types("status", "--json").stdout)["pending_edits"] == 0


def test_a_wiped_device_delivers_without_a_passphrase_and_then_says_its_last(
    ann: HealthVisitor,
) -> None:
    """Invariant 1: what was typed reaches the server, wipe or not."""
    ann.does("edit", "r-ada", PHONE, "07700 900123", "--reason=clinic", keys="yes\n")
    command_to(ann, order_wipe)
    assert "was wiped" in ann.does("sync", "--locked")
    assert ann.loop.view("r-ada").text(PHONE) == "07700 900123"
    for typed in ("sync", "show r-ada --reason=clinic"):
        said = ann.types(*typed.split())
        assert (said.exit_code, "[wiped]" in said.stderr) == (1, True)
        assert "assphrase:" not in said.stderr


def test_a_wrong_passphrase_shows_nothing_and_says_what_to_do(ann: HealthVisitor) -> None:
    said = ann.types("show", "r-ada", "--reason", "clinic", keys="wrong passphrase\n")
    assert (said.exit_code, "[passphrase-wrong]" in said.stderr) == (1, True)
    assert "Okafor" not in said.output


def test_a_device_that_is_open_elsewhere_is_exit_code_3(ann: HealthVisitor) -> None:
    with Device.open(ann.folder, clock=ann.loop.clock):
        said = ann.fails("status")
    assert (said.exit_code, "[folder-in-use]" in said.stderr) == (3, True)


@pytest.mark.parametrize("content", [None, "", "\n", b"\xff\xfe"])
def test_a_passphrase_file_that_is_of_no_use_is_named(
    content: str | bytes | None, ann: HealthVisitor
) -> None:
    file = ann.home / "other"
    if content is not None:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    environ = {
        "FIELDWARD_DEVICE_PASSPHRASE_FILE": str(file),
        "XDG_DATA_HOME": str(ann.home / "data"),
    }
    said = CliRunner().invoke(root, ["field", "sync"], env=environ)
    assert (said.exit_code, "[passphrase-file]" in said.stderr) == (1, True)


def test_where_nobody_can_be_asked_the_command_was_wrongly_called(ann: HealthVisitor) -> None:
    said = ann.types("sync")
    assert said.exit_code == 2
    assert "FIELDWARD_DEVICE_PASSPHRASE_FILE" in said.stderr
    assert ann.fails("show", "r-ada").exit_code == 2


# --- What stays behind ---


def test_nothing_that_was_read_or_typed_is_left_on_the_disk(ann: HealthVisitor) -> None:
    """Invariant 6: no history, no temporary file, no pager."""
    ann.does("search", keys="clinic\nokafor\n\n\n\n\n")
    ann.does("show", "r-ada", "--reason", "clinic")
    ann.does("edit", "r-ada", PHONE, "07700 900123", "--reason=clinic", keys="yes\n")
    ann.does("pending")
    (ann.home / "passphrase").unlink()
    outside = [p for p in ann.home.rglob("*") if p.is_file() and ann.folder not in p.parents]
    assert outside == []
    left = b"".join(path.read_bytes() for path in ann.folder.rglob("*") if path.is_file()).lower()
    assert left
    for words in ("okafor", "high street", "07700 900001", "07700 900123", PASSPHRASE):
        assert words.encode() not in left


# --- In a real terminal ---


class Terminal:
    """A command in a terminal of its own."""

    def __init__(self, ann: HealthVisitor, *words: str) -> None:
        self._main, other = pty.openpty()
        environ = {name: value for name, value in os.environ.items() if "FIELDWARD" not in name}
        environ |= {
            "PYTHONPATH": os.pathsep.join(sys.path),
            "XDG_DATA_HOME": str(ann.home / "data"),
            "TERM": "xterm",
            "COLUMNS": "80",
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "fieldward_server.cli", "field", *words],
            stdin=other,
            stdout=other,
            stderr=other,
            env=environ,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(other)
        self.seen = ""

    def until(self, words: str) -> Terminal:
        """Read on until these words were printed."""
        while words not in self.seen:
            assert self._read(), self.seen
        return self

    def keys(self, typed: str) -> None:
        os.write(self._main, typed.encode())

    def ends(self) -> int:
        """Its exit code, once all was read."""
        while self._read():
            pass
        os.close(self._main)
        return self._process.wait(60)

    def _read(self) -> bool:
        ready, _, _ = select.select([self._main], [], [], 60)
        try:
            piece = os.read(self._main, 4096) if ready else b""
        except OSError:  # the other end is closed
            return False
        self.seen += piece.decode(errors="replace")
        return bool(piece)


@pytest.fixture
def dear(newcomer: HealthVisitor, monkeypatch: pytest.MonkeyPatch) -> HealthVisitor:
    """Somebody whose passphrase costs what it costs, and whose device another process opens."""
    monkeypatch.undo()
    newcomer.loop.clock.wall = int(time.time())
    newcomer.enrols()
    newcomer.does("sync")
    return newcomer


def test_in_a_terminal_offline_is_grey_not_red_and_the_passphrase_is_not_echoed(
    dear: HealthVisitor,
) -> None:
    dear.loop.signal = False
    terminal = Terminal(dear, "sync")
    terminal.until("Passphrase: ").keys(PASSPHRASE + "\n")
    assert terminal.ends() == 3
    grey, red = "\x1b[90m", "\x1b[31m"
    assert f"{grey}Offline" in terminal.seen
    assert red not in terminal.seen
    assert PASSPHRASE not in terminal.seen


def test_in_a_terminal_a_hit_is_opened_by_its_number_and_each_opening_is_on_record(
    dear: HealthVisitor,
) -> None:
    terminal = Terminal(dear, "search", "--family=okafor", "--given=ada", "--reason=clinic")
    terminal.until("Passphrase: ").keys(PASSPHRASE + "\n")
    terminal.until("(Enter: none)").keys("1\n")
    terminal.until("07700 900001").keys("\n")
    assert terminal.ends() == 0
    assert dear.reads("status")[0]["look_ups"] == 2


def test_an_interrupted_command_ends_with_exit_code_130_and_no_traceback(
    dear: HealthVisitor,
) -> None:
    terminal = Terminal(dear, "search")
    terminal.until("Passphrase: ").keys("\x03")
    assert terminal.ends() == 130
    assert "Traceback" not in terminal.seen


# --- Help ---

COMMANDS = command.commands


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_says_what_it_does_and_shows_an_example(name: str) -> None:
    said = CliRunner().invoke(root, ["field", name, "--help"]).stdout
    assert f"fieldward field {name}" in said.partition("Example")[2]


@pytest.mark.parametrize("name", COMMANDS)
def test_no_option_takes_a_passphrase(name: str) -> None:
    """What is typed on a command line is seen by everybody on the machine."""
    options = [option for parameter in COMMANDS[name].params for option in parameter.opts]
    assert not any("pass" in option for option in options)
