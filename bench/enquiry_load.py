"""Enquiries that come in by themselves, so many a second, whether or not the last was answered.

    python -m bench.enquiry_load JOB RESULTS

A process of its own, so that what is measured and what measures share no interpreter. All requests
are sealed and signed before the first is sent; all answers are opened after the last has come. The
time of an enquiry runs from when it was due. The first ones warm the server up and do not count.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from random import Random

import msgspec

from fieldward_client import HttpTransport
from fieldward_client.looking.enquiry import PATH
from fieldward_client.wire.exchange import MEDIA_TYPE
from fieldward_sync.encoding import decode, encode
from fieldward_sync.enquiries import Enquirer, Enquiry, EnquiryAnswer, open_answer, seal_enquiry
from fieldward_sync.errors import RetryLater
from fieldward_sync.http_signatures import sign_request
from fieldward_sync.keys import KEY_BYTES, hpke_public_key
from fieldward_sync.messages import MAX_ANSWER_BYTES, key_id
from fieldward_sync.names import QUERY_ID_BYTES
from fieldward_sync.signing import signing_key

AT_ONCE = 64
"""Enquiries that may wait for an answer together."""


class Asker(msgspec.Struct, frozen=True):
    """A practitioner at a device."""

    authority: str
    incarnation: int
    device: str
    generation: int
    practitioner: str
    signing_key: bytes
    edit_key: bytes
    """The authority's: enquiries are sealed to it."""
    next_counter: int

    @property
    def enquirer(self) -> Enquirer:
        """What enquiries and answers are bound to."""
        return Enquirer(
            self.authority, self.incarnation, self.device, self.generation, self.practitioner
        )


class Job(msgspec.Struct, frozen=True):
    """What is to be asked, by whom, and how often."""

    url: str
    askers: list[Asker]
    a_second: float
    asked: list[dict[str, str]]
    """The terms of one enquiry after the other."""
    warming: int
    """How many of these, the first ones, do not count."""


class Told(msgspec.Struct, frozen=True):
    """What came of one enquiry."""

    seconds: float
    outcome: str
    """The answer's, or why there was none."""


@dataclass(frozen=True)
class Prepared:
    """A request that only has to be sent."""

    asker: Asker
    query: bytes
    seed: bytes
    body: bytes
    headers: dict[str, str]


def prepare(job: Job, transport: HttpTransport) -> list[Prepared]:
    """All requests, the askers taking turns."""
    made, now = [], int(time.time())
    for number, terms in enumerate(job.asked):
        turn, which = divmod(number, len(job.askers))
        asker, seed, query = job.askers[which], os.urandom(KEY_BYTES), os.urandom(QUERY_ID_BYTES)
        enquiry = Enquiry(
            reason="duty-desk",
            on_behalf_of=None,
            query=query,
            terms=terms,
            record_id=None,
            answer_key=hpke_public_key(seed),
        )
        body = encode(seal_enquiry(enquiry, asker.edit_key, enquirer=asker.enquirer))
        headers = sign_request(
            method="POST",
            authority=transport.authority,
            path=PATH,
            query="",
            body=body,
            key=signing_key(asker.signing_key),
            key_id=key_id(asker.authority, asker.device, asker.generation, asker.practitioner),
            counter=asker.next_counter + turn,
            created=now,
        )
        made.append(Prepared(asker, query, seed, body, {"Content-Type": MEDIA_TYPE, **headers}))
    return made


def run(job: Job) -> list[Told]:
    """Send everything at its time, and say what came of it."""
    transport, chance = HttpTransport(job.url), Random(7)
    prepared = prepare(job, transport)
    began, due = time.perf_counter() + 0.1, 0.0
    with ThreadPoolExecutor(AT_ONCE) as pool:
        waiting = []
        for each in prepared:
            due += chance.expovariate(job.a_second)
            time.sleep(max(0.0, began + due - time.perf_counter()))
            waiting.append(pool.submit(_send, transport, each, began + due))
        sent = [future.result() for future in waiting]
    told = [_told(each, *answered) for each, answered in zip(prepared, sent, strict=True)]
    return told[job.warming :]


def main(arguments: Sequence[str]) -> None:
    """Do the job in one file, and write what came of it to another."""
    job_file, results_file = map(Path, arguments)
    told = run(msgspec.msgpack.decode(job_file.read_bytes(), type=Job))
    results_file.write_bytes(msgspec.msgpack.encode(told))


def _send(transport: HttpTransport, prepared: Prepared, due: float) -> tuple[float, int, bytes]:
    try:
        answer = transport.post(
            PATH, body=prepared.body, headers=prepared.headers, max_bytes=MAX_ANSWER_BYTES
        )
    except RetryLater as e:
        return time.perf_counter() - due, 0, f"{e.code}: {e.__cause__!r}".encode()
    return time.perf_counter() - due, answer.status, answer.body


def _told(prepared: Prepared, seconds: float, status: int, body: bytes) -> Told:
    if status != 200:
        return Told(seconds, body.decode() if status == 0 else f"status {status}")
    answer = decode(EnquiryAnswer, body, max_bytes=MAX_ANSWER_BYTES)
    enquired = open_answer(
        answer, prepared.seed, query=prepared.query, enquirer=prepared.asker.enquirer
    )
    return Told(seconds, enquired.outcome)


if __name__ == "__main__":
    main(sys.argv[1:])
