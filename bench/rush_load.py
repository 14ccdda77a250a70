"""Devices that make their first sync all at once, and wait in line where they are told to.

    python -m bench.rush_load JOB RESULTS

A process of its own, so that what is measured and what measures share no interpreter. A device here
asks, waits and fetches as the SDK does, and opens nothing.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import msgspec

from bench.enquiry_load import Asker
from fieldward_client import HttpTransport
from fieldward_client.syncing.deliver import PATH
from fieldward_client.wire.exchange import Caller, send
from fieldward_client.wire.guard import Guard
from fieldward_client.wire.patience import PATIENCE_SECONDS, Patience
from fieldward_client.wire.transport import seconds_to_wait
from fieldward_sync.distribution import Distribution
from fieldward_sync.encoding import decode
from fieldward_sync.messages import MAX_ANSWER_BYTES, SyncAnswer, key_id
from fieldward_sync.problems import Crowded
from fieldward_sync.signing import MAX_SIGNED_BYTES, signing_key


class Rush(msgspec.Struct, frozen=True):
    """Who makes a first sync, and with which request."""

    url: str
    devices: list[tuple[Asker, bytes]]


class Fetched(msgspec.Struct, frozen=True):
    """One device's first sync, from the moment at which all began."""

    seconds: float
    waits: int
    received: int
    """Bytes of sealed files."""


class _Device:
    def __init__(self, url: str, asker: Asker, body: bytes) -> None:
        self._transport = HttpTransport(url)
        self._asker, self._body = asker, body
        self._counter = asker.next_counter
        self._waits = self._received = 0
        self._patience = Patience(PATIENCE_SECONDS, lambda _: None, Guard())

    def first_sync(self, together: Barrier) -> Fetched:
        together.wait()
        began = time.perf_counter()
        answer = self._patience.until_let_in(self._ask)
        assert answer.distribution is not None
        listed = decode(Distribution, answer.distribution.payload, max_bytes=MAX_SIGNED_BYTES)
        for entry in (entry for manifest in listed.manifests for entry in manifest.files):
            self._patience.until_let_in(lambda name=entry.name: self._fetch(name))  # type: ignore[misc] # bound now
        return Fetched(time.perf_counter() - began, self._waits, self._received)

    def _ask(self) -> SyncAnswer:
        asker = self._asker
        who = key_id(asker.authority, asker.device, asker.generation, asker.practitioner)
        sent = send(
            self._transport,
            PATH,
            self._body,
            caller=Caller(signing_key(asker.signing_key), who),
            counter=self._counter,
            created=int(time.time()),
        )
        self._counter += 1
        if sent.answer.status == 503:
            self._waits += 1
            raise Crowded(seconds_to_wait(sent.answer.headers) or 0)
        assert sent.answer.status == 200, sent.answer.body
        return decode(SyncAnswer, sent.answer.body, max_bytes=MAX_ANSWER_BYTES)

    def _fetch(self, name: str) -> None:
        try:
            for _, piece in self._transport.fetch(f"/v1/files/{name}", offset=0):
                self._received += len(piece)
        except Crowded:
            self._waits += 1
            raise


def main(arguments: Sequence[str]) -> None:
    """Do the job in one file, and write what came of it to another."""
    job_file, results_file = map(Path, arguments)
    rush = msgspec.msgpack.decode(job_file.read_bytes(), type=Rush)
    devices = [_Device(rush.url, *each) for each in rush.devices]
    together = Barrier(len(devices))
    with ThreadPoolExecutor(len(devices)) as pool:
        fetched = list(pool.map(lambda each: each.first_sync(together), devices))
    results_file.write_bytes(msgspec.msgpack.encode(fetched))


if __name__ == "__main__":
    main(sys.argv[1:])
