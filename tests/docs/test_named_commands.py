"""What messages and pages have people type can be typed."""

from __future__ import annotations

import re
from pathlib import Path

import click

from fieldward_server.cli.root import root

HOME = Path(__file__).parents[2]
PACKAGES = ("sync", "server", "client_sdk")
PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")
TOLD = [
    *(file for package in PACKAGES for file in (HOME / package).rglob("*.py")),
    *(HOME / "docs").rglob("*.md"),
    *(HOME / page for page in PAGES),
]
GROUPS = "|".join(root.list_commands(click.Context(root)))
NAMED = re.compile(
    rf"(?:(?<![/@])\bfieldward |`(?=(?:{GROUPS}) ))((?:[a-z][a-z-]*)(?: [a-z][a-z-]*)*)"
)
"""``fieldward device list``, or ``device list`` in backticks."""


def exists(command: click.Command, words: list[str]) -> bool:
    """Whether words begin with a command; what follows one that is no group is its own."""
    if not isinstance(command, click.Group) or not words:
        return True
    found = command.get_command(click.Context(command), words[0])
    return found is not None and exists(found, words[1:])


def test_every_command_that_a_message_or_a_page_names_exists() -> None:
    named = {found[1] for file in TOLD for found in NAMED.finditer(file.read_text())}
    assert {"field enrol", "device hand-over", "serve"} <= named
    assert [words for words in sorted(named) if not exists(root, words.split())] == []
