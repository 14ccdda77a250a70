"""One signed request and its signed answer.

An answer counts only once it is verified: signed by the authority, for exactly this request. Then
its time is taken, whatever else it says. A clock that is wrong and a counter that fell behind are
put right from the refusal and the request is made again, once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fieldward_client.disk.clock import TrustedClock
from fieldward_client.disk.counters import Counters
from fieldward_client.wire.transport import HttpAnswer, Transport, seconds_to_wait
from fieldward_sync.encoding import unpack
from fieldward_sync.errors import PeerBrokeProtocol, RetryLater
from fieldward_sync.http_signatures import sign_request, verify_answer
from fieldward_sync.messages import MAX_ANSWER_BYTES, Trust, answer_key_id
from fieldward_sync.problems import (
    CLOCK_SKEW,
    COUNTER_USED,
    CROWDED,
    Crowded,
    is_passing,
    read_refusal,
)
from fieldward_sync.signing import MAX_SIGNED_BYTES, Signed

MEDIA_TYPE = "application/vnd.fieldward+msgpack"
TRUST = "/v1/trust/"
"""Before an authority's code: where the keys in force are published."""


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


def verified_time(sent: Sent, trust: Trust) -> int:
    """The server's time from an answer that is the authority's, by the keys that are trusted.

    ``PeerBrokeProtocol`` for another, ``RetryLater("server-busy")`` where something on the way says
    that the server is.
    """
    answer = sent.answer
    try:
        return verify_answer(
            answer.headers,
            status=answer.status,
            body=answer.body,
            request_signature=sent.signature,
            public_keys={answer_key_id(trust.authority): trust.answer_key},
        )
    except PeerBrokeProtocol as e:
        if is_passing(answer.status):
            raise RetryLater("server-busy", "The server is busy.") from e
        raise


class Line:
    """An enrolled device's line to its authority's server."""

    def __init__(
        self,
        transport: Transport,
        clock: TrustedClock,
        counters: Counters,
        *,
        trust: Callable[[], Trust],
        open_trust: Callable[[Signed], Trust],
    ) -> None:
        """``trust`` says whom the device trusts now, ``open_trust`` whom else its root key vouches
        for; that raises ``PeerBrokeProtocol``."""
        self.transport = transport
        self._clock = clock
        self._counters = counters
        self._trust = trust
        self._open_trust = open_trust

    def post(self, path: str, body: bytes, *, caller: Caller) -> tuple[bytes, int]:
        """The answer's body and the server's time, both verified.

        Raises ``RetryLater`` without an answer, ``Crowded`` where others come first,
        ``PeerBrokeProtocol`` for one that is not the authority's, ``RefusedByServer`` for a
        refusal.
        """
        forgiven: set[str] = set()
        while True:
            asked = self._clock.reading()
            sent = send(
                self.transport,
                path,
                body,
                caller=caller,
                counter=self._counters.next_request(),
                created=self._clock.estimate(),
            )
            server_time = self._verified_time(sent)
            self._clock.answered(server_time, asked)
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

    def _verified_time(self, sent: Sent) -> int:
        """``verified_time``, by the keys that are trusted or by those that follow them."""
        trust = self._trust()
        try:
            return verified_time(sent, trust)
        except PeerBrokeProtocol:
            if "signature" not in sent.answer.headers:
                raise
            successor = self._published_trust(trust.authority)
            if successor is None or successor.version <= trust.version:
                raise
            # It is kept when a sync brings it, with all that has to happen then.
            return verified_time(sent, successor)

    def _published_trust(self, authority: str) -> Trust | None:
        """The keys that the server says are in force, if the root key says so too."""
        published = bytearray()
        try:
            for _, piece in self.transport.fetch(TRUST + authority, offset=0):
                published += piece
                if len(published) > MAX_SIGNED_BYTES:
                    return None
            return self._open_trust(unpack(Signed, bytes(published)))
        except (RetryLater, PeerBrokeProtocol):
            return None
