"""Invariant 6, seen from inside: no file that the client writes ever holds a word of a record.

The interpreter's audit events say which files are opened for writing, renamed and removed; each is
read at that moment and at the end. (What SQLite does below Python is traced elsewhere.)
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from client_world import PASSPHRASE, PHONE, World
from fieldward_client import AccessClosed
from fieldward_client.disk.folder import Folder

# None so short that random bytes spell it now and then.
WORDS = (
    *("Okafor", "okafor", "Whitcombe", "whitcombe", "2021-03-14", "9434765919"),
    *("RM10 8XX", "RM108XX", "High Street", "07700 900000", "health-visitor", "r-ada", "r-ben"),
    *("Okafr", "okafr", "Whitcomb", "07700 900123", "07700 900456", "Zephyr", "zephyr"),
    *("home-visit", "p-colleague", PASSPHRASE),
)


class Writes:
    """Every content of every file that was opened for writing while it watched."""

    def __init__(self) -> None:
        self.watching = False
        self.contents: set[tuple[str, bytes]] = set()
        self._paths: set[str] = set()

    def hook(self, event: str, arguments: tuple[object, ...]) -> None:
        """Called by the interpreter for each audit event."""
        if not self.watching:
            return
        if event == "open" and _is_path(arguments[0]) and _writes(arguments[1], arguments[2]):
            self._paths.add(os.path.abspath(os.fsdecode(arguments[0])))  # type: ignore[arg-type]
        elif event in ("os.rename", "os.remove"):
            self._read(str(arguments[0]))

    def finish(self) -> None:
        self.watching = False
        for path in self._paths:
            self._read(path)

    def _read(self, path: str) -> None:
        self.watching = False
        if os.path.isfile(path):
            self.contents.add((path, Path(path).read_bytes()))
        self.watching = True


def _is_path(argument: object) -> bool:
    return isinstance(argument, str | bytes | os.PathLike)


def _writes(mode: object, flags: object) -> bool:
    if isinstance(mode, str):
        return any(letter in mode for letter in "wax+")
    return isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR))


@pytest.fixture(scope="module")
def hooked() -> Writes:
    """The hook cannot be taken away again, only be told to look elsewhere."""
    writes = Writes()
    sys.addaudithook(writes.hook)
    return writes


@pytest.fixture
def writes(hooked: Writes) -> Iterator[Writes]:
    hooked.contents.clear()
    hooked.watching = True
    yield hooked
    hooked.watching = False


def words_in(content: bytes) -> set[str]:
    forms = {word: (word.encode(), word.encode("utf-16-le")) for word in WORDS}
    return {word for word, spelled in forms.items() if any(form in content for form in spelled)}


def test_no_file_ever_holds_a_word_of_a_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writes: Writes
) -> None:
    world = World(tmp_path, monkeypatch)
    device = world.ready()
    with device.session("home-visit", on_behalf_of="p-colleague") as session:
        session.search(family="Okafr", postcode="RM10 8XX")
        session.search(family="Whitcomb")
        child = session.open("r-ada")
        child.edit(PHONE, "07700 900123")
        session.open("r-ben").edit("name.family", "Zephyr")
    world.authority.loses_answers = 1
    device.sync()
    device.sync()
    world.authority.publish_all()
    device.sync()
    device.close()
    world.clock.advance(days=4)
    device = world.open()
    with device.session("home-visit") as session, pytest.raises(AccessClosed):
        session.search(family="Okafor")
    device.sync()
    with device.session("home-visit") as session:
        session.open("r-ada").edit(PHONE, "07700 900456")
    world.authority.order("d-1", "wipe")
    device.sync()
    device.close()
    writes.finish()

    paths = {os.path.relpath(path, world.home()) for path, _ in writes.contents}
    assert {"identity", "clock", "outbox", "journal", "lock"} < paths
    assert {"practitioners/p-tablet/vault.new", "practitioners/p-tablet/lease.new"} < paths
    assert any(path.startswith("files/") for path in paths)
    assert not {(path, word) for path, content in writes.contents for word in words_in(content)}


def test_the_watch_sees_a_word_in_a_file_that_is_gone_again(tmp_path: Path, writes: Writes) -> None:
    folder = Folder(tmp_path)
    folder.replace("index", b"... okafor ...")
    folder.remove("index")
    writes.finish()
    assert {word for _, content in writes.contents for word in words_in(content)} == {"okafor"}
