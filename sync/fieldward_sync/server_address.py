"""A server's address, as people give it and as requests are signed for it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address

from fieldward_sync.errors import CallerMistake

MAX_PORT = 65_535
_DEFAULT_PORTS = {"http": 80, "https": 443}
_ADDRESS = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9.-]+|\[[0-9a-f:.]+\])(:(?P<port>[0-9]{1,5}))?/?"
)


@dataclass(frozen=True)
class ServerAddress:
    """The root of a server."""

    scheme: str
    host: str
    authority: str
    """The host, and the port if it is not the scheme's default: what requests are signed for."""

    @property
    def url(self) -> str:
        """The address without a trailing slash."""
        return f"{self.scheme}://{self.authority}"

    @property
    def is_this_machine(self) -> bool:
        """Whether it is a loopback address."""
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host.strip("[]")).is_loopback
        except ValueError:
            return False

    @property
    def is_private(self) -> bool:
        """Whether nobody between the two ends can listen: TLS, or this machine itself."""
        return self.scheme == "https" or self.is_this_machine


def read_server_address(text: str) -> ServerAddress:
    """Read ``https://host`` or ``https://host:port`` (or http).

    Raises ``CallerMistake("server-url")`` for an address that is not a server's root.
    """
    found = _ADDRESS.fullmatch(text.lower())
    if found is None or int(found["port"] or 0) > MAX_PORT:
        raise CallerMistake(
            "server-url",
            "This is not the address of a server.",
            next_step="Give it as https://host or https://host:port, without a path.",
        )
    scheme, host, port = found["scheme"], found["host"], int(found["port"] or 0)
    authority = f"{host}:{port}" if port not in (0, _DEFAULT_PORTS[scheme]) else host
    return ServerAddress(scheme, host, authority)
