"""A real terminal, for what only happens there: questions, passphrases unseen, Ctrl-C, widths."""

from __future__ import annotations

import os
import pty
import sys
from contextlib import suppress
from select import select

PATIENCE_SECONDS = 60
FIELDWARD = (sys.executable, "-m", "fieldward_server.cli")
CTRL_C = "\x03"


def environment(**settings: str) -> dict[str, str]:
    """This process's own, without any setting that happens to be there."""
    kept = {name: value for name, value in os.environ.items() if "FIELDWARD" not in name}
    return {**kept, "PYTHONPATH": os.pathsep.join(sys.path), **settings}


class Terminal:
    """A program in a terminal of 80 columns, and a person in front of it."""

    def __init__(self, *words: str, **settings: str) -> None:
        self.said = ""
        self._pid, self._screen = pty.fork()
        if self._pid == 0:
            os.execvpe(
                words[0],
                words,
                environment(**{"COLUMNS": "80", "TERM": "dumb", **settings}),
            )

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
        return os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])

    def _read(self, patience_seconds: float = PATIENCE_SECONDS) -> bool:
        ready, _, _ = select([self._screen], [], [], patience_seconds)
        assert ready, self.said
        with suppress(OSError):  # so Linux says that the other side is closed
            data = os.read(self._screen, 4096)
            self.said += data.decode(errors="replace")
            return bool(data)
        return False
