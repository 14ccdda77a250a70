"""A wipe: how soon after the order has come no key that reads is left."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from threading import Thread

from bench.results import Row, at_most
from bench.run import CASELOAD, WHOLE, Run
from bench.stage import FieldDevice, Stage
from fieldward_client.device_secret import DEVICE_SECRET
from fieldward_client.lease import lease_file, store_key_file
from fieldward_client.vault import vault_file
from fieldward_server.services.wipes import order_wipe
from fieldwork import AUTHORITY

_POLL_SECONDS = 0.0005


def wipe_rows(run: Run) -> Iterator[Row]:
    """With a large store and with a small one."""
    for partition, held in ((WHOLE, run.scale.records), (CASELOAD, run.scale.caseload)):
        rounds = [
            _seconds_to_wipe(run.large, run.large.enrol(f"wiped-{partition}-{number}", partition))
            for number in range(run.scale.rounds)
        ]
        yield at_most(f"wipe, {held:,} held: keys gone", median(rounds) * 1000, "ms", 100)


def _seconds_to_wipe(stage: Stage, held: FieldDevice) -> float:
    held.sync()
    practitioner = "p-1"
    keys = [
        held.home / name
        for name in (
            DEVICE_SECRET,
            lease_file(practitioner),
            store_key_file(practitioner),
            vault_file(practitioner),
        )
    ]
    if not all(key.exists() for key in keys):
        raise RuntimeError(f"a key to be wiped is not where it was looked for: {keys}")
    order_wipe(
        stage.platform,
        authority=AUTHORITY,
        device=held.device.status().device,
        actor="bench",
        reason="lost",
        now=int(time.time()),
    )
    watch = _Watch(keys)
    travelled = held.wire.begin()
    watch.start()
    report = held.device.sync()
    watch.join()
    if not report.wiped:
        raise RuntimeError(f"the device was not wiped: {report}")
    held.device.close()
    return watch.gone_at - travelled.first_answer_at


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
