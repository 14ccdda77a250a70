"""A folder that came back from an old copy goes on as its device's next generation (design §5).

What the generation before has not delivered stays in a folder of its own, below ``earlier``, with
the identity key that delivers it: it goes up under its old dots, as a locked device's would. Its
keys that read are gone.

The change is made from a plan that is stored whole before anything is replaced, so that a crash
leaves the old generation or leads to the new one. The new identity is stored last.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import ClassVar

import msgspec

from fieldward_client.copies.hand_over import HAND_OVER
from fieldward_client.disk.clock import STATE
from fieldward_client.disk.counters import FILE as COUNTERS
from fieldward_client.disk.folder import Folder
from fieldward_client.enrolled.installation import PRACTITIONERS, REDEEMING, Installation
from fieldward_client.enrolled.practitioner import Practitioner
from fieldward_client.enrolled.time_asked import TIME_ASKED
from fieldward_client.keys.attempts import attempts_file
from fieldward_client.keys.identity import CONTACT, IDENTITY, Contact, Identity, first_contact
from fieldward_client.keys.vault import SealedVault, vault_file
from fieldward_client.logs.journal import EPOCH_KEY, JOURNAL, Journal, read_size
from fieldward_client.logs.outbox import MADE, OUTBOX, Outbox, read_content
from fieldward_client.logs.outbox_content import OutboxContent
from fieldward_sync.encoding import Message
from fieldward_sync.errors import AccessClosed, LocalDataDamaged
from fieldward_sync.journal import JournalHead
from fieldward_sync.keys import KEY_BYTES
from fieldward_sync.names import Key, PractitionerId
from fieldward_sync.sealing import Entropy
from fieldward_sync.signing import public_key, signing_key

EARLIER, COMING_BACK = "earlier", "coming-back"
_DELIVERS = (OUTBOX, MADE, JOURNAL, EPOCH_KEY, COUNTERS, STATE, CONTACT, IDENTITY)


class ComingBack(Message, frozen=True):
    """The change to the next generation, from the moment on that it is asked for."""

    marker: ClassVar[bytes] = b"fieldward/coming-back/1"
    journal_seed: Key
    identity: Identity | None = None
    """The next generation's, once the server has named it."""
    practitioner: PractitionerId | None = None
    vault: SealedVault | None = None

    def __repr__(self) -> str:
        return "ComingBack(…)"


def old_copy() -> LocalDataDamaged:
    """What to say where the server lets this folder go no further."""
    return LocalDataDamaged(
        "old-copy",
        "This folder is an old copy of a device that has gone on since.",
        next_step="What was typed is delivered. Ask your sync administrator for an invitation.",
    )


def next_journal_key(folder: Folder, entropy: Entropy) -> bytes:
    """The key to ask for the next generation with: the same in each attempt."""
    plan = folder.load(COMING_BACK, ComingBack)
    if plan is None:
        plan = ComingBack(journal_seed=entropy(KEY_BYTES))
        folder.store(COMING_BACK, plan)
    return public_key(signing_key(plan.journal_seed))


def become(here: Installation, practitioner: Practitioner, generation: int) -> Practitioner:
    """Go on as this generation, which the server named; the practitioner at it, still unlocked.

    Sessions of before are closed. If the disk refuses, the next sync or start finishes it.
    """
    folder, plan = here.folder, here.folder.load(COMING_BACK, ComingBack)
    if plan is None:
        raise LocalDataDamaged("file-missing", "The plan of the next generation is gone.")
    identity = msgspec.structs.replace(here.identity, generation=generation)
    vault = practitioner.vault.for_generation(identity)
    practitioner.close(
        AccessClosed(
            "generation-changed",
            "This device's folder was an old copy, and it begins anew.",
            next_step="Begin a new session; what was typed is kept.",
        )
    )
    before = folder.below(f"{EARLIER}/{here.identity.generation}")
    for name in _DELIVERS:
        content = folder.read(name)
        if content is not None:
            before.replace(name, content)
    folder.store(
        COMING_BACK, ComingBack(plan.journal_seed, identity, practitioner.id, vault.sealed())
    )
    finish_coming_back(here)
    return Practitioner(here, practitioner.id, vault)


def finish_coming_back(here: Installation) -> bool:
    """Finish a change that was begun, of a device that is open, before anything else is done with
    it: what the generation before accepted from then on would be nowhere."""
    was_begun = go_on_coming_back(here.folder)
    if was_begun:
        here.reload()
    return was_begun


def go_on_coming_back(folder: Folder) -> bool:
    """Finish a change to the next generation that was begun; whether there was one."""
    plan, identity = folder.load(COMING_BACK, ComingBack), folder.load(IDENTITY, Identity)
    if plan is None or plan.identity is None or plan.practitioner is None or plan.vault is None:
        return False
    if identity != plan.identity:
        _replace(folder, plan.identity, plan.practitioner, plan.vault, plan.journal_seed)
    folder.erase(COMING_BACK)
    return True


def earlier(here: Installation) -> tuple[str, ...]:
    """The folders of earlier generations that are not done with.

    What a change that was not made has left behind is none: it copied the present one.
    """
    present = f"{EARLIER}/{here.identity.generation}"
    return tuple(name for name in here.folder.names(EARLIER) if name != present)


@dataclass(frozen=True)
class Left:
    """What an earlier generation has, read without opening its files to write."""

    generation: int
    outbox: OutboxContent
    unsent_look_ups: int


def left(here: Installation) -> tuple[Left, ...]:
    """What earlier generations that are not done with have, the earliest first."""
    found = []
    for name in earlier(here):
        folder = here.folder.below(name)
        if folder.read(IDENTITY) is not None:
            unsent = max(0, read_size(folder) - _journal_next(folder))
            found.append(Left(int(name.rpartition("/")[2]), read_content(folder), unsent))
    return tuple(sorted(found, key=lambda it: it.generation))


def _journal_next(folder: Folder) -> int:
    """Up to where the server is known to have a journal: not at all, where that is damaged."""
    with suppress(LocalDataDamaged):
        contact = folder.load(CONTACT, Contact)
        return contact.journal_next if contact else 0
    return 0


@contextmanager
def opened(here: Installation, name: str) -> Iterator[Installation]:
    """An earlier generation, to be delivered as a locked device is."""
    before = Installation(here.folder.below(name), here.ports)
    try:
        yield before
    finally:
        before.close()


def is_done_with(before: Installation, *, wiped: bool) -> bool:
    """Whether everything of an earlier generation is in the server's backups; on a device that is
    being wiped, whether the server has it."""
    contact, outbox, journal = before.contact, before.outbox, before.journal
    due = (contact.journal_next, contact.journal_epoch)
    if contact.receipts or outbox.undelivered() or not journal.is_delivered(*due):
        return False
    return wiped or (
        outbox.is_covered(contact.kept_until) and journal.is_delivered(*contact.journal_covered)
    )


def forget(folder: Folder, name: str) -> None:
    """Erase an earlier generation: its identity first, without which it is none."""
    before = folder.below(name)
    before.erase(IDENTITY, EPOCH_KEY)
    before.remove(*(each for each in _DELIVERS if each not in (IDENTITY, EPOCH_KEY)))
    folder.remove_folder(name)


def _replace(
    folder: Folder, identity: Identity, practitioner: str, vault: SealedVault, seed: bytes
) -> None:
    contact = folder.load(CONTACT, Contact)
    if contact is None:
        raise LocalDataDamaged("file-missing", "What the server last said is gone.")
    kept = {vault_file(practitioner), attempts_file(practitioner)}
    # Others at the device join the next generation with codes of their own.
    for each in folder.names(PRACTITIONERS):
        others = each.rpartition("/")[2] != practitioner
        folder.erase(*(name for name in folder.names(each) if others or name not in kept))
        if others:
            folder.remove_folder(each)
    folder.erase(HAND_OVER)
    folder.remove(COUNTERS, TIME_ASKED, *folder.names(REDEEMING))
    Outbox.create(folder)
    head = JournalHead.first(identity.device, identity.generation, public_key(signing_key(seed)))
    Journal.create(folder, head, seed)
    folder.store(CONTACT, first_contact(contact.trust))
    folder.store(vault_file(practitioner), vault)
    folder.store(IDENTITY, identity)
