"""The service's settings: from a file, from the environment, and wrong."""

from __future__ import annotations

import os
from dataclasses import fields
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fieldward_server.cli.root import root
from fieldward_server.config import Config, load_config
from fieldward_sync.errors import CallerMistake


def written(folder: Path, text: str) -> Path:
    file = folder / "fieldward.toml"
    file.write_text(text)
    return file


def mistakes(file: Path | None, environ: dict[str, str]) -> list[str]:
    """What is said of wrong settings, a line for each mistake."""
    with pytest.raises(CallerMistake) as caught:
        load_config(file, environ)
    assert caught.value.code == "config-wrong"
    return [line.strip() for line in caught.value.message.splitlines()[1:]]


def test_without_any_setting_everything_lies_in_one_folder_here() -> None:
    config = load_config(None, {})
    assert config.data_folder == Path("fieldward-data").absolute()
    assert config.master_key_file == config.data_folder / "master.key"
    assert config.database_url == f"sqlite:///{config.data_folder / 'fieldward.db'}"
    assert config.signed_authority == "127.0.0.1:8441"


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = written(tmp_path, "workers = 3\nthreads = 5\n")
    config = load_config(file, {"FIELDWARD_WORKERS": "7", "HOME": "/nowhere"})
    assert (config.workers, config.threads) == (7, 5)


def test_paths_in_the_file_are_taken_from_its_folder(tmp_path: Path) -> None:
    config = load_config(written(tmp_path, 'data_folder = "data"\n'), {})
    assert config.data_folder == tmp_path / "data"
    assert config.database_url == f"sqlite:///{tmp_path}/data/fieldward.db"


def test_the_variable_that_names_the_file_is_no_setting(tmp_path: Path) -> None:
    assert load_config(None, {"FIELDWARD_CONFIG": "x.toml"}) == load_config(None, {})


def test_every_setting_can_be_given_in_the_environment() -> None:
    given = {
        "data_folder": "/data",
        "master_key_file": "/keys/master",
        "master_key_command": "pass show 'fieldward/master key'",
        "master_key": "",
        "shield_register_file": "/keys/shield-register",
        "database_url": "postgresql://fieldward@db/fieldward",
        "public_authority": "fieldward.example",
        "listen_host": "::1",
        "listen_port": "80",
        "metrics_listen": "[::1]:9441",
        "workers": "4",
        "threads": "16",
        "downloads": "12",
        "seal_every_seconds": "60",
        "lease_warning_seconds": "10",
        "lease_closes_seconds": "20",
        "lease_destroys_seconds": "30",
        "absence_seconds": "172830",
        "lease_look_ups": "40",
        "lease_idle_seconds": "300",
        "least_assurance": "platform",
        "log_level": "debug",
        "max_request_bytes": "4096",
    }
    assert given.keys() == {field.name for field in fields(Config)}
    config = load_config(None, {f"FIELDWARD_{name.upper()}": v for name, v in given.items()})
    assert {name: str(getattr(config, name)) for name in given} == given
    assert config.lease_terms.destroys_seconds == 30
    assert config.lease_terms.look_ups == 40
    assert config.lease_terms.idle_seconds == 300
    assert config.metrics_address == ("::1", 9441)


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("workers", "0", "workers: '0' is not a whole number from 1 to 64"),
        ("workers", "two", "workers: 'two' is not a whole number from 1 to 64"),
        ("listen_port", "65536", "listen_port: '65536' is not a whole number from 0 to 65535"),
        ("max_request_bytes", "65537", "'65537' is not a whole number from 1024 to 65536"),
        ("master_key_command", "pass 'show", "master_key_command: No closing quotation"),
        ("log_level", "chatty", "log_level: 'chatty' is none of debug, info, warning, error"),
        ("data_folder", " ", "data_folder: ' ' is not a text"),
        ("database_url", "mysql://x", "begins with neither sqlite:/// nor postgresql://"),
        ("public_authority", "Fieldward.example", "is not a host in lower case"),
        ("public_authority", "https://fieldward.example", "is not a host in lower case"),
        ("lease_look_ups", "5001", "not a whole number from 20 to 5000"),
        ("lease_idle_seconds", "59", "not a whole number from 60 to 86400"),
        ("least_assurance", "keyring", "'keyring' is none of file, platform"),
        ("lease_closes_seconds", "1", "a lease first warns, then closes, then destroys"),
        ("seal_every_seconds", "10801", "'10801' is not a whole number from 1 to 10800"),
        (
            "absence_seconds",
            "1209600",
            "1209600 is less than lease_destroys_seconds (1209600) and 172800 more;"
            " raise absence_seconds to 1382400 or shorten lease_destroys_seconds",
        ),
        ("metrics_listen", "9441", "'9441' is not an address and port"),
        ("metrics_listen", "localhost:65536", "is not an address and port"),
        ("metrics_listen", "127.0.0.1:8441", "its port is the one that devices call"),
        ("metrics_listen", "10.0.0.5:8441", "its port is the one that devices call"),
        ("wrokers", "2", "no setting is called wrokers; did you mean workers?"),
        ("colour", "2", "environment: no setting is called colour"),
    ],
)
def test_a_wrong_setting_is_named_with_its_mistake(setting: str, value: str, said: str) -> None:
    (mistake,) = mistakes(None, {f"FIELDWARD_{setting.upper()}": value})
    assert said in mistake


def test_a_master_key_comes_from_one_place() -> None:
    (mistake,) = mistakes(
        None, {"FIELDWARD_MASTER_KEY": "5ec4e7", "FIELDWARD_MASTER_KEY_COMMAND": "pass show it"}
    )
    assert "leave one of them out" in mistake
    assert "5ec4e7" not in mistake


def test_a_name_like_no_other_gets_no_suggestion() -> None:
    (mistake,) = mistakes(None, {"FIELDWARD_COLOUR": "blue"})
    assert "did you mean" not in mistake


def test_a_misspelt_setting_in_the_file_gets_a_suggestion_too(tmp_path: Path) -> None:
    (mistake,) = mistakes(written(tmp_path, "log_levle = 'info'\n"), {})
    assert mistake.endswith("no setting is called log_levle; did you mean log_level?")


def test_the_variables_of_the_command_line_are_no_settings() -> None:
    of_the_command_line = {
        f"FIELDWARD_{name}": "x"
        for name in (
            *("SERVER", "AUTHORITY", "KEY", "PASSPHRASE_FILE"),
            *("DEVICE_PASSPHRASE_FILE", "PRACTITIONER"),
        )
    }
    assert load_config(None, of_the_command_line) == load_config(None, {})


def test_a_truth_value_is_not_a_number(tmp_path: Path) -> None:
    assert len(mistakes(written(tmp_path, "workers = true\n"), {})) == 1


def test_all_mistakes_are_reported_together(tmp_path: Path) -> None:
    file = written(tmp_path, 'workers = 0\nthreads = "many"\ncolour = "blue"\n')
    found = mistakes(file, {"FIELDWARD_LOG_LEVEL": "loud", "FIELDWARD_TYPO": "1"})
    assert len(found) == 5


def test_a_file_that_is_not_toml_is_a_mistake_among_others(tmp_path: Path) -> None:
    found = mistakes(written(tmp_path, "workers: 3\n"), {"FIELDWARD_THREADS": "0"})
    assert "not TOML" in found[0]
    assert found[1].startswith("threads: ")


def test_a_file_that_is_not_there_is_a_mistake(tmp_path: Path) -> None:
    (mistake,) = mistakes(tmp_path / "missing.toml", {})
    assert "cannot be read (No such file or directory)" in mistake


@pytest.mark.parametrize(
    ("environ", "authority"),
    [
        ({"LISTEN_HOST": "10.0.0.5", "LISTEN_PORT": "8000"}, "10.0.0.5:8000"),
        ({"LISTEN_HOST": "10.0.0.5", "LISTEN_PORT": "80"}, "10.0.0.5"),
        ({"LISTEN_HOST": "::1", "LISTEN_PORT": "8000"}, "[::1]:8000"),
        ({"PUBLIC_AUTHORITY": "fieldward.example"}, "fieldward.example"),
        ({"PUBLIC_AUTHORITY": "[2001:db8::1]:8443"}, "[2001:db8::1]:8443"),
    ],
)
def test_devices_sign_the_public_authority_or_else_the_address_listened_on(
    environ: dict[str, str], authority: str
) -> None:
    config = load_config(None, {f"FIELDWARD_{name}": value for name, value in environ.items()})
    assert config.signed_authority == authority


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://fieldward:s3cret@db/fieldward",
        "postgresql://db/fieldward?user=x&password=s3cret&sslmode=require",
        "postgresql://db/fieldward?sslpassword=s3cret",
        "postgresql://db/fieldward?%70assword=s3cret&user=x",
        "postgresql://fieldward:s3cret@db-1:5432,db-2:5432/fieldward?target_session_attrs=read-write",
    ],
)
def test_a_description_shows_every_value_and_no_password(url: str) -> None:
    config = load_config(None, {"FIELDWARD_DATABASE_URL": url})
    described = config.describe()
    assert described.keys() == {field.name for field in fields(Config)}
    assert "s3cret" not in str(described)
    assert described["database_url"] == url.replace("s3cret", "…")


def test_a_master_key_in_the_environment_is_shown_nowhere() -> None:
    config = load_config(None, {"FIELDWARD_MASTER_KEY": "5ec4e7" * 10})
    assert "5ec4e7" not in f"{config!r} {config.describe()} {config.master_key_source!r}"


@pytest.mark.parametrize("password", ["s3@cret", "s3/cret", "s3:cret", "s3?cret"])
def test_no_part_of_a_password_that_was_not_encoded_is_shown(password: str) -> None:
    url = f"postgresql://fieldward:{password}@db/fieldward"
    described = load_config(None, {"FIELDWARD_DATABASE_URL": url}).describe()
    assert described["database_url"] == "postgresql://fieldward:…@db/fieldward"


def checked(**environ: str) -> Result:
    """``fieldward config check`` with these settings and no other."""
    unset = {name: None for name in os.environ if name.startswith("FIELDWARD_")}
    return CliRunner().invoke(root, ["config", "check"], env={**unset, **environ})


def test_config_check_prints_what_is_in_force_and_no_secret() -> None:
    result = checked(
        FIELDWARD_DATABASE_URL="postgresql://fieldward:s3cret@db/fieldward", FIELDWARD_WORKERS="4"
    )
    assert result.exit_code == 0
    assert "postgresql://fieldward:…@db/fieldward" in result.stdout
    for field in fields(Config):
        assert field.name in result.stdout


def test_config_check_names_every_mistake_and_ends_with_exit_code_1() -> None:
    result = checked(FIELDWARD_WORKERS="0", FIELDWARD_THREADS="0", FIELDWARD_TREADS="1")
    assert (result.exit_code, result.stdout) == (1, "")
    for said in ("workers: '0'", "threads: '0'", "did you mean threads?", "[config-wrong]"):
        assert said in result.stderr


def test_the_path_of_an_embedded_database_is_described_as_it_is() -> None:
    config = load_config(None, {})
    assert config.describe()["database_url"] == config.database_url


@pytest.mark.parametrize(("threads", "downloads"), [("8", 4), ("3", 1), ("1", 1)])
def test_half_of_the_threads_are_left_to_what_is_quick(threads: str, downloads: int) -> None:
    assert load_config(None, {"FIELDWARD_THREADS": threads}).downloads == downloads


def test_downloads_may_not_take_every_thread() -> None:
    with pytest.raises(CallerMistake, match="downloads: they would take every thread"):
        load_config(None, {"FIELDWARD_THREADS": "8", "FIELDWARD_DOWNLOADS": "8"})
