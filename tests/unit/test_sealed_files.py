"""Images, segments and manifests: whatever is broken, truncated or swapped is refused by name."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import date

import msgspec
import pytest

from fieldward_sync import digest, images
from fieldward_sync.distribution import (
    Distribution,
    FileContext,
    FileEntry,
    FileOpener,
    Manifest,
    file_name,
    open_file,
    seal_file,
)
from fieldward_sync.errors import PeerBrokeProtocol
from fieldward_sync.images import (
    Image,
    Segment,
    changed_digest,
    pack_numbers,
    unpack_numbers,
)
from fieldward_sync.matching.query import Query
from fieldward_sync.records import Value
from fieldward_sync.views import View, ViewValue

KEY = b"k" * 32
DIGEST_KEY = b"d" * 32
TODAY = date(2026, 6, 1)
CONTEXT = FileContext("E08000039", 1, "hv-1", 1, "image", 0, 40)


def view(record_id: str, family: str, *, revision: int = 1) -> View:
    return View(record_id, revision, False, (ViewValue("name.family", 1, family),))


VIEWS = [view("r-1", "Okafor"), view("r-2", "O'Brien"), view("r-3", "Žižka")]
BODY = Image.build(VIEWS).to_bytes()
SEALED, ENTRY = seal_file(BODY, context=CONTEXT, key=KEY, entropy=os.urandom)


def flipped(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


def as_listed(sealed: bytes, context: FileContext = CONTEXT) -> FileEntry:
    """A manifest's line that lists exactly these bytes: a hostile server can always write one."""
    return FileEntry(context, file_name(sealed), len(sealed), len(BODY))


OTHER_SEALED, OTHER_ENTRY = seal_file(
    Image.build([view("r-9", "Other")]).to_bytes(),
    context=msgspec.structs.replace(CONTEXT, partition="hv-2"),
    key=KEY,
    entropy=os.urandom,
)


@dataclass(frozen=True)
class Case:
    name: str
    sealed: bytes
    entry: FileEntry
    code: str
    key: bytes = KEY


CASES = [
    Case("truncated", SEALED[:-1], ENTRY, "file-wrong"),
    Case("extended", SEALED + b"\x00", ENTRY, "file-wrong"),
    Case("empty", b"", ENTRY, "file-wrong"),
    Case("another file", OTHER_SEALED, ENTRY, "file-wrong"),
    Case("a flipped bit", flipped(SEALED, 100), ENTRY, "file-wrong"),
    *(
        Case(
            f"a flipped bit at {place}, listed so",
            flipped(SEALED, place),
            as_listed(flipped(SEALED, place)),
            "seal-broken",
        )
        for place in (0, 30, 60, len(SEALED) - 1)
    ),
    Case("truncated, listed so", SEALED[:-1], as_listed(SEALED[:-1]), "seal-broken"),
    Case("sealed with another key", SEALED, ENTRY, "seal-broken", key=b"x" * 32),
    *(
        Case(
            f"swapped to another {name}",
            SEALED,
            as_listed(SEALED, msgspec.structs.replace(CONTEXT, **{name: value})),
            "seal-broken",
        )
        for name, value in {
            "authority": "E08000003",
            "incarnation": 2,
            "partition": "hv-2",
            "epoch": 2,
            "kind": "segment",
            "feed_from": 1,
            "feed_to": 41,
        }.items()
    ),
    Case(
        "larger than announced",
        SEALED,
        msgspec.structs.replace(ENTRY, opened_bytes=len(BODY) - 1),
        "file-wrong",
    ),
    Case(
        "smaller than announced",
        SEALED,
        msgspec.structs.replace(ENTRY, opened_bytes=len(BODY) + 1),
        "file-wrong",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_file_is_refused_that_is(case: Case) -> None:
    with pytest.raises(PeerBrokeProtocol) as refusal:
        open_file(case.sealed, entry=case.entry, key=case.key)
    assert refusal.value.code == case.code


@pytest.mark.parametrize("size", [1, 7, 100, len(SEALED)])
@pytest.mark.parametrize("case", [Case("whole", SEALED, ENTRY, ""), *CASES], ids=lambda c: c.name)
def test_a_file_opens_the_same_in_pieces_of(size: int, case: Case) -> None:
    opener = FileOpener(case.entry, case.key)
    for start in range(0, len(case.sealed), size):
        opener.feed(case.sealed[start : start + size])
    if not case.code:
        assert opener.finish() == BODY
        return
    with pytest.raises(PeerBrokeProtocol) as refusal:
        opener.finish()
    assert refusal.value.code == case.code


def test_a_file_that_unpacks_to_far_more_than_announced_is_not_unpacked() -> None:
    sealed, entry = seal_file(bytes(1 << 26), context=CONTEXT, key=KEY, entropy=os.urandom)
    opener = FileOpener(msgspec.structs.replace(entry, opened_bytes=1_000), KEY)
    opener.feed(sealed)
    with pytest.raises(PeerBrokeProtocol, match="file-wrong"):
        opener.finish()
    assert sum(map(len, opener._pieces)) <= 1_001


def test_a_file_opens_as_what_it_is() -> None:
    image = Image.open(open_file(SEALED, entry=ENTRY, key=KEY))
    assert list(image.views()) == VIEWS
    assert len(image) == 3
    assert image.view("r-2") == VIEWS[1]
    assert image.view("r-4") is None


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (Query(family="zizka"), VIEWS[2]),
        (Query(given="OBRIEN"), VIEWS[1]),
        (Query(family="okafro"), VIEWS[0]),
        (Query(beginning="oka"), VIEWS[0]),
    ],
    ids=str,
)
def test_an_image_finds_records_by_their_search_keys(query: Query, found: View) -> None:
    image = Image.open(BODY)
    assert image.candidates(query, today=TODAY) == ((found,), False)
    (number,) = image.numbers([found.record_id, "r-9"])
    assert image.candidates(query, today=TODAY, masked=[number]) == ((), False)


def test_a_search_keys_records_are_their_first_number_and_the_steps_to_the_next() -> None:
    assert pack_numbers([3, 4, 9]) == bytes.fromhex("93030105")
    assert list(unpack_numbers(pack_numbers([3, 4, 9, 70_000]))) == [3, 4, 9, 70_000]


def test_images_have_the_pages_that_the_protocol_says() -> None:
    """What asks for their size counts only before anything is written."""
    for kind in (Image, Segment):
        with closing(kind.build([])) as built:
            assert int.from_bytes(built.to_bytes()[16:18], "big") == images._PAGE_BYTES


def test_who_lives_together_has_numbers_that_follow_each_other() -> None:
    def at(record_id: str, postcode: str) -> View:
        home: Value = {"kind": "current", "lines": ["1 High St"], "postcode": postcode}
        return View(record_id, 1, False, (ViewValue("address", 1, home),))

    image = Image.build([at("r-1", "M14 5AB"), at("r-2", "M1 1AA"), at("r-3", "M14 5AB")])
    assert [{*image.numbers([f"r-{record}"])} for record in (2, 1, 3)] == [{1}, {2}, {3}]
    assert [each.record_id for each in image.views()] == ["r-1", "r-2", "r-3"]


def altered(body: bytes, statement: str) -> bytes:
    """What somebody makes of an image who has its partition's key."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.deserialize(body)
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(statement)
        connection.commit()
        return connection.serialize()


def with_another_schema() -> bytes:
    return altered(BODY, "CREATE TRIGGER t AFTER INSERT ON record BEGIN SELECT 1; END")


def in_wal_mode() -> bytes:
    return BODY[:18] + b"\x02\x02" + BODY[20:]


@pytest.mark.parametrize(
    "make",
    [bytes, lambda: b"\x00" * 4096, lambda: BODY[:50], with_another_schema, in_wal_mode],
    ids=["empty", "zeros", "cut in the header", "another schema", "in WAL mode"],
)
def test_what_is_not_an_image_is_refused(make: Callable[[], bytes]) -> None:
    with pytest.raises(PeerBrokeProtocol) as refusal:
        Image.open(make())
    assert refusal.value.code == "image-malformed"


def search_and_read(body: bytes) -> None:
    with closing(Image.open(body)) as image:
        image.candidates(Query(family="Okafor"), today=TODAY)
        list(image.views())


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE record SET record_id = x'722d31' WHERE record_id = 'r-1'",
        "UPDATE record SET view = 'text'",
        "UPDATE record SET number = -number",
        "UPDATE search_key SET records = 1",
        "UPDATE common SET shapes = 1.5",
        "UPDATE common SET shared = x'92a1fea1fe'",
        "UPDATE sqlite_master SET rootpage = 4 WHERE name = 'record'",
    ],
    ids=[
        "an id that is no text",
        "a view that is no bytes",
        "numbers that no key names",
        "a key's numbers that are no bytes",
        "shapes that are no bytes",
        "a value that is not UTF-8",
        "a table in another's place",
    ],
)
def test_what_cannot_be_read_in_an_image_is_refused_when_it_is_read(statement: str) -> None:
    views = [view(f"r-{number}", "Okafor") for number in (1, 2)]
    body = altered(Image.build(views).to_bytes(), statement)
    with pytest.raises(PeerBrokeProtocol, match="malformed"):
        search_and_read(body)


def test_an_open_image_cannot_be_written() -> None:
    with pytest.raises(sqlite3.OperationalError):
        Image.open(BODY)._connection.execute("DELETE FROM record")


CHANGED = [view("r-1", "Okafor-Smith", revision=2), view("r-4", "Nowak")]
SEGMENT_BODY = Segment.build(CHANGED, gone=["r-2"]).to_bytes()


def digest_of(views: list[View]) -> bytes:
    total = digest.EMPTY
    for one in views:
        total = digest.added(
            total, digest.element(DIGEST_KEY, one.record_id, one.revision, one.to_bytes())
        )
    return total


def test_a_segment_changes_the_digest_to_that_of_the_records_left() -> None:
    after = [view("r-1", "Okafor-Smith", revision=2), VIEWS[2], view("r-4", "Nowak")]
    changed = changed_digest(
        Image.open(BODY),
        [Segment.open(SEGMENT_BODY)],
        image_digest=digest_of(VIEWS),
        digest_key=DIGEST_KEY,
    )
    assert changed == digest_of(after)


def test_of_several_segments_the_later_one_counts() -> None:
    later = Segment.build([view("r-2", "Back", revision=3)], gone=["r-4"])
    after = [CHANGED[0], view("r-2", "Back", revision=3), VIEWS[2]]
    changed = changed_digest(
        Image.open(BODY),
        [Segment.open(SEGMENT_BODY), later],
        image_digest=digest_of(VIEWS),
        digest_key=DIGEST_KEY,
    )
    assert changed == digest_of(after)


def test_a_segment_comes_ready_to_be_searched() -> None:
    segment = Segment.open(SEGMENT_BODY)
    assert list(segment.views()) == CHANGED
    assert segment.gone == {"r-2"}
    assert segment.named == {"r-1", "r-2", "r-4"}
    assert segment.candidates(Query(family="novak"), today=TODAY) == ((CHANGED[1],), False)


def both_there_and_gone() -> bytes:
    return Segment.build(CHANGED, gone=["r-1"]).to_bytes()


@pytest.mark.parametrize(
    ("kind", "make"),
    [
        (Segment, lambda: BODY),
        (Image, lambda: SEGMENT_BODY),
        (Segment, both_there_and_gone),
        (Segment, lambda: altered(SEGMENT_BODY, "UPDATE gone SET record_id = x'722d32'")),
    ],
    ids=[
        "an image as a segment",
        "a segment as an image",
        "a record that is there and has left",
        "an id that is no text",
    ],
)
def test_what_is_not_a_segment_is_refused(kind: type[Image], make: Callable[[], bytes]) -> None:
    with pytest.raises(PeerBrokeProtocol) as refusal:
        kind.open(make())
    assert refusal.value.code == "image-malformed"


def distribution(**changes: object) -> Distribution:
    manifest = Manifest("hv-1", "Team 1", 43, 3, b"i" * 32, b"d" * 32, 1_000, (ENTRY,))
    told: dict[str, object] = {
        "authority": "E08000039",
        "incarnation": 1,
        "device": "d-1",
        "generation": 1,
        "practitioner": "p-1",
        "number": 10,
        "issued": 1_000,
        "expires": 2_000,
        "manifests": (manifest,),
        "lost": (),
        "on_line": (),
        "warm": (),
    }
    return Distribution(**{**told, **changes})  # type: ignore[arg-type]  # a table of one call


@pytest.mark.parametrize(
    ("offered", "now", "code"),
    [
        (distribution(number=9), 1_500, "distribution-rolled-back"),
        (distribution(incarnation=0, number=11), 1_500, "distribution-rolled-back"),
        (distribution(number=11), 2_000, "distribution-expired"),
        (distribution(manifests=()), 1_500, "distribution-mixed"),
    ],
    ids=["rolled back", "an older incarnation", "frozen", "mixed"],
)
def test_a_list_of_partitions_is_refused_that_is(
    offered: Distribution, now: int, code: str
) -> None:
    with pytest.raises(PeerBrokeProtocol) as refusal:
        offered.require_successor_of(distribution(), now=now)
    assert refusal.value.code == code


def test_a_newer_list_replaces_an_older_one() -> None:
    distribution(number=11).require_successor_of(distribution(), now=1_500)
    distribution(incarnation=2, number=1).require_successor_of(distribution(), now=1_500)
    distribution().require_successor_of(None, now=1_500)
