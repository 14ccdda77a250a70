"""A practitioner at an unlocked device: their keys, their lease, and what it lets them read."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from fieldward_client.copies.holdings import Holdings
from fieldward_client.copies.notices import Notices
from fieldward_client.copies.store import Store, stored_distribution
from fieldward_client.enrolled.installation import Installation
from fieldward_client.keys.lease import (
    StoredLease,
    check_grant,
    earlier_keys_file,
    keep_earlier_keys,
    lease_file,
    open_grant,
    open_store_key,
    stored_lease,
    uncovered,
    with_earlier_keys,
)
from fieldward_client.keys.passphrases import check_passphrase
from fieldward_client.keys.vault import Vault
from fieldward_client.keys.warm_keys import WarmKeyRing
from fieldward_client.logs.boxes import OpenBox
from fieldward_client.wire.exchange import Caller
from fieldward_sync.distribution import Distribution
from fieldward_sync.errors import AccessClosed, LocalDataDamaged, PeerBrokeProtocol
from fieldward_sync.journal import LookUp
from fieldward_sync.leases import ALLOWED, Lease, LeaseGrant, LeaseSecrets
from fieldward_sync.messages import key_id
from fieldward_sync.outbox import BoxKind, edit_entry, new_box
from fieldward_sync.records import Proposal
from fieldward_sync.signing import public_key


class Practitioner:
    """One practitioner, unlocked, until ``lock``."""

    def __init__(self, installation: Installation, practitioner: str, vault: Vault) -> None:
        self.id = practitioner
        self._vault: Vault | None = vault
        self.notices = Notices(installation.folder, installation.identity, practitioner)
        self._installation = installation
        self.warm_keys = WarmKeyRing(installation.entropy)
        self._holdings: Holdings | None = None
        self._closed: AccessClosed | None = None
        self._boxes: dict[tuple[BoxKind, bytes], OpenBox] = {}
        self._used = installation.clock.reading()
        self._held: tuple[StoredLease, Lease] | None = None
        with suppress(LocalDataDamaged):  # the next sync brings another lease
            self._held = stored_lease(installation.folder, installation.identity, practitioner)
        if self._held is None:
            vault.forget_opened_seed()

    @classmethod
    def unlock(cls, installation: Installation, practitioner: str, passphrase: str) -> Practitioner:
        """Open a practitioner's keys. Raises as ``Vault.open``."""
        return cls(installation, practitioner, _open_vault(installation, practitioner, passphrase))

    def change_passphrase(self, old: str, new: str) -> None:
        """Replace the passphrase, once the old one has been given: whoever finds the device
        unlocked does not make it theirs. Raises as ``Vault.open``, and ``CallerMistake`` for a new
        one that protects nothing."""
        self._require_unlocked()
        check_passphrase(new)
        try:
            _open_vault(self._installation, self.id, old)
        except AccessClosed:
            if self._installation.ladder(self.id).left == 0:
                self.destroy_lease()
                self.lock(locked())
            raise
        self.vault.change_passphrase(new, secret=self._installation.device_secret())

    @property
    def vault(self) -> Vault:
        """Their keys. Raises ``AccessClosed`` once locked: they are here no more, whoever still
        holds a session."""
        self._require_unlocked()
        assert self._vault is not None
        return self._vault

    @property
    def is_open(self) -> bool:
        """Whether the practitioner is still at the device: not locked, not wiped."""
        return self._closed is None

    @property
    def lease(self) -> Lease | None:
        """The lease in force."""
        return self._held[1] if self._held else None

    def caller(self) -> Caller:
        """The practitioner, as the signer of a request."""
        identity = self._installation.identity
        name = key_id(identity.authority, identity.device, identity.generation, self.id)
        return Caller(self.vault.signing_key, name)

    def holdings(self) -> Holdings:
        """What may be read now, opened if it was not.

        Raises ``AccessClosed`` if the server's last word, the clock or the lease forbids it, and
        drops what was open (invariant 3). There is no other way to the store.
        """
        held = self._require_reading()
        if self._holdings is None:
            self._holdings = self._open(*held)
        return self._holdings

    def use(self) -> None:
        """Somebody works with the device. ``AccessClosed("locked")`` if nobody has for too long:
        whoever comes then is to say who they are."""
        self._close_if_idle()
        self._require_unlocked()
        self._used = self._installation.clock.reading()

    def check(self) -> AccessClosed | None:
        """Drop from memory what may not stay there (invariant 3); why nothing can be read now."""
        self._close_if_idle()
        try:
            self._require_reading()
        except AccessClosed as e:
            return e
        return None

    def accept(self, grant: LeaseGrant, warm_keys: bytes | None) -> None:
        """Take a renewed lease: store it, open it, and only then forget the key before it. What
        came beside it is for memory alone.

        Raises ``PeerBrokeProtocol`` for one that is not ours, and keeps the one in force.
        """
        here = self._installation
        stored = StoredLease(here.contact.trust, grant)
        lease = check_grant(stored, here.identity, self.id)
        secrets, seed = self._open_secrets(stored, lease)
        store_key = self._store_key(lease, secrets)
        self._keep_earlier_keys(lease, secrets, store_key)
        here.folder.store(lease_file(self.id), stored)
        self._held = stored, lease
        self.vault.promote(seed)
        held = stored_distribution(here.folder, here.identity, self.id)
        self.warm_keys.take(warm_keys, lease, needed=_key_epochs(held) if held else ())
        if self._holdings is not None:
            keys = with_earlier_keys(here.folder, lease, store_key, secrets)
            self._holdings.store.keys = keys.ring
            self._holdings.store.warm = self.warm_keys.ring

    def forget_needless_keys(self) -> None:
        """Erase the keys of earlier leases, once this one has all that the files here need."""
        here = self._installation
        distribution = stored_distribution(here.folder, here.identity, self.id)
        if distribution is not None:
            self.warm_keys.forget_needless(_key_epochs(distribution))
        if self._holdings is not None:
            self._holdings.store.warm = self.warm_keys.ring
        if self._held is None or distribution is None or not self._keeps_earlier_keys():
            return
        secrets, _ = self._open_secrets(*self._held)
        granted = {keys.partition for keys in secrets.ring}
        brought = {(keys.partition, each.epoch) for keys in secrets.ring for each in keys.epochs}
        needed = {key for key in _key_epochs(distribution) if key[0] in granted}
        if needed <= brought:
            here.folder.erase(earlier_keys_file(self.id))

    def key_epochs(self) -> Mapping[str, frozenset[int]] | None:
        """The epochs of the keys on this device, by partition, whether or not they may be used now;
        ``None`` once locked, and if some of earlier leases are kept and do not open."""
        here, keeps_earlier = self._installation, self._keeps_earlier_keys()
        if not self.is_open:
            return None
        try:
            if self._held is None:
                raise PeerBrokeProtocol("no-lease", "No lease is here.")
            stored, lease = self._held
            secrets, _ = self._open_secrets(stored, lease)
            if keeps_earlier:
                store_key = self._store_key(lease, secrets)
                secrets = with_earlier_keys(here.folder, lease, store_key, secrets)
        except (PeerBrokeProtocol, LocalDataDamaged):
            return None if keeps_earlier else {}
        epochs: dict[str, frozenset[int]] = {}
        for keys in secrets.ring:
            here_too = epochs.get(keys.partition, frozenset())
            epochs[keys.partition] = here_too | {each.epoch for each in keys.epochs}
        return epochs

    def write_look_ups(self, *look_ups: LookUp, cost: int, now: int) -> None:
        """Make look-ups durable before anything of them is shown (invariant 2).

        ``cost`` is what they spend of the lease, 0 for refused ones. Raises
        ``AccessClosed("look-ups-used-up")``, and writes nothing, if it does not allow that many.
        """
        self._require_unlocked()
        here = self._installation
        spent = here.journal.spent(self.id)
        if cost:
            _, lease = self._require_lease(here.clock.now())
            spent = lease.spend(cost, spent)
        box = self._box("journal", here.trust.audit_key, None)
        here.journal.write(look_ups, box, spent=spent, now=now)

    def write_edit(self, proposal: Proposal) -> None:
        """Make an edit durable: from here on it is delivered, whatever happens (invariant 1).
        Raises as ``edit_entry``."""
        here, holdings = self._installation, self.holdings()
        box = self._box("edits", here.trust.edit_key, holdings.store_key)
        try:
            here.outbox.add(edit_entry(proposal), proposal.counter, box)
        finally:
            if proposal.counter in here.outbox.edits:  # whatever broke off the rest of the call
                holdings.add(proposal)

    def shut(self) -> None:
        """Drop from memory all that reads; what delivers and renews stays."""
        if self._holdings is not None:
            self._holdings.close()
        self._holdings = None
        self.warm_keys.clear()
        self._boxes = {key: box for key, box in self._boxes.items() if key[0] != "edits"}

    def lock(self, why: AccessClosed) -> None:
        """Close, and with it the journal's epoch: whoever finds the device makes nothing again of
        what was looked up until now."""
        self.close(why)
        here = self._installation
        with suppress(LocalDataDamaged):  # the next sync or start closes the epoch instead
            if here.is_there:
                here.journal.seal(here.clock.estimate())

    def close(self, why: AccessClosed) -> None:
        """Drop every key for good: whoever still holds a session is told why it was the first
        time."""
        self._closed = self._closed or why
        self.shut()
        self._boxes.clear()
        self._vault = None

    def destroy_lease(self) -> None:
        """Erase what opens the store. The next lease brings the same secret, and it opens again."""
        self.shut()
        self._installation.folder.erase(lease_file(self.id))
        if self._vault is not None:  # else the next unlock forgets what opened it
            self._vault.forget_lease_seeds()
        self._held = None

    def _keeps_earlier_keys(self) -> bool:
        return bool(self._installation.folder.size(earlier_keys_file(self.id)))

    def _close_if_idle(self) -> None:
        here, reading = self._installation, self._installation.clock.reading()
        least = here.lock_after_seconds
        if self._held is not None:
            least = min(least, self._held[1].idle_seconds)
        unused = reading.since_boot - self._used.since_boot
        if self.is_open and (unused >= least or reading.boot != self._used.boot):
            self.lock(locked("The device locked itself: nobody has used it for a while."))

    def _require_reading(self) -> tuple[StoredLease, Lease]:
        try:
            self._require_unlocked()
            self._installation.contact.require_reading(self.id)
            return self._require_lease(self._installation.clock.now())
        except (AccessClosed, LocalDataDamaged):
            self.shut()
            raise

    def _require_unlocked(self) -> None:
        if self._closed is not None:
            raise self._closed.with_traceback(None)

    def _require_lease(self, now: int) -> tuple[StoredLease, Lease]:
        if self._held is None:
            raise AccessClosed(
                "no-lease",
                "There is no copy here that may be read.",
                next_step="Sync while you have signal: that brings one.",
            )
        held = self._held
        if not ALLOWED[held[1].state(now)].keep_keys:
            self.destroy_lease()
        held[1].require_reading(now)
        return held

    def _open(self, stored: StoredLease, lease: Lease) -> Holdings:
        here = self._installation
        try:
            secrets, seed = self._open_secrets(stored, lease)
            store_key = self._store_key(lease, secrets)
            keys = with_earlier_keys(here.folder, lease, store_key, secrets)
        except PeerBrokeProtocol as e:
            self._held = None
            raise LocalDataDamaged(
                "lease-damaged",
                "The stored lease does not open.",
                next_step="Connect and sync: that brings a new one.",
            ) from e
        self.vault.promote(seed)
        return Holdings(
            Store(
                here.files,
                keys.ring,
                stored_distribution(here.folder, here.identity, self.id),
                warm=self.warm_keys.ring,
            ),
            here.outbox,
            practitioner_key=public_key(self.vault.signing_key),
            store_key=store_key,
        )

    def _keep_earlier_keys(self, lease: Lease, after: LeaseSecrets, store_key: bytes) -> None:
        here = self._installation
        if self._held is None:  # these may be what did not open
            here.folder.erase(earlier_keys_file(self.id))
        distribution = stored_distribution(here.folder, here.identity, self.id)
        if self._held is None or distribution is None:
            return
        with suppress(PeerBrokeProtocol):  # a lease that does not open here gave nothing to read
            before, _ = self._open_secrets(*self._held)
            keep_earlier_keys(
                here.folder,
                lease,
                store_key,
                before=with_earlier_keys(here.folder, lease, store_key, before),
                after=after,
                needed=_key_epochs(distribution),
                entropy=here.entropy,
            )

    def _open_secrets(self, stored: StoredLease, lease: Lease) -> tuple[LeaseSecrets, bytes]:
        grant = uncovered(stored, lease, self.vault.vault_key)
        for seed in self.vault.lease_seeds:
            with suppress(PeerBrokeProtocol):
                return open_grant(grant, lease, seed), seed
        raise PeerBrokeProtocol("lease-unopened", "The lease was sealed to a key not held here.")

    def _store_key(self, lease: Lease, secrets: LeaseSecrets) -> bytes:
        here = self._installation
        return open_store_key(
            here.folder,
            lease,
            self.vault.vault_key,
            secrets.lease_secret,
            entropy=here.entropy,
        )

    def _box(self, kind: BoxKind, authority_key: bytes, store_key: bytes | None) -> OpenBox:
        """This session's box of a kind; another one once the authority's key has changed."""
        identity = self._installation.identity
        if (kind, authority_key) not in self._boxes:
            self._boxes[kind, authority_key] = OpenBox(
                new_box(
                    kind,
                    authority=identity.authority,
                    device=identity.device,
                    generation=identity.generation,
                    practitioner=self.id,
                    authority_key=authority_key,
                    store_key=store_key,
                    signing_key=self.vault.signing_key,
                    entropy=self._installation.entropy,
                )
            )
        return self._boxes[kind, authority_key]


def locked(why: str = "The device is locked.") -> AccessClosed:
    """What a locked device answers."""
    return AccessClosed("locked", why, next_step="Open it with the passphrase.")


def _open_vault(here: Installation, practitioner: str, passphrase: str) -> Vault:
    return Vault.open(
        here.folder,
        here.identity,
        practitioner,
        passphrase,
        secret=here.device_secret,
        ladder=here.ladder(practitioner),
        entropy=here.entropy,
    )


def _key_epochs(distribution: Distribution) -> frozenset[tuple[str, int]]:
    """The partitions and key epochs whose keys open a distribution's files."""
    return frozenset(
        (manifest.partition, entry.context.epoch)
        for manifest in distribution.manifests
        for entry in manifest.files
    )
