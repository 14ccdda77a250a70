"""Where master keys are kept: in a file of ours, or where the operator keeps secrets.

Outside the file they are text, 64 hexadecimal digits each, the one in force first, with blanks
between them. Only the file is ever written.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from fieldward_server import durable
from fieldward_server.master_keys import MasterKeys
from fieldward_sync.errors import CallerMistake, LocalDataDamaged
from fieldward_sync.keys import KEY_BYTES
from fieldward_sync.sealing import Entropy

COMMAND_SECONDS = 30
"""How long a command may take to print the keys."""


class MasterKeySource(Protocol):
    """Where the master keys come from."""

    @property
    def place(self) -> str:
        """Where an operator finds them, in words."""

    @property
    def is_ours(self) -> bool:
        """Whether keys can be put there by the service."""

    def read(self) -> MasterKeys:
        """The keys there; ``LocalDataDamaged("no-master-key")``."""

    def prepare(self, entropy: Entropy) -> None:
        """For a new database: make a first key where there is none, if it is ours to make."""

    def keep(self, keys: MasterKeys) -> None:
        """Put these keys in place of those that are there: all of them, or none.
        ``CallerMistake("master-key-elsewhere")`` where that is somebody else's to do."""

    def alone(self) -> AbstractContextManager[None]:
        """While one decides what to put there, whoever else does waits, where it is ours."""


@dataclass(frozen=True)
class KeyFile:
    """A file of 32 bytes for each key."""

    path: Path

    is_ours = True

    @property
    def place(self) -> str:
        """See ``MasterKeySource``."""
        return str(self.path)

    def read(self) -> MasterKeys:
        """See ``MasterKeySource``."""
        try:
            content = self.path.read_bytes()
        except OSError as e:
            raise _no_key(f"The master key {self.path} cannot be read: {e.strerror}.") from e
        if not content or len(content) % KEY_BYTES:
            raise _no_key(
                f"{self.path} is not a master key: it has {len(content)} bytes, "
                f"and a key has {KEY_BYTES}."
            )
        keys = [content[at : at + KEY_BYTES] for at in range(0, len(content), KEY_BYTES)]
        return MasterKeys(keys[0], tuple(keys[1:]))

    def prepare(self, entropy: Entropy) -> None:
        """See ``MasterKeySource``."""
        if not self.path.exists():
            durable.write_new(self.path, entropy(KEY_BYTES))

    def keep(self, keys: MasterKeys) -> None:
        """See ``MasterKeySource``."""
        durable.replace(self.path, b"".join(keys))

    @contextmanager
    def alone(self) -> Iterator[None]:
        """See ``MasterKeySource``. The folder is locked: the file is another one after ``keep``."""
        handle = os.open(self.path.parent, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)


class _KeptElsewhere:
    """Keys that somebody else keeps."""

    place: str
    is_ours = False

    def prepare(self, entropy: Entropy) -> None:
        """See ``MasterKeySource``: whoever keeps them makes the first one too."""

    def keep(self, keys: MasterKeys) -> None:
        """See ``MasterKeySource``."""
        raise CallerMistake(
            "master-key-elsewhere",
            f"The master key comes from {self.place}, which is not written from here.",
            next_step="Put a new key there, in front of the one in force and with a blank between "
            "them: 64 hexadecimal digits, as `openssl rand -hex 32` prints. Then run this again.",
        )

    def alone(self) -> AbstractContextManager[None]:
        """See ``MasterKeySource``."""
        return nullcontext()

    def _read(self, text: str) -> MasterKeys:
        try:
            keys = [bytes.fromhex(word) for word in text.split()]
        except ValueError:
            keys = []
        if not keys or any(len(key) != KEY_BYTES for key in keys):
            # Not what it is: that may be a key with a slip in it.
            raise _no_key(
                f"What comes from {self.place} is no master key: "
                f"that is {2 * KEY_BYTES} hexadecimal digits."
            )
        return MasterKeys(keys[0], tuple(keys[1:]))


@dataclass(frozen=True)
class KeyText(_KeptElsewhere):
    """Keys as they were given in a setting."""

    text: str = field(repr=False)

    place = "the setting master_key"

    def read(self) -> MasterKeys:
        """See ``MasterKeySource``."""
        return self._read(self.text)


@dataclass(frozen=True)
class KeyCommand(_KeptElsewhere):
    """A program, and its arguments, that prints the keys."""

    arguments: tuple[str, ...]

    @property
    def place(self) -> str:  # type: ignore[override] # read only
        """See ``MasterKeySource``."""
        return f"the command {self.arguments[0]}"

    def read(self) -> MasterKeys:
        """See ``MasterKeySource``."""
        try:
            done = subprocess.run(
                self.arguments,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=COMMAND_SECONDS,
                check=False,
            )
        except OSError as e:
            raise _no_key(
                f"There is no master key: {self.place} cannot be run: {e.strerror}."
            ) from e
        except subprocess.TimeoutExpired as e:
            raise _no_key(
                f"There is no master key: {self.place} took over {COMMAND_SECONDS} seconds."
            ) from e
        if done.returncode:
            # Not what it says: nobody knows what a key is printed with.
            raise _no_key(f"There is no master key: {self.place} ended with {done.returncode}.")
        return self._read(done.stdout.decode("ascii", "replace"))


def _no_key(message: str) -> LocalDataDamaged:
    return LocalDataDamaged(
        "no-master-key",
        message,
        next_step="Bring it back from its backup: without it nothing in the database opens.",
    )
