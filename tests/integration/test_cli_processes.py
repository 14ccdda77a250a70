"""The command line as programs and shells meet it: exit codes, pipes, Ctrl-C, completion."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from fieldward_client import Device
from office import PASSPHRASE, Administrator, Office
from program import FIELDWARD, environment
from terminal import CTRL_C, Terminal

PATIENCE_SECONDS = 60
HEAVY = {"fieldward_client", "flask", "gunicorn", "psycopg", "rich", "sqlite_utils", "urllib3"}


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with Office.open(tmp_path_factory.mktemp("office")) as office:
        yield office


@pytest.fixture(scope="module")
def settled(office: Office) -> Administrator:
    return office.settled()


def run(*words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a command where nobody can be asked anything."""
    return subprocess.run(
        [*FIELDWARD, *words],
        env=environment(**settings),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        text=True,
        timeout=PATIENCE_SECONDS,
        start_new_session=True,
    )


def test_a_passphrase_is_asked_for_and_not_shown(settled: Administrator) -> None:
    settings = {**settled.settings, "FIELDWARD_PASSPHRASE_FILE": ""}
    terminal = Terminal(*FIELDWARD, "practitioner", "list", **settings)
    terminal.wait_for("Passphrase of")
    terminal.type(f"{PASSPHRASE}\n")
    assert terminal.exit_code() == 0
    assert "Ann Poole" in terminal.said
    assert PASSPHRASE not in terminal.said


def test_a_new_key_is_made_after_its_passphrase_was_typed_twice(tmp_path: Path) -> None:
    terminal = Terminal(*FIELDWARD, "administrator", "key", FIELDWARD_KEY=str(tmp_path / "key"))
    for asked, typed in (
        ("characters or more: ", PASSPHRASE),
        ("confirmation: ", "another"),
        ("characters or more: ", PASSPHRASE),
        ("confirmation: ", PASSPHRASE),
    ):
        terminal.wait_for(asked)
        terminal.said = ""
        terminal.type(f"{typed}\n")
    assert terminal.exit_code() == 0
    assert (tmp_path / "key.pub").exists()


def test_a_wrong_passphrase_ends_with_1_and_says_so(settled: Administrator, tmp_path: Path) -> None:
    (tmp_path / "passphrase").write_text("something else\n")
    settings = {**settled.settings, "FIELDWARD_PASSPHRASE_FILE": str(tmp_path / "passphrase")}
    refused = run("device", "list", **settings)
    assert (refused.returncode, "[passphrase-wrong]" in refused.stderr) == (1, True)


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe"], ids=["absent", "empty", "no text"])
def test_a_passphrase_file_that_holds_none_ends_with_1(
    content: bytes | None, settled: Administrator, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / "passphrase").write_bytes(content)
    settings = {**settled.settings, "FIELDWARD_PASSPHRASE_FILE": str(tmp_path / "passphrase")}
    refused = run("device", "list", **settings)
    assert (refused.returncode, "[passphrase-file]" in refused.stderr) == (1, True)


def test_without_a_terminal_nobody_is_asked_for_a_passphrase(settled: Administrator) -> None:
    settings = {**settled.settings, "FIELDWARD_PASSPHRASE_FILE": ""}
    refused = run("device", "list", **settings)
    assert (refused.returncode, "[passphrase-needed]" in refused.stderr) == (1, True)
    assert "Traceback" not in refused.stderr


def test_ctrl_c_at_a_question_ends_with_130(settled: Administrator) -> None:
    settings = {**settled.settings, "FIELDWARD_PASSPHRASE_FILE": ""}
    terminal = Terminal(*FIELDWARD, "device", "list", **settings)
    terminal.wait_for("Passphrase of")
    terminal.type(CTRL_C)
    assert terminal.exit_code() == 130
    assert "Traceback" not in terminal.said


def test_ctrl_c_at_work_ends_with_130() -> None:
    terminal = Terminal(
        *FIELDWARD,
        *("population", "generate", "--authority", "E08000039", "--children", "1000000"),
        *("--output", "/dev/null"),
        TERM="xterm",
    )
    terminal.wait_for("%")
    terminal.type(CTRL_C)
    assert terminal.exit_code() == 130
    assert "Traceback" not in terminal.said


def test_an_interrupt_from_a_program_ends_with_130() -> None:
    process = subprocess.Popen(
        [*FIELDWARD, "population", "generate", "--authority", "E08000039", "--children", "1000000"],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=PATIENCE_SECONDS)
    assert (process.returncode, "Traceback" in said) == (130, False)


def test_a_reader_who_has_seen_enough_is_no_accident(settled: Administrator) -> None:
    """``fieldward … | head -1``"""
    for words in (
        "population generate --authority E08000039 --children 20000",
        "authority events --json",
        "authority events",
    ):
        typed = f"{' '.join(FIELDWARD)} {words} | head -1"
        done = subprocess.run(
            ["/bin/bash", "-c", typed],
            env=environment(**settled.settings),
            capture_output=True,
            check=True,
            text=True,
        )
        assert done.stderr == ""


def test_a_disk_that_is_full_is_told_in_words() -> None:
    told = run(
        *("population", "generate", "--authority", "E08000039", "--children", "2000"),
        *("--output", "/dev/full"),
    )
    assert (told.returncode, "[this-machine]" in told.stderr) == (1, True)
    assert "No space left" in told.stderr
    assert "Traceback" not in told.stderr


def test_a_server_that_breaks_off_leaves_no_doubt_what_is_known(settled: Administrator) -> None:
    """It takes the request and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def take() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(100)

        thread = Thread(target=take)
        thread.start()
        port = listener.getsockname()[1]
        settings = {**settled.settings, "FIELDWARD_SERVER": f"http://127.0.0.1:{port}"}
        away = run("device", "list", **settings)
        thread.join()
    assert (away.returncode, "may have been carried out" in away.stderr) == (3, True)


@pytest.mark.parametrize(
    ("words", "row"),
    [
        ("administrator list", r"mo +Mo Malik +[0-9: Z-]+ +host:"),
        ("practitioner list", r"p-17 +Ann Poole +health-visitor +HV-1 +2099-03-31 +2099-03-31"),
        ("partition list", r"all-of-it +All of it +all +offline +3 +[0-9]+ +not yet +0.0"),
        ("device list", r"d-[0-9a-f]+\.1 +ann-tablet +p-17 +active +just now +0 +0"),
    ],
)
def test_tables_fit_a_terminal_of_80_columns(
    words: str, row: str, settled: Administrator, tmp_path: Path
) -> None:
    """With names of a usual length no cell is broken."""
    code = settled.does("device", "invite", "--practitioner", "p-17", "--partition", "all-of-it")
    server = settled.settings["FIELDWARD_SERVER"]
    Device.enrol(tmp_path, server, code, passphrase=PASSPHRASE, name="ann-tablet").close()
    terminal = Terminal(*FIELDWARD, *words.split(), **settled.settings)
    assert terminal.exit_code() == 0
    assert max(len(line.rstrip()) for line in terminal.said.splitlines()) <= 80
    assert re.search(row, terminal.said)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_that_completes_is_printed(shell: str) -> None:
    done = run("completion", shell)
    assert (done.returncode, "_FIELDWARD_COMPLETE" in done.stdout) == (0, True)


def completed(*words: str) -> set[str]:
    """What the shell would offer, and nothing heavy was imported for it."""
    program = (
        "import atexit, sys\n"
        f"atexit.register(lambda: sys.stderr.write(' '.join({HEAVY} & sys.modules.keys())))\n"
        "from fieldward_server.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment(
            _FIELDWARD_COMPLETE="bash_complete",
            COMP_WORDS=" ".join(("fieldward", *words)),
            COMP_CWORD=str(len(words)),
        ),
        capture_output=True,
        check=True,
        text=True,
    )
    assert done.stderr == ""
    return {line.partition(",")[2] for line in done.stdout.splitlines()}


def test_completing_offers_what_there_is_without_loading_the_server() -> None:
    assert {"device", "demo"} <= completed("de")
    assert completed("device", "re") == {"resume", "revoke"}
    assert "--yes" in completed("device", "wipe", "--")
    assert {"serve", "migrate"} <= completed("")


def test_help_comes_without_loading_the_server() -> None:
    for words in ((), ("device",), ("serve",), ("records", "load")):
        program = (
            "import sys; from fieldward_server.cli.root import root\n"
            f"root([*{words!r}, '--help'], prog_name='fieldward', standalone_mode=False)\n"
            "sys.exit(' '.join({'flask', 'gunicorn', 'psycopg', 'sqlite_utils'} & {*sys.modules}))"
        )
        done = subprocess.run(
            [sys.executable, "-c", program],
            env=environment(),
            capture_output=True,
            check=False,
            text=True,
        )
        assert (done.stderr.strip(), "Usage: fieldward" in done.stdout) == ("", True)


def test_a_library_that_is_not_installed_is_told_in_words() -> None:
    """On a bare install there is no command line; with the field extra, not all of it."""
    for hidden, words, told in (
        ("click", ("--help",), "fieldward[field]"),
        ("gunicorn", ("serve",), "fieldward[server]"),
    ):
        program = (
            f"import sys; sys.modules[{hidden!r}] = None\n"
            f"sys.argv[1:] = {words!r}\n"
            "from fieldward_server.cli import main; main()"
        )
        done = subprocess.run(
            [sys.executable, "-c", program],
            env=environment(),
            capture_output=True,
            check=False,
            text=True,
        )
        assert (done.returncode, told in done.stderr) == (1, True)
        assert "Traceback" not in done.stderr
