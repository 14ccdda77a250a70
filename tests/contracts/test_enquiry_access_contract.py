"""On-line enquiries: who may ask, and how often (design §9)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from enquiring import ADA, asking_device, found, last_look_up, nobody, on_record
from field_device import FieldDevice
from fieldward_server.services.custody.practitioners import suspend_practitioner
from fieldward_server.services.look_ups import enquiry_limit
from fieldward_server.services.look_ups.enquiries import enquire
from fieldward_server.services.records import index_search
from fieldward_sync.access import Access
from fieldward_sync.errors import CallerMistake, RefusedByServer
from fieldward_sync.journal import LookUp
from fieldward_sync.messages import DEVICE_KEY
from fieldward_sync.signing import public_key
from service_world import World


@pytest.fixture
def device(world: World) -> FieldDevice:
    return asking_device(world)


def paused(device: FieldDevice) -> None:
    device.set_access(Access.PAUSED)


def draining(device: FieldDevice) -> None:
    device.set_access(Access.DRAINING)


def revoked(device: FieldDevice) -> None:
    device.set_access(Access.REVOKED)


def wiped(device: FieldDevice) -> None:
    device.order_wipe()


def unvetted(device: FieldDevice) -> None:
    device.world.practitioner("p-1", vetted_until=device.world.now)


def untrained(device: FieldDevice) -> None:
    device.world.practitioner("p-1", trained_until=device.world.now)


def demanding_more(device: FieldDevice) -> None:
    world = device.world
    world.platform = replace(world.platform, least_assurance="platform")


def suspended(device: FieldDevice) -> None:
    suspend_practitioner(
        device.world.platform,
        authority=device.authority,
        practitioner="p-1",
        actor="test",
        reason="suspicion",
        now=device.world.now,
    )


@pytest.mark.parametrize(
    ("happened", "code"),
    [
        (paused, "paused"),
        (draining, "draining"),
        (revoked, "revoked"),
        (wiped, "wiped"),
        (unvetted, "vetting-over"),
        (untrained, "training-over"),
        (suspended, "suspended"),
        (demanding_more, "assurance-too-low"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_who_may_not_ask_is_refused_and_that_is_on_record(
    world: World, device: FieldDevice, happened: Callable[[FieldDevice], None], code: str
) -> None:
    """A2, A4, A6, V6: and nothing is found for them, whatever the refusal says."""
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
    monkeypatch.setattr("fieldward_server.services.look_ups.enquiries.search_index", meanwhile)
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


# --- So many and no more ---


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


def test_a_device_that_comes_back_from_an_old_copy_has_no_more_enquiries(
    world: World, device: FieldDevice, three: int
) -> None:
    """Nobody is asked before it goes on, so that a copy put back would give a new allowance."""
    for _ in range(three):
        device.enquire(**ADA)
    epoch_key, empty = device.epoch_key, device.journal
    device.sync(journal=device.journalled(1))
    device.epoch_key, device.journal = epoch_key, empty
    assert device.sync(journal=device.journalled(1)).parted
    goes_on = device.sync(next_journal_key=public_key(device.identity))
    device.generation, device.counter = goes_on.next_generation, 0
    with pytest.raises(RefusedByServer, match="enquiries-used-up"):
        device.enquire(**ADA)
    assert device.generation == 2


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
    requests = [device.handed_in(device.enquiry(ADA)) for _ in range(three + 2)]
    refused = []
    for caller, request in requests:
        try:
            enquire(world.platform, caller, request, now=world.now)
        except RefusedByServer as e:
            refused.append(e.code)
    assert refused == ["enquiries-used-up"] * 2
