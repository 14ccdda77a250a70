"""The command line: an administrator's evening, what it prints, and how it fails."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import click
import pytest
from click.testing import CliRunner

from children import stranger
from fieldward_client import AccessClosed, Device
from fieldward_server.cli.key_files import AUDIT, ROOT, read_key
from fieldward_server.cli.root import root
from fieldward_sync.invitations import read_code
from office import EMPLOYED, Administrator, Keyboard, Office


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with Office.open(tmp_path_factory.mktemp("office")) as office:
        yield office


@pytest.fixture
def settled(office: Office) -> Administrator:
    """Somebody whose authority has three children, a practitioner and a partition."""
    return office.settled()


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


FOR_EYES_OR_FILES = {
    "serve",
    "demo",
    "soak",
    "completion",
    "field passphrase",
    *(f"population {it}" for it in ("generate", "weights")),
}


@pytest.mark.parametrize("typed", sorted(COMMANDS.keys() - FOR_EYES_OR_FILES))
def test_what_a_command_prints_can_be_read_by_a_program(typed: str) -> None:
    assert any("--json" in it.opts for it in COMMANDS[typed].params)


@pytest.mark.parametrize("typed", COMMANDS)
def test_the_help_of_a_command_fits_a_terminal(typed: str) -> None:
    command = COMMANDS[typed]
    context = click.Context(command, info_name=typed, terminal_width=100)
    assert max(map(len, command.get_help(context).splitlines())) <= 100


def test_the_roots_help_names_each_command_once_and_for_whom() -> None:
    said = CliRunner().invoke(root, ["--help"]).stdout
    named = re.findall(r"^  ([a-z][a-z-]*)  +[A-Z]", said, flags=re.MULTILINE)
    assert sorted(named) == sorted(root.list_commands(click.Context(root)))
    for who in ("A health visitor,", "A sync administrator,", "An operator,", "Everybody:"):
        assert said.count(f"\n{who}") == 1


def test_a_server_is_set_up_from_nothing(settled: Administrator) -> None:
    (authority,) = settled.reads("authority", "show")
    counted = [authority[what] for what in ("records", "devices", "administrators", "incarnation")]
    assert (authority["name"], authority["founded"], counted) == ("Sheffield", True, [3, 0, 1, 1])
    (practitioner,) = settled.reads("practitioner", "list")
    assert practitioner["vetted_until"] == 4078684799  # the end of 31 March 2099, UTC
    (partition,) = settled.reads("partition", "list")
    assert (partition["records"], partition["published_feed"]) == (3, None)
    assert settled.does("partition", "seal") == "Files made: 1.\n"
    (partition,) = settled.reads("partition", "list")
    assert (partition["files"], partition["published_feed"]) == (1, partition["feed"])


def test_what_an_administrator_does_is_on_record_under_their_name_with_the_reason(
    settled: Administrator,
) -> None:
    """A8: what they look at too."""
    settled.does("inbox", "list", "--reason", "weekly-review")
    settled.does("shield", "raise", "r-1", "--reason", "court-order")
    done = {
        (it["actor"], it["action"], it["reason"]) for it in settled.reads("authority", "events")
    }
    assert {
        ("mo", "records/load", "routine"),
        ("mo", "inbox/list", "weekly-review"),
        ("mo", "shield/raise", "court-order"),
    } <= done


@pytest.mark.parametrize(
    "words",
    [
        ("conflicts", "list"),
        ("disputes", "list"),
        ("disputes", "raise", "r-1", "born", "--by", "carer"),
        ("disputes", "decide", "r-1", "d1", "--outcome", "upheld"),
        ("inbox", "list"),
        ("records", "history", "r-1"),
        ("shield", "raise", "r-1"),
        ("journal", "show", "--audit-key", __file__),
    ],
    ids=" ".join,
)
def test_nobody_sees_what_is_held_without_saying_why(
    words: tuple[str, ...], settled: Administrator
) -> None:
    """A8"""
    refused = settled.types(*words)
    assert (refused.exit_code, "--reason" in refused.stderr) == (2, True)
    assert settled.types(*words, "--reason", "routine").exit_code == 1


def test_an_authoritys_keys_end_up_in_files_of_its_own(settled: Administrator) -> None:
    for purpose in (ROOT, AUDIT):
        path = settled.folder / "keys" / f"{settled.authority}-{purpose}"
        assert len(read_key(path, purpose=purpose, authority=settled.authority)) == 32


def test_an_authority_is_founded_once_and_a_second_time_leaves_no_keys(
    settled: Administrator,
) -> None:
    other = settled.folder / "other"
    settled.is_refused(
        *("authority", "create", "--name", "Again", "--secrets", str(other)),
        code="authority-founded",
    )
    assert not other.exists()


def test_what_the_server_refuses_to_found_leaves_no_keys(office: Office) -> None:
    mo = office.bootstrapped()
    words = ("authority", "create", "--name", "x" * 101, "--secrets", str(mo.folder / "keys"))
    mo.is_refused(*words, code="argument-malformed")
    assert list((mo.folder / "keys").iterdir()) == []


def test_keys_of_an_authority_are_never_written_over(office: Office) -> None:
    mo = office.bootstrapped()
    keys = mo.folder / "keys"
    keys.mkdir()
    (keys / f"{mo.authority}-audit-key").write_text("of another server")
    words = ("authority", "create", "--name", "Sheffield", "--secrets", str(keys))
    mo.is_refused(*words, code="key-exists")
    assert [it.name for it in keys.iterdir()] == [f"{mo.authority}-audit-key"]
    assert mo.reads("authority", "show")[0]["founded"] is False


def test_an_invitation_is_printed_and_nothing_else(settled: Administrator) -> None:
    code = settled.does("device", "invite", "--practitioner", "p-17", "--partition", "all-of-it")
    assert len(read_code(code).secret) == 11


def test_until_when_a_code_is_good_is_said_to_programs_too(settled: Administrator) -> None:
    words = ("device", "invite", "--practitioner", "p-17", "--partition", "all-of-it")
    (made,) = settled.reads(*words, "--valid-hours", "2")
    assert len(read_code(made["code"]).secret) == 11
    assert 7_100 < made["good_until"] - time.time() <= 7_200


def test_a_change_is_previewed_in_words_and_for_programs(
    settled: Administrator, tmp_path: Path
) -> None:
    """What would come and go, on which devices, and what is not delivered there (D6)."""
    said = settled.does("partition", "preview", "west", "--rule", "all")
    assert said.startswith("`partition create`: 3 records come and 0 go; 0 devices, 0 unsent edits")
    assert "No device holds it." in said
    code = settled.does(
        *("device", "invite", "--practitioner", "p-17", "--partition", "all-of-it", "--cap", "3")
    )
    server = settled.settings["FIELDWARD_SERVER"]
    with Device.enrol(tmp_path, server, code, passphrase="a passphrase of its own") as device:
        name = device.status().device
    rule = ("--rule", "team:HV-9")
    said = settled.does("partition", "preview", "all-of-it", *rule)
    assert "`partition change`: 0 records come and 3 go; 1 devices" in said
    assert f"{name}.1" in said
    (preview,) = settled.reads("partition", "preview", "all-of-it", *rule)
    assert preview["devices"][0]["records_then"] == 0
    changed = settled.does("partition", "change", "all-of-it", *rule, "--reason", "closed")
    assert changed.startswith("all-of-it holds 0 records.\n")
    settled.does("partition", "create", "west", "--title", "West", "--rule", "all")
    settled.loads("r-4")
    grant = ("west", "--device", name, "--practitioner", "p-17")
    assert "refused: 1 devices would" in settled.does("grant", "preview", *grant)
    settled.is_refused("grant", "give", *grant, code="over-cap")
    settled.does("device", "cap", name, "4", "--reason", "two-teams")
    settled.does("grant", "give", *grant)
    (preview,) = settled.reads("grant", "preview", *grant)
    assert (preview["change"], preview["records_going"]) == ("grant/take", 4)
    settled.loads("r-5")
    assert "active, over cap" in settled.does("device", "list")
    assert re.search("records +5, at most 4", settled.does("device", "show", name))
    said = settled.does("partition", "preview-way", "west", "warm")
    assert "`partition way`: 0 records come and 0 go; 1 devices" in said
    assert "0, 5 warm" in said
    why = ("--reason", "no-key-store")
    assert settled.does("partition", "way", "west", "warm", *why) == "west is held warm.\n"
    assert "west (warm)" in settled.does("device", "show", name)
    lost = settled.does("device", "loss-report", name, "--reason", "stolen")
    assert re.search("p-17 held west +given .*; warm, never readable there", lost)


def test_a_person_is_suspended_on_all_of_their_devices_and_resumed(
    settled: Administrator, tmp_path: Path
) -> None:
    """A4, U5: at once, and looked into at once."""
    settled.does("partition", "seal")
    server, words = settled.settings["FIELDWARD_SERVER"], "a passphrase of its own"
    invite = ("device", "invite", "--practitioner", "p-17", "--partition", "all-of-it")
    devices = [
        Device.enrol(tmp_path / name, server, settled.does(*invite), passphrase=words)
        for name in ("tablet", "phone")
    ]
    for device in devices:
        device.sync()
    with devices[0].session(reason="home-visit") as session:
        session.open("r-1")
    names = [device.status().device for device in devices]
    why = ("--reason", "suspicion")
    refused = settled.types("practitioner", "suspend", "p-17", *why)
    assert refused.exit_code == 2, "nobody is there to be asked"
    assert all(f"on {name}.1" in refused.stderr for name in names)
    assert not settled.reads("practitioner", "show", "p-17")[0]["practitioner"]["suspended_at"]
    said = settled.does("practitioner", "suspend", "p-17", *why, "--yes")
    assert said.startswith("p-17 is suspended: ")
    assert "Tell their manager (Joan Reid of Community Health), and " in said
    settled.is_refused(*invite, code="suspended")
    for device in devices:
        device.sync()
        with (
            device.session(reason="home-visit") as session,
            pytest.raises(AccessClosed, match="access-suspended"),
        ):
            session.open("r-1")
    for told in (("device", "show", names[0]), ("practitioner", "show", "p-17")):
        assert "; suspended" in settled.does(*told)
    assert settled.does("device", "list").count("p-17 (suspended)") == 2
    (listed,) = settled.reads("practitioner", "list")
    assert listed["suspended_at"] > 0
    key = settled.folder / "keys" / f"{settled.authority}-{AUDIT}"
    show = ("journal", "show", "--audit-key", str(key), *why, "--practitioner")
    looked = [it["look_up"] for it in settled.reads(*show, "p-17")]
    assert [(it["records"], it["outcome"]) for it in looked] == [(["r-1"], "shown")]
    assert settled.reads(*show, "somebody-else") == []
    done = [it["action"] for it in settled.reads("authority", "events")]
    assert done.index("practitioner/suspend") < done.index("practitioner-suspended")
    assert settled.reads("practitioner", "resume", "p-17", "--reason", "nothing-found") == [
        {"practitioner": "p-17"}
    ]
    for device in devices:
        device.sync()
        with device.session(reason="home-visit") as session:
            session.open("r-1")
        device.close()


def test_a_device_without_signal_is_told_the_time(settled: Administrator, tmp_path: Path) -> None:
    """V5, as in the runbook: what the device shows is typed in, and what is printed is read out."""
    code = settled.does("device", "invite", "--practitioner", "p-17", "--partition", "all-of-it")
    server = settled.settings["FIELDWARD_SERVER"]
    with Device.enrol(tmp_path, server, code, passphrase="a passphrase of its own") as device:
        name, shown = device.status().device, device.ask_for_time().replace("-", " ")
        ask = ("device", "time-code", name)
        mistyped = shown[:7] + ("A" if shown[7] != "A" else "B") + shown[8:]
        refused = settled.is_refused(*ask, mistyped, "--reason", "no-signal", code="code-mistyped")
        assert "group 2" in refused.stderr
        said = settled.does(*ask, *shown.split(), "--reason", "no-signal")
        assert [len(line.split()) for line in said.splitlines()] == [4] * 7
        device.take_time(said)


def test_what_became_of_a_record_is_told(settled: Administrator) -> None:
    settled.does("shield", "raise", "r-2", "--reason", "court-order")
    told = settled.does("records", "history", "r-2", "--reason", "complaint")
    assert re.search(r"shielded +yes", told)
    assert stranger("r-2")["name"]["family"] in told  # type: ignore[index] # a name
    assert re.search(r"mo +shield +raised", told)
    (known,) = settled.reads("records", "history", "r-2", "--reason", "complaint")
    assert (known["shielded"], known["partitions"]) == (True, ["all-of-it"])
    assert known["edits"][-1]["administrator"] == "mo"


@pytest.mark.parametrize(
    "words",
    [
        ("authority", "show"),
        ("authority", "events"),
        ("authority", "incidents"),
        ("administrator", "list"),
        ("practitioner", "list"),
        ("partition", "list"),
        ("device", "list"),
        ("conflicts", "list", "--reason", "review"),
        ("disputes", "list", "--reason", "review"),
        ("inbox", "list", "--reason", "review"),
        ("journal", "verify"),
        ("config", "check"),
    ],
    ids=" ".join,
)
def test_every_list_is_told_to_people_and_to_programs(
    words: tuple[str, ...], settled: Administrator
) -> None:
    assert settled.does(*words).strip()
    assert all(isinstance(it, dict) for it in settled.reads(*words))


def test_the_history_of_a_field_says_where_its_value_comes_from(settled: Administrator) -> None:
    (known,) = settled.reads("records", "history", "r-1", "born", "--reason", "complaint")
    (value,) = known["values"]
    assert (value["origin"], value["administrator"], value["replaced_by"]) == ("load", "mo", [])
    assert "it stands" in settled.does("records", "history", "r-1", "born", "--reason", "complaint")


def test_what_cannot_be_settled_or_let_in_is_refused_and_says_why(settled: Administrator) -> None:
    settle = ("conflicts", "settle", "r-1", "born", "--over", "1", "--reason")
    why = "confirmed-by-source"
    settled.is_refused(*settle, why, "--choose", "1", code="not-in-conflict")
    settled.is_refused(*settle, why, "--value", "2021-03-04", code="not-in-conflict")
    assert settled.types(*settle, why).exit_code == 2  # no value is chosen for anybody
    assert settled.types(*settle, "i-like-it", "--remove").exit_code == 2
    settled.is_refused("inbox", "admit", "1", "--reason", "checked", code="unknown-item")
    settled.is_refused("inbox", "decline", "1", "--reason", "checked", code="unknown-item")


def test_a_dispute_is_raised_listed_decided_and_stays_in_the_history(
    settled: Administrator,
) -> None:
    """R2"""
    why = ("--reason", "letter-from-family")
    (made,) = settled.reads("disputes", "raise", "r-1", "born", "--by", "carer", *why)
    told = settled.does("disputes", "list", *why)
    born = str(stranger("r-1")["born"])
    assert all(word in told for word in ("r-1", "born", "carer", "just now", "mo", born))
    (known,) = settled.reads("disputes", "list", *why)
    assert (known["dispute"]["dispute_id"], known["hidden"]) == (made["dispute"], False)
    decide = ("disputes", "decide", "r-1", made["dispute"], *why, "--outcome")
    settled.is_refused(*decide, "corrected", code="not-corrected")
    assert settled.types(*decide, "whatever").exit_code == 2
    settled.does(*decide, "not-upheld")
    settled.is_refused(*decide, "upheld", code="already-decided")
    assert settled.does("disputes", "list", *why) == "Nothing is disputed.\n"
    for words in (("r-1",), ("r-1", "born")):
        assert "not-upheld" in settled.does("records", "history", *words, *why)
        (history,) = settled.reads("records", "history", *words, *why)
        assert [each["outcome"] for each in history["disputes"]] == ["not-upheld"]
    done = [(it["actor"], it["action"]) for it in settled.reads("authority", "events")]
    assert ("mo", "dispute-raised") in done
    assert ("mo", "dispute-not-upheld") in done


def test_a_whole_list_is_shielded_and_what_is_refused_stops_no_other(
    settled: Administrator,
) -> None:
    """H9: with one reason, each on record; that nobody has confirmed is seen for all at once."""
    why = ("--reason", "first-shielding")
    done = settled.types("shield", "raise", "r-1", "r-none", "r-3", *why, "--json")
    assert done.exit_code == 1
    assert done.stdout.splitlines() == ['{"record":"r-1"}', '{"record":"r-3"}']
    assert "r-none is not shielded: " in done.stderr
    raised = [it for it in settled.reads("authority", "events") if it["action"] == "shield/raise"]
    assert {it["reason"] for it in raised} == {"first-shielding"}
    for record, shielded in (("r-1", True), ("r-2", False), ("r-3", True)):
        (known,) = settled.reads("records", "history", record, "--reason", "complaint")
        assert known["shielded"] is shielded


def test_shields_are_listed_with_who_raised_them_and_those_to_be_looked_at_first(
    settled: Administrator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """H9: a decision, its reason, and a day on which somebody looks again."""
    why = ("--reason", "weekly-review")
    assert settled.does("shield", "list", *why) == "No shield stands.\n"
    settled.does("shield", "raise", "r-1", "r-3", "--reason", "court-order")
    said = settled.does("shield", "review", "r-1", "--again-by", "2099-06-30", *why)
    assert said == "The shield of r-1 stands. It is to be looked at again by 2099-06-30.\n"
    _, _, _, unseen, reviewed, *_ = settled.does("shield", "list", *why).splitlines()
    assert unseen.split()[0] == "r-3"
    assert unseen.split()[2:] == ["mo", "court-order", "never", "no", "day", "is", "named"]
    assert reviewed.split()[0] == "r-1"
    assert reviewed.split()[-4:] == ["by", "mo", "by", "2099-06-30"]
    refused = settled.is_refused(
        "shield", "review", "r-2", "--again-by", "2099-06-30", *why, code="not-shielded"
    )
    assert "`fieldward shield list`" in refused.stderr
    in_2100 = SimpleNamespace(time=lambda: 130 * 365.25 * 24 * 3600)
    monkeypatch.setattr("fieldward_server.cli.shield.time", in_2100)
    assert "by 2099-06-30 (overdue)" in settled.does("shield", "list", *why)


def test_a_shield_that_is_raised_or_released_is_a_change_of_its_partitions(
    settled: Administrator,
) -> None:
    before = feed(settled)
    for move in ("raise", "release"):
        settled.does("shield", move, "r-1", "--reason", "court-order")
    assert feed(settled) == before + 2


def feed(administrator: Administrator) -> int:
    """The number of changes that the one partition has seen."""
    (partition,) = administrator.reads("partition", "list")
    changes: int = partition["feed"]
    return changes


def test_an_error_says_what_to_do_next_and_ends_with_1(settled: Administrator) -> None:
    refused = settled.is_refused("device", "show", "d-9", code="unknown-device")
    assert "[unknown-device]\n`fieldward device list` has them all." in refused.stderr


def test_a_manager_who_is_not_on_record_is_said_to_be_none(settled: Administrator) -> None:
    """Of who was added before managers were asked for, there is none."""
    with sqlite3.connect(
        Path(settled.settings["FIELDWARD_DATA_FOLDER"]) / "fieldward.db"
    ) as opened:
        opened.execute(
            "UPDATE practitioner SET employer = '', manager = '' WHERE authority = ?",
            [settled.authority],
        )
    opened.close()
    assert re.search("manager +not on record", settled.does("practitioner", "show", "p-17"))
    suspended = settled.does("practitioner", "suspend", "p-17", "--reason", "suspicion", "--yes")
    assert "Tell their manager (not on record), and " in suspended


def test_what_was_done_is_said_and_what_comes_of_it(settled: Administrator) -> None:
    """A6: somebody whose vetting is over is taken on record, and gets no lease."""
    add = ("practitioner", "add", "p-9", "--name", "Bo", "--role", "midwife", "--team", "MW-01")
    over = ("--vetted-until", "2020-12-31", "--trained-until", "2099-12-31")
    assert settled.does(*add, *EMPLOYED, *over).splitlines() == [
        "p-9 is on record.",
        "Their vetting is over: devices of theirs get no lease.",
    ]
    assert "No record fits its rules yet" in settled.does(
        *("partition", "create", "nobody", "--title", "Nobody", "--rule", "team:NOBODY")
    )
    assert "r-2 is shielded." in settled.does("shield", "raise", "r-2", "--reason", "court-order")
    assert settled.reads("shield", "release", "r-2", "--reason", "order-lifted") == [
        {"record": "r-2"}
    ]


def test_every_mistake_that_the_server_finds_is_told_with_its_field(
    settled: Administrator,
) -> None:
    refused = settled.types(
        *("practitioner", "add", "p-18", "--name", "x" * 101, "--role", "health-visitor"),
        *EMPLOYED,
        *("--team", "y" * 101, "--vetted-until", "2099-03-31", "--trained-until", "2099-03-31"),
    )
    assert refused.exit_code == 1
    assert "  name: " in refused.stderr
    assert "  team: " in refused.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("device", "show"),
        ("device", "show", "d 9"),
        ("device", "show", "d-9", "--authority", "Sheffield"),
        ("device", "pause", "d-9", "--reason", "She left us."),
        ("practitioner", "add", "p-1", "--name", "Ann", "--role", "king"),
        ("nonsense",),
        ("device", "nonsense"),
        ("--nonsense",),
    ],
    ids=" ".join,
)
def test_a_command_that_cannot_be_right_ends_with_2(
    words: tuple[str, ...], settled: Administrator
) -> None:
    assert settled.types(*words).exit_code == 2


def test_a_server_that_is_not_reached_ends_with_3(settled: Administrator) -> None:
    away = settled.types("device", "list", FIELDWARD_SERVER="http://127.0.0.1:9")
    assert (away.exit_code, "[offline]" in away.stderr) == (3, True)
    assert "fieldward serve" in away.stderr


def test_a_database_that_is_not_reached_ends_with_3(tmp_path: Path) -> None:
    operator = Keyboard(
        {
            "FIELDWARD_DATA_FOLDER": str(tmp_path),
            "FIELDWARD_DATABASE_URL": "postgresql://127.0.0.1:9/nowhere?connect_timeout=1",
        }
    )
    away = operator.types("migrate")
    assert (away.exit_code, "[database-busy]" in away.stderr) == (3, True)


@pytest.mark.parametrize("words", [("migrate",), ("backup", "copy")])
def test_what_is_not_reached_and_why_is_said_once_and_without_a_password(
    words: tuple[str, ...], tmp_path: Path
) -> None:
    """By a process of its own: what Python prints where there is no log is seen too."""
    url = "postgresql://bo:s3cret@/nowhere?host=127.0.0.1,/nowhere&port=9"
    environ = {**os.environ, "FIELDWARD_DATA_FOLDER": str(tmp_path), "FIELDWARD_DATABASE_URL": url}
    command = (sys.executable, "-m", "fieldward_server.cli", *words)
    away = subprocess.run(command, env=environ, cwd=tmp_path, capture_output=True, text=True)
    assert away.returncode == 3
    what, next_step = away.stderr.splitlines()
    assert what == (
        "The database postgresql://bo:…@/nowhere?host=127.0.0.1,/nowhere&port=9 is not reached:"
        ' connection to server at "127.0.0.1", port 9 failed: Connection refused;'
        ' connection to server on socket "/nowhere/.s.PGSQL.9" failed: No such file or directory.'
        " [database-busy]"
    )
    assert "correct database_url" in next_step


@pytest.mark.parametrize("password", ["s3@cret", "s3/cret", "s3%cret"])
def test_an_address_with_a_password_that_is_not_encoded_is_refused_and_not_repeated(
    password: str, tmp_path: Path
) -> None:
    url = f"postgresql://bo:{password}@127.0.0.1:9/nowhere"
    operator = Keyboard({"FIELDWARD_DATA_FOLDER": str(tmp_path), "FIELDWARD_DATABASE_URL": url})
    refused = operator.types("migrate")
    assert (refused.exit_code, "[database-url]" in refused.stderr) == (1, True)
    assert "cret" not in refused.output


def test_a_no_to_a_question_changes_nothing_and_ends_with_1(
    settled: Administrator, tmp_path: Path
) -> None:
    code = settled.does("device", "invite", "--practitioner", "p-17", "--partition", "all-of-it")
    server = settled.settings["FIELDWARD_SERVER"]
    with Device.enrol(tmp_path, server, code, passphrase="a passphrase of its own") as device:
        name = device.status().device
    for move in ("pause", "drain", "revoke", "wipe"):
        refused = settled.types("device", move, name, "--reason", "lost", keys="n\n")
        assert (refused.exit_code, "Nothing was changed" in refused.stderr) == (1, True)
        assert "holder p-17" in refused.stderr
        assert re.search("readable until +nothing opens there", refused.stderr)  # no lease yet
        foreseen = settled.does("device", "preview", name, move)
        assert foreseen in refused.stderr
        assert refused.stdout == ""
        unasked = settled.types("device", move, name, "--reason", "lost")
        assert (unasked.exit_code, "--yes" in unasked.stderr) == (2, True)
    (shown,) = settled.reads("device", "show", name)
    assert (shown["access"], shown["wipe"]) == ("active", None)
    settled.does("device", "wipe", name, "--reason", "lost", keys="y\n")
    assert "  wipe unconfirmed" in settled.does("device", "list")
    with Device.open(tmp_path) as device:
        device.sync()
    assert "  wiped" in settled.does("device", "list")
    assert "done, receipt came" in settled.does("device", "show", name)
    lost = settled.does("device", "loss-report", name, "--reason", "lost")
    assert "by its signed receipt" in lost
    assert re.search("look-ups lost +none", lost)
    assert lost.endswith("3 of 3 records could not.\n")
    (report,) = settled.reads("device", "loss-report", name, "--reason", "lost")
    assert [it["readable"] for it in report["records"]] == [False] * len(report["records"])


def test_an_operator_who_has_no_database_yet_is_told_how_to_get_one(tmp_path: Path) -> None:
    operator = Keyboard({"FIELDWARD_DATA_FOLDER": str(tmp_path / "data")})
    (tmp_path / "mo.pub").write_text(
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFViGZQUuuuy5cnh2ATOcMyyIFzSnFYplUxjyrIC1zMU"
    )
    refused = operator.types(
        *("administrator", "bootstrap", "mo", "--authority", "E08000039", "--name", "Mo Malik"),
        *("--public-key", str(tmp_path / "mo.pub")),
    )
    assert refused.exit_code == 1
    assert "fieldward migrate" in refused.stderr


def test_a_database_without_its_master_key_is_not_touched(tmp_path: Path) -> None:
    operator = Keyboard({"FIELDWARD_DATA_FOLDER": str(tmp_path)})
    operator.does("migrate")
    (tmp_path / "master.key").unlink()
    operator.is_refused("migrate", code="no-master-key")
    assert not (tmp_path / "master.key").exists()


def test_a_master_key_in_the_environment_needs_no_file(tmp_path: Path) -> None:
    key = "5ec4e7ab" * 8
    operator = Keyboard({"FIELDWARD_DATA_FOLDER": str(tmp_path), "FIELDWARD_MASTER_KEY": key})
    assert "applied" in operator.does("migrate")
    assert not (tmp_path / "master.key").exists()
    (settings,) = operator.reads("config", "check")
    assert settings["master_key"] == "…"


def test_migrating_again_applies_nothing(tmp_path: Path) -> None:
    operator = Keyboard({"FIELDWARD_DATA_FOLDER": str(tmp_path)})
    assert "applied" in operator.does("migrate")
    assert "applied" not in operator.does("migrate")


def test_the_settings_in_force_are_printed(tmp_path: Path) -> None:
    (tmp_path / "fieldward.toml").write_text('data_folder = "data"\n')
    operator = Keyboard({"FIELDWARD_CONFIG": str(tmp_path / "fieldward.toml")})
    (settings,) = operator.reads("config", "check")
    assert settings["data_folder"] == str(tmp_path / "data")


def test_wrong_settings_are_all_named() -> None:
    operator = Keyboard({"FIELDWARD_WORKERS": "0", "FIELDWARD_LOG_LEVEL": "loud"})
    refused = operator.types("config", "check")
    assert refused.exit_code == 1
    assert "workers: " in refused.stderr
    assert "log_level: " in refused.stderr


def test_what_only_the_command_line_knows_is_no_setting_of_the_service(
    settled: Administrator,
) -> None:
    """An administrator's own variables do not stop a server on the same machine."""
    assert "FIELDWARD_KEY" in settled.settings
    settled.does("config", "check")
