"""The command line: an administrator's evening, what it prints, and how it fails."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from fieldward_server.cli import root
from fieldward_server.cli.key_files import AUDIT, ROOT, read_key
from fieldward_sync.invitations import read_code

AUTHORITY = "E08000039"


class Administrator:
    """Somebody at the keyboard of the server's host."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "fieldward.toml"
        self.config.write_text('data_folder = "data"\n')

    def types(self, *words: str, keys: str = "") -> Result:
        """Run a command, whatever comes of it."""
        command = ["--config", str(self.config), "--actor", "test", *words]
        return CliRunner().invoke(root, command, input=keys, env={"FIELDWARD_CONFIG": None})

    def does(self, *words: str, keys: str = "") -> str:
        """Run a command that succeeds, and read what it prints."""
        result = self.types(*words, keys=keys)
        assert result.exit_code == 0, result.output
        return result.stdout

    def reads(self, *words: str) -> list[dict[str, Any]]:
        """The values that a command prints for programs."""
        return [json.loads(line) for line in self.does(*words, "--json").splitlines()]


@pytest.fixture
def administrator(tmp_path: Path) -> Administrator:
    return Administrator(tmp_path)


@pytest.fixture
def settled(administrator: Administrator) -> Administrator:
    """Somebody whose server has an authority with 30 children, a practitioner and a partition."""
    children = str(administrator.folder / "children.ndjson")
    administrator.does("migrate")
    keys = str(administrator.folder / "keys")
    administrator.does("authority", "create", AUTHORITY, "--name", "Sheffield", "--secrets", keys)
    administrator.does(
        *("population", "generate", "--authority", AUTHORITY),
        *("--children", "30", "--seed", "7", "--output", children),
    )
    administrator.does("records", "load", children)
    administrator.does(
        *("practitioner", "add", "p-17", "--authority", AUTHORITY, "--name", "Ann Poole"),
        *("--role", "health-visitor", "--team", "HV-1"),
        *("--vetted-until", "2099-03-31", "--trained-until", "2099-03-31"),
    )
    administrator.does(
        *("partition", "create", "all-of-it", "--authority", AUTHORITY),
        *("--title", "All of it", "--rule", "all"),
    )
    return administrator


def commands(group: click.Group, *names: str) -> Iterator[tuple[str, click.Command]]:
    """Every command below a group, by what one types."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, *names, name)
        else:
            yield " ".join((*names, name)), command


COMMANDS = dict(commands(root))


@pytest.mark.parametrize("typed", COMMANDS)
def test_every_command_says_what_it_does_and_shows_an_example(typed: str) -> None:
    said = CliRunner().invoke(root, [*typed.split(), "--help"]).stdout
    assert f"fieldward {typed}" in said.partition("Example")[2]
    assert "..." not in COMMANDS[typed].get_short_help_str(limit=80)


@pytest.mark.parametrize("typed", COMMANDS)
def test_every_example_is_one_that_the_command_takes(typed: str) -> None:
    """Its options exist and none that it needs is missing."""
    example = (COMMANDS[typed].help or "").partition("Example")[2].replace("\\\n", " ")
    words = re.sub(r'"[^"]*"', "quoted", example.partition(f"fieldward {typed}")[2]).split()
    given = {word for word in words if word.startswith("--")}
    known = {option: it for it in COMMANDS[typed].params for option in it.opts}
    needed = {it.opts[0] for it in known.values() if it.required and it.opts[0].startswith("--")}
    assert needed <= given <= known.keys()


def test_a_server_is_set_up_from_nothing(settled: Administrator) -> None:
    (authority,) = settled.reads("authority", "list")
    assert (authority["name"], authority["records"], authority["devices"]) == ("Sheffield", 30, 0)
    (practitioner,) = settled.reads("practitioner", "list", "--authority", AUTHORITY)
    assert practitioner["vetted_until"] == 4078684799  # the end of 31 March 2099, UTC
    (partition,) = settled.reads("partition", "list", "--authority", AUTHORITY)
    assert (partition["records"], partition["published_feed"]) == (30, None)
    assert settled.does("partition", "seal") == "1 files made.\n"
    (partition,) = settled.reads("partition", "list", "--authority", AUTHORITY)
    assert (partition["files"], partition["published_feed"]) == (1, partition["feed"])


def test_an_authoritys_keys_end_up_in_files_of_its_own(settled: Administrator) -> None:
    for purpose in (ROOT, AUDIT):
        path = settled.folder / "keys" / f"{AUTHORITY}-{purpose}"
        assert len(read_key(path, purpose=purpose, authority=AUTHORITY)) == 32


def test_an_authority_that_cannot_be_made_leaves_no_keys(settled: Administrator) -> None:
    other = settled.folder / "other"
    words = ("authority", "create", AUTHORITY, "--name", "Again", "--secrets", str(other))
    refused = settled.types(*words)
    assert (refused.exit_code, list(other.iterdir())) == (1, [])
    assert "[authority-exists]" in refused.stderr


def test_an_invitation_is_printed_and_nothing_else(settled: Administrator) -> None:
    code = settled.does(
        *("device", "invite", "--authority", AUTHORITY),
        *("--practitioner", "p-17", "--partition", "all-of-it"),
    )
    assert len(read_code(code).secret) == 11


def test_a_line_that_is_wrong_is_told_and_the_others_load(settled: Administrator) -> None:
    lines = (settled.folder / "children.ndjson").read_text().splitlines()
    mixed, verdicts = settled.folder / "mixed.ndjson", settled.folder / "verdicts.ndjson"
    mixed.write_text("\n".join([lines[0], "not JSON", lines[1]]) + "\n")
    result = settled.types("records", "load", str(mixed), "--verdicts", str(verdicts), "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout) == {"created": 0, "changed": 0, "unchanged": 2, "refused": 1}
    told = [json.loads(line) for line in verdicts.read_text().splitlines()]
    assert [(it["line"], it["outcome"]) for it in told] == [
        (1, "unchanged"),
        (2, "refused"),
        (3, "unchanged"),
    ]


def test_a_refused_line_is_named_on_stderr_with_its_number(settled: Administrator) -> None:
    result = settled.types("records", "load", "-", keys="{}\n")
    assert result.exit_code == 1
    assert result.stderr.startswith("line 1: ")


@pytest.mark.parametrize(
    "words",
    [
        ("authority", "list"),
        ("practitioner", "list", "--authority", AUTHORITY),
        ("partition", "list", "--authority", AUTHORITY),
        ("device", "list", "--authority", AUTHORITY),
        ("conflicts", "list", "--authority", AUTHORITY),
        ("inbox", "list", "--authority", AUTHORITY),
        ("journal", "verify", "--authority", AUTHORITY),
        ("config", "check"),
    ],
    ids=" ".join,
)
def test_every_list_is_told_to_people_and_to_programs(
    words: tuple[str, ...], settled: Administrator
) -> None:
    assert settled.does(*words).strip()
    assert all(isinstance(it, dict) for it in settled.reads(*words))


def test_a_shield_that_is_raised_or_released_is_a_change_of_its_partitions(
    settled: Administrator,
) -> None:
    first = json.loads((settled.folder / "children.ndjson").read_text().splitlines()[0])
    words = (first["record_id"], "--authority", AUTHORITY, "--reason", "court-order")
    before = feed(settled)
    for move in ("raise", "release"):
        settled.does("shield", move, *words)
    assert feed(settled) == before + 2


def feed(administrator: Administrator) -> int:
    """The number of changes that the one partition has seen."""
    (partition,) = administrator.reads("partition", "list", "--authority", AUTHORITY)
    changes: int = partition["feed"]
    return changes


def test_an_error_says_what_to_do_next_and_ends_with_1(settled: Administrator) -> None:
    refused = settled.types("device", "show", "d-9", "--authority", AUTHORITY)
    assert refused.exit_code == 1
    assert "[unknown-device]\nCorrect the value named above" in refused.stderr
    assert refused.stdout == ""


@pytest.mark.parametrize(
    "words",
    [
        ("device", "show", "d-9"),
        ("device", "show", "d 9", "--authority", AUTHORITY),
        ("device", "show", "d-9", "--authority", "Sheffield"),
        ("device", "pause", "d-9", "--authority", AUTHORITY, "--reason", "She left us."),
        ("nonsense",),
    ],
    ids=" ".join,
)
def test_a_command_that_cannot_be_right_ends_with_2(
    words: tuple[str, ...], administrator: Administrator
) -> None:
    assert administrator.types(*words).exit_code == 2


def test_a_server_that_has_no_database_yet_says_how_to_get_one(
    administrator: Administrator,
) -> None:
    refused = administrator.types("authority", "list")
    assert refused.exit_code == 1
    assert "fieldward migrate" in refused.stderr


def test_a_database_without_its_master_key_is_not_touched(settled: Administrator) -> None:
    (settled.folder / "data" / "master.key").unlink()
    for words in (("migrate",), ("authority", "list")):
        refused = settled.types(*words)
        assert (refused.exit_code, "[no-master-key]" in refused.stderr) == (1, True)
    assert not (settled.folder / "data" / "master.key").exists()


def test_migrating_again_applies_nothing(settled: Administrator) -> None:
    assert "applied" not in settled.does("migrate")


def test_the_settings_in_force_are_printed(administrator: Administrator) -> None:
    (settings,) = administrator.reads("config", "check")
    assert settings["data_folder"] == str(administrator.folder / "data")


def test_wrong_settings_are_all_named(administrator: Administrator) -> None:
    administrator.config.write_text('workers = 0\nlog_level = "loud"\n')
    refused = administrator.types("config", "check")
    assert refused.exit_code == 1
    assert "workers: " in refused.stderr
    assert "log_level: " in refused.stderr
