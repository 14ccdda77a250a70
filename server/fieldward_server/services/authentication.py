"""Who is calling: a request's signature, time and counter against what is known of its signer.

A device's key opens no command, and an administrator's key no sync: their key ids differ in form.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from fieldward_server.services.platform import Platform
from fieldward_server.storage import Transaction, administrators, devices, signers
from fieldward_server.storage.administrators import Administrator
from fieldward_server.storage.devices import Device
from fieldward_server.storage.holders import Holder
from fieldward_server.storage.signers import Signer
from fieldward_sync.errors import RefusedByServer
from fieldward_sync.http_signatures import RequestSignature, verify_request
from fieldward_sync.messages import DEVICE_KEY

MAX_SKEW_SECONDS = 300
WINDOW = 64
"""How far below the highest counter a request may come late."""

WINDOW_BYTES = WINDOW // 8
EMPTY_WINDOW = bytes(WINDOW_BYTES)

_DEVICE_KEY_ID = re.compile(r"(E\d{8})/([a-z0-9-]{1,32})/(\d{1,9})/([a-z0-9-]{1,32})")
_ADMINISTRATOR_KEY_ID = re.compile(r"(E\d{8})/administrator/([0-9a-f]{64})")


class Counted(Protocol):
    """Whoever signs requests: which of their counters were used."""

    @property
    def counter_high(self) -> int:
        """The highest one."""

    @property
    def counter_window(self) -> bytes:
        """Which of the ``WINDOW`` below it."""


@dataclass(frozen=True)
class Caller:
    """The device that sent an authenticated request, as it was found when that was looked at."""

    signer: Signer
    counter: int

    @property
    def found(self) -> Device:
        """The device."""
        return self.signer.device

    @property
    def holder(self) -> Holder | None:
        """The practitioner who signed; ``None``: it was signed with the device's identity key."""
        return self.signer.holder

    @property
    def authority(self) -> str:
        """Whose device it is."""
        return self.found.authority

    @property
    def device(self) -> str:
        """Its id."""
        return self.found.device

    @property
    def generation(self) -> int:
        """How often it has been enrolled."""
        return self.found.generation

    @property
    def practitioner(self) -> str | None:
        """Who signed; ``None`` for the device itself."""
        return self.holder.practitioner if self.holder else None


@dataclass(frozen=True)
class AdministratorCaller:
    """The administrator who sent an authenticated command, whose counter is not spent yet."""

    authority: str
    administrator: str
    counter: int


@dataclass(frozen=True)
class Received:
    """What a request's signature has to cover, as it arrived or is known here."""

    method: str
    authority: str
    """The server's own, as configured."""
    path: str
    query: str
    body: bytes


class NotAuthenticated(RefusedByServer):
    """The request was not let in. ``last_counter`` is told only to whom the key belongs."""

    def __init__(
        self, code: str, message: str, *, next_step: str, last_counter: int | None = None
    ) -> None:
        super().__init__(code, message, next_step=next_step)
        self.last_counter = last_counter


def authenticate(
    platform: Platform, signature: RequestSignature, received: Received, *, now: int
) -> Caller:
    """The device that signed this request.

    Raises ``NotAuthenticated`` with "unknown-key", "clock-skew" or "counter-used" (the last two
    with ``last_counter``), and ``PeerBrokeProtocol`` as ``verify_request`` does.
    """
    authority, name, generation, role = _read_key_id(signature.key_id)
    with platform.storage.statements() as transaction:
        signer = _find_signer(transaction, authority, name, generation, role)
    device, holder = signer.device, signer.holder
    public_key = holder.signing_key if holder else device.identity_key
    verify_request(signature, **vars(received), public_key=public_key)
    _check_new(platform, signature, device, now)
    return Caller(signer, signature.counter)


def find_administrator(platform: Platform, signature: RequestSignature) -> Administrator:
    """Whose key a command says it is signed with, before any of its body has been read;
    ``NotAuthenticated("unknown-key")`` for nobody's, or one that was removed."""
    found = _ADMINISTRATOR_KEY_ID.fullmatch(signature.key_id)
    if found is None:
        raise unknown_administrator()
    with platform.storage.statements() as transaction:
        administrator = administrators.with_key(transaction, found[1], bytes.fromhex(found[2]))
    if administrator is None or administrator.removed_at is not None:
        raise unknown_administrator()
    return administrator


def authenticate_administrator(
    platform: Platform,
    administrator: Administrator,
    signature: RequestSignature,
    received: Received,
    *,
    now: int,
) -> AdministratorCaller:
    """The administrator, once it is true that they signed this command. Raises as
    ``authenticate`` does."""
    verify_request(signature, **vars(received), public_key=administrator.public_key)
    _check_new(platform, signature, administrator, now)
    return AdministratorCaller(
        administrator.authority, administrator.administrator, signature.counter
    )


def use_counter(transaction: Transaction, device: Device, counter: int) -> Device:
    """Spend a request's counter together with its effect; ``NotAuthenticated("counter-used")``
    where it has been spent.

    ``device`` is as it was when it was last looked at. Returned is how it is now; until the
    transaction ends nobody else changes it."""
    return spend_counter(transaction, device, counter)()


def spend_counter(
    transaction: Transaction,
    device: Device,
    counter: int,
    *,
    enquiries: Callable[[bytes], bytes] | None = None,
) -> Callable[[], Device]:
    """As ``use_counter`` does, for who sends something else before they wait for the device as it
    is now. ``enquiries`` gives what the device's count of them becomes, if it changes."""
    high, window = window_with(device, counter)
    made = device.enquiries or b""
    spending = devices.set_counters(
        transaction,
        device,
        high=high,
        window=window,
        enquiries=enquiries(made) if enquiries else made,
    )

    def spent() -> Device:
        if (now := spending()) is not None:
            return now
        # Another request of this device came in between.
        found = _now(transaction, device)
        return spend_counter(transaction, found, counter, enquiries=enquiries)()

    return spent


def window_with(signer: Counted, counter: int) -> tuple[int, bytes]:
    """The highest counter and the window below it once ``counter`` is spent.

    Bit ``i`` of the window stands for the counter ``i + 1`` below the highest.
    """
    high, window = signer.counter_high, int.from_bytes(signer.counter_window, "big")
    if counter > high:
        shift = counter - high
        # Beyond the window nothing can be set any more: no need to build a long number for it.
        moved = (window << 1 | 1) << (shift - 1) if shift <= WINDOW else 0
        return counter, (moved & ((1 << WINDOW) - 1)).to_bytes(WINDOW_BYTES, "big")
    bit = 1 << (high - counter - 1) if 0 < high - counter <= WINDOW else 0
    if not bit or window & bit:
        raise _counter_used(signer)
    return high, (window | bit).to_bytes(WINDOW_BYTES, "big")


def unknown_administrator() -> NotAuthenticated:
    """What to raise for a key that commands nothing here."""
    return NotAuthenticated(
        "unknown-key",
        "No administrator here has this key.",
        next_step="Ask another administrator of the authority to add you.",
    )


def _read_key_id(key_id: str) -> tuple[str, str, int, str]:
    found = _DEVICE_KEY_ID.fullmatch(key_id)
    if found is None:
        raise _unknown_key()
    return found[1], found[2], int(found[3]), found[4]


def _find_signer(
    transaction: Transaction, authority: str, name: str, generation: int, role: str
) -> Signer:
    found = signers.find(transaction, authority, name, generation, role)
    if found is None or (found.holder is None and role != DEVICE_KEY):
        raise _unknown_key()
    if found.holder is not None and found.holder.is_awaited:
        raise _unknown_key()
    return found


def _now(transaction: Transaction, device: Device) -> Device:
    found = devices.find(transaction, device.authority, device.device, device.generation)
    if found is None:
        raise _unknown_key()
    return found


def _check_new(platform: Platform, signature: RequestSignature, signer: Counted, now: int) -> None:
    if abs(now - signature.created) > MAX_SKEW_SECONDS:
        raise NotAuthenticated(
            "clock-skew",
            "The request was signed at a time too far from the server's.",
            next_step="Take the time from this answer and sign the request again.",
            last_counter=signer.counter_high,
        )
    window_with(signer, signature.counter)
    if not platform.seen_requests.first_time(signature.signature):
        raise _counter_used(signer)


def _unknown_key() -> NotAuthenticated:
    return NotAuthenticated(
        "unknown-key",
        "Nobody here has this key.",
        next_step="Enrol the device with a new invitation.",
    )


def _counter_used(signer: Counted) -> NotAuthenticated:
    return NotAuthenticated(
        "counter-used",
        "This request's counter has been used, or is too old to tell.",
        next_step="Sign the request again with a counter above the last one.",
        last_counter=signer.counter_high,
    )
