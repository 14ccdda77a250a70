"""An administrator's line to a server: every command is one signed call to ``/v1/admin``.

An answer counts only once it is verified: signed by the authority, for exactly this request.
"""

from __future__ import annotations

import secrets
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
import urllib3
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fieldward_server.cli.known_authorities import KnownAuthorities, KnownAuthority
from fieldward_sync.errors import CallerMistake, Error, PeerBrokeProtocol, RetryLater
from fieldward_sync.http_signatures import sign_request, verify_answer
from fieldward_sync.invitations import fingerprint
from fieldward_sync.messages import ROUTINE, Trust, administrator_key_id, answer_key_id
from fieldward_sync.problems import COUNTER_USED, is_passing, read_refusal
from fieldward_sync.server_address import ServerAddress, read_server_address
from fieldward_sync.signing import public_key

MEDIA_TYPE = "application/json"
CONNECT_SECONDS = 5
READ_SECONDS = 120
MAX_ANSWER_BYTES = 64 << 20
MAX_CALLS_AT_ONCE = 8
MAX_STRIDE = 16
MAX_OVERTAKEN = 32
"""Times that one call is made again because others of the same key went before it."""

_LOOK_FIRST = "The command may have been carried out: look, then try again."
_NOT_FOUNDED = "not-founded"


@dataclass(frozen=True)
class _Sent:
    """A request that was answered, and the answer, unverified."""

    signature: str
    status: int
    headers: dict[str, str]
    body: bytes

    def verified(self, authority: str, answer_key: bytes) -> _Sent:
        """Itself, if the authority's key signed it."""
        verify_answer(
            self.headers,
            status=self.status,
            body=self.body,
            request_signature=self.signature,
            public_keys={answer_key_id(authority): answer_key},
        )
        return self

    def result(self) -> dict[str, Any]:
        """What was answered; the refusal, if it was one."""
        if self.status != 200:
            raise read_refusal(self.status, self.body)[0]
        try:
            result: dict[str, Any] = msgspec.json.decode(self.body, type=dict[str, Any])
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as e:
            raise malformed() from e
        return result


class Administration:
    """One administrator's commands to one server. Several threads may call at the same time."""

    def __init__(
        self,
        server_url: str,
        key: Ed25519PrivateKey,
        known: KnownAuthorities,
        *,
        tell: Callable[[str], None],
    ) -> None:
        """Raise ``CallerMistake`` for an address that is none, or over which others can listen.

        ``tell`` gets what a person should see once: the fingerprint of an authority met first.
        """
        self._address = _private(read_server_address(server_url))
        self._key = key
        self._known = known
        self._tell = tell
        self._counters = _Counters()
        self._answer_keys: dict[str, bytes] = {}
        self._meeting = threading.Lock()
        # A connection that was never made carried no command: that alone is tried again.
        retries = urllib3.Retry(
            total=2, connect=2, read=False, redirect=False, status=False, backoff_factor=0.2
        )
        self._pool = urllib3.PoolManager(
            maxsize=MAX_CALLS_AT_ONCE,
            retries=retries,
            timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS),
        )

    def call(self, command: str, /, *, authority: str, reason: str, **body: Any) -> dict[str, Any]:
        """Have a command, such as ``device/pause``, carried out and recorded; what it answers.

        ``reason`` is a coded word for the event log. Raises ``RefusedByServer`` for a refusal,
        ``RetryLater`` where the server is not reached or busy, ``PeerBrokeProtocol`` for an answer
        that is not the authority's.
        """
        answer_key = self._answer_key(authority)
        content = msgspec.json.encode({"reason": reason, **body})
        for _ in range(MAX_OVERTAKEN):
            sent = self._send(command, authority, content)
            try:
                sent.verified(authority, answer_key)
            except PeerBrokeProtocol as e:
                answer_key = self._succeeding_key(authority, answer_key, sent, e)
                sent.verified(authority, answer_key)
            if sent.status == 200:
                break
            error, problem = read_refusal(sent.status, sent.body)
            if problem.code != COUNTER_USED:
                raise error
            self._counters.go_beyond(problem.last_counter)
        return sent.result()

    def trust(self, authority: str) -> Trust:
        """The keys in force of an authority, as its root key signed them. They are asked for: since
        they were last seen another administrator may have put others there.

        Raises as ``call`` does, ``CallerMistake("not-founded")`` where there is no root key yet.
        """
        self._answer_key(authority)
        known = self._known.find(authority)
        if known is None:
            raise CallerMistake(_NOT_FOUNDED, f"The authority {authority} has not been founded.")
        return self._follow(authority, known).trust

    def keep(self, known: KnownAuthority) -> None:
        """Believe the answers of an authority that was founded just now."""
        self._known.keep(known)

    def _answer_key(self, authority: str) -> bytes:
        with self._meeting:
            if authority not in self._answer_keys:
                known = self._known.find(authority)
                self._answer_keys[authority] = (
                    self._meet(authority) if known is None else known.trust.answer_key
                )
            return self._answer_keys[authority]

    def _meet(self, authority: str) -> bytes:
        """The answer key of an authority never dealt with before; its root key is kept."""
        try:
            met = self._ask_trust(authority)
        except Error as e:
            if e.code != _NOT_FOUNDED:
                raise
            return self._key_before_founding(authority)
        self._known.keep(met)
        self._tell(
            f"From now on {authority} is whoever holds the root key with the fingerprint "
            f"{fingerprint(met.root_key).hex()}."
        )
        return met.trust.answer_key

    def _ask_trust(self, authority: str) -> KnownAuthority:
        sent = self._send_unmet("authority/trust", authority)
        met = KnownAuthority.read(authority, sent.result())
        sent.verified(authority, met.trust.answer_key)
        return met

    def _key_before_founding(self, authority: str) -> bytes:
        """There is no root key yet that could vouch for the server's key."""
        sent = self._send_unmet("authority/keys", authority)
        try:
            answer_key = bytes.fromhex(sent.result()["answer_key"])
        except (KeyError, TypeError, ValueError) as e:
            raise malformed() from e
        sent.verified(authority, answer_key)
        return answer_key

    def _send_unmet(self, command: str, authority: str) -> _Sent:
        """A request whose answer brings the key that is to verify it."""
        sent = self._send(command, authority, _ROUTINE)
        if sent.status != 200 or "signature" not in sent.headers:
            raise self._unverified(authority, sent)
        return sent

    def _succeeding_key(
        self, authority: str, answer_key: bytes, sent: _Sent, error: PeerBrokeProtocol
    ) -> bytes:
        """The answer key that has taken the place of the one known, if the root key signed it."""
        known = self._known.find(authority)
        if known is None or "signature" not in sent.headers:
            raise self._unverified(authority, sent) from error
        try:
            met = self._follow(authority, known)
        except Error as e:
            if e.code != _NOT_FOUNDED:
                raise
            raise PeerBrokeProtocol(
                "authority-gone",
                f"{self._address.url} knows no {authority}, or another one than before.",
                next_step="Check --server (FIELDWARD_SERVER). To begin anew with this server, "
                f"remove {self._known.path(authority)}.",
            ) from e
        if met.trust.answer_key == answer_key:
            raise error
        return met.trust.answer_key

    def _follow(self, authority: str, known: KnownAuthority) -> KnownAuthority:
        """What the server says is in force, if it may follow what is known; kept."""
        met = self._ask_trust(authority)
        met.require_successor_of(known)
        self._known.keep(met)
        self._answer_keys[authority] = met.trust.answer_key
        return met

    def _unverified(self, authority: str, sent: _Sent) -> Error:
        """What to make of an answer that nobody vouches for."""
        if is_passing(sent.status):
            return RetryLater("server-busy", f"{self._address.url} is busy.", next_step=_LOOK_FIRST)
        try:
            return read_refusal(sent.status, sent.body)[0]
        except PeerBrokeProtocol:
            return PeerBrokeProtocol(
                "not-this-server",
                f"What answers at {self._address.url} is not the server of {authority}.",
                next_step="Check --server (FIELDWARD_SERVER) and --authority.",
            )

    def _send(self, command: str, authority: str, content: bytes) -> _Sent:
        path = f"/v1/admin/{authority}/{command}"
        signed = sign_request(
            method="POST",
            authority=self._address.authority,
            path=path,
            query="",
            body=content,
            key=self._key,
            key_id=administrator_key_id(authority, public_key(self._key)),
            counter=self._counters.next(),
            created=int(time.time()),
        )
        headers = {
            "Content-Type": MEDIA_TYPE,
            "Accept-Encoding": "identity",
            # A connection stays with the worker that took it; each new one goes to an idle one.
            "Connection": "close",
            **signed,
        }
        try:
            answer = self._pool.request(
                "POST",
                self._address.url + path,
                body=content,
                headers=headers,
                redirect=False,
                preload_content=False,
            )
            body = answer.read(MAX_ANSWER_BYTES + 1, decode_content=False)
            answer.release_conn()
        except (urllib3.exceptions.HTTPError, OSError) as e:
            raise self._not_reached(e) from e
        if len(body) > MAX_ANSWER_BYTES:
            raise PeerBrokeProtocol("too-large", "The answer is longer than any should be.")
        names = {name.lower(): value for name, value in answer.headers.items()}
        return _Sent(signed["signature"], answer.status, names, body)

    def _not_reached(self, error: Exception) -> Error:
        url = self._address.url
        cause = error.reason if isinstance(error, urllib3.exceptions.MaxRetryError) else error
        if isinstance(cause, urllib3.exceptions.SSLError) and not _broke_off(cause):
            return PeerBrokeProtocol(
                "certificate",
                f"{url} does not prove that it is who it says: {cause}.",
                next_step="Check the address, and the server's certificate.",
            )
        if isinstance(
            cause, urllib3.exceptions.NewConnectionError | urllib3.exceptions.ConnectTimeoutError
        ):
            return RetryLater(
                "offline",
                f"No server answers at {url}.",
                next_step="Start it with `fieldward serve`, or name yours with --server "
                "(FIELDWARD_SERVER).",
            )
        return RetryLater(
            "no-answer", f"{url} broke off before it answered.", next_step=_LOOK_FIRST
        )


def _broke_off(error: urllib3.exceptions.SSLError) -> bool:
    """Whether it is only that the line went, which TLS takes for a fault of its own."""
    return any(isinstance(each, ssl.SSLEOFError | ssl.SSLZeroReturnError) for each in error.args)


class _Counters:
    """The numbers of one key's requests, without a memory: they begin at the millisecond it is
    (a signed number has at most 15 digits).

    From there they go up by one, because a server only remembers the last 64.
    """

    def __init__(self) -> None:
        self._last = time.time_ns() // 1_000_000
        self._lock = threading.Lock()

    def next(self) -> int:
        """A number higher than all before."""
        with self._lock:
            self._last += 1
            return self._last

    def go_beyond(self, counter: int) -> None:
        """Others of the same key have come to this number. How far to go beyond it is left to
        chance, or they would meet at the next number again."""
        with self._lock:
            self._last = max(self._last, counter + secrets.randbelow(MAX_STRIDE))


_ROUTINE = msgspec.json.encode({"reason": ROUTINE})


def malformed() -> PeerBrokeProtocol:
    """What to raise for an answer of another form than it has here."""
    return PeerBrokeProtocol(
        "malformed",
        "The answer cannot be read.",
        next_step="Have the same version here as on the server: `fieldward --version` says which.",
    )


def _private(address: ServerAddress) -> ServerAddress:
    if not address.is_private:
        raise CallerMistake(
            "server-not-private",
            f"Over {address.url} others could read what you command.",
            next_step="Use https, or call the server from its own host.",
        )
    return address
