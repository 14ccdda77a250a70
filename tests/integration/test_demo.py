"""The main job, as ``make run`` plays it: it checks, it does not narrate."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from fieldward_server import demo
from fieldward_server.demo.stage import DoesNotHold, Stage

STEPS = 11


def test_the_main_job_holds_from_a_loaded_index_to_a_wiped_device(tmp_path: Path) -> None:
    played = subprocess.run(
        [sys.executable, "-m", "fieldward_server.cli", "demo", "--once", "--folder", str(tmp_path)],
        capture_output=True,
        check=False,
        text=True,
    )
    assert played.returncode == 0, played.stderr + played.stdout
    assert f"{STEPS}. What an administrator sees" in played.stdout
    assert "the server has its signed receipt" in played.stdout


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
