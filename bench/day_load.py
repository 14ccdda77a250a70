"""The devices of a national day, in a process of their own: what measures shares none with them.

    python -m bench.day_load JOB

Reads phases as lines of JSON and answers each with what came of it. Requests are those of the
protocol, signed and sealed in full; a device here keeps its copy to itself and opens nothing.
"""

from __future__ import annotations

import hashlib
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import cast

import msgspec

from bench.stage import PHONE
from field_device import FieldDevice
from fieldward_client import HttpTransport
from fieldward_client.enrolled.enrolment import PATH as ENROLMENT_PATH
from fieldward_client.looking.enquiry import PATH as ENQUIRY_PATH
from fieldward_client.syncing.deliver import PATH
from fieldward_client.wire.exchange import Caller, send
from fieldward_client.wire.guard import Guard
from fieldward_client.wire.patience import PATIENCE_SECONDS, Patience
from fieldward_client.wire.transport import seconds_to_wait
from fieldward_sync.encoding import MessageT, decode, encode
from fieldward_sync.enquiries import EnquiryAnswer, open_answer, seal_enquiry
from fieldward_sync.errors import Error, RefusedByServer
from fieldward_sync.messages import MAX_ANSWER_BYTES, EnrolAnswer, SyncAnswer, key_id
from fieldward_sync.problems import Crowded, read_refusal
from service_world import World

ENROLMENT, FIRST, QUIET, LOOK_UP, EDIT, ENQUIRY = KINDS = (
    *("enrolment", "first sync", "quiet sync", "sync with a look-up"),
    *("sync with an edit and a look-up", "enquiry"),
)
AT_ONCE = 64
"""Requests that may wait for an answer together."""


class Editable(msgspec.Struct, frozen=True):
    """A record of a device's caseload, and what stands at its number to be changed."""

    record_id: str
    shown: list[int]
    terms: dict[str, str]
    """What somebody would ask for it by."""


class Newcomer(msgspec.Struct, frozen=True):
    """Somebody who is invited."""

    code: str
    caseload: list[Editable]


class Job(msgspec.Struct, frozen=True):
    """Where the server is, and whose devices call it."""

    url: str
    devices: list[Newcomer]


class Event(msgspec.Struct, frozen=True):
    """Something that a device does, so many seconds after its phase has begun."""

    due: float
    kind: str
    device: int


class Phase(msgspec.Struct, frozen=True):
    """What happens, in its order; one after the other where nothing is due at a time."""

    events: list[Event]
    at_once: int = AT_ONCE


class Told(msgspec.Struct, frozen=True):
    """What came of one event. The time runs from when it was due."""

    kind: str
    seconds: float
    refused: str = ""
    """The code, where it was not answered."""


class PhaseTold(msgspec.Struct, frozen=True):
    """What came of a phase."""

    told: list[Told]
    cpu_seconds: float
    """This process's own."""


class _Afar:
    """What a device needs of its world, which is another process's here."""

    @property
    def now(self) -> int:
        return int(time.time())

    def revision(self, record_id: str) -> int:
        """As it was loaded."""
        return 1


class DayDevice(FieldDevice):
    """A device that calls a served service. It does one thing at a time."""

    def __init__(self, url: str, newcomer: Newcomer) -> None:
        super().__init__(cast(World, _Afar()))
        self._transport = HttpTransport(url)
        self._newcomer = newcomer
        self._edited = 0
        self._has: set[str] = set()
        self._busy = threading.Lock()
        self._patience = Patience(PATIENCE_SECONDS, lambda _: None, Guard())

    def does(self, kind: str) -> None:
        """Do this; ``Error`` if it is not answered."""
        with self._busy:
            _DEEDS[kind](self)

    def enrols(self) -> None:
        """Enrol with the invitation."""
        request = self.enrol_request(self._newcomer.code)
        named = hashlib.sha256(request.device_key).hexdigest()[:32]
        caller = Caller(self.identity, f"enrol/{named}")
        self.begin(self._post(ENROLMENT_PATH, encode(request), caller, EnrolAnswer))

    def syncs(self) -> None:
        """Sync with nothing to deliver."""
        self._exchange()

    def delivers(self) -> None:
        """Sync, with one look-up."""
        self.journal_box = self.box("journal")
        self.looked = 0
        self._exchange(journal=self.journalled(1))

    def edits(self) -> None:
        """Sync, with an edit of a child who was looked up."""
        children = self._newcomer.caseload
        child, self._edited = children[self._edited % len(children)], self._edited + 1
        self.edits_box, self.typed = self.box("edits"), 0
        self.journal_box, self.looked = self.box("journal"), 0
        proposal = self.proposal(
            child.record_id, PHONE, f"0114 4{self._edited:05}", shown=child.shown
        )
        self._exchange(journal=self.journalled(1), edits=(self.boxed(proposal),))

    def enquires(self) -> None:
        """Search the whole index for a child of the caseload."""
        children = self._newcomer.caseload
        enquiry = self.enquiry(children[self.counter % len(children)].terms)
        body = encode(seal_enquiry(enquiry, self.trust.edit_key, enquirer=self.enquirer))
        answer = self._post(ENQUIRY_PATH, body, self._caller, EnquiryAnswer)
        open_answer(answer, self.hpke_seed, query=enquiry.query, enquirer=self.enquirer)

    @cached_property
    def _caller(self) -> Caller:
        name = key_id(self.authority, self.name, self.generation, self.practitioner)
        return Caller(self.signing, name)

    def _exchange(self, **delivered: object) -> None:
        body = encode(self.request(**delivered))
        answer = self._patience.until_let_in(
            lambda: self._post(PATH, body, self._caller, SyncAnswer)
        )
        self.take(answer)
        for verdict in answer.verdicts:
            if verdict.outcome == "refused":
                raise RefusedByServer(verdict.code, "The edit was refused.")
        if answer.distribution is None or self.distribution is None:
            return
        entries = [entry for it in self.distribution.manifests for entry in it.files]
        for name in {entry.name for entry in entries} - self._has:
            self._patience.until_let_in(lambda name=name: self._fetch(name))  # type: ignore[misc] # bound now
        self._has = {entry.name for entry in entries}

    def _fetch(self, name: str) -> None:
        for _ in self._transport.fetch(f"/v1/files/{name}", offset=0):
            pass

    def _post(self, path: str, body: bytes, caller: Caller, kind: type[MessageT]) -> MessageT:
        self.counter += 1
        sent = send(
            self._transport,
            path,
            body,
            caller=caller,
            counter=self.counter,
            created=self.world.now,
        )
        answer = sent.answer
        if answer.status == 200:
            return decode(kind, answer.body, max_bytes=MAX_ANSWER_BYTES)
        error, _ = read_refusal(answer.status, answer.body)
        if error.code == "crowded":
            raise Crowded(seconds_to_wait(answer.headers) or 0)
        raise error


_DEEDS: dict[str, Callable[[DayDevice], None]] = {
    ENROLMENT: DayDevice.enrols,
    FIRST: DayDevice.syncs,
    QUIET: DayDevice.syncs,
    LOOK_UP: DayDevice.delivers,
    EDIT: DayDevice.edits,
    ENQUIRY: DayDevice.enquires,
}


def run(phase: Phase, devices: Sequence[DayDevice]) -> PhaseTold:
    """Have everything happen at its time, and say what came of it."""
    spent, began = time.process_time(), time.perf_counter()

    def happen(event: Event) -> Told:
        # Where nothing is due at a time, each begins when the one before has ended.
        since = began + event.due if event.due else time.perf_counter()
        try:
            devices[event.device].does(event.kind)
        except Error as e:
            return Told(event.kind, time.perf_counter() - since, e.code)
        return Told(event.kind, time.perf_counter() - since)

    with ThreadPoolExecutor(phase.at_once) as pool:
        waiting = []
        for event in phase.events:
            time.sleep(max(0.0, began + event.due - time.perf_counter()))
            waiting.append(pool.submit(happen, event))
        told = [future.result() for future in waiting]
    return PhaseTold(told, time.process_time() - spent)


def main(arguments: Sequence[str]) -> None:
    """Serve phases until there are no more."""
    job = msgspec.json.decode(Path(arguments[0]).read_bytes(), type=Job)
    devices = [DayDevice(job.url, newcomer) for newcomer in job.devices]
    for line in sys.stdin:
        told = run(msgspec.json.decode(line, type=Phase), devices)
        sys.stdout.write(msgspec.json.encode(told).decode() + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
