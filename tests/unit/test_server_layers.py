"""Only storage holds SQL. Import contracts see who loads a driver; this sees the statements."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

SERVER = Path(__file__).parents[2] / "server" / "fieldward_server"
STORAGE = SERVER / "storage"

STATEMENT = re.compile(
    r"\b(SELECT\b.*\bFROM|INSERT INTO|UPDATE \w+ SET|DELETE FROM|(CREATE|DROP|ALTER) TABLE"
    r"|PRAGMA|VACUUM|TRUNCATE|COPY \w+ (FROM|TO))\b",
    re.DOTALL,
)


def statements(source: str) -> list[int]:
    """The lines at which a text with SQL in it begins; docstrings may speak of it."""
    tree = ast.parse(source)
    told = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    return sorted(
        {
            node.lineno
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in told
            and STATEMENT.search(node.value)
        }
    )


ELSEWHERE = sorted(path for path in SERVER.rglob("*.py") if STORAGE not in path.parents)


def test_the_server_is_where_this_test_looks() -> None:
    assert SERVER / "api" / "admin_api.py" in ELSEWHERE
    assert [path for path in STORAGE.rglob("*.py") if statements(path.read_text())]


@pytest.mark.parametrize("module", ELSEWHERE, ids=lambda path: str(path.relative_to(SERVER)))
def test_no_sql_stands_outside_storage(module: Path) -> None:
    assert statements(module.read_text()) == []


@pytest.mark.parametrize(
    "source",
    [
        "ask('SELECT name FROM child')",
        "ask('SELECT name'\n    ' FROM child')",
        "ask(f'DELETE FROM {table}')",
        "TABLES = '''\nCREATE TABLE child (name TEXT)\n'''",
        "ask('PRAGMA journal_mode = WAL')",
    ],
)
def test_a_statement_is_found(source: str) -> None:
    assert statements(source) == [1]


def test_words_about_it_are_left_alone() -> None:
    assert statements('"""SELECT what you like FROM the menu."""\nx = "Update the table"') == []


def test_the_shield_register_is_written_in_one_place_and_by_a_restore() -> None:
    """Nobody else decides whether something is said before its commit or after it."""
    writing = {path.name for path in ELSEWHERE if "register.append(" in path.read_text()}
    assert writing == {"registering.py", "restoration.py"}
