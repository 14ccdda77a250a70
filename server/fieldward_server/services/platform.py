"""What every service needs, built once per process."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fieldward_server.files import SealedFiles
from fieldward_server.master_keys import MasterKeys
from fieldward_server.shield_register import ShieldRegister
from fieldward_server.storage import Storage
from fieldward_sync.keys import HpkePrivateKey, label
from fieldward_sync.leases import LeaseTerms
from fieldward_sync.messages import Assurance
from fieldward_sync.sealing import Entropy, seal

REMEMBERED_REQUESTS = 65_536


class SeenRequests:
    """The signatures of the last requests that this process has let in.

    A request's counter is durable only together with an effect. One without effect is harmless
    when it comes again; this keeps it from costing anything.
    """

    def __init__(self) -> None:
        self._seen: OrderedDict[bytes, None] = OrderedDict()
        self._lock = Lock()

    def first_time(self, signature: bytes) -> bool:
        """Whether this is new; from now on it is not."""
        with self._lock:
            if signature in self._seen:
                return False
            self._seen[signature] = None
            if len(self._seen) > REMEMBERED_REQUESTS:
                self._seen.popitem(last=False)
            return True


@dataclass(frozen=True)
class Platform:
    """Storage, keys, files, randomness and terms: what services work with."""

    storage: Storage
    master_keys: MasterKeys
    """What wraps every key at rest."""
    files: SealedFiles
    shield_register: ShieldRegister
    entropy: Entropy
    lease_terms: LeaseTerms
    absence_seconds: int
    """How long what a device may have missed is kept (``services.distribution.absence``)."""
    loading: Lock = field(default_factory=Lock)
    """Held while a batch of records is loaded: a second one here would take turns with it at the
    interpreter, and all other workers wait meanwhile for whichever has locked the authority."""
    least_assurance: Assurance = "file"
    """Where a device has to keep its secret, at the least."""
    seen_requests: SeenRequests = field(default_factory=SeenRequests)
    answer_keys: dict[bytes, Ed25519PrivateKey] = field(default_factory=dict)
    """By what they are wrapped as: kept once opened, because every answer is signed."""
    edit_keys: dict[str, tuple[bytes, HpkePrivateKey]] = field(default_factory=dict)
    """By authority, each beside what its seed is wrapped as: the one in force is kept once opened,
    because every enquiry is sealed to it, and let go when another comes into force. The master key,
    which opens it at any time, is in this process for as long."""

    def demands_more(self, assurance: str) -> bool:
        """Whether a device keeps its secret in a place that policy refuses (A2)."""
        return self.least_assurance == "platform" and assurance != "platform"

    def wrap(self, secret: bytes, purpose: str, authority: str, *context: str | int) -> bytes:
        """A secret as the database may hold it, bound to what it is for."""
        return seal(
            self.master_keys.in_force,
            label(purpose, authority, *context),
            secret,
            entropy=self.entropy,
        )

    def unwrap(self, wrapped: bytes, purpose: str, authority: str, *context: str | int) -> bytes:
        """What ``wrap`` was given; ``PeerBrokeProtocol("seal-broken")`` with another master key."""
        return self.master_keys.open(label(purpose, authority, *context), wrapped)
