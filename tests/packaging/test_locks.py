"""The locks hold what is asked for, by hash, and tell nothing about where they were made."""

from __future__ import annotations

import re
from configparser import ConfigParser
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = Path(__file__).parents[2]
LOCKS = PROJECT / "requirements"


def inputs(name: str) -> str:
    lines = (LOCKS / name).read_text().splitlines()
    return "\n".join(line for line in lines if not line.startswith("#"))


def metadata() -> str:
    settings = ConfigParser()
    settings.read(PROJECT / "setup.cfg")
    return settings["options"]["install_requires"] + settings["options.extras_require"]["server"]


def names(requirements: str) -> set[str]:
    lines = requirements.splitlines()
    return {canonicalize_name(Requirement(line).name) for line in lines if line}


ASKED_FOR = {
    "uv.txt": inputs("uv.in"),
    "server.txt": metadata() + "\n" + inputs("server.in"),
    "development.txt": metadata() + "\n" + inputs("development.in"),
}


def test_every_lock_is_looked_at() -> None:
    assert {path.name for path in LOCKS.glob("*.txt")} == ASKED_FOR.keys()


@pytest.mark.parametrize("lock", ASKED_FOR)
def test_a_lock_holds_everything_asked_for(lock: str) -> None:
    held = set(re.findall(r"^([a-z0-9-]+)==", (LOCKS / lock).read_text(), flags=re.MULTILINE))

    assert names(ASKED_FOR[lock]) - held == set(), "run `make lock`"


@pytest.mark.parametrize("lock", ASKED_FOR)
def test_a_lock_names_no_address(lock: str) -> None:
    assert "://" not in (LOCKS / lock).read_text()


@pytest.mark.parametrize("lock", ASKED_FOR)
def test_each_locked_release_has_a_hash(lock: str) -> None:
    releases = re.split(r"^(?=[a-z0-9-]+==)", (LOCKS / lock).read_text(), flags=re.MULTILINE)[1:]

    assert [release for release in releases if "--hash=sha256:" not in release] == []
