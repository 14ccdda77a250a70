"""On-line enquiries: what is found and shown."""

from __future__ import annotations

import pytest

from children import AUTHORITY, PHONE, child
from enquiring import ADA, asking_device, found, last_look_up
from field_device import FieldDevice
from fieldward_server.services.records import index_search
from fieldward_server.services.records.shields import raise_shield, release_shield
from fieldward_sync.encoding import encode
from fieldward_sync.enquiries import MAX_HITS_OF_AN_ANSWER
from fieldward_sync.matching.ranking import MAX_HITS, Ranking
from service_world import World

NUMBER = "9434765919"


@pytest.fixture
def device(world: World) -> FieldDevice:
    return asking_device(world)


def numbered(record_id: str) -> dict[str, object]:
    """A child who has an NHS number."""
    made = child(record_id, nhs_number=NUMBER)
    del made["nhs_number_withheld"]
    return made


def shield(world: World, record_id: str, *, release: bool = False) -> None:
    change = release_shield if release else raise_shield
    change(
        world.platform,
        authority=AUTHORITY,
        record_id=record_id,
        actor="test",
        reason="court-order",
        now=world.now,
    )


@pytest.mark.parametrize(
    "terms",
    [
        ADA,
        {"family": "Ocafor", "given": "Adah", "born": "2021-03-04"},
        {"family": "Okafor", "given": "Ada", "born": "2021-04-03"},
        {"family": "Okafor", "postcode": "M14 5AB"},
        {"family": "Okafor", "postcode": "M14\0 5AB"},
    ],
    ids=["as written", "by ear", "day and month exchanged", "by postcode", "with a NUL"],
)
def test_a_child_who_is_on_no_device_is_found(
    world: World, device: FieldDevice, terms: dict[str, str]
) -> None:
    enquired = device.ask(device.enquiry(terms))
    assert (enquired.outcome, found(enquired)[:1]) == ("shown", ["ada"])
    hit = enquired.hits[0]
    assert (hit.family, hit.given, hit.born) == ("Okafor", "Ada", "2021-03-04")
    assert (hit.postcode_district, hit.shielded, hit.conflicts) == ("M14", False, ())
    assert hit.agreement.keys() >= terms.keys()
    assert hit.score_percent >= 50


def test_a_search_shows_no_more_than_tells_children_apart(
    world: World, device: FieldDevice
) -> None:
    """The rest is for who opens a record, one at a time."""
    enquired = device.enquire(**ADA)
    assert enquired.view is None
    answer = encode(enquired)
    for kept_back in (b"07700", b"High Street", b"5AB", b"health-visiting", b"HV-1"):
        assert kept_back not in answer


def test_one_record_is_opened_as_an_ordinary_reader_sees_it(
    world: World, device: FieldDevice
) -> None:
    enquired = device.open_on_line("ada")
    assert (enquired.outcome, enquired.hits, enquired.add) == ("shown", (), ())
    assert enquired.view == world.view("ada")


def test_nobody_and_too_many_are_two_answers(world: World, device: FieldDevice) -> None:
    nobody = device.enquire(family="Featherstonehaugh", born="2018-01-01")
    assert (nobody.outcome, nobody.hits, nobody.add) == ("nothing", (), ())
    assert device.open_on_line("nobody").outcome == "nothing"
    world.load(*(child(f"ada-{n}") for n in range(80)))
    too_many = device.enquire(**ADA)
    assert (too_many.outcome, too_many.hits) == ("too-many", ())
    assert "postcode" in too_many.add
    assert last_look_up(world).outcome == "too-many"


@pytest.mark.parametrize(("rows", "outcome"), [(1, "too-many"), (100, "nothing")])
def test_where_not_all_could_be_read_nobody_is_told_that_there_is_none(
    world: World, device: FieldDevice, monkeypatch: pytest.MonkeyPatch, rows: int, outcome: str
) -> None:
    world.load(child("ada-2"))
    monkeypatch.setattr(index_search, "MAX_ROWS", rows)
    monkeypatch.setattr(index_search, "rank", lambda *_, **__: Ranking())  # nobody fits
    assert device.enquire(**ADA).outcome == outcome


@pytest.mark.parametrize(
    "terms",
    [
        {"born": "2021-03-04"},
        {"postcode": "S1"},
        {"carer": "Ngozi Okafor"},
        {"address": "High Street"},
        {"born": "2021", "carer": "Ngozi Okafor"},
    ],
    ids=str,
)
def test_what_leads_nowhere_in_a_whole_index_asks_for_more_and_denies_nobody(
    world: World, device: FieldDevice, terms: dict[str, str]
) -> None:
    enquired = device.enquire(**terms)
    assert enquired.outcome == "too-many"
    assert enquired.add[:2] == ("given", "family")


def test_a_page_of_hits_fits_into_an_answer() -> None:
    assert MAX_HITS <= MAX_HITS_OF_AN_ANSWER


def test_values_in_conflict_are_each_found(world: World, device: FieldDevice) -> None:
    world.partition("caseload", "all")
    world.seal()
    other = world.device("caseload")
    other.edit("ada", "name.family", "Eze", shown=())
    for family in ("Okafor", "Eze"):
        (hit,) = device.enquire(family=family, given="Ada", born="2021-03-04").hits
        assert hit.record_id == "ada"
        assert hit.conflicts == ("name.family",)
        assert hit.agreement["family"] == "exact"


def test_nothing_that_is_hidden_finds_a_child_or_is_shown(
    world: World, device: FieldDevice
) -> None:
    """H2: nobody learns by asking whether a child lives here or has this number."""
    world.load(numbered("ada"))
    by_place = {"family": "Okafor", "postcode": "M14 5AB"}
    by_number = {"nhs_number": NUMBER}
    for terms in (by_place, by_number):
        assert found(device.ask(device.enquiry(terms))) == ["ada"]
    shield(world, "ada")
    for terms in (by_place, by_number):
        enquired = device.ask(device.enquiry(terms))
        assert all("postcode" not in hit.agreement for hit in enquired.hits)
        assert all("nhs_number" not in hit.agreement for hit in enquired.hits)
    assert found(device.enquire(nhs_number=NUMBER)) == []
    assert found(device.enquire(postcode="M14 5AB", born="2021-03-04")) == []
    (hit,) = device.enquire(**ADA).hits
    assert (hit.shielded, hit.postcode_district) == (True, "")
    opened = encode(device.open_on_line("ada"))
    for hidden in (b"High Street", b"M14", NUMBER.encode(), b"07700"):
        assert hidden not in opened
    shield(world, "ada", release=True)
    assert found(device.enquire(nhs_number=NUMBER)) == ["ada"]


def test_an_edit_is_found_as_soon_as_it_is_taken(world: World, device: FieldDevice) -> None:
    world.partition("caseload", "all")
    world.seal()
    author = world.device("caseload")
    author.edit("ada", "born", "2022-12-24")
    assert found(device.enquire(family="Okafor", born="2022-12-24")) == ["ada"]
    author.edit("ada", PHONE, "07700 900777")
    assert found(device.enquire(family="Okafor", born="2022-12-24")) == ["ada"]
