"""A practitioner's keys, sealed under their passphrase and the device's secret (A2, design §7)."""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import Meta

from fieldward_client.folder import Folder
from fieldward_client.identity import Identity
from fieldward_sync.encoding import Message, decode, encode
from fieldward_sync.errors import AccessClosed, CallerMistake, LocalDataDamaged, PeerBrokeProtocol
from fieldward_sync.keys import ARGON2_FLOOR, Argon2Cost, hpke_public_key, label, unlock_key
from fieldward_sync.names import Key
from fieldward_sync.sealing import Entropy, open_sealed, seal
from fieldward_sync.signing import signing_key

DEVICE_SECRET = "device-secret"
SECRET_BYTES = 32
SALT_BYTES = 16
MIN_PASSPHRASE_CHARACTERS = 8
MAX_PASSPHRASE_CHARACTERS = 1000
_MAX_SECRETS_BYTES = 1024


class DeviceSecret(Message, frozen=True):
    """The half of an unlock key that never leaves the device.

    Here it is an owner-only file, which is enrolled as the lower assurance "file".
    """

    marker: ClassVar[bytes] = b"fieldward/device-secret/1"
    secret: Key


class Lock(Message, frozen=True):
    """How a passphrase becomes an unlock key."""

    marker: ClassVar[bytes] = b"fieldward/passphrase/1"
    cost: Argon2Cost
    salt: Annotated[bytes, Meta(min_length=SALT_BYTES, max_length=SALT_BYTES)]

    @classmethod
    def new(cls, entropy: Entropy) -> Lock:
        """A lock for a new passphrase."""
        return cls(ARGON2_FLOOR, entropy(SALT_BYTES))

    def unlock_key(self, passphrase: str, folder: Folder) -> bytes:
        """What passphrase and device secret open together; takes about a second on purpose."""
        secret = folder.load(DEVICE_SECRET, DeviceSecret)
        if secret is None:
            raise LocalDataDamaged("file-missing", "The device's secret is gone; nothing opens.")
        return unlock_key(
            passphrase,
            device_secret=secret.secret,
            salt=self.salt,
            cost=self.cost,
            binding=label("unlock"),
        )


class VaultSecrets(Message, frozen=True):
    """What the vault holds. The HPKE seeds open leases: the one in use, and the one that the next
    lease is asked for with."""

    marker: ClassVar[bytes] = b"fieldward/vault-secrets/1"
    signing_seed: Key
    hpke_seed: Key | None = None
    next_hpke_seed: Key | None = None

    def __repr__(self) -> str:
        return "VaultSecrets(…)"


class SealedVault(Message, frozen=True):
    """The vault as it is stored."""

    marker: ClassVar[bytes] = b"fieldward/vault/1"
    lock: Lock
    sealed: Annotated[bytes, Meta(max_length=4096)]


def check_passphrase(passphrase: str) -> None:
    """Refuse a passphrase that protects nothing."""
    if not MIN_PASSPHRASE_CHARACTERS <= len(passphrase) <= MAX_PASSPHRASE_CHARACTERS:
        raise CallerMistake(
            "passphrase-short",
            f"A passphrase has at least {MIN_PASSPHRASE_CHARACTERS} characters.",
            next_step="Choose a longer one: three random words are good.",
        )


def vault_file(practitioner: str) -> str:
    """Where a practitioner's vault lies."""
    return f"practitioners/{practitioner}/vault"


def vault_context(identity: Identity, practitioner: str) -> bytes:
    """What a vault is bound to: another device's, or another person's, does not open here."""
    return label("vault", identity.authority, identity.device, identity.generation, practitioner)


def seal_secrets(
    secrets: VaultSecrets, unlock: bytes, context: bytes, *, entropy: Entropy
) -> bytes:
    """A vault's content, sealed."""
    return seal(unlock, context, encode(secrets), entropy=entropy)


def open_secrets(sealed: bytes, unlock: bytes, context: bytes) -> VaultSecrets:
    """A vault's content; ``AccessClosed("passphrase-wrong")`` if it does not open."""
    try:
        opened = open_sealed(unlock, context, sealed)
    except PeerBrokeProtocol as e:
        raise AccessClosed(
            "passphrase-wrong",
            "This passphrase does not open the keys on this device.",
            next_step="Type it again. If it is forgotten, ask your sync administrator for an "
            "invitation; what you typed before can still be delivered.",
        ) from e
    return decode(VaultSecrets, opened, max_bytes=_MAX_SECRETS_BYTES)


class Vault:
    """An open vault. Every change is durable when the call returns."""

    def __init__(
        self,
        folder: Folder,
        identity: Identity,
        practitioner: str,
        *,
        lock: Lock,
        unlock: bytes,
        secrets: VaultSecrets,
        entropy: Entropy,
    ) -> None:
        self._folder = folder
        self._file = vault_file(practitioner)
        self._context = vault_context(identity, practitioner)
        self._lock = lock
        self.unlock = unlock
        self._secrets = secrets
        self._entropy = entropy

    @classmethod
    def open(
        cls,
        folder: Folder,
        identity: Identity,
        practitioner: str,
        passphrase: str,
        *,
        entropy: Entropy,
    ) -> Vault:
        """Open a practitioner's vault; ``AccessClosed("passphrase-wrong")`` if it does not."""
        stored = folder.load(vault_file(practitioner), SealedVault)
        if stored is None:
            raise CallerMistake(
                "practitioner-unknown", f"Nobody called {practitioner!r} has keys on this device."
            )
        unlock = stored.lock.unlock_key(passphrase, folder)
        secrets = open_secrets(stored.sealed, unlock, vault_context(identity, practitioner))
        return cls(
            folder,
            identity,
            practitioner,
            lock=stored.lock,
            unlock=unlock,
            secrets=secrets,
            entropy=entropy,
        )

    @property
    def signing_key(self) -> Ed25519PrivateKey:
        """Signs renewals, boxes and requests in the practitioner's name."""
        return signing_key(self._secrets.signing_seed)

    @property
    def lease_seeds(self) -> tuple[bytes, ...]:
        """The seeds that a stored lease may be sealed to, the newest first."""
        seeds = (self._secrets.next_hpke_seed, self._secrets.hpke_seed)
        return tuple(seed for seed in seeds if seed is not None)

    def next_public_key(self) -> bytes:
        """The key to ask for the next lease with: made once, and the same until it has come."""
        seed = self._secrets.next_hpke_seed
        if seed is None:
            seed = self._entropy(SECRET_BYTES)
            self._keep(msgspec.structs.replace(self._secrets, next_hpke_seed=seed))
        return hpke_public_key(seed)

    def promote(self, seed: bytes) -> None:
        """What was sealed to ``seed`` is stored and was opened: forget the seed before it."""
        if seed == self._secrets.next_hpke_seed:
            self._keep(msgspec.structs.replace(self._secrets, hpke_seed=seed, next_hpke_seed=None))

    def forget_opened_seed(self) -> None:
        """There is no lease any more that the seed in use could open."""
        if self._secrets.hpke_seed is not None:
            self._keep(msgspec.structs.replace(self._secrets, hpke_seed=None))

    def forget_lease_seeds(self) -> None:
        """Nothing that was sealed to this practitioner opens any more."""
        if self.lease_seeds:
            self._keep(VaultSecrets(signing_seed=self._secrets.signing_seed))

    def save(self) -> None:
        """Store the vault."""
        self._keep(self._secrets)

    def _keep(self, secrets: VaultSecrets) -> None:
        sealed = seal_secrets(secrets, self.unlock, self._context, entropy=self._entropy)
        self._folder.store(self._file, SealedVault(self._lock, sealed))
        self._secrets = secrets
