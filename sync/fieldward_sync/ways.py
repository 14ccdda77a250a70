"""The ways to hold a partition, by policy (design §7): what a device has of it, and where."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Way(Enum):
    """How a partition is held, the least strict first."""

    OFFLINE = "offline"
    """Files and keys lie on the device until its lease ends: it is read without signal."""
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
    keys: bool


KEPT = {
    Way.OFFLINE: Kept(files=True, keys=True),
    Way.TETHERED: Kept(files=False, keys=False),
}
