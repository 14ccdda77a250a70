"""The way up: journal, edits and receipts, in as many requests as they need; and what each answer
tells the device, orders first."""

from __future__ import annotations

from contextlib import suppress

import msgspec

from fieldward_client.copies.hand_over import HAND_OVER
from fieldward_client.copies.store import stored_distribution
from fieldward_client.enrolled.installation import Installation
from fieldward_client.enrolled.practitioner import Practitioner
from fieldward_client.enrolled.wipe import is_wiped, obey, wiped
from fieldward_client.keys.identity import Acknowledged, with_acknowledgement
from fieldward_client.logs.journal import due_after
from fieldward_client.logs.outbox_content import SealedEdit
from fieldward_client.syncing.packing import fill
from fieldward_client.syncing.remains import confirms_more, remains
from fieldward_client.wire.patience import Patience
from fieldward_client.wire.report import EditVerdict, Progress, SyncProgress
from fieldward_sync.access import MAX_REFUSED_ORDERS, Access, Receipt, order_number
from fieldward_sync.encoding import decode, encode
from fieldward_sync.errors import (
    Error,
    LocalDataDamaged,
    PeerBrokeProtocol,
    RefusedByServer,
    RetryLater,
)
from fieldward_sync.journal import EntryItem, JournalItem
from fieldward_sync.messages import (
    MAX_ANSWER_BYTES,
    Held,
    HeldPartition,
    SyncAnswer,
    SyncRequest,
    Trust,
)
from fieldward_sync.signing import MAX_SIGNED_BYTES, Signed

PATH = "/v1/sync"


class Delivery:
    """The requests of one sync. What one answer settled stays settled if the next never comes."""

    def __init__(
        self,
        installation: Installation,
        practitioner: Practitioner | None,
        tell: Progress,
        patience: Patience,
    ) -> None:
        self._here = installation
        self._practitioner = practitioner
        # Who is locked out meanwhile has no keys any more, and what is under way is still theirs.
        self._caller = (practitioner or installation.identity).caller()
        self._tell = tell
        self._patience = patience
        self._sent: set[int] = set()
        self._journal_stuck = False
        self._said_left: tuple[HeldPartition, ...] | None = None
        self.answered = False
        self.fault: Error | None = None
        """What kept a part from being delivered, without stopping the rest."""
        self.look_ups = 0
        self.verdicts: list[EditVerdict] = []

    @property
    def edits(self) -> int:
        """How many edits were sent and answered."""
        return len(self._sent)

    def run(self) -> tuple[SyncAnswer, int]:
        """Deliver everything; the last answer, and the server's time with it."""
        self._seal_journal()
        while True:
            edits, items = self._edits_left(), self._items_left()
            request = fill(self._empty_request(), edits, self._here.outbox.boxes, items)
            self._said_left = request.held.partitions
            answer, server_time = self._exchange(request)
            taken = sum(len(part.entries) for part in request.edits)
            self._sent.update(edit.counter for edit in edits[:taken])
            self.look_ups += sum(isinstance(item, EntryItem) for item in request.journal)
            self._note(request, answer)
            self._obey(answer)
            self._tell_progress()
            unsent_receipts = set(self._here.contact.receipts) - set(request.receipts)
            if not (self._edits_left() or self._items_left() or unsent_receipts):
                return answer, server_time

    def confirm(self) -> None:
        """Say at once what is gone since the last request, so that an administrator knows of it
        even if the device does not come again. Without signal, the next sync says it."""
        left = self._held().partitions
        if left is None or not confirms_more(left, self._said_left or ()):
            return
        request = msgspec.structs.replace(self._empty_request(), next_hpke_key=None, warm_key=None)
        with suppress(RetryLater, RefusedByServer, PeerBrokeProtocol):
            answer, _ = self._exchange(request)
            self._note(request, answer)
            self._obey(answer)

    def go_on(self, journal_key: bytes) -> int:
        """Ask for the next generation, whose journal begins with this key; 0 if it is not given.
        ``PeerBrokeProtocol("generation-unbelievable")`` for one that this device was before, or is:
        its edits have their numbers already."""
        request = msgspec.structs.replace(
            self._empty_request(),
            next_hpke_key=None,
            warm_key=None,
            next_journal_key=journal_key,
        )
        answer, _ = self._exchange(request)
        self._note(request, answer)
        self._obey(answer)
        if 0 < answer.next_generation <= self._here.identity.generation:
            raise PeerBrokeProtocol(
                "generation-unbelievable", "The server names a generation that this device was."
            )
        return answer.next_generation

    def _seal_journal(self) -> None:
        try:
            self._here.journal.seal(self._here.clock.estimate())
        except LocalDataDamaged as e:
            self.fault = e  # what is good of it is delivered all the same

    def _edits_left(self) -> tuple[SealedEdit, ...]:
        undelivered = self._here.outbox.undelivered()
        return tuple(edit for edit in undelivered if edit.counter not in self._sent)

    def _items_left(self) -> tuple[JournalItem, ...]:
        contact = self._here.contact
        if self._journal_stuck:
            return ()
        return self._here.journal.due(contact.journal_next, contact.journal_epoch)

    def _empty_request(self) -> SyncRequest:
        here, contact, asking = self._here, self._here.contact, self._practitioner
        waits, renews = here.hand_over(), asking is not None and asking.is_open
        return SyncRequest(
            held=self._held(),
            trust_version=here.trust.version,
            journal=(),
            journal_size=here.journal.size,
            edits=(),
            receipts=contact.receipts,
            orders_seen=contact.orders_seen,
            pending_edits=len(here.outbox.undelivered()),
            more=False,
            next_hpke_key=asking.vault.next_public_key() if asking and renews else None,
            notices_read=asking.notices.read if asking else (),
            assurance=here.assurance,
            erased_leases=here.erased_leases(),
            next_journal_key=None,
            lost_edits=here.outbox.lost,
            refused_orders=contact.refused_orders,
            warm_key=asking.warm_keys.public_key() if asking and renews else None,
            hand_over=waits.held() if waits else None,
        )

    def _held(self) -> Held:
        here, asking = self._here, self._practitioner
        if asking is None:
            return Held(here.trust.incarnation, 0, b"", 0, None)
        distribution = stored_distribution(here.folder, here.identity, asking.id)
        lease, spent = asking.lease, here.journal.spent(asking.id)
        return Held(
            incarnation=distribution.incarnation if distribution else here.trust.incarnation,
            number=distribution.number if distribution else 0,
            lease=lease.lease_id if lease else b"",
            look_ups_left=lease.look_ups_left(spent) if lease else 0,
            partitions=remains(here, asking, distribution),
            warm=lease is not None and asking.warm_keys.came_with(lease),
        )

    def _exchange(self, request: SyncRequest) -> tuple[SyncAnswer, int]:
        here = self._here
        body, server_time = self._patience.until_let_in(
            lambda: here.line.post(PATH, encode(request), caller=self._caller)
        )
        self.answered = True
        return decode(SyncAnswer, body, max_bytes=MAX_ANSWER_BYTES), server_time

    def _note(self, request: SyncRequest, answer: SyncAnswer) -> None:
        """Remember what the answer says of the device as a whole, as one."""
        contact = self._here.contact
        for erased in request.erased_leases:
            self._here.ladder(erased.practitioner).told(erased.at)
        signed, trust = self._newer_trust(answer.trust)
        was_restored = trust.incarnation > self._here.trust.incarnation
        if was_restored:
            self._deliver_again(trust.incarnation, answer)
        # Who signed them is seen when they are obeyed: this only says which are repeated.
        waiting = {order_number(signed) for signed in answer.orders}
        before = (contact.journal_next, contact.journal_epoch)
        came = (answer.journal_next, answer.journal_epoch)
        self._here.counters.skip_edits(answer.edits_held)
        if not answer.parted:
            self._here.outbox.arrived(answer.edits_held)
        if answer.parted:
            # What is here is kept beside what is there: this request's is, the rest is still due.
            came = due_after(request.journal, before)
        elif request.journal and came == before:
            self._journal_stuck = True
        if not answer.parted and answer.journal_next > self._here.journal.size:
            self.fault = LocalDataDamaged(
                "journal-behind", "The server has look-ups of this device that are not here."
            )
        if trust.answer_key != self._here.trust.answer_key:
            # What a key signed that is trusted no more binds nobody: whoever stole it may have
            # given the highest number there is. An order that is obeyed once more does no harm.
            contact = msgspec.structs.replace(contact, orders_seen=0, obeyed=())
        # The next generation copies from the disk what this one has still to deliver.
        remember = self._here.keep if answer.parted else self._here.note
        remember(
            trust=signed,
            orders_seen=contact.orders_seen,
            obeyed=contact.obeyed,
            access=answer.access,
            suspended=answer.suspended,
            journal_next=came[0],
            journal_epoch=came[1],
            acknowledged=with_acknowledgement(
                () if was_restored else contact.acknowledged,
                Acknowledged(answer.backup, *came),
                kept_until=answer.kept_until,
            ),
            kept_until=answer.kept_until,
            receipts=tuple(
                receipt
                for receipt in contact.receipts
                if receipt not in request.receipts or _receipt(receipt).number in waiting
            ),
            refused_orders=tuple(
                each for each in contact.refused_orders if each not in request.refused_orders
            ),
            refusals_told=(*contact.refusals_told, *request.refused_orders)[-MAX_REFUSED_ORDERS:],
        )

    def _newer_trust(self, offered: Signed | None) -> tuple[Signed, Trust]:
        """The keys to trust from now on: newer ones, under the same root key (design §7)."""
        if offered is None:
            return self._here.contact.trust, self._here.trust
        trust = self._here.identity.open_trust(offered)
        trust.require_successor_of(self._here.trust)
        return offered, trust

    def _deliver_again(self, incarnation: int, answer: SyncAnswer) -> None:
        """The server came back from a backup: what it lacks of what it had acknowledged waits for
        delivery once more. Before the new trust is kept, so that a crash between forgets nothing.
        """
        self._sent -= self._here.outbox.begin_incarnation(incarnation, held=answer.edits_held)
        self._journal_stuck = False

    def _obey(self, answer: SyncAnswer) -> None:
        """Orders first; then what became of edits; then what revocation takes away."""
        try:
            refused: Error | None = obey(self._here, answer.orders)
        except LocalDataDamaged as e:
            if not is_wiped(self._here):
                raise
            refused = e  # the next start goes on with it, and what is left goes up now
        self.fault = self.fault or refused
        if is_wiped(self._here) and self._practitioner is not None:
            self._practitioner.close(wiped("What it still has to deliver is being delivered."))
            self._practitioner, self._caller = None, self._here.identity.caller()
        generation = self._here.identity.generation
        self.verdicts += (
            EditVerdict(generation, verdict.counter, verdict.outcome, verdict.code)
            for verdict in self._here.outbox.settle(answer.verdicts, backup=answer.backup)
        )
        waits = self._here.hand_over()
        if waits is not None and waits.invitation_id != answer.hand_over_id:
            self._here.folder.erase(HAND_OVER)
        if Access(answer.access) is Access.REVOKED:
            if self._practitioner is not None:
                self._practitioner.destroy_lease()
            self._here.lose_copies()

    def _tell_progress(self) -> None:
        done = self.edits + self.look_ups
        left = len(self._edits_left()) + sum(isinstance(i, EntryItem) for i in self._items_left())
        if done + left:
            self._tell(SyncProgress("deliver", done, done + left))


def _receipt(signed: Signed) -> Receipt:
    return decode(Receipt, signed.payload, max_bytes=MAX_SIGNED_BYTES)
