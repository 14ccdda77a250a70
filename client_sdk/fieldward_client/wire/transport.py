"""How bytes travel: the port, and its HTTP form.

A transport carries; it verifies nothing. Whatever it fails with is a ``RetryLater``: no signal is
the normal case.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import urllib3

from fieldward_sync.errors import PeerBrokeProtocol, RetryLater
from fieldward_sync.problems import TURN_HEADER, Crowded
from fieldward_sync.server_address import read_server_address

CONNECT_SECONDS = 5
READ_SECONDS = 30
PIECE_BYTES = 64 * 1024


@dataclass(frozen=True)
class HttpAnswer:
    """An answer as it came, its header names in lower case; nobody has vouched for it yet."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport(Protocol):
    """The way to one server. Each call is one request; nothing is repeated, nothing redirected."""

    authority: str
    """The server's host, and port if it is not the default: what requests are signed for."""

    def post(
        self, path: str, *, body: bytes, headers: Mapping[str, str], max_bytes: int
    ) -> HttpAnswer:
        """Send a request and return its answer, whatever its status.

        ``RetryLater("offline")`` if none came, ``RetryLater("certificate")`` from who does not
        prove to be the server, ``PeerBrokeProtocol("too-large")`` for more than ``max_bytes``.
        """

    def fetch(self, path: str, *, offset: int) -> Iterator[tuple[int, bytes]]:
        """A file's bytes from ``offset`` on, in pieces, each with its own offset; pieces may begin
        at 0 again if the server does not resume. ``RetryLater`` if it breaks off or is not there,
        ``Crowded`` where others come first.
        """


def seconds_to_wait(headers: Mapping[str, str]) -> int | None:
    """What ``Retry-After`` says, its name in lower case: whole seconds, the one form our servers
    use; ``None`` without one."""
    said = headers.get("retry-after", "")
    return int(said) if re.fullmatch(r"[0-9]{1,6}", said) else None


class HttpTransport:
    """HTTP through urllib3, with bounded times and sizes.

    It keeps the turn that a crowded server gives out, and brings it along from then on.
    """

    def __init__(self, server_url: str) -> None:
        """Raise ``CallerMistake("server-url")`` for an address that is not a server's root."""
        address = read_server_address(server_url)
        self._base, self.authority = address.url, address.authority
        self._pool = urllib3.PoolManager(
            retries=False,
            timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS),
        )
        self._turn: dict[str, str] = {}

    def post(
        self, path: str, *, body: bytes, headers: Mapping[str, str], max_bytes: int
    ) -> HttpAnswer:
        """See ``Transport.post``."""
        with _offline(), self._request("POST", path, headers, body) as answer:
            content = answer.read(max_bytes + 1, decode_content=False)
            if len(content) > max_bytes:
                raise PeerBrokeProtocol("too-large", "The answer is longer than any should be.")
            return HttpAnswer(answer.status, _in_lower_case(answer.headers), content)

    def fetch(self, path: str, *, offset: int) -> Iterator[tuple[int, bytes]]:
        """See ``Transport.fetch``."""
        headers = {"Range": f"bytes={offset}-"} if offset else {}
        with _offline(), self._request("GET", path, headers) as answer:
            after = seconds_to_wait(_in_lower_case(answer.headers))
            if answer.status == 503 and after is not None:
                # Whoever asks again asks the same worker, as far as it can. No refusal is longer.
                answer.read(PIECE_BYTES, decode_content=False)
                raise Crowded(after)
            if answer.status not in (200, 206):
                raise RetryLater(
                    "file-unavailable", f"The server answers {answer.status} for a file it listed."
                )
            at = offset if answer.status == 206 else 0
            for piece in answer.stream(PIECE_BYTES, decode_content=False):
                yield at, piece
                at += len(piece)

    @contextmanager
    def _request(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> Iterator[urllib3.BaseHTTPResponse]:
        answer = self._pool.request(
            method,
            self._base + path,
            body=body,
            headers={"Accept-Encoding": "identity", **self._turn, **headers},
            redirect=False,
            preload_content=False,
        )
        turn = answer.headers.get(TURN_HEADER, "")
        if re.fullmatch(r"[!-~]{1,100}", turn):
            self._turn = {TURN_HEADER: turn}
        try:
            yield answer
        except BaseException:
            answer.close()  # what is left of the body is not worth waiting for
            raise
        answer.drain_conn()
        answer.release_conn()


def _in_lower_case(headers: Mapping[str, str]) -> Mapping[str, str]:
    return {name.lower(): value for name, value in headers.items()}


@contextmanager
def _offline() -> Iterator[None]:
    try:
        yield
    except (urllib3.exceptions.HTTPError, OSError) as e:
        if not _is_of_the_certificate(e):
            raise RetryLater("offline", "The server cannot be reached.") from e
        raise RetryLater(
            "certificate",
            "What answers does not prove to be the server: no certificate that is trusted here.",
            next_step="A network that wants you to log in answers so: log in there, or take "
            "another. Else the server's certificate has to be looked at.",
        ) from e


def _is_of_the_certificate(error: Exception) -> bool:
    """Signal that is lost breaks TLS off too, which urllib3 raises as an ``SSLError`` as well."""
    return isinstance(error, urllib3.exceptions.SSLError) and any(
        isinstance(each, ssl.SSLCertVerificationError) for each in error.args
    )
