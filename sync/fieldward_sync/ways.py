"""The three ways to hold a partition, by policy (design §7): what a device has of it, and where."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Way(Enum):
    """How a partition is held, the least strict first."""

    OFFLINE = "offline"
    """Files and keys lie on the device until its lease ends: it is read without signal."""
    WARM = "warm"
    """Files lie on the device; keys come with a sync of an open session, for its memory alone."""
    TETHERED = "tethered"
    """Nothing of it is on the device: whoever may hold it enquires on line."""

    def is_stricter(self, than: Way) -> bool:
        """Whether less of a partition is on a device so than in another way."""
        ways = list(Way)
        return ways.index(self) > ways.index(than)


@dataclass(frozen=True)
class Kept:
    """What a device has of a partition."""

    files: bool
    keys_on_disk: bool
    keys_in_memory: bool
    """While a session is open in which it has synced."""


KEPT = {
    Way.OFFLINE: Kept(files=True, keys_on_disk=True, keys_in_memory=True),
    Way.WARM: Kept(files=True, keys_on_disk=False, keys_in_memory=True),
    Way.TETHERED: Kept(files=False, keys_on_disk=False, keys_in_memory=False),
}
