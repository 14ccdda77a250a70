"""The device's secret in a platform's key store, where there is a usable one (A2)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from client_world import PASSPHRASE, SERVER_URL, World
from fieldward_client import AccessClosed, Device, LocalDataDamaged, RetryLater
from fieldward_client.keys.device_secret import DEVICE_SECRET


class KeyStoreInMemory:
    """A backend of ``keyring`` as far as a device uses it; it can be closed, or take nothing."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}
        self.is_closed = False

    def get_password(self, service: str, username: str) -> str | None:
        self._require_open()
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._require_open()
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self._require_open()
        del self.kept[service, username]

    def _require_open(self) -> None:
        if self.is_closed:
            raise OSError("The collection is locked.")


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path, monkeypatch)


def enrolled(world: World, store: KeyStoreInMemory) -> None:
    with Device.enrol(
        world.home(),
        SERVER_URL,
        world.authority.invite("p-tablet", "p-west"),
        passphrase=PASSPHRASE,
        clock=world.clock,
        transport=world.authority,
        entropy=os.urandom,
        key_store=store,
    ) as device:
        assert device.sync().outcome.value == "complete"


def opened(world: World, store: KeyStoreInMemory | None, passphrase: str | None) -> Device:
    return Device.open(
        world.home(),
        passphrase=passphrase,
        clock=world.clock,
        transport=world.authority,
        key_store=store,
    )


def test_the_secret_is_in_the_key_store_alone_and_the_server_is_told(world: World) -> None:
    store = KeyStoreInMemory()
    enrolled(world, store)
    (secret,) = store.kept.values()
    files = b"".join(path.read_bytes() for path in world.home().rglob("*") if path.is_file())
    assert secret.encode() not in files
    (known,) = world.authority.devices.values()
    assert known.request.assurance == known.requests[-1].assurance == "platform"
    with opened(world, store, PASSPHRASE) as device, device.session("clinic") as session:
        session.open("r-ada")
    other = KeyStoreInMemory()
    with pytest.raises(LocalDataDamaged, match="device-secret-gone"):
        opened(world, other, PASSPHRASE)


def test_a_closed_key_store_opens_nothing_costs_no_attempt_and_delivers(world: World) -> None:
    store = KeyStoreInMemory()
    enrolled(world, store)
    store.is_closed = True
    for unusable in (store, None):
        with pytest.raises(RetryLater, match="key-store-closed"):
            opened(world, unusable, PASSPHRASE)
    with opened(world, store, None) as device:
        assert device.sync().outcome.value == "delivered"
        found = device.status().passphrase
        assert found is not None
        assert found.wrong == 0


def test_a_key_store_that_takes_nothing_leaves_the_secret_in_a_file(world: World) -> None:
    store = KeyStoreInMemory()
    store.is_closed = True
    enrolled(world, store)
    (known,) = world.authority.devices.values()
    assert known.request.assurance == "file"
    with opened(world, None, PASSPHRASE):
        pass


@pytest.mark.parametrize("is_closed", [False, True])
def test_a_wipe_erases_the_secret_wherever_it_can(world: World, is_closed: bool) -> None:
    store = KeyStoreInMemory()
    enrolled(world, store)
    (known,) = world.authority.devices.values()
    world.authority.order(known.device, "wipe")
    store.is_closed = is_closed
    with opened(world, store, None) as device:
        assert device.sync().wiped
    assert bool(store.kept) is is_closed
    assert not (world.home() / DEVICE_SECRET).exists()
    with pytest.raises(AccessClosed, match="wiped"):
        opened(world, store, PASSPHRASE)
