"""What was said to ``fieldward`` itself, before any command."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Invocation:
    """The root's options, for the commands."""

    config_file: Path | None
    """The settings of the service, for what acts on its host."""
    server: str
    """The server's address, for an administrator's commands."""
    key_file: Path
    """The administrator's private key."""
    passphrase_file: Path | None
    """Opens it; nobody is asked then."""

    @property
    def known_authorities_folder(self) -> Path:
        """Where the root keys of authorities are kept that the administrator has dealt with."""
        return self.key_file.parent / "known-authorities"
