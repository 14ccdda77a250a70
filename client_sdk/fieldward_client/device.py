"""A device: what an integrator holds in hand."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Self

from fieldward_client.copies.notices import Notice
from fieldward_client.disk.clock import Clock, SystemClock
from fieldward_client.disk.folder import Folder, missing
from fieldward_client.enrolled.enrolment import enrol, forget_attempt
from fieldward_client.enrolled.generations import finish_coming_back, go_on_coming_back
from fieldward_client.enrolled.installation import LOCK_AFTER_SECONDS, Installation, Ports
from fieldward_client.enrolled.joining import join
from fieldward_client.enrolled.practitioner import Practitioner, locked
from fieldward_client.enrolled.taking_over import (
    finish_taking_over,
    forget_unfinished,
    redeem,
    take_over,
)
from fieldward_client.enrolled.time_asked import ask_for_time, take_time
from fieldward_client.enrolled.watch import (
    DeviceEvent,
    Observer,
    ThreadTimer,
    Timer,
    Watch,
    countdown,
)
from fieldward_client.enrolled.wipe import go_on, gone, is_gone, is_wiped, require_not_gone, wiped
from fieldward_client.keys.device_secret import KeyStore, platform_key_store
from fieldward_client.keys.passphrases import check_typed
from fieldward_client.keys.vault import nobody_called
from fieldward_client.looking.session import Session
from fieldward_client.status import PendingEdit, Status, read_pending, read_status
from fieldward_client.syncing.synchronise import synchronise
from fieldward_client.wire.guard import Guard, Overtaken
from fieldward_client.wire.patience import PATIENCE_SECONDS, Patience
from fieldward_client.wire.report import Progress, SyncProgress, SyncReport
from fieldward_client.wire.transport import HttpTransport, Transport
from fieldward_sync.errors import AccessClosed, CallerMistake, LocalDataDamaged, RetryLater
from fieldward_sync.invitations import read_code
from fieldward_sync.sealing import Entropy


class Device:
    """One enrolled device, open. Use it in ``with``, or ``close`` it: closing is locking.

    A device belongs to one process and, in it, to one thread at a time, but for a ``sync`` beside
    look-ups, edits and ``status``. Without signal everything but ``sync`` works; being offline is
    an outcome of ``sync``, never an exception.
    """

    def __init__(
        self,
        installation: Installation,
        practitioner_id: str | None,
        practitioner: Practitioner | None,
        resources: ExitStack,
        timer: Timer,
        observer: Observer | None,
    ) -> None:
        """For ``enrol`` and ``open`` alone."""
        self._installation = installation
        self._practitioner_id = practitioner_id
        self._practitioner = practitioner
        self._resources = resources
        self._closed = False
        self._syncing = Lock()
        self._watch = Watch(timer, self._look, observer)
        if practitioner is not None:
            self._watch.begin()

    def __repr__(self) -> str:
        return f"<Device {self._installation.identity.device}>"

    @classmethod
    def enrol(
        cls,
        home: str | os.PathLike[str],
        server_url: str,
        code: str,
        *,
        passphrase: str,
        name: str = "device",
        clock: Clock | None = None,
        transport: Transport | None = None,
        entropy: Entropy = os.urandom,
        key_store: KeyStore | None = None,
        timer: Timer | None = None,
        observer: Observer | None = None,
        lock_after_seconds: int = LOCK_AFTER_SECONDS,
    ) -> Device:
        """Make a folder a device, with an invitation code that names its practitioner; opened.

        ``name`` is what administrators see. ``key_store`` takes the place of the platform's, which
        keeps the device's secret where there is one. Raises ``CallerMistake`` for what cannot be,
        ``RetryLater`` without the server, ``RefusedByServer`` for a code that is used up or over,
        ``PeerBrokeProtocol`` if what answers is not who the code names. The same call may be
        repeated after each: it goes on where it was.
        """
        ports = _ports(clock, transport, entropy, key_store, timer, lock_after_seconds)
        folder = Folder(Path(home))
        folder.create()
        with folder.held():
            practitioner = enrol(
                folder, server_url, code, passphrase=passphrase, name=name, ports=ports
            )
        return cls._open(folder, practitioner, passphrase, ports, observer)

    @classmethod
    def open(
        cls,
        home: str | os.PathLike[str],
        practitioner: str | None = None,
        passphrase: str | None = None,
        *,
        clock: Clock | None = None,
        transport: Transport | None = None,
        entropy: Entropy = os.urandom,
        key_store: KeyStore | None = None,
        timer: Timer | None = None,
        observer: Observer | None = None,
        lock_after_seconds: int = LOCK_AFTER_SECONDS,
    ) -> Device:
        """Open a device for a practitioner, who may be left out where there is only one.

        Without a passphrase it stays locked: it can deliver, fetch orders and obey them, and
        nothing else. Raises ``AccessClosed`` for a wrong passphrase or a wiped device,
        ``CallerMistake`` where there is no such device or practitioner,
        ``RetryLater("folder-in-use")`` if it is open already, here or in another process, and
        ``LocalDataDamaged``.
        """
        folder = Folder(Path(home))
        ports = _ports(clock, transport, entropy, key_store, timer, lock_after_seconds)
        return cls._open(folder, practitioner, passphrase, ports, observer)

    @classmethod
    def _open(
        cls,
        folder: Folder,
        practitioner_id: str | None,
        passphrase: str | None,
        ports: Ports,
        observer: Observer | None,
    ) -> Device:
        with ExitStack() as undo:
            undo.enter_context(folder.held())
            with suppress(LocalDataDamaged):  # the next start tries again
                folder.erase_unfinished()
            require_not_gone(folder)
            go_on_coming_back(folder)
            installation = Installation(folder, ports)
            undo.callback(installation.close)
            forget_attempt(folder)
            go_on(installation)
            installation.erase_overdue_leases()
            installation.finish_ladders()
            forget_unfinished(installation)
            chosen = practitioner_id or _only_one(installation)
            practitioner = _unlock(installation, chosen, passphrase)
            return cls(installation, chosen, practitioner, undo.pop_all(), ports.timer, observer)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Lock: close the journal's epoch, drop every key from memory, let go of the folder."""
        self._put_out(Practitioner.close)
        with self._guard.held(), self._resources:
            if not self._closed and self._installation.is_there:
                with suppress(LocalDataDamaged):  # the next start closes the epoch instead
                    self._installation.journal.seal(self._installation.clock.estimate())
                    self._installation.clock.remember()
            self._closed = True
            self._guard.break_off(_closed())

    def sync(
        self, progress: Progress | None = None, *, patience_seconds: float = PATIENCE_SECONDS
    ) -> SyncReport:
        """Deliver what was typed and looked up, and bring lease and copies up to date.

        Where the server has others to serve first, it waits in line for ``patience_seconds`` in
        all; ``progress`` is told each second, and may end the sync by raising: what came is kept.
        Raises ``LocalDataDamaged`` if the folder cannot be worked with, ``AccessClosed`` on a
        device that has been wiped and has nothing more to say, ``RetryLater("sync-under-way")`` if
        another thread is syncing it, and ``CallerMistake("device-closed")`` if it is closed
        meanwhile; all else is an outcome.
        """
        if not self._syncing.acquire(blocking=False):
            raise RetryLater("sync-under-way", "This device is being synced already.")
        try:
            with self._guard.held():
                self._require_open()
                before = self._present()
                report, after = synchronise(
                    self._installation,
                    before,
                    self._guard.telling(progress or _tell_nobody),
                    patience_seconds=patience_seconds,
                )
                as_before = self._practitioner is before  # nobody came or went meanwhile
                if as_before:
                    self._practitioner = after
            if as_before and after is None:
                self._watch.end()
            elif as_before and after is not before:  # the folder came back from an old copy
                self._watch.begin()
            return report
        finally:
            self._syncing.release()

    def lock(self) -> None:
        """Drop every key and open copy from memory, and close the journal's epoch; what is left of
        the device stays open, so that it can deliver, obey and be unlocked. Sessions that are still
        in somebody's hands refuse."""
        self._put_out(Practitioner.lock)
        self._require_open()

    def unlock(self, passphrase: str, practitioner: str | None = None) -> None:
        """Open the keys of a practitioner, who may be left out where it is who was here last.
        Whoever was here before is locked out first. Raises as ``open``."""
        self._require_open()
        check_typed(passphrase)
        self._put_out(Practitioner.lock)
        with self._guard.held():
            finish_coming_back(self._installation)
            chosen = practitioner or self._practitioner_id
            self._let_in(chosen, _unlock(self._installation, chosen, passphrase))
        self._watch.begin()

    def change_passphrase(self, old: str, new: str) -> None:
        """Have another passphrase open this practitioner's keys; durable when it returns, and at a
        crash the old one or the new one opens them. No lease is needed.

        Raises ``AccessClosed`` for a wrong old one, which counts as at unlocking, and
        ``CallerMistake`` for a new one that protects nothing.
        """
        self._require_open()
        with self._guard.held():
            self._here_now().change_passphrase(old, new)

    @property
    def practitioners(self) -> tuple[str, ...]:
        """Who has keys on this device, by id."""
        self._require_open()
        return self._installation.practitioners()

    def join(self, code: str, *, passphrase: str) -> str:
        """Give the practitioner behind an invitation code keys of their own on this device, and
        unlock it for them: their id. Whoever was here before is locked out first; they come back
        with ``unlock``. The same for one who is here and has forgotten the passphrase: what was
        typed under it can no longer be shown, and is delivered all the same.

        A code for a hand-over needs no signal: it opens what a sync before has brought, and what it
        is for can be read at once; the next sync tells the server (P6).

        Raises as ``enrol``; for a hand-over ``CallerMistake``, and ``AccessClosed`` where nothing
        may be read. The same call may be repeated after each: it goes on where it was.
        """
        invitation = read_code(code)
        self._require_open()
        if is_wiped(self._installation):
            raise wiped("Nobody joins it any more.")
        self._put_out(Practitioner.lock)
        here = self._installation
        with self._guard.held():
            finish_coming_back(here)
            if invitation.hands_over:
                practitioner = take_over(here, invitation, passphrase=passphrase)
            else:
                redeem(here, Patience(0, _tell_nobody, self._guard))
                joined, vault = join(here, invitation, passphrase=passphrase)
                practitioner = Practitioner(here, joined, vault)
            self._let_in(practitioner.id, practitioner)
        self._watch.begin()
        return practitioner.id

    def still_here(self) -> None:
        """Somebody reads or types: put off the lock for want of use. For what the device does not
        see by itself; each look-up and edit counts without. Raises ``AccessClosed("locked")``."""
        self._require_open()
        with self._guard.held():
            self._here_now().use()

    def ask_for_time(self) -> str:
        """A challenge to read to the office, where the clock is not trusted and there is no signal.

        The answer to it is good once, for an hour, until the machine is started again or another
        challenge is asked for. Raises ``AccessClosed("locked")``.
        """
        self._require_open()
        with self._guard.held():
            self._here_now()
            return ask_for_time(self._installation)

    def take_time(self, code: str) -> None:
        """Take the time from the code that the office gave for the challenge, as from a sync. It
        makes no lease longer: what is over stays closed.

        ``CallerMistake``: "code-mistyped" says which groups, "time-code-wrong" for another device's
        or challenge's code, "time-not-asked" and "time-asked-before" where a new challenge is
        needed. Raises ``AccessClosed("locked")``.
        """
        self._require_open()
        with self._guard.held():
            self._here_now()
            take_time(self._installation, code)

    def session(self, reason: str, on_behalf_of: str | None = None) -> Session:
        """Begin looking things up, for one of ``REASONS``, for oneself or for a colleague."""
        self._require_open()
        with self._guard.held():
            practitioner = self._here_now()
            practitioner.use()
        return Session(self._installation, practitioner, reason=reason, on_behalf_of=on_behalf_of)

    def status(self) -> Status:
        """Where the device stands; readable while locked."""
        self._require_open()
        with self._guard.held():
            return read_status(self._installation, self._practitioner_id, self._present())

    def pending(self) -> tuple[PendingEdit, ...]:
        """Each edit that is unsent or was refused; what it says, while it can be read."""
        self._require_open()
        with self._guard.held():
            return read_pending(self._installation, self._practitioner_id, self._present())

    def notices(self) -> tuple[Notice, ...]:
        """What became of one's edits after their verdicts, and was not marked as read yet.

        Raises ``AccessClosed`` while records cannot be read.
        """
        self._require_open()
        with self._guard.held():
            practitioner = self._here_now()
            practitioner.use()
            return practitioner.notices.open(practitioner.holdings().store_key)

    def mark_read(self, *notices: Notice) -> None:
        """These were shown to the practitioner; durable when this returns, and the server is told
        with the next sync. A refused edit that was decided is no longer among ``pending``."""
        self._require_open()
        with self._guard.held():
            practitioner = self._here_now()
            practitioner.use()
            decided = (n.edit for n in notices if n.edit is not None and n.path is None)
            self._installation.outbox.decide(decided)
            practitioner.notices.mark_read({notice.id for notice in notices})

    @property
    def _guard(self) -> Guard:
        return self._installation.guard

    def _present(self) -> Practitioner | None:
        """Who is at the device, if they may still be; what is over is closed."""
        if self._practitioner is not None:
            with suppress(LocalDataDamaged):  # what is open was dropped; whoever reads is told
                self._practitioner.check()
            if not self._practitioner.is_open:
                self._practitioner = None
        return self._practitioner

    def _here_now(self) -> Practitioner:
        practitioner = self._present()
        if practitioner is None:
            raise locked()
        return practitioner

    def _look(self) -> DeviceEvent | None:
        """What the watch does at each tick."""
        with self._guard.held():
            practitioner = self._present()
            if practitioner is None:
                return DeviceEvent("locked", "locked")
            try:
                why = practitioner.check()
                now = self._installation.clock.now() if why is None else 0
            except LocalDataDamaged as e:
                return DeviceEvent("closed", e.code)
            if why is not None or practitioner.lease is None:
                return DeviceEvent("closed", why.code if why is not None else "no-lease")
            return countdown(practitioner.lease, now)

    def _let_in(self, practitioner_id: str | None, practitioner: Practitioner | None) -> None:
        """Have them at the device; a sync that is under way began with somebody else, or nobody."""
        self._practitioner_id, self._practitioner = practitioner_id, practitioner
        self._guard.break_off(Overtaken())

    def _put_out(self, end: Callable[[Practitioner, AccessClosed], None]) -> None:
        """Have nobody at the device."""
        self._watch.end()
        with self._guard.held():
            if self._practitioner is not None:
                end(self._practitioner, locked())
            self._practitioner = None

    def _require_open(self) -> None:
        if self._closed:
            raise _closed()
        if not self._installation.is_there:
            raise gone() if is_gone(self._installation.folder) else missing()


def _closed() -> CallerMistake:
    return CallerMistake("device-closed", "This device has been closed; open it again.")


def _unlock(
    installation: Installation, practitioner: str | None, passphrase: str | None
) -> Practitioner | None:
    people = installation.practitioners()
    # After a wipe nobody has keys; what is left is still delivered, in whosever name.
    if practitioner is not None and practitioner not in people and not is_wiped(installation):
        raise nobody_called(practitioner, *people)
    if passphrase is None:
        return None
    if is_wiped(installation):
        raise wiped("Open it without a passphrase and sync, to deliver what is left.")
    if practitioner is None:
        raise CallerMistake("practitioner-missing", "Say who is to work on this device.")
    unlocked = Practitioner.unlock(installation, practitioner, passphrase)
    finish_taking_over(installation, unlocked)
    return unlocked


def _only_one(installation: Installation) -> str | None:
    people = installation.practitioners()
    return people[0] if len(people) == 1 else None


def _ports(
    clock: Clock | None,
    transport: Transport | None,
    entropy: Entropy,
    key_store: KeyStore | None,
    timer: Timer | None,
    lock_after_seconds: int,
) -> Ports:
    def connect(server_url: str) -> Transport:
        return transport or HttpTransport(server_url)

    def keep() -> KeyStore | None:
        return key_store or platform_key_store()

    return Ports(
        clock or SystemClock(), entropy, connect, keep, timer or ThreadTimer(), lock_after_seconds
    )


def _tell_nobody(progress: SyncProgress) -> None:
    """For whoever did not ask."""
