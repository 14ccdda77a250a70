"""Administrators: who is one, who is not any more, and how an authority is founded."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from children import AUTHORITY
from field_device import HOST
from fieldward_server.services.administrators import (
    add_administrator,
    admit_command,
    list_administrators,
    remove_administrator,
)
from fieldward_server.services.authentication import (
    AdministratorCaller,
    NotAuthenticated,
    Received,
    authenticate_administrator,
    find_administrator,
)
from fieldward_server.services.authorities import (
    AuthorityKeys,
    authority_keys,
    found_authority,
    show_authority,
)
from fieldward_server.services.events import list_events
from fieldward_server.services.platform import SeenRequests
from fieldward_server.storage import events
from fieldward_sync.encoding import pack
from fieldward_sync.errors import CallerMistake, Error, PeerBrokeProtocol, RefusedByServer
from fieldward_sync.http_signatures import RequestSignature, read_request_signature, sign_request
from fieldward_sync.keys import hpke_public_key
from fieldward_sync.messages import Trust, administrator_key_id
from fieldward_sync.signing import public_key, sign, signing_key
from founding import ADMINISTRATOR, found, let_in
from service_world import World

LEEDS = "E08000035"
PATH = f"/v1/admin/{AUTHORITY}/device/list"


def effect(world: World, authority: str = AUTHORITY) -> dict[str, Any]:
    return {"authority": authority, "actor": ADMINISTRATOR, "reason": "new-team", "now": world.now}


def add(world: World, administrator: str, key: Ed25519PrivateKey | None = None) -> None:
    key = key or Ed25519PrivateKey.generate()
    add_administrator(
        world.platform,
        administrator=administrator,
        name="Bo Lee",
        public_key=public_key(key),
        **effect(world),
    )


def remove(world: World, administrator: str) -> None:
    remove_administrator(world.platform, administrator=administrator, **effect(world))


def commanding(world: World) -> list[str]:
    found = list_administrators(world.platform, AUTHORITY)
    return [it.administrator for it in found if it.removed_at is None]


def signature(world: World, key: Ed25519PrivateKey, *, counter: int = 7) -> RequestSignature:
    headers = sign_request(
        method="POST",
        authority=HOST,
        path=PATH,
        query="",
        body=b"{}",
        key=key,
        key_id=administrator_key_id(AUTHORITY, public_key(key)),
        counter=counter,
        created=world.now,
    )
    return read_request_signature(headers)


def authenticated(
    world: World, signed: RequestSignature, *, now: int = 0, **changed: Any
) -> AdministratorCaller:
    received = Received(method="POST", authority=HOST, path=PATH, query="", body=b"{}")
    return authenticate_administrator(
        world.platform,
        find_administrator(world.platform, signed),
        signed,
        replace(received, **changed),
        now=now or world.now,
    )


def admit(world: World, caller: AdministratorCaller, **changed: Any) -> None:
    command: dict[str, Any] = {
        "authority": AUTHORITY,
        "command": "device/show",
        "subject": "d-1",
        "reason": "reported-lost",
        "needs_founding": True,
        "now": world.now,
    }
    admit_command(world.platform, caller, **{**command, **changed})


def caller(counter: int = 7, administrator: str = ADMINISTRATOR) -> AdministratorCaller:
    return AdministratorCaller(AUTHORITY, administrator, counter)


def told(world: World, authority: str = AUTHORITY) -> list[tuple[str, str, str, str]]:
    return [
        (it.actor, it.action, it.subject, it.reason)
        for it in list_events(world.platform, authority)
    ]


# --- Who is one ---


def test_whoever_was_added_commands_until_they_are_removed(world: World) -> None:
    add(world, "bo-lee")
    assert commanding(world) == [ADMINISTRATOR, "bo-lee"]
    remove(world, "bo-lee")
    assert commanding(world) == [ADMINISTRATOR]
    assert told(world)[-2:] == [
        (ADMINISTRATOR, "administrator-added", "bo-lee", "new-team"),
        (ADMINISTRATOR, "administrator-removed", "bo-lee", "new-team"),
    ]


def test_the_last_administrator_is_not_removed(world: World) -> None:
    with pytest.raises(CallerMistake, match="last-administrator"):
        remove(world, ADMINISTRATOR)
    add(world, "bo-lee")
    remove(world, ADMINISTRATOR)
    with pytest.raises(CallerMistake, match="last-administrator"):
        remove(world, "bo-lee")
    assert commanding(world) == ["bo-lee"]


def test_whoever_was_removed_is_removed_once(world: World) -> None:
    add(world, "bo-lee")
    remove(world, "bo-lee")
    before = world.written()
    remove(world, "bo-lee")
    assert world.written() == before


def test_nobody_unknown_is_removed(world: World) -> None:
    with pytest.raises(CallerMistake, match="unknown-administrator"):
        remove(world, "nobody")


@pytest.mark.parametrize("removed_first", [False, True])
def test_an_id_and_a_key_are_one_persons_for_ever(world: World, removed_first: bool) -> None:
    key = Ed25519PrivateKey.generate()
    add(world, "bo-lee", key)
    if removed_first:
        remove(world, "bo-lee")
    for administrator, used in (("bo-lee", None), ("cy-day", key)):
        with pytest.raises(CallerMistake, match="administrator-exists"):
            add(world, administrator, used)


def test_one_key_can_serve_two_authorities_under_two_key_ids(world: World) -> None:
    let_in(world.platform, LEEDS, now=world.now)
    add_administrator(
        world.platform,
        administrator="ann",
        name="Ann Poole",
        public_key=public_key(world.secrets.administrator_key),
        **effect(world, LEEDS),
    )
    assert [it.administrator for it in list_administrators(world.platform, LEEDS)] == [
        "ann",
        ADMINISTRATOR,
    ]


def test_an_operator_lets_somebody_in_where_every_key_is_lost(world: World) -> None:
    let_in(world.platform, AUTHORITY, now=world.now, administrator="cy-day")
    assert commanding(world) == [ADMINISTRATOR, "cy-day"]
    assert told(world)[-1] == ("host:test", "administrator-added", "cy-day", "routine")
    assert show_authority(world.platform, AUTHORITY).founded


# --- What is let in ---


def test_the_caller_is_the_administrator_who_signed(world: World) -> None:
    signed = signature(world, world.secrets.administrator_key)
    assert authenticated(world, signed) == caller()


def test_a_strangers_key_and_a_removed_one_sign_nothing(world: World) -> None:
    key = Ed25519PrivateKey.generate()
    with pytest.raises(NotAuthenticated, match="unknown-key"):
        authenticated(world, signature(world, key))
    add(world, "bo-lee", key)
    assert authenticated(world, signature(world, key)) == caller(administrator="bo-lee")
    remove(world, "bo-lee")
    with pytest.raises(NotAuthenticated, match="unknown-key"):
        authenticated(world, signature(world, key, counter=8))


def test_whoever_is_removed_while_their_command_is_under_way_is_refused(world: World) -> None:
    key = Ed25519PrivateKey.generate()
    add(world, "bo-lee", key)
    let_through = authenticated(world, signature(world, key))
    remove(world, "bo-lee")
    before = world.written()
    with pytest.raises(NotAuthenticated, match="unknown-key"):
        admit(world, let_through)
    assert world.written() == before


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"method": "PUT"}, "signature-wrong"),
        ({"path": f"/v1/admin/{AUTHORITY}/device/wipe"}, "signature-wrong"),
        ({"path": f"/v1/admin/{LEEDS}/device/list"}, "signature-wrong"),
        ({"query": "a=b"}, "signature-wrong"),
        ({"authority": "other.test"}, "signature-wrong"),
        ({"body": b"{ }"}, "digest-wrong"),
    ],
)
def test_what_was_signed_for_something_else_is_refused(
    world: World, changed: dict[str, Any], code: str
) -> None:
    signed = signature(world, world.secrets.administrator_key)
    with pytest.raises(PeerBrokeProtocol, match=code):
        authenticated(world, signed, **changed)


@pytest.mark.parametrize("skew", [-301, 301])
def test_a_command_lives_for_five_minutes(world: World, skew: int) -> None:
    signed = signature(world, world.secrets.administrator_key)
    with pytest.raises(NotAuthenticated, match="clock-skew"):
        authenticated(world, signed, now=world.now + skew)
    assert authenticated(world, signed, now=world.now + skew // 301 * 300) == caller()


def test_a_command_is_admitted_once_by_every_worker(world: World) -> None:
    signed = signature(world, world.secrets.administrator_key)
    admit(world, authenticated(world, signed))
    with pytest.raises(NotAuthenticated, match="counter-used") as raised:
        authenticated(world, signed)
    assert raised.value.last_counter == 7
    world.platform = replace(world.platform, seen_requests=SeenRequests())  # another worker
    with pytest.raises(NotAuthenticated, match="counter-used"):
        authenticated(world, signed)


def test_of_two_workers_who_let_the_same_command_in_one_carries_it_out(world: World) -> None:
    admit(world, caller())
    with pytest.raises(NotAuthenticated, match="counter-used"):
        admit(world, caller())


# --- What is recorded ---


def test_a_command_is_recorded_with_its_name_and_reason_before_it_runs(world: World) -> None:
    admit(world, caller())
    assert told(world)[-1] == (ADMINISTRATOR, "device/show", "d-1", "reported-lost")


def test_a_command_that_cannot_be_recorded_is_not_admitted_and_costs_no_counter(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise OSError("the disk is full")

    before = world.written()
    with monkeypatch.context() as patched:
        patched.setattr(events, "add", fails)
        with pytest.raises(OSError, match="full"):
            admit(world, caller())
    assert world.written() == before
    admit(world, caller())


def test_nobody_commands_for_another_authority(world: World) -> None:
    found(world.platform, LEEDS, name="Leeds", now=world.now)
    before = world.written()
    with pytest.raises(RefusedByServer, match="foreign-authority"):
        admit(world, caller(), authority=LEEDS)
    assert world.written() == before


def test_an_authority_that_is_not_founded_takes_only_commands_that_need_no_keys(
    world: World,
) -> None:
    let_in(world.platform, LEEDS, now=world.now)
    first, second = (AdministratorCaller(LEEDS, ADMINISTRATOR, counter) for counter in (1, 2))
    admit(world, first, authority=LEEDS, needs_founding=False)
    with pytest.raises(CallerMistake, match="not-founded"):
        admit(world, second, authority=LEEDS, needs_founding=True)
    assert [action for _, action, _, _ in told(world, LEEDS)][-2:] == ["device/show"] * 2


# --- Founding ---


class Founder:
    """Somebody who founds Leeds, with whatever a test wants in the trust."""

    def __init__(self, world: World) -> None:
        self.world = world
        let_in(world.platform, LEEDS, now=world.now)
        self.keys = authority_keys(world.platform, LEEDS)
        self.root = signing_key(bytes(range(32)))

    def trust(self, **changed: Any) -> Trust:
        made: Trust = self.keys.first_trust(
            authority=LEEDS, audit_key=hpke_public_key(bytes(32)), issued=self.world.now
        )
        return Trust(**{**{n: getattr(made, n) for n in made.__struct_fields__}, **changed})

    def found(self, trust: Trust, *, root_key: bytes | None = None) -> None:
        found_authority(
            self.world.platform,
            name="Leeds",
            root_key=root_key or public_key(self.root),
            trust=pack(sign(trust, self.root)),
            **effect(self.world, LEEDS),
        )


@pytest.fixture
def founder(world: World) -> Founder:
    return Founder(world)


def test_an_authority_is_founded_on_a_root_key_that_the_server_never_sees(
    world: World, founder: Founder
) -> None:
    assert not show_authority(world.platform, LEEDS).founded
    founder.found(founder.trust())
    report = show_authority(world.platform, LEEDS)
    assert (report.name, report.founded, report.incarnation) == ("Leeds", True, 1)
    assert report.root_fingerprint
    assert told(world, LEEDS)[-1] == (
        ADMINISTRATOR,
        "authority-founded",
        report.root_fingerprint,
        "new-team",
    )
    root = founder.root.private_bytes_raw()
    assert root not in b"".join(v for row in world.written() for v in row if isinstance(v, bytes))


def test_an_authority_is_founded_once(world: World, founder: Founder) -> None:
    founder.found(founder.trust())
    before = world.written()
    for again in (
        lambda: founder.found(founder.trust()),
        lambda: authority_keys(world.platform, LEEDS),
    ):
        with pytest.raises(CallerMistake, match="authority-founded"):
            again()
    assert world.written() == before


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"authority": AUTHORITY}, "trust-wrong"),
        ({"incarnation": 2}, "trust-wrong"),
        ({"version": 2}, "trust-wrong"),
        ({"answer_key": bytes(32)}, "trust-wrong"),
        ({"edit_key": bytes(1216)}, "trust-wrong"),
        ({"audit_key": b"\xff" * 1216}, "key-malformed"),
    ],
)
def test_a_trust_in_other_keys_founds_nothing(
    founder: Founder, changed: dict[str, Any], code: str
) -> None:
    before = founder.world.written()
    with pytest.raises(CallerMistake, match=code):
        founder.found(founder.trust(**changed))
    assert founder.world.written() == before


def test_a_trust_that_the_root_key_did_not_sign_founds_nothing(founder: Founder) -> None:
    with pytest.raises(PeerBrokeProtocol, match="signature-wrong"):
        founder.found(founder.trust(), root_key=bytes(32))


def test_preparing_an_authority_again_leaves_its_keys_as_they_are(
    world: World, founder: Founder
) -> None:
    let_in(world.platform, LEEDS, now=world.now, administrator="cy-day")
    world.platform.answer_keys.clear()
    assert authority_keys(world.platform, LEEDS) == founder.keys
    assert isinstance(founder.keys, AuthorityKeys)


def test_an_authoritys_code_is_an_ons_code(world: World) -> None:
    with pytest.raises(Error, match="argument-malformed"):
        let_in(world.platform, "Leeds", now=world.now)
