"""A device that says to a service, without HTTP, exactly what a test wants it to say.

It is not the SDK: it keeps to the protocol by default, and every part of a request is a test's to
change.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from children import AUTHORITY
from fieldward_server.services.authentication import Caller, Received, authenticate
from fieldward_server.services.custody.device_reports import DeviceReport, show_device
from fieldward_server.services.custody.devices import set_access
from fieldward_server.services.custody.enrolment import enrol
from fieldward_server.services.custody.joining import join
from fieldward_server.services.custody.wipes import order_wipe
from fieldward_server.services.distribution.partitions import take
from fieldward_server.services.exchange.synchronisation import synchronise
from fieldward_server.services.look_ups.enquiries import enquire
from fieldward_server.storage import devices, signers
from fieldward_server.storage.devices import Device
from fieldward_sync.access import Access
from fieldward_sync.distribution import Distribution, open_file
from fieldward_sync.encoding import decode, encode
from fieldward_sync.enquiries import (
    Enquired,
    Enquirer,
    Enquiry,
    EnquiryRequest,
    open_answer,
    seal_enquiry,
)
from fieldward_sync.http_signatures import read_request_signature, sign_request
from fieldward_sync.images import Image, Segment, changed_digest
from fieldward_sync.invitations import proof, read_code
from fieldward_sync.journal import BoxItem, EntryItem, JournalHead, JournalItem, LookUp, SealItem
from fieldward_sync.keys import hpke_public_key
from fieldward_sync.leases import (
    NOTHING_SPENT,
    Lease,
    LeaseSecrets,
    WarmKeys,
    digest_key,
    open_secrets,
    open_warm_keys,
    partition_key,
    secrets_info,
)
from fieldward_sync.messages import (
    DEVICE_KEY,
    BoxPart,
    EnrolAnswer,
    EnrolRequest,
    Held,
    HeldPartition,
    JoinRequest,
    SyncAnswer,
    SyncRequest,
    Trust,
    Verdict,
    key_id,
)
from fieldward_sync.names import QUERY_ID_BYTES
from fieldward_sync.outbox import Box, new_box
from fieldward_sync.records import Proposal, ProposedChange, Value
from fieldward_sync.signing import public_key, sign, signing_key
from fieldward_sync.views import View

if TYPE_CHECKING:
    from service_world import World

HOST = "fieldward.test"
SYNC = "/v1/sync"
ENQUIRIES = "/v1/enquiries"


class FieldDevice:
    """A device with one practitioner. Its edits and look-ups wait until a sync is given them."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.identity, self.signing, self.epoch_key = (
            Ed25519PrivateKey.generate() for _ in range(3)
        )
        self.hpke_seed = os.urandom(32)
        self.counter = 0
        self.edit_counter = 0
        self.held = Held(0, 0, b"", 0, ())
        self.spent = NOTHING_SPENT
        self.distribution: Distribution | None = None
        self.lease: Lease | None = None
        self.secrets: LeaseSecrets | None = None
        self.lock()

    def lock(self) -> None:
        """Forget what is in memory alone."""
        self.warm_seed, self.warm = os.urandom(32), WarmKeys(())
        self.held = msgspec.structs.replace(self.held, warm=False)

    # --- Enrolment ---

    def enrol_request(self, code: str) -> EnrolRequest:
        """What introduces this device."""
        invitation = read_code(code)
        request = EnrolRequest(
            invitation_id=invitation.invitation_id,
            device_key=public_key(self.identity),
            practitioner_key=public_key(self.signing),
            journal_key=public_key(self.epoch_key),
            assurance="file",
            name="Tablet 7",
            proof=bytes(32),
        )
        return msgspec.structs.replace(
            request, proof=proof(invitation.proof_key, request.statement())
        )

    def enrol(self, code: str) -> None:
        """Enrol, and begin."""
        self.counter += 1
        answer, _ = enrol(
            self.world.platform,
            self.enrol_request(code),
            counter=self.counter,
            now=self.world.now,
        )
        self.begin(answer)

    def begin(self, answer: EnrolAnswer) -> None:
        """Be who the answer says, with an empty journal and a box of each kind."""
        self.authority, self.name, self.generation = (
            answer.authority,
            answer.device,
            answer.generation,
        )
        self.practitioner = answer.practitioner
        self.trust = answer.trust.open(Trust, answer.root_key)
        self.journal = JournalHead.first(self.name, self.generation, public_key(self.epoch_key))
        self.edits_box = self.box("edits")
        self.journal_box = self.box("journal")
        self.looked = 0
        self.typed = 0

    def join_request(self, code: str) -> JoinRequest:
        """What introduces somebody who comes to this device, with new keys."""
        invitation = read_code(code)
        self.signing = Ed25519PrivateKey.generate()
        request = JoinRequest(invitation.invitation_id, public_key(self.signing), bytes(32))
        statement = request.statement(device=self.name, generation=self.generation)
        return msgspec.structs.replace(request, proof=proof(invitation.proof_key, statement))

    def join(self, request: JoinRequest) -> str:
        """Who came, and works with this device from now on."""
        self.counter += 1
        with self.world.platform.storage.statements() as transaction:
            signer = signers.find(transaction, AUTHORITY, self.name, self.generation, DEVICE_KEY)
        assert signer is not None
        caller = Caller(signer, self.counter)
        answer = join(self.world.platform, caller, request, now=self.world.now)
        self.practitioner = answer.practitioner
        self.lease, self.held, self.distribution = None, Held(0, 0, b"", 0, ()), None
        return self.practitioner

    def stored(self) -> Device:
        """The device's row."""
        with self.world.platform.storage.reading() as transaction:
            found = devices.find(transaction, self.authority, self.name, self.generation)
        assert found is not None
        return found

    def box(self, kind: Any) -> Box:
        """A new box of this kind."""
        return new_box(
            kind,
            authority=self.authority,
            device=self.name,
            generation=self.generation,
            practitioner=self.practitioner,
            authority_key=self.trust.edit_key if kind == "edits" else self.trust.audit_key,
            store_key=bytes(32) if kind == "edits" else None,
            signing_key=self.signing,
            entropy=os.urandom,
        )

    # --- Calling ---

    def signed(
        self,
        body: bytes,
        *,
        role: str,
        counter: int,
        key: Ed25519PrivateKey | None = None,
        path: str = SYNC,
    ) -> dict[str, str]:
        """The headers of a signed request."""
        own = self.identity if role == DEVICE_KEY else self.signing
        return sign_request(
            method="POST",
            authority=HOST,
            path=path,
            query="",
            body=body,
            key=key or own,
            key_id=key_id(self.authority, self.name, self.generation, role),
            counter=counter,
            created=self.world.now,
        )

    def call(self, request: SyncRequest, *, role: str = "", counter: int = 0) -> SyncAnswer:
        """Sign a request, be authenticated, and be answered."""
        if not counter:
            self.counter += 1
        body = encode(request)
        caller = self.authenticated(body, role=role or self.practitioner, counter=counter)
        return synchronise(self.world.platform, caller, request, now=self.world.now).answer

    def authenticated(
        self, body: bytes = b"", *, role: str = "", counter: int = 0, path: str = SYNC
    ) -> Caller:
        """The caller that the service takes this device for."""
        headers = self.signed(
            body, role=role or self.practitioner, counter=counter or self.counter, path=path
        )
        return authenticate(
            self.world.platform,
            read_request_signature(headers),
            Received(method="POST", authority=HOST, path=path, query="", body=body),
            now=self.world.now,
        )

    def request(self, **changed: Any) -> SyncRequest:
        """A request that delivers nothing, unless told otherwise."""
        request = SyncRequest(
            held=self.held,
            trust_version=self.trust.version,
            journal=(),
            journal_size=self.journal.size,
            edits=(),
            receipts=(),
            orders_seen=0,
            pending_edits=0,
            more=False,
            next_hpke_key=hpke_public_key(self.hpke_seed),
            warm_key=hpke_public_key(self.warm_seed),
        )
        return msgspec.structs.replace(request, **changed)

    def loses(self, partition: str) -> None:
        """Have an administrator take a partition from its practitioner."""
        take(
            self.world.platform,
            authority=AUTHORITY,
            device=self.name,
            practitioner=self.practitioner,
            partition=partition,
            actor="test",
            reason="moved",
            now=self.world.now,
        )

    def sync(self, *, role: str = "", **changed: Any) -> SyncAnswer:
        """Sync, take what came, and hold it from now on."""
        answer = self.call(self.request(**changed), role=role)
        self.take(answer)
        return answer

    def take(self, answer: SyncAnswer) -> None:
        """Make the lease and distribution in an answer this device's own."""
        if answer.lease is not None:
            self.lease = answer.lease.open_lease(self.trust.answer_key)
            opened = open_secrets(
                answer.lease.sealed_secrets,
                self.hpke_seed,
                info=secrets_info(
                    authority=self.authority,
                    incarnation=self.lease.incarnation,
                    lease_id=self.lease.lease_id,
                    device=self.name,
                    generation=self.generation,
                    practitioner=self.practitioner,
                ),
            )
            self.secrets = decode(LeaseSecrets, opened, max_bytes=1 << 20)
            if answer.warm_keys is not None:
                self.warm = open_warm_keys(answer.warm_keys, self.warm_seed, self.lease)
            self.held = msgspec.structs.replace(
                self.held,
                lease=self.lease.lease_id,
                look_ups_left=self.lease.look_ups,
                warm=answer.warm_keys is not None,
            )
        if answer.distribution is not None:
            found = answer.distribution.open(Distribution, self.trust.answer_key)
            found.require_successor_of(self.distribution, now=self.world.now)
            self.distribution = found
            self.held = msgspec.structs.replace(
                self.held,
                incarnation=found.incarnation,
                number=found.number,
                partitions=tuple(
                    HeldPartition(each.partition, each.feed, each.files[0].context.feed_to)
                    for each in found.manifests
                ),
            )

    def contents(self, partition: str) -> dict[str, View]:
        """What this device can read of a partition, once its digest has been compared."""
        assert self.distribution is not None
        assert self.secrets is not None
        (manifest,) = [m for m in self.distribution.manifests if m.partition == partition]
        bodies, ring = [], (*self.secrets.ring, *self.warm.ring)
        for entry in manifest.files:
            path = self.world.platform.files.path(entry.name)
            assert path is not None
            key = partition_key(ring, partition, entry.context.epoch)
            bodies.append(open_file(path.read_bytes(), entry=entry, key=key))
        segments = [Segment.open(body) for body in bodies[1:]]
        with closing(Image.open(bodies[0])) as image:
            views = {view.record_id: view for view in image.views()}
            digest = changed_digest(
                image,
                segments,
                image_digest=manifest.image_digest,
                digest_key=digest_key(ring, partition),
            )
        assert digest == manifest.digest
        for segment in segments:
            views |= {view.record_id: view for view in segment.views()}
            for record_id in segment.gone:
                views.pop(record_id, None)
            segment.close()
        assert len(views) == manifest.records
        return views

    # --- Edits ---

    def proposal(
        self,
        record_id: str,
        path: str,
        value: Value,
        *,
        shown: Iterable[int] | None = None,
        **changed: Any,
    ) -> Proposal:
        """An edit of one field whose author was shown what stands there now."""
        self.edit_counter += 1
        if shown is None:
            shown = [live.number for live in self.world.view(record_id).at(path)]
        proposal = Proposal(
            counter=self.edit_counter,
            incarnation=1,
            record_id=record_id,
            changes=(ProposedChange(path, value, tuple(shown)),),
            practitioner=self.practitioner,
            made_at=self.world.now,
            reason="home-visit",
            base=self.world.revision(record_id),
        )
        return msgspec.structs.replace(proposal, **changed)

    def boxed(self, *proposals: Proposal | bytes) -> BoxPart:
        """Edits as they are delivered; bytes are sealed as they are."""
        first = self.typed
        self.typed += len(proposals)
        contents = [p if isinstance(p, bytes) else encode(p) for p in proposals]
        return BoxPart(
            header=self.edits_box.signed_header,
            first=first,
            entries=tuple(
                self.edits_box.seal_entry(index, content)
                for index, content in enumerate(contents, start=first)
            ),
        )

    def deliver(self, *proposals: Proposal | bytes) -> tuple[Verdict, ...]:
        """Deliver edits; the verdicts on them."""
        return self.sync(edits=(self.boxed(*proposals),)).verdicts

    def edit(self, record_id: str, path: str, value: Value, **changed: Any) -> Verdict:
        """Make one edit and deliver it."""
        (verdict,) = self.deliver(self.proposal(record_id, path, value, **changed))
        return verdict

    # --- Look-ups ---

    def look_up(self) -> EntryItem:
        """Look something up: the journal's next entry."""
        look_up = LookUp(
            action="search",
            outcome="nothing",
            practitioner=self.practitioner,
            on_behalf_of=None,
            reason="home-visit",
            at=self.world.now,
            terms={"family": f"name {self.looked}"},
            records=(),
            fields=(),
            query=bytes(QUERY_ID_BYTES),
        )
        body = self.journal_box.seal_entry(self.looked, encode(look_up))
        if self.lease is not None:
            self.spent = self.lease.spend(1, self.spent)
            left = self.lease.look_ups_left(self.spent)
            self.held = msgspec.structs.replace(self.held, look_ups_left=left)
        item = self.journal.entry(
            box=self.journal_box.header.box, index=self.looked, spent=self.spent, body=body
        )
        self.looked += 1
        self.journal = self.journal.take_entry(item)
        return item

    @property
    def enquirer(self) -> Enquirer:
        """Who asks on line."""
        return Enquirer(
            self.authority,
            self.trust.incarnation,
            self.name,
            self.generation,
            self.practitioner,
        )

    def enquiry(
        self,
        terms: Mapping[str, str] | None = None,
        *,
        record_id: str | None = None,
        **changed: Any,
    ) -> Enquiry:
        """A search by these terms, or one record to be opened."""
        enquiry = Enquiry(
            reason="duty-desk",
            on_behalf_of=None,
            query=os.urandom(QUERY_ID_BYTES),
            terms=dict(terms or {}),
            record_id=record_id,
            answer_key=hpke_public_key(self.hpke_seed),
        )
        return msgspec.structs.replace(enquiry, **changed)

    def handed_in(
        self, enquiry: Enquiry, *, role: str = "", counter: int = 0
    ) -> tuple[Caller, EnquiryRequest]:
        """An enquiry as it comes to the service, from whom that takes this device for."""
        if not counter:
            self.counter += 1
        request = seal_enquiry(enquiry, self.trust.edit_key, enquirer=self.enquirer)
        caller = self.authenticated(encode(request), role=role, counter=counter, path=ENQUIRIES)
        return caller, request

    def ask(self, enquiry: Enquiry, *, role: str = "", counter: int = 0) -> Enquired:
        """Ask on line, be authenticated, and be answered."""
        caller, request = self.handed_in(enquiry, role=role, counter=counter)
        answered = enquire(self.world.platform, caller, request, now=self.world.now)
        return open_answer(
            answered.answer, self.hpke_seed, query=enquiry.query, enquirer=self.enquirer
        )

    def enquire(self, **terms: str) -> Enquired:
        """Search the authority's whole index."""
        return self.ask(self.enquiry(terms))

    def open_on_line(self, record_id: str) -> Enquired:
        """Open one record of the authority's."""
        return self.ask(self.enquiry(record_id=record_id))

    def close_epoch(self, *, key: Ed25519PrivateKey | None = None) -> SealItem:
        """Close the journal's open epoch, with its own key unless told otherwise."""
        next_key = signing_key(os.urandom(32))
        closing = self.journal.closing(
            closed_at=self.world.now, next_public_key=public_key(next_key)
        )
        item = SealItem(sign(closing, self.epoch_key))
        self.journal = self.journal.take_seal(item)
        self.epoch_key = next_key
        return item if key is None else SealItem(sign(closing, key))

    def journalled(self, look_ups: int) -> tuple[JournalItem, ...]:
        """The box, so many look-ups, and the seal over them."""
        entries = [self.look_up() for _ in range(look_ups)]
        return (BoxItem(self.journal_box.signed_header), *entries, self.close_epoch())

    def report(self) -> DeviceReport:
        """What an administrator sees of this device."""
        return show_device(
            self.world.platform, authority=self.authority, device=self.name, now=self.world.now
        )

    # --- What administrators do to it ---

    def set_access(self, access: Access) -> None:
        """Pause, resume, drain or revoke it."""
        set_access(access=access, **self._command())

    def order_wipe(self) -> None:
        """Have it wipe itself, once it hears of it."""
        order_wipe(**self._command())

    def _command(self) -> dict[str, Any]:
        return {
            "platform": self.world.platform,
            "authority": self.authority,
            "device": self.name,
            "actor": "test",
            "reason": "test",
            "now": self.world.now,
        }
