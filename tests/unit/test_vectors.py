"""The vectors that other implementations test themselves with, against our own code."""

from __future__ import annotations

import ast
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import fieldward_sync
from fieldward_sync.encoding import Message
from fieldward_sync.errors import Error
from vectors.cases import FORMAT
from vectors.files import TOPICS
from vectors.judges import JUDGES
from vectors.outcomes import Outcome

FILES = {topic.name: json.loads(topic.path.read_text()) for topic in TOPICS}
CASES = {
    f"{name}: {case['name']}": (name, case)
    for name, file in FILES.items()
    for case in file["cases"]
}
NOBODY_SENDS_IT = {
    "age-malformed": "typed by a person",
    "born-malformed": "typed by a person",
    "edit-empty": "arrives as malformed",
    "edit-too-large": "arrives as malformed or too-large",
    "entropy-size": "the caller's generator is broken",
    "file-too-large": "the server seals no such file",
    "frontier-shape": "arrives as malformed",
    "hash-size": "arrives as malformed",
    "invalid-record": "loading, not the protocol",
    "key-size": "the caller gave no key",
    "leaf-unknown": "asked for by the caller",
    "nhs-number-wrong": "typed by a person",
    "no-such-move": "an administrator's command",
    "opener-finished": "the caller goes on after the end",
    "proof-broken": "no message carries a proof yet",
    "search-empty": "typed by a person",
    "search-too-long": "typed by a person",
    "search-too-short": "typed by a person",
    "server-url": "typed by a person",
    "sex-unknown": "typed by a person",
    "size-impossible": "the caller's arithmetic",
    "wrong-record": "the caller mixes records",
}
"""Codes of our own code that no bytes from outside can bring about, and why."""


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_the_files_are_what_the_generator_writes(topic: Any) -> None:
    assert topic.path.read_text() == topic.text()


@pytest.mark.parametrize(("topic", "case"), CASES.values(), ids=CASES)
def test_a_case_comes_out_as_the_vector_says(topic: str, case: dict[str, Any]) -> None:
    try:
        JUDGES[topic](case)
    except Error as e:
        outcome = e.code
    else:
        outcome = Outcome.VALID.value
    assert outcome == case["expect"]


def test_every_outcome_is_used_and_no_other() -> None:
    used = {case["expect"] for _, case in CASES.values()}
    assert used == {outcome.value for outcome in Outcome}


def test_every_code_that_the_protocol_raises_is_an_outcome_or_cannot_be_sent() -> None:
    raised = {
        code
        for path in Path(fieldward_sync.__path__[0]).rglob("*.py")
        for code in codes_in(ast.parse(path.read_text()))
    }
    client_side = {
        "digest-differs",
        "distribution-misaddressed",
        "lease-malformed",
        "lease-misaddressed",
        "manifest-broken",
        "trust-misaddressed",
    }
    outcomes = {outcome.value for outcome in Outcome} - {"valid"} - client_side
    assert raised == outcomes | NOBODY_SENDS_IT.keys()


def codes_in(tree: ast.AST) -> set[str]:
    """The codes of all errors that are made in a module."""
    families = {kind.__name__ for kind in Error.__subclasses__()} | {"FieldsRefused", "refusal"}
    families |= {"_WrongShape", "_refusal"}
    return {
        str(ast.literal_eval(call.args[0]))
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id in families
        and call.args
        and isinstance(call.args[0], ast.Constant)
    }


def test_every_topic_has_a_valid_case_and_a_name_for_each() -> None:
    for name, file in FILES.items():
        assert file["format"] == FORMAT
        assert file["source"]
        names = Counter(case["name"] for case in file["cases"])
        assert not [name for name, times in names.items() if times > 1]
        assert "valid" in {case["expect"] for case in file["cases"]}, name


def test_every_document_has_an_example() -> None:
    examples = {case["document"] for case in FILES["messages"]["cases"]}
    assert examples == {
        kind.__name__
        for kind in Message.__subclasses__()
        if kind.__module__.startswith("fieldward_sync.")
    }
