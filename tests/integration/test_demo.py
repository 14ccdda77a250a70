"""The main job, as ``make run`` plays it: it checks, it does not narrate."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest

from fieldward_server import demo
from fieldward_server.demo.stage import DoesNotHold, Stage
from fieldward_sync.invitations import read_code
from program import FIELDWARD, environment
from terminal import CTRL_C, Terminal

STEPS = 12
BY_HAND = "To go on by hand"
WITH_A_DEVICE = "as a health visitor"


def test_the_main_job_holds_and_what_it_says_to_type_next_works_as_it_stands(
    tmp_path: Path,
) -> None:
    """From a loaded index to a wiped device; then, by hand, to another device enrolled. All of its
    children are made up: whoever wants to try it out needs no real one (A9)."""
    others = {"FIELDWARD_LISTEN_PORT": "1", "FIELDWARD_KEY": "somebody's own"}
    demo = Terminal(*FIELDWARD, "demo", "--folder", str(tmp_path / "demo"), **others)
    demo.wait_for(BY_HAND, patience_seconds=240)
    demo.wait_for("field search")
    assert f"{STEPS}. What the administrators see" in demo.said
    assert "the server has its signed receipt" in demo.said
    administrator, health_visitor = demo.said.partition(BY_HAND)[2].split(WITH_A_DEVICE)

    typed = subprocess.run(
        ["/bin/bash", "-e", "-c", "\n".join(indented(administrator))],
        env=environment(),
        capture_output=True,
        check=True,
        text=True,
    )
    code = typed.stdout.splitlines()[-1]
    assert len(read_code(code).secret) == 11

    enrol, sync, search = (shlex.split(line) for line in indented(health_visitor))
    passphrase = "three random words"
    device = Terminal(*enrol)
    for question, answer in (("code", code), ("passphrase", passphrase), ("again", passphrase)):
        device.wait_for(question)
        device.type(f"{answer}\n")
    assert device.exit_code() == 0, device.said
    device = Terminal(*sync)
    device.wait_for("assphrase")
    device.type(f"{passphrase}\n")
    assert device.exit_code() == 0, device.said
    device = Terminal(*search, "--help")
    assert device.exit_code() == 0, device.said

    demo.type(CTRL_C)
    assert demo.exit_code() == 0, demo.said


def indented(text: str) -> list[str]:
    """The lines to be typed, those that go on joined."""
    joined = text.replace("\r", "").replace("\\\n", " ")
    return [line.strip() for line in joined.splitlines() if line.startswith("    ")]


def test_a_step_that_does_not_hold_ends_it_with_exit_code_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def play(stage: Stage) -> None:
        stage.step("Two and two")
        stage.check(2 + 2 == 5, "two and two are five")

    monkeypatch.setattr(demo, "play_main_job", play)
    assert demo.play(once=True, folder=tmp_path) == 1
    said = capsys.readouterr()
    assert "Does not hold: two and two are five" in said.err
    assert "✓" not in said.out


def test_a_server_that_does_not_start_is_a_step_that_does_not_hold(tmp_path: Path) -> None:
    with Stage(tmp_path) as stage:
        stage.config_file.write_text("listen_port = 99999\n")
        with pytest.raises(DoesNotHold):
            stage.start_server()
