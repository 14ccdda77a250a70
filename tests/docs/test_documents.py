"""What the documents promise to list is listed."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from fieldward_server.cli import GROUPS
from fieldward_server.config import Config
from fieldward_sync import errors

ROOT = Path(__file__).parents[2]
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


def test_every_command_that_a_document_names_exists() -> None:
    for document in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        for group in re.findall(r"`fieldward ([a-z]+)", document.read_text()):
            assert group in GROUPS, f"{document.name} names fieldward {group}"


def test_every_link_between_documents_leads_somewhere() -> None:
    for document in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md")):
        for target in re.findall(r"\]\(([^):#]+)\)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.name} links to {target}"
