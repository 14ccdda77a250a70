"""A further practitioner on this device, or one who comes back with new keys (P30, P31).

The keys are stored before the request is sent, so that a broken attempt is repeated with the same
request and gets the same answer. What the practitioner could read here before goes before the new
keys are there: it was theirs under a passphrase that is forgotten. Their sealed edits and look-ups
stay, and go up under the keys that they were sealed with (invariant 1).
"""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

from fieldward_client.copies.notices import notices_file
from fieldward_client.enrolled.installation import REDEEMING, Installation
from fieldward_client.keys.lease import earlier_keys_file, lease_file, store_key_file
from fieldward_client.keys.passphrases import Lock, check_passphrase
from fieldward_client.keys.vault import Vault, VaultSecrets, open_begun, seal_secrets
from fieldward_sync.encoding import Message, decode, encode
from fieldward_sync.errors import CallerMistake, RefusedByServer
from fieldward_sync.invitations import Invitation, proof
from fieldward_sync.keys import label
from fieldward_sync.messages import MAX_ANSWER_BYTES, MAX_REQUEST_BYTES, JoinAnswer, JoinRequest
from fieldward_sync.signing import public_key, signing_key

JOINING = "joining"
PATH = "/v1/join"
_OVER = frozenset({"invitation-used", "invitation-expired"})


class Joining(Message, frozen=True):
    """An attempt to join: the request, and the keys it announces."""

    marker: ClassVar[bytes] = b"fieldward/joining/1"
    request: Annotated[bytes, Meta(max_length=MAX_REQUEST_BYTES)]
    lock: Lock
    sealed: Annotated[bytes, Meta(max_length=4096)]
    """The practitioner's keys, under the passphrase already."""


def join(here: Installation, invitation: Invitation, *, passphrase: str) -> tuple[str, Vault]:
    """Give whom an invitation names keys of their own on this device: their id, and the keys.

    Raises as ``enrol``; ``CallerMistake("code-elsewhere")`` for another authority's code. After
    each the same call may be repeated.
    """
    check_passphrase(passphrase)
    require_ours(here, invitation)
    attempt, unlock, secrets = _attempt(here, invitation, passphrase)
    try:
        body, _ = here.line.post(PATH, attempt.request, caller=here.identity.caller())
    except RefusedByServer as e:
        if e.code in _OVER:  # the server knows other keys, or none, and never will know these
            here.folder.erase(JOINING)
        raise
    practitioner = decode(JoinAnswer, body, max_bytes=MAX_ANSWER_BYTES).practitioner
    vault = Vault(
        here.folder,
        here.identity,
        practitioner,
        lock=attempt.lock,
        unlock=unlock,
        secrets=secrets,
        entropy=here.entropy,
    )
    _forget_who_was_here(here, practitioner)
    vault.save()
    here.folder.erase(JOINING)
    return practitioner, vault


def require_ours(here: Installation, invitation: Invitation) -> None:
    """``CallerMistake("code-elsewhere")`` for another authority's code."""
    if not invitation.is_of(here.identity.root_key):
        raise CallerMistake(
            "code-elsewhere",
            "This code is of another authority than this device.",
            next_step="Enrol with it in a folder of its own.",
        )


def join_request(here: Installation, invitation: Invitation, secrets: VaultSecrets) -> JoinRequest:
    """What tells the server whose keys these are, with the proof that they hold the code."""
    unproven = JoinRequest(
        invitation_id=invitation.invitation_id,
        practitioner_key=public_key(signing_key(secrets.signing_seed)),
        proof=bytes(32),
    )
    identity = here.identity
    statement = unproven.statement(device=identity.device, generation=identity.generation)
    return msgspec.structs.replace(unproven, proof=proof(invitation.proof_key, statement))


def _forget_who_was_here(here: Installation, practitioner: str) -> None:
    """Erase what earlier keys of theirs opened, and the word that would make such keys known after
    these; their part of the list of files stays."""
    here.folder.erase(
        lease_file(practitioner), store_key_file(practitioner), earlier_keys_file(practitioner)
    )
    here.folder.remove(notices_file(practitioner), f"{REDEEMING}/{practitioner}")
    here.ladder(practitioner).right()


def _attempt(
    here: Installation, invitation: Invitation, passphrase: str
) -> tuple[Joining, bytes, VaultSecrets]:
    """The attempt that is under way with this code, or a new one."""
    context = label("joining", invitation.invitation_id)
    secret = here.device_secret()
    attempt = here.folder.load(JOINING, Joining)
    if attempt is not None and _is_for(attempt, invitation):
        unlock = attempt.lock.unlock_key(passphrase, secret)
        return attempt, unlock, open_begun(attempt.sealed, unlock, context)
    lock = Lock.new(secret, here.entropy)
    unlock = lock.unlock_key(passphrase, secret)
    secrets = VaultSecrets.new(here.entropy)
    attempt = Joining(
        request=encode(join_request(here, invitation, secrets)),
        lock=lock,
        sealed=seal_secrets(secrets, unlock, context, entropy=here.entropy),
    )
    here.folder.store(JOINING, attempt)
    return attempt, unlock, secrets


def _is_for(attempt: Joining, invitation: Invitation) -> bool:
    request = decode(JoinRequest, attempt.request, max_bytes=MAX_REQUEST_BYTES)
    return request.invitation_id == invitation.invitation_id
