"""The half of an unlock key that never leaves the device, and where it lies (A2, design §7).

In the platform's key store where there is a usable one, else in an owner-only file. Which of the
two is the device's **assurance**; the server is told at enrolment and at each sync, and may refuse
the lower. A device stays with what it was enrolled with.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Annotated, ClassVar, Protocol

from msgspec import Meta

from fieldward_client.disk.folder import Folder
from fieldward_sync.encoding import Message
from fieldward_sync.errors import LocalDataDamaged, RetryLater
from fieldward_sync.messages import Assurance
from fieldward_sync.names import Key
from fieldward_sync.sealing import Entropy

DEVICE_SECRET = "device-secret"
SECRET_BYTES = 32
NAME_BYTES = 8
SERVICE = "fieldward"
"""What the key store lists its secrets under."""

_PLATFORMS = ("SecretService", "libsecret", "macOS", "Windows")
"""The backends of ``keyring`` that keep secrets apart from the user's files. Others store them in a
file of their own, which is no more than we do."""


class KeyStore(Protocol):
    """A platform's key store, as ``keyring`` has it. Methods raise whatever the platform does."""

    def get_password(self, service: str, username: str) -> str | None:
        """What is kept under this name."""

    def set_password(self, service: str, username: str, password: str) -> None:
        """Keep this under this name."""

    def delete_password(self, service: str, username: str) -> None:
        """Keep nothing under this name."""


class DeviceSecret(Message, frozen=True):
    """Where the secret lies, and the secret itself where that is here."""

    marker: ClassVar[bytes] = b"fieldward/device-secret/2"
    name: Annotated[str, Meta(max_length=64)]
    """In the key store; empty: it is here."""
    secret: Key | None


def platform_key_store() -> KeyStore | None:
    """The platform's key store; ``None`` without a usable one, or without the ``keystore`` extra.
    Nothing that a user can configure has a say in which it is."""
    try:
        from keyring.backend import get_all_keyring  # half a second, once a start

        viable = [each for each in get_all_keyring() if _is_the_platforms(each)]
        return max(viable, key=lambda each: each.priority, default=None)
    except Exception:  # noqa: BLE001  # foreign code asks foreign services: none is usable then
        return None


def make_device_secret(folder: Folder, key_store: KeyStore | None, entropy: Entropy) -> bytes:
    """A new device's secret; durable when this returns, in the key store if that can keep it."""
    secret, name = entropy(SECRET_BYTES), entropy(NAME_BYTES).hex()
    if key_store is not None and _is_kept(key_store, name, secret):
        folder.store(DEVICE_SECRET, DeviceSecret(name, None))
    else:
        folder.store(DEVICE_SECRET, DeviceSecret("", secret))
    return secret


def device_secret(folder: Folder, key_store: KeyStore | None) -> bytes:
    """The device's secret.

    ``LocalDataDamaged("file-missing")`` or ``("device-secret-gone")`` if it is lost for good,
    ``RetryLater("key-store-closed")`` where the platform's key store cannot be asked now.
    """
    stored = _stored(folder)
    if stored.secret is not None:
        return stored.secret
    with _translated():
        kept = key_store.get_password(SERVICE, stored.name) if key_store is not None else None
    if key_store is None:
        raise _closed()
    try:
        secret = b64decode(kept or "", validate=True)
    except NotBase64:
        secret = b""
    if len(secret) != SECRET_BYTES:
        raise LocalDataDamaged(
            "device-secret-gone", "The device's secret is not in the key store; nothing opens."
        )
    return secret


def assurance(folder: Folder) -> Assurance:
    """Where the device's secret lies; the lower where that is not known."""
    with suppress(LocalDataDamaged):
        return "platform" if _stored(folder).secret is None else "file"
    return "file"


def erase_device_secret(folder: Folder, key_store: KeyStore | None) -> None:
    """Erase it wherever it lies. A key store that is closed keeps its part, which opens nothing
    without the keys that go with it."""
    with suppress(LocalDataDamaged, RetryLater), _translated():
        if key_store is not None and (name := _stored(folder).name):
            key_store.delete_password(SERVICE, name)
    folder.erase(DEVICE_SECRET)


def _stored(folder: Folder) -> DeviceSecret:
    stored = folder.load(DEVICE_SECRET, DeviceSecret)
    if stored is None:
        raise LocalDataDamaged("file-missing", "The device's secret is gone; nothing opens.")
    return stored


def _is_kept(key_store: KeyStore, name: str, secret: bytes) -> bool:
    """Whether the key store takes a secret and gives it back."""
    told = b64encode(secret).decode()
    with suppress(RetryLater), _translated():
        key_store.set_password(SERVICE, name, told)
        return key_store.get_password(SERVICE, name) == told
    return False


def _is_the_platforms(backend: object) -> bool:
    return type(backend).__module__ in {f"keyring.backends.{each}" for each in _PLATFORMS}


@contextmanager
def _translated() -> Iterator[None]:
    """Whatever a platform raises ends here."""
    try:
        yield
    except Exception as e:
        raise _closed() from e


def _closed() -> RetryLater:
    return RetryLater(
        "key-store-closed",
        "The device's secret is in the platform's key store, which does not give it out now.",
        next_step="Unlock the key store (log in to the desktop, or unlock its keyring) and open "
        "the device again; it needs the `keystore` extra. Locked, it delivers all the same.",
    )
