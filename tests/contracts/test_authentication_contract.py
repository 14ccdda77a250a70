"""Who is let in: signature, time and counter."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from children import AUTHORITY
from field_device import HOST, FieldDevice
from fieldward_server.services.authentication import (
    Caller,
    NotAuthenticated,
    Received,
    authenticate,
    use_counter,
)
from fieldward_server.services.custody.devices import set_access
from fieldward_server.services.platform import SeenRequests
from fieldward_sync.access import Access
from fieldward_sync.errors import PeerBrokeProtocol
from fieldward_sync.http_signatures import read_request_signature
from fieldward_sync.signing import signing_key
from service_world import World


def ask(device: FieldDevice, headers: dict[str, str], *, now: int = 0, **changed: Any) -> Caller:
    """Present these headers to the service, with another target or time if told so."""
    received = Received(method="POST", authority=HOST, path="/v1/sync", query="", body=b"")
    return authenticate(
        device.world.platform,
        read_request_signature(headers),
        replace(received, **changed),
        now=now or device.world.now,
    )


def signed(device: FieldDevice, counter: int = 2, **changed: Any) -> dict[str, str]:
    return device.signed(b"", **{"role": device.practitioner, "counter": counter, **changed})


def test_the_caller_is_who_signed(world: World) -> None:
    device = world.device()
    caller = ask(device, signed(device))
    assert (caller.authority, caller.device, caller.generation) == (AUTHORITY, device.name, 1)
    assert (caller.practitioner, caller.counter) == ("p-1", 2)
    assert ask(device, signed(device, role="device")).practitioner is None


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"method": "PUT"}, "signature-wrong"),
        ({"path": "/v1/enrol"}, "signature-wrong"),
        ({"query": "a=b"}, "signature-wrong"),
        ({"authority": "other.test"}, "signature-wrong"),
        ({"body": b"x"}, "digest-wrong"),
    ],
)
def test_what_was_signed_for_something_else_is_refused(
    world: World, changed: dict[str, Any], code: str
) -> None:
    device = world.device()
    with pytest.raises(PeerBrokeProtocol, match=code):
        ask(device, signed(device), **changed)


def test_another_key_does_not_pass_for_the_practitioners(world: World) -> None:
    device = world.device()
    for key in (signing_key(bytes(32)), device.identity):
        with pytest.raises(PeerBrokeProtocol, match="signature-wrong"):
            ask(device, signed(device, key=key))


@pytest.mark.parametrize("name", ["authority", "name", "generation", "practitioner"])
def test_a_key_id_that_nobody_has_is_refused(world: World, name: str) -> None:
    device = world.device()
    unknown = {"authority": "E00000000", "name": "d-0", "generation": 2, "practitioner": "p-2"}
    setattr(device, name, unknown[name])
    with pytest.raises(NotAuthenticated, match="unknown-key") as raised:
        ask(device, signed(device))
    assert raised.value.last_counter is None


@pytest.mark.parametrize(
    ("skew", "allowed"), [(300, True), (301, False), (-300, True), (-301, False)]
)
def test_a_request_lives_for_five_minutes(world: World, skew: int, allowed: bool) -> None:
    device = world.device()
    headers = signed(device)
    if allowed:
        assert ask(device, headers, now=world.now + skew).counter == 2
        return
    with pytest.raises(NotAuthenticated, match="clock-skew") as raised:
        ask(device, headers, now=world.now + skew)
    assert raised.value.last_counter == 1


def test_a_request_that_changed_something_is_not_taken_twice(world: World) -> None:
    device = world.device()
    request = device.request(pending_edits=1)
    device.call(request, counter=5)
    world.platform = replace(world.platform, seen_requests=SeenRequests())  # another worker
    with pytest.raises(NotAuthenticated, match="counter-used") as raised:
        device.call(request, counter=5)
    assert raised.value.last_counter == 5


def test_a_request_that_changes_nothing_is_not_worked_on_twice(world: World) -> None:
    device = world.device()
    headers = signed(device)
    ask(device, headers)
    with pytest.raises(NotAuthenticated, match="counter-used"):
        ask(device, headers)


def test_requests_may_overtake_each_other_within_a_window(world: World) -> None:
    device = world.device()
    highest = 100
    device.call(device.request(pending_edits=1), counter=highest)
    for counter in (highest - 64, highest - 1, highest - 30):
        device.call(device.request(pending_edits=counter), counter=counter)
        with pytest.raises(NotAuthenticated, match="counter-used"):
            device.call(device.request(pending_edits=0), counter=counter)
    with pytest.raises(NotAuthenticated, match="counter-used"):
        device.call(device.request(), counter=highest - 65)


def test_of_requests_that_came_together_none_undoes_that_anothers_counter_is_spent(
    world: World,
) -> None:
    device, storage = world.device(), world.platform.storage
    callers = [ask(device, signed(device, counter=counter)) for counter in (4, 2, 3)]
    set_access(
        world.platform,
        authority=AUTHORITY,
        device=device.name,
        access=Access.PAUSED,
        actor="admin",
        reason="test",
        now=world.now,
    )
    for caller in callers:
        with storage.transaction() as transaction:
            spent = use_counter(transaction, caller.found, caller.counter)
        assert (caller.found.access, spent.access) == ("active", "paused")
    for caller in callers:
        with (
            pytest.raises(NotAuthenticated, match="counter"),
            storage.transaction() as transaction,
        ):
            use_counter(transaction, caller.found, caller.counter)


def test_a_sync_with_nothing_new_writes_nothing(world: World) -> None:
    world.partition("caseload", "all")
    world.seal()
    device = world.device("caseload")
    device.sync()
    device.sync()
    before = world.written()
    answer = device.sync()
    assert (answer.lease, answer.distribution, answer.trust) == (None, None, None)
    assert world.written() == before
