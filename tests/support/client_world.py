"""A small world for tests of the client: an authority, a clock, and devices in folders."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from device_clock import DeviceClock
from fieldward_client import Device, DeviceEvent, Value
from fieldward_client import device as device_module
from fieldward_client.keys import passphrases
from fieldward_sync.keys import Argon2Cost, derive
from hand_timer import YEARS, HandTimer
from memory_authority import MemoryAuthority
from memory_holdings import HeldDevice

PASSPHRASE = "correct horse battery staple"
SERVER_URL = "https://index.example"

ADA: dict[str, Value] = {
    "name.family": "Okafor",
    "name.given": "Ada",
    "born": "2021-03-14",
    "sex": "female",
    "nhs_number": "9434765919",
    "address": {"kind": "current", "lines": ["1 High Street"], "postcode": "RM10 8XX"},
    "involvements/8f2c.service": "health-visiting",
    "involvements/8f2c.role": "health-visitor",
    "involvements/8f2c.since": "2022-01-01",
    "involvements/8f2c.phone": "07700 900000",
}
BEN: dict[str, Value] = {
    "name.family": "Whitcombe",
    "name.given": "Ben",
    "born": "2019-11-02",
    "sex": "male",
    "nhs_number": "9434765870",
    "address": {"kind": "current", "lines": ["2 Low Road"], "postcode": "RM9 4AA"},
}
PHONE = "involvements/8f2c.phone"


def cheap_unlock_key(
    passphrase: str, *, device_secret: bytes, salt: bytes, cost: Argon2Cost, binding: bytes
) -> bytes:
    """An unlock key at no cost: Argon2id alone would make these tests take minutes."""
    return derive(device_secret + salt + passphrase.encode() + binding, "cheap-unlock")


class World:
    """Ada and Ben in one partition, both known to the authority."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(passphrases, "unlock_key", cheap_unlock_key)
        monkeypatch.setattr(device_module, "platform_key_store", lambda: None)
        self.folder = folder
        self.clock = DeviceClock()
        self.timer = HandTimer()
        self.events: list[DeviceEvent] = []
        self.authority = MemoryAuthority(self.clock)
        self.authority.terms = replace(self.authority.terms, idle_seconds=YEARS)
        self.authority.set_fields("r-ada", ADA)
        self.authority.set_fields("r-ben", BEN)
        self.authority.partition("p-west", "r-ada", "r-ben", title="West")

    def home(self, name: str = "tablet") -> Path:
        return self.folder / name

    def enrol(self, name: str = "tablet", *partitions: str) -> Device:
        """A new device for a practitioner who holds these partitions (West, if none is named)."""
        code = self.authority.invite(f"p-{name}", *(partitions or ("p-west",)))
        return Device.enrol(
            self.home(name),
            SERVER_URL,
            code,
            passphrase=PASSPHRASE,
            clock=self.clock,
            transport=self.authority,
            entropy=os.urandom,
            timer=self.timer,
            lock_after_seconds=YEARS,
        )

    def ready(self, name: str = "tablet", *partitions: str) -> Device:
        """A new device that has synced."""
        device = self.enrol(name, *partitions)
        report = device.sync()
        assert report.outcome.value == "complete", report
        return device

    def open(
        self,
        name: str = "tablet",
        passphrase: str | None = PASSPHRASE,
        practitioner: str | None = None,
    ) -> Device:
        return Device.open(
            self.home(name),
            practitioner,
            passphrase,
            clock=self.clock,
            transport=self.authority,
            timer=self.timer,
            observer=self.events.append,
            lock_after_seconds=YEARS,
        )

    def known(self, device: Device) -> HeldDevice:
        """What the authority knows of a device."""
        return self.authority.devices[device.status().device]
