"""Authorities as they come about: an administrator is let in, founds one, and renews its keys."""

from __future__ import annotations

import os
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fieldward_server.services.administrators import bootstrap
from fieldward_server.services.authorities import authority_keys, found_authority
from fieldward_server.services.platform import Platform
from fieldward_server.services.succession import Successors, prepare_successors, put_in_force
from fieldward_sync.encoding import pack
from fieldward_sync.keys import hpke_public_key
from fieldward_sync.signing import public_key, sign, signing_key

ADMINISTRATOR = "ann-poole"


@dataclass(frozen=True)
class AuthoritySecrets:
    """What is kept away from the server."""

    administrator_key: Ed25519PrivateKey
    root_private: bytes
    audit_seed: bytes


def let_in(
    platform: Platform, authority: str, *, now: int, administrator: str = ADMINISTRATOR
) -> Ed25519PrivateKey:
    """An administrator, by the host's word; the key they sign with."""
    key = Ed25519PrivateKey.generate()
    bootstrap(
        platform,
        authority=authority,
        administrator=administrator,
        name="Ann Poole",
        public_key=public_key(key),
        actor="host:test",
        reason="routine",
        now=now,
    )
    return key


def found(platform: Platform, authority: str, *, name: str, now: int) -> AuthoritySecrets:
    """An authority with one administrator and keys of its own."""
    administrator_key = let_in(platform, authority, now=now)
    root_private, audit_seed = os.urandom(32), os.urandom(32)
    root = signing_key(root_private)
    trust = authority_keys(platform, authority).first_trust(
        authority=authority, audit_key=hpke_public_key(audit_seed), issued=now
    )
    found_authority(
        platform,
        authority=authority,
        name=name,
        root_key=public_key(root),
        trust=pack(sign(trust, root)),
        actor=ADMINISTRATOR,
        reason="routine",
        now=now,
    )
    return AuthoritySecrets(administrator_key, root_private, audit_seed)


def renew_keys(platform: Platform, authority: str, secrets: AuthoritySecrets, *, now: int) -> None:
    """Put other keys in the place of the server's, and perhaps another audit key: that of these
    secrets."""
    by = {"authority": authority, "actor": ADMINISTRATOR, "reason": "key-exposed"}
    trust = signed_trust(prepare_successors(platform, **by, now=now), authority, secrets, now=now)
    put_in_force(platform, **by, trust=trust, now=now)


def signed_trust(
    successors: Successors, authority: str, secrets: AuthoritySecrets, *, now: int
) -> bytes:
    """What the root key says of keys that are to follow."""
    audit_key = hpke_public_key(secrets.audit_seed)
    trust = successors.trust(authority=authority, audit_key=audit_key, issued=now)
    return pack(sign(trust, signing_key(secrets.root_private)))
