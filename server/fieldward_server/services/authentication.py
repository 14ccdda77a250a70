"""Who is calling: a request's signature, time and counter against what is known of its device."""

from __future__ import annotations

import re
from dataclasses import dataclass

from fieldward_server.services.platform import Platform
from fieldward_server.storage import Transaction, devices
from fieldward_server.storage.devices import Device
from fieldward_sync.access import Access
from fieldward_sync.errors import RefusedByServer
from fieldward_sync.http_signatures import RequestSignature, verify_request
from fieldward_sync.messages import DEVICE_KEY

MAX_SKEW_SECONDS = 300
WINDOW = 64
"""How far below the highest counter a request may come late."""

WINDOW_BYTES = WINDOW // 8
EMPTY_WINDOW = bytes(WINDOW_BYTES)

_KEY_ID = re.compile(r"(E\d{8})/([a-z0-9-]{1,32})/(\d{1,9})/([a-z0-9-]{1,32})")


@dataclass(frozen=True)
class Caller:
    """An authenticated request's sender."""

    authority: str
    device: str
    generation: int
    practitioner: str | None
    """``None``: signed with the device's identity key."""
    counter: int
    created: int
    access: Access


class NotAuthenticated(RefusedByServer):
    """The request was not let in. ``last_counter`` is told only to whom the key belongs."""

    def __init__(
        self, code: str, message: str, *, next_step: str, last_counter: int | None = None
    ) -> None:
        super().__init__(code, message, next_step=next_step)
        self.last_counter = last_counter


def authenticate(
    platform: Platform,
    signature: RequestSignature,
    *,
    method: str,
    authority_header: str,
    path: str,
    query: str,
    body: bytes,
    now: int,
) -> Caller:
    """Who signed this request.

    Raises ``NotAuthenticated`` with "unknown-key", "clock-skew" or "counter-used" (the last two
    with ``last_counter``), and ``PeerBrokeProtocol`` as ``verify_request`` does.
    """
    authority, name, generation, role = _read_key_id(signature.key_id)
    with platform.storage.reading() as transaction:
        device, public_key = _find_key(transaction, authority, name, generation, role)
    verify_request(
        signature,
        method=method,
        authority=authority_header,
        path=path,
        query=query,
        body=body,
        public_key=public_key,
    )
    _check_time(device, signature.created, now)
    window_with(device, signature.counter)
    if not platform.seen_requests.first_time(signature.signature):
        raise _counter_used(device)
    return Caller(
        authority=authority,
        device=name,
        generation=generation,
        practitioner=None if role == DEVICE_KEY else role,
        counter=signature.counter,
        created=signature.created,
        access=Access(device.access),
    )


def use_counter(transaction: Transaction, device: Device, counter: int) -> None:
    """Spend a request's counter together with its effect; ``NotAuthenticated("counter-used")``
    where it has been spent. ``device`` is as this transaction found it, its authority locked."""
    high, window = window_with(device, counter)
    devices.set_counters(transaction, device, high=high, window=window)


def window_with(device: Device, counter: int) -> tuple[int, bytes]:
    """The highest counter and the window below it once ``counter`` is spent.

    Bit ``i`` of the window stands for the counter ``i + 1`` below the highest.
    """
    high, window = device.counter_high, int.from_bytes(device.counter_window, "big")
    if counter > high:
        shift = counter - high
        # Beyond the window nothing can be set any more: no need to build a long number for it.
        moved = (window << 1 | 1) << (shift - 1) if shift <= WINDOW else 0
        return counter, (moved & ((1 << WINDOW) - 1)).to_bytes(WINDOW_BYTES, "big")
    bit = 1 << (high - counter - 1) if 0 < high - counter <= WINDOW else 0
    if not bit or window & bit:
        raise _counter_used(device)
    return high, (window | bit).to_bytes(WINDOW_BYTES, "big")


def _read_key_id(key_id: str) -> tuple[str, str, int, str]:
    found = _KEY_ID.fullmatch(key_id)
    if found is None:
        raise _unknown_key()
    return found[1], found[2], int(found[3]), found[4]


def _find_key(
    transaction: Transaction, authority: str, name: str, generation: int, role: str
) -> tuple[Device, bytes]:
    found = devices.find_with_holder(transaction, authority, name, generation, role)
    if found is None:
        raise _unknown_key()
    device, holder = found
    if role == DEVICE_KEY:
        return device, device.identity_key
    if holder is None:
        raise _unknown_key()
    return device, holder.signing_key


def _check_time(device: Device, created: int, now: int) -> None:
    if abs(now - created) > MAX_SKEW_SECONDS:
        raise NotAuthenticated(
            "clock-skew",
            "The request was signed at a time too far from the server's.",
            next_step="Take the time from this answer and sign the request again.",
            last_counter=device.counter_high,
        )


def _unknown_key() -> NotAuthenticated:
    return NotAuthenticated(
        "unknown-key",
        "Nobody here has this key.",
        next_step="Enrol the device with a new invitation.",
    )


def _counter_used(device: Device) -> NotAuthenticated:
    return NotAuthenticated(
        "counter-used",
        "This request's counter has been used, or is too old to tell.",
        next_step="Sign the request again with a counter above the last one.",
        last_counter=device.counter_high,
    )
