"""An enrolled device as it lies in its folder: all that works without a passphrase."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import msgspec

from fieldward_client.copies.files import SealedFiles
from fieldward_client.copies.hand_over import HAND_OVER, WaitingHandOver, waiting_hand_over
from fieldward_client.copies.store import distribution_file, stored_distribution
from fieldward_client.disk.clock import Clock, TrustedClock
from fieldward_client.disk.counters import Counters
from fieldward_client.disk.folder import Folder
from fieldward_client.enrolled.watch import ThreadTimer, Timer
from fieldward_client.keys.attempts import Ladder
from fieldward_client.keys.device_secret import (
    KeyStore,
    assurance,
    device_secret,
    erase_device_secret,
    platform_key_store,
)
from fieldward_client.keys.identity import CONTACT, IDENTITY, Contact, Identity
from fieldward_client.keys.lease import (
    EarlierKeys,
    WrappedStoreKey,
    earlier_keys_file,
    lease_file,
    store_key_file,
    stored_lease,
)
from fieldward_client.logs.journal import Journal
from fieldward_client.logs.outbox import Outbox
from fieldward_client.wire.exchange import Line
from fieldward_client.wire.guard import Guard, GuardedTransport
from fieldward_client.wire.transport import Transport
from fieldward_sync.distribution import Distribution
from fieldward_sync.errors import AccessClosed, CallerMistake, LocalDataDamaged
from fieldward_sync.leases import ALLOWED, LeaseTerms
from fieldward_sync.messages import MAX_PRACTITIONERS, Assurance, ErasedLease
from fieldward_sync.sealing import Entropy

PRACTITIONERS = "practitioners"
REDEEMING = "redeeming"
"""Who has taken the device over, and the server has not heard of it."""

LOCK_AFTER_SECONDS = LeaseTerms().idle_seconds


@dataclass(frozen=True)
class Ports:
    """What a device needs of the world; tests bring their own."""

    clock: Clock
    entropy: Entropy
    connect: Callable[[str], Transport]
    """From a server's address to the way there."""
    key_store: Callable[[], KeyStore | None] = platform_key_store
    """The platform's key store, if it is asked for."""
    timer: Timer = field(default_factory=ThreadTimer)
    lock_after_seconds: int = LOCK_AFTER_SECONDS
    """Unused for this long, the device locks itself; sooner, if its lease says so."""
    guard: Guard = field(default_factory=Guard)
    """Who works with it, of all its generations together."""


class Installation:
    """An enrolled device's parts, in a folder that this process holds until ``close``."""

    def __init__(self, folder: Folder, ports: Ports) -> None:
        """``CallerMistake("not-enrolled")`` if there is no device in the folder."""
        self.folder = folder
        self.ports = ports
        self.entropy = ports.entropy
        self._load()

    def _load(self) -> None:
        folder, ports = self.folder, self.ports
        identity, contact = folder.load(IDENTITY, Identity), folder.load(CONTACT, Contact)
        if identity is None:
            raise CallerMistake(
                "not-enrolled",
                "There is no device in this folder.",
                next_step="Enrol it with the invitation code that your administrator gave you.",
            )
        if contact is None:
            raise LocalDataDamaged("file-missing", "What the server last said is gone.")
        self.identity = identity
        self._key_store = ports.key_store
        self._contact = self._kept = contact
        self.trust = identity.open_trust(contact.trust)
        self.clock = TrustedClock(folder, ports.clock)
        self.files = SealedFiles(folder)
        self.outbox = Outbox(folder)
        self.journal = Journal(folder, identity, entropy=ports.entropy)
        self.counters = Counters(folder, last_edit=self.outbox.last_counter)
        self.guard = ports.guard
        self.lock_after_seconds = ports.lock_after_seconds
        self.line = Line(
            GuardedTransport(ports.connect(identity.server_url), self.guard),
            self.clock,
            self.counters,
            trust=lambda: self.trust,
            open_trust=identity.open_trust,
        )

    @property
    def is_there(self) -> bool:
        """Whether there still is a device in the folder."""
        return bool(self.folder.size(IDENTITY))

    @property
    def contact(self) -> Contact:
        """What the signed answers so far add up to."""
        return self._contact

    def keep(self, **changes: Any) -> None:
        """Change what is remembered of the contact, durably and as one, with all that was noted
        before."""
        contact = msgspec.structs.replace(self._contact, **changes)
        if contact != self._kept:
            self.clock.store_beside(CONTACT, contact)
            self._kept = contact
        self._take(contact)

    def note(self, **changes: Any) -> None:
        """The same, durable only with what is kept next, where that is enough: each answer says
        again how far the journal has come. A device that has forgotten it delivers again what is
        there, and holds on to it for longer."""
        contact = msgspec.structs.replace(self._contact, **changes)
        if contact.besides_progress != self._kept.besides_progress:
            self.keep(**changes)
        self._take(contact)

    def _take(self, contact: Contact) -> None:
        if contact.trust != self._contact.trust:
            self.trust = self.identity.open_trust(contact.trust)
        self._contact = contact

    def practitioners(self) -> tuple[str, ...]:
        """Who has keys on this device."""
        names = self.folder.names(PRACTITIONERS)
        return tuple(name.rpartition("/")[2] for name in names)

    @property
    def assurance(self) -> Assurance:
        """Where the device's secret lies."""
        return assurance(self.folder)

    def device_secret(self) -> bytes:
        """The device's secret. Raises as ``device_secret.device_secret``."""
        return device_secret(self.folder, self._needed_key_store())

    def erase_device_secret(self) -> None:
        """Erase the device's secret, wherever it lies."""
        erase_device_secret(self.folder, self._needed_key_store())

    def _needed_key_store(self) -> KeyStore | None:
        return self._key_store() if self.assurance == "platform" else None

    def ladder(self, practitioner: str) -> Ladder:
        """What their passphrase has been through."""
        return Ladder(self.folder, self.clock, practitioner)

    def finish_ladders(self) -> None:
        """Erase each lease whose ladder has ended, where a crash came between."""
        for practitioner in self.practitioners():
            self.ladder(practitioner).finish()

    def erased_leases(self) -> tuple[ErasedLease, ...]:
        """Those that wrong passphrases have cost, and that the server does not know of."""
        found = (
            (each, self.ladder(each).attempts.lease_erased_at) for each in self.practitioners()
        )
        return tuple(ErasedLease(each, at) for each, at in found if at)[:MAX_PRACTITIONERS]

    def distributions(self) -> tuple[Distribution, ...]:
        """What is in force, of all practitioners, and of one who is to come."""
        waits = self.hand_over()
        found = (
            *(stored_distribution(self.folder, self.identity, it) for it in self.practitioners()),
            waits.distribution if waits else None,
        )
        return tuple(distribution for distribution in found if distribution is not None)

    def hand_over(self) -> WaitingHandOver | None:
        """What waits here for its code."""
        return waiting_hand_over(self.folder, self.identity)

    def erase_unlisted_files(self) -> None:
        """Erase the sealed files that nobody's distribution lists."""
        self.files.keep_only(self._listed_files())

    def has_unlisted_files(self) -> bool:
        """Whether there are sealed files, or parts of some, that nobody's distribution lists."""
        return bool(self.files.besides(self._listed_files()))

    def _listed_files(self) -> frozenset[str]:
        return frozenset(
            entry.name
            for distribution in self.distributions()
            for manifest in distribution.manifests
            for entry in manifest.files
        )

    def erase_overdue_leases(self) -> None:
        """Erase each lease whose last deadline has passed; no passphrase is needed for that."""
        try:
            now = self.clock.now()
        except AccessClosed:
            return  # nothing opens with an untrusted clock; contact decides
        for practitioner in self.practitioners():
            with suppress(LocalDataDamaged):  # a lease that cannot be read opens nothing
                held = stored_lease(self.folder, self.identity, practitioner)
                if held is not None and not ALLOWED[held[1].state(now)].keep_keys:
                    self.folder.erase(lease_file(practitioner))
        with suppress(LocalDataDamaged):
            waits = self.hand_over()
            if waits is not None and not ALLOWED[waits.lease.state(now)].read:
                self.folder.erase(HAND_OVER)

    def discard_damaged(self) -> None:
        """Put aside documents that are damaged, so that a sync brings them again, or others in
        their place."""
        folder = self.folder
        for each in self.practitioners():
            for name, load in (
                (lease_file(each), partial(stored_lease, folder, self.identity, each)),
                (
                    distribution_file(each),
                    partial(stored_distribution, folder, self.identity, each),
                ),
                (store_key_file(each), partial(folder.load, store_key_file(each), WrappedStoreKey)),
                (
                    earlier_keys_file(each),
                    partial(folder.load, earlier_keys_file(each), EarlierKeys),
                ),
            ):
                try:
                    load()
                except LocalDataDamaged:
                    folder.remove(name)
        try:
            self.hand_over()
        except LocalDataDamaged:
            self.folder.remove(HAND_OVER)

    def lose_copies(self) -> None:
        """Erase every lease, list of partitions and sealed file: nothing is read here again until
        a server grants it anew."""
        people = self.practitioners()
        self.folder.erase(HAND_OVER, *(lease_file(each) for each in people))
        self.folder.erase(*(earlier_keys_file(each) for each in people))
        # While there is a file, some list names it: what is left can be told at any moment.
        self.files.keep_none()
        self.folder.remove(*(distribution_file(each) for each in people))

    def reload(self) -> None:
        """Go on with what lies in the folder now: another generation."""
        self.close()
        self._load()

    def close(self) -> None:
        """Let go of the open files."""
        self.outbox.close()
        self.journal.close()
