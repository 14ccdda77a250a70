"""A practitioner's keys under passphrase and device secret, with the real cost of a guess."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import msgspec
import pytest

from device_clock import DeviceClock
from fieldward_client import AccessClosed, CallerMistake, LocalDataDamaged
from fieldward_client.disk.clock import TrustedClock
from fieldward_client.disk.folder import Folder
from fieldward_client.keys import passphrases
from fieldward_client.keys.attempts import Ladder
from fieldward_client.keys.device_secret import (
    DEVICE_SECRET,
    DeviceSecret,
    device_secret,
    make_device_secret,
)
from fieldward_client.keys.identity import Identity
from fieldward_client.keys.passphrases import UNLOCK_SECONDS, Lock, calibrated, check_passphrase
from fieldward_client.keys.vault import SealedVault, Vault, VaultSecrets, vault_file
from fieldward_sync.keys import ARGON2_FLOOR, Argon2Cost, derive, hpke_public_key

PASSPHRASE = "three random words"
IDENTITY = Identity("https://x", "E08000039", "d-1", 1, bytes(32), bytes(32))


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("vault")
    folder = Folder(home)
    secret = make_device_secret(folder, None, os.urandom)
    lock = Lock.new(secret, os.urandom)
    Vault(
        folder,
        IDENTITY,
        "p-1",
        lock=lock,
        unlock=lock.unlock_key(PASSPHRASE, secret),
        secrets=VaultSecrets.new(os.urandom),
        entropy=os.urandom,
    ).save()
    return home


def open_vault(
    home: Path, passphrase: str = PASSPHRASE, *, identity: Identity = IDENTITY, who: str = "p-1"
) -> Vault:
    folder = Folder(home)
    Ladder.create(folder, who)  # what it counts is another test's
    ladder = Ladder(folder, TrustedClock(folder, DeviceClock()), who)
    return Vault.open(
        folder,
        identity,
        who,
        passphrase,
        secret=lambda: device_secret(folder, None),
        ladder=ladder,
        entropy=os.urandom,
    )


def test_the_seeds_of_leases_come_and_go(stored: Path) -> None:
    vault = open_vault(stored)
    public = vault.next_public_key()
    assert vault.next_public_key() == public, "the same in a retry"
    (seed,) = vault.lease_seeds
    vault.promote(seed)
    assert vault.next_public_key() != public
    in_use, following = open_vault(stored).lease_seeds
    assert in_use == seed, "it stays until the next has been opened"
    assert hpke_public_key(following) == vault.next_public_key()
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
    thief.store(DEVICE_SECRET, DeviceSecret("", os.urandom(32)))
    with pytest.raises(LocalDataDamaged, match="lock-altered"):
        open_vault(tmp_path)
    tagged = msgspec.structs.replace(
        Lock.new(device_secret(thief, None), os.urandom), salt=lock_of(stored).salt
    )
    with pytest.raises(LocalDataDamaged, match="lock-altered"):
        tagged.unlock_key(PASSPHRASE, device_secret(thief, None))


def lock_of(home: Path) -> Lock:
    sealed = Folder(home).load(vault_file("p-1"), SealedVault)
    assert sealed is not None
    return sealed.lock


@pytest.mark.parametrize(
    "cost",
    [
        Argon2Cost(memory_kib=8, iterations=1, lanes=1),
        ARGON2_FLOOR,
        Argon2Cost(memory_kib=1 << 20, iterations=3, lanes=4),
    ],
)
def test_a_guess_cannot_be_made_cheap_or_dear(
    stored: Path, tmp_path: Path, cost: Argon2Cost
) -> None:
    secret, vault = (
        device_secret(Folder(stored), None),
        Folder(stored).load(vault_file("p-1"), SealedVault),
    )
    assert vault is not None
    other = Folder(tmp_path)
    other.store(DEVICE_SECRET, DeviceSecret("", secret))
    dearer = msgspec.structs.replace(ARGON2_FLOOR, iterations=ARGON2_FLOOR.iterations + 1)
    sealed = Lock(cost if cost != vault.lock.cost else dearer, vault.lock.salt, vault.lock.tag)
    other.store(vault_file("p-1"), SealedVault(sealed, vault.sealed))
    with pytest.raises(LocalDataDamaged, match="lock-altered"):
        open_vault(tmp_path)
    assert Ladder(other, TrustedClock(other, DeviceClock()), "p-1").attempts.wrong == 0


def test_nobody_who_has_the_device_secret_gets_below_the_floor(stored: Path) -> None:
    secret = device_secret(Folder(stored), None)
    low = Argon2Cost(memory_kib=8, iterations=1, lanes=1)
    lock = Lock(low, bytes(16), derive(secret, "lock", 8, 1, 1, bytes(16)))
    with pytest.raises(LocalDataDamaged, match="cost-lowered"):
        lock.unlock_key(PASSPHRASE, secret)


@pytest.mark.parametrize(
    ("seconds_of_the_floor", "passes"),
    [(UNLOCK_SECONDS / 4, 12), (UNLOCK_SECONDS, 3), (UNLOCK_SECONDS * 20, 3), (0, 3), (1e-6, 64)],
)
def test_a_guess_costs_what_this_device_can_afford(
    monkeypatch: pytest.MonkeyPatch, seconds_of_the_floor: float, passes: int
) -> None:
    monkeypatch.setattr(passphrases, "unlock_key", lambda *_, **__: bytes(32))
    ticks = iter([0.0, seconds_of_the_floor + 9, 100.0, 100.0 + seconds_of_the_floor])
    cost = calibrated(lambda: next(ticks))
    assert cost == msgspec.structs.replace(ARGON2_FLOOR, iterations=passes)


def test_what_a_terminal_could_not_read_is_a_wrong_passphrase_like_any_other(stored: Path) -> None:
    typed = "três palavras".encode("latin-1").decode(errors="surrogateescape")
    with pytest.raises(AccessClosed, match="passphrase-wrong"):
        open_vault(stored, typed)


def test_another_passphrase_opens_the_same_keys(stored: Path, tmp_path: Path) -> None:
    shutil.copytree(stored, tmp_path / "copy")
    vault = open_vault(tmp_path / "copy")
    key, signing = vault.vault_key, vault.signing_key.private_bytes_raw()
    vault.change_passphrase(
        "four random words instead", secret=device_secret(Folder(tmp_path / "copy"), None)
    )
    with pytest.raises(AccessClosed, match="passphrase-wrong"):
        open_vault(tmp_path / "copy")
    vault.next_public_key()  # what is kept from now on is kept under the new one
    again = open_vault(tmp_path / "copy", "four random words instead")
    assert (again.vault_key, again.signing_key.private_bytes_raw()) == (key, signing)
    assert again.lease_seeds == vault.lease_seeds


def test_who_is_not_here_is_named(stored: Path) -> None:
    with pytest.raises(CallerMistake, match="practitioner-unknown"):
        open_vault(stored, who="p-9")


@pytest.mark.parametrize("passphrase", ["", "short", "x" * 1_001])
def test_a_passphrase_has_bounds(passphrase: str) -> None:
    with pytest.raises(CallerMistake, match="passphrase-short"):
        check_passphrase(passphrase)


def test_secrets_stay_out_of_words(stored: Path) -> None:
    secrets = VaultSecrets(b"s" * 32, b"s" * 32)
    assert "ssss" not in repr(secrets)
    assert "ssss" not in f"{secrets}"
