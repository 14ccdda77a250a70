"""The code on the SDK's page, and in the README, runs as it stands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from children import child
from client_world import cheap_unlock_key
from fieldward_client.keys import passphrases
from loop_over_http import HttpLoop, http_loop

ROOT = Path(__file__).parents[2]
PASSPHRASE = "correct horse battery staple"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HttpLoop]:
    """A server with three children, Ada Okafor among them."""
    monkeypatch.setattr(passphrases, "unlock_key", cheap_unlock_key)
    involved = {"8f2c": {"service": "health-visiting", "since": "2021-04-01"}}
    involved["8f2c"]["phone"] = "0114 496 0001"
    with http_loop(tmp_path / "loop") as loop:
        loop.load(
            child("r-1", born="2021-03-04", involvements=involved),
            child("r-2", name={"family": "Nowak", "given": "Jan"}),
            child("r-3", name={"family": "O’Brien", "given": "Ben"}, shield="raised"),
        )
        loop.partition("central", "all")
        yield loop


def blocks(document: Path) -> list[tuple[int, str]]:
    """The Python blocks of a document, each with the number of lines before it."""
    text = document.read_text()
    return [(text[: m.start(1)].count("\n"), m[1]) for m in BLOCK.finditer(text)]


def run(document: Path, loop: HttpLoop, given: dict[str, Any]) -> dict[str, Any]:
    """Run a document's blocks one after the other; a traceback names the document's own lines."""
    found = blocks(document)
    assert found
    for lines_before, code in found:
        loop.seal()  # what a server does by itself every few seconds
        exec(compile("\n" * lines_before + code, str(document), "exec"), given)
    return given


def given(loop: HttpLoop, folder: Path) -> dict[str, Any]:
    """What the documents say they are given."""
    loop.practitioner("p-2")
    return {
        "home": folder / "home",
        "server_url": loop.url,
        "code": loop.code("central"),
        "passphrase": PASSPHRASE,
        "other_home": folder / "other",
        "other_code": loop.code("central", practitioner="p-2"),
    }


def test_the_code_on_the_sdk_page_runs_from_first_block_to_last(
    loop: HttpLoop, tmp_path: Path
) -> None:
    run(ROOT / "docs/sdk.md", loop, given(loop, tmp_path))

    phone = {value.value for value in loop.view("r-1").at("involvements/8f2c.phone")}
    assert phone == {"07700 900789"}  # the settlement was delivered too


def test_the_example_in_the_readme_runs(loop: HttpLoop, tmp_path: Path) -> None:
    names = run(ROOT / "README.md", loop, given(loop, tmp_path))
    assert names["device"].sync().edits_sent == 1
    names["device"].close()


@pytest.mark.parametrize("document", ["docs/sdk.md", "README.md"])
def test_no_python_on_a_page_is_left_out_of_the_run(document: str) -> None:
    text = (ROOT / document).read_text()
    assert text.count("```py") == len(blocks(ROOT / document))
