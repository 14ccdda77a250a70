"""A device whose copies must go: how soon no key that reads is left.

Without signal its lease ends by itself, at a time that is known, and nothing has to be measured.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from threading import Thread
from typing import NamedTuple

from bench.results import Row, at_most
from bench.run import CASELOAD, WHOLE, Run
from bench.stage import FieldDevice, Stage
from children import AUTHORITY
from fieldward_client import SyncReport
from fieldward_client.keys.device_secret import DEVICE_SECRET
from fieldward_client.keys.lease import lease_file, store_key_file
from fieldward_client.keys.vault import vault_file
from fieldward_server.services.custody.devices import set_access
from fieldward_server.services.custody.wipes import order_wipe
from fieldward_sync.access import Access

_POLL_SECONDS = 0.0005
_ROUNDS = 2
"""Of each size: for more than five wipes within an hour a second administrator is asked."""
_PRACTITIONER = "p-1"
_LEASE = lease_file(_PRACTITIONER)
_ALL_KEYS = (DEVICE_SECRET, _LEASE, store_key_file(_PRACTITIONER), vault_file(_PRACTITIONER))


class _Seconds(NamedTuple):
    """Until the last key was gone."""

    after_the_decision: float
    after_the_answer: float


def wipe_rows(run: Run) -> Iterator[Row]:
    """With a large store and with a small one."""
    for held, took in _rounds(run, "wiped", _wipe):
        answered = median(each.after_the_answer for each in took)
        yield at_most(f"wipe, {held:,} held: keys gone", answered * 1000, "ms", 100)


def revocation_rows(run: Run) -> Iterator[Row]:
    """From an administrator's decision, for a device that syncs at that moment."""
    for held, took in _rounds(run, "revoked", _revoke):
        decided = median(each.after_the_decision for each in took)
        yield Row(f"revocation to unreadable, {held:,} held", decided * 1000, "ms")


def _rounds(
    run: Run, what: str, erase: Callable[[Stage, FieldDevice], _Seconds]
) -> Iterator[tuple[int, list[_Seconds]]]:
    for partition, held in ((WHOLE, run.scale.records), (CASELOAD, run.scale.caseload)):
        rounds = min(run.scale.rounds, _ROUNDS)
        names = [f"{what}-{partition}-{number}" for number in range(rounds)]
        yield held, [erase(run.large, run.large.enrol(name, partition)) for name in names]


def _wipe(stage: Stage, held: FieldDevice) -> _Seconds:
    def decide(device: str) -> None:
        order_wipe(
            stage.platform,
            authority=AUTHORITY,
            device=device,
            actor="bench",
            reason="lost",
            now=int(time.time()),
        )

    return _erased(held, decide, _ALL_KEYS, lambda report: report.wiped)


def _revoke(stage: Stage, held: FieldDevice) -> _Seconds:
    def decide(device: str) -> None:
        set_access(
            stage.platform,
            authority=AUTHORITY,
            device=device,
            access=Access.REVOKED,
            actor="bench",
            reason="lost",
            now=int(time.time()),
        )

    return _erased(held, decide, (_LEASE,), lambda report: report.access == "revoked")


def _erased(
    held: FieldDevice,
    decide: Callable[[str], None],
    keys: Sequence[str],
    is_told: Callable[[SyncReport], bool],
) -> _Seconds:
    held.sync()
    files = [held.home / name for name in keys]
    if not all(file.exists() for file in files):
        raise RuntimeError(f"a key to be erased is not where it was looked for: {files}")
    decided_at = time.perf_counter()
    decide(held.device.status().device)
    watch = _Watch(files)
    travelled = held.wire.begin()
    watch.start()
    report = held.device.sync()
    if not is_told(report):
        raise RuntimeError(f"the device does not say what was decided: {report}")
    watch.join()
    held.device.close()
    return _Seconds(watch.gone_at - decided_at, watch.gone_at - travelled.first_answer_at)


class _Watch(Thread):
    """Notes when the last of some files is gone."""

    def __init__(self, files: Sequence[Path]) -> None:
        super().__init__(daemon=True)
        self._files = files
        self.gone_at = 0.0

    def run(self) -> None:
        while any(file.exists() for file in self._files):
            time.sleep(_POLL_SECONDS)
        self.gone_at = time.perf_counter()
