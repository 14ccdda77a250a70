"""From nothing to a second device, with what ``fieldward --help`` and the README say to type."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from click.testing import CliRunner

from fieldward_server.cli.root import root
from fieldward_sync.invitations import read_code
from program import FIELDWARD, environment
from served import free_port
from terminal import Terminal

README = Path(__file__).resolve().parents[2] / "README.md"
PASSPHRASE = "three random words"


def evening(text: str) -> list[str]:
    """The commands of the evening as they stand in a text, each in one line, without remarks."""
    first, last = "administrator key", "field search"
    lines = [line.strip() for line in text.replace("\\\n", " ").splitlines()]
    begin, end = (lines.index(f"fieldward {typed}") for typed in (first, last))
    return [" ".join(line.partition("  (")[0].split()) for line in lines[begin : end + 1]]


def said_by_help() -> str:
    return CliRunner().invoke(root, ["--help"], terminal_width=100).stdout


def test_the_readme_and_the_help_tell_the_same_evening() -> None:
    assert evening(README.read_text()) == evening(said_by_help())


class Newcomer:
    """Somebody in a new home, with the program on their path."""

    def __init__(self, home: Path) -> None:
        self.home = home
        programs = home / "bin"
        programs.mkdir()
        program = programs / "fieldward"
        program.write_text(f'#!/bin/sh\nexec {shlex.join(FIELDWARD)} "$@"\n')
        program.chmod(0o755)
        port = str(free_port())
        (home / "passphrase").write_text(f"{PASSPHRASE}\n")
        self.settings = {
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(home / "config"),
            "XDG_DATA_HOME": str(home / "share"),
            "PATH": os.pathsep.join((str(programs), str(Path(sys.executable).parent), "/bin")),
            "FIELDWARD_LISTEN_PORT": port,
            "FIELDWARD_SERVER": f"http://127.0.0.1:{port}",
            "FIELDWARD_PASSPHRASE_FILE": str(home / "passphrase"),
            "FIELDWARD_DEVICE_PASSPHRASE_FILE": str(home / "passphrase"),
        }

    def types(self, line: str) -> str:
        """Type a line, and read what it prints."""
        word, _, rest = line.partition(" ")
        if word == "export":
            name, _, value = rest.partition("=")
            self.settings[name] = value
            return ""
        done = subprocess.run(
            ["/bin/bash", "-c", line],
            cwd=self.home,
            env=environment(**self.settings),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            text=True,
        )
        assert done.returncode == 0, f"{line}\n{done.stderr}"
        return done.stdout

    @contextmanager
    def leaves_running(self, line: str) -> Iterator[None]:
        """Type a line that goes on running, in a terminal of its own."""
        with subprocess.Popen(
            shlex.split(line),
            cwd=self.home,
            env=environment(**self.settings),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as process:
            try:
                assert process.stdout is not None
                assert process.stdout.readline().startswith("Fieldward listens")
                yield
            finally:
                process.terminate()

    def answers(self, line: str, *answers: str) -> str:
        """Type a line that asks, and answer it."""
        terminal = Terminal(
            *("/bin/bash", "-c", f"cd {shlex.quote(str(self.home))} && {line}"), **self.settings
        )
        for answer in answers:
            terminal.wait_for(": ")
            seen, terminal.said = terminal.said, ""
            terminal.type(f"{answer}\n")
            terminal.said += seen.replace(": ", " ")
        assert terminal.exit_code() == 0, terminal.said
        return terminal.said


def test_a_newcomer_gets_to_a_second_device_by_what_the_help_says(tmp_path: Path) -> None:
    mo = Newcomer(tmp_path)
    lines = evening(said_by_help())
    serve = lines.index("fieldward serve")
    for line in lines[:serve]:
        mo.types(line)
    with mo.leaves_running(lines[serve]):
        *rest, enrol, sync, search = lines[serve + 1 :]
        code = [mo.types(line) for line in rest][-1].strip()
        assert len(read_code(code).secret) == 11
        mo.answers(enrol, code)
        assert "2,000 entries" in mo.types(sync) + mo.types("fieldward field status")
        mo.answers(f"{search} --reason home-visit", "Smith", "", "", "", "", "")

        second = mo.types(rest[-1]).strip()
        mo.answers(f"{enrol} --folder second", second)
        mo.types(f"{sync} --folder second")
        assert len(mo.types("fieldward device list --json").splitlines()) == 2
