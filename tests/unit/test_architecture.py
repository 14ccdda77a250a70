"""The protocol package takes time and randomness as arguments and touches no file.

Import contracts forbid whole modules; this finds what they cannot see: the clock inside
``datetime``, builtins, key generation, a database in a file.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PROTOCOL = Path(__file__).parents[2] / "sync" / "fieldward_sync"

FORBIDDEN_MODULES = {"os", "random", "secrets", "time", "uuid"}
FORBIDDEN_NAMES = {
    "builtins.input",
    "builtins.open",
    "builtins.print",
    "datetime.date.today",
    "datetime.datetime.now",
    "datetime.datetime.today",
    "datetime.datetime.utcnow",
    "io.open",
}
# How the key types of `cryptography` make themselves from the system's randomness.
FORBIDDEN_METHODS = {"generate", "generate_key"}


def impurities(source: str) -> list[str]:
    """Every use of a clock, a random number generator, a file or the terminal, as 'line: name'.

    A mere mention counts, called or not: a clock handed on as a default argument is a clock.
    """
    tree = ast.parse(source)
    imported = _imported_names(tree)
    mentions = [
        (node.lineno, _full_name(node, imported))
        for node in ast.walk(tree)
        if isinstance(node, ast.Name | ast.Attribute)
    ]
    files = [
        (call.lineno, "a database that is not ':memory:'")
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and _opens_a_database_file(call, imported)
    ]
    forbidden = [(line, name) for line, name in mentions if _is_forbidden(name)]
    return [f"{line}: {what}" for line, what in sorted(forbidden + files)]


def _imported_names(tree: ast.AST) -> dict[str, str]:
    """What each imported name stands for, in full."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.split(".")[0]
                names[alias.asname or top] = alias.name if alias.asname else top
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return names


def _full_name(node: ast.expr, imported: dict[str, str]) -> str:
    match node:
        case ast.Name(id=name):
            return imported.get(name, f"builtins.{name}")
        case ast.Attribute(value=value, attr=attribute):
            return f"{_full_name(value, imported)}.{attribute}"
        case _:
            return "?"


def _is_forbidden(name: str) -> bool:
    module, _, rest = name.partition(".")
    return (
        name in FORBIDDEN_NAMES
        or (module in FORBIDDEN_MODULES and rest != "")
        or rest.rpartition(".")[2] in FORBIDDEN_METHODS
    )


def _opens_a_database_file(call: ast.Call, imported: dict[str, str]) -> bool:
    match call.args:
        case [ast.Constant(value=":memory:"), *_]:
            return False
        case _:
            return _full_name(call.func, imported) == "sqlite3.connect"


MODULES = sorted(PROTOCOL.rglob("*.py"))


def test_the_protocol_package_is_where_this_test_looks() -> None:
    assert PROTOCOL / "errors.py" in MODULES


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(PROTOCOL)))
def test_the_protocol_has_no_clock_no_randomness_and_no_files(module: Path) -> None:
    assert impurities(module.read_text()) == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("open('records')", "1: builtins.open"),
        ("def load(read=open): ...", "1: builtins.open"),
        ("print('found')", "1: builtins.print"),
        ("import io\nio.open('records')", "2: io.open"),
        ("import os\nos.urandom(16)", "2: os.urandom"),
        ("import time\nnow = time.time()", "2: time.time"),
        ("from time import monotonic as clock\nclock()", "2: time.monotonic"),
        ("def age(clock):\n    import time as t\n    return t.time_ns()", "3: time.time_ns"),
        ("import datetime\ndatetime.datetime.utcnow()", "2: datetime.datetime.utcnow"),
        ("from datetime import UTC, datetime\ndatetime.now(UTC)", "2: datetime.datetime.now"),
        ("from datetime import date\ndate.today()", "2: datetime.date.today"),
        ("import secrets\nsecrets.token_bytes(16)", "2: secrets.token_bytes"),
        ("from random import choice\npick = choice", "2: random.choice"),
        ("import uuid\nuuid.uuid4()", "2: uuid.uuid4"),
        ("from keys import Key\nKey.generate()", "2: keys.Key.generate"),
        ("import sqlite3\nsqlite3.connect('file.db')", "2: a database that is not ':memory:'"),
        (
            "from sqlite3 import connect\nconnect(database=path)",
            "2: a database that is not ':memory:'",
        ),
    ],
)
def test_an_impurity_is_found(source: str, found: str) -> None:
    assert impurities(source) == [found]


@pytest.mark.parametrize(
    "source",
    [
        "def open_image(image):\n    return image.open()",
        "def age(*, now: int, time: int) -> int:\n    return now - time",
        "from datetime import date\nborn = date.fromisoformat('2021-03-04')",
        "def key(entropy):\n    return entropy(32)",
        "import sqlite3\nimage = sqlite3.connect(':memory:')",
    ],
)
def test_pure_code_is_left_alone(source: str) -> None:
    assert impurities(source) == []
