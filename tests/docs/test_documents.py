"""What the documents promise to list is listed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import click
import pytest

from fieldward_client import SyncOutcome
from fieldward_client.checking.findings import _WORDS
from fieldward_server.cli.root import root
from fieldward_server.config import Config
from fieldward_sync import errors

ROOT = Path(__file__).parents[2]
DOCUMENTS = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
FAMILIES = [
    name
    for name, value in vars(errors).items()
    if isinstance(value, type) and issubclass(value, errors.Error) and value is not errors.Error
]


@pytest.mark.parametrize("setting", [field.name for field in fields(Config)])
def test_every_setting_is_documented(setting: str) -> None:
    assert f"`{setting}`" in (ROOT / "docs/operations.md").read_text()


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_of_errors_is_in_the_readme(family: str) -> None:
    assert f"`{family}`" in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("word", [*FAMILIES, *SyncOutcome.__members__])
def test_the_sdk_page_tells_every_outcome_and_every_family_of_errors(word: str) -> None:
    assert f"| `{word}` |" in (ROOT / "docs/sdk.md").read_text()


def test_every_code_in_the_sdk_pages_table_of_errors_is_one_that_is_raised() -> None:
    table = (ROOT / "docs/sdk.md").read_text().partition("| some codes |")[2].partition("\n\n")[0]
    codes = re.findall(r"`([a-z-]+)`", table)
    raised = {
        word
        for root_folder in ("sync", "client_sdk", "server")
        for path in (ROOT / root_folder).rglob("*.py")
        for word in re.findall(r'"([a-z-]+)"', path.read_text())
    }
    assert len(codes) > len(FAMILIES)
    assert set(codes) <= raised


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_command_and_option_that_a_document_names_exists(document: Path) -> None:
    for typed in typed_commands(document.read_text()):
        unknown = unknown_words(typed.split())
        assert not unknown, f"{document.name}: {typed!r} has no {unknown}"


@pytest.mark.parametrize(
    ("typed", "unknown"),
    [
        ("fieldward serve", []),
        ("fieldward field sync --locked", []),
        ("fieldward --config f.toml field enrol CODE --server http://x", []),
        ("fieldward fly", ["fly"]),
        ("fieldward field fly", ["fly"]),
        ("fieldward field sync --loked", ["--loked"]),
    ],
)
def test_a_command_or_option_that_does_not_exist_is_found(typed: str, unknown: list[str]) -> None:
    assert unknown_words(typed.split()) == unknown


def test_the_operations_page_says_what_to_do_about_every_finding_of_damage() -> None:
    page = (ROOT / "docs/operations.md").read_text()
    table = page.partition("| a finding is |")[2].partition("\n\n")[0]
    codes = {code for code, words in _WORDS.items() if words.weight != "unfinished"}
    assert codes <= set(re.findall(r"`([a-z-]+)`", table))


def typed_commands(text: str) -> Iterator[str]:
    """Every command in a document, inline or on a line of a code block, continued lines joined."""
    text = re.sub(r"\\\n\s*", " ", text)
    yield from re.findall(r"`(fieldward [a-z-][^`\n]*)`", text)
    for line in re.findall(r"^(?: {4,}|\$ )\S*?(fieldward [a-z-].*)$", text, re.MULTILINE):
        yield re.split(r"[#|;]| {3}", line)[0]


def unknown_words(words: list[str]) -> list[str]:
    """The subcommand, or the options, that a typed command names and that do not exist."""
    command: click.Command = root
    options = {option for parameter in root.params for option in parameter.opts}
    found = []
    for word in words[1:]:
        if word.startswith("--"):
            option = word.partition("=")[0]
            found += [option] if option not in {*options, "--help", "--version"} else []
        elif isinstance(command, click.Group) and re.fullmatch("[a-z]+(-[a-z]+)*", word):
            inner = command.get_command(click.Context(command), word)
            if inner is None:
                return [*found, word]
            command = inner
            options |= {option for parameter in command.params for option in parameter.opts}
    return found


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_between_documents_leads_somewhere(document: Path) -> None:
    prose = re.sub(r"```.*?```|`[^`\n]*`", "", document.read_text(), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^):#]+)\)", prose):
        assert (document.parent / target).exists(), f"{document.name} links to {target}"
