"""A lease that was not renewed is told in plain words, with what to do next (A6, U3)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fieldward_client.syncing.renewal import WORDS, not_renewed

PAGE = Path(__file__).parents[2] / "docs" / "protocol" / "refusals.md"
OUR_OWN_FAULT = {"key-malformed"}
"""What no person can do anything about."""


def test_every_reason_that_the_protocol_has_is_told_in_words() -> None:
    table = PAGE.read_text().partition("## Leases refused\n")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| `([a-z-]+)`", table, re.MULTILINE)) - OUR_OWN_FAULT == WORDS.keys()


@pytest.mark.parametrize("code", [*WORDS, "something-newer"])
def test_it_keeps_its_code_and_says_what_to_do(code: str) -> None:
    refused = not_renewed(code)
    assert refused.code == code
    assert refused.message.startswith("The lease was not renewed: ")
    assert refused.next_step.endswith(".")
