"""A hand in a process of its own, to be killed while it is at work."""

from __future__ import annotations

import copyreg
import os
import signal
import traceback
from collections.abc import Iterable
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, cast

from fieldward_client import SyncReport
from fieldward_client.status import Status
from fieldward_sync.errors import (
    AccessClosed,
    CallerMistake,
    Error,
    LocalDataDamaged,
    PeerBrokeProtocol,
    RefusedByServer,
    RetryLater,
)
from fieldward_sync.problems import Crowded
from fieldward_sync.records import Value
from loop_hand import Hand, Shown, Tried

_FORK = get_context("fork")


class Killed(Exception):
    """The process was killed; whether it had done what it was told is not known."""


class FarHand(Hand):
    """The same words; each raises ``Killed`` where the process ends before it has answered."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.start()

    def start(self) -> None:
        """Begin a process, with nothing open in it."""
        self._line, theirs = _FORK.Pipe()
        self._process = _FORK.Process(target=_work, args=(theirs, self.home), daemon=True)
        self._process.start()
        theirs.close()

    def kill(self) -> None:
        """SIGKILL."""
        if self._process.pid is not None and self._process.is_alive():
            os.kill(self._process.pid, signal.SIGKILL)

    def revive(self) -> None:
        """After a kill: another process, which opens the device again."""
        self._process.join()
        self._line.close()
        self.start()
        self.open()

    def enrol(self, server_url: str, code: str) -> None:
        self._tell("enrol", server_url, code)

    def open(self) -> None:
        self._tell("open")

    def close(self) -> None:
        self._tell("close")

    def end(self) -> None:
        """Lock the device, and end the process."""
        if self._process.is_alive():
            self.close()
            self.kill()
        self._process.join()
        self._line.close()

    def reopen(self) -> None:
        self._tell("reopen")

    def copy_folder(self) -> None:
        self._tell("copy_folder")

    def put_back(self) -> None:
        self._tell("put_back")

    def write(self, record: str, path: str, value: Value) -> int:
        return cast(int, self._tell("write", record, path, value))

    def look(self, record: str) -> Shown | None:
        return cast(Shown | None, self._tell("look", record))

    def sync(self) -> SyncReport:
        return cast(SyncReport, self._tell("sync"))

    def people(self) -> tuple[str, ...]:
        return cast(tuple[str, ...], self._tell("people"))

    def take_over(self, code: str) -> str:
        return cast(str, self._tell("take_over", code))

    def try_as(self, who: str, records: Iterable[str]) -> Tried:
        return cast(Tried, self._tell("try_as", who, tuple(records)))

    def keys_on_disk(self) -> set[bytes]:
        return cast(set[bytes], self._tell("keys_on_disk"))

    def is_gone(self) -> bool:
        return cast(bool, self._tell("is_gone"))

    def status(self) -> Status:
        return cast(Status, self._tell("status"))

    def unsent(self) -> set[tuple[int, int]]:
        return cast(set[tuple[int, int]], self._tell("unsent"))

    def notices(self) -> list[tuple[str, str | None]]:
        return cast(list[tuple[str, str | None]], self._tell("notices"))

    def read_notices(self) -> None:
        self._tell("read_notices")

    def _tell(self, word: str, *said: Any) -> object:
        try:
            self._line.send((word, said))
            how, what = self._line.recv()
        except (EOFError, OSError) as e:
            raise Killed(word) from e
        if how == "closed":
            raise AccessClosed(*what)
        assert how == "done", what
        return what


def _work(line: Connection, home: Path) -> None:
    """In the device's process: do what is said, until it is killed."""
    hand = Hand(home)
    while True:
        word, said = line.recv()
        try:
            answer: tuple[str, object] = ("done", getattr(hand, word)(*said))
        except AccessClosed as e:
            answer = ("closed", (e.code, e.message))
        except Exception:  # noqa: BLE001 # raised again where it was said
            answer = ("failed", traceback.format_exc())
        line.send(answer)


def _words_alone(error: Error) -> tuple[type[Error], tuple[str, str]]:
    family = RetryLater if isinstance(error, RetryLater) else type(error)
    return family, (error.code, error.message)


for _family in (
    AccessClosed,
    CallerMistake,
    Crowded,
    LocalDataDamaged,
    PeerBrokeProtocol,
    RefusedByServer,
    RetryLater,
):
    copyreg.pickle(_family, _words_alone)
