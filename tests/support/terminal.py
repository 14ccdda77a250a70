"""A real terminal, for what only happens there: questions, passphrases unseen, Ctrl-C, widths."""

from __future__ import annotations

import os
import pty
import subprocess
from contextlib import suppress
from select import POLLHUP, POLLIN, poll

from program import environment

PATIENCE_SECONDS = 60
CTRL_C = "\x03"


class Terminal:
    """A program in a terminal of 80 columns, and a person in front of it."""

    def __init__(self, *words: str, **settings: str) -> None:
        self.said = ""
        self._screen, its_side = pty.openpty()
        # Not pty.fork(): a copy of a process with threads may stand still for good.
        self._process = subprocess.Popen(
            ["setsid", "--ctty", *words],
            env=environment(**{"COLUMNS": "80", "TERM": "dumb", **settings}),
            stdin=its_side,
            stdout=its_side,
            stderr=its_side,
        )
        os.close(its_side)

    def wait_for(self, words: str, *, patience_seconds: float = PATIENCE_SECONDS) -> None:
        """Read until these words are on the screen."""
        while words not in self.said:
            assert self._read(patience_seconds), self.said

    def type(self, text: str) -> None:
        """What a person types."""
        os.write(self._screen, text.encode())

    def exit_code(self) -> int:
        """How the command ended."""
        while self._read():
            pass
        os.close(self._screen)
        return self._process.wait(PATIENCE_SECONDS)

    def _read(self, patience_seconds: float = PATIENCE_SECONDS) -> bool:
        screen = poll()  # not select(), which takes no descriptor above 1023
        screen.register(self._screen, POLLIN | POLLHUP)
        assert screen.poll(patience_seconds * 1000), self.said
        with suppress(OSError):  # so Linux says that the other side is closed
            data = os.read(self._screen, 4096)
            self.said += data.decode(errors="replace")
            return bool(data)
        return False
