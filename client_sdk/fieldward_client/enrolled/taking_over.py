"""Taking a device over with a code, without signal (P6); and telling the server, with the first.

The code opens the lease that waits here, once: from then on it lies under the new practitioner's
own passphrase. What they type and look up is sealed with keys that the server has not heard of; it
hears of them by the join that is stored here, before anything of theirs is delivered.
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

from fieldward_client.copies.hand_over import HAND_OVER, WaitingHandOver
from fieldward_client.copies.store import distribution_file
from fieldward_client.enrolled.installation import PRACTITIONERS, REDEEMING, Installation
from fieldward_client.enrolled.joining import PATH, join_request, require_ours
from fieldward_client.enrolled.practitioner import Practitioner
from fieldward_client.keys.attempts import attempts_file
from fieldward_client.keys.lease import cover, lease_file, open_grant
from fieldward_client.keys.passphrases import Lock, check_passphrase
from fieldward_client.keys.vault import Vault, VaultSecrets, vault_file
from fieldward_client.wire.patience import Patience
from fieldward_sync.encoding import Message, encode
from fieldward_sync.errors import (
    CallerMistake,
    LocalDataDamaged,
    PeerBrokeProtocol,
    RefusedByServer,
)
from fieldward_sync.invitations import Invitation
from fieldward_sync.journal import HAND_OVER_REASON, LookUp
from fieldward_sync.messages import MAX_REQUEST_BYTES


class Redeeming(Message, frozen=True):
    """The join that tells the server whose keys these are; until it has been answered."""

    marker: ClassVar[bytes] = b"fieldward/redeeming/1"
    request: Annotated[bytes, Meta(max_length=MAX_REQUEST_BYTES)]


def take_over(here: Installation, invitation: Invitation, *, passphrase: str) -> Practitioner:
    """Open the hand-over that waits here with its code, for its practitioner, who is unlocked then.

    Raises ``CallerMistake`` for another code, or for one who has keys here, ``AccessClosed`` where
    nothing may be read. Nothing has changed then, and the same call may be repeated.
    """
    check_passphrase(passphrase)
    require_ours(here, invitation)
    waits = _meant(here, invitation)
    here.contact.require_reading(waits.practitioner)
    waits.lease.require_reading(here.clock.now())
    who = waits.practitioner
    secret = here.device_secret()
    lock = Lock.new(secret, here.entropy)
    secrets = _secrets(here, invitation, waits)
    vault = Vault(
        here.folder,
        here.identity,
        who,
        lock=lock,
        unlock=lock.unlock_key(passphrase, secret),
        secrets=secrets,
        entropy=here.entropy,
    )
    lease = cover(waits.stored_lease, waits.lease, vault.vault_key, entropy=here.entropy)
    request = join_request(here, invitation, secrets)
    here.folder.store(f"{REDEEMING}/{who}", Redeeming(encode(request)))
    here.folder.store(lease_file(who), lease)
    here.folder.store(distribution_file(who), waits.stored_distribution)
    here.ladder(who).right()
    vault.save()  # from here on it is done; before, the next start forgets it
    practitioner = Practitioner(here, who, vault)
    finish_taking_over(here, practitioner)
    return practitioner


def finish_taking_over(here: Installation, practitioner: Practitioner) -> None:
    """Put on record that a practitioner has taken the device over, and erase what the code opens;
    again where a crash came between."""
    waits = None
    with suppress(LocalDataDamaged):  # the next sync puts it aside
        waits = here.hand_over()
    if waits is None or waits.practitioner != practitioner.id:
        return
    now = here.clock.estimate()
    look_up = LookUp(
        action="take-over",
        outcome="shown",
        practitioner=practitioner.id,
        on_behalf_of=None,
        reason=HAND_OVER_REASON,
        at=now,
        terms={},
        records=(),
        fields=tuple(each.partition for each in waits.distribution.manifests),
        query=b"",
    )
    practitioner.write_look_ups(look_up, cost=0, now=now)
    here.folder.erase(HAND_OVER)


def redeem(here: Installation, patience: Patience) -> dict[str, RefusedByServer]:
    """Tell the server of each who has taken this device over; why it would not hear of some, by
    practitioner. They are told of again. Raises ``RetryLater`` without signal.

    It is the first thing that a sync says: no order reaches a device where somebody is unheard.
    """
    refused = {}
    forget_unfinished(here)
    for name in here.folder.names(REDEEMING):
        stored = here.folder.load(name, Redeeming)
        if stored is None:
            continue
        try:
            patience.until_let_in(
                partial(here.line.post, PATH, stored.request, caller=here.identity.caller())
            )
        except RefusedByServer as e:
            refused[name.rpartition("/")[2]] = _in_words(e)
        else:
            here.folder.remove(name)
    return refused


def forget_unfinished(here: Installation) -> None:
    """Forget who began to take the device over and had no keys when a crash came."""
    for name in here.folder.names(REDEEMING):
        who = name.rpartition("/")[2]
        if here.folder.read(vault_file(who)) is None:
            here.folder.erase(lease_file(who))
            here.folder.remove(distribution_file(who), attempts_file(who))
            here.folder.remove_folder(f"{PRACTITIONERS}/{who}")
            here.folder.remove(name)


def _in_words(refused: RefusedByServer) -> RefusedByServer:
    """Why the server would not hear of somebody, and what they do."""
    if refused.code != "invitation-used":
        return refused
    return RefusedByServer(
        refused.code,
        "This device was taken over with this code before, with other keys: its folder was put back"
        " from an older copy.",
        next_step="Ask your sync administrator for an invitation, join this device with it and"
        " sync: that hands in what you have typed since. Then have the device enrolled anew.",
    )


def _meant(here: Installation, invitation: Invitation) -> WaitingHandOver:
    waits = here.hand_over()
    if waits is None or waits.invitation_id != invitation.invitation_id:
        raise CallerMistake(
            "hand-over-not-here",
            "What this code opens is not on this device.",
            next_step="Compare the code, and the device, with what you were told. If they are "
            "right, sync the device once where there is signal, and try again.",
        )
    if here.folder.read(vault_file(waits.practitioner)) is not None:
        raise CallerMistake(
            "practitioner-here",
            f"{waits.practitioner} has keys on this device already.",
            next_step="Open it with the passphrase.",
        )
    return waits


def _secrets(here: Installation, invitation: Invitation, waits: WaitingHandOver) -> VaultSecrets:
    identity = here.identity
    seed = invitation.hand_over_seed(
        authority=identity.authority,
        device=identity.device,
        generation=identity.generation,
        practitioner=waits.practitioner,
    )
    try:
        open_grant(waits.stored_lease.grant, waits.lease, seed)
    except PeerBrokeProtocol as e:
        raise LocalDataDamaged(
            "hand-over-damaged",
            "The hand-over that waits here does not open.",
            next_step="Connect and sync: that brings it again.",
        ) from e
    return msgspec.structs.replace(VaultSecrets.new(here.entropy), hpke_seed=seed)
