"""Checks a device's folder, and changes nothing in it (``fieldward field fsck``).

Without a passphrase: the form of every document, what is signed by whom, journal and outbox frame
by frame, sealed files against their signed lists, what does not belong here, and what a crash has
left for the next start. ``check_reading`` goes on from there with a passphrase.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from fieldward_client.checking.check_logs import check_journal, check_outbox
from fieldward_client.checking.findings import Finding, document_finding, finding
from fieldward_client.copies.files import FILES, PARTIAL
from fieldward_client.copies.hand_over import HAND_OVER, StoredHandOver, check_hand_over
from fieldward_client.copies.notices import KeptNotices
from fieldward_client.copies.store import StoredDistribution, check_distribution
from fieldward_client.disk.clock import STATE, TrustedClock
from fieldward_client.disk.counters import FILE as COUNTERS
from fieldward_client.disk.counters import Reserved
from fieldward_client.disk.folder import UNFINISHED, Folder
from fieldward_client.disk.reserve import RESERVE
from fieldward_client.enrolled.enrolment import ENROLLING, Enrolling
from fieldward_client.enrolled.generations import COMING_BACK, EARLIER, ComingBack
from fieldward_client.enrolled.installation import PRACTITIONERS, REDEEMING
from fieldward_client.enrolled.joining import JOINING, Joining
from fieldward_client.enrolled.taking_over import Redeeming
from fieldward_client.enrolled.time_asked import TIME_ASKED, TimeAsked
from fieldward_client.enrolled.wipe import WIPE, StoredWipe
from fieldward_client.keys.attempts import Attempts
from fieldward_client.keys.device_secret import DEVICE_SECRET, DeviceSecret
from fieldward_client.keys.identity import CONTACT, IDENTITY, Contact, Identity
from fieldward_client.keys.lease import EarlierKeys, StoredLease, WrappedStoreKey, check_grant
from fieldward_client.keys.vault import SealedVault
from fieldward_client.logs.journal import EPOCH_KEY, JOURNAL, EpochKey
from fieldward_client.logs.outbox import MADE, OUTBOX, Made
from fieldward_sync.clock import ClockState
from fieldward_sync.distribution import FileEntry, Manifest
from fieldward_sync.encoding import Message, MessageT
from fieldward_sync.errors import CallerMistake, LocalDataDamaged, PeerBrokeProtocol
from fieldward_sync.leases import ALLOWED

LOCK = "lock"
_DOCUMENTS: dict[str, type[Message]] = {
    IDENTITY: Identity,
    CONTACT: Contact,
    COUNTERS: Reserved,
    STATE: ClockState,
    DEVICE_SECRET: DeviceSecret,
    EPOCH_KEY: EpochKey,
    MADE: Made,
    WIPE: StoredWipe,
    ENROLLING: Enrolling,
    JOINING: Joining,
    TIME_ASKED: TimeAsked,
    HAND_OVER: StoredHandOver,
    COMING_BACK: ComingBack,
}
_OF_A_PRACTITIONER: dict[str, type[Message]] = {
    "vault": SealedVault,
    "attempts": Attempts,
    "lease": StoredLease,
    "store-key": WrappedStoreKey,
    "distribution": StoredDistribution,
    "earlier-keys": EarlierKeys,
    "notices": KeptNotices,
}
_ATTEMPTS = (ENROLLING, JOINING, COMING_BACK)
_DELIVERS = (JOURNAL, EPOCH_KEY, OUTBOX, MADE)
_ALWAYS = (*_DELIVERS, CONTACT, STATE)
"""What a device has from its enrolment on."""


@dataclass(frozen=True)
class Checked:
    """What a check has found, and how much it has looked at."""

    findings: tuple[Finding, ...]
    files: int
    sealed_bytes: int
    """Of the sealed files that were compared with their signed lists."""

    @property
    def is_sound(self) -> bool:
        """Whether nothing is damaged: what the next start finishes by itself is none."""
        return not any(each.weight == "damage" for each in self.findings)


def check_folder(folder: Folder, clock: TrustedClock) -> Checked:
    """Check a folder that is held. ``CallerMistake("not-enrolled")`` if it is no device's, and
    never was."""
    names = tuple(name for name in folder.everything() if name not in (LOCK, RESERVE))
    if not names:
        raise CallerMistake(
            "not-enrolled", "There is no device in this folder.", next_step="Name the right folder."
        )
    check = _Check(folder, names, clock)
    return Checked(tuple(check.run()), len(names), check.sealed_bytes)


class _Check:
    def __init__(self, folder: Folder, names: tuple[str, ...], clock: TrustedClock) -> None:
        self.sealed_bytes = 0
        self._folder = folder
        self._names = names
        self._clock = clock
        self._listed: dict[str, tuple[FileEntry, Manifest]] = {}
        self._needed: set[str] = set()
        """The sealed files that a lease reads; without one they come again before anything does."""
        self._wiped = WIPE in names

    def run(self) -> Iterator[Finding]:
        yield from self._forms()
        identity = _load(self._folder, IDENTITY, Identity)
        if identity is None:
            yield from self._without_identity()
            return
        plan = _load(self._folder, COMING_BACK, ComingBack)
        if plan is not None and plan.identity not in (None, identity):
            return  # the next start takes the place of all the rest
        yield from self._device(self._folder, identity, "")
        if not self._wiped:
            yield from self._practitioners(identity)
        yield from self._hand_over(identity)
        yield from self._files()
        for name in self._folder.names(EARLIER):
            if name == f"{EARLIER}/{identity.generation}":
                continue  # a copy of the present one, for a change that was not made
            before = self._folder.below(name)
            of_before = _load(before, IDENTITY, Identity)
            if of_before is not None:
                yield from self._device(before, of_before, f"{name}/")

    def _forms(self) -> Iterator[Finding]:
        """Every document's form, and whatever does not belong here."""
        for name in self._names:
            kind = _kind(name)
            if name.endswith(UNFINISHED):
                yield finding("half-replaced", name)
            elif kind is not None:
                try:
                    self._folder.load(name, kind)
                except LocalDataDamaged:
                    yield document_finding("document-damaged", name)
                if name in _ATTEMPTS:
                    yield finding("attempt", name)
            elif not _is_known(name):
                yield finding("stray", name)

    def _without_identity(self) -> Iterator[Finding]:
        if self._wiped:
            if len(self._names) > 1:
                yield finding("wipe-under-way", WIPE)
        elif {ENROLLING, DEVICE_SECRET}.isdisjoint(self._names) and not self._just_begun():
            yield document_finding("document-missing", IDENTITY)

    def _just_begun(self) -> bool:
        """Whether an enrolment broke off at the first file that it wrote."""
        return all(name.endswith(UNFINISHED) for name in self._names)

    def _device(self, folder: Folder, identity: Identity, prefix: str) -> Iterator[Finding]:
        """What a generation delivers with."""
        for name in _ALWAYS:
            if folder.read(name) is None:
                yield document_finding("document-missing", prefix + name)
        contact = _load(folder, CONTACT, Contact)
        if contact is not None:
            try:
                identity.open_trust(contact.trust)
            except PeerBrokeProtocol as e:
                yield finding("not-ours", prefix + CONTACT, why=e.message)
        if not prefix and self._wiped:
            yield finding("wipe-under-way", WIPE)
        elif not prefix and folder.read(DEVICE_SECRET) is None:
            yield document_finding("document-missing", DEVICE_SECRET)
        reserved = _load(folder, COUNTERS, Reserved)
        yield from check_outbox(folder, reserved.edits if reserved else None, prefix)
        yield from check_journal(folder, identity, contact, prefix)

    def _practitioners(self, identity: Identity) -> Iterator[Finding]:
        for home in self._folder.names(PRACTITIONERS):
            who = home.rpartition("/")[2]
            if not self._folder.names(home):
                continue
            for name in ("vault", "attempts"):
                unfinished = JOINING in self._names or f"{REDEEMING}/{who}" in self._names
                if not unfinished and self._folder.read(f"{home}/{name}") is None:
                    yield document_finding("document-missing", f"{home}/{name}")
            yield from self._lease(identity, home, who)
            yield from self._distribution(identity, home, who)

    def _lease(self, identity: Identity, home: str, who: str) -> Iterator[Finding]:
        stored = _load(self._folder, f"{home}/lease", StoredLease)
        if stored is None:
            return
        try:
            lease = check_grant(stored, identity, who)
        except PeerBrokeProtocol as e:
            yield finding("not-ours", f"{home}/lease", why=e.message)
            return
        if not ALLOWED[lease.state(self._clock.estimate())].keep_keys:
            yield finding("lease-overdue", f"{home}/lease")

    def _distribution(self, identity: Identity, home: str, who: str) -> Iterator[Finding]:
        stored = _load(self._folder, f"{home}/distribution", StoredDistribution)
        if stored is None:
            return
        try:
            listed = check_distribution(stored, identity, who)
        except PeerBrokeProtocol as e:
            yield finding("not-ours", f"{home}/distribution", why=e.message)
            return
        if self._folder.read(f"{home}/lease") is not None:
            self._needed |= {entry.name for each in listed.manifests for entry in each.files}
        for manifest in listed.manifests:
            self._listed |= {entry.name: (entry, manifest) for entry in manifest.files}

    def _hand_over(self, identity: Identity) -> Iterator[Finding]:
        stored = _load(self._folder, HAND_OVER, StoredHandOver)
        if stored is None:
            return
        try:
            waits = check_hand_over(stored, identity)
        except PeerBrokeProtocol as e:
            yield finding("not-ours", HAND_OVER, why=e.message)
            return
        for manifest in waits.distribution.manifests:
            self._needed |= {entry.name for entry in manifest.files}
            self._listed |= {entry.name: (entry, manifest) for entry in manifest.files}

    def _files(self) -> Iterator[Finding]:
        """Every sealed file against the signed list that names it."""
        present = {name.rpartition("/")[2] for name in self._names if name.startswith(f"{FILES}/")}
        for name in sorted(present - self._listed.keys()):
            if not name.endswith(UNFINISHED):
                is_part = name.endswith(PARTIAL)
                yield finding("half-fetched" if is_part else "unlisted", f"{FILES}/{name}")
        for name, (entry, manifest) in sorted(self._listed.items()):
            where = f"{FILES}/{name}"
            sealed = self._folder.read(where)
            if sealed is None and name not in self._needed:
                continue
            if sealed is None:
                yield finding("file-missing", where, title=manifest.title)
                continue
            self.sealed_bytes += len(sealed)
            if len(sealed) != entry.sealed_bytes or hashlib.sha256(sealed).hexdigest() != name:
                yield finding("file-changed", where, title=manifest.title)


def _kind(name: str) -> type[Message] | None:
    """What kind of document a file has to be; ``None`` if it is none."""
    parts = name.split("/")
    if parts[0] == EARLIER and len(parts) == 3:
        return _DOCUMENTS.get(parts[2])
    if parts[0] == REDEEMING and len(parts) == 2:
        return Redeeming
    if parts[0] == PRACTITIONERS and len(parts) == 3:
        return _OF_A_PRACTITIONER.get(parts[2])
    return _DOCUMENTS.get(name)


def _is_known(name: str) -> bool:
    parts = name.split("/")
    logs = (JOURNAL, OUTBOX)
    return (
        name in logs
        or (parts[0] == FILES and len(parts) == 2)
        or (parts[0] == EARLIER and len(parts) == 3 and parts[2] in logs)
    )


def _load(folder: Folder, name: str, kind: type[MessageT]) -> MessageT | None:
    """A document, if it is there and sound; that it is not has been found before."""
    try:
        return folder.load(name, kind)
    except LocalDataDamaged:
        return None
