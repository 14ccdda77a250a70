"""The HPKE key is new at each renewal and safe at every point of one (design §7).

One renewal meets the worst of networks: its request is lost, then its answer, then it comes.
Meanwhile the disk fails at every call, and what lies there after each is opened.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from client_world import PASSPHRASE, World
from crashing import Case, Crash, put_in
from faulty_disk import FaultyDisk
from fieldward_client import Device, RetryLater
from fieldward_client.disk.folder import Folder
from fieldward_client.keys.device_secret import device_secret
from fieldward_client.keys.identity import IDENTITY, Identity
from fieldward_client.keys.passphrases import Lock
from fieldward_client.keys.vault import SealedVault, VaultSecrets, open_secrets, vault_context
from fieldward_client.wire.transport import HttpAnswer
from fieldward_sync.encoding import decode
from fieldward_sync.keys import hpke_public_key
from fieldward_sync.messages import SyncRequest
from memory_authority import MemoryAuthority

WHO = "p-tablet"
KEYS = f"practitioners/{WHO}"


@dataclass
class PoorSignal:
    """Loses the first request and the second answer; what was asked with, and was it stored?"""

    case: Case
    offered: list[bytes] = field(default_factory=list)

    def __call__(self, path: str, *, body: bytes, **told: Any) -> HttpAnswer:
        world = self.case.world
        key = decode(SyncRequest, body, max_bytes=len(body)).next_hpke_key
        if key is not None:
            seed = stored_secrets(world.home()).next_hpke_seed
            assert seed is not None
            assert hpke_public_key(seed) == key, "it was offered before it was stored"
            self.offered.append(key)
        if len(self.offered) == 1:
            raise RetryLater("offline", "The request was lost.")
        world.authority.loses_answers = int(len(self.offered) == 2)
        return MemoryAuthority.post(world.authority, path, body=body, **told)


class Watched(FaultyDisk):
    """A sound disk that keeps a copy of the folder after each call that changed a key in it."""

    def __init__(self, home: Path, copies: Path) -> None:
        super().__init__()
        self.home, self.copies = home, copies
        self.keys: dict[str, bytes] = {}

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if name not in ("write", "replace", "unlink", "ftruncate"):
            return found

        def and_copy(*given: Any) -> Any:
            result = found(*given)
            keys = {each.name: each.read_bytes() for each in (self.home / KEYS).iterdir()}
            if keys != self.keys:
                self.keys = keys
                shutil.copytree(self.home, self.copies / f"{len(self.calls):04}")
            return result

        return and_copy


def stored_secrets(home: Path) -> VaultSecrets:
    """What the vault on the disk holds."""
    here = Folder(home)
    identity = here.load(IDENTITY, Identity)
    vault = here.load(f"{KEYS}/vault", SealedVault)
    assert identity is not None
    assert vault is not None
    lock: Lock = vault.lock
    unlock = lock.unlock_key(PASSPHRASE, device_secret(here, None))
    return open_secrets(vault.sealed, unlock, vault_context(identity, WHO))


def due(case: Case) -> Device:
    """A device whose lease is due, where there is hardly any signal."""
    device = case.world.ready()
    with device.session("clinic") as session:
        session.open("r-ben")
    case.world.clock.advance(hours=20)
    authority: Any = case.world.authority
    authority.post = PoorSignal(case)
    return device


def renew(case: Case, device: Device | None) -> None:
    assert device is not None
    for _ in range(3):
        device.sync()


def it_reads_at_once(case: Case) -> None:
    with case.world.open() as device, device.session("clinic") as session:
        assert session.search(family="Okafor")


def it_reads_now_and_after_a_sync(case: Case) -> None:
    it_reads_at_once(case)
    del case.world.authority.__dict__["post"]  # good signal again
    with case.world.open() as device:
        assert device.sync().outcome.value == "complete"
    it_reads_at_once(case)


def test_at_no_point_of_a_renewal_does_a_device_lose_what_opens_its_lease(crash: Crash) -> None:
    crash.everywhere(due, renew, it_reads_now_and_after_a_sync, least_points=35)


def test_what_lies_on_the_disk_after_each_call_that_changes_a_key_reads_without_a_sync(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = Case(World(tmp_path / "world", monkeypatch))
    device = due(case)
    before = stored_secrets(case.world.home())
    copies = tmp_path / "copies"
    with put_in(Watched(case.world.home(), copies), monkeypatch):
        renew(case, device)
    after = stored_secrets(case.world.home())
    device.close()
    authority: Any = case.world.authority
    first, *retries = authority.post.offered
    assert retries == [first, first], "a retry asks with the same key"
    assert hpke_public_key(after.hpke_seed or b"") == first
    assert after.next_hpke_seed not in (None, before.hpke_seed, after.hpke_seed)
    held = set()
    for copy in sorted(copies.iterdir()):
        seeds = stored_secrets(copy)
        held.add((seeds.hpke_seed, seeds.next_hpke_seed))
        shutil.rmtree(case.world.home())
        copy.rename(case.world.home())
        it_reads_at_once(case)
    assert held == {(each.hpke_seed, each.next_hpke_seed) for each in (before, after)}
