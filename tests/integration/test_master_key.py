"""The master key takes another's place, with servers running, and nothing is lost (design §7)."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import count
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from click.testing import CliRunner

import fieldward_server
from broken_commits import killed_after_the_commit
from caseloads import holding, loop_with, require_complete
from children import AUTHORITY, PHONE, child
from databases import NewDatabase
from fieldward_client import Device
from fieldward_server import master_key_rotation
from fieldward_server.cli.root import root
from fieldward_server.master_key_rotation import retire, rotate
from fieldward_server.register_entries import Enrolment, HandOverPrepared
from fieldward_server.services.custody.devices import set_access
from fieldward_server.services.custody.hand_overs import prepare_hand_over
from fieldward_server.services.custody.invitations import PROOF_KEY
from fieldward_server.services.custody.lease_renewal import LEASE_SECRET
from fieldward_server.services.platform import Platform
from fieldward_server.services.registering import write_register
from fieldward_server.services.upkeep.rewrapping import KINDS, rewrap
from fieldward_sync.access import Access
from fieldward_sync.errors import CallerMistake, Error, PeerBrokeProtocol
from founding import renew_keys
from loop import Loop


@pytest.fixture
def loop(tmp_path: Path, new_database: NewDatabase) -> Iterator[Loop]:
    """A server with something wrapped in every place there is."""
    with loop_with(
        tmp_path / "loop", child("r-1"), database_url=new_database(), caseload="team:HV-1"
    ) as loop:
        loop.code("caseload")  # an invitation that is not used yet
        renew_keys(loop.platform, AUTHORITY, loop.secrets, now=loop.now)
        yield loop


@pytest.fixture
def device(loop: Loop) -> Iterator[Device]:
    """A device that holds the caseload, with an edit that waits."""
    with holding(loop, "ann", "caseload") as (device, _):
        with device.session(reason="home-visit") as session:
            session.open("r-1").edit(PHONE, "0114 496 0001")
        yield device


def require_all_works(loop: Loop, device: Device) -> None:
    """Everything that opens something wrapped: edits, a renewal, sealing, an invitation."""
    loop.now += 60 * 60
    require_complete(device)
    assert {value.value for value in loop.view("r-1").at(PHONE)} == {"0114 496 0001"}
    loop.load(child("r-2"))
    loop.seal()
    require_complete(device)
    loop.platform.shield_register.read()


def test_all_works_under_the_new_master_key_alone(loop: Loop, device: Device) -> None:
    code = loop.code("caseload")
    (old,) = loop.config.master_key_source.read()
    assert rotate(loop.config) >= len(KINDS) - 2  # nothing waits to be put in force
    loop.restart()
    assert retire(loop.config) > 0
    (new,) = loop.config.master_key_source.read()
    assert new != old
    loop.restart()
    second, _ = loop.enrol("ben", "p-1", code=code)
    require_complete(second)
    second.close()
    require_all_works(loop, device)


def test_who_is_awaited_comes_under_the_new_master_key_alone(loop: Loop, device: Device) -> None:
    loop.practitioner("ben")
    code = prepare_hand_over(
        loop.platform,
        authority=AUTHORITY,
        device=device.status().device,
        practitioner="ben",
        partitions=["caseload"],
        valid_seconds=3600,
        actor="test",
        reason="on-leave",
        now=loop.now,
    ).code
    rotate(loop.config)
    loop.restart()
    retire(loop.config)
    loop.restart()
    require_complete(device)
    assert device.join(code, passphrase="ben's own four words") == "ben"
    require_complete(device)
    register = loop.platform.shield_register.read()
    (prepared,) = (each for each in register if isinstance(each, HandOverPrepared))
    loop.platform.unwrap(prepared.proof_key, PROOF_KEY, AUTHORITY, prepared.invitation_id.hex())


def test_who_came_to_a_device_that_was_revoked_meanwhile_holds_up_no_rotation(
    loop: Loop, device: Device
) -> None:
    """They took it over without signal: no lease secret is left for them."""
    loop.practitioner("ben")
    name = device.status().device
    by: dict[str, Any] = {"authority": AUTHORITY, "device": name, "actor": "test", "now": loop.now}
    code = prepare_hand_over(
        loop.platform,
        practitioner="ben",
        partitions=["caseload"],
        valid_seconds=3600,
        reason="on-leave",
        **by,
    ).code
    require_complete(device)
    device.join(code, passphrase="ben's own four words")
    set_access(loop.platform, access=Access.REVOKED, reason="left-service", **by)
    device.sync()
    assert rotate(loop.config) > 0
    loop.restart()
    loop.platform.shield_register.read()


def test_what_waits_for_the_register_is_wrapped_anew(loop: Loop) -> None:
    """A device was enrolled while the register's disk was full."""
    with killed_after_the_commit():
        loop.device("caseload")
    rotate(loop.config)
    loop.restart()
    retire(loop.config)
    loop.restart()
    write_register(loop.platform, loop.now)
    (enrolled,) = (it for it in loop.platform.shield_register.read() if isinstance(it, Enrolment))
    device = AUTHORITY, enrolled.device, enrolled.generation, enrolled.practitioner
    loop.platform.unwrap(enrolled.lease_secret, LEASE_SECRET, *device)


def test_a_server_that_runs_on_with_the_old_key_loses_nothing_until_it_is_retired(
    loop: Loop, device: Device
) -> None:
    """What it wraps meanwhile is found under the old key, and wrapped anew."""
    rotate(loop.config)
    code = loop.code("caseload")
    loop.restart()
    retire(loop.config)
    loop.restart()
    second, _ = loop.enrol("ben", "p-1", code=code)
    require_complete(second)
    second.close()
    require_all_works(loop, device)


class Stopped(Exception):
    """The machine did."""


def test_a_rotation_broken_off_anywhere_goes_on(loop: Loop, device: Device) -> None:
    for allowed in count(step=3):
        left = iter(range(allowed))

        def failing(size: int, left: Iterator[int] = left) -> bytes:
            if next(left, None) is None:
                raise Stopped
            return os.urandom(size)

        try:
            rotate(loop.config, entropy=failing)
        except Stopped:
            loop.restart()
            loop.platform.shield_register.read()
            continue
        break
    assert len(tuple(loop.config.master_key_source.read())) == 2
    retire(loop.config)
    loop.restart()
    require_all_works(loop, device)


def test_what_is_under_a_master_key_that_is_not_there_stops_a_rotation(loop: Loop) -> None:
    keys = loop.config.master_key_source.read()
    loop.config.master_key_file.unlink()
    loop.config.master_key_file.write_bytes(os.urandom(32))
    with pytest.raises(PeerBrokeProtocol, match="seal-broken"):
        rotate(loop.config)
    loop.config.master_key_source.keep(keys)
    loop.restart()
    loop.platform.shield_register.read()


def test_who_retires_twice_takes_away_no_key_that_was_put_in_force_meanwhile(
    loop: Loop, device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first seems to hang, so it is given again; then keys are rotated once more."""

    def meanwhile() -> None:
        with suppress(CallerMistake):
            retire(loop.config)
        rotate(loop.config)

    second = Thread(target=meanwhile)

    def slowly(platform: Platform) -> int:
        if second.ident is None:
            second.start()
            second.join(timeout=2)
        return rewrap(platform)

    rotate(loop.config)
    monkeypatch.setattr(master_key_rotation, "rewrap", slowly)
    retire(loop.config)
    second.join()
    loop.restart()
    require_all_works(loop, device)


def test_a_single_master_key_is_not_retired(loop: Loop) -> None:
    with pytest.raises(CallerMistake, match="nothing-to-retire"):
        retire(loop.config)


def test_a_key_that_a_command_prints_is_replaced_by_whoever_keeps_it(
    loop: Loop, device: Device, tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    old, new = loop.config.master_key_source.read().in_force.hex(), os.urandom(32).hex()
    kept.write_text(old)
    loop.config.master_key_file.unlink()
    loop.config = replace(loop.config, master_key_command=f"cat {kept}")
    loop.restart()
    with pytest.raises(CallerMistake, match="master-key-elsewhere"):
        rotate(loop.config)
    require_all_works(loop, device)
    kept.write_text(f"{new} {old}")
    assert rotate(loop.config) > 0
    loop.restart()
    assert retire(loop.config) > 0
    kept.write_text(new)
    loop.restart()
    require_complete(device)
    assert loop.config.master_key_source.read().in_force.hex() == new
    assert not loop.config.master_key_file.exists()


def test_a_backup_needs_the_master_keys_of_its_time(loop: Loop, new_database: NewDatabase) -> None:
    """The register is under the key in force, so both are given: the old one opens, no more."""
    before = loop.config.master_key_source.read()
    backup = loop.back_up()
    rotate(loop.config)
    retire(loop.config)
    after = loop.config.master_key_source.read()
    loop.lose_database(new_database())
    with pytest.raises(Error, match="other-master-key"):
        loop.restore(backup)
    loop.config.master_key_source.keep(before.followed_by(after.in_force))
    loop.restore(backup)
    assert loop.view("r-1").at(PHONE)
    retire(loop.config)
    loop.restart()
    assert loop.view("r-1").at(PHONE)


def test_whatever_is_wrapped_for_a_purpose_is_wrapped_anew() -> None:
    """A new kind of key is not forgotten by the rotation."""
    source = "".join(
        file.read_text() for file in Path(fieldward_server.__file__).parent.rglob("*.py")
    )
    named = set(re.findall(r"\.wrap\(\s*[\w.()]+,\s*([A-Z_]+)", source))
    defined = dict(re.findall(r'^([A-Z_]+) = "([a-z-]+)"$', source, re.MULTILINE))
    assert {defined[name] for name in named} == {kind.purpose for kind in KINDS}


def test_the_command_asks_before_the_old_key_goes(loop: Loop) -> None:
    environ = {
        "FIELDWARD_DATA_FOLDER": str(loop.config.data_folder),
        "FIELDWARD_DATABASE_URL": loop.config.database_url,
    }

    def run(*words: str, typed: str = "") -> str:
        result = CliRunner().invoke(root, ["master-key", *words], env=environ, input=typed)
        return f"{result.exit_code} {result.output}"

    assert "Give every server" in run("rotate")
    assert "[y/N]" in run("retire", typed="n\n")
    assert len(tuple(loop.config.master_key_source.read())) == 2
    assert run("retire", "--all-restarted").startswith("0 ")
    assert "one master key" in run("retire", "--all-restarted")
