"""A server's address, as people give it and as requests are signed for it."""

from __future__ import annotations

import pytest

from fieldward_sync.errors import CallerMistake
from fieldward_sync.server_address import read_server_address


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://index.example", "https://index.example"),
        ("HTTPS://Index.Example/", "https://index.example"),
        ("https://index.example:443", "https://index.example"),
        ("https://index.example:80", "https://index.example:80"),
        ("http://127.0.0.1:8441", "http://127.0.0.1:8441"),
        ("http://[::1]:80/", "http://[::1]"),
    ],
)
def test_an_address_is_signed_for_without_a_default_port(text: str, url: str) -> None:
    address = read_server_address(text)
    assert (address.url, address.authority) == (url, url.partition("//")[2])


@pytest.mark.parametrize(
    "text", ["", "index.example", "ftp://index.example", "https://a/b", "http://a:99999", "http://"]
)
def test_what_is_not_the_root_of_a_server_is_refused(text: str) -> None:
    with pytest.raises(CallerMistake, match="server-url"):
        read_server_address(text)


@pytest.mark.parametrize(
    ("text", "is_private"),
    [
        ("https://index.example", True),
        ("http://127.0.0.1:8441", True),
        ("http://127.9.9.9", True),
        ("http://[::1]", True),
        ("http://localhost:8441", True),
        ("http://index.example", False),
        ("http://192.168.0.1", False),
        ("http://localhost.example", False),
    ],
)
def test_without_tls_only_this_machine_is_private(text: str, is_private: bool) -> None:
    assert read_server_address(text).is_private is is_private
