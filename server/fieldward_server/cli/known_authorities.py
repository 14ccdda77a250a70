"""The authorities this administrator has dealt with: whose answers are believed.

The first answer of an authority brings its root key, which is kept; from then on only keys that
this root key vouches for sign answers. One file for each authority, beside the administrator's key.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from fieldward_sync.encoding import unpack
from fieldward_sync.errors import CallerMistake, Error, LocalDataDamaged, PeerBrokeProtocol
from fieldward_sync.messages import Trust
from fieldward_sync.signing import Signed

_FOLDER = 0o700


@dataclass(frozen=True)
class KnownAuthority:
    """An authority's root key, and the keys in force that it signed."""

    root_key: bytes
    signed: bytes
    """The packed ``Signed`` ``Trust``."""
    trust: Trust

    @classmethod
    def read(cls, authority: str, told: dict[str, Any]) -> KnownAuthority:
        """From what ``authority/trust`` answers: ``root_key`` and ``trust``, in hexadecimal.

        Raises ``PeerBrokeProtocol`` unless that root key vouches for these keys of ``authority``.
        """
        try:
            root_key, signed = bytes.fromhex(told["root_key"]), bytes.fromhex(told["trust"])
        except (KeyError, TypeError, ValueError) as e:
            raise PeerBrokeProtocol("malformed", "The authority's keys cannot be read.") from e
        trust = unpack(Signed, signed).open(Trust, root_key)
        if trust.authority != authority:
            raise PeerBrokeProtocol("trust-misaddressed", "These keys are another authority's.")
        return cls(root_key, signed, trust)

    def require_successor_of(self, known: KnownAuthority) -> None:
        """Raise ``PeerBrokeProtocol`` unless this may replace what was known before."""
        if self.root_key != known.root_key:
            raise PeerBrokeProtocol(
                "root-key-changed",
                f"The root key of {self.trust.authority} is not the one that is known here.",
                next_step="Ask the operator of the server before you do anything: it may be "
                "another server than you think.",
            )
        mine = (self.trust.incarnation, self.trust.version)
        if mine < (known.trust.incarnation, known.trust.version):
            raise PeerBrokeProtocol("trust-rolled-back", "The server shows keys of the past.")


class KnownAuthorities:
    """A folder of them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, authority: str) -> KnownAuthority | None:
        """What is known of an authority; ``LocalDataDamaged`` if it cannot be read."""
        path = self.path(authority)
        try:
            return KnownAuthority.read(
                authority, msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
            )
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError, Error) as e:
            raise LocalDataDamaged(
                "known-authority",
                f"{path} is not what was written there.",
                next_step="Bring it back from a backup, or remove it and compare the fingerprint "
                "that is shown next.",
            ) from e

    def keep(self, known: KnownAuthority) -> None:
        """Remember an authority from now on."""
        path = self.path(known.trust.authority)
        written = path.with_name(f"{path.name}.{os.getpid()}")
        told = {"root_key": known.root_key.hex(), "trust": known.signed.hex()}
        try:
            path.parent.mkdir(mode=_FOLDER, parents=True, exist_ok=True)
            written.write_bytes(msgspec.json.encode(told))
            written.replace(path)
        except OSError as e:
            raise CallerMistake(
                "known-authority", f"{path} cannot be written: {e.strerror}."
            ) from e

    def path(self, authority: str) -> Path:
        """Where it is kept."""
        return self._folder / f"{authority}.json"
