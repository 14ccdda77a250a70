"""``fieldward field``: a device is made, synced and asked how it stands."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from children import AUTHORITY, PHONE
from fieldward_client import Device, HttpAnswer, HttpTransport, RetryLater
from fieldward_client.terminal import command
from fieldward_server.cli.root import root
from fieldward_server.services.custody.devices import set_access
from fieldward_server.services.custody.wipes import order_wipe
from fieldward_sync.access import Access
from health_visitor import (
    PASSPHRASE,
    HealthVisitor,
    edit_by_a_colleague,
    in_the_loops_time,
    newcomer_at,
    synced_at,
)

COMMANDS = command.commands


@pytest.fixture
def newcomer(tmp_path: Path) -> Iterator[HealthVisitor]:
    with newcomer_at(tmp_path) as newcomer, in_the_loops_time(newcomer):
        yield newcomer


@pytest.fixture
def ann(tmp_path: Path) -> Iterator[HealthVisitor]:
    with synced_at(tmp_path) as ann:
        yield ann


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
    assert said.stdout.endswith("fieldward field sync\n")
    assert PASSPHRASE not in said.output
    assert (newcomer.folder / "identity").exists()


def test_who_chose_a_folder_is_told_to_name_it_from_then_on(
    newcomer: HealthVisitor, tmp_path: Path
) -> None:
    code = newcomer.loop.code("west", practitioner="p-1")
    said = newcomer.does(
        *("enrol", code, "--server", newcomer.loop.url, "--folder", str(tmp_path / "other")),
        keys=f"{PASSPHRASE}\n{PASSPHRASE}\n",
    )
    told = "".join(said.split())  # a long path is told in several lines
    assert told.endswith(f"fieldwardfieldsync--folder{tmp_path / 'other'}")


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


def test_what_keeps_a_server_that_is_there_from_being_reached_is_said(
    ann: HealthVisitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def distrust(*_: object, **__: object) -> HttpAnswer:
        raise RetryLater("certificate", "No certificate that is trusted here.")

    monkeypatch.setattr(HttpTransport, "post", distrust)
    said = ann.fails("sync")
    assert said.exit_code == 3
    assert "No certificate that is trusted here. [certificate]" in said.stdout


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
    """Invariant 1: what was typed reaches the server, wipe or not; P38: and no login is needed."""
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


# --- Help ---


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_says_what_it_does_and_shows_an_example(name: str) -> None:
    said = CliRunner().invoke(root, ["field", name, "--help"]).stdout
    assert f"fieldward field {name}" in said.partition("Example")[2]


@pytest.mark.parametrize("name", COMMANDS)
def test_no_option_takes_a_passphrase(name: str) -> None:
    """What is typed on a command line is seen by everybody on the machine."""
    options = [option for parameter in COMMANDS[name].params for option in parameter.opts]
    assert not any("pass" in option for option in options)
