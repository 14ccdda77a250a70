"""Where a passphrase comes from: a file that was named, or the person at the terminal."""

from __future__ import annotations

import sys
import warnings
from getpass import GetPassWarning
from pathlib import Path

import click

from fieldward_sync.errors import CallerMistake


def read_passphrase(file: Path | None, *, prompt: str, twice: bool = False) -> str:
    """The first line of ``file``; without one, what is typed, unseen.

    Raises ``CallerMistake``: "passphrase-file", or "passphrase-needed" where nobody can be asked.
    """
    if file is not None:
        return _first_line(file)
    try:
        with warnings.catch_warnings():  # what is piped in is not echoed
            warnings.simplefilter("ignore", GetPassWarning)
            typed: str = click.prompt(prompt, hide_input=True, confirmation_prompt=twice, err=True)
    except click.Abort as e:
        if sys.stdin.isatty():
            raise
        raise CallerMistake(
            "passphrase-needed",
            "A passphrase is needed, and there is no terminal to ask for it.",
            next_step="Name a file that holds it: FIELDWARD_PASSPHRASE_FILE.",
        ) from e
    return typed


def _first_line(file: Path) -> str:
    try:
        lines = file.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as e:
        why = e.strerror if isinstance(e, OSError) else "it is not text"
        raise CallerMistake("passphrase-file", f"{file} cannot be read: {why}.") from e
    if not lines or not lines[0]:
        raise CallerMistake("passphrase-file", f"{file} has no passphrase in its first line.")
    return lines[0]
