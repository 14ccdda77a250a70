"""The device's clocks, and what it trusts of them (design §8, V5)."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from fieldward_client.disk.folder import Folder
from fieldward_sync.clock import ClockState, Reading
from fieldward_sync.encoding import Message
from fieldward_sync.errors import AccessClosed, LocalDataDamaged

STATE = "clock"
REMEMBER_SECONDS = 5 * 60
"""How far trusted time may run ahead of what is stored: what a crash can give back at most."""

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Clock(Protocol):
    """Where readings come from."""

    def reading(self) -> Reading:
        """What the device's clocks say now."""


class SystemClock:
    """The clocks of a Linux machine; ``CLOCK_BOOTTIME`` runs on while it sleeps."""

    def __init__(self) -> None:
        # Once, because no process outlives it: what is over closes where no file can be opened.
        self._boot = _BOOT_ID.read_text().strip()

    def reading(self) -> Reading:
        """What the machine's clocks say now."""
        return Reading(
            wall=int(time.time()),
            since_boot=int(time.clock_gettime(time.CLOCK_BOOTTIME)),
            boot=self._boot,
        )


class TrustedClock:
    """Trusted time, remembered in the folder so that it only moves forward."""

    def __init__(self, folder: Folder, clock: Clock) -> None:
        self._folder, self._clock = folder, clock
        self._state: ClockState | None = None
        with suppress(LocalDataDamaged):  # nothing is read until contact, and all is delivered
            self._state = folder.load(STATE, ClockState)
        self._stored = self._state

    @classmethod
    def start(cls, folder: Folder, clock: Clock, server_time: int) -> None:
        """The first memory: enrolment was the first contact."""
        folder.store(STATE, ClockState.at_contact(server_time, clock.reading()))

    def reading(self) -> Reading:
        """What the device's clocks say now, trusted or not."""
        return self._clock.reading()

    def now(self) -> int:
        """The trusted time; ``AccessClosed("clock-untrusted")`` if there is none."""
        if self._state is None:
            raise AccessClosed("clock-untrusted", "The device has lost its memory of time.")
        state = self._state.advanced(self._clock.reading())
        if not self._is_remembered(state):
            self._keep(state)
        return state.mark

    def estimate(self) -> int:
        """The likeliest time, fit to sign requests with and for nothing that depends on trust."""
        reading = self._clock.reading()
        if self._state is None or reading.boot != self._state.at.boot:
            return reading.wall
        return self._state.server_time + reading.since_boot - self._state.at.since_boot

    def contact(self, server_time: int, asked: Reading) -> None:
        """A fresh time of the server's, signed and bound to what we asked, replaces every mark;
        ``asked`` is the reading before we did."""
        self._keep(ClockState.at_contact(server_time, asked))

    def answered(self, server_time: int, asked: Reading) -> None:
        """The same time with an answer of many. It counts at once; where it is what is stored, to
        within what a crash may give back, it is stored when something else is."""
        state = ClockState.at_contact(server_time, asked)
        if self._is_remembered(state):
            self._state = state
        else:
            self._keep(state)

    def remember(self) -> None:
        """Store how far trusted time has come, if there is any."""
        if self._state is not None:
            with suppress(AccessClosed):
                self._keep(self._state.advanced(self._clock.reading()))

    def store_beside(self, name: str, message: Message) -> None:
        """Replace a file by a message, and have stored by then how far trusted time has come."""
        if self._state is None or self._state == self._stored:
            self._folder.store(name, message)
        else:
            self._folder.store_each({STATE: self._state, name: message})
            self._stored = self._state

    def _is_remembered(self, state: ClockState) -> bool:
        """Whether a crash before this state is stored would give back no more than it may."""
        stored = self._stored
        return (
            stored is not None
            and stored.at.boot == state.at.boot
            and abs(state.mark - stored.mark) <= REMEMBER_SECONDS
        )

    def _keep(self, state: ClockState) -> None:
        # Several answers of one second say the same: each time on the disk costs two fsyncs.
        if state != self._stored:
            self._folder.store(STATE, state)
            self._stored = state
        self._state = state
