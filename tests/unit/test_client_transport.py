"""HTTP through urllib3, against a real server on loopback."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from fieldward_client import CallerMistake, HttpTransport, PeerBrokeProtocol, RetryLater
from fieldward_sync.problems import Crowded

CONTENT = bytes(range(256)) * 1_000
FLOOD_BYTES = 1 << 26
FLOODED = threading.Event()
"""Somebody has taken all of it in."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/moved":
            self._say(302, b"", Location="/echo")
        elif self.path == "/long":
            self._say(200, bytes(1_001))
        else:
            said = self.headers["X-Said"]
            self._say(418, self.path.encode() + b" " + body, **{"X-Heard": said})

    def do_GET(self) -> None:
        start = int(self.headers.get("Range", "bytes=0-")[6:-1])
        if self.path == "/resumes":
            self._say(206 if start else 200, CONTENT[start:])
        elif self.path == "/restarts":
            self._say(200, CONTENT)
        elif self.path == "/breaks":
            self.send_response(200)
            self.send_header("Content-Length", str(len(CONTENT)))
            self.end_headers()
            self.wfile.write(CONTENT[:100_000])
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
        elif self.path == "/crowded":
            self._say(503, b"", **{"Retry-After": "7", "Fieldward-Turn": "12.ab"})
        elif self.path == "/crowded-without-end":
            self.send_response(503)
            self.send_header("Retry-After", "7")
            self.end_headers()
            self.close_connection = True
            with suppress(OSError):
                for _ in range(FLOOD_BYTES // len(CONTENT)):
                    self.wfile.write(CONTENT)
                FLOODED.set()
        elif self.path == "/turn":
            self._say(200, self.headers.get("Fieldward-Turn", "none").encode())
        else:
            self._say(404, b"")

    def _say(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def transport() -> Iterator[HttpTransport]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield HttpTransport(f"http://127.0.0.1:{server.server_port}")
    server.shutdown()
    server.server_close()


def fetched(transport: HttpTransport, path: str, offset: int) -> bytes:
    content = bytearray(offset)
    for at, piece in transport.fetch(path, offset=offset):
        content[at : at + len(piece)] = piece
    return bytes(content)


def test_a_request_comes_back_with_whatever_status(transport: HttpTransport) -> None:
    answer = transport.post("/echo", body=b"hello", headers={"X-Said": "hi"}, max_bytes=1_000)
    assert (answer.status, answer.body) == (418, b"/echo hello")
    assert answer.headers["x-heard"] == "hi"


def test_a_redirect_is_an_answer_and_is_not_followed(transport: HttpTransport) -> None:
    assert transport.post("/moved", body=b"", headers={}, max_bytes=10).status == 302


def test_an_answer_longer_than_any_should_be_is_refused(transport: HttpTransport) -> None:
    with pytest.raises(PeerBrokeProtocol, match="too-large"):
        transport.post("/long", body=b"", headers={}, max_bytes=1_000)
    assert transport.post("/long", body=b"", headers={}, max_bytes=1_001).status == 200


def test_a_file_goes_on_where_it_broke_off(transport: HttpTransport) -> None:
    pieces = list(transport.fetch("/resumes", offset=200_000))
    assert pieces[0][0] == 200_000
    assert b"".join(piece for _, piece in pieces) == CONTENT[200_000:]


def test_a_server_that_cannot_resume_begins_again(transport: HttpTransport) -> None:
    assert fetched(transport, "/restarts", 200_000) == CONTENT


def test_a_file_that_breaks_off_is_kept_as_far_as_it_came(transport: HttpTransport) -> None:
    pieces = transport.fetch("/breaks", offset=0)
    first = next(pieces)
    assert CONTENT.startswith(first[1])
    with pytest.raises(RetryLater, match="offline"):
        list(pieces)


def test_a_file_that_is_not_there_is_tried_again_later(transport: HttpTransport) -> None:
    with pytest.raises(RetryLater, match="file-unavailable"):
        list(transport.fetch("/absent", offset=0))


def test_a_crowded_server_says_when_to_come_again_and_the_turn_is_brought_along(
    transport: HttpTransport,
) -> None:
    assert fetched(transport, "/turn", 0) == b"none"
    with pytest.raises(Crowded) as told:
        list(transport.fetch("/crowded", offset=0))
    assert told.value.after_seconds == 7
    assert fetched(transport, "/turn", 0) == b"12.ab"


def test_a_refusal_without_end_is_not_listened_to(transport: HttpTransport) -> None:
    with pytest.raises(Crowded):
        fetched(transport, "/crowded-without-end", 0)
    assert not FLOODED.is_set()


def test_without_a_server_there_is_no_signal() -> None:
    nobody = HttpTransport("http://127.0.0.1:1")
    with pytest.raises(RetryLater, match="offline"):
        nobody.post("/", body=b"", headers={}, max_bytes=10)
    with pytest.raises(RetryLater, match="offline"):
        list(nobody.fetch("/", offset=0))


@pytest.mark.parametrize(
    ("url", "authority"),
    [
        ("https://Index.Example", "index.example"),
        ("https://index.example:443/", "index.example"),
        ("https://index.example:8443", "index.example:8443"),
        ("http://127.0.0.1:80", "127.0.0.1"),
        ("http://[::1]:8080", "[::1]:8080"),
    ],
)
def test_requests_are_signed_for(url: str, authority: str) -> None:
    assert HttpTransport(url).authority == authority


@pytest.mark.parametrize(
    "url",
    [
        "",
        "index.example",
        "ftp://index.example",
        "https://",
        "https://x/path",
        "https://x?a=b",
        "https://me:pass@x",
        "https://x:99999",
        "https://x:port",
    ],
)
def test_what_is_not_a_servers_address_is_refused(url: str) -> None:
    with pytest.raises(CallerMistake, match="server-url"):
        HttpTransport(url)


def test_a_certificate_that_nobody_vouches_for_is_told_and_one_of_ones_own_can_be_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = certificate_for("localhost", tmp_path / "own.pem")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(file)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def turn() -> bytes:
        transport = HttpTransport(f"https://localhost:{server.server_address[1]}")
        return b"".join(piece for _, piece in transport.fetch("/turn", offset=0))

    try:
        with pytest.raises(RetryLater, match=r"\[certificate\]"):
            turn()
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
        assert turn() == b"none"
    finally:
        server.shutdown()
        server.server_close()


def test_signal_that_is_lost_while_tls_begins_speaks_of_no_certificate() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def break_off() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)

        threading.Thread(target=break_off, daemon=True).start()
        transport = HttpTransport(f"https://localhost:{server.getsockname()[1]}")
        with pytest.raises(RetryLater, match=r"\[offline\]"):
            transport.post("/v1/sync", body=b"", headers={}, max_bytes=10)


def certificate_for(host: str, file: Path) -> Path:
    """A key, and a certificate for it that it has signed itself."""
    key = Ed25519PrivateKey.generate()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, None)
    )
    opened = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(opened + made.public_bytes(Encoding.PEM))
    return file
