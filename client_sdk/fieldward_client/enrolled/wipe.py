"""Obeying orders; a wipe above all (design §8).

A wipe is a state: once its order is stored here, every start continues it before anything else.
Keys that read go first, then what they read. Identity, outbox and journal stay until they are
delivered; then they go too, and the order remains to say why the folder is empty.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import ClassVar

from fieldward_client.copies.hand_over import HAND_OVER
from fieldward_client.disk.clock import STATE
from fieldward_client.disk.counters import FILE as COUNTERS
from fieldward_client.disk.folder import Folder
from fieldward_client.disk.reserve import RESERVE
from fieldward_client.enrolled.generations import COMING_BACK
from fieldward_client.enrolled.installation import REDEEMING, Installation
from fieldward_client.enrolled.joining import JOINING
from fieldward_client.enrolled.time_asked import TIME_ASKED
from fieldward_client.keys.attempts import attempts_file
from fieldward_client.keys.identity import CONTACT, IDENTITY, MAX_OBEYED, Obeyed
from fieldward_client.keys.lease import lease_file, store_key_file
from fieldward_client.keys.vault import vault_file
from fieldward_client.logs.journal import EPOCH_KEY, JOURNAL
from fieldward_client.logs.outbox import MADE, OUTBOX
from fieldward_sync.access import (
    Order,
    Receipt,
    RefusedOrder,
    open_order,
    order_number,
    refused_order,
    require_in_turn,
)
from fieldward_sync.encoding import Message, decode
from fieldward_sync.errors import AccessClosed, LocalDataDamaged, PeerBrokeProtocol
from fieldward_sync.signing import MAX_SIGNED_BYTES, Signed, sign, signing_key

WIPE = "wipe"
_LEFT_FOR_DELIVERY = (JOURNAL, EPOCH_KEY, OUTBOX, MADE, COUNTERS, STATE, CONTACT, RESERVE)


class StoredWipe(Message, frozen=True):
    """The order to wipe; its signature was checked when it came."""

    marker: ClassVar[bytes] = b"fieldward/wipe/1"
    order: Signed


def obey(installation: Installation, orders: Iterable[Signed]) -> PeerBrokeProtocol | None:
    """Do what new orders say, in the order of their numbers, each once, with a receipt for each.
    Of *pause* and *resume* the receipt is all: what the device may do is what its answer says, and
    that may be another state since.

    One that is not the server's, not meant for us or out of its turn is not obeyed and holds up no
    other; the server is told, and why the first was refused is returned.
    """
    fault: PeerBrokeProtocol | None = None
    for signed in sorted(orders, key=order_number):
        try:
            _obey_one(installation, signed)
        except PeerBrokeProtocol as e:
            _refuse(installation, refused_order(signed, e))
            fault = fault or e
    return fault


def _obey_one(installation: Installation, signed: Signed) -> None:
    identity, contact = installation.identity, installation.contact
    order = open_order(
        signed,
        installation.trust.answer_key,
        authority=identity.authority,
        device=identity.device,
        generation=identity.generation,
    )
    require_in_turn(order, orders_seen=contact.orders_seen, obeyed=contact.kinds_obeyed)
    if order.number <= contact.orders_seen:
        _confirm_again(installation, order)
    elif order.kind == "wipe":
        installation.folder.store(WIPE, StoredWipe(signed))
        wipe(installation, order)
    else:
        _confirm(installation, order)


def _refuse(installation: Installation, refused: RefusedOrder) -> None:
    """Remember to tell the server, once. The next request does: few wait, as one answer has."""
    contact = installation.contact
    if refused not in (*contact.refused_orders, *contact.refusals_told):
        installation.keep(refused_orders=(*contact.refused_orders, refused))


def is_wiped(installation: Installation) -> bool:
    """Whether the device was ordered to wipe itself, however far it has come."""
    return installation.folder.read(WIPE) is not None


def go_on(installation: Installation) -> None:
    """Continue a wipe that was interrupted, if there is one. Where the disk refuses, the next start
    does: nothing is read meanwhile, and what is left is delivered."""
    order = _not_done(installation)
    if order is not None:
        with suppress(LocalDataDamaged):
            wipe(installation, order)


def _not_done(installation: Installation) -> Order | None:
    """The order to wipe that has not been carried out; ``None`` too for one that cannot be read,
    which comes again."""
    with suppress(LocalDataDamaged):
        stored = installation.folder.load(WIPE, StoredWipe)
        if stored is not None:
            order = decode(Order, stored.order.payload, max_bytes=MAX_SIGNED_BYTES)
            return order if order.number > installation.contact.orders_seen else None
    return None


def wipe(installation: Installation, order: Order) -> None:
    """Erase all that reads, then all that is read, then say so. May be repeated at any point.
    Whoever waits for the server makes nothing of its answer: no keys are there afterwards."""
    installation.guard.break_off(wiped("What it still has to deliver is being delivered."))
    people = installation.practitioners()
    installation.folder.erase(
        *(lease_file(each) for each in people),
        *(vault_file(each) for each in people),
        *(store_key_file(each) for each in people),
        JOINING,
        HAND_OVER,
    )
    installation.erase_device_secret()
    installation.folder.remove(TIME_ASKED, *installation.folder.names(REDEEMING))
    installation.folder.remove(*(attempts_file(each) for each in people))
    installation.lose_copies()
    _confirm(installation, order)


def leave(installation: Installation) -> bool:
    """Erase identity, outbox and journal of a wiped device once they are delivered; say if so."""
    contact, journal = installation.contact, installation.journal
    delivered = journal.is_delivered(contact.journal_next, contact.journal_epoch)
    to_tell = contact.receipts or contact.refused_orders or _not_done(installation)
    if to_tell or installation.outbox.undelivered() or not delivered:
        return False
    _erase_the_rest(installation.folder)
    return True


def is_gone(folder: Folder) -> bool:
    """Whether a wiped device has delivered everything and erased its identity."""
    return folder.read(IDENTITY) is None and folder.read(WIPE) is not None


def require_not_gone(folder: Folder) -> None:
    """``AccessClosed("wiped")`` for the folder of a device that is gone."""
    if is_gone(folder):
        _erase_the_rest(folder)
        raise gone()


def gone() -> AccessClosed:
    """What is left to say of a device that is gone."""
    return wiped("All that it had to deliver has been delivered.")


def wiped(more: str) -> AccessClosed:
    """What a wiped device answers."""
    return AccessClosed(
        "wiped",
        f"This device was wiped by its administrator. {more}",
        next_step="Ask your sync administrator; to work again, enrol anew in another folder.",
    )


def _confirm_again(installation: Installation, order: Order) -> None:
    """An order that is repeated though its receipt was taken: a restore has lost the receipt."""
    waiting = (
        decode(Receipt, signed.payload, max_bytes=MAX_SIGNED_BYTES)
        for signed in installation.contact.receipts
    )
    if all(receipt.number != order.number for receipt in waiting):
        _confirm(installation, order)


def _confirm(installation: Installation, order: Order) -> None:
    """Remember that an order was obeyed, together with the receipt that says so."""
    contact = installation.contact
    obeyed = {**contact.kinds_obeyed, order.number: order.kind}
    receipt = Receipt(
        authority=order.authority,
        device=order.device,
        generation=order.generation,
        number=order.number,
        kind=order.kind,
        done_at=installation.clock.estimate(),
        journal_size=installation.journal.size,
    )
    installation.keep(
        receipts=(*contact.receipts, sign(receipt, signing_key(installation.identity.seed))),
        orders_seen=max(order.number, contact.orders_seen),
        obeyed=tuple(Obeyed(number, obeyed[number]) for number in sorted(obeyed)[-MAX_OBEYED:]),
    )


def _erase_the_rest(folder: Folder) -> None:
    folder.erase(IDENTITY, COMING_BACK)  # first: without it there is no device any more
    folder.remove(*_LEFT_FOR_DELIVERY)
