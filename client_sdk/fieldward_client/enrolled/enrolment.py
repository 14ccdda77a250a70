"""Enrolment: the device makes its keys, and the invitation code vouches for both sides.

The keys are stored before the request is sent, so that a broken attempt is repeated with the same
request and gets the same answer. The identity is stored last: without it there is no device.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

from fieldward_client.disk.clock import TrustedClock
from fieldward_client.disk.counters import Counters
from fieldward_client.disk.folder import Folder
from fieldward_client.enrolled.installation import Ports
from fieldward_client.keys.attempts import Ladder
from fieldward_client.keys.device_secret import assurance, device_secret, make_device_secret
from fieldward_client.keys.identity import CONTACT, IDENTITY, Identity, first_contact
from fieldward_client.keys.passphrases import Lock, check_passphrase
from fieldward_client.keys.vault import Vault, VaultSecrets, open_begun, seal_secrets
from fieldward_client.logs.journal import Journal
from fieldward_client.logs.outbox import Outbox
from fieldward_client.wire.exchange import Caller, Sent, send, verified_time
from fieldward_sync.encoding import Message, decode, encode
from fieldward_sync.errors import CallerMistake, PeerBrokeProtocol
from fieldward_sync.invitations import Invitation, proof, read_code
from fieldward_sync.journal import JournalHead
from fieldward_sync.keys import KEY_BYTES, label
from fieldward_sync.messages import (
    MAX_ANSWER_BYTES,
    MAX_REQUEST_BYTES,
    Assurance,
    EnrolAnswer,
    EnrolRequest,
    Trust,
)
from fieldward_sync.names import Key
from fieldward_sync.problems import read_refusal
from fieldward_sync.signing import public_key, signing_key

ENROLLING = "enrolling"
PATH = "/v1/enrol"


class Enrolling(Message, frozen=True):
    """An attempt to enrol: the request, and the keys it announces."""

    marker: ClassVar[bytes] = b"fieldward/enrolling/1"
    server_url: Annotated[str, Meta(max_length=1000)]
    request: Annotated[bytes, Meta(max_length=MAX_REQUEST_BYTES)]
    identity_seed: Key
    journal_seed: Key
    lock: Lock
    sealed: Annotated[bytes, Meta(max_length=4096)]
    """The practitioner's keys, under the passphrase already."""


def enrol(
    folder: Folder, server_url: str, code: str, *, passphrase: str, name: str, ports: Ports
) -> str:
    """Make this folder a device of the authority behind the code; its practitioner's id.

    Raises ``CallerMistake`` for what cannot be, ``RetryLater`` without the server,
    ``RefusedByServer`` for a code that is used up or over, ``PeerBrokeProtocol`` if what answers
    is not who the code names. After each the same call may be repeated.
    """
    if folder.read(IDENTITY) is not None:
        raise CallerMistake(
            "already-enrolled",
            "There is a device in this folder already.",
            next_step="Use it, or enrol in another folder. A further person joins with their code.",
        )
    check_passphrase(passphrase)
    invitation = read_code(code)
    if invitation.hands_over:
        raise CallerMistake(
            "code-hands-over",
            "This code hands over a device that is enrolled already.",
            next_step="Use it on that device: `fieldward field join`.",
        )
    attempt, unlock, secrets = _attempt(folder, invitation, server_url, passphrase, name, ports)
    answer, server_time = _ask(folder, attempt, invitation, ports)
    identity = Identity(
        server_url=attempt.server_url,
        authority=answer.authority,
        device=answer.device,
        generation=answer.generation,
        seed=attempt.identity_seed,
        root_key=answer.root_key,
    )
    vault = Vault(
        folder,
        identity,
        answer.practitioner,
        lock=attempt.lock,
        unlock=unlock,
        secrets=secrets,
        entropy=ports.entropy,
    )
    Ladder.create(folder, answer.practitioner)
    vault.save()
    _begin(folder, identity, attempt, answer, server_time, ports)
    folder.store(IDENTITY, identity)
    return answer.practitioner


def forget_attempt(folder: Folder) -> None:
    """Once there is an identity, erase the attempt that led to it."""
    if folder.read(ENROLLING) is not None:
        folder.erase(ENROLLING)


def _attempt(
    folder: Folder,
    invitation: Invitation,
    server_url: str,
    passphrase: str,
    name: str,
    ports: Ports,
) -> tuple[Enrolling, bytes, VaultSecrets]:
    """The attempt that is under way with this code and server, or a new one."""
    context = label("enrolling", invitation.invitation_id)
    attempt = folder.load(ENROLLING, Enrolling)
    if attempt is not None and _is_for(attempt, invitation, server_url):
        unlock = attempt.lock.unlock_key(passphrase, device_secret(folder, ports.key_store()))
        return attempt, unlock, open_begun(attempt.sealed, unlock, context)
    secret = make_device_secret(folder, ports.key_store(), ports.entropy)
    lock = Lock.new(secret, ports.entropy)
    unlock = lock.unlock_key(passphrase, secret)
    secrets = VaultSecrets.new(ports.entropy)
    identity_seed, journal_seed = ports.entropy(KEY_BYTES), ports.entropy(KEY_BYTES)
    request = _request(
        invitation,
        device=_public(identity_seed),
        practitioner=_public(secrets.signing_seed),
        journal=_public(journal_seed),
        assurance=assurance(folder),
        name=name,
    )
    attempt = Enrolling(
        server_url=server_url,
        request=encode(request),
        identity_seed=identity_seed,
        journal_seed=journal_seed,
        lock=lock,
        sealed=seal_secrets(secrets, unlock, context, entropy=ports.entropy),
    )
    folder.store(ENROLLING, attempt)
    return attempt, unlock, secrets


def _is_for(attempt: Enrolling, invitation: Invitation, server_url: str) -> bool:
    request = decode(EnrolRequest, attempt.request, max_bytes=MAX_REQUEST_BYTES)
    asked = (request.invitation_id, attempt.server_url)
    return asked == (invitation.invitation_id, server_url)


def _request(
    invitation: Invitation,
    *,
    device: bytes,
    practitioner: bytes,
    journal: bytes,
    assurance: Assurance,
    name: str,
) -> EnrolRequest:
    unproven = EnrolRequest(
        invitation_id=invitation.invitation_id,
        device_key=device,
        practitioner_key=practitioner,
        journal_key=journal,
        assurance=assurance,
        name=name,
        proof=bytes(32),
    )
    request = msgspec.structs.replace(
        unproven, proof=proof(invitation.proof_key, unproven.statement())
    )
    try:
        return decode(EnrolRequest, encode(request), max_bytes=MAX_REQUEST_BYTES)
    except PeerBrokeProtocol as e:
        raise CallerMistake(
            "device-name", "A device's name has 1 to 64 letters, digits, blanks and . _ - in it."
        ) from e


def _ask(
    folder: Folder, attempt: Enrolling, invitation: Invitation, ports: Ports
) -> tuple[EnrolAnswer, int]:
    """The server's answer and time, once everything in it hangs together with the code."""
    sent = _send(folder, attempt, ports)
    if sent.answer.status != 200:
        # There is no key to check a refusal with yet; nothing is changed on its word.
        raise read_refusal(sent.answer.status, sent.answer.body)[0]
    answer = decode(EnrolAnswer, sent.answer.body, max_bytes=MAX_ANSWER_BYTES)
    if not invitation.is_of(answer.root_key):
        raise PeerBrokeProtocol(
            "root-key-wrong",
            "The server is not the one that the code was made for.",
            next_step="Compare the server's address with the one you were given.",
        )
    trust = answer.trust.open(Trust, answer.root_key)
    if trust.authority != answer.authority:
        raise PeerBrokeProtocol("trust-misaddressed", "These keys are another authority's.")
    return answer, verified_time(sent, trust)


def _send(folder: Folder, attempt: Enrolling, ports: Ports) -> Sent:
    """Send the request; its time is not judged, so that a device with a wrong clock can enrol."""
    return send(
        ports.connect(attempt.server_url),
        PATH,
        attempt.request,
        caller=_caller(attempt),
        counter=Counters(folder, last_edit=0).next_request(),
        created=ports.clock.reading().wall,
    )


def _caller(attempt: Enrolling) -> Caller:
    key_hash = hashlib.sha256(_public(attempt.identity_seed)).hexdigest()
    return Caller(signing_key(attempt.identity_seed), f"enrol/{key_hash[:32]}")


def _begin(
    folder: Folder,
    identity: Identity,
    attempt: Enrolling,
    answer: EnrolAnswer,
    server_time: int,
    ports: Ports,
) -> None:
    """The device's beginnings: an empty outbox and journal, and the first contact."""
    Outbox.create(folder)
    head = JournalHead.first(identity.device, identity.generation, _public(attempt.journal_seed))
    Journal.create(folder, head, attempt.journal_seed, ports.entropy(KEY_BYTES))
    TrustedClock.start(folder, ports.clock, server_time)
    folder.store(CONTACT, first_contact(answer.trust))


def _public(seed: bytes) -> bytes:
    return public_key(signing_key(seed))
