"""How long a device may be away and still have something to be told: the one place that says so.

Whatever happens to what a device may hold is kept for ``absence_seconds``, a setting that is never
less than the longest lease and a margin. A device that was away longer holds nothing that opens.
"""

from __future__ import annotations

from fieldward_server.services.platform import Platform
from fieldward_server.storage import Transaction, holders

MARGIN_SECONDS = 48 * 3600
"""For clocks that differ, and for a sync that is under way when the lease ends."""


def least_seconds(lease_destroys_seconds: int) -> int:
    """How long must be kept, at least, what devices with such leases may have missed."""
    return lease_destroys_seconds + MARGIN_SECONDS


def horizon(platform: Platform, transaction: Transaction, authority: str, *, now: int) -> int:
    """Whoever has a lease that may still open was heard of at this time or later.

    The setting says so of leases as they are given now, and the leases themselves of those that
    were given when the setting was another. What a restore does not know of is within the setting.
    """
    set_by_setting = now - platform.absence_seconds
    issued = holders.oldest_lease(transaction, authority, alive_at=now - MARGIN_SECONDS)
    return set_by_setting if issued is None else min(set_by_setting, issued)
