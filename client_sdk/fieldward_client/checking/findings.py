"""What can be found wrong with a device's folder, in words for the person who has it (U4).

One table: what it is, what it means, what to do next. No I/O here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

Weight = Literal["damage", "unfinished", "note"]
"""*damage*: something is lost or was changed. *unfinished*: a crash came between, and the next
start goes on by itself. *note*: nothing is wrong; it says what could not be checked."""

_BY_ITSELF = "Connect and sync."
_KEEP = "Keep the folder as it is and tell your sync administrator the code."
_INVITATION = (
    "Ask your sync administrator for an invitation; open it without a passphrase and sync."
)


@dataclass(frozen=True)
class Finding:
    """One thing that was found."""

    code: str
    weight: Weight
    where: str
    """The file, below the device's folder."""
    what: str
    means: str
    """What is lost, and what comes again by itself."""
    next_step: str


class _Words(NamedTuple):
    weight: Weight
    what: str
    means: str
    next_step: str


_WORDS = {
    "torn-tail": _Words(
        "unfinished",
        "A crash left {count} bytes unfinished at the end.",
        "Nothing is lost: what was being written had not been accepted.",
        "Nothing; the next start cuts it off.",
    ),
    "frames-damaged": _Words(
        "damage",
        "Part of this file was cut out or changed.",
        "What is whole in it is still delivered.",
        "Sync now, to deliver what is left, and tell your sync administrator the code.",
    ),
    "edits-lost": _Words(
        "damage",
        "{count} edits that were accepted are gone: numbers {numbers}.",
        "They cannot be sent from here. If the server has them, the next sync says so.",
        "Sync; if they still count as lost then, type them again and tell your administrator.",
    ),
    "edits-lost-unknown": _Words(
        "damage",
        "Edits may be gone, and nobody can tell how many.",
        "What is still here is sent. The server is told that others may be lost.",
        "Sync; then look whether what you typed last has arrived, and type again what has not.",
    ),
    "edits-out-of-order": _Words(
        "damage",
        "The edits are not in the order in which they were written: somebody moved them.",
        "Nothing is lost by that; they are sent by their numbers.",
        _KEEP,
    ),
    "edit-unreadable": _Words(
        "damage",
        "Edit {count} was changed: it does not open.",
        "It is sent all the same; the server cannot open it either and keeps it for a person.",
        "Type it again, and tell your sync administrator the code.",
    ),
    "journal-broken": _Words(
        "damage",
        "The record of look-ups cannot be continued: {why}.",
        "Look-ups before that are still delivered; no further ones can be made here.",
        "Sync to deliver what is left; then ask your administrator to enrol the device again.",
    ),
    "journal-behind": _Words(
        "damage",
        "The server has {count} look-ups that are not here.",
        "The folder is an older copy of itself, or the end of the record was cut off.",
        "Sync: the device goes on as its next generation, and your administrator sees it.",
    ),
    "counters-behind": _Words(
        "damage",
        "An edit has number {count}, which was never reserved.",
        "The folder is mixed from copies of different times. No number is given twice.",
        _KEEP,
    ),
    "not-ours": _Words(
        "damage",
        "It is not signed by who this device trusts, or it is meant for another: {why}.",
        "It is not used.",
        _BY_ITSELF + " It comes again by itself.",
    ),
    "file-missing": _Words(
        "damage",
        "A sealed file of {title} is missing.",
        "That partition cannot be read until a sync fetches it: the next, or if it has a key that "
        "did not come, the first one that renews the lease.",
        _BY_ITSELF,
    ),
    "file-changed": _Words(
        "damage",
        "A sealed file of {title} is not what its signed list says.",
        "That partition cannot be read until the next sync, which fetches it again.",
        _BY_ITSELF,
    ),
    "partition-unopened": _Words(
        "damage",
        "{title} does not open, though its files are as listed: {why}.",
        "It cannot be read until the next sync, which fetches it again.",
        _BY_ITSELF,
    ),
    "lease-unopened": _Words(
        "damage",
        "The lease does not open what lies here: {why}.",
        "Nothing can be read until a sync brings another lease. What was typed is kept.",
        _BY_ITSELF,
    ),
    "document-missing": _Words("damage", "The file is missing.", "{means}", "{next_step}"),
    "document-damaged": _Words(
        "damage", "The file cannot be read: it was cut or changed.", "{means}", "{next_step}"
    ),
    "stray": _Words(
        "damage",
        "This file is none of a device's.",
        "The device neither reads nor erases it; somebody put it here.",
        "Find out what it is, and move it elsewhere.",
    ),
    "half-replaced": _Words(
        "unfinished",
        "A crash came while a file was being replaced or erased.",
        "Nothing is lost.",
        "Nothing; the next start erases it.",
    ),
    "half-fetched": _Words(
        "unfinished",
        "A file was being fetched.",
        "Nothing is lost.",
        "Nothing; the next sync goes on where it broke off, or erases it.",
    ),
    "unlisted": _Words(
        "unfinished",
        "No list of partitions names this sealed file any more.",
        "Nothing is lost: it is of an older state, or of a partition that is no longer held.",
        "Sync: that erases it.",
    ),
    "attempt": _Words(
        "unfinished",
        "An enrolment, a joining or a new beginning was cut short.",
        "Nothing is lost.",
        "Repeat the command that was cut short, or open the device: it goes on where it was.",
    ),
    "wipe-under-way": _Words(
        "unfinished",
        "The device was ordered to wipe itself, and has not finished.",
        "Nothing can be read any more. What was typed and looked up is still delivered.",
        "Open it without a passphrase and sync.",
    ),
    "lease-overdue": _Words(
        "unfinished",
        "The lease's last deadline has passed, and its keys are still here.",
        "Nothing can be read any more; what was typed is kept and delivered.",
        "Nothing; the next start erases them.",
    ),
    "not-read": _Words(
        "note",
        "What is inside the sealed files was not checked: {why}.",
        "That they are what the server signed was checked.",
        "Run it again with --unlock while the copy can be read.",
    ),
}

_MEANINGS = {
    "identity": (
        "Without it this folder is no device any more. What was typed stays sealed in it.",
        _KEEP + " Enrol anew in another folder.",
    ),
    "contact": ("The device does not open. What was typed stays sealed in it.", _KEEP),
    "counters": ("Numbers of requests begin anew; nothing that was typed is lost.", _BY_ITSELF),
    "clock": ("The copy stays shut until the next sync tells the time.", _BY_ITSELF),
    "device-secret": ("No passphrase opens anything here. What was typed is sent.", _INVITATION),
    "journal": ("Look-ups that were not delivered are gone.", _KEEP),
    "journal-key": ("No further look-ups can be made here; those made are sent.", _KEEP),
    "outbox": ("Edits that were not delivered are gone.", _KEEP),
    "outbox-made": ("It cannot be told whether edits were cut off at the end.", _BY_ITSELF),
    "wipe": ("The order to wipe comes again by itself.", _BY_ITSELF),
    "vault": ("Their passphrase opens nothing here. What they typed is sent.", _INVITATION),
    "attempts": (
        "One more wrong passphrase shuts the copy until a sync.",
        "Unlock with the right one.",
    ),
    "lease": ("Nothing can be read until a sync brings another.", _BY_ITSELF),
    "store-key": ("What was typed and not sent cannot be shown; it is sent.", _BY_ITSELF),
    "distribution": ("Nothing can be read until a sync brings it again.", _BY_ITSELF),
    "earlier-keys": ("Some files cannot be read until a sync brings newer ones.", _BY_ITSELF),
    "notices": ("They come again by themselves.", _BY_ITSELF),
    "enrolling": ("The attempt to enrol cannot be repeated.", "Enrol with a new invitation."),
    "time-asked": ("The time code that was asked for is not taken.", "Ask for another."),
    "joining": ("The attempt to join begins anew.", "Join again with an invitation."),
    "coming-back": ("The device cannot go on by itself.", _KEEP),
}
"""By kind of document, what it means that it is gone, and what to do."""


def finding(code: str, where: str, **told: object) -> Finding:
    """A finding in words."""
    words = _WORDS[code]
    return Finding(
        code,
        words.weight,
        where if where.isprintable() else ascii(where)[1:-1],  # anybody may have called it so
        words.what.format(**told),
        words.means.format(**told),
        words.next_step.format(**told),
    )


def document_finding(code: str, where: str) -> Finding:
    """That a document is missing or damaged."""
    means, next_step = _MEANINGS[where.rpartition("/")[2]]
    return finding(code, where, means=means, next_step=next_step)
