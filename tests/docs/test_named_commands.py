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


WITH_ARGUMENTS = re.compile(r"`fieldward ([^`{]*\{[^`]*)`")
"""A command that a message gives with what it is about: somebody types it as it stands."""


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


def required(words: list[str]) -> set[str]:
    """The options that a command cannot do without; its authority is mostly in the environment."""
    command: click.Command = root
    for word in words:
        if not isinstance(command, click.Group):
            break
        found = command.get_command(click.Context(command), word)
        assert found is not None, words
        command = found
    options = {p.opts[0] for p in command.params if isinstance(p, click.Option) and p.required}
    return options - {"--authority"}


def test_a_command_that_a_message_gives_to_be_typed_lacks_nothing() -> None:
    given = [
        found[1].split()
        for file in TOLD
        if file.suffix == ".py"
        for found in WITH_ARGUMENTS.finditer(re.sub(r'"\n\s*f?"', "", file.read_text()))
    ]
    assert ["shield", "devices", "{record}", "--reason", "WHY"] in given
    assert [words for words in given if required(words) - {*words}] == []
