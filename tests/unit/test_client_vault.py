"""A practitioner's keys under passphrase and device secret, with the real cost of a guess."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from fieldward_client import AccessClosed, CallerMistake, LocalDataDamaged
from fieldward_client.folder import Folder
from fieldward_client.identity import Identity
from fieldward_client.vault import (
    DEVICE_SECRET,
    DeviceSecret,
    Lock,
    SealedVault,
    Vault,
    VaultSecrets,
    check_passphrase,
    vault_file,
)
from fieldward_sync.keys import Argon2Cost

PASSPHRASE = "three random words"
IDENTITY = Identity("https://x", "E08000039", "d-1", 1, bytes(32), bytes(32))


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("vault")
    folder = Folder(home)
    folder.store(DEVICE_SECRET, DeviceSecret(os.urandom(32)))
    lock = Lock.new(os.urandom)
    Vault(
        folder,
        IDENTITY,
        "p-1",
        lock=lock,
        unlock=lock.unlock_key(PASSPHRASE, folder),
        secrets=VaultSecrets(os.urandom(32)),
        entropy=os.urandom,
    ).save()
    return home


def open_vault(
    home: Path, passphrase: str = PASSPHRASE, *, identity: Identity = IDENTITY, who: str = "p-1"
) -> Vault:
    return Vault.open(Folder(home), identity, who, passphrase, entropy=os.urandom)


def test_the_seeds_of_leases_come_and_go(stored: Path) -> None:
    vault = open_vault(stored)
    public = vault.next_public_key()
    assert vault.next_public_key() == public, "the same in a retry"
    (seed,) = vault.lease_seeds
    vault.promote(seed)
    assert open_vault(stored).lease_seeds == (seed,)
    assert vault.next_public_key() != public
    assert vault.lease_seeds[1] == seed, "the one in use stays until the next has been opened"
    vault.forget_lease_seeds()
    assert open_vault(stored).lease_seeds == ()


def test_a_wrong_passphrase_opens_nothing(stored: Path) -> None:
    with pytest.raises(AccessClosed, match="passphrase-wrong"):
        open_vault(stored, "three random word")


def test_a_vault_of_another_generation_does_not_open(stored: Path) -> None:
    copied = msgspec.structs.replace(IDENTITY, generation=2)
    with pytest.raises(AccessClosed, match="passphrase-wrong"):
        open_vault(stored, identity=copied)


def test_somebody_elses_vault_does_not_open_in_its_place(stored: Path) -> None:
    folder = Folder(stored)
    vault = folder.read(vault_file("p-1"))
    assert vault is not None
    folder.replace(vault_file("p-2"), vault)
    with pytest.raises(AccessClosed, match="passphrase-wrong"):
        open_vault(stored, who="p-2")


def test_the_passphrase_alone_is_not_enough(stored: Path, tmp_path: Path) -> None:
    vault = Folder(stored).read(vault_file("p-1"))
    assert vault is not None
    thief = Folder(tmp_path)
    thief.replace(vault_file("p-1"), vault)
    with pytest.raises(LocalDataDamaged, match="secret is gone"):
        open_vault(tmp_path)
    thief.store(DEVICE_SECRET, DeviceSecret(os.urandom(32)))
    with pytest.raises(AccessClosed, match="passphrase-wrong"):
        open_vault(tmp_path)


def test_a_guess_cannot_be_made_cheap(stored: Path, tmp_path: Path) -> None:
    secret, vault = (
        Folder(stored).load(DEVICE_SECRET, DeviceSecret),
        Folder(stored).load(vault_file("p-1"), SealedVault),
    )
    assert secret is not None
    assert vault is not None
    cheaper = Folder(tmp_path)
    cheaper.store(DEVICE_SECRET, secret)
    lock = Lock(Argon2Cost(memory_kib=8, iterations=1, lanes=1), vault.lock.salt)
    cheaper.store(vault_file("p-1"), SealedVault(lock, vault.sealed))
    with pytest.raises(LocalDataDamaged, match="cost-lowered"):
        open_vault(tmp_path)


def test_who_is_not_here_is_named(stored: Path) -> None:
    with pytest.raises(CallerMistake, match="practitioner-unknown"):
        open_vault(stored, who="p-9")


@pytest.mark.parametrize("passphrase", ["", "short", "x" * 1_001])
def test_a_passphrase_has_bounds(passphrase: str) -> None:
    with pytest.raises(CallerMistake, match="passphrase-short"):
        check_passphrase(passphrase)


def test_secrets_stay_out_of_words(stored: Path) -> None:
    secrets = VaultSecrets(b"s" * 32)
    assert "ssss" not in repr(secrets)
    assert "ssss" not in f"{secrets}"
