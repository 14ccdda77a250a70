"""What is written in the protocol's pages, to be held against the code."""

from __future__ import annotations

import re
from collections.abc import Iterator

from protocol_pages.tables import CHAPTERS

PAGES = {path.stem: path.read_text() for path in CHAPTERS.glob("*.md")}
_EVERYTHING = "\n".join(PAGES.values())
_CELL = re.compile(r"(?<!\\)\|")


def rows(text: str) -> Iterator[list[str]]:
    """The rows of the first table in a text, heads left out."""
    lines = text.splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith("|"))
    for line in lines[first + 2 :]:
        if not line.startswith("|"):
            return
        yield [cell.strip() for cell in _CELL.split(line)[1:-1]]


def section(heading: str) -> str:
    """What stands under a heading, to the next one."""
    (found,) = re.findall(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#|\Z)", _EVERYTHING, re.M | re.S)
    return str(found)
