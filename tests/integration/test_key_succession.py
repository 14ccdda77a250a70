"""Keys of the server take each other's place: devices follow by the root key, and nothing that was
sealed before is lost (design §7, invariants 1, 3 and 11)."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import pytest

from caseloads import holding, loop_with, require_complete
from children import AUTHORITY, PHONE, child
from databases import NewDatabase
from fieldward_client import Device, SyncOutcome
from fieldward_server.services.authorities import published_trust
from fieldward_server.services.custody.devices import set_access
from fieldward_server.services.custody.wipes import order_wipe
from fieldward_server.services.distribution.key_epochs import (
    KEY_EPOCH_SECONDS,
    renew_partition_keys,
)
from fieldward_server.services.look_ups.journals import list_sealed_look_ups
from fieldward_server.services.look_ups.sealed_look_ups import open_look_ups
from fieldward_server.services.succession import Successors, prepare_successors, put_in_force
from fieldward_server.storage import events, orders
from fieldward_sync.access import Access
from fieldward_sync.encoding import unpack
from fieldward_sync.errors import CallerMistake, PeerBrokeProtocol
from fieldward_sync.keys import hpke_public_key
from fieldward_sync.messages import Trust
from fieldward_sync.signing import Signed
from founding import renew_keys, signed_trust
from loop import Loop, Wire

BY = {"authority": AUTHORITY, "actor": "ann-poole", "reason": "key-exposed"}


@pytest.fixture
def loop(tmp_path: Path, new_database: NewDatabase) -> Iterator[Loop]:
    """A server with a child in a caseload."""
    with loop_with(
        tmp_path / "loop", child("r-1"), database_url=new_database(), caseload="team:HV-1"
    ) as loop:
        yield loop


@pytest.fixture
def ann(loop: Loop) -> Iterator[tuple[Device, Wire]]:
    """A device that holds the caseload."""
    with holding(loop, "ann", "caseload") as ann:
        yield ann


def write(device: Device, value: str) -> None:
    """Look a child up and change a number."""
    with device.session(reason="home-visit") as session:
        session.open("r-1").edit(PHONE, value)


def phones(loop: Loop) -> set[object]:
    return {value.value for value in loop.view("r-1").at(PHONE)}


def prepare(loop: Loop) -> Successors:
    return prepare_successors(loop.platform, **BY, now=loop.now)


def renew(loop: Loop) -> None:
    renew_keys(loop.platform, AUTHORITY, loop.secrets, now=loop.now)


def put(loop: Loop, trust: bytes) -> None:
    put_in_force(loop.platform, **BY, trust=trust, now=loop.now)


def test_a_device_follows_by_the_root_key_and_its_old_boxes_still_open(
    loop: Loop, ann: tuple[Device, Wire]
) -> None:
    """Each of them, though the keys were renewed twice while it was away."""
    device, _ = ann
    write(device, "0114 496 0001")
    renew(loop)
    renew(loop)
    require_complete(device)
    assert phones(loop) == {"0114 496 0001"}
    write(device, "0114 496 0002")
    require_complete(device)
    assert phones(loop) == {"0114 496 0002"}
    assert loop.incidents() == []


def test_a_locked_device_follows_too(loop: Loop, ann: tuple[Device, Wire]) -> None:
    device, wire = ann
    write(device, "0114 496 0001")
    device.close()
    renew(loop)
    with loop.reopen("ann", wire, locked=True) as locked:
        assert locked.sync().outcome is SyncOutcome.DELIVERED
    assert phones(loop) == {"0114 496 0001"}


def test_an_order_that_was_given_before_is_obeyed_after(
    loop: Loop, ann: tuple[Device, Wire]
) -> None:
    device, _ = ann
    set_access(
        loop.platform, access=Access.PAUSED, device=device.status().device, **BY, now=loop.now
    )
    renew(loop)
    device.sync()
    assert device.status().access == "paused"
    with loop.platform.storage.reading() as transaction:
        (order,) = orders.of_device(transaction, AUTHORITY, device.status().device, 1)
    assert order.receipt


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_whoever_has_the_old_keys_is_believed_no_more(
    loop: Loop, ann: tuple[Device, Wire], tmp_path: Path
) -> None:
    """Somebody took the database, with its keys, and answers in the server's place."""
    device, _ = ann
    here = Path(loop.config.database_url.removeprefix("sqlite:///"))
    loop.close()
    for file in here.parent.glob(f"{here.name}*"):
        shutil.copy(file, tmp_path / file.name.replace(here.name, "stolen.db"))
    loop.reconnect()
    renew(loop)
    require_complete(device)
    loop.lose_database(f"sqlite:///{tmp_path / 'stolen.db'}")
    loop.restart()
    assert device.sync().outcome is SyncOutcome.DISTRUSTED


def test_a_trust_for_other_keys_puts_nothing_in_force(loop: Loop, ann: tuple[Device, Wire]) -> None:
    device, _ = ann
    earlier, successors = prepare(loop), prepare(loop)
    other = Successors(bytes(32), successors.edit_key, successors.incarnation, successors.version)
    older = Successors(
        successors.answer_key, successors.edit_key, successors.incarnation, successors.version - 1
    )
    for wrong in (earlier, other, older):
        with pytest.raises(CallerMistake, match="trust-wrong"):
            put(loop, signed_trust(wrong, AUTHORITY, loop.secrets, now=loop.now))
    forger = replace(loop.secrets, root_private=bytes(32))
    with pytest.raises(PeerBrokeProtocol, match="signature-wrong"):
        put(loop, signed_trust(successors, AUTHORITY, forger, now=loop.now))
    require_complete(device)


def test_keys_that_were_prepared_before_are_not_those_that_follow(loop: Loop) -> None:
    """A renewal was broken off, and since then somebody has copied the database and its master key:
    what follows is to be nothing that they have."""
    assert prepare(loop).answer_key != prepare(loop).answer_key


def test_nothing_is_put_in_force_twice(loop: Loop) -> None:
    trust = signed_trust(prepare(loop), AUTHORITY, loop.secrets, now=loop.now)
    put(loop, trust)
    with pytest.raises(CallerMistake, match="no-successors"):
        put(loop, trust)


def test_look_ups_open_with_the_audit_key_of_their_time(
    loop: Loop, ann: tuple[Device, Wire]
) -> None:
    device, _ = ann
    write(device, "0114 496 0001")
    require_complete(device)
    later_seed = os.urandom(32)
    later = replace(loop.secrets, audit_seed=later_seed)
    renew_keys(loop.platform, AUTHORITY, later, now=loop.now)
    require_complete(device)
    write(device, "0114 496 0002")
    require_complete(device)
    page = list_sealed_look_ups(loop.platform, AUTHORITY)

    def opened(*seeds: bytes) -> list[bool]:
        return [it.look_up is not None for it in open_look_ups(page, seeds)]

    assert opened(later_seed, loop.secrets.audit_seed) == [True, True]
    assert opened(loop.secrets.audit_seed) == [True, False]
    assert opened(later_seed) == [False, True]


def test_keys_that_were_renewed_after_the_backup_are_in_force_after_the_restore(
    loop: Loop, ann: tuple[Device, Wire], new_database: NewDatabase
) -> None:
    """What was sealed to them in between opens: else it would be lost (invariants 1 and 11)."""
    device, _ = ann
    backup = loop.back_up()
    renew(loop)
    renew(loop)
    require_complete(device)
    write(device, "0114 496 0001")
    require_complete(device)
    write(device, "0114 496 0002")
    loop.lose_database(new_database())
    loop.restore(backup)
    loop.seal()
    device.sync()
    require_complete(device)
    assert phones(loop) == {"0114 496 0002"}
    assert loop.incidents() == []


def test_an_order_from_before_the_backup_is_obeyed_after_keys_were_renewed_and_it_was_restored(
    loop: Loop, ann: tuple[Device, Wire], new_database: NewDatabase
) -> None:
    """The backup has it signed with the key of its time, which nobody trusts any more."""
    device, _ = ann
    name = device.status().device
    order_wipe(loop.platform, device=name, **BY, now=loop.now)
    backup = loop.back_up()
    renew(loop)
    loop.lose_database(new_database())
    loop.restore(backup)
    assert device.sync().wiped


def test_of_keys_that_were_put_in_force_after_a_failure_the_last_are_restored(
    loop: Loop, ann: tuple[Device, Wire], new_database: NewDatabase
) -> None:
    """The register has what was about to be in force, with an audit key that nobody kept."""
    backup = loop.back_up()
    successors = prepare(loop)
    lost = replace(loop.secrets, audit_seed=bytes(32))
    with pytest.raises(OSError, match="disk full"), failing_at_the_end():
        put(loop, signed_trust(successors, AUTHORITY, lost, now=loop.now))
    put(loop, signed_trust(successors, AUTHORITY, loop.secrets, now=loop.now))
    loop.lose_database(new_database())
    loop.restore(backup)
    published = published_trust(loop.platform, AUTHORITY)
    in_force: Trust = unpack(Signed, published.trust).open(Trust, published.root_key)
    assert in_force.audit_key == hpke_public_key(loop.secrets.audit_seed)


@contextmanager
def failing_at_the_end() -> Iterator[None]:
    """What is done last, before the commit, does not succeed."""
    with patch.object(events, "add", side_effect=OSError("disk full")):
        yield


def test_a_partitions_key_is_renewed_each_month_and_nothing_is_fetched_for_its_sake(
    loop: Loop, ann: tuple[Device, Wire]
) -> None:
    device, wire = ann
    assert renew_partition_keys(loop.platform, loop.now) == 0
    epoch, fetched = loop.stored_partition("caseload").key_epoch, wire.fetched_bytes
    loop.now += KEY_EPOCH_SECONDS + 1
    assert renew_partition_keys(loop.platform, loop.now) == 1
    assert renew_partition_keys(loop.platform, loop.now) == 0
    assert loop.stored_partition("caseload").key_epoch == epoch + 1
    loop.practitioner("ann")  # whose vetting has run out meanwhile
    device.sync()
    require_complete(device)
    with device.session(reason="home-visit") as session:
        assert session.open("r-1").record_id == "r-1"
    assert wire.fetched_bytes == fetched
    loop.load(child("r-2"))
    loop.seal()
    require_complete(device)
    with device.session(reason="home-visit") as session:
        assert session.open("r-2").record_id == "r-2"
