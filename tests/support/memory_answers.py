"""What an authority in memory answers to devices: by the protocol's rules, from its books."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import count

import msgspec

from children import AUTHORITY
from fieldward_sync.access import RIGHTS, Order, Receipt
from fieldward_sync.distribution import Distribution, OnLine
from fieldward_sync.encoding import decode, encode
from fieldward_sync.errors import CallerMistake
from fieldward_sync.invitations import proof
from fieldward_sync.journal import BoxItem, EntryItem, EpochSeal, JournalHead, SealItem
from fieldward_sync.leases import (
    Lease,
    LeaseGrant,
    LeaseSecrets,
    WarmKeys,
    seal_secrets,
    seal_warm_keys,
    secrets_info,
)
from fieldward_sync.messages import (
    EnrolAnswer,
    EnrolRequest,
    FeedPosition,
    HandOver,
    Held,
    JoinAnswer,
    JoinRequest,
    SyncAnswer,
    SyncRequest,
    Verdict,
)
from fieldward_sync.outbox import BoxHeader, open_as_authority
from fieldward_sync.projection import conflicts
from fieldward_sync.records import Proposal
from fieldward_sync.signing import Signed, public_key, sign
from fieldward_sync.ways import KEPT, Way
from memory_books import MemoryBooks
from memory_holdings import MAX_SIGNED, HeldDevice, HeldPerson, Refused, read_signed


class MemoryAnswers:
    """Answers requests whose signatures have been verified."""

    def __init__(self, books: MemoryBooks) -> None:
        self._books = books

    def enrol(self, request: EnrolRequest) -> bytes:
        """A device comes, or comes again because it has not heard the answer."""
        practitioner, partitions = self._invited(request, request.statement())
        for held in self._books.devices.values():
            if held.request.invitation_id == request.invitation_id:
                if held.request != request:
                    raise Refused("invitation-used")
                return held.answer
        device = f"d-{len(self._books.devices) + 1}"
        answer = encode(
            EnrolAnswer(
                authority=AUTHORITY,
                device=device,
                generation=1,
                practitioner=practitioner,
                root_key=public_key(self._books.root),
                trust=sign(self._books.trust(), self._books.root),
            )
        )
        head = JournalHead.first(device, 1, request.journal_key)
        person = HeldPerson(practitioner, [request.practitioner_key], partitions)
        self._books.devices[device] = HeldDevice(
            device, request, answer, head, {practitioner: person}
        )
        return answer

    def join(self, held: HeldDevice, request: JoinRequest) -> bytes:
        """Somebody comes to a device, or comes again."""
        statement = request.statement(device=held.device, generation=held.generation)
        practitioner, partitions = self._invited(request, statement)
        person = held.people.setdefault(practitioner, HeldPerson(practitioner, [], set()))
        if person.joined is None or person.joined.invitation_id != request.invitation_id:
            person.joined = request
            person.keys.append(request.practitioner_key)
            person.granted |= partitions
            person.lease_id = b""
            self._books.state += 1
        elif person.joined != request:
            raise Refused("invitation-used")
        return encode(JoinAnswer(practitioner))

    def sync(self, held: HeldDevice, person: HeldPerson | None, request: SyncRequest) -> SyncAnswer:
        """Take what a device delivers; give a person, if one asks, what they may hold."""
        self._take_journal(held, request)
        verdicts = tuple(
            verdict
            for part in request.edits
            for verdict in self._take_edits(held, part.header, part.first, part.entries)
        )
        self._take_receipts(held, request)
        lease = warm = distribution = hand_over = None
        awaited = held.awaited
        if person and not request.more:
            hand_over = self._hand_over(held, awaited, request) if awaited else None
            lease, warm = self._renew(held, person, request)
            distribution = self._distribute(held, person, request)
        older = request.trust_version < self._books.trust_version
        return SyncAnswer(
            access=held.access.value,
            journal_next=held.journal.size,
            journal_epoch=held.journal.epoch,
            edits_held=next(n for n in count() if n + 1 not in held.verdicts),
            verdicts=verdicts,
            orders=tuple(held.orders),
            trust=sign(self._books.trust(), self._books.root) if older else None,
            lease=lease,
            lease_refused=self._books.lease_refused if request.next_hpke_key else "",
            distribution=distribution,
            backup=self._books.backup_begun,
            kept_until=self._books.kept_until,
            warm_keys=warm,
            hand_over_id=awaited.hand_over_id if awaited else b"",
            hand_over=hand_over,
        )

    def _invited(
        self, request: EnrolRequest | JoinRequest, statement: bytes
    ) -> tuple[str, set[str]]:
        """Whom a request's invitation names, and what they may hold."""
        if request.invitation_id not in self._books.invitations:
            raise Refused("invitation-unknown")
        invitation, practitioner, partitions = self._books.invitations[request.invitation_id]
        if request.proof != proof(invitation.proof_key, statement):
            raise Refused("proof-wrong")
        return practitioner, partitions

    def _hand_over(
        self, held: HeldDevice, awaited: HeldPerson, request: SyncRequest
    ) -> HandOver | None:
        if request.hand_over is not None:
            return None
        asked = msgspec.structs.replace(
            request,
            held=Held(self._books.incarnation, 0, b"", 0, ()),
            next_hpke_key=awaited.hand_over_key,
            warm_key=None,
        )
        grant, _ = self._renew(held, awaited, asked)
        listed = self._distribute(held, awaited, asked)
        return HandOver(awaited.hand_over_id, grant, listed) if grant and listed else None

    def _take_journal(self, held: HeldDevice, request: SyncRequest) -> None:
        for item in request.journal:
            match item:
                case BoxItem():
                    _, key = held.whose(item.header)
                    held.boxes[item.header.open(BoxHeader, key).box] = item.header
                case EntryItem():
                    sequence = item.read_header().sequence
                    if sequence > held.journal.size:
                        return  # a gap: the answer says what is due
                    if sequence < held.journal.size:
                        assert held.entries[sequence] == item, "a fork"
                        continue
                    held.journal = held.journal.take_entry(item)
                    held.entries.append(item)
                case SealItem():
                    if read_signed(EpochSeal, item.seal).epoch > held.journal.epoch:
                        return
                    if read_signed(EpochSeal, item.seal).epoch < held.journal.epoch:
                        assert item in held.seals, "a fork"
                        continue
                    held.journal = held.journal.take_seal(item)
                    held.seals.append(item)

    def _take_edits(
        self, held: HeldDevice, header: Signed, first: int, entries: tuple[bytes, ...]
    ) -> Iterator[Verdict]:
        person, key = held.whose(header)
        box = open_as_authority(header, practitioner_key=key, seed=self._books.edit_seed)
        for index, sealed in enumerate(entries, start=first):
            proposal = decode(Proposal, box.open_entry(index, sealed), max_bytes=MAX_SIGNED)
            known = held.verdicts.get(proposal.counter)
            if known is None:
                known = proposal, self._judge(held, person, proposal)
                held.verdicts[proposal.counter] = known
            assert known[0] == proposal, "a dot was used twice"
            yield known[1]

    def _judge(self, held: HeldDevice, person: HeldPerson, proposal: Proposal) -> Verdict:
        covered = {
            p for p in person.granted if proposal.record_id in self._books.partitions[p].members
        }
        if not RIGHTS[held.access].edits_merge:
            return self._refuse(proposal, "revoked")
        if not covered:
            return self._refuse(proposal, "out-of-scope")
        record = self._books.records[proposal.record_id]
        shown = {number: dot for dot, number in record.numbers.items()}
        if proposal.incarnation < self._books.incarnation:
            limit = self._books.carried_over[proposal.record_id]
            proposal = msgspec.structs.replace(
                proposal,
                changes=tuple(
                    msgspec.structs.replace(c, shown=tuple(n for n in c.shown if n <= limit))
                    for c in proposal.changes
                ),
            )
        try:
            edit = proposal.as_edit(device=held.device, generation=held.generation, shown=shown)
        except CallerMistake as e:
            return self._refuse(proposal, e.code)
        number = record.take(edit)
        self._books.record_changed(proposal.record_id)
        open_paths = {change.path for change in proposal.changes} & set(conflicts(record.record))
        feeds = tuple(FeedPosition(p, self._books.partitions[p].feed) for p in sorted(covered))
        return Verdict(proposal.counter, number, "conflict" if open_paths else "merged", "", feeds)

    def _refuse(self, proposal: Proposal, code: str) -> Verdict:
        self._books.inbox.append((proposal, code))
        return Verdict(proposal.counter, 0, "refused", code, ())

    def _take_receipts(self, held: HeldDevice, request: SyncRequest) -> None:
        for signed in request.receipts:
            receipt = signed.open(Receipt, held.request.device_key)
            still_open = [o for o in held.orders if read_signed(Order, o).number != receipt.number]
            if len(still_open) < len(held.orders):
                held.receipts.append(receipt)
                held.orders = still_open

    def _renew(
        self, held: HeldDevice, person: HeldPerson, request: SyncRequest
    ) -> tuple[LeaseGrant | None, bytes | None]:
        granted = [self._books.partitions[p] for p in sorted(person.granted)]
        warm = [each for each in granted if each.way is Way.WARM]
        due = (
            request.held.lease != person.lease_id
            or not person.lease_id
            or self._books.clock.true_time
            >= person.lease_issued + self._books.terms.closes_seconds // 8
            or request.held.look_ups_left * 8 <= self._books.terms.look_ups * 7
            or (warm and not request.held.warm)
        )
        complete = held.journal.size == held.journal.sealed_size == request.journal_size
        if request.next_hpke_key is None or not (due and complete and RIGHTS[held.access].renew):
            return None, None
        if self._books.lease_refused:
            return None, None
        person.lease_id, person.lease_issued = os.urandom(16), self._books.clock.true_time
        secrets = LeaseSecrets(
            lease_secret=person.lease_secret,
            ring=tuple(each.ring() for each in granted if KEPT[each.way].keys_on_disk),
        )
        info = secrets_info(
            authority=AUTHORITY,
            incarnation=self._books.incarnation,
            lease_id=person.lease_id,
            device=held.device,
            generation=held.generation,
            practitioner=person.practitioner,
        )
        sealed, secrets_hash = seal_secrets(secrets, request.next_hpke_key, info=info)
        now = self._books.clock.true_time
        lease = Lease(
            authority=AUTHORITY,
            incarnation=self._books.incarnation,
            lease_id=person.lease_id,
            device=held.device,
            generation=held.generation,
            practitioner=person.practitioner,
            issued=now,
            warns=now + self._books.terms.warning_seconds,
            closes=now + self._books.terms.closes_seconds,
            destroys=now + self._books.terms.destroys_seconds,
            look_ups=self._books.terms.look_ups,
            idle_seconds=self._books.terms.idle_seconds,
            secrets_hash=secrets_hash,
        )
        keys = None
        if warm and request.warm_key is not None:
            ring = WarmKeys(tuple(each.ring() for each in warm))
            keys = seal_warm_keys(ring, request.warm_key, lease)
        return LeaseGrant(sign(lease, self._books.answer_key), sealed), keys

    def _distribute(
        self, held: HeldDevice, person: HeldPerson, request: SyncRequest
    ) -> Signed | None:
        if request.held.number == self._books.state or not RIGHTS[held.access].pull:
            return None
        granted = [self._books.partitions[p] for p in sorted(person.granted)]
        published = (each.manifest for each in granted if KEPT[each.way].files)
        return sign(
            Distribution(
                authority=AUTHORITY,
                incarnation=self._books.incarnation,
                device=held.device,
                generation=held.generation,
                practitioner=person.practitioner,
                number=self._books.state,
                issued=self._books.clock.true_time,
                expires=self._books.clock.true_time + 86_400,
                manifests=tuple(manifest for manifest in published if manifest is not None),
                lost=tuple(sorted(person.taken)),
                on_line=tuple(
                    OnLine(each.partition, each.title)
                    for each in granted
                    if not KEPT[each.way].files
                ),
                warm=tuple(each.partition for each in granted if each.way is Way.WARM),
            ),
            self._books.answer_key,
        )
