"""On-line enquiries: who may ask, what is found and shown, and that it is on record first."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from children import AUTHORITY, PHONE, child
from field_device import ENQUIRIES, FieldDevice
from fieldward_server.services import enquiry_limit, enquiry_log, index_search, journals
from fieldward_server.services.authentication import NotAuthenticated
from fieldward_server.services.authorities import EDIT_SEED
from fieldward_server.services.devices import set_access
from fieldward_server.services.enquiries import enquire
from fieldward_server.services.journals import (
    POSITION,
    JournalReport,
    list_sealed_look_ups,
    verify_journals,
)
from fieldward_server.services.sealed_look_ups import DeliveredLookUp, open_look_ups
from fieldward_server.services.shields import raise_shield, release_shield
from fieldward_server.services.wipes import order_wipe
from fieldward_server.storage import enquiries
from fieldward_sync.access import Access
from fieldward_sync.encoding import encode
from fieldward_sync.enquiries import (
    MAX_HITS_OF_AN_ANSWER,
    Enquired,
    Enquirer,
    Enquiry,
    open_answer,
    seal_enquiry,
)
from fieldward_sync.errors import CallerMistake, PeerBrokeProtocol, RefusedByServer, RetryLater
from fieldward_sync.journal import LookUp
from fieldward_sync.keys import hpke_public_key
from fieldward_sync.matching.ranking import MAX_HITS, Ranking
from fieldward_sync.messages import DEVICE_KEY
from service_world import World

ADA = {"family": "Okafor", "given": "Ada", "born": "2021-03-04"}
NUMBER = "9434765919"


@pytest.fixture
def device(world: World) -> FieldDevice:
    """A device that holds nobody, of an authority with a few children."""
    world.load(
        child("ada"),
        child("kofi", name={"family": "Mensah", "given": "Kofi"}, born="2019-11-20"),
        child("zuzana", name={"family": "Šťastná", "given": "Zuzana"}, born="2020-02-29"),
    )
    return world.device()


def found(enquired: Enquired) -> list[str]:
    return [hit.record_id for hit in enquired.hits]


def on_record(world: World, device: str | None = None) -> list[DeliveredLookUp]:
    """All look-ups there are on record, as who holds the audit key reads them."""
    page = list_sealed_look_ups(world.platform, AUTHORITY, device=device)
    assert page.after is None
    return list(open_look_ups(page, [world.secrets.audit_seed]))


def last_look_up(world: World) -> LookUp:
    look_up = on_record(world)[-1].look_up
    assert look_up is not None
    return look_up


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


# --- What is found and shown ---


@pytest.mark.parametrize(
    "terms",
    [
        ADA,
        {"family": "Ocafor", "given": "Adah", "born": "2021-03-04"},
        {"family": "Okafor", "given": "Ada", "born": "2021-04-03"},
        {"family": "Okafor", "postcode": "M14 5AB"},
    ],
    ids=["as written", "by ear", "day and month exchanged", "by postcode"],
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


# --- Who may ask ---


def paused(device: FieldDevice) -> None:
    move(device, Access.PAUSED)


def draining(device: FieldDevice) -> None:
    move(device, Access.DRAINING)


def revoked(device: FieldDevice) -> None:
    move(device, Access.REVOKED)


def move(device: FieldDevice, access: Access) -> None:
    set_access(device.world.platform, access=access, device=device.name, **effect(device))


def wiped(device: FieldDevice) -> None:
    order_wipe(device.world.platform, device=device.name, **effect(device))


def effect(device: FieldDevice) -> dict[str, Any]:
    return {"authority": AUTHORITY, "actor": "test", "reason": "lost", "now": device.world.now}


def unvetted(device: FieldDevice) -> None:
    device.world.practitioner("p-1", vetted_until=device.world.now)


def untrained(device: FieldDevice) -> None:
    device.world.practitioner("p-1", trained_until=device.world.now)


@pytest.mark.parametrize(
    ("happened", "code"),
    [
        (paused, "paused"),
        (draining, "draining"),
        (revoked, "revoked"),
        (wiped, "wiped"),
        (unvetted, "vetting-over"),
        (untrained, "training-over"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_who_may_not_ask_is_refused_and_that_is_on_record(
    world: World, device: FieldDevice, happened: Callable[[FieldDevice], None], code: str
) -> None:
    """A6, V6: and nothing is found for them, whatever the refusal says."""
    happened(device)
    for number, asked in enumerate((device.enquiry(ADA), device.enquiry(record_id="ada"))):
        with pytest.raises(RefusedByServer) as refusal:
            device.ask(asked)
        assert refusal.value.code == code
        assert refusal.value.next_step != RefusedByServer.next_step
        look_ups = on_record(world)
        assert len(look_ups) == number + 1
        assert look_ups[-1].look_up == LookUp(
            action="search" if asked.terms else "open",
            outcome="refused",
            practitioner="p-1",
            on_behalf_of=None,
            reason="duty-desk",
            at=world.now,
            terms=asked.terms,
            records=() if asked.terms else ("ada",),
            fields=(),
            query=asked.query,
        )


@dataclass(frozen=True)
class Mistaken:
    """An enquiry that asks for what cannot be asked."""

    code: str
    about: dict[str, Any]

    def __str__(self) -> str:
        return self.code


@pytest.mark.parametrize(
    "mistaken",
    [
        Mistaken("reason-unknown", {"reason": "curiosity"}),
        Mistaken("term-unknown", {"terms": {"shoe_size": "12"}}),
        Mistaken("search-too-short", {"terms": {"sex": "female"}}),
        Mistaken("nhs-number-wrong", {"terms": {"nhs_number": "9434765918"}}),
        Mistaken("key-malformed", {"answer_key": bytes([255]) * 1216}),
    ],
    ids=str,
)
def test_a_mistake_in_an_enquiry_is_refused_and_on_record(
    world: World, device: FieldDevice, mistaken: Mistaken
) -> None:
    asked = device.enquiry(**{"terms": ADA, **mistaken.about})
    with pytest.raises(CallerMistake) as refusal:
        device.ask(asked)
    assert refusal.value.code == mistaken.code
    look_up = last_look_up(world)
    assert (look_up.outcome, look_up.terms, look_up.reason) == (
        "refused",
        asked.terms,
        asked.reason,
    )


def test_a_devices_own_key_asks_for_nobody(world: World, device: FieldDevice) -> None:
    """V6: a stolen locked device cannot enquire."""
    with pytest.raises(RefusedByServer) as refusal:
        device.ask(device.enquiry(ADA), role=DEVICE_KEY)
    assert refusal.value.code == "practitioner-needed"
    assert on_record(world) == []


def test_access_that_is_lost_while_an_enquiry_is_worked_out_is_lost(
    world: World, device: FieldDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meanwhile(*given: object, **also: object) -> object:
        ranking = index_search.search_index(*given, **also)  # type: ignore[arg-type] # handed on
        paused_later.append(device)
        return ranking

    paused_later: list[FieldDevice] = []
    monkeypatch.setattr("fieldward_server.services.enquiries.search_index", meanwhile)
    real = world.platform.storage.transaction

    def transaction() -> object:
        if paused_later:
            paused(paused_later.pop())
        return real()

    monkeypatch.setattr(world.platform.storage, "transaction", transaction)
    with pytest.raises(RefusedByServer) as refusal:
        device.enquire(**ADA)
    assert refusal.value.code == "paused"
    look_up = last_look_up(world)
    assert (look_up.outcome, look_up.records) == ("refused", ())


# --- So many and no more (design §9) ---


@pytest.fixture
def three(world: World) -> int:
    """The enquiries that are allowed within a day."""
    allowed = replace(world.platform.lease_terms, look_ups=3)
    world.platform = replace(world.platform, lease_terms=allowed)
    return allowed.look_ups


def test_after_so_many_enquiries_a_day_the_next_is_refused_and_that_is_on_record(
    world: World, device: FieldDevice, three: int
) -> None:
    """Searches and openings count together, and those that find nobody."""
    for asked in (device.enquiry(ADA), device.enquiry(record_id="ada"), nobody(device)):
        device.ask(asked)
    for asked in (device.enquiry(ADA), device.enquiry(record_id="ada")):
        with pytest.raises(RefusedByServer) as refusal:
            device.ask(asked)
        assert refusal.value.code == "enquiries-used-up"
        look_up = last_look_up(world)
        assert (look_up.outcome, look_up.terms) == ("refused", asked.terms)
    assert len(on_record(world)) == three + 2


def test_a_renewed_lease_brings_no_more_enquiries_and_the_next_day_does(
    world: World, device: FieldDevice, three: int
) -> None:
    for _ in range(three):
        device.enquire(**ADA)
    world.now += enquiry_limit.WINDOW_SECONDS // 2
    assert device.sync().lease is not None
    with pytest.raises(RefusedByServer, match="enquiries-used-up"):
        device.enquire(**ADA)
    world.now += enquiry_limit.WINDOW_SECONDS // 2
    assert found(device.enquire(**ADA)) == ["ada"]


def test_a_refused_enquiry_does_not_count(world: World, device: FieldDevice, three: int) -> None:
    for _ in range(three):
        with pytest.raises(CallerMistake):
            device.ask(device.enquiry({"age": "5"}))
    assert found(device.enquire(**ADA)) == ["ada"]


def test_practitioners_on_one_device_are_counted_each_for_themselves() -> None:
    stored = enquiry_limit.with_one_more(b"", "p-1", now=100)
    stored = enquiry_limit.with_one_more(stored, "p-2", now=200)
    stored = enquiry_limit.with_one_more(stored, "p-1", now=300)
    assert [enquiry_limit.made(stored, who, now=300) for who in ("p-1", "p-2", "p-3")] == [2, 1, 0]
    later = 100 + enquiry_limit.WINDOW_SECONDS
    assert [enquiry_limit.made(stored, who, now=later) for who in ("p-1", "p-2")] == [0, 1]


def test_of_several_enquiries_at_once_no_more_are_answered_than_are_allowed(
    world: World, device: FieldDevice, three: int
) -> None:
    """Each found the device's row as it was before the others."""
    requests = []
    for _ in range(three + 2):
        request = seal_enquiry(device.enquiry(ADA), device.trust.edit_key, enquirer=device.enquirer)
        device.counter += 1
        requests.append((device.authenticated(encode(request), path=ENQUIRIES), request))
    refused = []
    for caller, request in requests:
        try:
            enquire(world.platform, caller, request, now=world.now)
        except RefusedByServer as e:
            refused.append(e.code)
    assert refused == ["enquiries-used-up"] * 2


# --- Sealed both ways ---


def nobody(device: FieldDevice) -> Enquiry:
    return device.enquiry({"family": "Quickenborough", "born": "2011-01-01"})


def test_an_enquiry_opens_with_the_key_that_is_in_force_now(
    world: World, device: FieldDevice
) -> None:
    """A worker keeps it opened, and lets go of it when another takes its place."""
    device.enquire(**ADA)
    seed = bytes(range(32))
    wrapped = world.platform.wrap(seed, EDIT_SEED, AUTHORITY)
    with world.platform.storage.transaction() as transaction:
        transaction.execute("UPDATE authority SET edit_seed = :wrapped", wrapped=wrapped)
    request = seal_enquiry(device.enquiry(ADA), hpke_public_key(seed), enquirer=device.enquirer)
    device.counter += 1
    caller = device.authenticated(encode(request), path=ENQUIRIES)
    assert enquire(world.platform, caller, request, now=world.now).outcome == "shown"
    with pytest.raises(PeerBrokeProtocol) as broken:
        device.enquire(**ADA)
    assert broken.value.code == "seal-broken"


def test_an_answers_size_does_not_tell_how_many_were_found(
    world: World, device: FieldDevice
) -> None:
    for number in range(12):
        world.load(child(f"twin-{number}", name={"family": "Okafor", "given": "Ada"}))
    several, none = device.enquiry({"family": "Okafor", "given": "Ada"}), nobody(device)
    sizes = set()
    for asked, count in ((device.enquiry(record_id="ada"), 0), (several, 12), (none, 0)):
        request = seal_enquiry(asked, device.trust.edit_key, enquirer=device.enquirer)
        device.counter += 1
        caller = device.authenticated(encode(request), path=ENQUIRIES)
        answer = enquire(world.platform, caller, request, now=world.now).answer
        sizes.add(len(answer.sealed))
        assert len(last_look_up(world).records) >= count
    assert len(sizes) == 1


def test_an_enquiry_opens_only_as_whose_it_is(world: World, device: FieldDevice) -> None:
    request = seal_enquiry(device.enquiry(ADA), device.trust.edit_key, enquirer=device.enquirer)
    assert b"Okafor" not in encode(request)
    world.practitioner("p-2")
    for other in (world.device(), world.device(practitioner="p-2")):
        other.counter += 1
        caller = other.authenticated(encode(request), path=ENQUIRIES)
        with pytest.raises(PeerBrokeProtocol) as broken:
            enquire(world.platform, caller, request, now=world.now)
        assert broken.value.code == "seal-broken"
        assert "Sync" in broken.value.next_step
    assert on_record(world) == []


def test_an_answer_opens_only_for_who_asked_and_for_what_was_asked(
    world: World, device: FieldDevice
) -> None:
    asked = device.enquiry(ADA)
    device.counter += 1
    request = seal_enquiry(asked, device.trust.edit_key, enquirer=device.enquirer)
    caller = device.authenticated(encode(request), path=ENQUIRIES)
    answer = enquire(world.platform, caller, request, now=world.now).answer
    assert b"Okafor" not in encode(answer)
    told: dict[str, Any] = {"query": asked.query, "enquirer": device.enquirer}
    assert open_answer(answer, device.hpke_seed, **told).hits
    others: list[tuple[bytes, dict[str, Any]]] = [
        (os.urandom(32), told),
        (device.hpke_seed, {**told, "query": os.urandom(16)}),
        (device.hpke_seed, {**told, "enquirer": Enquirer(AUTHORITY, 1, "d-2", 1, "p-1")}),
    ]
    for seed, wrong in others:
        with pytest.raises(PeerBrokeProtocol, match="seal-broken"):
            open_answer(answer, seed, **wrong)


# --- On record ---


def test_what_was_shown_is_on_record_before_it_is_answered(
    world: World, device: FieldDevice
) -> None:
    """U1: who, for whom, why, when, what was asked, and whom it showed."""
    asked = device.enquiry(ADA, on_behalf_of="p-9", reason="safeguarding")
    hits = found(device.ask(asked))
    opening = device.enquiry(record_id="ada", query=asked.query)
    view = device.ask(opening).view
    assert view is not None
    searched, opened = on_record(world)
    assert [(it.device, it.generation, it.sequence, it.online) for it in (searched, opened)] == [
        (device.name, 1, 0, True),
        (device.name, 1, 1, True),
    ]
    assert searched.look_up == LookUp(
        action="search",
        outcome="shown",
        practitioner="p-1",
        on_behalf_of="p-9",
        reason="safeguarding",
        at=world.now,
        terms=ADA,
        records=tuple(hits),
        fields=(),
        query=asked.query,
    )
    assert opened.look_up is not None
    assert (opened.look_up.action, opened.look_up.query) == ("open", asked.query)
    assert opened.look_up.records == ("ada",)
    assert set(opened.look_up.fields) == {value.path for value in view.values}


def test_an_empty_result_is_on_record(world: World, device: FieldDevice) -> None:
    device.enquire(family="Featherstonehaugh", born="2018-01-01")
    device.open_on_line("nobody")
    first, second = (it.look_up for it in on_record(world))
    assert first is not None
    assert second is not None
    assert (first.outcome, first.records) == ("nothing", ())
    assert (second.outcome, second.records) == ("nothing", ("nobody",))


def test_a_record_of_more_fields_than_a_look_up_names_takes_several(
    world: World, device: FieldDevice
) -> None:
    involvement = {"service": "health-visiting", "since": "2021-04-01", "phone": "07700 900001"}
    world.load(child("many", involvements={f"i{n}": involvement for n in range(100)}))
    view = device.open_on_line("many").view
    assert view is not None
    look_ups = [it.look_up for it in on_record(world)]
    assert len(look_ups) == 2
    named = [path for it in look_ups if it is not None for path in it.fields]
    assert named == list(view.by_path())


def test_without_its_entry_an_enquiry_is_not_answered(
    world: World, device: FieldDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Invariant 2, on the server: and its counter is not spent either."""
    real = enquiries.append

    def full(*_: object, **__: object) -> None:
        raise RetryLater("database-busy", "The disk is full.")

    monkeypatch.setattr(enquiries, "append", full)
    before = world.written()
    with pytest.raises(RetryLater):
        device.enquire(**ADA)
    assert world.written() == before
    monkeypatch.setattr(enquiries, "append", real)
    assert found(device.ask(device.enquiry(ADA), counter=device.counter)) == ["ada"]


def test_an_enquiry_is_taken_once(world: World, device: FieldDevice) -> None:
    """Two workers may let the same request in; only one answers it."""
    request = seal_enquiry(device.enquiry(ADA), device.trust.edit_key, enquirer=device.enquirer)
    device.counter += 1
    caller = device.authenticated(encode(request), path=ENQUIRIES)
    enquire(world.platform, caller, request, now=world.now)
    with pytest.raises(NotAuthenticated) as refusal:
        enquire(world.platform, caller, request, now=world.now)
    assert refusal.value.code == "counter-used"
    assert len(on_record(world)) == 1


def test_the_servers_workers_cannot_read_what_was_asked(world: World, device: FieldDevice) -> None:
    device.enquire(**ADA)
    with world.platform.storage.reading() as transaction:
        (row,) = transaction.execute("SELECT * FROM enquiry")
    assert b"Okafor" not in row["body"] + row["header"]
    page = list_sealed_look_ups(world.platform, AUTHORITY)
    assert [it.look_up for it in open_look_ups(page, [bytes(32)])] == [None]


def own_log(world: World) -> JournalReport:
    (report,) = [it for it in verify_journals(world.platform, AUTHORITY) if it.device == "server"]
    return report


def test_the_log_is_checked_with_the_journals(world: World, device: FieldDevice) -> None:
    assert [it.device for it in verify_journals(world.platform, AUTHORITY)] == [device.name]
    for _ in range(3):
        device.enquire(**ADA)
    report = own_log(world)
    assert (report.size, report.generation, report.damage) == (3, 1, "")
    assert [it.device for it in verify_journals(world.platform, AUTHORITY, device=device.name)] == [
        device.name
    ]


TAMPERED = [
    "UPDATE enquiry SET body = :bytes WHERE sequence = 1",
    "UPDATE enquiry SET header = :bytes WHERE sequence = 1",
    "UPDATE enquiry SET header = (SELECT header FROM enquiry WHERE sequence = 0)"
    " WHERE sequence = 1",
    "DELETE FROM enquiry WHERE sequence = 1",
    "DELETE FROM enquiry WHERE sequence = 2",
    "DELETE FROM enquiry",
    "DELETE FROM enquiry_log",
    "UPDATE enquiry_log SET head = :bytes",
]


@pytest.mark.parametrize("statement", TAMPERED)
def test_what_an_administrator_changes_in_the_log_is_found(
    world: World, device: FieldDevice, statement: str
) -> None:
    """Invariant 8."""
    for _ in range(3):
        device.enquire(**ADA)
    with world.platform.storage.transaction() as transaction:
        given = {"bytes": b"another"} if ":bytes" in statement else {}
        transaction.execute(statement, **given)
    assert own_log(world).damage


def test_entries_of_one_device_are_asked_for_alone(world: World, device: FieldDevice) -> None:
    other = world.device()
    for each in (device, other, device):
        each.enquire(**ADA)
    assert [it.sequence for it in on_record(world, device.name)] == [0, 2]
    assert [it.sequence for it in on_record(world, other.name)] == [1]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8])
def test_look_ups_made_on_line_come_in_pages_behind_those_that_were_delivered(
    world: World, device: FieldDevice, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journals, "ENTRIES_OF_A_PAGE", size)
    monkeypatch.setattr(enquiry_log, "ENTRIES_AT_A_TIME", 2)
    device.sync(journal=device.journalled(3))
    for _ in range(4):
        device.enquire(**ADA)
    seen, after = [], None
    while True:
        page = list_sealed_look_ups(world.platform, AUTHORITY, after=after)
        assert len(page.items) + len(page.enquiries) <= size
        seen += [(it.online, it.sequence) for it in open_look_ups(page, [world.secrets.audit_seed])]
        if page.after is None:
            break
        assert re.fullmatch(POSITION, page.after)
        after = page.after
    assert seen == [(False, n) for n in range(3)] + [(True, n) for n in range(4)]
