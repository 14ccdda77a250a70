"""An authority in memory: the other side of ``Transport``, with real keys and real sealing.

It keeps the protocol's rules but no database, and can be told to misbehave: stay silent, lose its
answers, cut files short, change what it says.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from functools import partial, reduce
from itertools import count
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from device_clock import DeviceClock
from fieldward_client import HttpAnswer, RetryLater
from fieldward_sync import digest
from fieldward_sync.access import RIGHTS, Access, Order, Receipt
from fieldward_sync.distribution import (
    Distribution,
    FileContext,
    FileEntry,
    FileKind,
    Manifest,
    OnLine,
    seal_file,
)
from fieldward_sync.encoding import MessageT, decode, encode
from fieldward_sync.errors import CallerMistake, PeerBrokeProtocol
from fieldward_sync.http_signatures import (
    read_request_signature,
    sign_answer,
    verify_request,
)
from fieldward_sync.images import Image, Segment
from fieldward_sync.invitations import Invitation, proof
from fieldward_sync.journal import (
    BoxItem,
    EntryItem,
    EpochSeal,
    JournalHead,
    LookUp,
    SealItem,
)
from fieldward_sync.keys import hpke_public_key
from fieldward_sync.leases import (
    EpochKey,
    Lease,
    LeaseGrant,
    LeaseSecrets,
    LeaseTerms,
    PartitionKeys,
    WarmKeys,
    seal_secrets,
    seal_warm_keys,
    secrets_info,
)
from fieldward_sync.messages import (
    DEVICE_KEY,
    EnrolAnswer,
    EnrolRequest,
    FeedPosition,
    HandOver,
    Held,
    JoinAnswer,
    JoinRequest,
    SyncAnswer,
    SyncRequest,
    Trust,
    Verdict,
    key_id,
)
from fieldward_sync.outbox import BoxHeader, open_as_authority
from fieldward_sync.problems import CROWDED, Crowded
from fieldward_sync.projection import conflicts, project
from fieldward_sync.records import Change, Edit, Proposal, Record, Value
from fieldward_sync.signing import Signed, public_key, sign
from fieldward_sync.time_codes import TimeStatement, read_challenge, time_code
from fieldward_sync.versions import Dot
from fieldward_sync.views import View
from fieldward_sync.ways import KEPT, Way

AUTHORITY = "E08000039"
SERVER = "server.1"
MAX_SIGNED = 1 << 20


class Refused(Exception):
    """A request that is answered with a problem."""

    def __init__(self, code: str, status: int = 403) -> None:
        super().__init__(code)
        self.code, self.status = code, status


@dataclass
class HeldRecord:
    """A record, and the numbers that its edits have in views."""

    record: Record
    numbers: dict[Dot, int] = field(default_factory=dict)

    def take(self, edit: Edit) -> int:
        """Merge an edit; its number."""
        self.record = self.record.with_edit(edit)
        return self.numbers.setdefault(edit.dot, len(self.numbers) + 1)

    def view(self) -> View:
        return project(self.record, self.numbers, len(self.numbers))


@dataclass
class HeldPartition:
    """A partition: who is in it, its keys, and what is published of it."""

    partition: str
    title: str
    members: list[str]
    way: Way = Way.OFFLINE
    feed: int = 0
    epoch: int = 1
    keys: dict[int, bytes] = field(default_factory=dict)
    digest_key: bytes = field(default_factory=partial(os.urandom, 32))
    image: FileEntry | None = None
    image_views: dict[str, View] = field(default_factory=dict)
    manifest: Manifest | None = None

    def key(self) -> bytes:
        return self.keys.setdefault(self.epoch, os.urandom(32))

    def ring(self) -> PartitionKeys:
        """What opens its files."""
        epochs = tuple(EpochKey(epoch, key) for epoch, key in self.keys.items())
        return PartitionKeys(self.partition, self.digest_key, epochs)

    def digest(self, views: Mapping[str, View]) -> bytes:
        elements = (
            digest.element(self.digest_key, v.record_id, v.revision, v.to_bytes())
            for v in views.values()
        )
        return reduce(digest.added, elements, digest.EMPTY)


@dataclass
class HeldPerson:
    """A practitioner on a device."""

    practitioner: str
    keys: list[bytes]
    """Their signing keys, the last in force: what was sealed under another still opens. Who is
    awaited has none yet."""
    granted: set[str]
    joined: JoinRequest | None = None
    """What they came with last, if they did not enrol the device."""
    hand_over_id: bytes = b""
    """The invitation that hands the device over to them, if one does."""
    hand_over_key: bytes = b""
    """The HPKE key that grows from its code."""
    taken: set[str] = field(default_factory=set)
    lease_secret: bytes = field(default_factory=partial(os.urandom, 32))
    lease_id: bytes = b""
    lease_issued: int = 0


@dataclass
class HeldDevice:
    """An enrolled device with its practitioners."""

    device: str
    request: EnrolRequest
    answer: bytes
    journal: JournalHead
    people: dict[str, HeldPerson]
    generation: int = 1
    access: Access = Access.ACTIVE
    counters: set[int] = field(default_factory=set)
    boxes: dict[bytes, Signed] = field(default_factory=dict)
    entries: list[EntryItem] = field(default_factory=list)
    seals: list[SealItem] = field(default_factory=list)
    orders: list[Signed] = field(default_factory=list)
    receipts: list[Receipt] = field(default_factory=list)
    verdicts: dict[int, tuple[Proposal, Verdict]] = field(default_factory=dict)
    requests: list[SyncRequest] = field(default_factory=list)

    @property
    def awaited(self) -> HeldPerson | None:
        """Who is to come and has not been heard."""
        return next((each for each in self.people.values() if not each.keys), None)

    def whose(self, header: Signed) -> tuple[HeldPerson, bytes]:
        """Who made a box, and the key that signed its header."""
        person = self.people[_read(BoxHeader, header).practitioner]
        for key in person.keys:
            with suppress(PeerBrokeProtocol):
                header.open(BoxHeader, key)
                return person, key
        raise Refused("box-unsigned")


class MemoryAuthority:
    """One authority's server, as far as a device can see it."""

    authority = "index.example"

    def __init__(self, clock: DeviceClock) -> None:
        self.clock = clock
        self.root, self.answer_key = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
        self.edit_seed, self.audit_seed = os.urandom(32), os.urandom(32)
        self.terms = LeaseTerms()
        self.state = 1
        self.records: dict[str, HeldRecord] = {}
        self.partitions: dict[str, HeldPartition] = {}
        self.devices: dict[str, HeldDevice] = {}
        self.files: dict[str, bytes] = {}
        self.inbox: list[tuple[Proposal, str]] = []
        self.log: list[str] = []
        """Every request that arrived."""
        self.offline = False
        self.loses_answers = 0
        """How many of the next answers get lost on their way."""
        self.cuts_files_after: int | None = None
        self.crowded_for = 0
        """How many more requests are told to wait in line for a second."""
        self.tampers: Callable[[HttpAnswer], HttpAnswer] = lambda answer: answer
        self.tampers_with_files: Callable[[bytes], bytes] = lambda sealed: sealed
        self.changes_answer: Callable[[SyncAnswer], SyncAnswer] = lambda answer: answer
        """Changes what is said before it is signed."""
        self.lease_refused = ""
        self._invitations: dict[bytes, tuple[Invitation, str, set[str]]] = {}
        self._server_edits = 0
        self.backup_begun = 0
        self.kept_until = 0
        self.trust_version = 1
        self.incarnation = 1
        self._carried_over: dict[str, int] = {}

    # --- What an administrator does ---------------------------------------------------------

    def load(self, record_id: str, **fields: Value) -> None:
        """Set fields of a record, in the server's name; ``__`` stands for ``/``, ``_`` for ``.``"""
        self.set_fields(record_id, {path.replace("_", "."): v for path, v in fields.items()})

    def set_fields(self, record_id: str, fields: Mapping[str, Value]) -> None:
        held = self.records.setdefault(record_id, HeldRecord(Record(record_id)))
        self._server_edits += 1
        changes = tuple(
            Change(path, value, tuple(live.dot for live in held.record.live.get(path, ())))
            for path, value in fields.items()
        )
        dot = Dot(SERVER, self._server_edits)
        held.take(Edit(dot, record_id, changes, None, self.clock.true_time))
        self._record_changed(record_id)

    def partition(self, partition: str, *members: str, title: str = "") -> None:
        """Create a partition and publish it."""
        self.partitions[partition] = HeldPartition(
            partition, title or f"Team {partition}", list(members), feed=1
        )
        self.publish(partition)

    def remove(self, partition: str, record_id: str) -> None:
        """Take a record out of a partition."""
        held = self.partitions[partition]
        held.members.remove(record_id)
        held.feed += 1

    def publish(self, partition: str, *, new_image: bool = False) -> None:
        """Seal what has changed, as an image or a segment, under a new manifest."""
        held = self.partitions[partition]
        views = {each: self.records[each].view() for each in held.members}
        if held.image is None or new_image:
            with_image = Image.build(views.values())
            held.image = self._seal(held, "image", with_image.to_bytes(), feed_from=0)
            held.image_views = views
            with_image.close()
            files: tuple[FileEntry, ...] = (held.image,)
        else:
            files = (held.image, self._segment(held, views))
        held.manifest = Manifest(
            partition=partition,
            title=held.title,
            feed=held.feed,
            records=len(views),
            image_digest=held.digest(held.image_views),
            digest=held.digest(views),
            made=self.clock.true_time,
            files=files,
        )
        self.state += 1

    def publish_all(self) -> None:
        for partition in self.partitions:
            self.publish(partition)

    def invite(self, practitioner: str, *partitions: str) -> str:
        """An invitation code."""
        invitation = Invitation.new(os.urandom(11), public_key(self.root))
        self._invitations[invitation.invitation_id] = (invitation, practitioner, set(partitions))
        return invitation.code()

    def hand_over(self, device: str, practitioner: str) -> str:
        """The code that hands a device over to another practitioner, who holds the same."""
        held, granted = self.devices[device], {*self._only_one(device).granted}
        invitation = Invitation.new(os.urandom(16), public_key(self.root))
        seed = invitation.hand_over_seed(
            authority=AUTHORITY,
            device=device,
            generation=held.generation,
            practitioner=practitioner,
        )
        self._invitations[invitation.invitation_id] = (invitation, practitioner, granted)
        held.people[practitioner] = HeldPerson(
            practitioner,
            keys=[],
            granted=granted,
            hand_over_id=invitation.invitation_id,
            hand_over_key=hpke_public_key(seed),
        )
        return invitation.code()

    def take_grant(self, device: str, partition: str) -> None:
        """The device's practitioner loses a partition; its next epoch begins."""
        person = self._only_one(device)
        person.granted.remove(partition)
        person.taken.add(partition)
        self.partitions[partition].epoch += 1
        person.lease_id = b""  # the key ring has changed
        self.state += 1

    def give_grant(self, device: str, partition: str) -> None:
        person = self._only_one(device)
        person.granted.add(partition)
        person.taken.discard(partition)
        person.lease_id = b""
        self.state += 1

    def _only_one(self, device: str) -> HeldPerson:
        (person,) = self.devices[device].people.values()
        return person

    def hold(self, partition: str, way: Way) -> None:
        """Have a partition held in another way; its next epoch begins."""
        self.partitions[partition].way = way
        self.partitions[partition].epoch += 1
        for held in self.devices.values():
            for person in held.people.values():
                person.lease_id = b""  # the key ring has changed
        self.state += 1

    def order(self, device: str, kind: str) -> None:
        """Order a device to pause, resume or wipe."""
        held = self.devices[device]
        order = Order(
            authority=AUTHORITY,
            device=device,
            generation=held.generation,
            number=len(held.orders) + len(held.receipts) + 1,
            kind=kind,  # type: ignore[arg-type]  # tests name the three kinds
            issued=self.clock.true_time,
        )
        held.orders.append(sign(order, self.answer_key))

    def time_code(self, device: str, shown: str, *, generation: int = 1) -> str:
        """The code that the office gives for what a device shows."""
        challenge, now = read_challenge(shown), self.clock.true_time
        return time_code(
            TimeStatement(AUTHORITY, device, generation, challenge, now), self.answer_key
        )

    def trust(self) -> Trust:
        return Trust(
            authority=AUTHORITY,
            incarnation=self.incarnation,
            version=self.trust_version,
            issued=1,
            answer_key=public_key(self.answer_key),
            edit_key=hpke_public_key(self.edit_seed),
            audit_key=hpke_public_key(self.audit_seed),
        )

    def look_ups(self, device: str) -> list[LookUp]:
        """What the audit process reads in a device's journal."""
        held = self.devices[device]
        opened = []
        for item in held.entries:
            header = item.read_header()
            signed = held.boxes[header.box]
            _, key = held.whose(signed)
            box = open_as_authority(signed, practitioner_key=key, seed=self.audit_seed)
            body = box.open_entry(header.index, item.body)
            opened.append(decode(LookUp, body, max_bytes=MAX_SIGNED))
        return opened

    def value(self, record_id: str, path: str) -> Value:
        (live,) = self.records[record_id].record.live[path]
        return live.value

    def back_up(self) -> tuple[object, ...]:
        """A copy of what there is, to come back to."""
        self.backup_begun += 1
        return copy.deepcopy((self.records, self.partitions, self.devices, self.backup_begun))

    def restore(self, backup: tuple[object, ...]) -> None:
        """Come back to a copy, in the next incarnation."""
        kept: Any = copy.deepcopy(backup)
        self.records, self.partitions, self.devices, self.backup_begun = kept
        self.incarnation += 1
        self.trust_version += 1
        self._carried_over = {each: len(held.numbers) for each, held in self.records.items()}
        for partition in self.partitions:
            self.publish(partition, new_image=True)

    # --- The port ---------------------------------------------------------------------------

    def post(
        self, path: str, *, body: bytes, headers: Mapping[str, str], max_bytes: int
    ) -> HttpAnswer:
        if self.offline:
            raise RetryLater("offline", "There is no signal.")
        self.log.append(f"POST {path}")
        answer = self.tampers(self._answer(path, body, headers))
        if self.loses_answers:
            self.loses_answers -= 1
            raise RetryLater("offline", "The answer was lost.")
        return answer

    def fetch(self, path: str, *, offset: int) -> Iterator[tuple[int, bytes]]:
        if self.offline:
            raise RetryLater("offline", "There is no signal.")
        self.log.append(f"GET {path.rpartition('/')[2][:8]} from {offset}")
        if self.crowded_for:
            self.crowded_for -= 1
            raise Crowded(1)
        if path.rpartition("/")[2] not in self.files:
            raise RetryLater("file-unavailable", "The file is not there.")
        sealed = self.tampers_with_files(self.files[path.rpartition("/")[2]])
        if offset >= len(sealed):
            raise RetryLater("file-unavailable", "The file has no such range.")
        for start in range(offset, len(sealed), 1000):
            if self.cuts_files_after is not None and start - offset >= self.cuts_files_after:
                raise RetryLater("offline", "The connection broke.")
            yield start, sealed[start : start + 1000]

    def _answer(self, path: str, body: bytes, headers: Mapping[str, str]) -> HttpAnswer:
        headers = {name.lower(): value for name, value in headers.items()}
        try:
            if self.crowded_for:
                self.crowded_for -= 1
                raise Refused(CROWDED, status=503)
            status, answer = 200, self._handle(path, body, headers)
        except Refused as e:
            last = max((c for d in self.devices.values() for c in d.counters), default=0)
            problem = {"code": e.code, "detail": "No.", "next_step": "", "last_counter": last}
            status, answer = e.status, msgspec.json.encode(problem)
        signed = sign_answer(
            status=status,
            body=answer,
            request_signature=headers["signature"],
            now=self.clock.true_time,
            key=self.answer_key,
            key_id=f"{AUTHORITY}/answer",
        )
        return HttpAnswer(status, signed | ({"retry-after": "1"} if status == 503 else {}), answer)

    def _handle(self, path: str, body: bytes, headers: Mapping[str, str]) -> bytes:
        signature = read_request_signature(headers)
        verify = partial(
            verify_request,
            signature,
            method="POST",
            authority=self.authority,
            path=path,
            query="",
            body=body,
        )
        if path == "/v1/enrol":
            request = decode(EnrolRequest, body, max_bytes=MAX_SIGNED)
            verify(public_key=request.device_key)
            return self._enrol(request)
        held, person = self._caller(signature.key_id)
        verify(public_key=person.keys[-1] if person else held.request.device_key)
        self._check_time(signature.created)
        if signature.counter in held.counters:
            raise Refused("counter-used", 409)
        held.counters.add(signature.counter)
        if path == "/v1/join":
            return self._join(held, decode(JoinRequest, body, max_bytes=MAX_SIGNED))
        sync_request = decode(SyncRequest, body, max_bytes=64 * 1024)
        held.requests.append(sync_request)
        return encode(self.changes_answer(self._sync(held, person, sync_request)))

    def _check_time(self, created: int) -> None:
        if abs(created - self.clock.true_time) > 300:
            raise Refused("clock-skew", 401)

    def _caller(self, named: str) -> tuple[HeldDevice, HeldPerson | None]:
        device = named.split("/")[1]
        held = self.devices[device]
        roles = {
            key_id(AUTHORITY, device, held.generation, role): held.people.get(role)
            for role in (DEVICE_KEY, *held.people)
        }
        return held, roles[named]

    # --- Enrolment --------------------------------------------------------------------------

    def _enrol(self, request: EnrolRequest) -> bytes:
        if request.invitation_id not in self._invitations:
            raise Refused("invitation-unknown")
        invitation, practitioner, partitions = self._invitations[request.invitation_id]
        if request.proof != proof(invitation.proof_key, request.statement()):
            raise Refused("proof-wrong")
        for held in self.devices.values():
            if held.request.invitation_id == request.invitation_id:
                if held.request != request:
                    raise Refused("invitation-used")
                return held.answer
        device = f"d-{len(self.devices) + 1}"
        answer = encode(
            EnrolAnswer(
                authority=AUTHORITY,
                device=device,
                generation=1,
                practitioner=practitioner,
                root_key=public_key(self.root),
                trust=sign(self.trust(), self.root),
            )
        )
        head = JournalHead.first(device, 1, request.journal_key)
        person = HeldPerson(practitioner, [request.practitioner_key], partitions)
        self.devices[device] = HeldDevice(device, request, answer, head, {practitioner: person})
        return answer

    def _join(self, held: HeldDevice, request: JoinRequest) -> bytes:
        if request.invitation_id not in self._invitations:
            raise Refused("invitation-unknown")
        invitation, practitioner, partitions = self._invitations[request.invitation_id]
        statement = request.statement(device=held.device, generation=held.generation)
        if request.proof != proof(invitation.proof_key, statement):
            raise Refused("proof-wrong")
        person = held.people.setdefault(practitioner, HeldPerson(practitioner, [], set()))
        if person.joined is None or person.joined.invitation_id != request.invitation_id:
            person.joined = request
            person.keys.append(request.practitioner_key)
            person.granted |= partitions
            person.lease_id = b""
            self.state += 1
        elif person.joined != request:
            raise Refused("invitation-used")
        return encode(JoinAnswer(practitioner))

    # --- Sync -------------------------------------------------------------------------------

    def _sync(
        self, held: HeldDevice, person: HeldPerson | None, request: SyncRequest
    ) -> SyncAnswer:
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
        older = request.trust_version < self.trust_version
        return SyncAnswer(
            access=held.access.value,
            journal_next=held.journal.size,
            journal_epoch=held.journal.epoch,
            edits_held=next(n for n in count() if n + 1 not in held.verdicts),
            verdicts=verdicts,
            orders=tuple(held.orders),
            trust=sign(self.trust(), self.root) if older else None,
            lease=lease,
            lease_refused=self.lease_refused if request.next_hpke_key else "",
            distribution=distribution,
            backup=self.backup_begun,
            kept_until=self.kept_until,
            warm_keys=warm,
            hand_over_id=awaited.hand_over_id if awaited else b"",
            hand_over=hand_over,
        )

    def _hand_over(
        self, held: HeldDevice, awaited: HeldPerson, request: SyncRequest
    ) -> HandOver | None:
        if request.hand_over is not None:
            return None
        asked = msgspec.structs.replace(
            request,
            held=Held(self.incarnation, 0, b"", 0, ()),
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
                    if _read(EpochSeal, item.seal).epoch > held.journal.epoch:
                        return
                    if _read(EpochSeal, item.seal).epoch < held.journal.epoch:
                        assert item in held.seals, "a fork"
                        continue
                    held.journal = held.journal.take_seal(item)
                    held.seals.append(item)

    def _take_edits(
        self, held: HeldDevice, header: Signed, first: int, entries: tuple[bytes, ...]
    ) -> Iterator[Verdict]:
        person, key = held.whose(header)
        box = open_as_authority(header, practitioner_key=key, seed=self.edit_seed)
        for index, sealed in enumerate(entries, start=first):
            proposal = decode(Proposal, box.open_entry(index, sealed), max_bytes=MAX_SIGNED)
            known = held.verdicts.get(proposal.counter)
            if known is None:
                known = proposal, self._judge(held, person, proposal)
                held.verdicts[proposal.counter] = known
            assert known[0] == proposal, "a dot was used twice"
            yield known[1]

    def _judge(self, held: HeldDevice, person: HeldPerson, proposal: Proposal) -> Verdict:
        covered = {p for p in person.granted if proposal.record_id in self.partitions[p].members}
        if not RIGHTS[held.access].edits_merge:
            return self._refuse(proposal, "revoked")
        if not covered:
            return self._refuse(proposal, "out-of-scope")
        record = self.records[proposal.record_id]
        shown = {number: dot for dot, number in record.numbers.items()}
        if proposal.incarnation < self.incarnation:
            limit = self._carried_over[proposal.record_id]
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
        self._record_changed(proposal.record_id)
        open_paths = {change.path for change in proposal.changes} & set(conflicts(record.record))
        feeds = tuple(FeedPosition(p, self.partitions[p].feed) for p in sorted(covered))
        return Verdict(proposal.counter, number, "conflict" if open_paths else "merged", "", feeds)

    def _refuse(self, proposal: Proposal, code: str) -> Verdict:
        self.inbox.append((proposal, code))
        return Verdict(proposal.counter, 0, "refused", code, ())

    def _record_changed(self, record_id: str) -> None:
        for partition in self.partitions.values():
            if record_id in partition.members:
                partition.feed += 1

    def _take_receipts(self, held: HeldDevice, request: SyncRequest) -> None:
        for signed in request.receipts:
            receipt = signed.open(Receipt, held.request.device_key)
            still_open = [o for o in held.orders if _read(Order, o).number != receipt.number]
            if len(still_open) < len(held.orders):
                held.receipts.append(receipt)
                held.orders = still_open

    def _renew(
        self, held: HeldDevice, person: HeldPerson, request: SyncRequest
    ) -> tuple[LeaseGrant | None, bytes | None]:
        granted = [self.partitions[p] for p in sorted(person.granted)]
        warm = [each for each in granted if each.way is Way.WARM]
        due = (
            request.held.lease != person.lease_id
            or not person.lease_id
            or self.clock.true_time >= person.lease_issued + self.terms.closes_seconds // 8
            or request.held.look_ups_left * 8 <= self.terms.look_ups * 7
            or (warm and not request.held.warm)
        )
        complete = held.journal.size == held.journal.sealed_size == request.journal_size
        if request.next_hpke_key is None or not (due and complete and RIGHTS[held.access].renew):
            return None, None
        if self.lease_refused:
            return None, None
        person.lease_id, person.lease_issued = os.urandom(16), self.clock.true_time
        secrets = LeaseSecrets(
            lease_secret=person.lease_secret,
            ring=tuple(each.ring() for each in granted if KEPT[each.way].keys_on_disk),
        )
        info = secrets_info(
            authority=AUTHORITY,
            incarnation=self.incarnation,
            lease_id=person.lease_id,
            device=held.device,
            generation=held.generation,
            practitioner=person.practitioner,
        )
        sealed, secrets_hash = seal_secrets(secrets, request.next_hpke_key, info=info)
        now = self.clock.true_time
        lease = Lease(
            authority=AUTHORITY,
            incarnation=self.incarnation,
            lease_id=person.lease_id,
            device=held.device,
            generation=held.generation,
            practitioner=person.practitioner,
            issued=now,
            warns=now + self.terms.warning_seconds,
            closes=now + self.terms.closes_seconds,
            destroys=now + self.terms.destroys_seconds,
            look_ups=self.terms.look_ups,
            idle_seconds=self.terms.idle_seconds,
            secrets_hash=secrets_hash,
        )
        keys = None
        if warm and request.warm_key is not None:
            ring = WarmKeys(tuple(each.ring() for each in warm))
            keys = seal_warm_keys(ring, request.warm_key, lease)
        return LeaseGrant(sign(lease, self.answer_key), sealed), keys

    def _distribute(
        self, held: HeldDevice, person: HeldPerson, request: SyncRequest
    ) -> Signed | None:
        if request.held.number == self.state or not RIGHTS[held.access].pull:
            return None
        granted = [self.partitions[p] for p in sorted(person.granted)]
        published = (each.manifest for each in granted if KEPT[each.way].files)
        return sign(
            Distribution(
                authority=AUTHORITY,
                incarnation=self.incarnation,
                device=held.device,
                generation=held.generation,
                practitioner=person.practitioner,
                number=self.state,
                issued=self.clock.true_time,
                expires=self.clock.true_time + 86_400,
                manifests=tuple(manifest for manifest in published if manifest is not None),
                lost=tuple(sorted(person.taken)),
                on_line=tuple(
                    OnLine(each.partition, each.title)
                    for each in granted
                    if not KEPT[each.way].files
                ),
                warm=tuple(each.partition for each in granted if each.way is Way.WARM),
            ),
            self.answer_key,
        )

    # --- Sealing ----------------------------------------------------------------------------

    def _segment(self, held: HeldPartition, views: Mapping[str, View]) -> FileEntry:
        before = held.image_views
        changed = [view for each, view in views.items() if view != before.get(each)]
        assert held.image is not None
        with closing(Segment.build(changed, gone=before.keys() - views.keys())) as segment:
            body = segment.to_bytes()
        return self._seal(held, "segment", body, feed_from=held.image.context.feed_to)

    def _seal(
        self, held: HeldPartition, kind: FileKind, body: bytes, *, feed_from: int
    ) -> FileEntry:
        context = FileContext(
            authority=AUTHORITY,
            incarnation=self.incarnation,
            partition=held.partition,
            epoch=held.epoch,
            kind=kind,
            feed_from=feed_from,
            feed_to=held.feed,
        )
        sealed, entry = seal_file(body, context=context, key=held.key(), entropy=os.urandom)
        self.files[entry.name] = sealed
        return entry


def _read(kind: type[MessageT], signed: Signed) -> MessageT:
    return decode(kind, signed.payload, max_bytes=MAX_SIGNED)


__all__ = ["AUTHORITY", "HeldDevice", "MemoryAuthority", "PeerBrokeProtocol"]
