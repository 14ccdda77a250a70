"""An authority in memory: the other side of ``Transport``, with real keys and real sealing.

It keeps the protocol's rules but no database, and can be told to misbehave: stay silent, lose its
answers, cut files short, change what it says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial

import msgspec

from children import AUTHORITY
from device_clock import DeviceClock
from fieldward_client import HttpAnswer, RetryLater
from fieldward_sync.encoding import decode, encode
from fieldward_sync.http_signatures import read_request_signature, sign_answer, verify_request
from fieldward_sync.messages import (
    DEVICE_KEY,
    EnrolRequest,
    JoinRequest,
    SyncAnswer,
    SyncRequest,
    key_id,
)
from fieldward_sync.problems import CROWDED, Crowded
from memory_answers import MemoryAnswers
from memory_books import MemoryBooks
from memory_holdings import MAX_SIGNED, HeldDevice, HeldPerson, Refused


class MemoryAuthority(MemoryBooks):
    """One authority's server, as far as a device can see it."""

    authority = "index.example"

    def __init__(self, clock: DeviceClock) -> None:
        super().__init__(clock)
        self._answers = MemoryAnswers(self)
        self.log: list[str] = []
        """Every request that arrived."""
        self.offline = False
        self.loses_answers = 0
        """How many of the next answers get lost on their way."""
        self.cuts_files_after: int | None = None
        self.crowded_for = 0
        """How many more requests are told to wait in line for a second."""
        self.tampers: Callable[[HttpAnswer], HttpAnswer] = lambda answer: answer
        self.tampers_with_files: Callable[[bytes], bytes] = lambda sealed: sealed
        self.changes_answer: Callable[[SyncAnswer], SyncAnswer] = lambda answer: answer
        """Changes what is said before it is signed."""

    def post(
        self, path: str, *, body: bytes, headers: Mapping[str, str], max_bytes: int
    ) -> HttpAnswer:
        if self.offline:
            raise RetryLater("offline", "There is no signal.")
        self.log.append(f"POST {path}")
        answer = self.tampers(self._answer(path, body, headers))
        if self.loses_answers:
            self.loses_answers -= 1
            raise RetryLater("offline", "The answer was lost.")
        return answer

    def fetch(self, path: str, *, offset: int) -> Iterator[tuple[int, bytes]]:
        if self.offline:
            raise RetryLater("offline", "There is no signal.")
        self.log.append(f"GET {path.rpartition('/')[2][:8]} from {offset}")
        if self.crowded_for:
            self.crowded_for -= 1
            raise Crowded(1)
        if path.rpartition("/")[2] not in self.files:
            raise RetryLater("file-unavailable", "The file is not there.")
        sealed = self.tampers_with_files(self.files[path.rpartition("/")[2]])
        if offset >= len(sealed):
            raise RetryLater("file-unavailable", "The file has no such range.")
        for start in range(offset, len(sealed), 1000):
            if self.cuts_files_after is not None and start - offset >= self.cuts_files_after:
                raise RetryLater("offline", "The connection broke.")
            yield start, sealed[start : start + 1000]

    def _answer(self, path: str, body: bytes, headers: Mapping[str, str]) -> HttpAnswer:
        headers = {name.lower(): value for name, value in headers.items()}
        try:
            if self.crowded_for:
                self.crowded_for -= 1
                raise Refused(CROWDED, status=503)
            status, answer = 200, self._handle(path, body, headers)
        except Refused as e:
            last = max((c for d in self.devices.values() for c in d.counters), default=0)
            problem = {"code": e.code, "detail": "No.", "next_step": "", "last_counter": last}
            status, answer = e.status, msgspec.json.encode(problem)
        signed = sign_answer(
            status=status,
            body=answer,
            request_signature=headers["signature"],
            now=self.clock.true_time,
            key=self.answer_key,
            key_id=f"{AUTHORITY}/answer",
        )
        return HttpAnswer(status, signed | ({"retry-after": "1"} if status == 503 else {}), answer)

    def _handle(self, path: str, body: bytes, headers: Mapping[str, str]) -> bytes:
        signature = read_request_signature(headers)
        verify = partial(
            verify_request,
            signature,
            method="POST",
            authority=self.authority,
            path=path,
            query="",
            body=body,
        )
        if path == "/v1/enrol":
            request = decode(EnrolRequest, body, max_bytes=MAX_SIGNED)
            verify(public_key=request.device_key)
            return self._answers.enrol(request)
        held, person = self._caller(signature.key_id)
        verify(public_key=person.keys[-1] if person else held.request.device_key)
        self._check_time(signature.created)
        if signature.counter in held.counters:
            raise Refused("counter-used", 409)
        held.counters.add(signature.counter)
        if path == "/v1/join":
            return self._answers.join(held, decode(JoinRequest, body, max_bytes=MAX_SIGNED))
        sync_request = decode(SyncRequest, body, max_bytes=64 * 1024)
        held.requests.append(sync_request)
        return encode(self.changes_answer(self._answers.sync(held, person, sync_request)))

    def _check_time(self, created: int) -> None:
        if abs(created - self.clock.true_time) > 300:
            raise Refused("clock-skew", 401)

    def _caller(self, named: str) -> tuple[HeldDevice, HeldPerson | None]:
        device = named.split("/")[1]
        held = self.devices[device]
        roles = {
            key_id(AUTHORITY, device, held.generation, role): held.people.get(role)
            for role in (DEVICE_KEY, *held.people)
        }
        return held, roles[named]
