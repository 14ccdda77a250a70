"""The index that enquiries search: under which keys each record stands, and how it is looked up."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

import pytest

from children import AUTHORITY, child
from field_device import FieldDevice
from fieldward_server.services.records import loading, record_rows
from fieldward_server.services.records.shields import raise_shield, release_shield
from fieldward_server.storage import Storage, records, search_keys
from fieldward_server.storage.records import StoredRecord
from fieldward_server.storage.search_keys import Asked, Found, SearchKey, Span
from service_world import World

CHILDREN = ("c1", "c2", "c3")
FORMER = {"family": "Bah", "given": "Ada"}
ELSEWHERE = "E06000001"


# --- What stands in it ---


def act(world: World, device: FieldDevice, random: Random) -> None:
    """Something that may change what a record shows."""
    record_id = random.choice(CHILDREN)
    match random.randrange(6):
        case 0:
            world.load(*(any_child(random) for _ in range(random.randint(1, 4))))
        case 1:
            change = random.choice((raise_shield, release_shield))
            change(
                world.platform,
                authority=AUTHORITY,
                record_id=record_id,
                actor="test",
                reason="test",
                now=world.now,
            )
        case _:
            path, value = random.choice(EDITS)
            shown = random.choice((None, ()))  # nothing shown: it will be a conflict
            edits = [device.proposal(record_id, path, value, shown=shown)]
            if random.random() < 0.3:
                edits.append(device.proposal(record_id, path, value))
            device.deliver(*edits)


EDITS: tuple[tuple[str, Any], ...] = (
    ("name.family", "Eze"),
    ("name.given", "Adaeze-Ruth"),
    ("name.family", "Okafor"),
    ("born", "2020-04-03"),
    ("address", {"kind": "no-known-address"}),
    ("address", {"kind": "current", "lines": ["2 Low Street"], "postcode": "S1 2HE"}),
    ("former_names/f1.family", "Mensah"),
    ("involvements/a1.phone", "07700 900777"),
)


def any_child(random: Random) -> dict[str, object]:
    name = {"family": random.choice(("Okafor", "Eze")), "given": random.choice(("Ada", "Kofi"))}
    born = random.choice(("2021-03-04", "2021-04-03"))
    shield = random.choice(({}, {}, {"shield": "raised"}))
    made = child(random.choice(CHILDREN), name=name, born=born, **shield)
    if random.random() < 0.5:
        del made["nhs_number_withheld"]
        made["nhs_number"] = "9434765919"
    return made


@pytest.mark.parametrize("seed", range(8))
def test_after_whatever_happened_the_index_is_what_the_views_show(
    world: World, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """H2: whether values were loaded, edited, in conflict, settled, hidden or shown again."""
    monkeypatch.setattr(loading, "LINES_IN_A_TRANSACTION", 1 + seed % 3)
    monkeypatch.setattr(record_rows, "WORTH_WRITING_AHEAD", 1 + seed % 4)
    random = Random(seed)
    world.partition("everybody", "all")
    world.load(*(child(each, former_names={"f1": FORMER}) for each in CHILDREN))
    device = world.device("everybody")
    for _ in range(25):
        act(world, device, random)
        assert world.misfiled() == set()
    assert all(world.view(each).revision > 1 for each in CHILDREN)


def test_a_redaction_takes_what_is_hidden_out_of_the_index(world: World) -> None:
    world.load(child("c1"))
    with world.platform.storage.reading() as transaction:
        before = keys_of(transaction, "c1")
    raise_shield(
        world.platform,
        authority=AUTHORITY,
        record_id="c1",
        actor="test",
        reason="test",
        now=world.now,
    )
    with world.platform.storage.reading() as transaction:
        after = keys_of(transaction, "c1")
    assert any("M14" in key for key in before)
    assert not any("M14" in key for key in after)
    assert after < before


def keys_of(transaction: Any, record_id: str) -> set[str]:
    rows = transaction.execute(
        "SELECT key FROM search_key WHERE record_id = :record_id", record_id=record_id
    )
    return {row["key"] for row in rows}


# --- How it is looked up ---


@pytest.fixture
def filled(storage: Storage) -> Storage:
    """An index of two authorities with a few keys."""
    rows = [
        *(SearchKey(AUTHORITY, "dAT 2021-03-04", f"r-{n}") for n in range(5)),
        SearchKey(AUTHORITY, "dAT 2021-03-05", "r-1"),
        SearchKey(AUTHORITY, "dAT 2022-01-01", "r-9"),
        SearchKey(AUTHORITY, "dBT 2021-03-04", "r-8"),
        SearchKey(ELSEWHERE, "dAT 2021-03-04", "r-7"),
    ]
    with storage.transaction() as transaction:
        search_keys.add(transaction, rows)
        search_keys.add(transaction, [])
    return storage


def look_up(
    storage: Storage, keys: Sequence[str], spans: Sequence[Span] = (), *, limit: int = 100
) -> Found:
    with storage.reading() as transaction:
        (found,) = search_keys.look_up(transaction, AUTHORITY, [Asked(keys, spans)], limit=limit)
        return found


def test_every_record_is_found_under_each_of_the_keys_that_it_has(filled: Storage) -> None:
    found = look_up(filled, ["dAT 2021-03-04", "dAT 2021-03-05", "none"])
    assert sorted(found.rows) == [
        *(("dAT 2021-03-04", f"r-{n}") for n in range(5)),
        ("dAT 2021-03-05", "r-1"),
    ]
    assert not found.cut
    assert look_up(filled, []).rows == []


def test_a_span_ends_before_its_end(filled: Storage) -> None:
    march = Span("dAT 2021-03-05", "dAT 2022-01-01")
    assert look_up(filled, [], [march]).rows == [("dAT 2021-03-05", "r-1")]
    of_the_year = Span("dAT 2021", "dAT 2021\U0010ffff")
    assert len(look_up(filled, ["dBT 2021-03-04"], [of_the_year, march]).rows) == 1 + 6 + 1


def test_no_more_is_read_than_the_limit_and_that_there_was_more_is_told(filled: Storage) -> None:
    common, wide = "dAT 2021-03-04", Span("dAT", "dAU")
    for cut in (look_up(filled, [common], limit=3), look_up(filled, [], [wide], limit=3)):
        assert (len(cut.rows), cut.cut) == (3, True)
    for whole in (look_up(filled, [common], limit=5), look_up(filled, [], [wide], limit=7)):
        assert not whole.cut


def test_what_is_asked_together_is_told_apart_and_each_has_a_limit_of_its_own(
    filled: Storage,
) -> None:
    common, rare = ["dAT 2021-03-04"], ["dAT 2021-03-05"]
    both = Asked(rare, [Span("dAT 2022", "dAT 2023"), Span("dBT", "dBU")])
    with filled.reading() as transaction:
        asked = [Asked(common), Asked([]), both, Asked(rare)]
        found = search_keys.look_up(transaction, AUTHORITY, asked, limit=3)
        assert search_keys.look_up(transaction, AUTHORITY, [], limit=3) == []
    assert [len(each.rows) for each in found] == [3, 0, 3, 1]
    assert [each.cut for each in found] == [True, False, False, False]
    assert sorted(record_id for _, record_id in found[2].rows) == ["r-1", "r-8", "r-9"]


def test_a_key_that_was_taken_away_finds_nobody(filled: Storage) -> None:
    with filled.transaction() as transaction:
        search_keys.remove(transaction, [SearchKey(AUTHORITY, "dAT 2021-03-05", "r-1")])
    assert look_up(filled, ["dAT 2021-03-05"]).rows == []
    assert ("dAT 2021-03-04", "r-1") in look_up(filled, ["dAT 2021-03-04"]).rows


def test_views_are_read_many_at_once(storage: Storage) -> None:
    with storage.transaction() as transaction:
        records.add(
            transaction, (StoredRecord(AUTHORITY, f"r-{n}", 1, b"v%d" % n, 0, 0) for n in range(3))
        )
        assert records.views(transaction, AUTHORITY, ["r-0", "r-2", "r-9"]) == {
            "r-0": b"v0",
            "r-2": b"v2",
        }
        assert records.views(transaction, ELSEWHERE, ["r-0"]) == {}
