"""Whether the service can work, part by part. Nothing secret is told: no path, no name, no error.

A part that stops the work makes the whole not ready. One that only hinders it does not: a server
that cannot seal at the moment still takes edits and look-ups, which is worth more than a balancer
sending everybody elsewhere.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from fieldward_server.services.authorities import open_answer_key
from fieldward_server.services.platform import Platform
from fieldward_server.storage import Transaction, authorities, sealed_files, turns
from fieldward_sync.errors import Error, PeerBrokeProtocol, RetryLater

State = Literal["ok", "hindered", "failed"]

CLOCK_BEHIND_SECONDS = 60
"""How far the clock may be behind what was written by it, here or by another worker."""
FILES_LOOKED_AT = 16
"""How many of the listed files are looked for: of a folder that is lost, or another host's, none is
there; a single one is soon made again."""


@dataclass(frozen=True)
class Part:
    """One part of the service, and how it is."""

    name: str
    state: State = "ok"
    message: str = ""
    """What is wrong, for an operator; empty where nothing is."""


class NotReady(RetryLater):
    """Some part stops the work."""

    def __init__(self, parts: tuple[Part, ...]) -> None:
        failed = [part.message for part in parts if part.state == "failed"]
        super().__init__("not-ready", " ".join(failed))
        self.parts = parts


def require_ready(
    platform: Platform, *, longest_seconds: Mapping[str, int], now: int
) -> tuple[Part, ...]:
    """How each part is, none of them failed; else ``NotReady``.

    ``longest_seconds`` says how long each job may go without being done.
    """
    parts = _read_parts(platform, longest_seconds, now=now)
    if any(part.state == "failed" for part in parts):
        raise NotReady(parts)
    return parts


def _read_parts(
    platform: Platform, longest_seconds: Mapping[str, int], *, now: int
) -> tuple[Part, ...]:
    listed: tuple[str, ...] = ()
    try:
        pending = platform.storage.pending_migrations()
        if pending:
            stored = [Part("migrations", "failed", "The database waits for its migrations.")]
        else:
            with platform.storage.reading() as transaction:
                stored = list(_stored(platform, transaction, longest_seconds, now=now))
                listed = sealed_files.some_listed(transaction, at_most=FILES_LOOKED_AT)
    except Error as e:
        return (Part("database", "failed", e.message), _files(platform, listed))
    return (Part("database"), *stored, _files(platform, listed))


def _stored(
    platform: Platform,
    transaction: Transaction,
    longest_seconds: Mapping[str, int],
    *,
    now: int,
) -> Iterator[Part]:
    """What the database has to say."""
    yield Part("migrations")
    codes = authorities.codes(transaction)
    yield _master_key(platform, transaction, codes)
    yield _restore(codes, authorities.serving(transaction))
    done_at = turns.done_at(transaction)
    overdue = sorted(
        job for job, longest in longest_seconds.items() if now > done_at.get(job, now) + longest
    )
    yield _part("jobs", not overdue, f"Not done for too long: {', '.join(overdue)}.", "hindered")
    behind = max(done_at.values(), default=now) - now
    yield _part(
        "clock",
        behind <= CLOCK_BEHIND_SECONDS,
        f"The clock is {behind} s behind what was written by it.",
        "hindered",
    )


def _master_key(platform: Platform, transaction: Transaction, codes: Sequence[str]) -> Part:
    """Whether the master key is the one that wrapped what is in the database."""
    row = authorities.find(transaction, codes[0]) if codes else None
    try:
        if row is not None:
            open_answer_key(platform, row)
    except PeerBrokeProtocol:
        return Part("master-key", "failed", "The master key is not this database's.")
    return Part("master-key")


def _restore(codes: Sequence[str], serving: Collection[str]) -> Part:
    """Whether every authority that came from a backup has been let serve again."""
    unfinished = [code for code in codes if code not in serving]
    return _part(
        "restore",
        not unfinished,
        f"Restored and not serving yet: {', '.join(unfinished)}.",
        "hindered" if len(unfinished) < len(codes) else "failed",
    )


def _files(platform: Platform, listed: Iterable[str]) -> Part:
    """Whether what is sealed here can be kept, and what was sealed anywhere be given out."""
    if not platform.files.can_write():
        return Part("files", "hindered", "The files folder takes no file.")
    lost = any(platform.files.path(name) is None for name in listed)
    return _part("files", not lost, "The files folder lacks files that are listed.", "hindered")


def _part(name: str, holds: bool, message: str, otherwise: State) -> Part:
    return Part(name) if holds else Part(name, otherwise, message)
