"""What the protocol's document says of messages, tables, labels and codes is what the code does."""

from __future__ import annotations

import ast
import dataclasses
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import fieldward_client
import fieldward_sync
from fieldward_client.copies.overlay import Shown, lay_over
from fieldward_client.disk.clock import REMEMBER_SECONDS
from fieldward_client.keys.passphrases import MAX_PASSPHRASE_CHARACTERS, MIN_PASSPHRASE_CHARACTERS
from fieldward_server.api.admin_commands import COMMANDS
from fieldward_server.api.problems import KNOWN
from fieldward_server.services.authentication import MAX_SKEW_SECONDS, WINDOW
from fieldward_server.services.exchange import edit_intake
from fieldward_sync.clock import TOLERATED_COLD_STARTS, TOLERATED_LAG_SECONDS
from fieldward_sync.distribution import COMPRESSION_LEVEL
from fieldward_sync.encoding import Message
from fieldward_sync.images import (
    _LEFT,
    _PAGE_BYTES,
    _SCHEMA,
    Image,
    Segment,
)
from fieldward_sync.invitations import CODE_CHARACTERS
from fieldward_sync.journal import EPOCH_ENTRIES, EPOCH_SECONDS
from fieldward_sync.keys import ARGON2_FLOOR
from fieldward_sync.matching.image_keys import _WORDS_OF_EVERY_SCHOOL, KeyKind
from fieldward_sync.matching.query import MAX_TERM_CHARACTERS, MAX_TERM_WORDS, Query
from fieldward_sync.messages import MAX_ANSWER_BYTES, MAX_COMMAND_BYTES, MAX_REQUEST_BYTES
from fieldward_sync.records import MAX_REPLACED_AT_A_PATH, Proposal
from fieldward_sync.sealing import CHUNK_BYTES
from fieldward_sync.spoken import group_count
from fieldward_sync.time_codes import CHALLENGE_BYTES, CODE_BYTES, VALID_SECONDS
from fieldward_sync.views import View, ViewValue
from fieldward_sync.written_values import POSTCODE
from protocol_pages.described_types import PLAIN, described, fields_of
from protocol_pages.reports import ANSWERS
from protocol_pages.tables import TABLES, blocks
from protocol_pages.written import PAGES, rows, section
from vectors.files import TOPICS
from vectors.topics.world import order

DESCRIBED = described()


@pytest.mark.parametrize("name", sorted(DESCRIBED))
def test_a_message_is_described_field_by_field(name: str) -> None:
    kind = DESCRIBED[name]
    told = section(f"`{name}`")
    written = [(field.strip("`"), shape) for field, shape, _ in rows(told)]
    assert written == fields_of(kind)
    if issubclass(kind, Message):
        assert f"Marker `{kind.marker.decode()}`" in told
    if tag := kind.__struct_config__.tag:
        assert f"The word `{tag}`" in told


def test_every_type_of_a_field_is_explained() -> None:
    shapes = [shape for kind in DESCRIBED.values() for _, shape in fields_of(kind)]
    named = {w for shape in shapes for w in re.findall(r"\b[A-Z]\w+", re.sub("`.*?`", "", shape))}
    explained = {name for name, *_ in rows(section("Types of fields"))}
    assert named <= explained | DESCRIBED.keys()
    assert not explained & PLAIN.keys()


@pytest.mark.parametrize("name", sorted(TABLES))
def test_a_table_from_the_code_is_as_the_code_has_it(name: str) -> None:
    found = [held[name] for page in PAGES.values() if name in (held := blocks(page))]
    assert found == [TABLES[name]()]


def test_every_label_is_in_the_table_of_derivations() -> None:
    used = {
        purpose
        for package in (fieldward_sync, fieldward_client)
        for path in Path(package.__path__[0]).rglob("*.py")
        for purpose in purposes_in(ast.parse(path.read_text()))
    }
    told = section("Labels and derivations")
    written = set(re.findall(r"^\| `([a-z-]+)` \| [a-zA-Z]", told, re.M))
    assert used == written


def purposes_in(tree: ast.AST) -> Iterator[str]:
    """The purposes that a module derives for."""
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name):
            place = {"label": 0, "derive": 1}.get(call.func.id)
            if place is not None and isinstance(call.args[place], ast.Constant):
                yield str(ast.literal_eval(call.args[place]))


def test_every_code_of_the_http_api_is_listed_with_its_status() -> None:
    written = {row[0].strip("`"): int(row[1]) for row in rows(section("Problems of the HTTP API"))}
    assert written == {code: kind.status for code, kind in KNOWN.items()}


def test_every_reason_of_a_refused_edit_is_listed() -> None:
    written = {row[0].strip("`") for row in rows(section("Verdicts on edits"))} - {"*(empty)*"}
    tree = ast.parse(Path(edit_intake.__file__).read_text())
    words = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    assert written <= words
    returned = {
        node.value.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Return) and isinstance(node.value, ast.Constant)
    }
    assert returned <= written


def test_every_command_has_an_answer() -> None:
    assert ANSWERS.keys() == COMMANDS.keys()


NUMBERS_IN_SENTENCES = (
    ("http", f"A request has at most {MAX_REQUEST_BYTES:,} bytes"),
    ("http", f"an answer at most {MAX_ANSWER_BYTES:,}"),
    ("http", f"a window of {WINDOW} below it"),
    ("http", f"further than {MAX_SKEW_SECONDS} seconds"),
    ("leases", f"more than **{TOLERATED_LAG_SECONDS}** seconds behind"),
    ("leases", f"**{TOLERATED_COLD_STARTS}th** start"),
    ("leases", f"{REMEMBER_SECONDS} seconds ahead"),
    ("leases", f"up to **{VALID_SECONDS:,}** seconds later"),
    (
        "leases",
        f"A challenge has {group_count(CHALLENGE_BYTES)} groups, a code {group_count(CODE_BYTES)}",
    ),
    ("leases", f"The code is {CODE_BYTES} bytes"),
    ("journal", f"has {EPOCH_ENTRIES} entries, {EPOCH_SECONDS // 60} minutes after"),
    ("edits", f"Of more than {MAX_REPLACED_AT_A_PATH} the highest"),
    ("partitions", f"application_id = {Image._application_id:#x}"),
    ("partitions", f"application_id = {Segment._application_id:#x}"),
    ("partitions", _LEFT),
    ("partitions", f"this server's have {_PAGE_BYTES:,} bytes"),
    ("enquiries", f"at most {MAX_TERM_WORDS} words each"),
    ("refusals", f"more than {MAX_TERM_CHARACTERS} characters or {MAX_TERM_WORDS} words"),
    ("partitions", f"compresses at level {COMPRESSION_LEVEL}"),
    ("keys", f"{MIN_PASSPHRASE_CHARACTERS} to {MAX_PASSPHRASE_CHARACTERS:,} characters"),
    ("keys", f"{ARGON2_FLOOR.memory_kib:,} KiB, {ARGON2_FLOOR.iterations}, {ARGON2_FLOOR.lanes}"),
    ("keys", f"chunks of {CHUNK_BYTES:,} bytes"),
    ("enrolment", f"{CODE_CHARACTERS} characters, printed in eight groups"),
    ("administrators", f"at most {MAX_COMMAND_BYTES >> 20} MiB"),
)


@pytest.mark.parametrize(("page", "words"), NUMBERS_IN_SENTENCES)
def test_a_number_in_a_sentence_is_the_one_in_the_code(page: str, words: str) -> None:
    assert words in " ".join(PAGES[page].split())


def test_the_form_of_a_postcode_is_given_letter_for_letter() -> None:
    assert f"    {POSTCODE}\n" in PAGES["edits"]


def test_the_example_of_an_encoding_is_the_order_in_the_vectors() -> None:
    shown = re.findall(r"^    ((?:[0-9a-f]{2} )+)  ", section("Documents"), re.M)
    assert bytes.fromhex("".join(shown)) == order()


def test_the_schema_of_images_is_given_letter_for_letter() -> None:
    for statement in _SCHEMA:
        assert f"    {statement}\n" in PAGES["partitions"]


def test_the_kinds_of_search_keys_and_the_words_left_out_are_those_of_the_code() -> None:
    told = section("Search")
    assert {row[1].strip("`") for row in rows(told)} == {kind.value for kind in KeyKind}
    left_out = told.partition("Those are ")[2].partition(".")[0]
    assert set(re.findall("`([a-z]+)`", left_out)) == _WORDS_OF_EVERY_SCHOOL


def test_the_terms_of_a_search_are_all_explained() -> None:
    explained = [row[0].strip("`") for row in rows(section("`LookUp`").partition("Terms are")[2])]
    assert explained == [field.name for field in dataclasses.fields(Query)]


def test_the_inputs_of_every_file_of_vectors_are_explained() -> None:
    explained = {name.strip("`"): told for name, told in rows(section("Inputs"))}
    assert explained.keys() == {topic.path.name for topic in TOPICS}
    for topic in TOPICS:
        cases = json.loads(topic.path.read_text())["cases"]
        inputs = {member for case in cases for member in case} - {"name", "why", "expect"}
        told = explained[topic.path.name]
        assert inputs <= set(re.findall("`([a-z_]+)`", told)), topic.name


def test_the_worked_chain_of_edits_names_what_our_client_names() -> None:
    told = PAGES["edits"].partition("once the view has the third:")[2]
    written = [
        (int(edit), *(tuple(int(each) for each in re.findall("[0-9]+", cell)) for cell in named))
        for edit, _, *named in rows(told)
    ]
    path, made = "carers/c1.phone", []

    def type_in(counter: int, shown: Shown) -> Proposal:
        change = shown.propose(path, f"0700 000 00{counter}")
        made.append((counter, change.shown, change.own))
        return Proposal(counter, 1, "child-1", (change,), "p-17", 0, "clinic")

    def view(number: int) -> View:
        return View("child-1", number, False, (ViewValue(path, number, "0114 496 0001"),))

    first = type_in(11, lay_over(view(5), [], {}))
    second = type_in(12, lay_over(view(5), [first], {}))
    type_in(13, lay_over(view(5), [first, second], {11: 6}))
    type_in(14, lay_over(view(8), [], {11: 6, 12: 7, 13: 8}))
    assert made == written
