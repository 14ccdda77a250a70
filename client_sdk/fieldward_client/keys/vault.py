"""A practitioner's keys, sealed under their passphrase and the device's secret (A2, design §7)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, ClassVar

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import Meta

from fieldward_client.disk.folder import Folder
from fieldward_client.keys.attempts import Ladder, in_words
from fieldward_client.keys.identity import Identity
from fieldward_client.keys.passphrases import Lock, check_passphrase, check_typed
from fieldward_sync.encoding import Message, decode, encode
from fieldward_sync.errors import AccessClosed, CallerMistake, PeerBrokeProtocol
from fieldward_sync.keys import KEY_BYTES, hpke_public_key, label
from fieldward_sync.names import Key
from fieldward_sync.sealing import Entropy, open_sealed, seal
from fieldward_sync.signing import signing_key

_MAX_SECRETS_BYTES = 1024


class VaultSecrets(Message, frozen=True):
    """What the vault holds. The HPKE seeds open leases: the one in use, and the one that the next
    lease is asked for with."""

    marker: ClassVar[bytes] = b"fieldward/vault-secrets/2"
    signing_seed: Key
    vault_key: Key
    """Wraps the store key, with the lease secret: a new passphrase then changes one file alone."""
    hpke_seed: Key | None = None
    next_hpke_seed: Key | None = None

    @classmethod
    def new(cls, entropy: Entropy) -> VaultSecrets:
        """The keys of a practitioner who comes to this device."""
        return cls(
            signing_seed=entropy(KEY_BYTES),
            vault_key=entropy(KEY_BYTES),
            next_hpke_seed=entropy(KEY_BYTES),
        )

    def __repr__(self) -> str:
        return "VaultSecrets(…)"


class SealedVault(Message, frozen=True):
    """The vault as it is stored."""

    marker: ClassVar[bytes] = b"fieldward/vault/2"
    lock: Lock
    sealed: Annotated[bytes, Meta(max_length=4096)]


def vault_file(practitioner: str) -> str:
    """Where a practitioner's vault lies."""
    return f"practitioners/{practitioner}/vault"


def nobody_called(practitioner: str, *others: str) -> CallerMistake:
    """What to raise for somebody who has no keys here; ``others`` are known to have some."""
    here = f" Here are: {', '.join(others)}." if others else ""
    return CallerMistake(
        "practitioner-unknown",
        f"Nobody called {practitioner!r} has keys on this device.{here}",
        next_step="Compare how your administrator wrote it; who is new here joins first.",
    )


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


def open_begun(sealed: bytes, unlock: bytes, context: bytes) -> VaultSecrets:
    """The secrets of an enrolment or a joining that was broken off. Raises as ``open_secrets``: the
    server may have their keys already, so another passphrase does not begin it anew."""
    try:
        return open_secrets(sealed, unlock, context)
    except AccessClosed as e:
        raise AccessClosed(
            e.code,
            "This was begun with another passphrase.",
            next_step="Give the one that was chosen first. If it is forgotten, ask your sync "
            "administrator for another code and begin with that.",
        ) from e


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
        self._practitioner = practitioner
        self._file = vault_file(practitioner)
        self._context = vault_context(identity, practitioner)
        self._lock = lock
        self._unlock = unlock
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
        secret: Callable[[], bytes],
        ladder: Ladder,
        entropy: Entropy,
    ) -> Vault:
        """Open a practitioner's vault. What has nothing to do with the passphrase is found out
        first: only a guess climbs the ladder. ``secret`` gives the device's.

        ``AccessClosed``: "passphrase-wrong"; "passphrase-wait" where it is too early to try.
        """
        check_typed(passphrase)
        stored = folder.load(vault_file(practitioner), SealedVault)
        if stored is None:
            raise nobody_called(practitioner)
        of_device = secret()
        stored.lock.require_unaltered(of_device)
        ladder.begin()
        unlock = stored.lock.unlock_key(passphrase, of_device)
        try:
            secrets = open_secrets(stored.sealed, unlock, vault_context(identity, practitioner))
        except AccessClosed as e:
            ladder.finish()
            e.next_step = _after_a_wrong_one(ladder)
            raise
        ladder.right()
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
    def vault_key(self) -> bytes:
        """What the store key is wrapped under, with the lease secret."""
        return self._secrets.vault_key

    @property
    def lease_seeds(self) -> tuple[bytes, ...]:
        """The seeds that a stored lease may be sealed to, the likeliest first."""
        seeds = (self._secrets.hpke_seed, self._secrets.next_hpke_seed)
        return tuple(seed for seed in seeds if seed is not None)

    def next_public_key(self) -> bytes:
        """The key to ask for the next lease with: made once, and the same until it has come."""
        seed = self._secrets.next_hpke_seed
        if seed is None:
            seed = self._entropy(KEY_BYTES)
            self._keep(msgspec.structs.replace(self._secrets, next_hpke_seed=seed))
        return hpke_public_key(seed)

    def promote(self, seed: bytes) -> None:
        """What was sealed to ``seed`` is stored and was opened: forget the seed before it. The one
        after it is made in the same write, so that the next sync need not wait for another."""
        if seed == self._secrets.next_hpke_seed:
            after = self._entropy(KEY_BYTES)
            self._keep(msgspec.structs.replace(self._secrets, hpke_seed=seed, next_hpke_seed=after))

    def forget_opened_seed(self) -> None:
        """There is no lease any more that the seed in use could open."""
        if self._secrets.hpke_seed is not None:
            self._keep(msgspec.structs.replace(self._secrets, hpke_seed=None))

    def forget_lease_seeds(self) -> None:
        """Nothing that was sealed to this practitioner opens any more."""
        if self.lease_seeds:
            self._keep(msgspec.structs.replace(self._secrets, hpke_seed=None, next_hpke_seed=None))

    def change_passphrase(self, new: str, *, secret: bytes) -> None:
        """From here on another passphrase opens it, and the one before does not: the vault is one
        file, replaced as one."""
        check_passphrase(new)
        lock = Lock.new(secret, self._entropy)
        unlock = lock.unlock_key(new, secret)
        sealed = seal_secrets(self._secrets, unlock, self._context, entropy=self._entropy)
        self._folder.store(self._file, SealedVault(lock, sealed))
        self._lock, self._unlock = lock, unlock

    def for_generation(self, identity: Identity) -> Vault:
        """The vault of this device's next generation, not stored: the same practitioner's signing
        key under the same passphrase, and nothing that opens a lease."""
        return Vault(
            self._folder,
            identity,
            self._practitioner,
            lock=self._lock,
            unlock=self._unlock,
            secrets=msgspec.structs.replace(self._secrets, hpke_seed=None, next_hpke_seed=None),
            entropy=self._entropy,
        )

    def sealed(self) -> SealedVault:
        """The vault as it is stored."""
        sealed = seal_secrets(self._secrets, self._unlock, self._context, entropy=self._entropy)
        return SealedVault(self._lock, sealed)

    def save(self) -> None:
        """Store the vault."""
        self._keep(self._secrets)

    def _keep(self, secrets: VaultSecrets) -> None:
        before, self._secrets = self._secrets, secrets
        try:
            self._folder.store(self._file, self.sealed())
        except BaseException:
            self._secrets = before
            raise


def _after_a_wrong_one(ladder: Ladder) -> str:
    """What to do next, and what the next wrong one costs."""
    forgotten = (
        "If it is forgotten, ask your sync administrator for an invitation; what you typed before "
        "is still delivered."
    )
    if not ladder.left:
        return (
            "After so many wrong ones the copy stays shut until the right passphrase and a sync. "
            f"{forgotten}"
        )
    wait = f"Wait {in_words(ladder.wait_seconds)}, then type" if ladder.wait_seconds else "Type"
    return f"{wait} it again; {ladder.left} more wrong ones shut the copy until a sync. {forgotten}"
