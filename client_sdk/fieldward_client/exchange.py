"""One signed request and its signed answer.

An answer counts only once it is verified: signed by the authority, for exactly this request. Then
its time is taken, whatever else it says. A clock that is wrong and a counter that fell behind are
put right from the refusal and the request is made again, once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fieldward_client.clock import TrustedClock
from fieldward_client.counters import Counters
from fieldward_client.transport import HttpAnswer, Transport, seconds_to_wait
from fieldward_sync.errors import PeerBrokeProtocol, RetryLater
from fieldward_sync.http_signatures import sign_request, verify_answer
from fieldward_sync.messages import MAX_ANSWER_BYTES
from fieldward_sync.problems import (
    CLOCK_SKEW,
    COUNTER_USED,
    CROWDED,
    Crowded,
    is_passing,
    read_refusal,
)

MEDIA_TYPE = "application/vnd.fieldward+msgpack"


@dataclass(frozen=True)
class Caller:
    """In whose name a request is signed."""

    key: Ed25519PrivateKey
    key_id: str


@dataclass(frozen=True)
class Sent:
    """A request that was answered, and the answer, unverified."""

    signature: str
    answer: HttpAnswer


def send(
    transport: Transport, path: str, body: bytes, *, caller: Caller, counter: int, created: int
) -> Sent:
    """Sign and send one request."""
    headers = sign_request(
        method="POST",
        authority=transport.authority,
        path=path,
        query="",
        body=body,
        key=caller.key,
        key_id=caller.key_id,
        counter=counter,
        created=created,
    )
    answer = transport.post(
        path,
        body=body,
        headers={"Content-Type": MEDIA_TYPE, **headers},
        max_bytes=MAX_ANSWER_BYTES,
    )
    return Sent(headers["signature"], answer)


def verified_time(sent: Sent, answer_keys: Mapping[str, bytes]) -> int:
    """The server's time from an answer that is the authority's; ``PeerBrokeProtocol`` for another,
    ``RetryLater("server-busy")`` where something on the way says that the server is."""
    answer = sent.answer
    try:
        return verify_answer(
            answer.headers,
            status=answer.status,
            body=answer.body,
            request_signature=sent.signature,
            public_keys=answer_keys,
        )
    except PeerBrokeProtocol as e:
        if is_passing(answer.status):
            raise RetryLater("server-busy", "The server is busy.") from e
        raise


class Line:
    """An enrolled device's line to its authority's server."""

    def __init__(self, transport: Transport, clock: TrustedClock, counters: Counters) -> None:
        self.transport = transport
        self._clock = clock
        self._counters = counters

    def post(
        self, path: str, body: bytes, *, caller: Caller, answer_keys: Mapping[str, bytes]
    ) -> tuple[bytes, int]:
        """The answer's body and the server's time, both verified.

        Raises ``RetryLater`` without an answer, ``Crowded`` where others come first,
        ``PeerBrokeProtocol`` for one that is not the authority's, ``RefusedByServer`` for a
        refusal.
        """
        forgiven: set[str] = set()
        while True:
            sent = send(
                self.transport,
                path,
                body,
                caller=caller,
                counter=self._counters.next_request(),
                created=self._clock.estimate(),
            )
            server_time = verified_time(sent, answer_keys)
            self._clock.contact(server_time)
            if sent.answer.status == 200:
                return sent.answer.body, server_time
            error, problem = read_refusal(sent.answer.status, sent.answer.body)
            after = seconds_to_wait(sent.answer.headers)
            if problem.code == CROWDED and after is not None:
                raise Crowded(after)
            if problem.code not in {CLOCK_SKEW, COUNTER_USED} - forgiven:
                raise error
            forgiven.add(problem.code)
            self._counters.skip_requests(problem.last_counter)
